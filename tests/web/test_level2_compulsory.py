"""From a day on nobody gets at their documents without a second factor, and it is set up on the way to them."""

import re
from pathlib import Path

import pytest

from tests.support.inprocess import EMBEDDINGS, Portal, codes_on

PDF = (Path(__file__).parent.parent / "files" / "page.pdf").read_bytes()


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_from_its_day_on_a_second_factor_is_set_up_on_the_way(tmp_path: Path, embedding: str) -> None:
    portal = Portal(tmp_path, level2="compulsory_from = 2026-11-24")
    try:
        visitor = portal.visitor(embedding)
        path = portal.document(visitor.file_kontakt(), PDF)
        assert visitor.get(path).status_code == 200
        assert "Ab dem 24. November 2026" in visitor.get("konto/sicherheit").text
        portal.later(hours=11, minutes=30)
        if embedding != "fragment":
            visitor = portal.visitor(embedding, sub=visitor.sub)
        asked = visitor.where(visitor.get(path))
        assert asked.startswith("konto/sicherheit/app?weiter=")
        assert "Für diesen Schritt brauchen Sie" in visitor.get(asked).text
        visitor.secret = visitor.begin(asked.partition("weiter=")[2])
        form = visitor.form(asked) | {"aktion": "bestaetigen", "code": visitor.code()}
        shown = visitor.post("konto/sicherheit/app", form)
        assert len(codes_on(shown)) == 10
        onward = re.search(r'href="[^"]*/(bestaetigen\?weiter=[^"]+)"', shown.text).group(1)
        assert "Datei herunterladen" in visitor.get(onward).text
        assert visitor.get(path).content.startswith(b"%PDF")
    finally:
        portal.close()
