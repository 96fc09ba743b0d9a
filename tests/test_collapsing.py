"""Collapsing in two stages: is every stage what its rule makes of the row above, and the end what the order gives?"""

from itertools import pairwise, product

import pytest
from enumeration import collapse_slowly, merge_runs

from course_utils import collapsing
from course_utils.collapsing import Stretch, collapse_in_stages
from course_utils.ctc import collapse

ORDERS = ["merge first", "blanks first"]


def short_alignments():
    """All of up to five frames of three symbols, each with each of them as the blank."""
    for T in range(6):
        for alignment in product("-ab", repeat=T):
            for blank in "-ab":
                yield alignment, blank


def in_order(alignment, blank, order):
    """Both orders, written once more."""
    if order == "merge first":
        return collapse_slowly(alignment, blank)
    return merge_runs([symbol for symbol in alignment if symbol != blank])


@pytest.mark.parametrize("order", ORDERS)
def test_the_published_collapses(oracles, order):
    for alignment, strings in oracles["O19_collapse"].items():
        found = collapse_in_stages(alignment, "-", order)
        assert "".join(found.string) == strings[ORDERS.index(order)], alignment
        assert "".join(found.merged_first) == strings[0], alignment


def assert_strings(order):
    for alignment, blank in short_alignments():
        found = collapse_in_stages(alignment, blank, order)
        assert found.string == tuple(in_order(alignment, blank, order)), (alignment, blank)
        assert found.merged_first == collapse(alignment, blank), (alignment, blank)
        assert (found.alignment, found.blank, found.order) == (alignment, blank, order)


@pytest.mark.parametrize("order", ORDERS)
def test_what_is_left_is_what_the_order_gives(order):
    assert_strings(order)


@pytest.mark.parametrize("order", ORDERS)
def test_every_stage_takes_each_stretch_of_the_row_above_once_and_leaves_what_its_rule_says(order):
    for alignment, blank in short_alignments():
        found = collapse_in_stages(alignment, blank, order)
        assert found.rows[0] == tuple(Stretch(symbol, t, t) for t, symbol in enumerate(alignment))
        for stage, merges, row in zip(found.stages, found.merges, found.rows, strict=False):
            assert tuple(part for change in stage for part in change.parts) == row, (alignment, blank)
            for change in stage:
                (symbol,) = {part.symbol for part in change.parts}
                if not merges:
                    assert len(change.parts) == 1
                    assert change.left == (None if symbol == blank else change.parts[0])
                else:
                    assert change.left == Stretch(symbol, change.parts[0].first, change.parts[-1].last)
            left = [change.parts[0].symbol for change in stage]
            assert not merges or all(one != other for one, other in pairwise(left))
        assert found.merges == ((True, False) if order == "merge first" else (False, True))


def test_columns_do_as_well_as_names():
    found = collapse_in_stages([1, 1, 0, 1, 2])
    assert found.string == (1, 1, 2)
    assert found.rows[1] == (Stretch(1, 0, 1), Stretch(0, 2, 2), Stretch(1, 3, 3), Stretch(2, 4, 4))


def test_stages_in_the_wrong_order_are_seen(monkeypatch):
    """A planted fault: merging looks past blanks."""
    right = collapsing._merge
    monkeypatch.setattr(collapsing, "_merge", lambda row: right([part for part in row if part.symbol != "-"]))
    with pytest.raises(AssertionError):
        assert_strings("merge first")


def test_an_order_that_is_none_is_refused():
    with pytest.raises(ValueError, match="order is 'both'; choose 'merge first' or 'blanks first'"):
        collapse_in_stages("aa", "-", "both")
