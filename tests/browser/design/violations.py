"""What axe-core finds in a page: only that comes back, since all it looks at is a hundred times as much."""

from collections.abc import Sequence

from playwright.sync_api import Frame, Page

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_FOUND = """rules => axe.run({ runOnly: rules, resultTypes: ["violations"] })
.then(({ violations }) => violations.map(rule => [rule.id, rule.nodes.map(node => node.html)]))"""


def violations(shown: Page | Frame, rules: Sequence[str] = RULES) -> list[list[object]]:
    """Return each rule that is broken with the elements that break it; axe-core is loaded there already."""
    found: list[list[object]] = shown.evaluate(_FOUND, list(rules))
    return found
