"""TYPO3: residents are front-end users, signed in by felogin; the extension `mieterportal` speaks for them."""

from typing import ClassVar

from cms_adapters.connector import Connector


class Typo3Connector(Connector):
    """What the service knows of TYPO3.

    The extension fills the specification so: `sub` is `fe_users:<uid>`, `sid` a hash of TYPO3's session, `roles` what
    its site settings make of the user groups, `person` the user's column that they name. Pages come as fragments, and
    links lead to paths below the page with the content element: TYPO3 finds that page by its route enhancer, so a link
    is a path and a query, as everywhere.
    """

    kind: ClassVar[str] = "typo3"
    several: ClassVar[str] = "[]"
    """PHP keeps only the last of several files of one name, unless the name ends so; the extension takes it off."""
