"""Pictures that are drawn of files: pages of documents, and what residents have sent in small."""

from collections.abc import Callable
from typing import BinaryIO

import falcon

from service.files.preview import NoPreview
from service.files.storage import KeptFile
from service.web.context import Reader
from service.web.errors import NotFoundHere
from service.web.headers import FILE_POLICY


def write_drawn(
    reader: Reader, resp: falcon.Response, file: KeptFile, draw: Callable[[BinaryIO], bytes], media_type: str
) -> None:
    """Answer with what is drawn of a file, which counts for the reader's account.

    Raises NotFoundHere where nothing can be drawn, and what the limit raises that is reached.
    """
    reader.room.rates.hit("preview_account", reader.mandant_id, reader.signed_in.account)
    try:
        with reader.room.intake.storage.open(file) as content:
            resp.data = draw(content)
    except NoPreview as broken:
        raise NotFoundHere from broken
    resp.content_type = media_type
    resp.set_header("Content-Security-Policy", FILE_POLICY)
