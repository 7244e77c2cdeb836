"""What a WSGI server loads: `service.wsgi:application()`."""

from service.app import App, create_app
from service.log import configure_logging
from service.standing import OF_GUNICORN
from service.web.render import Renderer


def application() -> App:
    """Return the portal with the settings that MIETERPORTAL_CONFIG and the environment give, or the last good ones."""
    configure_logging()
    return create_app(OF_GUNICORN.read())


def prepare() -> None:
    """Compile the templates before workers are forked: each has them, and the modules of this one, at once."""
    Renderer()
