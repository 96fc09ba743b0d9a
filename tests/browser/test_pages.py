"""Scenes exported to a file play without a kernel and without a network, whatever page is around them."""

import pytest
from playwright.sync_api import expect

from course_utils.alignment_training import train
from course_utils.examples import FORCED_ALIGNMENTS
from course_utils.scenes.alignment_training import training_scene
from course_utils.scenes.trellis import trellis_scene
from course_utils.site import page as page_module
from course_utils.site.page import fragment
from course_utils.site.page import page as export
from course_utils.stepper import script, styles
from course_utils.trellis import fill_trellis
from tests.browser.looking import CONTRASTS, LEAST_CONTRAST, TOO_WIDE_OR_SMALL
from tools.pages import Player, Watch

INPUTS, TARGETS = [[0, 1, 2, 1], [0, 0, 1, 2]], [[0, 1], [0, 1]]
Y = FORCED_ALIGNMENTS["worked example"].y

# Where a fragment is put. A browser reads a page that declares no character set as it sees fit.
NO_CHARSET = "<!doctype html><title>Pictures</title><p>A picture:</p>{}"
AROUND = {
    "nothing": "{}",
    "a page": '<!doctype html><meta charset="utf-8"><body><p>A picture:</p>{}</body>',
    "no charset": NO_CHARSET,
    "iso-8859-1": f'<meta charset="iso-8859-1">{NO_CHARSET}',
    "windows-1252": f'<meta charset="windows-1252">{NO_CHARSET}',
    "a table cell": '<!doctype html><meta charset="utf-8"><table><tr><td>A picture:<td>{}</table>',
    "a paragraph": '<!doctype html><meta charset="utf-8"><p>A picture: {} and text after it</p>',
    "a list": '<!doctype html><meta charset="utf-8"><ul><li>A picture:<li>{}</ul>',
}


@pytest.fixture(scope="module")
def trellis():
    return trellis_scene(fill_trellis(Y, "AB"))


@pytest.fixture(scope="module")
def logarithms():
    """A scene whose drawing, sentences, formulas and table all have characters beyond ASCII: −0.105, −∞, V₀."""
    return trellis_scene(fill_trellis(Y, "AB", domain="log"))


@pytest.fixture(scope="module")
def training():
    run = train([[1, 0], [0, 0], [0, 0]], INPUTS, TARGETS, paths="best", iterations=20)
    return training_scene(run, iterations=20)


@pytest.fixture(scope="module")
def files(tmp_path_factory, trellis, training):
    folder = tmp_path_factory.mktemp("pages")
    (folder / "page.html").write_text(export("Chapter <8>", [trellis, training]), "utf-8")
    return folder


@pytest.fixture
def write(tmp_path):
    def write_file(html):
        path = tmp_path / "page.html"
        path.write_text(html, "utf-8")
        return path

    return write_file


@pytest.fixture
def offline(browser):
    contexts = []

    def open_file(path, served_as=None, **settings):
        """Open a file, or have it served with a content type, as from a server that knows no other."""
        context = browser.new_context(**settings)
        contexts.append((context, context.new_page()))
        context.set_offline(True)
        page = contexts[-1][1]
        page.watch = Watch(page)
        page.route("http://**", lambda route: route.fulfill(body=path.read_bytes(), content_type=served_as))
        page.goto(path.as_uri() if served_as is None else "http://127.0.0.1/")
        # Chromium drops keys that are pressed before it has drawn a page for the first time.
        if settings.get("java_script_enabled", True):
            page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length")
        return page

    yield open_file
    problems = [problem for _, page in contexts for problem in page.watch.problems]
    for context, _ in contexts:
        context.close()
    assert not problems


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_a_page_plays_offline(offline, files, scheme, width, picture):
    page = offline(files / "page.html", color_scheme=scheme, viewport={"width": width, "height": 900})
    assert page.locator("h1").inner_text() == "Chapter <8>"
    for which, last in enumerate((11, 20)):
        player = Player(page, page.locator(".rc-stepper").nth(which))
        player.focus()
        for n in range(last + 1):
            player.expect_step(n)
            if n in (0, 6, last):
                assert player.root.evaluate(TOO_WIDE_OR_SMALL) == []
                assert min(contrast for *_, contrast in player.root.evaluate(CONTRASTS)) >= LEAST_CONTRAST
            player.press("ArrowRight")
        player.press("Home").expect_step(0)
        player.find("button[aria-label='Next step']").click()
        player.expect_step(1)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    picture(page.locator("body"), f"page-{scheme}-{width}")


def test_what_only_a_kernel_could_do_is_not_offered(offline, files):
    page = offline(files / "page.html")
    player = Player(page, page.locator(".rc-stepper").first)
    assert player.find("[data-edit], [role=spinbutton]").count() == 0
    player.mark("y-1-0").click()
    expect(player.find(".rc-editor")).to_have_count(0)


@pytest.mark.parametrize("around", AROUND)
def test_a_fragment_plays_offline_in(around, offline, write, logarithms, picture):
    page = offline(write(AROUND[around].format(fragment(logarithms))))
    plays_as_written(Player(page, page.locator(".rc-stepper")), logarithms)
    picture(page.locator("body"), f"fragment-{around}")


@pytest.mark.parametrize("served_as", ["text/html", "text/html; charset=iso-8859-1", "text/html; charset=windows-1252"])
def test_what_a_server_says_of_the_characters_changes_nothing(served_as, offline, write, logarithms):
    page = offline(write(fragment(logarithms)), served_as)
    plays_as_written(Player(page, page.locator(".rc-stepper")), logarithms)
    page = offline(write(export("Größen × Zahlen", [logarithms])), served_as)
    plays_as_written(Player(page, page.locator(".rc-stepper")), logarithms)
    assert page.title() == page.locator("h1").inner_text() == "Größen × Zahlen"


@pytest.mark.parametrize("players", [(True, True), (False, True), (True, False)])
def test_fragments_share_a_page(players, offline, write, logarithms, trellis):
    html = fragment(logarithms, player=players[0]) + fragment(trellis, player=players[1])
    page = offline(write(html))
    expect(page.locator(".rc-stepper")).to_have_count(2)
    first, second = (Player(page, page.locator(".rc-stepper").nth(which)) for which in (0, 1))
    plays_as_written(first, logarithms)
    second.expect_step(0)
    plays_as_written(second, trellis)
    first.expect_step(1)


def test_one_scene_plays_twice_on_a_page(offline, write, logarithms):
    page = offline(write(2 * fragment(logarithms)))
    expect(page.locator(".rc-stepper")).to_have_count(2)
    first, second = (Player(page, page.locator(".rc-stepper").nth(which)) for which in (0, 1))
    plays_as_written(first, logarithms)
    second.expect_step(0)
    plays_as_written(second, logarithms)
    first.expect_step(1)


def test_the_player_may_be_written_in_any_characters(offline, write, logarithms, monkeypatch):
    monkeypatch.setattr(page_module, "styles", lambda: styles() + '/* × */ .rc-says::after { content: "×1 𝄞"; }')
    monkeypatch.setattr(page_module, "script", lambda: script() + "\nwindow.rcWritten = `×1 𝄞`; // ×")
    page = offline(write(fragment(logarithms)), "text/html; charset=iso-8859-1")
    assert page.evaluate("() => rcWritten") == "×1 𝄞"
    says = page.locator(".rc-says")
    assert says.evaluate("says => getComputedStyle(says, '::after').content") == '"×1 𝄞"'


def test_without_scripts_the_numbers_are_there(offline, files):
    page = offline(files / "page.html", java_script_enabled=False)
    expect(page.locator("table")).to_have_count(2)
    expect(page.locator("table").first).to_contain_text("0.3024")


@pytest.mark.parametrize("around", ["nothing", "iso-8859-1"])
def test_without_scripts_a_fragment_shows_its_numbers(around, offline, write, logarithms):
    page = offline(write(AROUND[around].format(fragment(logarithms))), java_script_enabled=False)
    expect(page.locator("table")).to_be_visible()
    for row, cells in zip(page.locator("tbody tr").all(), logarithms.table.rows, strict=True):
        assert row.locator("th, td").all_inner_texts() == list(cells)


def plays_as_written(player, scene):
    """Assert that a player is seen, steps by keys and by a click, and shows the texts of its scene letter by letter."""
    expect(player.root).to_be_visible()
    assert player.root.evaluate(TOO_WIDE_OR_SMALL) == []
    assert player.find(".rc-speed option").all_text_contents() == ["0.5×", "1×", "2×", "4×"]
    last = len(scene.steps) - 1
    player.focus().press("End").expect_step(last)
    written = {name: mark.text for name, mark in scene.marks_at(last).items() if mark.text is not None}
    read = "(root, names) => names.map((name) => root.querySelector(`[data-mark='${name}'] .slot`).textContent)"
    assert player.root.evaluate(read, list(written)) == list(written.values())
    player.press("Home").expect_step(0)
    assert player.says == scene.steps[0].says
    expect(player.find(":scope > .rc-formula math").first).to_be_visible()
    player.mark(scene.steps[1].computes[0]).click()
    player.expect_step(1)
