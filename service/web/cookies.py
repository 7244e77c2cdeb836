"""Cookies: __Host- only, in one of the two jars that browsers keep for a page alone and for one in a frame."""

import falcon


def set_cookie(resp: falcon.Response, name: str, value: str, *, in_frame: bool, max_age: int | None = None) -> None:
    """Set a __Host- cookie; partitioned where another site surrounds the page (session.md, Cookies)."""
    resp.set_cookie(
        name,
        value,
        path="/",
        secure=True,
        http_only=True,
        same_site="None" if in_frame else "Lax",
        partitioned=in_frame,
        max_age=max_age,
    )


def remove_cookie(resp: falcon.Response, name: str, *, in_frame: bool) -> None:
    """Remove a __Host- cookie: browsers ignore a line without Secure, and one that names the other kind of jar."""
    jar = "SameSite=None; Partitioned" if in_frame else "SameSite=Lax"
    resp.append_header("Set-Cookie", f"{name}=; Max-Age=0; Path=/; Secure; HttpOnly; {jar}")
