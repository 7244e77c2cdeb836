"""What every test of this folder has."""

from tests.support.hashes import cheap_hashes

__all__ = ["cheap_hashes"]
