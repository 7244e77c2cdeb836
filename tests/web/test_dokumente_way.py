"""A document's whole way: from immotion's feed to the resident, and the word of its opening back, through faults."""

import re
from uuid import uuid4

import requests

from tests.support.dokumente import daten, pdf
from tests.support.portal import MANDANT, Installation, Resident, eventually


def provide(portal: Installation, resident: Resident) -> tuple[str, bytes]:
    """Let immotion tell of a person and provide a letter for them; returns its id and bytes."""
    name, content = f"D-{uuid4()}", pdf(str(uuid4()))
    standin = f"{portal.standin_url}/_standin"
    tell = {"art": "PERSON", "nr": resident.person, "geloescht": False, "daten": {"personNr": resident.person}}
    requests.post(f"{standin}/stammdaten", json=[tell], timeout=30).raise_for_status()
    kind = {"Content-Type": "application/pdf"}
    requests.put(
        f"{standin}/dokumente/{name}?dateiname=Brief.pdf", content, headers=kind, timeout=30
    ).raise_for_status()
    said = daten(name, content, empfaenger=[{"personNr": resident.person}], titel=f"Brief {name}")
    event = {"typ": "DOKUMENT", "mandant": MANDANT, "sichtbarkeit": "MIETER", "daten": said}
    requests.post(f"{standin}/ereignisse", json=event, timeout=30).raise_for_status()
    return name, content


def test_a_letter_arrives_and_its_opening_is_told_once_although_the_answers_are_cut(
    portal: Installation, resident: Resident
) -> None:
    name, content = provide(portal, resident)
    page = eventually(lambda: re.search(r'dokumente/([0-9a-f-]{36})"', resident.get("dokumente").text), seconds=60)
    assert eventually(lambda: told(portal, name), seconds=60) == [("EINGESTELLT", None)]
    assert eventually(lambda: settled(portal), seconds=60)
    faults = {"rate": 1, "kinds": ["cut_after_commit"], "calls": ["PUT /quittung"], "count": 1}
    requests.post(f"{portal.standin_url}/_standin/faults", json=faults, timeout=30).raise_for_status()
    try:
        assert resident.get(f"dokumente/{page[1]}/datei").content == content
        resident.get(f"dokumente/{page[1]}")
        assert eventually(lambda: len(told(portal, name)) > 1, seconds=60)
        assert eventually(lambda: settled(portal), seconds=60)
    finally:
        requests.post(f"{portal.standin_url}/_standin/faults", json={"rate": 0}, timeout=30)
    assert told(portal, name) == [("EINGESTELLT", None), ("ERSTMALS_GEOEFFNET", resident.person)]


def told(portal: Installation, name: str) -> list[tuple[str, str | None]]:
    """Return what immotion was told of a document, and of whom."""
    answer = requests.get(f"{portal.standin_url}/_standin/dokumente/{name}", timeout=30)
    return [(one["art"], one.get("personNr")) for one in answer.json()["quittungen"]]


def settled(portal: Installation) -> bool:
    """Tell whether nothing waits any more."""
    lines = portal.run("sync", "status").stdout.splitlines()
    return any(line.split()[:2] == [MANDANT, "0"] for line in lines)
