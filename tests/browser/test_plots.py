"""Plots: in JupyterLab and on pages, images with words for whoever cannot see them, in the colours of the theme."""

import io
from html import unescape

import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from playwright.sync_api import expect

from course_utils.notebook.pictures import drawn
from tests.browser.conftest import IMPORTS, is_dark, set_theme
from tools.notebooks import NOTEBOOKS

WORDS = 'A line from "1" to <4>, where it ends.'
PLOT = f"""
import matplotlib.pyplot as plt
figure, axes = plt.subplots(figsize=(3, 2))
axes.plot([1, 2, 4], linewidth=6)
show(figure, {WORDS!r})
"""


def plots_of(path):
    """Return the cells of a notebook that show plots, each behind its chapter and before the words of its plots."""
    found = []
    for cell in nbformat.read(path, as_version=4).cells:
        data = [output.get("data", {}) for output in cell.get("outputs", [])]
        shown = [one["text/plain"].removeprefix("Picture: ") for one in data if "rc-plot" in one.get("text/html", "")]
        if shown:
            found.append((path.stem, cell, shown))
    return found


PLOTS = [plot for path in sorted(NOTEBOOKS.glob("*.ipynb")) for plot in plots_of(path)]


def look(image):
    """Return how light the paper of a plot is, its darkest and its lightest pixel, and by how much its line is blue."""
    image.scroll_into_view_if_needed()
    rgb = imread(io.BytesIO(image.screenshot()), format="png")[..., :3]
    light = rgb.mean(axis=2)
    hue = (rgb[..., 2] - rgb[..., 0]).max()
    return {"paper": np.median(light), "darkest": light.min(), "lightest": light.max(), "blue": hue}


def dark_on_light(seen):
    return seen["paper"] > 0.95 and seen["darkest"] < 0.2 and seen["blue"] > 0.3


def light_on_dark(seen):
    return seen["paper"] < 0.15 and seen["lightest"] > 0.8 and seen["blue"] > 0.3


@pytest.fixture(scope="module")
def stored(lab, desk):
    """The plots of all notebooks, as they are stored there, in a notebook that nobody has run: JupyterLab does not trust it."""
    path = lab.write("stored-plots.ipynb", "")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for _, cell, _ in PLOTS]
    for n, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"plot-{n}", {}
    nbformat.write(notebook, path)
    with desk.open(path.name) as one:
        yield one
        assert not one.unrest()


@pytest.fixture
def in_theme():
    """Put a page of JupyterLab into a theme; when the test ends, into the light one."""
    pages = []

    def put(one, theme):
        pages.append(one)
        if is_dark(one) != (theme == "dark"):
            set_theme(one, dark=theme == "dark")

    yield put
    for one in pages[:1]:
        put(one, "light")


@pytest.mark.parametrize("chapter", sorted({chapter for chapter, _, _ in PLOTS}))
def test_a_plot_that_a_notebook_stores_is_an_image_with_its_words_as_its_name(stored, chapter):
    for n, words in ((n, words) for n, (name, _, words) in enumerate(PLOTS) if name == chapter):
        stored.scroll_to(n)
        expect(stored.cell(n).locator(".rc-plot")).to_have_count(len(words))
        for alt in words:
            image = stored.cell(n).get_by_role("img", name=alt, exact=True)
            expect(image).to_have_count(1)
            expect(image).to_have_js_property("complete", True)
            assert image.evaluate("image => image.naturalWidth") > 0, alt


def test_a_plot_that_is_not_trusted_stays_on_white_in_the_dark_theme(stored, in_theme):
    stored.scroll_to(0)
    image = stored.cell(0).locator(".rc-plot").first
    assert dark_on_light(look(image))
    in_theme(stored, "dark")
    assert image.evaluate("image => getComputedStyle(image).filter") == "none"
    seen = look(image)
    assert dark_on_light(seen), seen


def test_a_plot_follows_the_theme_without_its_kernel(notebook, lab, in_theme):
    one = notebook(IMPORTS, PLOT)
    assert one.errors() == []
    image = one.page.get_by_role("img", name=WORDS, exact=True)
    expect(image).to_have_count(1)
    in_theme(one, "light")
    before = look(image)
    assert dark_on_light(before), before
    lab.shut_down_kernel(one.name)
    in_theme(one, "dark")
    seen = look(image)
    assert light_on_dark(seen), seen
    one.page.emulate_media(media="print")
    assert image.evaluate("image => getComputedStyle(image).filter") == "none"
    one.page.emulate_media(media="screen")
    in_theme(one, "light")
    assert look(image) == before


def test_a_plot_takes_its_room_before_it_is_loaded_and_never_more_than_there_is(notebook):
    one = notebook(IMPORTS, PLOT, PLOT.replace("(3, 2)", "(30, 2)"))
    images = one.page.locator(".rc-plot")
    expect(images).to_have_count(2)
    small, wide = (images.nth(n) for n in range(2))
    width, height = (int(small.get_attribute(name)) for name in ("width", "height"))
    assert small.evaluate("image => [image.offsetWidth, image.offsetHeight]") == [width, height]
    natural = small.evaluate("image => image.naturalWidth / image.naturalHeight")
    assert width / height == pytest.approx(natural, rel=0.01)
    assert wide.evaluate("image => image.offsetWidth <= image.parentElement.clientWidth")
    assert wide.evaluate("image => image.offsetWidth / image.offsetHeight") > 5  # as it is, not squeezed


# Outside of JupyterLab: the theme of the editor, or else what the reader's system asks for.
@pytest.mark.parametrize(
    ("body", "scheme", "reads"),
    [
        ("", "light", dark_on_light),
        ("", "dark", light_on_dark),
        ('class="vscode-dark"', "light", light_on_dark),
        ('class="vscode-light"', "dark", dark_on_light),
        ('data-jp-theme-light="true"', "dark", dark_on_light),
        ('data-jp-theme-light="false"', "light", light_on_dark),
    ],
)
def test_a_plot_follows_whatever_it_is_shown_in(browser, body, scheme, reads):
    figure = Figure((3, 2))
    figure.subplots().plot([1, 2, 4], linewidth=6)
    html = drawn(figure, WORDS)._repr_mimebundle_()["text/html"]
    paper = "#111" if reads is light_on_dark else "#fff"
    page = browser.new_page(color_scheme=scheme)
    page.set_content(f'<body {body} style="background: {paper}">{html}</body>')
    image = page.locator("img")
    assert unescape(image.get_attribute("alt")) == WORDS
    seen = look(image)
    page.close()
    assert reads(seen), seen
