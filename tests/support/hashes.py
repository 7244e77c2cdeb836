"""Hashes that cost next to nothing, for tests of what comes of them; what they cost the portal is a test of its own."""

from collections.abc import Iterator

import pytest

from service.access import hashing


@pytest.fixture(autouse=True, scope="module")
def cheap_hashes() -> Iterator[None]:
    """Let this process hash with the least that Argon2 allows; a hash tells its own parameters to who verifies it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hashing, "_MEMORY_KIB", 8)
        patched.setattr(hashing, "_PASSES", 1)
        yield
