"""What every test may ask for: a running portal of its own session, residents who use it."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.portal import Installation, Resident

pytest_plugins = ["tests.support.options", "tests.support.skips"]

# A slow machine is no failure: no test asserts times.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")

_numbers = count(1)


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The portal under gunicorn, with the stand-in immotion and the sync worker."""
    installation = Installation(tmp_path_factory.mktemp("portal"))
    try:
        installation.start_standin()
        installation.start_portal()
        installation.start_sync()
        yield installation
    finally:
        installation.stop_all()


@pytest.fixture
def resident(portal: Installation) -> Resident:
    """Somebody nobody else has been, so that tests do not see each other's Vorgänge."""
    number = next(_numbers)
    return portal.resident(sub=f"fe_users:{number}", person=f"P{number:06d}")


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of small real files."""
    return Path(__file__).parent / "files"
