"""A passkey in the world of the matrix, and what its authenticator answers."""

from dataclasses import dataclass, field

from service.access import passkeys
from service.access.audit import Actor, Source
from service.access.own.passkey import to_sign_in
from service.access.passkeys import (
    ADD,
    CONFIRM,
    Challenge,
    Challenges,
    Party,
    Shown,
    bound_to,
    bound_to_guest,
    party_of,
    to_confirm,
    to_create,
)
from service.store import passkeys as stored
from service.store.database import connected
from tests.invariants.own_world import guest_of
from tests.invariants.people import Somebody
from tests.support.authenticator import Authenticator
from tests.support.portal import KEY


@dataclass
class HeldPasskey:
    """A passkey of somebody's, put back whenever it was removed."""

    owner: Somebody
    name: str
    authenticator: Authenticator = field(init=False)

    def __post_init__(self) -> None:
        reader, now = self.owner.reader, self.owner.portal.now
        self.authenticator = Authenticator(self.owner.portal.installation.url)
        challenge = self._challenge(bound_to(reader, ADD))
        source = Source(reader.mandant, Actor.RESIDENT, now, account=reader.account)
        with connected():
            made = self.authenticator.create(to_create(reader, self._party, challenge, company="Musterbau eG"))
            passkeys.add(reader, Shown(self._party, challenge.value, made), name=self.name, source=source)
            (self.row,) = stored.of_account(self.owner.account)

    @property
    def _party(self) -> Party:
        party = party_of(self.owner.portal.installation.url)
        assert party is not None
        return party

    def _challenge(self, bound: list[str]) -> Challenge:
        return Challenges([KEY]).issue(bound, now=self.owner.portal.now)

    def held(self) -> str:
        """Return by what the store knows it."""
        with connected():
            if stored.find(self.owner.account, self.row.id_hash) is None:
                stored.add(self.row)
        return self.row.id_hash

    def confirms(self, somebody: Somebody) -> dict[str, str]:
        """Return the fields of a form by which it raises a session of this one's."""
        self.held()
        challenge = self._challenge(bound_to(somebody.reader, CONFIRM))
        with connected():
            options = to_confirm(self.owner.reader, self._party, challenge)
        assert options is not None
        return {"challenge": challenge.token, "credential": self.authenticator.get(options)}

    def signs_in(self, somebody: Somebody) -> dict[str, str]:
        """Return the fields of a form by which it signs in, in this one's browser."""
        self.held()
        challenge = self._challenge(bound_to_guest(somebody.mandant, guest_of(somebody).value))
        return {
            "challenge": challenge.token,
            "credential": self.authenticator.get(to_sign_in(self._party, challenge)),
        }
