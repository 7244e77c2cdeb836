"""Makes service/access/own/common.txt.gz anew: `pip install zxcvbn && python -m tests.support.common_passwords`.

The words come from the password list of zxcvbn (30,000 entries in the order of how often they occur in what was
leaked) and its first names; what is German, and about renting, stands in `german_words.txt`.
"""

import gzip
from pathlib import Path

from service.access.own.passwords import stem

TARGET = Path(__file__).parents[2] / "service" / "access" / "own" / "common.txt.gz"
HEAD = """# Words that common passwords are made of, and common passwords of twelve characters or more; one a line.
# Made by tests/support/common_passwords.py, in part from the lists of zxcvbn 4.5.0, under the MIT License:
# Copyright (c) 2016 Daniel Wolf
# Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
# documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
# rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
# persons to whom the Software is furnished to do so, subject to the following conditions: The above copyright notice
# and this permission notice shall be included in all copies or substantial portions of the Software. THE SOFTWARE IS
# PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
# MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT
# HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
# ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
GERMAN = Path(__file__).with_name("german_words.txt").read_text(encoding="utf-8").split()
_SHORTEST, _LONG = 4, 12


def main() -> None:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS as LISTS  # type: ignore[import-untyped]

    leaked = list(LISTS["passwords"])
    names = [*LISTS["male_names"], *LISTS["female_names"]]
    words = {stem(word) for word in [*leaked, *names, *GERMAN]}
    kept = {word for word in words if len(word) >= _SHORTEST} | {word for word in leaked if len(word) >= _LONG}
    text = HEAD + "".join(f"{word}\n" for word in sorted(kept))
    TARGET.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main()
