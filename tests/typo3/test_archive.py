"""The archive for the TYPO3 Extension Repository holds what an installation needs, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def built(folder: Path) -> Path:
    script = ROOT / "typo3_extension/Build/archive.py"
    done = subprocess.run([sys.executable, str(script), str(folder)], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())


def test_the_archive_has_the_extension_at_its_root_without_tests_and_tools(tmp_path: Path) -> None:
    path = built(tmp_path)
    assert path.name == "mieterportal_0.1.0.zip"
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    assert {"ext_emconf.php", "ext_localconf.php", "composer.json", "LICENSE", "Documentation/Index.rst"} <= set(names)
    assert {name.split("/")[0] for name in names if "/" in name} == {
        "Classes",
        "Configuration",
        "Documentation",
        "Resources",
    }


def test_the_archive_is_the_same_each_time(tmp_path: Path) -> None:
    assert built(tmp_path / "one").read_bytes() == built(tmp_path / "two").read_bytes()
