"""A scene that plays by itself in an image: steps one after another, by CSS alone, as README shows them.

A mark that changes is drawn once for each of its looks, and each look is shown in the frames that have it. Where a
reader has asked for less motion, and where nothing animates, the last step stands still.
"""

import textwrap
from collections.abc import Sequence
from xml.etree import ElementTree

from course_utils.scenes.scene import Scene
from course_utils.scenes.svg import SVG

SECONDS = 3.5  # a frame; the last one stands twice as long
LETTER, LINE, MARGIN = 8.4, 22, 20  # px: what a letter takes in a wide font, a line of text, the space around it


def animated(scene: Scene, steps: Sequence[int]) -> str:
    """Return a drawing that shows some steps of a scene one after another, each with its sentence, again and again.

    Raises
    ------
    IndexError
        There is no such step.
    ValueError
        There are fewer than two steps.
    """
    if len(steps) < 2:
        raise ValueError("an animation needs at least two steps")
    frames = [ElementTree.fromstring(scene.to_svg(step)) for step in steps]
    root, last = frames[-1], len(steps) - 1
    looks = _looks(frames)
    for parent in list(root.iter()):
        for child in list(parent):
            if len(shown := looks.get(child.get("data-mark"), ())) > 1:
                _replace(
                    parent, child, [(in_frames, ElementTree.fromstring(look)) for look, in_frames in shown.items()]
                )
    _add_sentences(root, [scene.steps[step].says for step in steps])
    used = {element.get("class") for element in root.iter() if (element.get("class") or "").startswith("shown ")}
    root.find(f"{{{SVG}}}style").text += _rules(sorted(used), last)
    return ElementTree.tostring(root, encoding="unicode")


def _looks(frames: list[ElementTree.Element]) -> dict[str, dict[str, list[int]]]:
    """For each mark its looks, and for each of them the frames that have it."""
    looks: dict[str, dict[str, list[int]]] = {}
    for n, frame in enumerate(frames):
        for element in frame.iter():
            if name := element.get("data-mark"):
                looks.setdefault(name, {}).setdefault(ElementTree.tostring(element, encoding="unicode"), []).append(n)
    return looks


def _shown_in(frames: Sequence[int]) -> ElementTree.Element:
    return ElementTree.Element(f"{{{SVG}}}g", {"class": "shown in-" + "-".join(map(str, frames))})


def _replace(parent: ElementTree.Element, child: ElementTree.Element, looks: list) -> None:
    place = list(parent).index(child)
    parent.remove(child)
    for frames, look in reversed(looks):
        group = _shown_in(frames)
        group.append(look)
        parent.insert(place, group)


def _add_sentences(root: ElementTree.Element, sentences: list[str]) -> None:
    """Write the sentence of each frame below the drawing, which grows by as many lines as the longest needs."""
    width, height = (float(root.get(side)) for side in ("width", "height"))
    wrapped = [textwrap.wrap(words, int((width - 2 * MARGIN) / LETTER)) for words in sentences]
    for n, lines in enumerate(wrapped):
        group = _shown_in([n])
        for k, words in enumerate(lines):
            line = ElementTree.SubElement(
                group, f"{{{SVG}}}text", {"x": str(MARGIN), "y": f"{height + LINE * (k + 1):g}"}
            )
            line.text = words
        root.append(group)
    grown = height + LINE * max(map(len, wrapped)) + MARGIN
    root.set("height", f"{grown:g}")
    root.set("viewBox", f"0 0 {width:g} {grown:g}")


def _rules(classes: Sequence[str], last: int) -> str:
    """Show the last frame, and where motion is welcome each frame in its turn."""
    seconds = SECONDS * (last + 2)
    still, moving = ["\n.rc-scene .shown { visibility: hidden; }\n"], []
    for name in (both.split()[1] for both in classes):
        frames = {int(n) for n in name.split("-")[1:]}
        if last in frames:
            still.append(f".rc-scene .{name} {{ visibility: visible; }}\n")
        stops = [
            f"{100 * n / (last + 2):.3f}% {{ visibility: {'visible' if n in frames else 'hidden'}; }}"
            for n in range(last + 1)
            if n == 0 or (n in frames) != (n - 1 in frames)
        ]
        moving.append(f"@keyframes {name} {{ {' '.join(stops)} }}\n")
        moving.append(f".rc-scene .{name} {{ animation: {name} {seconds:g}s step-end infinite; }}\n")
    return "".join([*still, "@media (prefers-reduced-motion: no-preference) {\n", *moving, "}\n"])
