"""Interface v1, portal to immotion: attachments, Vorgänge, what residents add."""

import falcon

from service.standin import filing, vorgaenge
from service.standin.blobs import MAX_BYTES
from service.standin.bodies import read_object, sha256_of_header
from service.standin.faults import FaultSwitch
from service.standin.filing import Outcome
from service.standin.guard import Interface
from service.standin.ledger import Ledger
from service.standin.problems import Feld, Problem, invalid, too_large, unknown
from service.standin.sicht import mieter_sicht
from service.standin.words import is_uuid

_STATUS_OF = {
    Outcome.CREATED: falcon.HTTP_201,
    Outcome.SAME: falcon.HTTP_200,
    Outcome.BATCH: falcon.HTTP_202,
}
_TYPES = ("image/", "video/", "application/pdf", "application/octet-stream")


class Anhang(Interface):
    call = "/anhaenge"
    key_param = "anhang_id"

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_put(self, req: falcon.Request, resp: falcon.Response, anhang_id: str) -> None:
        """Keep an attachment's bytes: 201, 200 for the same again, 409 for others under this id."""
        stated = sha256_of_header(req.get_header("Content-Digest"))
        _require_uuid("anhangId", anhang_id)
        if not (req.content_type or _TYPES[-1]).startswith(_TYPES):
            raise Problem(415, "ANHANG_TYP", "Diese Art von Datei wird nicht angenommen")
        if (req.content_length or 0) > MAX_BYTES:
            raise too_large()
        blob = self._ledger.blobs.receive(req.stream)
        if blob.sha256 != stated:
            raise invalid([Feld("Content-Digest", "ABWEICHEND")], title="Der Inhalt passt nicht zu seiner Prüfsumme")
        new = filing.keep_anhang(self._ledger, anhang_id.lower(), blob)
        resp.status = falcon.HTTP_201 if new else falcon.HTTP_200
        resp.media = {"anhangId": anhang_id, "bytes": blob.bytes, "sha256": blob.sha256}


class VorgangResource(Interface):
    call = "/vorgaenge"
    key_param = "vorgang"

    def __init__(self, ledger: Ledger, switch: FaultSwitch) -> None:
        self._ledger = ledger
        self._switch = switch

    def on_put(self, req: falcon.Request, resp: falcon.Response, vorgang: str) -> None:
        """File a Vorgang: 201, 200 for the same again, 202 when it waits for a batch, 409 for another body."""
        _require_uuid("externeId", vorgang)
        batch_s = self._switch.faults.batch_s if req.context.fault == "202" else None
        filed = filing.file_vorgang(self._ledger, vorgang, read_object(req), batch_s=batch_s)
        resp.status = _STATUS_OF[filed.outcome]
        resp.media = filed.vorgang.wire()

    def on_get(self, _req: falcon.Request, resp: falcon.Response, vorgang: str) -> None:
        """Say what became of a Vorgang; one that was deleted is not known any more."""
        filing.import_batch(self._ledger)
        with self._ledger.reading() as connection:
            found = vorgaenge.find(connection, vorgang)
            seen = mieter_sicht(connection, found) if found else {}
            known = found is not None and not vorgaenge.is_deleted(connection, found)
        if found is None or not known:
            raise unknown("Dieser Vorgang")
        resp.media = {**found.wire(), **seen}


class Aktivitaet(Interface):
    call = "/aktivitaeten"
    key_param = "vorgang"

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_put(self, req: falcon.Request, resp: falcon.Response, vorgang: str, aktivitaet_id: str) -> None:
        """Keep what the resident added: 201, 200 for the same again, 409 for another body under this id."""
        _require_uuid("aktivitaetId", aktivitaet_id)
        body = read_object(req)
        new = filing.add_aktivitaet(self._ledger, vorgang, aktivitaet_id.lower(), body)
        resp.status = falcon.HTTP_201 if new else falcon.HTTP_200
        resp.media = {"aktivitaetId": aktivitaet_id, **body}


def _require_uuid(name: str, value: str) -> None:
    if not is_uuid(value):
        raise invalid([Feld(f"/{name}", "FORMAT")])
