"""How gunicorn runs the portal: threads for waiting uploads, processes for the cores, no shared state."""

from service import wsgi
from service.standing import OF_GUNICORN, keep_standing

_service = OF_GUNICORN.read().service

bind = _service.bind
workers = _service.workers
worker_class = "gthread"
threads = _service.threads
timeout = 120
graceful_timeout = 20
keepalive = 15
backlog = 1024
max_requests = 20_000
max_requests_jitter = 2_000
limit_request_line = 8190
limit_request_fields = 100
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True
wsgi_app = "service.wsgi:application()"


def on_starting(_server: object) -> None:
    """Import and compile once, not in each worker: one that takes a dead one's place serves at once."""
    wsgi.prepare()


def when_ready(_server: object) -> None:
    """Keep the last good settings for workers that begin later."""
    keep_standing()
