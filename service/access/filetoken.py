"""References to files that are kept while no row names them yet, so that a form sent again need not upload them."""

from dataclasses import astuple
from datetime import datetime, timedelta
from uuid import UUID

from itsdangerous import BadData

from service.access.formtoken import FormOrigin
from service.access.signing import Signer
from service.files.intake import StoredFile
from service.files.storage import ORPHAN_AGE
from service.keys import Keys

_SALT = "portal.file.v1"
# The form must be sent again well before the file counts as an orphan: uploads take time, and so does the search.
LIFETIME = ORPHAN_AGE - timedelta(hours=4)


class FileTokenRefused(Exception):
    """The reference is not of this form, or too old. `dateiname` is its file's name as far as that is certain."""

    def __init__(self, dateiname: str = "Datei") -> None:
        super().__init__("file token refused")
        self.dateiname = dateiname


class FileTokens:
    """Issues and reads the references; `keys` run oldest to newest."""

    def __init__(self, keys: Keys) -> None:
        self._serializer = Signer(keys, _SALT)

    def issue(self, mandant: str, form: FormOrigin, file: StoredFile) -> str:
        """Return a reference that only this form of this account may use."""
        _, *facts = astuple(file)
        return self._serializer.dumps([mandant, form.account, str(form.form_key), str(file.id), *facts])

    def read(self, token: str, *, mandant: str, account: str, form_key: UUID, now: datetime) -> StoredFile:
        """Return the file that a reference means; raises FileTokenRefused."""
        try:
            bound, issued = self._serializer.loads(token, return_timestamp=True)
            of_mandant, of_account, of_form, file_id, *facts = bound
            file = StoredFile(UUID(file_id), *facts)
        except (BadData, ValueError, TypeError) as forged:
            raise FileTokenRefused from forged
        if [of_mandant, of_account, of_form] != [mandant, account, str(form_key)]:
            raise FileTokenRefused
        if now - issued > LIFETIME:
            raise FileTokenRefused(file.dateiname)
        return file
