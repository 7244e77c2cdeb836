"""The forty Vorgänge of the demo, from a year ago until yesterday, oldest first."""

from service.demo.stories_abgeschlossen import ABGESCHLOSSENE
from service.demo.stories_erledigt import ERLEDIGTE
from service.demo.stories_offen import OFFENE

FAELLE = (*ERLEDIGTE, *ABGESCHLOSSENE, *OFFENE)
