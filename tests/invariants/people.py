"""Who asks for something, in the world of the matrix."""

from dataclasses import dataclass
from enum import StrEnum

from service.access import visitor as access
from service.access.visitor import account_of, digest
from service.store.records import AccountKey, CmsSession
from tests.support.inprocess import Visitor

NEIGHBOUR = "nachbar"
WEBSITE, CONNECTION = "website", "portal"  # of the CMS, and of the own login


class Who(StrEnum):
    """Who asks for something of the owner's."""

    OWNER = "owner"
    LEVEL_1 = "owner at level 1"
    CO_RESIDENT = "another account of the same person"
    FOREIGN = "foreign resident of the Mandant"
    NEIGHBOUR = "resident of another Mandant, there"
    STRAY = "resident of another Mandant, here"
    NOBODY = "nobody"


INTRUDERS = tuple(Who)[2:]


@dataclass
class Somebody(Visitor):
    """A visitor of whom it is known who it is; by a CMS, or by the own login, where `sub` is the account's id."""

    who: Who = Who.OWNER
    connection: str = WEBSITE

    @property
    def account(self) -> AccountKey:
        return AccountKey(self.mandant, account_of(self.connection, self.sub))

    @property
    def of_cms_session(self) -> CmsSession:
        sid = digest(self.connection, self.sid)
        return CmsSession(self.mandant, digest(self.connection, self.account.account, sid), self.connection, sid)

    @property
    def reader(self) -> access.Visitor:
        """Return who the portal takes this one for."""
        return access.Visitor(
            mandant=self.mandant,
            connection=self.connection,
            account=self.account.account,
            cms_session=digest(self.connection, self.sid),
            person=self.person or "4711",
            name="",
            email="",
            lang="",
            roles=(),
        )
