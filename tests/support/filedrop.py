"""An installation whose immotion only reads a folder."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.support.portal import MANDANT, Installation, wait_for

PLACES = ("in", "out", "quittung", "fehler", "archiv")


def make_folders(directory: Path) -> Path:
    for place in PLACES:
        (directory / place).mkdir(parents=True, exist_ok=True)
    return directory


@dataclass
class DropInstallation(Installation):
    """Like any other, but for the channel."""

    drop_settings: str = "settle_s = 0"

    def __post_init__(self) -> None:
        self.drop = make_folders(self.directory / "ablage")
        super().__post_init__()

    def write_settings(self) -> None:
        super().write_settings()
        text = self.config.read_text(encoding="utf-8")
        http = re.compile(rf"(\[mandanten\.{MANDANT}\.immotion\]\n)(?:[^\[\n].*\n|\n)*")
        drop = f'\\1channel = "filedrop"\ndirectory = "{self.drop}"\n{self.drop_settings}\n'
        text, count = http.subn(drop, text)
        assert count == 1
        self.config.write_text(text, encoding="utf-8")

    def start_standin(self) -> None:
        ledger = str(self.directory / "standin.db")
        folder = ["--filedrop", str(self.drop), "--mandant", MANDANT]
        self.start("standin", "standin", "--port", str(self.standin_port), "--ledger", ledger, *folder)
        wait_for(f"{self.standin_url}/gesundheit")
