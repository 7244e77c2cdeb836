"""Which files with secrets everybody on this host may read: what `mieterportal doctor` warns of."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from service.settings import CONFIG_VARIABLE, Settings

_PRIVATE_KEYS = ("client_key", "client_cert")  # a certificate's key may stand in the same file


def exposed(settings: Settings) -> list[str]:
    """Return the files, those named by settings and the settings' own, whose mode lets others read or write them."""
    own = os.environ.get(CONFIG_VARIABLE)
    named = [*_files(settings), *([Path(own)] if own else [])]
    return [str(file) for file in dict.fromkeys(named) if _open_to_others(file)]


def _files(section: object) -> Iterator[Path]:
    if isinstance(section, BaseModel):
        for name in type(section).model_fields:
            value = getattr(section, name)
            if isinstance(value, Path) and (name.endswith("_file") or name in _PRIVATE_KEYS):
                yield value
            else:
                yield from _files(value)
    elif isinstance(section, dict):
        for value in section.values():
            yield from _files(value)


def _open_to_others(file: Path) -> bool:
    try:
        return bool(file.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH))
    except OSError:
        return False
