"""Who asks for an address that no route has: they read in their language, and find back, as on any other page."""

import falcon

from service.store.database import FAULTS, StoreUnavailable
from service.web.context import Reader, Room
from service.web.errors import NotFoundHere, TokenInvalid
from service.web.session import PUBLIC, FindCmsVisitor, FindMandant, FindVisitor, StoreConnection, shown_sessions


class _Nowhere:
    """What is asked for: nothing, which everybody may know."""

    access = PUBLIC


def reader_of_unrouted(req: falcon.Request, resp: falcon.Response, room: Room) -> Reader | None:
    """Return who asks; None where no Mandant is named, or a token is shown that is not believed.

    The database is asked only for a session that a browser shows; without the database, nobody counts as signed in.
    """
    params = {"mandant": req.path.split("/")[1]}
    by_session = (StoreConnection(), FindVisitor(room)) if shown_sessions(req) else ()
    try:
        for finder in (FindMandant(room), FindCmsVisitor(room), *by_session):
            finder.process_resource(req, resp, _Nowhere(), params)
    except (NotFoundHere, TokenInvalid):
        return None
    except (*FAULTS, StoreUnavailable):
        req.context.store_failed = True
    reader: Reader | None = getattr(req.context, "reader", None)
    return reader
