"""XML that strangers wrote: no DTD, no entities, no network, a limit, and valid or not taken at all."""

import re
import threading
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from service.sync.immotion.filedrop.unreadable import Unreadable

NAMESPACE = "urn:mieterportal:filedrop:1"
SIZE_MAX = 8 * 2**20
_SCHEMAS = Path(__file__).parents[3] / "schemas"
_PROBLEMS_MAX = 5
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# libxml2 prepares its built-in types when the first schema is compiled; two threads at once spoil them for good
_compiling = threading.Lock()

Element = Any  # lxml has no types


@cache
def _schema(name: str, _thread: int) -> Any:  # noqa: ANN401 - as above
    """Return a published schema (vorgang, quittung, dokumente); one per thread, since it keeps its last errors."""
    with _compiling:
        return etree.XMLSchema(etree.parse(_SCHEMAS / f"{name}.xsd"))


def parse(data: bytes, schema_name: str) -> Element:
    """Return the root of a document that is valid by a published schema; raises Unreadable."""
    if len(data) > SIZE_MAX:
        raise Unreadable(f"XML of more than {SIZE_MAX} bytes")
    # one per document: parsers are not for several threads
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as broken:
        raise Unreadable("not well-formed XML") from broken
    info = root.getroottree().docinfo
    if info.doctype or info.internalDTD is not None:
        raise Unreadable("XML with a document type declaration")
    if wrong := problems(root, schema_name):
        raise Unreadable(f"not valid by {schema_name}.xsd: {'; '.join(wrong)}")
    return root


def problems(root: Element, schema_name: str) -> list[str]:
    """Return where a document is not valid and by which rule, without what stands there: it may be personal."""
    checker = _schema(schema_name, threading.get_ident())
    if checker.validate(root):
        return []
    log = list(checker.error_log)[:_PROBLEMS_MAX]
    return [f"line {error.line}: {_place(root, error.path)} ({error.type_name})" for error in log]


def _place(root: Element, path: str | None) -> str:
    """Return the names of the elements on the way to one; libxml names it by positions only."""
    try:
        found = root.getroottree().xpath(path) if path else []
    except etree.XPathError:  # an element of another namespace, named by a prefix that only the document knows
        return ""
    way = [*reversed(list(found[0].iterancestors())), found[0]] if found else []
    return "".join(f"/{etree.QName(element).localname}" for element in way)


def clean(text: str) -> str:
    """Return text as XML 1.0 can carry it: a control character becomes a replacement character."""
    return _NOT_XML.sub("\ufffd", text)
