"""Typst sets a template as a tagged PDF; what stands in it is passed as data, never as markup."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typst

from service.language import TEMPLATES

_ACCESSIBLE: Sequence[Any] = ("ua-1",)


def typeset(template: str, data: Mapping[str, Any]) -> bytes:
    """Return the PDF of a template of `templates/pdf` with this data, as PDF/UA-1 (ISO 14289-1).

    That standard forbids what no font of the machine can draw, and anybody may write a picture sign or another script.
    Then it is the same tagged file without claiming the standard, with a box in place of each such sign: a receipt
    that shows a box is worth more than none.
    """
    source, inputs = TEMPLATES / "pdf" / template, {"data": json.dumps(data, ensure_ascii=False)}
    try:
        return _compiled(source, inputs, _ACCESSIBLE)
    except typst.TypstError:
        return _compiled(source, inputs, ())


def _compiled(source: Path, inputs: dict[str, str], standards: Sequence[Any]) -> bytes:
    made: bytes = typst.compile(source, sys_inputs=inputs, format="pdf", pdf_standards=list(standards))
    return made
