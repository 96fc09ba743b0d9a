"""What can be read, in either theme and on a narrow screen. COURSE_SCREENSHOTS=folder keeps the pictures."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EXAMPLE, IMPORTS, STRIP, TRAINING, is_dark
from tests.browser.looking import (
    CLIPPED,
    CONTRASTS,
    LEAST_CONTRAST,
    OVERFULL,
    TOO_WIDE_OR_SMALL,
    look_at,
    widen,
)
from tests.browser.shelf import TO_THE_MIDDLE

NAMES = ["trellis", "explorer", "strip", "training"]
# Where the cell that a step is about is, and what is seen of the drawing, unless it is seen whole.
BESIDE_THE_VIEW = """
root => {
  const view = root.querySelector('.rc-stage').getBoundingClientRect();
  const box = root.querySelector('.cell:not(.emission)[data-state="now"]')?.getBoundingClientRect();
  return box && (box.left < view.left || box.right > view.right) ? [box.left, box.right, view.left, view.right] : null;
}
"""
LONG = "viterbi_stepper([[.4, .6], [.5, .5], [.7, .3], [.6, .4], [.8, .2], [.1, .9]], 'ABA')"


@pytest.fixture
def all_steppers(notebook):
    def open_them(**context):
        return notebook(IMPORTS, EXAMPLE, "viterbi_explorer()", STRIP, TRAINING, LONG, **context)

    return open_them


def test_every_text_can_be_read_in_every_state(theme, all_steppers, picture):
    one = all_steppers()
    widen(one)
    assert is_dark(one) == (theme == "dark")
    weak, seen = {}, set()
    for which, name in enumerate(NAMES):
        player = one.stepper(which)
        player.root.scroll_into_view_if_needed()
        for _, contrasts, clipped, overfull in look_at(player, CONTRASTS, CLIPPED, OVERFULL):
            for what, state, contrast in contrasts:
                seen.add((what, state))
                if contrast < LEAST_CONTRAST:
                    weak[name, what, state] = min(contrast, weak.get((name, what, state), 99))
            assert not clipped, name
            assert not overfull, name
        picture(player.root, f"{name}-{theme}-middle", *TO_THE_MIDDLE)
        picture(player.root, f"{name}-{theme}-end", "End")
    assert not weak
    assert {("slot", state) for state in ("now", "done", "won", "lost", "off", "path")} <= seen
    assert {("soft", ""), ("small output", ""), ("name", ""), ("rc-says", ""), ("rc-count", "")} <= seen


def test_a_derivation_and_a_message_can_be_read(theme, notebook, picture):
    player = notebook(IMPORTS, EXAMPLE).stepper()
    player.focus().press("End")
    player.mark("V-2-1").hover()
    expect(player.find(".rc-tip")).to_be_visible()
    picture(player.root, f"derivation-{theme}")
    assert min(contrast for *_, contrast in player.root.evaluate(CONTRASTS)) >= LEAST_CONTRAST
    player.mark("y-1-1").click()
    player.page.keyboard.type("7")
    picture(player.root, f"editor-{theme}")
    player.press("Enter")
    expect(player.find(".rc-note")).to_be_visible()
    picture(player.root, f"message-{theme}")
    assert min(contrast for *_, contrast in player.root.evaluate(CONTRASTS)) >= LEAST_CONTRAST


def test_the_focus_can_be_seen(player, picture):
    style = player.root.evaluate(
        "root => { const s = getComputedStyle(root); return [s.outlineStyle, s.outlineWidth, s.outlineOffset]; }"
    )
    assert style[0] == "solid"
    width, offset = (float(value.removesuffix("px")) for value in style[1:])
    assert width >= 2
    assert width + offset <= 0  # what lies outside is cut off by JupyterLab
    picture(player.root, "focus")


def test_a_screen_of_360_pixels(all_steppers, picture):
    one = all_steppers(viewport={"width": 360, "height": 780})
    widen(one)
    for which, name in enumerate([*NAMES, "long"]):
        player = one.stepper(which)
        player.root.scroll_into_view_if_needed()
        for _, wrong in look_at(player, TOO_WIDE_OR_SMALL):
            assert wrong == [], name
        picture(player.root, f"{name}-narrow-middle", *TO_THE_MIDDLE)
        player.press("End")
        picture(player.root, f"{name}-narrow-end")
        pinned = player.find(".pinned text")
        if not pinned.count():
            continue
        player.find(".rc-stage").evaluate("stage => stage.scrollIntoView({ block: 'start' })")
        for part in (0, 0.5, 1):
            player.find(".rc-stage").evaluate(
                "async (stage, part) => { stage.scrollLeft = part * stage.scrollWidth; await new Promise(requestAnimationFrame); }",
                part,
            )
            expect(pinned.first).to_be_in_viewport()
            hidden = player.root.evaluate(
                """root => {
                  const view = root.querySelector('.rc-stage').getBoundingClientRect();
                  return [...root.querySelectorAll('.pinned text')].filter((text) => {
                    const box = text.getBoundingClientRect();
                    return box.left < view.left - 1 || box.right > view.right + 1;
                  }).map((text) => text.textContent);
                }"""
            )
            assert not hidden, f"{name}: these names are out of sight"


def test_the_step_in_question_is_scrolled_into_sight_on_a_narrow_screen(notebook):
    one = notebook(IMPORTS, LONG, viewport={"width": 360, "height": 780})
    widen(one)
    player = one.stepper()
    for n, out_of_sight in look_at(player, BESIDE_THE_VIEW):
        assert out_of_sight is None, n


def test_nothing_moves_by_itself(notebook):
    player = notebook(IMPORTS, EXAMPLE, reduced_motion="reduce").stepper()
    moving = """root => [...root.querySelectorAll('*'), root].filter((e) => {
      const style = getComputedStyle(e);
      const lasts = (times) => times.split(',').some((time) => parseFloat(time) > 0);
      return lasts(style.animationDuration) || lasts(style.transitionDuration) || style.scrollBehavior === 'smooth';
    }).map((e) => e.outerHTML.slice(0, 100))"""
    player.focus()
    for key in ["ArrowRight"] * 3 + ["End", "Home"]:
        player.press(key)
        assert player.root.evaluate(moving) == []
        assert player.root.evaluate("root => root.getAnimations({ subtree: true }).length") == 0
