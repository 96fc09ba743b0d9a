"""The rules of axe-core, on a part of a page or on the whole of it."""

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

CRITERIA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OF_A_PAGE = ["region", "landmark-one-main", "landmark-unique", "page-has-heading-one", "heading-order", "empty-heading"]
DECIDED_HERE = {"aria-prohibited-attr"}  # what axe leaves undecided, and ours may nevertheless not have

RUN = """
async ([css, criteria, rules]) => {
  const { violations, incomplete } = await axe.run(css ?? document, {
    runOnly: { type: 'tag', values: criteria }, rules: Object.fromEntries(rules.map((id) => [id, { enabled: true }])),
    resultTypes: ['violations', 'incomplete'],
  });
  const told = (sure) => ({ id, nodes }) => nodes.map(({ html, target, any, all, none }) =>
    [sure, id, [...any, ...all, ...none].map((check) => check.message).join(' '), html.slice(0, 200)]);
  return [...violations.flatMap(told(true)), ...incomplete.flatMap(told(false))];
}
"""


def faults(page: Page, css: str | None = None) -> dict[str, list[str]]:
    """Return what the rules object to, on the whole page or inside of what ``css`` selects.

    Each objection begins with the name of its rule, and has the elements that it is about.
    """
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = {}
    for sure, rule, why, html in page.evaluate(RUN, [css, CRITERIA, [] if css else OF_A_PAGE]):
        if sure or rule in DECIDED_HERE:
            found.setdefault(f"{rule}: {why}", []).append(html)
    return found


def in_short(found: dict[str, list[str]]) -> str:
    """Write the objections so that the first elements of each can be found."""
    return "\n".join(f"{what}\n    {len(html)} times, as in {html[:3]}" for what, html in found.items())
