"""A real SMTP server on loopback that keeps what it takes, and refuses what it is told to."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from tests.support.ports import free_port


@dataclass
class Mailbox:
    """What arrived. `rcpt` and `data` answer for an address; None takes it. `taken` is called after each mail."""

    port: int = field(default_factory=free_port)
    messages: list[EmailMessage] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    rcpt: Callable[[str], str | None] = lambda _address: None
    data: Callable[[str], str | None] = lambda _address: None
    sender: Callable[[str], str | None] = lambda _address: None
    taken: Callable[[], None] = lambda: None
    logins: list[str] = field(default_factory=list)

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802 - aiosmtpd's name
        refused = self.sender(address)
        if refused:
            return refused
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802 - aiosmtpd's name
        self.asked.append(address)
        refused = self.rcpt(address)
        if refused:
            return refused
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        refused = self.data(envelope.rcpt_tos[0])
        if refused == "hang up":
            server.transport.close()
        if refused:
            return refused
        message = message_from_bytes(envelope.content, policy=default)
        self.messages.append(message)
        self.taken()
        return "250 2.0.0 taken"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        self.logins.append(data.login.decode())
        return AuthResult(success=data.password == b"geheim", handled=False)

    def texts(self, number: int = -1) -> tuple[str, str]:
        """Return the plain text and the HTML of a message."""
        message = self.messages[number]
        parts = [message.get_body((kind,)) for kind in ("plain", "html")]
        plain, html = (part.get_content() for part in parts if part is not None)
        return plain, html


@contextmanager
def mail_server(mailbox: Mailbox, **options: Any) -> Iterator[Mailbox]:
    """Run a server for a mailbox; `options` are aiosmtpd's (tls_context, ssl_context, …)."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port, **options)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


def with_login(context: ssl.SSLContext, mailbox: Mailbox) -> dict[str, Any]:
    """Return the options of a server that wants STARTTLS and a login."""
    return {
        "tls_context": context,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": mailbox.authenticate,
    }
