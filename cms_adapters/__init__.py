"""What a CMS and the portal say to each other. Knows nothing of the service; a Python CMS can install it alone."""

from cms_adapters.connector import Connector
from cms_adapters.generic import GenericConnector
from cms_adapters.own import OwnConnector
from cms_adapters.typo3 import Typo3Connector

KINDS: dict[str, type[Connector]] = {kind.kind: kind for kind in (GenericConnector, OwnConnector, Typo3Connector)}


def connector_for(kind: str) -> type[Connector]:
    """Return the connector class of a kind; raises KeyError for a kind that does not exist."""
    return KINDS[kind]
