"""The moving pictures of README in a browser: they play where motion is welcome, and stand still at the end elsewhere."""

import pytest

from tools.figures import FIGURES

NAMES = sorted(path.name for path in FIGURES.glob("*_playing.svg"))
VISIBLE = """() => [...document.querySelectorAll("svg > .shown > text")]
    .filter(line => getComputedStyle(line).visibility === "visible").map(line => line.textContent).join(" ")"""
INSIDE = """() => [...document.querySelectorAll("text")].every(line => {
    const box = line.getBBox(), paper = document.documentElement.viewBox.baseVal;
    return box.x >= 0 && box.x + box.width <= paper.width && box.y + box.height <= paper.height;
})"""


@pytest.fixture
def opened(browser):
    """Returns a function that opens a picture as a page of its own, so that one can ask what it shows."""
    pages = []

    def open_picture(name, motion="no-preference"):
        page = browser.new_page(reduced_motion=motion, viewport={"width": 1000, "height": 600})
        pages.append(page)
        page.goto((FIGURES / name).as_uri())
        return page

    yield open_picture
    for page in pages:
        page.close()


def sentence_at(page, seconds):
    page.evaluate("t => document.getAnimations().forEach(a => { a.pause(); a.currentTime = 1000 * t; })", seconds)
    return page.evaluate(VISIBLE)


def last_sentence(page):
    title = page.evaluate("() => document.querySelector('title').textContent")
    return title.partition(". ")[2]


@pytest.mark.parametrize("name", NAMES)
def test_it_says_one_sentence_after_another_and_begins_again(name, opened):
    page = opened(name)
    frames = [sentence_at(page, 3.5 * n + 0.1) for n in range(10)]
    assert len(set(frames)) == 8
    assert frames[9] == frames[0]
    assert frames[7] == frames[8] == last_sentence(page)


@pytest.mark.parametrize("name", NAMES)
def test_where_less_motion_is_asked_for_the_last_step_stands(name, opened):
    still, moving = opened(name, "reduce"), opened(name)
    assert still.evaluate("() => document.getAnimations().length") == 0
    assert still.evaluate(VISIBLE) == last_sentence(still)
    sentence_at(moving, 3.5 * 7 + 0.1)
    assert still.screenshot() == moving.screenshot()


@pytest.mark.parametrize("name", NAMES)
def test_no_text_runs_off_the_paper(name, opened):
    assert opened(name).evaluate(INSIDE)


@pytest.mark.parametrize("name", NAMES)
def test_it_plays_inside_an_image(name, browser):
    page = browser.new_page()
    page.goto(FIGURES.as_uri())
    page.set_content(f'<img src="{(FIGURES / name).as_uri()}">')
    page.wait_for_function("() => document.images[0].complete && document.images[0].naturalWidth > 0")
    first = page.locator("img").screenshot()
    for _ in range(200):
        page.wait_for_timeout(200)
        if page.locator("img").screenshot() != first:
            break
    else:
        pytest.fail("the image has not changed")
    page.close()
