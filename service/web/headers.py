"""Headers that every answer carries; who may frame a page."""

import secrets

import falcon

from service.web.context import Reader, Room

_NOBODY = "'none'"
_HSTS = "max-age=31536000; includeSubDomains"
# A file is no page: nothing in it runs or loads, and nobody frames it.
FILE_POLICY = "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox"
_UNUSED = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


class SecurityHeaders:
    """A strict policy: nothing from elsewhere, no framing but by the Mandant's own sites, nothing kept by anybody.

    A responder that needs another value of a header sets it itself, as the static files do.
    """

    def __init__(self, room: Room) -> None:
        self._public_https = room.settings.service.public_url.startswith("https://")

    def process_request(self, req: falcon.Request, _resp: falcon.Response) -> None:
        """Choose the nonce by which this answer's page names its style sheet and its script."""
        req.context.csp_nonce = secrets.token_urlsafe(16)

    def process_response(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        _resource: object,
        _succeeded: bool,  # noqa: FBT001 - falcon's signature
    ) -> None:
        """Add the headers."""
        for name, value in self._headers(req, resp).items():
            if resp.get_header(name) is None:
                resp.set_header(name, value)

    def _headers(self, req: falcon.Request, resp: falcon.Response) -> dict[str, str]:
        headers = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cache-Control": "no-store",
            "Permissions-Policy": _UNUSED,
            "Cross-Origin-Resource-Policy": "same-origin",
            "Content-Security-Policy": _policy(req),
        }
        if (resp.content_type or "").startswith("text/html"):
            headers["Cross-Origin-Opener-Policy"] = "same-origin"  # counts at top level only; in a frame it is ignored
        if self._public_https or "https" in {req.forwarded_scheme, req.scheme}:
            headers["Strict-Transport-Security"] = _HSTS
        return headers


def policy_for(sites: str, nonce: str) -> str:
    """Return the Content-Security-Policy of a page that these origins, separated by spaces, may frame.

    Without a nonce, it allows neither script nor style: a fragment brings none of its own into force.
    """
    own = f"'nonce-{nonce}'" if nonce else _NOBODY
    # form-action governs redirects too, and signing out leads back to the company's site
    return (
        f"default-src 'none'; object-src 'none'; style-src {own}; script-src {own}; img-src 'self' blob: data:; "
        f"connect-src 'self'; form-action 'self' {sites}; base-uri 'none'; frame-ancestors {sites or _NOBODY}"
    )


def _policy(req: falcon.Request) -> str:
    reader: Reader | None = getattr(req.context, "reader", None)
    connections = reader.mandant.connections.values() if reader is not None else ()
    sites = " ".join(dict.fromkeys(origin for connection in connections for origin in connection.origins))
    by_cms = reader is not None and reader.visitor is not None and reader.visitor.base_url is not None
    return policy_for(sites, "" if by_cms else req.context.csp_nonce)
