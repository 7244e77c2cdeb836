"""The ERP's side of a file drop: takes packages from in/, acknowledges them, writes what clerks do to out/."""

import hashlib
import os
import re
import threading
import time
import zipfile
from pathlib import Path

from lxml import etree

from service.standin import filing
from service.standin.export import Export
from service.standin.faults import FaultSwitch
from service.standin.filing import Outcome
from service.standin.ledger import Ledger
from service.standin.paket import NAMESPACE, Paket, PaketRefused, read_paket
from service.standin.problems import Problem
from service.standin.words import JsonObject, stamp

CALL = "FILEDROP"
_LOOK_S = 0.2
_HALF_S = 2.0
_PAKET = re.compile(r"(VG_[a-z0-9_-]+_[0-9]{8}T[0-9]{6}Z_([0-9]{8}))\.zip")
_NOT_FOUND = 404


class FolderSide:
    """Plays an ERP that only reads and writes one Mandant's folders."""

    def __init__(self, ledger: Ledger, switch: FaultSwitch, directory: Path, mandant: str) -> None:
        self._ledger = ledger
        self._switch = switch
        self._directory = directory
        self._mandant = mandant
        self._export = Export(ledger, mandant)
        self._halves: list[tuple[float, Path, bytes]] = []

    def start(self) -> None:
        """Look into the folders in a thread of its own until the stand-in stops."""
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while not self._ledger.closing.wait(_LOOK_S):
            self.step()
        self._complete(everything=True)

    def step(self) -> int:
        """Do what there is to do once, and return how many packages were answered."""
        self._complete()
        answered = 0
        for path in self._packages():
            try:
                answered += self._take(path)
            except OSError:
                continue  # a folder is away for the moment: the package stays and is read again
        try:
            self._export.step(lambda name, data: self._write("out", name, data, self._switch.draw(CALL)))
        except OSError:
            return answered  # the same, and nothing is lost: the position has not moved
        return answered

    def _packages(self) -> list[Path]:
        """Return the complete packages in the order of their numbers; what has no marker is not complete."""
        try:
            found = {path.name: path for path in (self._directory / "in").iterdir()}
        except OSError:
            return []
        numbered = {int(match[2]): path for name, path in found.items() if (match := _PAKET.fullmatch(name))}
        return [path for _, path in sorted(numbered.items()) if f"{path.name}.ok" in found]

    def _take(self, path: Path) -> bool:
        """Book a package, acknowledge it and remove it; False if it has to wait."""
        data_digest = hashlib.sha256(path.read_bytes()).hexdigest()
        marker = path.with_name(path.name + ".ok")
        if not marker.read_text(encoding="utf-8").startswith(data_digest):
            return False
        fault = self._switch.draw(CALL)
        answer = {"ergebnis": "FEHLER", "grund": "Störung eingeschaltet"} if fault == "refused" else self._book(path)
        if answer is None:
            return False
        self._acknowledge(path.stem, answer, fault)
        marker.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        return True

    def _book(self, path: Path) -> dict[str, str] | None:
        """Return the attributes of the acknowledgement; None for an Aktivität whose Vorgang is not here yet."""
        try:
            with zipfile.ZipFile(path) as archive:
                paket = read_paket(archive, path.stem)
                self._keep_attachments(paket)
            return self._file(paket)
        except (PaketRefused, zipfile.BadZipFile) as refused:
            return {"ergebnis": "FEHLER", "grund": str(refused)}
        except Problem as problem:
            if problem.status_code == _NOT_FOUND:
                return None
            fields = ", ".join(f"{feld.pfad}: {feld.code}" for feld in problem.felder)
            return {"ergebnis": "FEHLER", "grund": f"{problem.problem_code} {fields}".strip()}

    def _keep_attachments(self, paket: Paket) -> None:
        for anhang in paket.body.get("anhaenge", []):
            with paket.open(anhang["anhangId"]) as content:
                blob = self._ledger.blobs.receive(content)
            filing.keep_anhang(self._ledger, anhang["anhangId"].lower(), blob)

    def _file(self, paket: Paket) -> dict[str, str]:
        body: JsonObject = paket.body
        key = str(body["externeId"]).lower()
        self._ledger.count_call(key, f"{CALL} {paket.kind}")
        if paket.kind == "aktivitaet":
            sent = {name: value for name, value in body.items() if name not in {"externeId", "aktivitaetId"}}
            new = filing.add_aktivitaet(self._ledger, key, str(body["aktivitaetId"]).lower(), sent)
            return {"ergebnis": "OK" if new else "DUBLETTE"}
        filed = filing.file_vorgang(self._ledger, key, body)
        return {
            "ergebnis": "OK" if filed.outcome is Outcome.CREATED else "DUBLETTE",
            "vorgangsnummer": filed.vorgang.vorgangsnummer or "",
            "vorgangId": filed.vorgang.vorgang_id,
        }

    def _acknowledge(self, name: str, answer: dict[str, str], fault: str | None) -> None:
        if fault == "quittung_missing":
            self._switch.note(fault)
            return
        root = etree.Element(f"{{{NAMESPACE}}}quittungen", nsmap={None: NAMESPACE}, mandant=self._mandant)
        given = {key: value for key, value in answer.items() if value}
        etree.SubElement(root, f"{{{NAMESPACE}}}quittung", paket=name, zeit=stamp(self._ledger.now()), **given)
        data = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
        for _ in range(2 if fault == "quittung_doubled" else 1):
            self._write("quittung", f"Q_{name}_{self._ledger.new_id()[:8]}.xml", data, fault)
        if fault in {"quittung_doubled", "refused"}:
            self._switch.note(fault)

    def _write(self, folder: str, name: str, data: bytes, fault: str | None) -> None:
        """Write a file and then its marker: beside its place and renamed, or, as a fault, in its place and half."""
        path = self._directory / folder / name
        if fault == "half_copied":
            path.write_bytes(data[: len(data) // 2])
            self._halves.append((time.monotonic() + _HALF_S, path, data))
            self._switch.note(fault)
            return
        unfinished = path.with_name(f"{name}.tmp")
        with unfinished.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        _mark(path, data)

    def _complete(self, *, everything: bool = False) -> None:
        """Write the whole of what was half copied a while ago."""
        for half in list(self._halves):
            due, path, data = half
            try:
                if everything or time.monotonic() >= due:
                    path.write_bytes(data)
                    _mark(path, data)
                    self._halves.remove(half)
            except OSError:
                continue  # its folder is away for the moment


def _mark(path: Path, data: bytes) -> None:
    line = f"{hashlib.sha256(data).hexdigest()}  {path.name}\n"
    path.with_name(f"{path.name}.ok").write_text(line, encoding="utf-8")
