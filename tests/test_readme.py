"""The README: its example prints what it says, and its minutes are those of the chapters."""

import doctest
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT.joinpath("README.md").read_text("utf-8")


def test_the_example_prints_what_it_says():
    failed, tried = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert tried >= 5
    assert failed == 0


def minutes_of_chapters() -> dict[str, dict[str, int]]:
    """For each notebook the minutes that the README, the index and the notebook itself name."""
    numbers = {"two hours": 120, "three hours": 180}
    found = {}
    index = json.loads((ROOT / "notebooks" / "00_index.ipynb").read_text("utf-8"))
    tables = {"README": README, "index": "".join("".join(cell["source"]) for cell in index["cells"])}
    for where, text in tables.items():
        for name, minutes in re.findall(
            r"^\| \d+ \| \[[^\]]*\]\((?:notebooks/)?(\w+)\.ipynb\)[^|]*\| (\d+) \|$", text, re.M
        ):
            found.setdefault(name, {})[where] = int(minutes)
    for name in found:
        cells = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8"))["cells"]
        text = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
        said = re.search(r"\*\*Time\*\* about (?:(\d+) minutes|(\w+ hours))", text)
        found[name]["notebook"] = int(said[1]) if said[1] else numbers[said[2]]
    return found


def test_readme_index_and_chapter_name_the_same_minutes():
    found = minutes_of_chapters()
    assert len(found) >= 8
    for name, minutes in found.items():
        assert len(set(minutes.values())) == 1, f"{name}: {minutes}"
