"""From a Mandant's settings to the house that the domain decides by."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from zoneinfo import ZoneInfo

from service.settings import MandantSettings, NotfallSettings, RoutingRuleSettings, Settings
from service.vorgang.catalog import Catalog
from service.vorgang.emergency import EmergencySettings, parse_sprechzeiten
from service.vorgang.house import Houses
from service.vorgang.routing import RoutingRule
from service.vorgang.types import House


def houses_of(settings: Settings, monotonic: Callable[[], float] = time.monotonic) -> Houses:
    """Return the Mandanten of this installation, each with the catalog in force."""
    zone = ZoneInfo(settings.service.timezone)
    return Houses(
        {name: partial(house_of, name, mandant, zone) for name, mandant in settings.mandanten.items()}, monotonic
    )


def house_of(mandant_id: str, mandant: MandantSettings, zone: ZoneInfo, catalog: Catalog) -> House:
    """Return the Mandant as the domain sees it, with this catalog in force."""
    return House(
        mandant=mandant_id,
        catalog=catalog,
        routing=routing_rules(mandant.routing),
        notfall=_notfall((mandant.notfall,), zone),
        notfall_of={
            number: _notfall((mandant.notfall, gebaeude.notfall), zone) for number, gebaeude in mandant.gebaeude.items()
        },
        special_categories=mandant.special_categories,
        zone=zone,
    )


def routing_rules(rules: Sequence[RoutingRuleSettings]) -> tuple[RoutingRule, ...]:
    """Return the rules as the domain reads them, in their order."""
    return tuple(RoutingRule(**dict(rule)) for rule in rules)


def _notfall(layers: Sequence[NotfallSettings], zone: ZoneInfo) -> EmergencySettings:
    """Put a building's settings over the Mandant's, and those over the defaults."""
    nummern: dict[str, str] = {}
    chosen: dict[str, object] = {}
    for layer in layers:
        nummern |= layer.nummern
        chosen |= {
            name: value
            for name in ("heizperiode", "sprechzeiten", "warmwasser_ist_notfall")
            if (value := getattr(layer, name)) is not None
        }
    if "sprechzeiten" in chosen:
        chosen["sprechzeiten"] = parse_sprechzeiten(str(chosen["sprechzeiten"]))
    return EmergencySettings(notrufnummern=nummern, timezone=zone.key, **chosen)  # type: ignore[arg-type]  # names and types are NotfallSettings'
