"""TYPO3: front-end users sign in by felogin, back-end users come with `admin` tokens."""

from typing import ClassVar

from cms_adapters.connector import Connector


class Typo3Connector(Connector):
    """The specification; `sub` is `fe_users:<uid>`, and links are paths below the content element's page."""

    kind: ClassVar[str] = "typo3"
