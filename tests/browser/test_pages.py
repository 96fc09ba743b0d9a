"""Scenes exported to a file play without a kernel and without a network."""

import pytest
from playwright.sync_api import expect

from course_utils.alignment_training import train
from course_utils.scenes.training import training_scene
from course_utils.scenes.viterbi import viterbi_scene
from course_utils.stepper.page import page as export
from tests.browser.lab import Player, Watch
from tests.browser.test_looks import CONTRASTS, LEAST_CONTRAST, TOO_WIDE_OR_SMALL

INPUTS, TARGETS = [[0, 1, 2, 1], [0, 0, 1, 2]], [[0, 1], [0, 1]]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    trellis = viterbi_scene([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [0.2, 0.8]], "AB")
    run = train([[1, 0], [0, 0], [0, 0]], INPUTS, TARGETS, paths="best", steps=20)
    training = training_scene(run, INPUTS, TARGETS, iterations=20)
    (folder / "page.html").write_text(export("Chapter <8>", [trellis, training]), "utf-8")
    body = f"<body><p>A picture:</p>{trellis.to_html()}</body>"
    (folder / "fragment.html").write_text(f'<!doctype html><meta charset="utf-8">{body}', "utf-8")
    return folder


@pytest.fixture
def offline(browser):
    contexts = []

    def open_file(path, **settings):
        context = browser.new_context(**settings)
        contexts.append((context, context.new_page()))
        context.set_offline(True)
        page = contexts[-1][1]
        page.watch = Watch(page)
        page.goto(path.as_uri())
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


def test_a_fragment_plays_offline(offline, files):
    page = offline(files / "fragment.html")
    player = Player(page, page.locator(".rc-stepper"))
    player.focus().press("End").expect_step(11)
    player.mark("V-1-0").click()
    player.expect_step(1)


def test_without_scripts_the_numbers_are_there(offline, files):
    page = offline(files / "page.html", java_script_enabled=False)
    expect(page.locator("table")).to_have_count(2)
    expect(page.locator("table").first).to_contain_text("0.3024")
