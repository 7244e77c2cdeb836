"""One person on their way through the portal: by mouse or by keyboard alone, in a tab, a frame or a company's page.

What is pressed and typed is named by where it leads and what it is called in the form, so that the language is free.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyotp
from playwright.sync_api import Frame, FrameLocator, Locator, Page, expect

from service.store.database import connected
from service.store.models import TotpRow
from tests.browser.design.violations import violations

MOST_TABS = 60
FOCUS = """e => {
    const shown = getComputedStyle(e);
    const seen = (shown.outlineStyle !== "none" && parseFloat(shown.outlineWidth) > 0) || shown.boxShadow !== "none";
    return [e === document.activeElement, seen];
}"""


@dataclass
class Journey:
    """Where somebody is. `body` is what the portal shows: the page itself, or a frame in it.

    `axe` is empty where scripts are off, its own among them.
    """

    page: Page
    body: Page | FrameLocator
    axe: str
    keys: bool = False
    secret: str = ""
    codes: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    # Hands

    def press(self, target: str | Locator) -> None:
        """Press a link or a button."""
        found = self._one(target)
        if self.keys:
            self._tab_to(found)
            self.page.keyboard.press("Enter")
        else:
            found.click()

    def type(self, name: str, text: str) -> None:
        """Type into the field of this name."""
        found = self._one(f'input[name="{name}"]')
        if self.keys:
            self._tab_to(found)
            self.page.keyboard.insert_text(text)
        else:
            found.fill(text)

    def choose(self, name: str, value: str) -> None:
        """Choose from a list: by keyboard as everybody does, down from its beginning."""
        found = self._one(f'select[name="{name}"]')
        if not self.keys:
            found.select_option(value)
            return
        self._tab_to(found)
        self.page.keyboard.press("Home")
        for _ in range(MOST_TABS):
            if found.input_value() == value:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{value} cannot be chosen by keyboard")

    def tick(self, name: str, value: str) -> None:
        """Tick one of several."""
        one = self._one(f'input[name="{name}"][value="{value}"]')
        if not self.keys:
            one.check()
            return
        self._tab_to(self._one(f'input[name="{name}"]'))
        self.page.keyboard.press("Space")
        for _ in range(MOST_TABS):
            if one.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"{value} cannot be ticked by keyboard")

    def send(self, **typed: str) -> None:
        """Fill in a form and send it."""
        for name, text in typed.items():
            self.type(name, text)
        if self.keys and typed:
            self.page.keyboard.press("Enter")
        else:
            self.press("#eingabe .mp-actions button.mp-button, #formular .mp-actions button.mp-button")

    def _one(self, target: str | Locator) -> Locator:
        found = (self.body.locator(target) if isinstance(target, str) else target).first
        expect(found).to_be_visible()
        return found

    def _tab_to(self, found: Locator) -> None:
        """Press Tab until it has the focus, and shows that it has."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            here, shows = found.evaluate(FOCUS)
            if here:
                assert shows, found
                return
        raise AssertionError(f"{found} cannot be reached by keyboard")

    # Eyes

    def on(self, where: str) -> None:
        """Wait for the page of which this is a part, and look at it, once for each."""
        expect(self.body.locator(where).first).to_be_visible()
        if where not in self.seen:
            self.seen.add(where)
            self.look()

    def look(self) -> None:
        """Find nothing with axe-core, and nothing that scrolls sideways."""
        frame = self._frame()
        frame.wait_for_load_state()  # with its style sheet
        if self.axe:
            frame.evaluate(self.axe)
            assert violations(frame) == []
        assert frame.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")

    def _frame(self) -> Frame:
        if isinstance(self.body, Page):
            return self.page.main_frame
        return self.page.frames[-1]

    # Ways

    def to_safety(self) -> None:
        self.press('.mp-nav a[href*="konto"]')
        self.on('a[href*="konto/sicherheit"]')
        self.press('a[href*="konto/sicherheit"]')
        self.on('a[href*="konto/sicherheit/app"]')

    def set_up(self, **sure: str) -> None:
        """Set up an app, which gets a secret of its own; a former one is good for nothing from then on."""
        self.to_safety()
        self.press('a[href*="konto/sicherheit/app"]')
        self.on('.mp-actions button[value="beginnen"]')
        self.send(**sure)
        self.on(".mp-qr svg")
        self.secret = self.body.locator(".mp-key").inner_text().replace(" ", "").strip()
        self.send(code=self.code())
        expect(self.body.locator(".mp-qr")).to_have_count(0)  # whoever goes on before has nothing set up

    def keep_codes(self) -> None:
        """Write down the recovery codes, and go on."""
        self.on(".mp-codes li")
        self.codes = self.body.locator(".mp-codes li").all_inner_texts()
        assert len(self.codes) == 10
        self.press(".mp-actions a.mp-button")

    def to_document(self) -> None:
        """Ask for the letter that the company has sent, which is not shown yet."""
        self.press('.mp-nav a[href*="dokumente"]')
        self.on('a[href*="/dokumente/"]')
        self.press('h2 a[href*="/dokumente/"]')
        self.on('#eingabe input[name="code"]')

    def recover(self) -> None:
        """Show the next recovery code, as people type it, in place of a code of the app."""
        self.press('a[href*="art="]')
        self.send(code=self.codes.pop().lower())

    def add_passkey(self, name: str) -> None:
        self.to_safety()
        self.press('a[href*="konto/passkeys"]')
        self.on("#passkey button.mp-button")
        self.type("name", name)
        self.press("#passkey button.mp-button")
        expect(self.body.get_by_role("heading", name=name, exact=True)).to_be_visible()

    def reads(self) -> None:
        self.on('a[href$="/datei"], a[href*="/datei?"]')

    def code(self) -> str:
        """Return what the app shows; what it showed before counts as used long ago, as if half a minute had passed."""
        with connected():
            TotpRow.update(last_step=0).execute()
        return pyotp.TOTP(self.secret).at(datetime.now(UTC))
