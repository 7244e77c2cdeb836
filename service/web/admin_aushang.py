"""Notices, for a CMS's back end in which an editor puts them up: listed, made, changed, ended."""

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

import falcon
from marshmallow import Schema, ValidationError, fields, post_load
from marshmallow.exceptions import SCHEMA

from service.access import audit
from service.access.audit import Event
from service.store import aushaenge, clean, stammdaten
from service.vorgang import aushang as domain
from service.vorgang.aushang import AushangRefused, Entwurf, Haus, UnknownAushang, aushang_facts
from service.web.admin import AdminRoute, number, spent
from service.web.client import source_of_cms
from service.web.context import reader_of
from service.web.errors import NotFoundHere, id_here
from service.web.problems import ApiProblem

if TYPE_CHECKING:
    from service.access.admin import Admin

_BODY_MAX = 64 * 1024
_PAGE, _PAGE_MAX = 50, 200
_NUMBER_MAX = 100
_STATES = ("current", "over")


def _texts(**more: Any) -> fields.Dict:  # noqa: ANN401 - marshmallow's own arguments
    return fields.Dict(keys=fields.String(), values=fields.String(), **more)


class AushangSchema(Schema):
    """The body of a notice; a time without an offset is meant in the zone of the house."""

    art = fields.String(required=True)
    schwere = fields.String(load_default="INFO")
    titel = _texts(required=True)
    text = _texts(load_default=dict)
    gebaeude = fields.List(fields.String(), load_default=list)
    schadensort = fields.String(load_default="")
    schadenskategorie = fields.String(load_default="")
    oeffentlich = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    zeigen_ab = fields.String(load_default=None, allow_none=True)
    von = fields.String(load_default=None, allow_none=True)
    bis = fields.String(load_default=None, allow_none=True)

    def __init__(self, haus: Haus) -> None:
        super().__init__()
        self._zone = haus.house.zone

    @post_load
    def _entwurf(self, data: dict[str, Any], **_: object) -> Entwurf:
        times = {name: self._moment(name, data.pop(name)) for name in ("zeigen_ab", "von", "bis")}
        return Entwurf(**data | {"gebaeude": tuple(data["gebaeude"])} | times)

    def _moment(self, name: str, text: str | None) -> Any:  # noqa: ANN401 - datetime | None
        try:
            return domain.moment_of(text, self._zone) if text else None
        except ValueError as wrong:
            raise ValidationError("no time", name) from wrong


class AdminAushaenge(AdminRoute):
    """`…/admin/aushaenge`: all notices, and a new one."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Give a keyset page, the newest first; `next` is the `before` of the following one."""
        spent(req)
        state, before = req.get_param("state", default="current"), req.get_param("before")
        limit = number(req, "limit", _PAGE, range(1, _PAGE_MAX + 1))
        if state not in _STATES:
            raise ApiProblem(HTTPStatus.BAD_REQUEST, "invalid_parameter", parameters=["state"])
        try:
            after = UUID(before) if before else None
        except ValueError as wrong:
            raise ApiProblem(HTTPStatus.BAD_REQUEST, "invalid_parameter", parameters=["before"]) from wrong
        now = self._room.clock()
        found = aushaenge.page(mandant, over=state == "over", before=after, limit=limit, now=now)
        resp.media = {
            "timezone": self._room.settings.service.timezone,
            "aushaenge": [aushang_facts(one, now) for one in found],
            "next": str(found[-1].aushang.id) if len(found) == limit else None,
        }

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Put a notice up; 201 with it."""
        haus = haus_of(req)
        entwurf = _read(req, haus)
        try:
            made = domain.put_up(entwurf, haus, now=self._room.clock(), within=lambda made: _note(req, made, "added"))
        except AushangRefused as refused:
            _refuse(req, refused)
        resp.status = falcon.HTTP_201
        _answer(req, resp, made.id)


class AdminAushang(AdminRoute):
    """`…/admin/aushaenge/{aushang_id}`: one notice, and its change."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str, aushang_id: str) -> None:
        """Give it, with how many residents said that it concerns them."""
        spent(req)
        _answer(req, resp, id_here(aushang_id))

    def on_put(self, req: falcon.Request, resp: falcon.Response, mandant: str, aushang_id: str) -> None:
        """Put it in place of its former state."""
        haus = haus_of(req)
        entwurf = _read(req, haus)
        now = self._room.clock()
        try:
            wanted = id_here(aushang_id)
            domain.change(wanted, entwurf, haus, now=now, within=lambda one: _note(req, one, "changed"))
        except AushangRefused as refused:
            _refuse(req, refused)
        except (UnknownAushang, NotFoundHere) as unknown:
            spent(req)
            raise NotFoundHere from unknown
        _answer(req, resp, wanted)


class AdminAushangEnd(AdminRoute):
    """`POST …/admin/aushaenge/{aushang_id}/end`: a notice is over now."""

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str, aushang_id: str) -> None:
        """End it; one that is over already stays as it is."""
        try:
            wanted = id_here(aushang_id)
            domain.end(mandant, wanted, now=self._room.clock(), within=lambda one: _note(req, one, "ended"))
        except (UnknownAushang, NotFoundHere) as unknown:
            spent(req)
            raise NotFoundHere from unknown
        _answer(req, resp, wanted)


class AdminGebaeude(AdminRoute):
    """`GET …/admin/gebaeude`: the buildings that immotion has told of, to choose from."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Give a keyset page by number; `next` is the `after` of the following one."""
        spent(req)
        limit = number(req, "limit", _PAGE_MAX, range(1, _PAGE_MAX + 1))
        after = clean.text(req.get_param("after") or "", _NUMBER_MAX)
        found = stammdaten.gebaeude(mandant, after=after, limit=limit)
        resp.media = {
            "gebaeude": [{"gebaeude": nr, "adresse": adresse} for nr, adresse in found],
            "next": found[-1][0] if len(found) == limit else None,
        }


def haus_of(req: falcon.Request) -> Haus:
    """Return where a notice of this request's Mandant would be put up."""
    reader = reader_of(req)
    return Haus(reader.house, reader.mandant.languages, frozenset(reader.mandant.gebaeude))


def _read(req: falcon.Request, haus: Haus) -> Entwurf:
    """Read the body; what is none uses the token up all the same."""
    try:
        entwurf: Entwurf = AushangSchema(haus).load(json.loads(req.bounded_stream.read(_BODY_MAX)))
    except ValidationError as wrong:
        named = wrong.messages_dict
        _invalid(req, [str(name) if name != SCHEMA else "body" for name in named], wrong)
    except (ValueError, RecursionError) as broken:
        _invalid(req, ["body"], broken)
    return entwurf


def _refuse(req: falcon.Request, refused: AushangRefused) -> NoReturn:
    _invalid(req, [problem.field for problem in refused.problems], refused)


def _invalid(req: falcon.Request, names: list[str], cause: Exception) -> NoReturn:
    spent(req)
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    raise ApiProblem(status, "invalid_aushang", parameters=list(dict.fromkeys(names))) from cause


def _note(req: falcon.Request, aushang_id: UUID, what: str) -> None:
    """Use the token up and note the change, inside its transaction."""
    admin: Admin = req.context.admin
    admin.spend()
    source = source_of_cms(req, admin.connection)
    audit.note(Event.AUSHANG_CHANGED, source, subject=str(aushang_id), facts={"what": what})


def _answer(req: falcon.Request, resp: falcon.Response, aushang_id: UUID) -> None:
    reader = reader_of(req)
    found = aushaenge.by_id(reader.mandant_id, aushang_id)
    if found is None:
        raise NotFoundHere
    resp.media = aushang_facts(found, reader.room.clock())
