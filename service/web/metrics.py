"""`/metrics` for Prometheus: never public, and not there at all unless a token is set."""

import falcon
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from service.metrics import page, registry_for, shows
from service.web.context import Room
from service.web.errors import NotFoundHere
from service.web.problems import problem_of, write_problem
from service.web.session import METRICS


class Metrics:
    """`/metrics`: the whole installation's numbers, for whoever shows `service.metrics_token`."""

    access = METRICS

    def __init__(self, room: Room) -> None:
        self._tokens = room.rings.metrics_token
        self._registry = registry_for(room.settings, room.clock)

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Answer in Prometheus' text format; the token is compared in constant time."""
        tokens = self._tokens()
        if not tokens:
            raise NotFoundHere
        if not shows(req.auth or "", tokens[0]):
            write_problem(req, resp, problem_of(falcon.HTTP_401))
            resp.set_header("WWW-Authenticate", "Bearer")
            return
        resp.content_type = CONTENT_TYPE_PLAIN_0_0_4
        resp.set_header("Cache-Control", "no-store")
        resp.data = page(self._registry)
