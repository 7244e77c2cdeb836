"""One Chromium for the browser tests, and axe-core."""

from tests.browser.design.conftest import axe, browser

__all__ = ["axe", "browser"]
