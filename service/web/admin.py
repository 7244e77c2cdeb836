"""The admin interface for a CMS's back end: JSON, one Mandant, a token for each request (docs/admin-api.yaml)."""

from dataclasses import fields
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import falcon
import structlog

from service.access import audit
from service.access.admin import Admin
from service.access.audit import Event
from service.store import deliveries
from service.store.database import transaction
from service.vorgang import delivery
from service.vorgang.delivery import Effect
from service.vorgang.delivery_facts import alarm_facts, moment, owing_facts, status_facts, vorgang_facts
from service.vorgang.routing import RoutingCase
from service.vorgang.what_if import Explanation, UnknownCode, explain
from service.web.client import source_of_cms
from service.web.context import Room, reader_of
from service.web.errors import NotFoundHere, id_here
from service.web.problems import ApiProblem
from service.web.session import ADMIN

log = structlog.get_logger()

_PAGE = 50
_PAGE_MAX = 200
_DIGITS = 19
_STATES = ("parked", "waiting")
_FACTS = tuple(field.name for field in fields(RoutingCase))


class AdminRoute:
    """What all share: the access rule, and reading that uses the token up."""

    access = ADMIN

    def __init__(self, room: Room) -> None:
        self._room = room


def spent(req: falcon.Request) -> Admin:
    """Use the token up for a request that only reads, and return who asks."""
    admin: Admin = req.context.admin
    with transaction():
        admin.spend()
    return admin


class AdminVersion(AdminRoute):
    """`GET …/admin/version`: what a set-up assistant compares with its own settings."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Say version, clock, audience, connection and catalog."""
        admin = spent(req)
        settings = reader_of(req).mandant
        connection = settings.connections[admin.connection]
        catalog = self._room.houses.of(mandant).catalog
        resp.media = {
            "version": version("mieterportal"),
            "now": moment(self._room.clock()),
            "mandant": mandant,
            "name": settings.name,
            "aud": f"{self._room.settings.service.public_url}/{mandant}",
            "connection": {
                "name": admin.connection,
                "kind": connection.kind,
                "origins": list(connection.origins),
                "keys": len(self._room.rings.connections[mandant, admin.connection]()),
                "trust_person": connection.trust_person,
            },
            "languages": list(settings.languages),
            "immotion": settings.immotion is not None,
            "catalog": {"version": catalog.version, "digest": catalog.digest},
        }


class AdminStatus(AdminRoute):
    """`GET …/admin/status`: how delivery stands."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Say what waits, since when, what is parked, the rate, the breaker and the alarms."""
        spent(req)
        now = self._room.clock()
        (row,) = delivery.status([mandant], now)
        resp.media = status_facts(row, now)


class AdminAlarms(AdminRoute):
    """`GET …/admin/alarms`: what wants a person."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """List the alarms that stand, newest first."""
        spent(req)
        (row,) = delivery.status([mandant], self._room.clock())
        resp.media = {"alarms": [alarm_facts(alarm) for alarm in row.alarms]}


class AdminVorgaenge(AdminRoute):
    """`GET …/admin/vorgaenge`: the Vorgänge whose next delivery is parked, or waits."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Give a keyset page; `next` is the `after` of the following one."""
        spent(req)
        state = req.get_param("state", default="parked")
        after, limit = number(req, "after", 0, range(2**62)), number(req, "limit", _PAGE, range(1, _PAGE_MAX + 1))
        if state not in _STATES:
            raise ApiProblem(HTTPStatus.BAD_REQUEST, "invalid_parameter", parameters=["state"])
        found = deliveries.owing(mandant, state, after=after, limit=limit)
        now = self._room.clock()
        resp.media = {
            "vorgaenge": [owing_facts(owed, now) for owed in found],
            "next": str(found[-1].head.id) if len(found) == limit else None,
        }


class AdminVorgang(AdminRoute):
    """`GET …/admin/vorgaenge/{vorgang_id}`: every delivery of one Vorgang."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str, vorgang_id: str) -> None:
        """Say what was and is owed; nothing of what anybody wrote."""
        spent(req)
        vorgang = _vorgang(mandant, vorgang_id)
        resp.media = vorgang_facts(vorgang, deliveries.rows_of(mandant, vorgang.id), self._room.clock())


class AdminRetry(AdminRoute):
    """`POST …/admin/vorgaenge/{vorgang_id}/retry`: send again now what a Vorgang owes."""

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str, vorgang_id: str) -> None:
        """Make its rows due now, in their order, with attempts and age counted anew."""
        vorgang = _changing(req, mandant, vorgang_id)
        admin: Admin = req.context.admin
        effect = audit.counted(
            Event.ADMIN_RETRY,
            source_of_cms(req, admin.connection),
            lambda: delivery.retry(vorgang, now=self._room.clock(), spend=admin.spend),
            subject=str(vorgang.id),
        )
        _tell(req, resp, "retried_by_hand", effect)


class AdminPark(AdminRoute):
    """`POST …/admin/vorgaenge/{vorgang_id}/park`: put a Vorgang's next delivery aside."""

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str, vorgang_id: str) -> None:
        """Park the next row; later ones wait behind it."""
        vorgang = _changing(req, mandant, vorgang_id)
        admin: Admin = req.context.admin
        effect = audit.counted(
            Event.ADMIN_PARK,
            source_of_cms(req, admin.connection),
            lambda: delivery.park(vorgang, spend=admin.spend),
            subject=str(vorgang.id),
        )
        _tell(req, resp, "parked_by_hand", effect)


class AdminRetryAll(AdminRoute):
    """`POST …/admin/retry`: send again now all that is parked."""

    def on_post(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Make every parked row due now, in batches."""
        parked_rows, parked_vorgaenge = deliveries.parked(mandant)
        admin: Admin = req.context.admin

        def spend() -> None:
            admin.spend()
            facts = {"rows": parked_rows, "vorgaenge": parked_vorgaenge}
            audit.note(Event.ADMIN_RETRY, source_of_cms(req, admin.connection), subject="parked", facts=facts)

        batches = delivery.retry_parked(mandant, clock=self._room.clock, spend=spend)
        rows = sum(batches)
        _tell(req, resp, "retried_by_hand", Effect(rows, parked_vorgaenge))


class AdminRouting(AdminRoute):
    """`GET …/admin/routing`: which rule would match."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, mandant: str) -> None:
        """Say what the rules would make of a case, and why each other rule does not match."""
        spent(req)
        given: dict[str, Any] = {name: req.get_param(name) or None for name in _FACTS}
        house = self._room.houses.of(mandant)
        try:
            case = RoutingCase(**given | {"typ": given["typ"] or ""})
            explained = explain(house, case, today=self._room.clock().astimezone(house.zone).date())
        except UnknownCode as unknown:
            raise ApiProblem(HTTPStatus.UNPROCESSABLE_ENTITY, "unknown_code", parameters=[unknown.field]) from unknown
        resp.media = _explanation(explained)


def _explanation(explained: Explanation) -> dict[str, Any]:
    routing = explained.routing
    return {
        "regel": routing.regel,
        "vorgangsart": routing.vorgangsart,
        "team": routing.team,
        "sachbearbeiter": routing.sachbearbeiter,
        "prioritaet": routing.prioritaet,
        "frist": routing.frist.isoformat(),
        "begruendung": routing.begruendung,
        "rules": [{"name": name, "matches": wrong is None, "mismatch": wrong} for name, wrong in explained.rules],
    }


def _vorgang(mandant: str, vorgang_id: str) -> delivery.Owing:
    vorgang = delivery.by_id(mandant, id_here(vorgang_id))
    if vorgang is None:
        raise NotFoundHere
    return vorgang


def _changing(req: falcon.Request, mandant: str, vorgang_id: str) -> delivery.Owing:
    """Return the Vorgang of a change; where there is none, the token is used up all the same."""
    try:
        return _vorgang(mandant, vorgang_id)
    except NotFoundHere:
        spent(req)
        raise


def number(req: falcon.Request, name: str, default: int, allowed: range) -> int:
    """Return a parameter that is a number; raises ApiProblem for one that cannot be."""
    text = req.get_param(name) or str(default)
    if not text.isascii() or not text.isdecimal() or len(text) > _DIGITS or int(text) not in allowed:
        raise ApiProblem(HTTPStatus.BAD_REQUEST, "invalid_parameter", parameters=[name])
    return int(text)


def _tell(req: falcon.Request, resp: falcon.Response, event: str, effect: Effect) -> None:
    admin: Admin = req.context.admin
    log.info(event, mandant=admin.mandant, connection=admin.connection, rows=effect.rows, held=effect.held)
    resp.media = {"rows": effect.rows, "vorgaenge": effect.vorgaenge, "held": effect.held}
