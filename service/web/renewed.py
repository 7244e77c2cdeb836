"""A fresh secret for the session of whoever has shown anew who they are: by a second factor, or by the password again.

A secret that somebody else may have got hold of before is good for nothing that was confirmed afterwards (ASVS 5.0,
7.2.4). Forms stay good: their tokens are bound to the session, not to its secret.
"""

import falcon

from service.access.browser import renew_session
from service.web.context import reader_of
from service.web.cookies import set_cookie
from service.web.session import COOKIE, in_frame

HEADER = "Portal-Session"


def renew(req: falcon.Request, resp: falcon.Response) -> None:
    """Put the fresh secret into an answer: as the cookie, or for our own script that holds it in memory."""
    visitor = reader_of(req).signed_in
    renewed = renew_session(visitor)
    if renewed is None:
        return
    if visitor.in_frame:
        resp.set_header(HEADER, renewed.secret)
    else:
        set_cookie(resp, COOKIE, renewed.secret, in_frame=in_frame(req))


def go_on(req: falcon.Request, resp: falcon.Response, url: str) -> None:
    """Lead on under a fresh secret: 303, or JSON for our own script, which would follow a 303 with the former one."""
    renew(req, resp)
    if resp.get_header(HEADER) is not None:
        resp.media = {"next": url}
        return
    resp.status, resp.location = falcon.HTTP_303, url
