"""The pictures in figures/ show what the code draws, and README shows them with words."""

import re
import shutil
from pathlib import Path

import pytest

from tools.figures import FIGURES, outdated, same_drawing

README = FIGURES.parent / "README.md"


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


def test_readme_gives_every_picture_words_and_every_link_leads_somewhere():
    text = README.read_text("utf-8")
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text)
    assert pictures
    assert all(len(alt) > 20 for alt, _ in pictures)
    links = [url.partition("#")[0] for url in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in url]
    assert [url for url in links if url and not (Path(README).parent / url).exists()] == []
