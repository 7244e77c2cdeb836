"""What integrators paste signs byte for byte like the portal itself."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SNIPPETS = ROOT / "cms_adapters" / "snippets"
VECTORS = json.loads((ROOT / "tests" / "vectors" / "session_tokens.json").read_text(encoding="utf-8"))["valid"]
PHP = (
    'require $argv[1]; foreach (json_decode(file_get_contents("php://stdin"), true) as $v) '
    '{ echo portal_token($v["claims"], $v["secret"], $v["issued"]), "\\n"; }'
)
NODE = (
    'const { portalToken } = await import(process.argv[1]); const vectors = JSON.parse(require("fs").readFileSync(0)); '
    "for (const v of vectors) console.log(portalToken(v.claims, v.secret, v.issued));"
)


def signed_by(program: str, *arguments: str) -> list[str]:
    if shutil.which(program) is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{program} is missing")
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([program, *arguments], input=json.dumps(VECTORS), capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_php_signs_every_vector() -> None:
    assert signed_by("php", "-r", PHP, str(SNIPPETS / "token.php")) == [vector["token"] for vector in VECTORS]


def test_node_signs_every_vector() -> None:
    code = NODE.replace('require("fs")', '(await import("node:fs"))')
    arguments = ("--input-type=module", "-e", code, str(SNIPPETS / "token.mjs"))
    assert signed_by("node", *arguments) == [vector["token"] for vector in VECTORS]
