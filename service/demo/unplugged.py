"""The one part of the demo that may end: pulling the stand-in immotion's plug shows what the portal does meanwhile."""

import time
from collections.abc import Callable

from service.demo.children import Child, Plan

STANDIN = "standin"


class Unplugged:
    """Starts the stand-in again `pause_s` seconds after it has ended, and says both in a line each."""

    def __init__(self, begin: Callable[[Plan], Child], say: Callable[[str], None], pause_s: float) -> None:
        self._begin = begin
        self._say = say
        self._pause_s = pause_s
        self._plan: Plan | None = None
        self._back_at = 0.0

    def ended(self, child: Child) -> None:
        """Take note of the stand-in that has ended; what is left of it must not keep its port."""
        child.end_by_force()
        self._plan, self._back_at = child.plan, time.monotonic() + self._pause_s
        self._say(
            f"The stand-in immotion has ended (code {child.code}). Everything else keeps running: reports are taken, "
            f"and wait. It starts again in {self._pause_s:g} s."
        )

    def back(self) -> Child | None:
        """Start the stand-in again if it is time; None otherwise."""
        if self._plan is None or time.monotonic() < self._back_at:
            return None
        plan, self._plan = self._plan, None
        child = self._begin(plan)
        self._say(
            f"The stand-in immotion starts again (process {child.pid}); what was reported meanwhile goes there within "
            "half a minute."
        )
        return child


def how_to(child: Child) -> str:
    """Return how its plug is pulled, as the demo prints it."""
    return f"To pull the plug of the stand-in immotion: kill {child.pid}. Reports are taken all the same."
