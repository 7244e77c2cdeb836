"""TYPO3: residents are front-end users, signed in by felogin."""

from typing import ClassVar

from cms_adapters.connector import Connector


class Typo3Connector(Connector):
    """The specification under TYPO3's name.

    TYPO3 fills it so: `sub` is `fe_users:<uid>`, pages come as fragments, and links lead to paths below the page with
    the content element.
    """

    kind: ClassVar[str] = "typo3"
