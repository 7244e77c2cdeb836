"""The mail server: what it says is translated once, here; its own words are never kept, since they quote addresses."""

import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from service.keys import mail_password
from service.settings import MailSettings

_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
_PERMANENT = 500


class ServerAway(Exception):
    """Nothing can be sent now, whatever it is; the message is a code."""


class Temporary(Exception):
    """The server does not take this mail now; the message is a code."""


class Permanent(Exception):
    """The server never takes this mail; the message is a code."""


class AddressRefused(Permanent):
    """The server takes no mail for this address, whatever is in it."""


class Server:
    """A connection to the mail server, made when it is first needed and made anew after a fault."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        self._password = mail_password(settings)
        self._smtp: smtplib.SMTP | None = None

    def connect(self) -> None:
        """Make sure that there is a connection; raises ServerAway."""
        if self._smtp is None:
            with _away():
                self._smtp = _connect(self._settings, self._password()[0])

    def send(self, recipient: str, message: bytes) -> None:
        """Hand over one mail; raises ServerAway, Temporary, Permanent.

        A connection that is lost over a mail counts against that mail: were it the server's fault, the next attempt to
        connect would tell; were it the mail's, it would hold up all the others.
        """
        self.connect()
        smtp, sender = self._smtp, self._settings.sender
        if smtp is None:
            raise AssertionError("connected")
        try:
            smtp.sendmail(sender, [recipient], message)
        except smtplib.SMTPSenderRefused as refused:
            self.close()
            raise ServerAway(_code(refused.smtp_code, refused.smtp_error)) from None
        except smtplib.SMTPRecipientsRefused as refused:
            raise _of_address(_refusal(*next(iter(refused.recipients.values())))) from None
        except smtplib.SMTPResponseException as refused:
            raise _refusal(refused.smtp_code, refused.smtp_error) from None
        except (OSError, smtplib.SMTPException) as lost:
            self.close()
            raise Temporary(type(lost).__name__) from None
        finally:
            if smtp.sock is None:  # smtplib hangs up by itself after a 421
                self.close()

    def check(self) -> None:
        """Go as far as one can without sending: the server takes our sender's mails; raises ServerAway."""
        self.connect()
        if self._smtp is not None:
            with _away():
                self._smtp.ehlo_or_helo_if_needed()
                _expect(self._smtp.mail(self._settings.sender))
                self._smtp.rset()

    def close(self) -> None:
        """End the connection, in good order if the server lets it."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with suppress(OSError, smtplib.SMTPException):
                smtp.quit()
            smtp.close()


def _connect(settings: MailSettings, password: str) -> smtplib.SMTP:
    context = ssl.create_default_context(cafile=settings.ca)
    where = (settings.host, settings.port)
    if settings.tls == "tls":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(*where, timeout=settings.timeout_s, context=context)
    else:
        smtp = smtplib.SMTP(*where, timeout=settings.timeout_s)
    try:
        if settings.tls == "starttls":
            smtp.starttls(context=context)
        if settings.user:
            smtp.login(settings.user, password)
    except BaseException:
        smtp.close()
        raise
    return smtp


@contextmanager
def _away() -> Iterator[None]:
    """Turn whatever goes wrong into ServerAway."""
    try:
        yield
    except smtplib.SMTPResponseException as refused:
        raise ServerAway(_code(refused.smtp_code, refused.smtp_error)) from None
    except (OSError, smtplib.SMTPException) as fault:
        raise ServerAway(type(fault).__name__) from None


def _expect(answer: tuple[int, bytes]) -> None:
    code, text = answer
    if code // 100 != 2:  # noqa: PLR2004 - 2xx
        raise smtplib.SMTPResponseException(code, text)


def _refusal(code: int, text: bytes | str) -> Temporary | Permanent:
    kind: Callable[[str], Temporary | Permanent] = Permanent if code >= _PERMANENT else Temporary
    return kind(_code(code, text))


def _of_address(refusal: Temporary | Permanent) -> Temporary | Permanent:
    return AddressRefused(str(refusal)) if isinstance(refusal, Permanent) else refusal


def _code(code: int, text: bytes | str) -> str:
    """Return the reply's code and, if it has one, its enhanced status code (RFC 3463)."""
    said = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    found = _ENHANCED.match(said)
    return f"{code} {found.group()}" if found else str(code)
