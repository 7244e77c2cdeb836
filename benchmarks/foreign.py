"""Residents who ask for documents that are not theirs, by every way there is, in one process or several."""

import multiprocessing
import random
import signal
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

from service.store.database import database
from tests.support.inprocess import Portal, Visitor

_OK, _NOT_FOUND = 200, 404
_SEED = 2026


@dataclass(frozen=True, slots=True)
class Paper:
    """A document: the person it is for, its id, its title, its bytes."""

    person: str
    key: str
    titel: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """How many random residents ask for how many documents of others each, in how many processes."""

    residents: int
    documents: int
    processes: int = 1


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one resident's questions; `wrong` is what must not be."""

    documents: int
    wrong: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Questions:
    portal: Portal
    papers: Sequence[Paper]
    documents: int

    def ask(self, resident: int) -> Found:
        """Let a resident ask for others' documents and then, still signed in, for their own."""
        own = self.papers[resident]
        visitor = self.portal.visitor("cookie", person=own.person)
        visitor.set_up()
        others = [self.papers[one] for one in _others(resident, len(self.papers), self.documents)]
        wrong = [f"{own.person} was served by {way}: {one.key}" for one in others for way in _served(visitor, one)]
        wrong += [f"{own.person} in export: {said}" for said in _wrong_in_export(visitor, own, others)]
        missed = {"id", "range", "preview", "search"} - set(_served(visitor, own))
        wrong += [f"{own.person} was not served their own by {way}" for way in sorted(missed)]
        return Found(len(others), wrong)


def ask_all(portal: Portal, papers: Sequence[Paper], asked: Asked) -> Iterator[Found]:
    """Yield what each of the residents has found, as they come to an end; who asks for what is the same every time."""
    questions = _Questions(portal, papers, asked.documents)
    residents = random.Random(_SEED).sample(range(len(papers)), min(asked.residents, len(papers)))  # noqa: S311 - repeatable
    if asked.processes == 1:
        yield from map(questions.ask, residents)
        return
    database.obj.close_all()  # each process opens its own
    # forked, so that each has the portal and the papers as they are
    with multiprocessing.get_context("fork").Pool(asked.processes, _take, (questions,)) as pool:
        yield from pool.imap_unordered(_ask, residents)


_taken: list[_Questions] = []


def _take(questions: _Questions) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever is interrupted ends these
    _taken.append(questions)


def _ask(resident: int) -> Found:
    return _taken[0].ask(resident)


def _others(resident: int, papers: int, documents: int) -> list[int]:
    chance = random.Random(_SEED + 1 + resident)  # noqa: S311 - repeatable on purpose
    some = chance.sample(range(papers), min(documents + 1, papers))
    return [one for one in some if one != resident][:documents]


def _served(visitor: Visitor, paper: Paper) -> Iterator[str]:
    """Yield the ways by which this visitor is served this document; all that is not 404 counts."""
    path = f"dokumente/{paper.key}"
    part = visitor.session | {"Range": "bytes=0-9"}
    if visitor.get(path).status_code != _NOT_FOUND:
        yield "id"
    if visitor.send("GET", f"{path}/datei", headers=part).status_code != _NOT_FOUND:
        yield "range"
    if visitor.get(f"{path}/seiten/1").status_code != _NOT_FOUND:
        yield "preview"
    if paper.key in visitor.get(f"dokumente?suche={paper.titel[-6:]}").text:
        yield "search"


def _wrong_in_export(visitor: Visitor, own: Paper, others: Sequence[Paper]) -> Iterator[str]:
    answer = visitor.get("konto/daten/auskunft.zip")
    if answer.status_code != _OK:
        yield f"status {answer.status_code}"
        return
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        names = archive.namelist()
        files = [archive.read(name) for name in names if name.startswith("dokumente/")]
        whole = b"\n".join([*(name.encode() for name in names), *map(archive.read, names)])
    if files != [own.content]:
        yield f"{len(files)} files, or not their own"
    yield from (f"not their own {said}" for said, there in _traces(own, whole) if not there)
    yield from (f"{said} of {other.key}" for other in others for said, there in _traces(other, whole) if there)


def _traces(paper: Paper, whole: bytes) -> Iterator[tuple[str, bool]]:
    """Yield by what a document can be known, and whether that is in an export."""
    yield "id", paper.key.encode() in whole
    yield "title", paper.titel.encode() in whole
    yield "bytes", paper.content in whole
