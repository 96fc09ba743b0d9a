"""What the judge and a sandboxed process say to each other: JSON, and plain arrays beside it.

Nothing is pickled. What comes out of a sandbox may be made to do harm, so all of it is bounded and checked before it is
believed: sizes first, then the types of arrays, then their shapes.
"""

import json
import math
import struct
from typing import Any

import numpy as np

from course_utils.exercises.values import as_numbers, snapshot

MOST_BYTES = 64 * 2**20  # of one message
MOST_NODES = 200_000  # of one value that is no array
LONGEST_TEXT = 2_000  # of a text within a value
KINDS = "biufcUSM"  # of arrays, NumPy's letters; no objects
_HEAD = struct.Struct(">II")  # bytes of the JSON, bytes of the arrays after it


class WireError(ValueError):
    """What came is no message."""


class Opaque:
    """In place of a value that is neither numbers nor text: what is known of it is the name of its type."""


def pack(message: Any) -> bytes:
    """Write a message: JSON values, with :func:`to_tree`'s arrays in them.

    Raises
    ------
    WireError
        It is too large.
    """
    blobs: list[bytes] = []
    text = json.dumps(_lift(message, blobs), separators=(",", ":")).encode()
    size = sum(map(len, blobs))
    if len(text) + size > MOST_BYTES:
        raise WireError(f"{(len(text) + size) / 2**20:.0f} MB are too much")
    return _HEAD.pack(len(text), size) + text + b"".join(blobs)


def head_size() -> int:
    """How many bytes say how long a message is."""
    return _HEAD.size


def body_size(head: bytes) -> int:
    """How many bytes follow on the head of a message.

    Raises
    ------
    WireError
        They are too many to be taken.
    """
    text, arrays = _HEAD.unpack(head)
    if text + arrays > MOST_BYTES:
        raise WireError(f"a message of {text + arrays} bytes is too large")
    return text + arrays


def unpack(head: bytes, body: bytes) -> Any:
    """Read a message.

    Raises
    ------
    WireError
        It is none.
    """
    size, _ = _HEAD.unpack(head)
    try:
        return _lower(json.loads(body[:size]), memoryview(body)[size:])
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        RecursionError,
        UnicodeError,
        OverflowError,
        MemoryError,
    ) as error:
        raise WireError(f"not a message: {type(error).__name__}") from error


# -- values as trees


def to_tree(value: Any) -> Any:
    """Turn what an answer returned into JSON values and arrays; what is neither becomes the name of its type."""
    left = [MOST_NODES]
    return _tree(snapshot(value), left, top=True)


def from_tree(tree: Any) -> Any:
    """Make a value again: the same numbers and text, in arrays where there were lists of numbers."""
    if isinstance(tree, np.ndarray) or tree is None or isinstance(tree, bool | int | float | str):
        return tree
    if not isinstance(tree, dict) or len(tree) != 1:
        raise WireError("not a value")
    ((kind, content),) = tree.items()
    if kind in ("list", "tuple") and isinstance(content, list):
        entries = [from_tree(entry) for entry in content]
        return tuple(entries) if kind == "tuple" else entries
    if kind == "whole" and isinstance(content, str) and len(content) <= 400:
        return int(content)
    if kind == "complex" and isinstance(content, list) and len(content) == 2:
        return complex(*map(float, content))
    if kind == "opaque":
        return opaque(content)
    if kind == "objects":
        odd = np.empty(1, dtype=object)
        odd[0] = opaque(content)
        return odd
    if kind == "dots":
        return ...
    raise WireError("not a value")


def opaque(name: Any) -> Any:
    """Make an object whose type has a name."""
    name = name if isinstance(name, str) and name.isidentifier() and len(name) <= 60 else "object"
    return None if name == "NoneType" else type(name, (Opaque,), {})()


def _tree(value: Any, left: list[int], top: bool = False) -> Any:
    left[0] -= 1
    if left[0] < 0:
        raise WireError("too many parts")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < 2**53 else {"whole": str(value) if value.bit_length() < 1200 else "9" * 400}
    if isinstance(value, str):
        return str(value)[:LONGEST_TEXT]
    if isinstance(value, float):
        return float(value)
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, list | tuple):
        return _sequence(value, left, top)
    if isinstance(value, np.ndarray | np.generic):
        return _array(np.asarray(value))
    return {"dots": 0} if value is ... else {"opaque": type(value).__name__}


def _sequence(value: list | tuple, left: list[int], top: bool) -> Any:
    """Send rows of numbers as an array, unless they are the several values of an answer."""
    kind = "tuple" if isinstance(value, tuple) else "list"
    if not top or (len(value) > 8 and kind == "list"):
        array = as_numbers(value)
        if array is not None and array.size:
            return np.asarray(value) if np.asarray(value).dtype.kind in "biuf" else array
    return {kind: [_tree(entry, left) for entry in value]}


def _array(array: np.ndarray) -> Any:
    if array.dtype.kind in KINDS:
        return np.asarray(array, order="C")
    numbers = as_numbers(array)
    if numbers is not None:
        return numbers
    odd = next((entry for entry in array.flat if as_numbers(entry) is None), None) if array.dtype.kind == "O" else None
    return {"objects": type(odd).__name__}


# -- arrays beside the JSON


def _lift(message: Any, blobs: list[bytes]) -> Any:
    """Put arrays aside, and floats that JSON does not know into words."""
    if isinstance(message, np.ndarray):
        blobs.append(message.tobytes())
        return {"@": [message.dtype.str, list(message.shape), len(blobs[-1])]}
    if isinstance(message, dict):
        return {key: _lift(value, blobs) for key, value in message.items()}
    if isinstance(message, list | tuple):
        return [_lift(value, blobs) for value in message]
    if isinstance(message, float) and not math.isfinite(message):
        return {"float": repr(message)}
    return message


def _lower(tree: Any, rest: memoryview) -> Any:
    place = [0]

    def lower(node: Any) -> Any:
        if isinstance(node, list):
            return [lower(entry) for entry in node]
        if not isinstance(node, dict):
            return node
        if node.keys() == {"float"}:
            return {"inf": math.inf, "-inf": -math.inf}.get(node["float"], math.nan)
        if node.keys() != {"@"}:
            return {key: lower(value) for key, value in node.items()}
        name, shape, size = node["@"]
        if not isinstance(name, str) or len(name) > 12:
            raise WireError("not a type")
        dtype = np.dtype(name)
        if dtype.kind not in KINDS or dtype.hasobject or not dtype.itemsize or len(shape) > 32:
            raise WireError("not a type that may come")
        if any(not isinstance(n, int) or n < 0 for n in shape) or math.prod(shape) * dtype.itemsize != size:
            raise WireError("not a shape")
        if place[0] + size > len(rest):
            raise WireError("cut off")
        part = rest[place[0] : place[0] + size]
        place[0] += size
        return np.frombuffer(bytes(part), dtype).reshape(shape).copy()

    return lower(tree)
