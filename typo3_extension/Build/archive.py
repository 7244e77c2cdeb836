"""Builds the archive for the TYPO3 Extension Repository in a folder; the same bytes each time.

What `.gitattributes` marks with export-ignore is left out.
"""

import re
import sys
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
_KEY = "mieterportal"
_WHEN = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say


def version() -> str:
    """Return the version that `ext_emconf.php` names."""
    found = re.search(r"'version' => '(\d+\.\d+\.\d+)'", (_ROOT / "ext_emconf.php").read_text(encoding="utf-8"))
    if found is None:
        raise SystemExit("ext_emconf.php names no version like 1.2.3")
    return found.group(1)


def packed() -> Iterator[Path]:
    """Give the files of the archive, sorted."""
    lines = (_ROOT / ".gitattributes").read_text(encoding="utf-8").splitlines()
    left_out = [line.split()[0].strip("/") for line in lines if line.endswith(" export-ignore")]
    for path in sorted(_ROOT.rglob("*")):
        parts = path.relative_to(_ROOT).parts
        names = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
        hidden = any(part.startswith(".") and part != ".gitattributes" for part in parts)
        if path.is_file() and not hidden and not any(fnmatch(name, one) for name in names for one in left_out):
            yield path


def build(folder: Path) -> Path:
    """Write the archive into a folder and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{_KEY}_{version()}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in packed():
            entry = zipfile.ZipInfo(path.relative_to(_ROOT).as_posix(), _WHEN)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return target


if __name__ == "__main__":
    print(build(Path(sys.argv[1] if len(sys.argv) > 1 else "var")))
