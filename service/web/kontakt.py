"""`melden/kontakt`: a question or request."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import falcon
from typing_extensions import override

from service.access.weiter import Weiter
from service.store import drafts
from service.vorgang.assess import BESCHREIBUNG_MAX, BETREFF_MAX
from service.vorgang.drafting import DraftOf
from service.vorgang.types import Vorgangstyp
from service.web.context import Reader
from service.web.errors import FactorNeeded, Level2Needed
from service.web.fields import options
from service.web.information import Information, information_of, information_page
from service.web.intake import Submitted
from service.web.level2 import require
from service.web.melden import Melden
from service.web.pages import Field, Form, MeldenPage, Page, Way
from service.web.render import write_page

STAMMDATEN = "STAMMDATEN"
_TYPED = ("betreff", "beschreibung", "erreichbar", "telefon")


class Kontakt(Melden):
    typ: ClassVar = Vorgangstyp.KONTAKT

    def changes_contact(self, form: Submitted) -> bool:
        """Tell whether a form tells of another address or number, which may need a second factor."""
        return form.get("kontaktthema") == STAMMDATEN

    @override
    def _file(
        self, req: falcon.Request, resp: falcon.Response, reader: Reader, form: Submitted, draft: DraftOf
    ) -> None:
        information = information_of(reader, form.fields)
        if information is not None:
            self._inform(resp, reader, form, draft, information)
            return
        if self.changes_contact(form):
            try:
                require_for_contact(reader)
            except (Level2Needed, FactorNeeded):
                self._keep(resp, reader, form, draft)  # it is there again once they have confirmed
                raise
        super()._file(req, resp, reader, form, draft)

    def _inform(
        self,
        resp: falcon.Response,
        reader: Reader,
        form: Submitted,
        draft: DraftOf,
        information: Information,
    ) -> None:
        """Answer with what is to be known, and keep the rest of the form for another topic."""
        typed = replace(form, fields={**form.fields, "kontaktthema": ""})
        known = drafts.by_id(draft.mandant, draft.account, draft.form_key)
        worth = known is not None or form.files or any(form.get(name) for name in _TYPED)
        stored = self._stored(reader, typed, draft) if worth else None
        page = information_page(reader, information, reader.path, str(stored.id) if stored else "")
        write_page(resp, self._room.renderer.html(page, reader.site()), page.title)

    @override
    def page(self, reader: Reader, values: Mapping[str, str], form: Form, link_to_filed: Way | None) -> Page:
        information = information_of(reader, values)
        return MeldenPage(
            title=self.title(reader, values),
            intro="" if information else self.intro(reader),
            form=form,
            link_to_filed=link_to_filed,
            information=information,
        )

    @override
    def title(self, reader: Reader, values: Mapping[str, str]) -> str:
        return reader.words("Kontakt aufnehmen")

    @override
    def fields(self, reader: Reader, values: Mapping[str, str]) -> tuple[Field, ...]:
        themen = [(thema.code, thema.label.text(reader.lang)) for thema in reader.house.catalog.kontaktthemen.values()]
        chosen = options(themen, values.get("kontaktthema", ""))
        label = reader.words("Worum geht es?")
        thema = Field("kontaktthema", "select", label, required=True, options=chosen)
        return (
            thema,
            betreff_field(reader, values),
            beschreibung_field(values, reader.words("Ihre Nachricht")),
        )


def require_for_contact(reader: Reader) -> None:
    """Let nobody change where letters go without a second factor, if that needs one.

    Raises Level2Needed, FactorNeeded.
    """
    require(reader, "kontaktdaten", Weiter(reader.path))


def betreff_field(reader: Reader, values: Mapping[str, str]) -> Field:
    """Return the voluntary subject line."""
    label = reader.words("Betreff (freiwillig)")
    return Field("betreff", "text", label, values.get("betreff", ""), maxlength=BETREFF_MAX)


def beschreibung_field(values: Mapping[str, str], label: str, *, required: bool = True) -> Field:
    """Return the room for words."""
    return Field(
        "beschreibung",
        "textarea",
        label,
        values.get("beschreibung", ""),
        required=required,
        maxlength=BESCHREIBUNG_MAX,
        rows=6,
    )
