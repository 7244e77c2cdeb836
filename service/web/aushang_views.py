"""Notices in the reader's words and time zone: on the overview, before a report, on a page of their own."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from service.store.aushang_records import Aushang, Gezeigt
from service.vorgang import aushang as domain
from service.vorgang.aushang import Art, Schwere, Stelle
from service.web.aushang_pages import AushangView, BetroffenForm, Said
from service.web.context import Reader
from service.web.pages import Way
from service.web.text import Words

PATH = "aushang"
OVERVIEW_SHOWN = 4


def gezeigt(reader: Reader) -> list[Gezeigt]:
    """Return what the reader sees now, the most severe first; one query beside the one of their contracts."""
    now = reader.room.clock()
    if reader.visitor is None:
        return domain.shown_to_all(reader.mandant_id, now)
    return domain.shown_to(reader.mandant_id, buildings_of(reader), reader.visitor.owners, now)


def buildings_of(reader: Reader) -> list[str]:
    """Return the buildings that the reader lives in, or owns in, today."""
    return domain.buildings(domain.homes(reader.vertraege, reader.today))


def before_report(reader: Reader, stelle: Stelle, vertrag_nr: str = "") -> tuple[AushangView, ...]:
    """Return what is known about such a damage already, in the home of this contract if one is chosen."""
    about = domain.about(gezeigt(reader), stelle, reader.room.clock())
    of_home = {v.gebaeude_nr for v in reader.vertraege if v.nr == vertrag_nr}
    here = [one for one in about if not of_home or not one.aushang.gebaeude or of_home & {*one.aushang.gebaeude}]
    return views(here, reader)


def views(found: Iterable[Gezeigt], reader: Reader) -> tuple[AushangView, ...]:
    """Return notices as the templates show them."""
    return tuple(_view(one, reader) for one in found)


def _view(one: Gezeigt, reader: Reader) -> AushangView:
    aushang, words = one.aushang, reader.words
    kinds = {
        Art.STOERUNG: words("Bekannte Störung"),
        Art.ARBEITEN: words("Geplante Arbeiten"),
        Art.HINWEIS: words("Hinweis"),
    }
    severities = {Schwere.DRINGEND: words("Dringend"), Schwere.WICHTIG: words("Wichtig"), Schwere.INFO: ""}
    can_say = aushang.art == Art.STOERUNG and reader.visitor is not None
    return AushangView(
        id=str(aushang.id),
        kind=kinds[Art(aushang.art)],
        tone=aushang.schwere.lower(),
        severity=severities[Schwere(aushang.schwere)],
        title=said(aushang.titel, reader),
        text=said(aushang.text, reader),
        times=tuple(_times(aushang, words, reader.room.clock())),
        where=_where(aushang, reader),
        calendar=_calendar(aushang, reader),
        form=_form(aushang, reader) if can_say and not one.betroffen else None,
        betroffen=one.betroffen,
    )


def said(texts: Mapping[str, str], reader: Reader) -> Said:
    """Return the text in the reader's language, else in the Mandant's first one."""
    if reader.lang in texts:
        return Said(texts[reader.lang])
    first = reader.mandant.languages[0]
    lang = first if first in texts else next(iter(texts), "")
    return Said(texts.get(lang, ""), lang)


def _times(aushang: Aushang, words: Words, now: datetime) -> Iterable[str]:
    if aushang.art == Art.ARBEITEN and aushang.bis is not None:
        yield words.span(aushang.von, aushang.bis)
        return
    if aushang.art == Art.STOERUNG:
        von = aushang.von.astimezone(words.zone)
        if von.date() == now.astimezone(words.zone).date():
            yield words("Seit {time} Uhr bekannt", time=f"{von:%H:%M}")
        else:
            yield words("Seit {moment} bekannt", moment=words.minute(aushang.von))
    if aushang.bis is not None:
        until = words("Voraussichtlich bis {moment}") if aushang.art == Art.STOERUNG else words("Gilt bis {moment}")
        yield until.format(moment=words.minute(aushang.bis))


def _where(aushang: Aushang, reader: Reader) -> str:
    """Name the buildings that it is for, to somebody who lives in several."""
    at_home = domain.homes(reader.vertraege, reader.today)
    if len(domain.buildings(at_home)) < 2:  # noqa: PLR2004
        return ""
    names = {v.gebaeude_nr: v.adresse or v.gebaeude_nr for v in at_home if v.gebaeude_nr in aushang.gebaeude}
    return "; ".join(names.values())


def _calendar(aushang: Aushang, reader: Reader) -> Way | None:
    if aushang.art != Art.ARBEITEN:
        return None
    return Way(reader.words("In den Kalender übernehmen"), reader.link(f"{PATH}/{aushang.id}/termin.ics"))


def _form(aushang: Aushang, reader: Reader) -> BetroffenForm:
    token = reader.room.tokens.issue(reader.signed_in)
    return BetroffenForm(reader.link(f"{PATH}/{aushang.id}/betroffen"), token.csrf_token, token.idempotency_key)


def more_way(found: Sequence[Gezeigt], reader: Reader) -> Way | None:
    """Lead to all notices, where the overview shows the most severe only."""
    if len(found) <= OVERVIEW_SHOWN:
        return None
    return Way(reader.words("Alle {n} Aushänge zeigen", n=len(found)), reader.link(PATH))
