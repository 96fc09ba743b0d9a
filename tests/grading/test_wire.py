"""Messages from a sandbox: what is data comes through as it was, and nothing else comes through at all."""

import json
import math
import struct

import numpy as np
import pytest

from course_utils.grading.sandbox import wire


def through(value):
    """A value as it is on the other side."""
    sent = wire.pack({"value": wire.to_tree(value)})
    head, body = sent[: wire.head_size()], sent[wire.head_size() :]
    assert len(body) == wire.body_size(head)
    return wire.from_tree(wire.unpack(head, body)["value"])


@pytest.mark.parametrize(
    "value",
    [
        0, 1, -5, 2**53, -(2**80), 10**300, True, None, 0.1, -0.0, 1e-320, math.inf, -math.inf, "it's", "größer", 3 + 2j,
        (1, 2.0), ["A", "BH"], [["A", "B"], []], (np.arange(3), 2.5), [1.0, (2, [3])],
        np.arange(6.0).reshape(2, 3), np.zeros((0, 3)), np.float32(0.5), np.array(2), np.array([True]), np.array(["A", "BH"]),
        np.array([1 + 2j]), np.array(["2000-01-01"], dtype="M8[D]"), np.arange(6).reshape(2, 3)[:, ::2], np.longdouble(0.25),
    ],
    ids=repr,
)  # fmt: skip
def test_numbers_and_text_come_through(value):
    came = through(value)
    assert type(came) is type(value) or isinstance(value, np.generic)
    if isinstance(value, tuple | list):
        assert len(came) == len(value)
        for a, b in zip(came, value, strict=True):
            np.testing.assert_array_equal(np.asarray(a, dtype=object), np.asarray(b, dtype=object))
    else:
        np.testing.assert_array_equal(came, value)
        assert np.shape(came) == np.shape(value)


def test_not_a_number_comes_through():
    assert math.isnan(through(math.nan))
    assert np.isnan(through(np.array([1.0, np.nan]))).tolist() == [False, True]


def test_rows_of_numbers_become_arrays_but_not_the_values_of_an_answer():
    rows, number = through(([[1.0, 2.0], [3.0, 4.0]], 5))
    assert rows.tolist() == [[1, 2], [3, 4]]
    assert number == 5
    assert through([[1.0], [1.0, 2.0]])[1].tolist() == [1.0, 2.0]


class Odd:
    pass


@pytest.mark.parametrize(
    ("value", "name"),
    [({}, "dict"), (Odd(), "Odd"), (len, "builtin_function_or_method"), ({1}, "set"), (b"x", "bytes")],
)
def test_of_anything_else_only_the_name_of_its_type_comes_through(value, name):
    came = through(value)
    assert type(came).__name__ == name
    assert isinstance(came, wire.Opaque)


def test_objects_in_arrays_are_numbers_or_the_name_of_the_first_that_is_none():
    assert through(np.array([1, 2.5], dtype=object)).tolist() == [1, 2.5]
    assert type(through(np.array([1, {}], dtype=object))[0]).__name__ == "dict"
    assert through(np.array([1, None], dtype=object))[0] is None


def test_too_much_is_refused_where_it_is_sent():
    with pytest.raises(wire.WireError, match="too many parts"):
        wire.to_tree([("a",)] * (wire.MOST_NODES + 1))
    with pytest.raises(wire.WireError, match="MB are too much"):
        wire.pack({"value": np.zeros(wire.MOST_BYTES // 8 + 1)})


# -- what a sandbox may send


def message(text: str | bytes, arrays: bytes = b"") -> tuple[bytes, bytes]:
    data = text.encode() if isinstance(text, str) else text
    return struct.pack(">II", len(data), len(arrays)), data + arrays


def array(dtype="<f8", shape=(1,), size=8):
    return json.dumps({"@": [dtype, list(shape), size]})


@pytest.mark.parametrize(
    ("text", "arrays"),
    [
        ("", b""),
        ("{", b""),
        ("\xff\xfe", b""),
        (b"\xff\xfe\x00", b""),
        ("[" * 100_000, b""),
        (array(dtype="O"), bytes(8)),
        (array(dtype="|O8"), bytes(8)),
        (array(dtype="V8"), bytes(8)),
        (array(dtype="f8,f8"), bytes(16)),
        (array(dtype="nonsense"), bytes(8)),
        (array(dtype="<f8" + " " * 20), bytes(8)),
        (array(shape=(2,)), bytes(8)),
        (array(shape=(-1,)), bytes(8)),
        (array(shape=(2**62, 4), size=0), b""),
        (array(shape=("1",)), bytes(8)),
        (array(shape=(1,) * 40), bytes(8)),
        (array(), b""),
        (array(size=-8, shape=(-1,)), bytes(8)),
        ('{"@": 1}', b""),
        ('{"@": []}', b""),
        (array(dtype="<U0", shape=(5,), size=0), b""),
    ],
)
def test_what_makes_no_sense_is_no_message(text, arrays):
    head, body = message(text, arrays)
    with pytest.raises(wire.WireError):
        wire.unpack(head, body)


def test_a_message_that_says_it_is_huge_is_not_waited_for():
    with pytest.raises(wire.WireError, match="too large"):
        wire.body_size(b"\xff" * 8)


@pytest.mark.parametrize(
    "tree",
    [
        {"list": 1}, {"list": [], "tuple": []}, {}, {"whole": 1}, {"whole": "9" * 1000}, {"whole": "x"}, {"complex": [1]},
        {"complex": "ab"}, {"unknown": 1}, [1, 2], {"list": [{"unknown": 1}]},
    ],
)  # fmt: skip
def test_what_is_no_value_is_refused(tree):
    with pytest.raises((wire.WireError, ValueError, TypeError)):
        wire.from_tree(tree)


@pytest.mark.parametrize("name", ["<script>", "a b", "", "x" * 100, 5, None, ["a"]])
def test_a_type_with_an_odd_name_is_an_object(name):
    assert type(wire.opaque(name)).__name__ == "object"
