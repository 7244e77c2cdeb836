"""The last settings that were good, for processes that begin while a file is broken.

A process that runs goes on with the secrets it has (`service.watched`). One that begins meanwhile, because gunicorn
renews its workers or one has died, reads the settings anew: were that to fail, gunicorn would end altogether.
"""

import signal
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from service.keys import files_of
from service.settings import Settings, SettingsError, load_settings
from service.watched import LOOK_EVERY_S, QUIET_S, Stamp, is_quiet, stamp_of

log = structlog.get_logger()

_PATIENCE_S = 3 * QUIET_S  # a file that is written all the time is taken as it is
_STEP_S = 0.1


class Standing:
    """Kept by the process that starts the others; `load` reads the settings, raising SettingsError."""

    def __init__(
        self,
        load: Callable[[], Settings] = load_settings,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._load = load
        self._monotonic = monotonic
        self._clock = clock
        self._sleep = sleep
        self._settings: Settings | None = None
        self._stamps: dict[Path, Stamp | None] = {}
        self._look_at = 0.0

    def read(self) -> Settings:
        """Return the settings as they are now, or the last that were good; raises SettingsError if there are none.

        A file with secrets that is being written is waited for: half a key is a key, and only this process would sign
        with it.
        """
        until = self._monotonic() + _PATIENCE_S
        while not self._is_quiet() and self._monotonic() < until:
            self._sleep(_STEP_S)
        try:
            settings = self._load()
        except SettingsError as refused:
            if self._settings is None:
                raise
            log.error("settings_unusable", problems=refused.problems, alarm=True)
            return self._settings
        self.keep(settings)
        return settings

    def keep(self, settings: Settings) -> None:
        """Take these for good."""
        self._stamps = {file: _state(file) for _, file in files_of(settings)}
        self._settings = settings

    def look(self) -> Settings | None:
        """Return the last settings that were good; they are read again after a change of a file with secrets.

        Meant to be called often: files are looked at every two seconds at most.
        """
        if self._monotonic() >= self._look_at:
            self._look_at = self._monotonic() + LOOK_EVERY_S
            if any(_state(file) != stamp for file, stamp in self._stamps.items()) and self._is_quiet():
                self._read_quietly()
        return self._settings

    def _is_quiet(self) -> bool:
        """Tell whether none of the files known so far was written a moment ago."""
        stamps = [stamp for file in self._stamps if (stamp := _state(file)) is not None]
        return all(is_quiet(stamp, self._clock()) for stamp in stamps)

    def _read_quietly(self) -> None:
        """Read again; what is broken is for the processes that use it to complain of."""
        try:
            self.keep(self._load())
        except SettingsError:
            return


def _state(file: Path) -> Stamp | None:
    try:
        return stamp_of([file])
    except ValueError:
        return None


# gunicorn's master keeps it, and its workers begin with what it holds
OF_GUNICORN = Standing()


def keep_standing() -> None:
    """Look at the files with secrets every few seconds, in gunicorn's master.

    By a signal and not by a thread: the master forks its workers, and a thread could hold a lock just then.
    """
    signal.signal(signal.SIGALRM, lambda *_: OF_GUNICORN.look())
    signal.setitimer(signal.ITIMER_REAL, LOOK_EVERY_S, LOOK_EVERY_S)
