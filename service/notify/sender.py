"""The sender: takes one mail after the other, hands it over, and writes down what became of it."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from service.access.benachrichtigungen import bounced, stands_for_person
from service.access.own import reset
from service.notify.smtp import AddressRefused, Permanent, Server, ServerAway, Temporary
from service.notify.texts import NotUnderstood, Texts
from service.retry import GIVE_UP_AFTER, LONGEST, next_attempt
from service.settings import ImmotionSettings, MailSettings, MandantSettings, Settings
from service.store import mails, neuigkeiten
from service.store.database import connected, in_transaction
from service.store.records import Mail, SentMail
from service.vorgang.document_news import owe_documents, owe_to_many
from service.vorgang.dokumente import owe_notified
from service.vorgang.notices import Sammelzeit

log = structlog.get_logger()

_COMMANDS = 5  # each of which may take as long as the timeout
TOO_OLD = "too old"


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _trusted(mandant: MandantSettings) -> frozenset[str]:
    return frozenset(name for name, connection in mandant.connections.items() if connection.trust_person)


def sender_for(settings: Settings) -> "Sender | None":
    """Return what sends this installation's mails; None without a mail server."""
    server = settings.service.mail
    return None if server is None else Sender(settings, server)


class Sender:
    """Sends what is owed. While the server is away, it rests for as long as a delivery would, longer each time."""

    def __init__(
        self,
        settings: Settings,
        server: MailSettings,
        *,
        clock: Callable[[], datetime] = _utc_now,
        random: Callable[[], float] = random.random,
    ) -> None:
        self._mandanten = list(settings.mandanten)
        self._texts = Texts(settings, server)
        self._server = Server(server)
        self._lease = timedelta(seconds=server.timeout_s * _COMMANDS)
        self._zeit = Sammelzeit(ZoneInfo(settings.service.timezone))
        self._trusted = {name: _trusted(mandant) for name, mandant in settings.mandanten.items()}
        self._reporting = {
            name for name, mandant in settings.mandanten.items() if isinstance(mandant.immotion, ImmotionSettings)
        }
        self._clock = clock
        self._random = random
        self._failures = 0
        self._rests_until: datetime | None = None

    def step(self, told_to_stop: Callable[[], bool]) -> int:
        """Send all that is due, until told to stop or the server is away; returns how many mails it took.

        Raises StoreUnavailable; a mail that was being sent then is sent again when its lease has run out.
        """
        self._tell_of_documents(told_to_stop)
        if self._rests():
            return 0
        sent = 0
        try:
            while not told_to_stop() and (mail := self._next()) is not None:
                sent += self._send(mail)
        except ServerAway as away:
            self._rest(away)
        finally:
            self._server.close()
        return sent

    def _tell_of_documents(self, told_to_stop: Callable[[], bool]) -> None:
        """Owe the mails about documents that have come; so many at a time, each time in one transaction."""
        for mandant in self._mandanten:
            for step in (owe_documents, owe_to_many):
                while not told_to_stop() and self._tell_some(mandant, step):
                    pass

    def _tell_some(self, mandant: str, step: Callable[..., int]) -> int:
        """Do one step, if there is anything to tell at all: to ask that locks nothing."""
        with connected():
            if not neuigkeiten.anything(mandant):
                return 0
            try:
                return in_transaction(partial(step, mandant, self._zeit, now=self._clock()))
            except neuigkeiten.Overtaken:
                return 0

    def owes(self) -> bool:
        """Tell whether any mail is still waiting."""
        with connected():
            return any(backlog.waiting for backlog in mails.backlogs(self._mandanten, self._clock()).values())

    def _next(self) -> Mail | None:
        now = self._clock()
        with connected():
            due = mails.anything_due(self._mandanten, now)
            return mails.claim(self._mandanten, now=now, lease=self._lease) if due else None

    def _send(self, mail: Mail) -> int:
        """Send one mail and write what became of it; returns 1 if it is done with. Raises ServerAway."""
        if self._clock() - mail.created_at > GIVE_UP_AFTER:
            self._park(mail, TOO_OLD)
            return 0
        if mail.kind == mails.KENNWORT_WUNSCH:
            with connected():
                reset.answer(mail, now=self._clock())
            return 1
        wanted = self._still_wanted(mail)
        return 0 if wanted is None else self._hand_over(wanted)

    def _hand_over(self, mail: Mail) -> int:
        try:
            self._server.send(mail.recipient, self._texts.compose(mail))
        except ServerAway as away:
            with connected():
                mails.postpone(mail, next_at=self._clock(), error=str(away), counted=False)
            raise
        except Temporary as fault:
            self._postpone(mail, str(fault))
        except (Permanent, NotUnderstood) as refused:
            self._refuse(mail, refused)
        except Exception as poison:  # noqa: BLE001 - one mail that nobody foresaw must not hold up the others
            self._park(mail, type(poison).__name__)
        else:
            self._failures = 0
            with connected():
                in_transaction(partial(self._taken, mail, self._clock()))
            log.info("mail_sent", mandant=mail.mandant, kind=mail.kind, mail=mail.id)
            return 1
        return 0

    def _still_wanted(self, mail: Mail) -> Mail | None:
        """Return what of a mail its account may still be told; where that is nothing, it is taken back: None."""
        if not mail.facts.get("of_person"):
            return mail
        with connected():
            if stands_for_person(mail.mandant, mail.account, self._trusted[mail.mandant]):
                return mail
            left = mails.without_persons(mail)
            if left is None and mails.take_back(mail):
                log.info("mail_taken_back", mandant=mail.mandant, kind=mail.kind, mail=mail.id)
            return left

    def _taken(self, mail: Mail, now: datetime) -> None:
        """Note that the server has a mail, and of which documents immotion is to hear that they were told."""
        ids = [UUID(key) for key in mail.facts.get("dokumente", ())]
        if mails.mark_sent(mail, now) and ids and mail.mandant in self._reporting:
            owe_notified(mail.mandant, ids, now=now)

    def _postpone(self, mail: Mail, error: str) -> None:
        now, attempts = self._clock(), mail.attempts + 1
        at = next_attempt(attempts, now, created_at=mail.created_at, retry_after=None, random=self._random)
        if at is None:
            self._park(mail, error)
            return
        with connected():
            mails.postpone(mail, next_at=at, error=error)
        log.warning("mail_postponed", mandant=mail.mandant, kind=mail.kind, mail=mail.id, error=error)

    def _park(self, mail: Mail, error: str) -> None:
        with connected():
            mails.park(mail, error=error)
        log.error("mail_refused", mandant=mail.mandant, kind=mail.kind, mail=mail.id, error=error)

    def _refuse(self, mail: Mail, refused: Permanent | NotUnderstood) -> None:
        """Put a mail aside; an address that takes none is left alone until its owner asks for a mail again."""
        code = str(refused)
        self._park(mail, code)
        if not isinstance(refused, AddressRefused):
            return
        with connected():
            sent = SentMail(mail.mandant, mail.account, mail.created_at, mail.recipient)
            paused = bounced(sent, code, now=self._clock())
        if paused:
            log.error("mail_address_paused", mandant=mail.mandant, mail=mail.id, error=code)

    def _rests(self) -> bool:
        """Tell whether the server is left alone; a clock that was set back does not make it longer."""
        until = self._rests_until
        return until is not None and timedelta(0) < until - self._clock() <= LONGEST

    def _rest(self, away: ServerAway) -> None:
        self._failures += 1
        now = self._clock()
        self._rests_until = next_attempt(self._failures, now, created_at=now, retry_after=None, random=self._random)
        log.warning("mail_server_away", error=str(away), failures=self._failures)
