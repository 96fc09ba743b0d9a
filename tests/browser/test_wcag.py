"""Success criteria of WCAG 2.2 that no rule of a checker decides; each test is named by the number of its criterion."""

import pytest
from playwright.sync_api import expect

from course_utils.site.page import page as export
from tests.browser.conftest import IMPORTS
from tests.browser.everything import EXAMPLES, SHOWN, STEPPERS, scenes
from tests.browser.wcag import (
    AS_AT_FIRST,
    COVERED_ANYWHERE,
    CRAMPED,
    MOVES,
    RUNNING,
    SCROLLS_SIDEWAYS,
    STATES,
    STICKS_OUT,
    WHERE,
)
from tools.pages import Player

CAN_BE_CHANGED = ["trellis", "permutation", "rnn"]  # a probability, points and choices, weights and inputs
EXPLORER = "gradient explorer"  # has a list, sliders and a number
NAMES = [name for name, (_, make) in STEPPERS.items() if make]  # on the page, in order
SMALLEST_TARGET = 24
WAY_BACK = 15  # JupyterLab puts the buttons of the cell that becomes active in between
TAB_STOPS = "button, input, select, textarea, summary, a[href], [tabindex]"


@pytest.fixture(scope="module")
def wcag_notebook(lab, desk):
    cells = [SHOWN[name][0].removeprefix(EXAMPLES) for name in [*CAN_BE_CHANGED, EXPLORER]]
    lab.write("wcag.ipynb", f"{IMPORTS}\n{EXAMPLES}", *cells)
    with desk.open("wcag.ipynb") as notebook:
        notebook.run()
        assert notebook.errors() == []
        yield notebook
        assert not notebook.unrest()


@pytest.fixture
def in_lab(wcag_notebook):
    """Bring one of the steppers in JupyterLab into sight, at its first step, with nothing open."""

    def bring(name):
        which = [*CAN_BE_CHANGED, EXPLORER].index(name) + 1
        wcag_notebook.scroll_to(which)
        player = Player(wcag_notebook.page, wcag_notebook.cell(which).locator(".rc-stepper"))
        wcag_notebook.page.mouse.move(2, 2)
        player.focus().press("Escape", "Home").expect_step(0)
        return player

    return bring


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("wcag") / "page.html"
    path.write_text(export("All pictures", scenes()), "utf-8")
    return path


@pytest.fixture(scope="module")
def pages(browser):
    """The pages that are open, by the settings of their contexts; one serves all tests that ask for the same."""
    opened = {}
    yield opened
    for page in opened.values():
        page.context.close()


@pytest.fixture
def open_page(browser, page_file, pages):
    def open_file(**settings):
        key = repr(settings)
        if key not in pages:
            page = pages[key] = browser.new_context(**settings).new_page()
            page.goto(page_file.as_uri())
            page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length")
            expect(page.locator(".rc-stepper[data-step]")).to_have_count(len(NAMES))
        page = pages[key]
        page.mouse.move(2, 2)
        page.evaluate(AS_AT_FIRST)
        return page

    return open_file


def players(page):
    return [Player(page, root) for root in page.locator(".rc-stepper").all()]


# -- 1.4.10


def test_1_4_10_at_320_pixels_only_pictures_are_scrolled_sideways(open_page):
    page = open_page(viewport={"width": 320, "height": 700})
    for part in (0, 0.5, 1):
        for player in players(page):
            player.find(".rc-slider").evaluate(
                "(s, part) => { s.value = Math.round(part * s.max); s.dispatchEvent(new Event('input')); }", part
            )
        assert page.evaluate(SCROLLS_SIDEWAYS) == []
        assert page.evaluate(STICKS_OUT) == []
    page.evaluate("() => document.querySelectorAll('button[aria-label=Keys]').forEach((button) => button.click())")
    page.evaluate("() => document.querySelectorAll('.rc-table').forEach((table) => { table.open = true; })")
    assert page.evaluate(SCROLLS_SIDEWAYS) == []
    assert page.evaluate(STICKS_OUT) == []


def test_1_4_10_a_fault_is_seen(open_page):
    page = open_page(viewport={"width": 320, "height": 700})
    page.locator(".rc-says").first.evaluate("says => { says.style.width = '500px'; }")
    found = page.evaluate(SCROLLS_SIDEWAYS), page.evaluate(STICKS_OUT)
    page.locator(".rc-says").first.evaluate("says => { says.style.width = ''; }")
    assert all(found)


# -- 1.4.13


@pytest.fixture
def tipped(open_page):
    """A stepper at its end whose tip is shown because the pointer is on a cell, and that cell."""
    page = open_page()
    [player] = [p for p in players(page) if "Viterbi trellis" in p.root.get_attribute("aria-label")][:1]
    player.focus().press("End")
    mark = player.mark("V-2-1")
    mark.scroll_into_view_if_needed()
    page.evaluate("() => document.activeElement.blur()")
    mark.hover()
    expect(player.find(".rc-tip")).to_be_visible()
    return player, mark


def test_1_4_13_a_tip_goes_with_escape_while_pointer_and_focus_stay(tipped):
    player, _ = tipped
    player.press("Escape")
    expect(player.find(".rc-tip")).to_be_hidden()
    player.press("Shift+ArrowRight")
    player.root.focus()
    player.press("Shift+ArrowRight")  # now the focus is on a cell, with its tip
    tip = player.find(".rc-tip")
    expect(tip).to_be_visible()
    focused = player.page.evaluate("() => document.activeElement.dataset.mark")
    player.press("Escape")
    expect(tip).to_be_hidden()
    assert player.page.evaluate("() => document.activeElement.dataset.mark") == focused


def test_1_4_13_the_pointer_can_move_onto_a_tip(tipped):
    player, mark = tipped
    tip = player.find(".rc-tip")
    says, onto, cell = tip.inner_text(), tip.bounding_box(), mark.bounding_box()
    middle = {"x": cell["x"] + cell["width"] / 2, "y": cell["y"] + cell["height"] / 2}
    x = min(max(middle["x"], onto["x"] + 8), onto["x"] + onto["width"] - 8)
    player.page.mouse.move(x, onto["y"] + onto["height"] / 2, steps=12)
    player.page.wait_for_timeout(600)  # one that goes after a moment is no better
    expect(tip).to_be_visible()
    assert tip.inner_text() == says
    assert player.page.evaluate("([x, y]) => document.elementFromPoint(x, y).closest('.rc-tip') !== null", [x, onto["y"] + onto["height"] / 2])  # fmt: skip


def test_1_4_13_a_tip_stays_until_it_is_left(tipped):
    player, _ = tipped
    player.page.wait_for_timeout(1500)
    expect(player.find(".rc-tip")).to_be_visible()
    player.page.mouse.move(2, 2, steps=4)
    expect(player.find(".rc-tip")).to_be_hidden()


# -- 2.1.2


@pytest.mark.parametrize("name", [*CAN_BE_CHANGED, EXPLORER])
def test_2_1_2_tab_leads_through_every_widget_and_out_of_it_both_ways(in_lab, name):
    player = in_lab(name)
    output = player.root.locator("xpath=ancestor::*[contains(@class, 'jp-OutputArea-output')][1]")
    stops = output.evaluate("(output, css) => output.querySelectorAll(css).length", TAB_STOPS)
    inside = "output => output.contains(document.activeElement)"
    for key in ("Tab", "Shift+Tab"):
        player.focus()
        for _ in range(stops + 1):
            player.press(key)
            if not output.evaluate(inside):
                break
        assert not output.evaluate(inside), f"{key} does not lead out: {player.page.evaluate(WHERE)}"
        for _ in range(WAY_BACK):
            player.press("Shift+Tab" if key == "Tab" else "Tab")
            if output.evaluate(inside):
                break
        assert output.evaluate(inside), f"there is no way back in: {player.page.evaluate(WHERE)}"


@pytest.mark.parametrize("name", CAN_BE_CHANGED)
@pytest.mark.parametrize("key", ["Tab", "Shift+Tab", "Escape"])
def test_2_1_2_an_open_editor_is_left_with(in_lab, name, key):
    player = in_lab(name)
    mark = player.find("[data-edit='number'], [data-edit='point']").first
    mark.focus()
    player.press("Enter")
    expect(player.find(".rc-editor")).to_be_focused()
    player.press(key)
    expect(player.find(".rc-editor")).to_have_count(0)
    assert player.page.evaluate("() => document.activeElement !== document.body")


def test_2_1_2_tab_leads_through_a_whole_page(open_page):
    page = open_page()
    page.evaluate("""() => {
      document.body.insertAdjacentHTML('afterbegin', '<button id=start>The start</button>');
      document.body.insertAdjacentHTML('beforeend', '<button id=end>The end</button>');
      document.getElementById('start').focus();
    }""")
    stops = page.evaluate("css => document.querySelectorAll(css).length", TAB_STOPS)
    seen = set()
    for _ in range(stops):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("() => [...document.querySelectorAll('.rc-stepper')].findIndex((r) => r.contains(document.activeElement))"))  # fmt: skip
        if page.evaluate("() => document.activeElement.id === 'end'"):
            break
    at = page.evaluate("() => document.activeElement.id")
    page.evaluate("() => ['start', 'end'].forEach((id) => document.getElementById(id).remove())")
    assert at == "end"
    assert seen == {-1, *range(len(NAMES))}


# -- 2.1.4

CHARACTERS = [*"abcdefghijklmnopqrstuvwxyz0123456789?.,-+ /"]


def test_2_1_4_keys_act_only_where_the_focus_is(open_page):
    page = open_page()
    before = page.evaluate(STATES)
    for key in [*CHARACTERS, "ArrowRight", "End"]:
        page.keyboard.press(key if key != " " else "Space")
    assert page.evaluate(STATES) == before
    first, *others = players(page)
    first.focus().press("?", "Space", "End")
    assert page.evaluate(STATES)[1:] == before[1:]
    assert page.evaluate(STATES)[0] != before[0]
    assert others


# -- 2.4.11


@pytest.mark.parametrize("width", [320, 1200])
def test_2_4_11_nothing_of_ours_covers_what_has_the_focus(open_page, width):
    page = open_page(viewport={"width": width, "height": 800})
    bad = {}
    for player, name in zip(players(page), NAMES, strict=True):
        player.focus().press("End")
        if covered := page.evaluate(COVERED_ANYWHERE, [player.root.element_handle(), 8]):
            bad[name] = covered
    assert not bad


def test_2_4_11_a_fault_is_seen(open_page):
    page = open_page()
    root = page.locator(".rc-stepper").first
    root.locator(".rc-controls").evaluate(
        "controls => { controls.style.position = 'relative'; controls.insertAdjacentHTML('beforeend', '<i class=over style=\"position: absolute; inset: 0\"></i>'); }"
    )
    found = page.evaluate(COVERED_ANYWHERE, [root.element_handle(), 1])
    root.locator(".over").evaluate("over => { over.parentElement.style.position = ''; over.remove(); }")
    assert found


# -- 2.5.7


@pytest.mark.parametrize("name", CAN_BE_CHANGED)
def test_2_5_7_what_can_be_dragged_can_be_changed_by_clicks(in_lab, name):
    player = in_lab(name)
    kinds = player.root.evaluate(
        "root => [...new Set([...root.querySelectorAll('[data-edit]')].map((e) => e.dataset.edit))]"
    )
    assert kinds
    for kind in set(kinds) & {"number", "point"}:
        marks = player.find(f"[data-edit={kind}]").all()
        for mark in (marks[0], marks[len(marks) // 2], marks[-1]):
            mark.click()
            expect(player.find(".rc-editor")).to_be_focused()
            player.press("Escape")
            expect(player.find(".rc-editor")).to_have_count(0)


def test_2_5_7_the_way_through_the_steps_needs_no_drag(in_lab):
    player = in_lab("trellis")
    for label, step in (("Next step", 1), ("Last step", 11), ("Previous step", 10), ("First step", 0)):
        player.find(f"button[aria-label='{label}']").click()
        player.expect_step(step)
    slider = player.find(".rc-slider").bounding_box()
    player.page.mouse.click(slider["x"] + slider["width"] / 2, slider["y"] + slider["height"] / 2)
    assert 4 <= player.step <= 7


# -- 2.5.8


@pytest.mark.parametrize("width", [320, 1200])
def test_2_5_8_targets_are_24_pixels_or_have_room_around_them(open_page, width):
    page = open_page(viewport={"width": width, "height": 800})
    bad = {}
    for player, name in zip(players(page), NAMES, strict=True):
        player.root.evaluate("root => { root.id = 'looked-at'; }")
        for key in ("Home", "End"):
            player.focus().press(key)
            if cramped := page.evaluate(CRAMPED, ["#looked-at", SMALLEST_TARGET]):
                bad[name, key] = f"{len(cramped)}: {', '.join(cramped[:4])}"
        player.root.evaluate("root => root.removeAttribute('id')")
    assert not bad


@pytest.mark.parametrize("name", [*CAN_BE_CHANGED, EXPLORER])
def test_2_5_8_targets_in_jupyterlab_too(in_lab, name):
    player = in_lab(name)
    output = ".jp-OutputArea-output:has(:focus)"
    assert player.page.evaluate(CRAMPED, [output, SMALLEST_TARGET]) == []


def test_2_5_8_a_fault_is_seen(open_page):
    page = open_page()
    small = page.add_style_tag(content=".rc-button { height: 12px !important; min-width: 12px !important; }")
    found = page.evaluate(CRAMPED, [".rc-controls", SMALLEST_TARGET])
    small.evaluate("style => style.remove()")
    assert found


# -- 2.3.3


def test_2_3_3_nothing_moves_for_readers_who_do_not_want_it(open_page):
    page = open_page(reduced_motion="reduce")
    assert page.evaluate(MOVES) == []
    for player in players(page):
        for key in ("ArrowRight", "End"):
            player.focus().press(key)
            assert page.evaluate(RUNNING) == 0
        player.find("[data-mark]").last.dispatch_event("pointerover")
    assert page.evaluate(MOVES) == []


def test_2_3_3_a_fault_is_seen(open_page):
    page = open_page(reduced_motion="reduce")
    moving = page.add_style_tag(content=".rc-says { transition: color 0.2s; }")
    found = page.evaluate(MOVES)
    moving.evaluate("style => style.remove()")
    assert found
