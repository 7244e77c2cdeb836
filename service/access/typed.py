"""What people type or paste, in one spelling: keyboards, phones and pasting write the same in several."""

import unicodedata


def shown(text: str) -> str:
    """Return what is to be seen of a text, composed in one way: pasting hides signs in it that nobody sees."""
    return "".join(one for one in unicodedata.normalize("NFKC", text) if unicodedata.category(one) != "Cf")


def ascii_digits(text: str) -> str:
    """Return a text with the digits of any script as 0 to 9: a phone may write those of its own."""
    return "".join(str(unicodedata.decimal(one, one)) for one in text)
