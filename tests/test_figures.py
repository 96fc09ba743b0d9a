"""The pictures in figures/ show what the code draws, and README shows them with words."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tools import figures
from tools.figures import FIGURES, GROWTH, growth_figure, main, outdated, same_drawing, stored_growth

pytestmark = pytest.mark.slow

README = FIGURES.parent / "README.md"


@pytest.fixture(autouse=True)
def one_classifier_for_all(column_classifier, monkeypatch):
    """Every drawing is made anew, but with the classifier that has been fitted."""
    monkeypatch.setattr(figures, "ColumnClassifier", lambda: column_classifier)


def test_every_figure_is_up_to_date():
    assert outdated() == []


def test_a_changed_a_missing_and_a_forgotten_figure_are_found(tmp_path):
    folder = tmp_path / "figures"
    shutil.copytree(FIGURES, folder)
    changed, missing = sorted(path.name for path in FIGURES.glob("*.svg"))[:2]
    (folder / changed).write_text((folder / changed).read_text("utf-8").replace("path", "track", 1), "utf-8")
    (folder / missing).unlink()
    (folder / "forgotten.svg").touch()
    assert sorted(outdated(folder)) == sorted([changed, missing, "forgotten.svg"])


@pytest.mark.parametrize(
    ("other", "same"),
    [("<x a='1.0000001'/>", True), ("<x a='1.004'/>", False), ("<x a='1.1'/>", False), ("<y a='1'/>", False)],
)
def test_drawings_are_compared_but_for_rounding(other, same):
    assert same_drawing("<x a='1.00'/>", other) is same


def test_growth_has_four_panels_with_two_curves_and_their_slopes():
    found = stored_growth(GROWTH)
    for panel in found["panels"]:
        panel["seconds"] = {"this course": [2 * n for n in panel["sizes"]], "a peer": [n**0.5 for n in panel["sizes"]]}
    svg = growth_figure(found)
    assert len(re.findall(r'<g id="axes_\d+">', svg)) == 4
    assert svg.count("this course: slope 1.00<") == svg.count("a peer: slope 0.50<") == 4
    assert min(float(size) for size in re.findall(r"font-size: ([\d.]+)px", svg)) >= 12
    assert growth_figure(found) == svg


def test_new_growth_makes_its_figure_out_of_date(monkeypatch, tmp_path, capsys):
    found = stored_growth(GROWTH)
    found["panels"][1]["seconds"]["torch"][0] *= 1.01
    monkeypatch.setattr(figures, "GROWTH", tmp_path / "growth.json")
    figures.GROWTH.write_text(json.dumps(found), "utf-8")
    assert main(["check"]) == 1
    assert capsys.readouterr().out == "ctc_growth.svg is out of date: run make figures\n"


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ('"panels": [', '"panels": ', "line"),
        ('"panels": [', '"panels": [], "more": [', "0 panels instead of 4"),
        ('"panels"', '"panel"', "panels"),
        ('"numpy"', '"scipy"', "without numpy"),
        ('"torch": [', '"a": [], "torch": [', "two curves"),
        ('"sizes": [', '"sizes": [1, ', "7 numbers for 8 sizes"),
        ('"sizes": [', '"sizes": [0, ', "not a number above zero"),
        ('"sizes": [125, ', '"sizes": [900, ', "do not grow"),
        ('"torch": [', '"torch": [null, ', "not a number above zero"),
        ('"torch": [', '"torch": [NaN, ', "not a number above zero"),
        ('"fixed"', '"unknown"', "unknown"),
    ],
)
def test_malformed_growth_is_named(good, bad, said, tmp_path):
    text = json.dumps(json.loads(GROWTH.read_text("utf-8")))
    assert good in text
    path = tmp_path / "growth.json"
    path.write_text(text.replace(good, bad), "utf-8")
    with pytest.raises(
        ValueError, match=rf"growth\.json cannot be drawn \(.*{said}.*python -m benchmarks\.growth --write"
    ):
        stored_growth(path)


def test_growth_that_was_never_measured_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.json cannot be drawn"):
        stored_growth(tmp_path / "none.json")


def test_readme_gives_every_picture_words_and_every_link_leads_somewhere():
    text = README.read_text("utf-8")
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text)
    assert pictures
    assert all(len(alt) > 20 for alt, _ in pictures)
    links = [url.partition("#")[0] for url in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in url]
    assert [url for url in links if url and not (Path(README).parent / url).exists()] == []
