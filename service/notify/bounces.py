"""Delivery reports (RFC 3464) that came back to the sender's mailbox: whose address takes no mail.

A report is matched by the Message-ID of the mail that it is about, which nobody can guess; it is read for nothing else,
and no address in it is believed.
"""

import mailbox
import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from email import message_from_binary_file, message_from_bytes
from email.message import Message
from pathlib import Path
from typing import BinaryIO

from service.access.benachrichtigungen import bounced
from service.store import mails
from service.store.database import connected

_OURS = re.compile(r"<([0-9a-f]{32})@")
_HARD = re.compile(r"5\.\d{1,3}\.\d{1,3}")


def reports_in(path: Path) -> Iterator[Message]:
    """Give the messages of a Maildir, of an mbox file, or of a file with one message. Raises OSError."""
    if path.is_dir():
        yield from mailbox.Maildir(str(path), create=False)
        return
    with path.open("rb") as file:
        is_mbox = file.read(5) == b"From "
    if is_mbox:
        with closing(mailbox.mbox(str(path), create=False)) as box:
            yield from box
    else:
        yield message_from_bytes(path.read_bytes())


def report_from(stream: BinaryIO) -> Message:
    """Return the one message of a stream, as a mail server pipes it."""
    return message_from_binary_file(stream)


def note_bounces(mandanten: Sequence[str], reports: Iterator[Message], *, now: datetime) -> tuple[int, int]:
    """Pause the addresses that reports say take no mail, for good; returns how many reports, and how many addresses."""
    read = paused = 0
    for report in reports:
        read += 1
        code, message_id = hard_bounce(report)
        if message_id:
            with connected():
                found = mails.of_message(mandanten, message_id)
                if found is not None:
                    paused += bounced(found, code, now=now)
    return read, paused


def hard_bounce(report: Message) -> tuple[str, str]:
    """Return the status code of a failure for good, and which of our mails it is about; empty for anything else."""
    if report.get_content_type() != "multipart/report":
        return "", ""
    code = message_id = ""
    for part in report.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            code = code or _failure(part)
        elif kind in {"message/rfc822", "text/rfc822-headers"}:
            message_id = message_id or _ours(part)
    return (code, message_id) if code and message_id else ("", "")


def _failure(part: Message) -> str:
    blocks = part.get_payload()
    for block in blocks if isinstance(blocks, list) else []:
        if isinstance(block, Message) and str(block.get("Action", "")).strip().lower() == "failed":
            found = _HARD.match(str(block.get("Status", "")).strip())
            if found:
                return found.group()
    return ""


def _ours(part: Message) -> str:
    payload = part.get_payload()
    if isinstance(payload, list):
        headers = payload[0] if payload else part
    else:
        headers = message_from_bytes(part.get_payload(decode=True) or b"")  # type: ignore[arg-type] # decoded
    found = _OURS.search(str(headers.get("Message-ID", ""))) if isinstance(headers, Message) else None
    return found.group(1) if found else ""
