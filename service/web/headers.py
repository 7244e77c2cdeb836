"""Headers that every answer carries; who may frame a page."""

import falcon

from service.web.context import Reader, Room

_NOBODY = "'none'"


class SecurityHeaders:
    """A strict policy: nothing from elsewhere, no framing but by the Mandant's own sites."""

    def __init__(self, room: Room) -> None:
        self._room = room

    def process_response(
        self,
        req: falcon.Request,
        resp: falcon.Response,
        _resource: object,
        _succeeded: bool,  # noqa: FBT001 - falcon's signature
    ) -> None:
        """Add the headers; each source is named, since a host of the public URL differs from 'self' behind a proxy."""
        reader: Reader | None = getattr(req.context, "reader", None)
        resp.set_header("X-Content-Type-Options", "nosniff")
        resp.set_header("Referrer-Policy", "same-origin")
        resp.set_header("Content-Security-Policy", self._policy(reader))
        if req.forwarded_scheme == "https" or req.scheme == "https":
            resp.set_header("Strict-Transport-Security", "max-age=31536000")

    def _policy(self, reader: Reader | None) -> str:
        connections = reader.mandant.connections.values() if reader is not None else ()
        sites = " ".join(dict.fromkeys(origin for connection in connections for origin in connection.origins))
        return policy_for(sites)


def policy_for(sites: str) -> str:
    """Return the Content-Security-Policy of a page that these origins, separated by spaces, may frame."""
    # form-action governs redirects too, and signing out leads back to the company's site
    return (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
        f"form-action 'self' {sites}; base-uri 'none'; frame-ancestors {sites or _NOBODY}"
    )
