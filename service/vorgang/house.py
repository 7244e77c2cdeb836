"""Each Mandant as the domain sees it; catalogs are read again when another was imported."""

import threading
from collections.abc import Callable, Mapping

from service.store import catalogs
from service.store.database import FAULTS
from service.vorgang.catalog import Catalog, default_catalog, load_catalog
from service.vorgang.types import House

_LOOK_AGAIN_S = 10.0


class Houses:
    """Keeps one House per Mandant and looks every ten seconds whether its catalog has changed."""

    def __init__(self, build: Mapping[str, Callable[[Catalog], House]], monotonic: Callable[[], float]) -> None:
        self._build = build
        self._monotonic = monotonic
        self._known: dict[str, tuple[float, str | None, House]] = {}
        self._lock = threading.Lock()

    def of(self, mandant: str) -> House:
        """Return the Mandant's house with the catalog in force; needs a connection to the store when it looks."""
        known = self._known.get(mandant)
        now = self._monotonic()
        if known is not None and now - known[0] < _LOOK_AGAIN_S:
            return known[2]
        with self._lock:
            try:
                return self._look(mandant, now)
            except FAULTS:  # the page that says so still needs the emergency numbers
                if known is None:
                    return self._build[mandant](default_catalog())
                self._known[mandant] = (now, *known[1:])
                return known[2]

    def _look(self, mandant: str, now: float) -> House:
        digest = catalogs.current_digest(mandant)
        known = self._known.get(mandant)
        if known is None or known[1] != digest:
            stored = catalogs.current(mandant) if digest is not None else None
            catalog = default_catalog() if stored is None else load_catalog(stored)
            house = self._build[mandant](catalog)
        else:
            house = known[2]
        self._known[mandant] = (now, digest, house)
        return house
