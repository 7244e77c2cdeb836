"""What Prometheus may know: numbers per Mandant, read from the database once per scrape; nothing of any person."""

import hmac
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from importlib.metadata import version
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from prometheus_client import CollectorRegistry, generate_latest, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import ThreadingWSGIServer
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from service.keys import KeyRing, metrics_token
from service.settings import Settings
from service.store import alarms
from service.store.database import StoreUnavailable, connected
from service.vorgang import delivery
from service.vorgang.delivery import DeliveryStatus

log = structlog.get_logger()

BREAKER_STATES = ("closed", "open", "half_open")


class DeliveryCollector(Collector):
    """Looks when asked. Without the database, only `mieterportal_database_up 0` is left."""

    def __init__(self, mandanten: Sequence[str], clock: Callable[[], datetime]) -> None:
        self._mandanten = list(mandanten)
        self._clock = clock

    @override
    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily("mieterportal", "This service.", value={"version": version("mieterportal")})
        try:
            with connected():
                rows = delivery.status(self._mandanten, self._clock())
                counted = alarms.totals(self._mandanten)
        except StoreUnavailable:
            yield GaugeMetricFamily("mieterportal_database_up", "1 when the database answers.", value=0)
            return
        yield GaugeMetricFamily("mieterportal_database_up", "1 when the database answers.", value=1)
        yield from _backlog(rows, self._clock())
        yield from _mails(rows, self._clock())
        yield from _breakers(rows)
        yield from _alarms(counted)
        yield from _beats(rows, self._clock())


def registry_for(settings: Settings, clock: Callable[[], datetime]) -> CollectorRegistry:
    """Return what can be asked for all metrics of this installation."""
    registry = CollectorRegistry()
    registry.register(DeliveryCollector(tuple(settings.mandanten), clock))
    return registry


def page(registry: CollectorRegistry) -> bytes:
    """Return the metrics in Prometheus' text format."""
    return generate_latest(registry)


def serve(settings: Settings, clock: Callable[[], datetime]) -> WSGIServer | None:
    """Serve the metrics on `service.metrics_bind`, if set, in a thread that ends with the process.

    Where others can reach it, the token is asked for. Returns the server. An address that cannot be had (a second
    worker on this host) is logged and stops nothing.
    """
    bind = settings.service.metrics_bind
    if bind is None:
        return None
    app: WSGIApplication = make_wsgi_app(registry_for(settings, clock))
    if settings.service.metrics_need_token:
        app = _for_whoever_shows(metrics_token(settings.service), app)
    host, _, port = bind.rpartition(":")
    try:
        server = _listen(host.strip("[]"), int(port), app)
    except OSError as fault:
        log.warning("metrics_not_served", bind=bind, error=fault.strerror)
        return None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def shows(authorization: str, token: str) -> bool:
    """Tell whether a request's Authorization shows this token; compared in constant time."""
    scheme, _, shown = authorization.partition(" ")
    given = shown.encode(errors="surrogatepass")
    return bool(token) and scheme.lower() == "bearer" and hmac.compare_digest(given, token.encode())


def _for_whoever_shows(tokens: KeyRing, app: WSGIApplication) -> WSGIApplication:
    def guarded(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if shows(environ.get("HTTP_AUTHORIZATION", ""), tokens()[0]):
            return app(environ, start_response)
        start_response("401 Unauthorized", [("WWW-Authenticate", "Bearer"), ("Content-Length", "0")])
        return []

    return guarded


def _listen(host: str, port: int, app: WSGIApplication) -> WSGIServer:
    """Return a server that is bound; raises OSError."""
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    kind = type("_Server", (ThreadingWSGIServer,), {"address_family": family})
    server: WSGIServer = make_server(host, port, app, kind, _Silent)
    return server


class _Silent(WSGIRequestHandler):
    @override
    def log_message(self, format: str, *args: object) -> None:
        """Log no scrape."""


def _backlog(rows: Sequence[DeliveryStatus], now: datetime) -> Iterator[Metric]:
    waiting = _gauge("deliveries_waiting", "Rows that wait for delivery to immotion.", "mandant")
    oldest = _gauge("delivery_oldest_waiting_seconds", "Age of the oldest waiting row; 0 when none waits.", "mandant")
    parked = _gauge("deliveries_parked", "Rows that were put aside for the operator.", "mandant")
    sent = CounterMetricFamily("mieterportal_deliveries", "Rows that immotion has accepted.", labels=["mandant"])
    for row in rows:
        backlog = row.backlog
        waiting.add_metric([backlog.mandant], backlog.waiting)
        oldest.add_metric([backlog.mandant], _age(backlog.oldest_waiting, now) if backlog.oldest_waiting else 0)
        parked.add_metric([backlog.mandant], backlog.parked)
        sent.add_metric([backlog.mandant], backlog.sent)
    yield from (waiting, oldest, parked, sent)


def _mails(rows: Sequence[DeliveryStatus], now: datetime) -> Iterator[Metric]:
    waiting = _gauge("mails_waiting", "Mails to residents that wait to be sent.", "mandant")
    oldest = _gauge("mail_oldest_waiting_seconds", "Age of the oldest waiting mail; 0 when none waits.", "mandant")
    parked = _gauge("mails_parked", "Mails that were put aside for the operator.", "mandant")
    sent = _gauge("mails_sent_day", "Mails that the mail server has taken within 24 hours.", "mandant")
    for row in rows:
        backlog = row.mails
        waiting.add_metric([backlog.mandant], backlog.waiting)
        oldest.add_metric([backlog.mandant], _age(backlog.oldest_waiting, now) if backlog.oldest_waiting else 0)
        parked.add_metric([backlog.mandant], backlog.parked)
        sent.add_metric([backlog.mandant], backlog.sent)
    yield from (waiting, oldest, parked, sent)


def _breakers(rows: Sequence[DeliveryStatus]) -> Iterator[Metric]:
    breaker = _gauge("breaker_state", "1 for the state that the circuit breaker is in.", "mandant", "state")
    for row in rows:
        current = row.breaker.state if row.breaker else BREAKER_STATES[0]
        for state in BREAKER_STATES:
            breaker.add_metric([row.backlog.mandant, state], state == current)
    yield breaker


def _alarms(counted: Iterable[tuple[str, str, int, bool]]) -> Iterator[Metric]:
    total = CounterMetricFamily("mieterportal_alarms", "How often an alarm was raised.", labels=["mandant", "kind"])
    stands = _gauge("alarm_stands", "1 while an alarm stands.", "mandant", "kind")
    for mandant, kind, count, up in counted:
        total.add_metric([mandant, kind], count)
        stands.add_metric([mandant, kind], up)
    yield from (total, stands)


def _beats(rows: Sequence[DeliveryStatus], now: datetime) -> Iterator[Metric]:
    worker = _gauge("worker_seen_age_seconds", "Since a sync worker last reported, at least once a minute.", "mandant")
    feeds = _gauge("feed_read_age_seconds", "Since a feed of immotion was last read.", "mandant", "feed")
    for row in rows:
        if row.worker_seen is not None:
            worker.add_metric([row.backlog.mandant], _age(row.worker_seen, now))
        for feed, read in row.feeds_read.items():
            feeds.add_metric([row.backlog.mandant, feed], _age(read, now))
    yield from (worker, feeds)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"mieterportal_{name}", text, labels=labels)


def _age(moment: datetime, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds())
