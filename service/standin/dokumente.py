"""Documents that immotion provides: bytes in the ledger's folder, named by an id of immotion's."""

import sqlite3
from dataclasses import dataclass

from service.standin.blobs import Blob
from service.standin.words import JsonObject


@dataclass(frozen=True, slots=True)
class NewDokument:
    dokument_id: str
    dateiname: str
    mime: str
    blob: Blob

    def wire(self) -> JsonObject:
        """Return what events say about the file."""
        return {
            "dokumentId": self.dokument_id,
            "dateiname": self.dateiname,
            "mime": self.mime,
            "bytes": self.blob.bytes,
            "sha256": self.blob.sha256,
        }


def keep_dokument(connection: sqlite3.Connection, new: NewDokument) -> None:
    """Keep a document; another content under the same id replaces it."""
    connection.execute(
        "INSERT OR REPLACE INTO dokumente VALUES (?, ?, ?, ?, ?)",
        (new.dokument_id, new.dateiname, new.mime, new.blob.bytes, new.blob.sha256),
    )
