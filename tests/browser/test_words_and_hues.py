"""What a reader is told by hues, letters and a legend, and what is left of that on a narrow screen."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import EXAMPLE, IMPORTS
from tests.browser.looking import widen
from tests.browser.test_looks import LONG

NARROW = {"width": 360, "height": 780}

NETWORK = """
from course_utils.examples import WORKED_NET, WORKED_TARGET, WORKED_X
bptt_stepper(WORKED_NET, WORKED_X, WORKED_TARGET)
"""

# Texts that are seen in part: cut by an edge of the stage, or covered by the names of rows at its left.
CUT = """
root => {
  const view = root.querySelector('.rc-stage').getBoundingClientRect();
  const paper = root.querySelector('.pinned > .paper').getBoundingClientRect();
  return [...root.querySelectorAll('.rc-stage text')].filter((text) => {
    if (text.closest('.pinned') || getComputedStyle(text).visibility === 'hidden' || !text.textContent) return false;
    const box = text.getBoundingClientRect();
    const left = view.left + (box.top < paper.bottom ? paper.width : 0);
    return (box.left < left - 1 && box.right > left) || (box.left < view.right && box.right > view.right + 1);
  }).map((text) => text.textContent);
}
"""


def scroll(player, left):
    player.find(".rc-stage").evaluate(
        """async (stage, left) => {
          stage.scrollLeft = left;
          for (let n = 0; n < 2; n++) await new Promise(requestAnimationFrame);
        }""",
        left,
    )


@pytest.fixture(scope="module", params=[EXAMPLE, NETWORK], ids=["trellis", "network"])
def narrow_page(request, lab, desk):
    lab.write("narrow.ipynb", IMPORTS, request.param)
    with desk.open("narrow.ipynb", viewport=NARROW) as one:
        widen(one.run())
        yield one
        assert not one.unrest()


@pytest.fixture
def narrow(narrow_page):
    narrow_page.page.set_viewport_size(NARROW)
    player = narrow_page.stepper()
    player.focus().press("End")
    return player


# Scroll to one place after the other; at each wait until no text is cut, which what is scrolled comes to some frames later.
SCROLL_ALONG = f"""
async (root, [step, frames]) => {{
  const cut = ({CUT});
  const stage = root.querySelector('.rc-stage');
  const most = stage.scrollWidth - stage.clientWidth;
  const found = {{ most, hidden: 0, cut: [] }};
  for (const left of [...Array(Math.floor(most / step) + 1).keys()].map((n) => n * step).concat(0)) {{
    stage.scrollLeft = left;
    for (let n = 0; n < 2; n++) await new Promise(requestAnimationFrame);
    for (let n = 0; n < frames && cut(root).length; n++) await new Promise(requestAnimationFrame);
    if (cut(root).length) found.cut.push([left, cut(root)]);
    found.hidden += root.querySelectorAll('text.rc-cut').length;
  }}
  return found;
}}
"""


def test_on_a_narrow_screen_no_number_is_seen_in_part_wherever_one_scrolls(narrow):
    found = narrow.root.evaluate(SCROLL_ALONG, [13, 600])
    assert found["most"] > 100
    assert found["cut"] == []
    assert found["hidden"] > 0  # or there was nothing to hide


def test_on_a_narrow_screen_the_names_of_rows_stand_above_them_and_stay_in_sight(narrow, picture):
    most = narrow.find(".rc-stage").evaluate("stage => stage.scrollWidth - stage.clientWidth")
    for left in (0, most // 2, most):
        scroll(narrow, left)
        wrong = narrow.root.evaluate(
            """root => {
              const view = root.querySelector('.rc-stage').getBoundingClientRect();
              const boxes = [...root.querySelectorAll('.rc-stage .cell > .box')].map((box) => box.getBoundingClientRect());
              return [...root.querySelectorAll('.pinned [data-above]')].filter((name) => {
                const { left, right, top, bottom } = name.getBoundingClientRect();
                const covered = boxes.filter((b) => b.left < right && b.right > left && b.top < bottom - 4 && b.bottom > top + 4);
                return left < view.left - 1 || right > view.right || covered.length;
              }).map((name) => name.textContent);
            }"""
        )
        assert wrong == [], left
    assert narrow.find(".pinned > .paper").evaluate("paper => getComputedStyle(paper).display") == "none"
    picture(narrow.root, f"names-above-{narrow.find('.rc-slider').get_attribute('max')}")


def test_the_names_go_back_beside_their_rows_where_there_is_room(narrow):
    narrow.page.set_viewport_size({"width": 1280, "height": 900})
    expect(narrow.find(".pinned > .paper")).to_have_css("display", "inline")
    expect(narrow.find(".rc-stage text.rc-cut")).to_have_count(0)
    beside = narrow.root.evaluate(
        """root => {
          const cell = root.querySelector('.rc-stage .cell > .box').getBoundingClientRect();
          return [...root.querySelectorAll('.pinned [data-above]')].every((name) => name.getBoundingClientRect().right < cell.left);
        }"""
    )
    assert beside


def test_words_letters_and_names_have_the_hue_of_their_role(notebook, theme):
    player = notebook(IMPORTS, NETWORK).stepper()
    player.focus().press(*["ArrowRight"] * 12)
    colour = "e => getComputedStyle(e).color"
    gradient = player.find(".rc-says .rc-gradient").first.evaluate(colour)
    name = player.find(".pinned text.gradient").first.evaluate("e => getComputedStyle(e).fill")
    letter = player.find(".rc-formula mi.rc-gradient").first
    assert gradient == name == letter.evaluate(colour) != player.find(".rc-says").evaluate(colour)
    assert letter.text_content() == "δ"
    weight = player.find(".rc-says .rc-weight").first
    assert weight.text_content() == "W_hh"
    assert weight.locator("sub").inner_text() == "hh"
    indices = player.find(".rc-formula msubsup > :nth-child(n + 2) mi")
    assert indices.count() >= 2
    assert not [css for css in indices.evaluate_all("all => all.map((e) => e.className)") if css]


def test_an_index_of_a_formula_is_set_below_the_line(notebook):
    player = notebook(IMPORTS, NETWORK).stepper()
    player.focus().press(*["ArrowRight"] * 12)
    player.page.wait_for_function("() => document.fonts.check('16px rc-maths')")
    base, index = player.root.evaluate(
        "root => [...root.querySelector('.rc-formula msub').children].map((e) => { const b = e.getBoundingClientRect(); return [b.bottom, b.height]; })"
    )
    assert index[0] > base[0] + 1
    assert index[1] < base[1]


def test_a_legend_says_what_shades_and_borders_mean(notebook):
    player = notebook(
        IMPORTS, f"shown = {EXAMPLE}\nshown", "import json; print(json.dumps(shown.scene['legend']))"
    ).stepper()
    entries = player.find(".rc-legend li")
    assert [entry.strip() for entry in entries.all_inner_texts()] == [
        "output",
        "a score, darker the nearer to the best of its frame",
        "not computed yet",
        "being computed",
        "where it came from",
        "not taken",
        "on the path",
        "out of reach: no path gets here in time",
    ]
    looks = player.find(".rc-swatch .box").evaluate_all(
        "all => all.map((e) => { const s = getComputedStyle(e); return s.stroke + s.strokeDasharray + s.strokeWidth; })"
    )
    assert len(set(looks[2:])) == 6
    now = player.find('.rc-stage [data-state="now"] > .box').first.evaluate("e => getComputedStyle(e).stroke")
    assert looks[3].startswith(now)


def test_a_step_turns_into_the_next_in_a_moment_and_is_told_at_once(notebook):
    player = notebook(IMPORTS, LONG, reduced_motion="no-preference").stepper()
    player.focus().press("Home")
    at_once = player.root.evaluate(
        """root => {
          root.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowRight', bubbles: true }));
          return [root.dataset.step, root.getAnimations({ subtree: true }).length];
        }"""
    )
    assert at_once[0] == "1"
    assert at_once[1] > 0
    player.page.wait_for_function(
        "() => document.querySelector('.rc-stepper').getAnimations({ subtree: true }).length === 0"
    )
    longest = player.root.evaluate(
        "root => Math.max(...[...root.querySelectorAll('.rc-stage *')].flatMap((e) => getComputedStyle(e).transitionDuration.split(',').map(parseFloat)))"
    )
    assert longest <= 0.2


def test_the_pointer_may_go_onto_a_tip_and_the_tip_goes_when_it_leaves(player):
    player.press("End")
    player.mark("V-2-1").hover()
    tip = player.find(".rc-tip")
    expect(tip).to_be_visible()
    box = tip.bounding_box()
    player.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=12)
    player.page.wait_for_timeout(600)  # twice as long as it lingers
    expect(tip).to_be_visible()
    expect(tip).to_contain_text("B at t = 2")
    player.page.mouse.move(2, 2)
    expect(tip).to_be_hidden()
