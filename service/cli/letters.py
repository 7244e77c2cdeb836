"""Codes become letters: PDF files for the post and a CSV file for the print shop, readable by their owner only."""

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from service.access.activation import Invitation, Invited, Purpose, Terms, invite
from service.access.facts import Fact
from service.access.hashing import Hasher
from service.cli.audit import operator
from service.cli.recipients import Recipient
from service.settings import InvitationSettings
from service.web.brief_pdf import Brief, letters_pdf
from service.web.brief_words import Umschlag
from service.web.text import Words

BATCH = 250
CODES = "codes.csv"
_HEAD = ("personNr", "name", "strasse", "plz", "ort", "code", "adresse", "gueltigBis")


class FolderTaken(Exception):
    """There are letters in this folder already."""


@dataclass(frozen=True, slots=True)
class Post:
    """One set of letters: whose, what they are for, in which language, and the folder they go to."""

    mandant: str
    name: str
    invitation: InvitationSettings
    purpose: Purpose
    words: Words
    out: Path


def leading_to(url: str, lang: str) -> str:
    """Return an address that shows its page in the letter's language."""
    parts = urlsplit(url)
    return parts._replace(query="&".join([*filter(None, [parts.query]), f"lang={lang}"])).geturl()


def write_letters(post: Post, to: Sequence[Recipient], *, now: datetime) -> Iterator[int]:
    """Issue the codes and write the letters, so many at a time; gives how many each time. Raises FolderTaken.

    The codes of a batch are stored before its letters are written: after a fault, issuing them again voids them.
    """
    post.out.mkdir(mode=0o700, parents=True, exist_ok=True)
    hasher = Hasher()
    terms = Terms(post.mandant, post.purpose, Fact(post.invitation.fact), post.invitation.days)
    with _created(post.out / CODES) as codes:
        codes.write(_csv([_HEAD]).encode("utf-8-sig"))
        for number, start in enumerate(range(0, len(to), BATCH), 1):
            batch = to[start : start + BATCH]
            made = invite([Invited(one.person, one.fact) for one in batch], terms, hasher, operator(post.mandant, now))
            with _created(post.out / f"briefe-{number:04}.pdf") as letters:
                letters.write(_pdf(post, batch, made, now))
            codes.write(_csv(_line(post, *pair) for pair in zip(batch, made, strict=True)).encode())
            yield len(batch)


def _pdf(post: Post, to: Sequence[Recipient], made: Sequence[Invitation], now: datetime) -> bytes:
    letters = [
        Brief(one.name, one.anschrift, letter.code.printed, _url(post, letter))
        for one, letter in zip(to, made, strict=True)
    ]
    common = Umschlag(post.name, post.invitation, post.purpose, now, made[0].expires_at)
    return letters_pdf(letters, common, post.words)


def _line(post: Post, one: Recipient, letter: Invitation) -> tuple[str, ...]:
    until = f"{letter.expires_at.astimezone(post.words.zone):%Y-%m-%d}"
    return one.person, one.name, one.strasse, one.plz, one.ort, letter.code.printed, _url(post, letter), until


def _url(post: Post, letter: Invitation) -> str:
    """Return where the letter leads; what follows the # is seen by no server, and so stands in no log."""
    return f"{post.invitation.url}#code={letter.code.printed}"


def _csv(rows: Sequence[Sequence[str]] | Iterator[Sequence[str]]) -> str:
    out = StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows(rows)
    return out.getvalue()


@contextmanager
def _created(path: Path) -> Iterator[BinaryIO]:
    """Write a new file that nobody else may read; raises FolderTaken where there is one."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as there:
        raise FolderTaken(path) from there
    with os.fdopen(handle, "wb") as file:
        yield file
