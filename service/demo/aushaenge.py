"""Notices of Musterbau eG on the day of the demo's first start: a fault, works that are ahead, a hint for all."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.demo.story import no_sunday
from service.vorgang.aushang import Art, Entwurf, Schwere

_KNOWN_FOR = timedelta(hours=3)
_AHEAD_DAYS = 8
_HINT_DAYS = 5


def aushaenge(now: datetime, zone: ZoneInfo) -> Iterator[Entwurf]:
    """Yield what hangs there: for residents of the Amselhof, of the Lindenhof, and for everybody."""
    yield Entwurf(
        art=Art.STOERUNG,
        schwere=Schwere.WICHTIG,
        titel={"de": "Warmwasser im Amselhof nur lauwarm", "en": "Hot water in the Amselhof is only lukewarm"},
        text={
            "de": "Die Pumpe im Heizungsraum ist ausgefallen, eine Fachfirma ist bestellt. Sie müssen nichts melden. "
            "Sagen Sie uns mit „Betrifft mich auch“, wenn es auch bei Ihnen so ist.",
            "en": "The pump in the boiler room has failed, and a contractor is on the way. You need not report it. "
            "Press “Affects me too” if it is the same in your home.",
        },
        gebaeude=("G100",),
        schadenskategorie="HEIZUNG",
        von=now - _KNOWN_FOR,
    )
    day = no_sunday(now.astimezone(zone).date() + timedelta(days=_AHEAD_DAYS))
    yield Entwurf(
        art=Art.ARBEITEN,
        titel={"de": "Reinigung der Tiefgarage im Lindenhof", "en": "Cleaning of the underground car park, Lindenhof"},
        text={
            "de": "Bitte stellen Sie Ihr Fahrzeug bis 8 Uhr ins Freie. Ab 14 Uhr können Sie wieder einfahren.",
            "en": "Please move your car out by 8 am. You can drive in again from 2 pm.",
        },
        gebaeude=("G200",),
        schadensort="A_GARAGE",
        von=datetime.combine(day, time(8), zone),
        bis=datetime.combine(day, time(14), zone),
    )
    yield Entwurf(
        art=Art.HINWEIS,
        titel={"de": "Neue Sprechzeiten unserer Geschäftsstelle", "en": "New opening hours of our office"},
        text={
            "de": "Wir sind montags bis donnerstags von 8 bis 17 Uhr und freitags von 8 bis 12 Uhr für Sie da.",
            "en": "We are here for you from 8 am to 5 pm on Mondays to Thursdays, and from 8 am to noon on Fridays.",
        },
        oeffentlich=True,
        von=now - timedelta(days=_HINT_DAYS),
    )
