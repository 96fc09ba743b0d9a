"""Exercises as data: cases, and what references and wrong ideas come to on them, without the code that computes it.

With that the check of a notebook says all that it says otherwise, and nobody who opens the file reads an answer. A file is
an NPZ archive without pickles. For each exercise it has all numbers in three arrays, and a text in JSON that says what they
belong to. Numbers of wrong ideas are in single precision, which tells them apart, and byte by byte, which packs better.
"""

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils.exercises import demands
from course_utils.exercises.calls import Call, call, error_named
from course_utils.exercises.exercise import Case, Exercise, Misconception, Output, pairs_of
from course_utils.exercises.sheet import Sheet
from course_utils.exercises.time_limit import TimeLimit

SEED = 0  # of the cases that are kept
_TYPES = {"f": np.dtype("<f8"), "h": np.dtype("<f4"), "i": np.dtype("<i8")}


class NotKept(ValueError):
    """Something was asked for that is not in the data: another seed, or arguments that are those of no case."""


def keep(exercises: Iterable[Exercise]) -> bytes:
    """Write exercises down.

    Raises
    ------
    ValueError
        An exercise's ``demand`` or ``accepts`` is no function of :mod:`course_utils.exercises.demands`.
    TypeError
        A case or a value is made of something else than numbers and text.
    """
    members = {}
    for exercise in exercises:
        store = _Store()
        text = json.dumps(_write(exercise, store), ensure_ascii=False, separators=(",", ":")).encode()
        arrays = {"text": np.frombuffer(text, np.uint8), **store.arrays()}
        members |= {f"{exercise.id}/{name}": array for name, array in arrays.items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **members)
    return buffer.getvalue()


def load(kept: Path) -> Mapping[str, Exercise]:
    """Read the exercises that :func:`keep` has written, by their id; each of them when it is first asked for."""
    return _Exercises(kept)


class _Exercises(Mapping):
    """A chapter needs a handful of the exercises, and to read them all takes half a second."""

    def __init__(self, path: Path):
        self._path = path
        self._known: dict[str, Exercise] = {}
        with np.load(path, allow_pickle=False) as archive:
            self._ids = tuple(dict.fromkeys(name.partition("/")[0] for name in archive.files))

    def __getitem__(self, exercise_id: str) -> Exercise:
        if exercise_id not in self._ids:
            raise KeyError(exercise_id)
        if exercise_id not in self._known:
            with np.load(self._path, allow_pickle=False) as archive:
                arrays = {name: archive[f"{exercise_id}/{name}"] for name in ("text", "f", "h", "i")}
            arrays["h"] = np.ascontiguousarray(arrays["h"].T).view("<f4").ravel()
            self._known[exercise_id] = _read(json.loads(arrays["text"].tobytes()), arrays)
        return self._known[exercise_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


@dataclass(frozen=True, eq=False)
class Kept:
    """In place of a function: what it returned or raised for the arguments of each case, and changed in them."""

    results: Mapping[str, Callable[[tuple], Any]]

    def __call__(self, *args: Any) -> Any:
        """Do once more what the function did.

        Raises
        ------
        NotKept
            The arguments are those of no case.
        """
        again = self.results.get(_digest(args))
        if again is None:
            raise NotKept("In this edition references and wrong ideas can be called with the arguments of a case only.")
        return again(args)


# -- writing


class _Store:
    """Collects arrays in one of floats, one of floats in single precision and one of integers, equal ones once."""

    def __init__(self):
        self.exact = True  # floats are to be kept to the last digit
        self._parts: dict[str, list[NDArray]] = {kind: [] for kind in _TYPES}
        self._sizes = dict.fromkeys(_TYPES, 0)
        self._places: dict[tuple[str, bytes], int] = {}

    def place(self, values: NDArray, kind: str) -> int:
        key = kind, values.tobytes()
        if key not in self._places:
            self._places[key] = self._sizes[kind]
            self._parts[kind].append(values.ravel())
            self._sizes[kind] += values.size
        return self._places[key]

    def arrays(self) -> dict[str, NDArray]:
        found = {kind: np.concatenate([np.zeros(0, _TYPES[kind]), *parts]) for kind, parts in self._parts.items()}
        return found | {"h": np.ascontiguousarray(found["h"].view(np.uint8).reshape(-1, 4).T)}

    def tree(self, value: Any) -> Any:
        """Return a value as JSON, its arrays put by."""
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiub":
            kind = ("f" if self.exact or not _fits(value) else "h") if value.dtype.kind == "f" else "i"
            plain = np.ascontiguousarray(value, _TYPES[kind])
            return {kind: self.place(plain, kind), "shape": list(value.shape), "dtype": value.dtype.name}
        if isinstance(value, np.ndarray) and value.dtype.kind == "U":
            return {"text": value.tolist(), "dtype": value.dtype.str, "shape": list(value.shape)}
        if isinstance(value, np.generic):
            return self.tree(value.item())
        if isinstance(value, list | tuple):
            return {"list" if isinstance(value, list) else "tuple": [self.tree(entry) for entry in value]}
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise TypeError(f"a {type(value).__name__} cannot be kept; numbers, text, and arrays and lists of them can")


def _write(exercise: Exercise, store: _Store) -> dict:
    sheet = Sheet(exercise, SEED)
    pairs = pairs_of(exercise) if exercise.pairs is None else exercise.pairs
    with TimeLimit(float("inf")) as clock:
        written = {
            "id": exercise.id,
            "title": exercise.title,
            "points": exercise.points,
            "function": exercise.function,
            "outputs": [[o.name, list(o.axes), o.backward, o.names] for o in exercise.outputs],
            "tolerance": exercise.tolerance,
            "asks_for": list(exercise.asks_for),
            "accepts": _name_of(exercise.accepts),
            "demand": _name_of(exercise.demand),
            "cases": [[case.name, store.tree(case.args)] for case in sheet.cases],
            "reference": [_result(call(exercise.reference, case, clock), store) for case in sheet.cases],
        }
        store.exact = False
        for name, ideas in (("misconceptions", exercise.misconceptions), ("pairs", pairs)):
            written[name] = [_write_idea(idea, sheet, store, clock) for idea in ideas]
        return written


def _write_idea(idea: Misconception, sheet: Sheet, store: _Store, clock: TimeLimit) -> list:
    return [idea.name, idea.hint, [_result(sheet.known(idea, n, clock), store) for n in range(len(sheet.cases))]]


def _result(made: Call, store: _Store) -> dict:
    if made.error is not None:
        return {"error": type(made.error).__name__}
    result = {"value": store.tree(made.value)}
    return result | {"changed": list(made.changed)} if made.changed else result


def _fits(values: NDArray) -> bool:
    """Whether single precision is near enough to tell these values from others."""
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32)
    return np.allclose(values, rounded, rtol=1e-7, atol=1e-12, equal_nan=True)


def _name_of(function: Callable | None) -> str | None:
    if function is None:
        return None
    name = getattr(function, "__name__", "")
    if getattr(demands, name, None) is not function:
        raise ValueError(f"{function!r} is no function of {demands.__name__}, where a kept exercise finds it")
    return name


# -- reading


def _read(written: dict, arrays: Mapping[str, NDArray]) -> Exercise:
    cases = tuple(Case(name, _value(args, arrays)) for name, args in written["cases"])
    digests = [_digest(case.args) for case in cases]

    def kept(results: list[dict]) -> Kept:
        return Kept({digest: _again(result, arrays) for digest, result in zip(digests, results, strict=True)})

    def ideas(which: str) -> tuple[Misconception, ...]:
        return tuple(Misconception(name, hint, kept(results)) for name, hint, results in written[which])

    return Exercise(
        id=written["id"],
        title=written["title"],
        points=written["points"],
        function=written["function"],
        outputs=tuple(Output(name, tuple(axes), back, names) for name, axes, back, names in written["outputs"]),
        reference=kept(written["reference"]),
        cases=_only_of_the_seed(cases),
        misconceptions=ideas("misconceptions"),
        accepts=getattr(demands, written["accepts"]) if written["accepts"] else None,
        demand=getattr(demands, written["demand"]) if written["demand"] else None,
        tolerance=written["tolerance"],
        asks_for=tuple(written["asks_for"]),
        pairs=ideas("pairs"),
    )


def _only_of_the_seed(cases: tuple[Case, ...]) -> Callable[[np.random.Generator], tuple[Case, ...]]:
    def of(rng: np.random.Generator) -> tuple[Case, ...]:
        if rng.bit_generator.state != np.random.default_rng(SEED).bit_generator.state:
            raise NotKept(f"In this edition the random cases are those of seed {SEED}: leave the seed out.")
        return cases

    return of


def _again(result: dict, arrays: Mapping[str, NDArray]) -> Callable[[tuple], Any]:
    """Make what a function did into something that does it once more."""

    def again(args: tuple) -> Any:
        if "error" in result:
            raise _error(result["error"])
        for k in result.get("changed", ()):
            _change(args[k])
        return _value(result["value"], arrays)

    return again


def _error(name: str) -> Exception:
    return (error_named(name) or Exception)()


def _change(argument: Any) -> None:
    """Change an argument in place; into what does not matter, only that it happens."""
    if isinstance(argument, list):
        argument.append(None)
    else:
        argument[...] = np.where(argument == 0, 1, 0)


def _value(tree: Any, arrays: Mapping[str, NDArray]) -> Any:
    if not isinstance(tree, dict):
        return tree
    if "list" in tree:
        return [_value(entry, arrays) for entry in tree["list"]]
    if "tuple" in tree:
        return tuple(_value(entry, arrays) for entry in tree["tuple"])
    if "text" in tree:
        return np.array(tree["text"], dtype=tree["dtype"]).reshape(tree["shape"])
    (kind,) = tree.keys() & _TYPES.keys()
    size = int(np.prod(tree["shape"]))
    flat = arrays[kind][tree[kind] : tree[kind] + size]
    return flat.astype(tree["dtype"]).reshape(tree["shape"])


def _digest(args: tuple) -> str:
    """Tell the arguments of one case from those of another."""
    seen = hashlib.sha256()
    for value in args:
        if isinstance(value, np.ndarray):
            seen.update(f"{value.dtype.str}{value.shape}".encode() + value.tobytes())
        else:
            seen.update(repr(value).encode())
    return seen.hexdigest()
