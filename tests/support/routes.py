"""The routes of the application, as it has registered them itself."""

from typing import Any

import falcon
import falcon.inspect


def routes(app: Any) -> dict[str, Any]:
    """Return the resource of each route's template."""

    def walk(node: Any) -> dict[str, Any]:
        found = {node.uri_template: node.resource} if node.resource is not None else {}
        for child in node.children:
            found |= walk(child)
        return found

    found: dict[str, Any] = {}
    for root in app._router._roots:
        found |= walk(root)
    return found


def methods(app: Any) -> set[tuple[str, str]]:
    """Return each route's template with each method that it answers, but for OPTIONS, which falcon answers itself."""
    return {
        (method.method, route.path)
        for route in falcon.inspect.inspect_routes(app)
        for method in route.methods
        if not method.internal
    }
