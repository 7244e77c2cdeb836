"""A letter with a code, to be tried: somebody who looks after another resident acts for her too."""

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from service.demo.config import Place
from service.demo.people import BY_NR, EINHEITEN, GEBAEUDE, MANDANT, VERTRAEGE, Person
from service.settings import Settings

HELPER, HELPED = BY_NR["0004712"], BY_NR["0004715"]
NEWCOMER = BY_NR["0004722"]


@dataclass(frozen=True, slots=True)
class DemoLetter:
    """Who signs in, for whom they then act, the code, and when the contract began that is asked for beside it.

    `newcomer` can register at the portal's own login, by a code and a day of their own.
    """

    helper: Person
    helped: Person
    code: str
    began: str
    newcomer: Person
    newcomers_code: str
    newcomers_began: str


def write_letter(place: Place, settings: Settings) -> DemoLetter:
    """Issue a fresh code, put its letter beside the demo's data, and return it; raises LookupError without letters."""
    from service.access.activation import Invited, Purpose, Terms, invite  # noqa: PLC0415 - only when it is time
    from service.access.audit import Actor, Source  # noqa: PLC0415
    from service.access.facts import Fact  # noqa: PLC0415
    from service.access.hashing import Hasher  # noqa: PLC0415
    from service.web.brief_pdf import Brief, letters_pdf  # noqa: PLC0415
    from service.web.brief_words import Umschlag  # noqa: PLC0415
    from service.web.text import Words  # noqa: PLC0415

    mandant = settings.mandanten[MANDANT]
    if (rules := mandant.invitation) is None:
        raise LookupError("the demo's settings have no letters")
    now = datetime.now(UTC)
    vertrag = next(vertrag for vertrag in VERTRAEGE if vertrag.person == HELPED.nr)
    haus = next(h for h in GEBAEUDE for e in EINHEITEN if e.nr == vertrag.einheit and h.nr == e.gebaeude)
    terms = Terms(MANDANT, Purpose.PERSON, Fact(rules.fact), rules.days)
    source = Source(MANDANT, Actor.OPERATOR, now)
    made, own = invite([Invited(HELPED.nr), Invited(NEWCOMER.nr)], terms, Hasher(), source)
    code = made.code.printed
    brief = Brief(HELPED.name, (haus.strasse, f"{haus.plz} {haus.ort}"), code, f"{rules.url}#code={code}")
    common = Umschlag(mandant.name, rules, Purpose.PERSON, now, made.expires_at)
    place.letter.unlink(missing_ok=True)
    place.letter.touch(mode=0o600)
    place.letter.write_bytes(letters_pdf([brief], common, Words("de", ZoneInfo(settings.service.timezone))))
    return DemoLetter(HELPER, HELPED, code, _began(HELPED), NEWCOMER, own.code.printed, _began(NEWCOMER))


def _began(person: Person) -> str:
    beginn = next(vertrag.beginn for vertrag in VERTRAEGE if vertrag.person == person.nr)
    return datetime.fromisoformat(beginn).strftime("%-d.%-m.%Y")
