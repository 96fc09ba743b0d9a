"""ERRATA.md and its guards: each line has one, each guard stands in a line, and has gone red on the mistake."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from planting import assert_red

ROOT = Path(__file__).parent.parent.parent
FILES = sorted(Path(__file__).parent.glob("test_chapter_*.py"))


def test_every_line_names_a_test_that_exists_and_a_chapter_that_has_a_box():
    lines = [line for line in (ROOT / "ERRATA.md").read_text("utf-8").splitlines() if line.startswith("| E")]
    assert len(lines) >= 38
    for line in lines:
        file, name = re.search(r"`([\w/]+\.py)::(\w+)`", line).groups()
        assert f"\ndef {name}(" in (ROOT / "tests" / file).read_text("utf-8"), line
        assert name.startswith(f"test_{line.split()[1].lower()}_"), line
        notebook = ROOT / re.search(r"\((notebooks/[^)]+)\)", line)[1]
        assert "A common mistake" in notebook.read_text("utf-8"), line


def test_every_number_under_a_box_is_one_of_the_list():
    lines = (ROOT / "ERRATA.md").read_text("utf-8").splitlines()
    listed = {line.split()[1] for line in lines if line.startswith("| E")}
    named = set()
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for small_line in re.findall(r"\*[^*]*ERRATA\.md[^*]*\*", notebook.read_text("utf-8")):
            named |= set(re.findall(r"\bE\d+[a-z]?\b", small_line))
    assert len(named) > 50
    assert named <= listed, named - listed


def test_every_guard_stands_in_the_list():
    text = (ROOT / "ERRATA.md").read_text("utf-8")
    guards = [
        (file, name) for file in FILES for name in re.findall(r"^def (test_e\d\w*)\(", file.read_text("utf-8"), re.M)
    ]
    assert guards
    listed = [(file, name) for file, name in guards if f"{file.relative_to(ROOT / 'tests')}::{name}`" in text]
    assert listed == guards


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_every_guard_is_shown_the_mistake(file):
    module = import_module(file.stem)
    guards = {name for name in vars(module) if re.match(r"test_e\d", name)}
    assert {guard.__name__ for guard, _ in module.MISTAKES.values()} == guards
    for mistake, (guard, _) in module.MISTAKES.items():
        assert guard.__name__.startswith(f"test_{mistake.split(':')[0].lower()}_"), mistake


def test_a_guard_that_stays_green_is_seen(monkeypatch, request):
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        assert_red(lambda: None, lambda monkeypatch: None, monkeypatch, request)
