"""What a WSGI server loads: `service.wsgi:application()`."""

from service.app import App, create_app
from service.log import configure_logging
from service.settings import load_settings


def application() -> App:
    """Return the portal with the settings that MIETERPORTAL_CONFIG and the environment give."""
    configure_logging()
    return create_app(load_settings())
