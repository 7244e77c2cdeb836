"""Any CMS that can sign a token: nothing is assumed beyond the specification."""

from typing import ClassVar

from cms_adapters.connector import Connector


class GenericConnector(Connector):
    """The specification, and nothing else."""

    kind: ClassVar[str] = "generic"
