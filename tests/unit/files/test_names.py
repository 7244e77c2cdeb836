import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.files.names import clean_name


@pytest.mark.parametrize(
    "raw, mime, clean",
    [
        ("../../etc/passwd", None, "passwd"),
        ("C:\\Fotos\\Küche.JPG", "image/jpeg", "Küche.JPG"),
        ("IMG_1.HEIC", "image/jpeg", "IMG_1.jpg"),
        ("rechnung\u202efdp.exe", "application/pdf", "rechnungfdp.exe.pdf"),
        ("a\x00b\r\nc\x7f.png", "image/png", "abc.png"),
        ("", None, "Datei"),
        ("...", "video/mp4", "Datei.mp4"),
        ("/", "image/webp", "Datei.webp"),
        ("film.qt", "video/quicktime", "film.qt"),
        ('a"b<c>|?*:.pdf', "application/pdf", "abc.pdf"),
        ("\ud800.png", None, "png"),
    ],
)
def test_names_are_made_harmless_and_say_the_proven_type(raw, mime, clean):
    assert clean_name(raw, mime) == clean


def test_a_long_name_is_cut_and_keeps_its_suffix():
    name = clean_name("ä" * 300 + ".jpeg", "image/jpeg")
    assert (len(name), name[-5:]) == (120, ".jpeg")


@given(st.text(), st.sampled_from([None, "image/jpeg", "application/pdf", "video/mp4"]))
def test_whatever_it_was_it_is_short_printable_and_has_no_path(raw, mime):
    name = clean_name(raw, mime)
    assert 0 < len(name) <= 120
    assert not set(name) & set('/\\\0\r\n<>:"|?*')
    assert name.encode()
