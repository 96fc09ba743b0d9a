"""The beam searches that are written down: is every number in the record the one that the definition gives?"""

from itertools import pairwise, product

import numpy as np
import pytest
from enumeration import collapse_slowly, labels_by_string, merge_runs, random_table, scores_of_labels

from course_utils import beam_trace
from course_utils.beam_trace import MOST_STRINGS, search, trace_beam, trace_greedy
from course_utils.decoding import beam_search, greedy, prefix_beam_search
from course_utils.examples import CTC_SYMBOLS, CTC_Y, SILENT_Y

KEEPS = ["alignments", "prefixes", "one score"]
ALL = 10**6
EXACT = {"rel": 1e-10, "abs": 1e-250}  # what is less probable than that, plain probabilities do not hold


def spell(labels):
    return "".join(CTC_SYMBOLS[k] for k in labels)


def in_letters(found):
    return [(spell(labels), pytest.approx(p, rel=1e-12)) for labels, p in found]


def cases(count, seed, longest=4, smooth=False):
    """Tables of every kind, or only such as have no ties, each with one of its columns as the blank."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        T, A = int(rng.integers(1, longest + 1)), int(rng.integers(2, 5))
        y = rng.dirichlet(np.ones(A), T) if smooth else np.exp(random_table(rng, T, A))
        yield y, int(rng.integers(A))


def blanks_first(labels, blank):
    return merge_runs([k for k in labels if k != blank])


def mass_by_string(y, blank, spelled_by):
    """The probability of every string, from all A^T alignments, each spelled by the rule given."""
    T, A = y.shape
    found = {}
    for labels in product(range(A), repeat=T):
        if p := float(np.prod(y[np.arange(T), labels])):
            string = spelled_by(labels, blank)
            found[string] = found.get(string, 0.0) + p
    return found


# -- what is found


@pytest.mark.parametrize("width", [1, 2, 3, 100])
def test_the_published_widths(oracles, width):
    string, p = oracles["O6_decoders_Y43"]["beam"][str(width)]
    assert [(string, p)] == in_letters(search(CTC_Y, width=width).found[:1])


def test_all_strings_with_their_published_probabilities(oracles):
    for keeps in ("prefixes", "alignments"):
        assert [tuple(pair) for pair in oracles["O6_decoders_Y43"]["dist"]] == in_letters(
            search(CTC_Y, width=ALL, keeps=keeps).found
        )
    assert [tuple(pair) for pair in oracles["O6b_greedy_vs_map"]["dist"]] == in_letters(search(SILENT_Y).found)


def assert_as_the_fast_searches(count):
    for y, blank in cases(count, 1, longest=6, smooth=True):
        with np.errstate(divide="ignore"):
            log_y = np.log(y)
        for width in (1, 2, 3, 5, 100):
            prefixes = prefix_beam_search(log_y, blank, width, n_best=width)
            found = search(y, blank, width, "prefixes").found
            assert [labels for labels, _ in found] == [h.labels for h in prefixes], (y, blank, width)
            assert [p for _, p in found] == [pytest.approx(np.exp(h.log_p), **EXACT) for h in prefixes]
            alignments = beam_search(log_y, blank, width)
            found = search(y, blank, width, "alignments").found
            assert [labels for labels, _ in found] == [h.labels for h in alignments], (y, blank, width)
            assert [p for _, p in found] == [pytest.approx(np.exp(h.log_p), **EXACT) for h in alignments]


def test_the_searches_to_look_at_find_what_the_searches_to_use_find():
    assert_as_the_fast_searches(60)


def test_at_full_width_both_right_searches_are_enumeration():
    for y, blank in cases(150, 2):
        truth = mass_by_string(y, blank, collapse_slowly)
        assert sum(truth.values()) == pytest.approx(1)
        for keeps in ("prefixes", "alignments"):
            found = {labels: p for labels, p in search(y, blank, ALL, keeps).found if p > 1e-250}
            assert found == pytest.approx({s: p for s, p in truth.items() if p > 1e-250}, **EXACT), (y, keeps)


def test_one_score_for_each_prefix_collapses_in_the_wrong_order():
    """At full width it gives each string what collapses to it where blanks are removed before letters are merged."""
    for y, blank in cases(150, 3):
        truth = mass_by_string(y, blank, blanks_first)
        found = {labels: p for labels, p in search(y, blank, ALL, "one score").found if p > 1e-250}
        assert found == pytest.approx({s: p for s, p in truth.items() if p > 1e-250}, **EXACT), y


def test_one_score_calls_a_string_far_more_probable_than_it_is(oracles):
    truth = dict(oracles["O6_decoders_Y43"]["dist"])
    found = search(CTC_Y, width=100, keeps="one score").found
    assert in_letters(found[:1]) == [("a", 0.374)]
    assert truth["a"] + truth["aa"] == pytest.approx(0.374)
    assert not [string for string, _ in in_letters(found) if "aa" in string or "bb" in string]


# -- the record


def assert_record(y, blank, width, keeps):
    """Every candidate is what the survivors of the frame before give to it, and the best are kept."""
    shown = f"{keeps}, width {width}, blank {blank}\n{y}"
    before, kept_mass = {(): (1.0, 0.0)}, 1.0
    found = search(y, blank, width, keeps)
    for t, frame in enumerate(found.frames):
        assert len({c.labels for c in frame}) == len(frame), shown
        totals = [c.total for c in frame]
        assert totals == sorted(totals, reverse=True), shown
        assert all(c.labels < d.labels for c, d in pairwise(frame) if c.total == d.total), shown
        assert sum(totals) == pytest.approx(kept_mass, rel=1e-12), shown
        for c in frame:
            assert c.total == c.p_blank + c.p_non_blank
            assert c.p_blank == pytest.approx(sum(w.value for w in c.ways if w.kind == "blank"), rel=1e-14), shown
            assert c.p_non_blank == pytest.approx(sum(w.value for w in c.ways if w.kind != "blank"), rel=1e-14), shown
            assert c.ways, shown
            assert c.string == (collapse_slowly(c.labels, blank) if keeps == "alignments" else c.labels), shown
            for way in c.ways:
                p_blank, p_non_blank = before[way.source]
                expected = p_blank if way.after_blank else p_blank + p_non_blank
                if way.kind == "repeat" and keeps == "prefixes":
                    expected = p_non_blank
                assert way.mass == expected > 0, shown
                symbol = blank if way.kind == "blank" else c.labels[-1]
                assert way.probability == pytest.approx(y[t, symbol], rel=1e-12), shown
        kept = [c for c in frame if c.kept]
        assert kept == list(frame[: len(kept)]), shown
        assert 1 <= len(kept) == min(width, sum(total > 0 for total in totals)), shown
        before = {c.labels: (c.p_blank, c.p_non_blank) for c in kept}
        assert found.pruned[t] == pytest.approx(kept_mass - sum(c.total for c in kept), rel=1e-9, abs=1e-12), shown
        kept_mass = sum(c.total for c in kept)


@pytest.mark.slow
@pytest.mark.parametrize("keeps", KEEPS)
def test_what_is_kept_and_what_is_pruned_add_up_to_what_was_kept_before(keeps):
    for y, blank in cases(150, 4, longest=5):
        for width in (1, 2, 3, ALL):
            assert_record(y, blank, width, keeps)


def test_a_way_that_is_left_out_is_missed(monkeypatch):
    """A planted fault: the mass that repeats the last symbol after a blank goes nowhere."""
    right = beam_trace._prefixes

    def leaky(*args):
        return [(labels, way) for labels, way in right(*args) if not way.after_blank]

    monkeypatch.setattr(beam_trace, "_prefixes", leaky)
    with pytest.raises(AssertionError):
        test_what_is_kept_and_what_is_pruned_add_up_to_what_was_kept_before("prefixes")
    with pytest.raises(AssertionError):
        assert_as_the_fast_searches(10)


def test_the_two_scores_of_a_prefix_are_its_alignments_by_how_they_end():
    for y, blank in cases(100, 5):
        T, A = y.shape
        frames = search(y, blank, ALL, "prefixes").frames
        with np.errstate(divide="ignore"):
            log_y = np.log(y)
        for t in range(T):
            by_string = labels_by_string(A, t + 1, blank)
            for c in frames[t]:
                alignments = by_string[c.labels]
                p = np.exp(scores_of_labels(log_y[: t + 1], alignments))
                ends_in_blank = alignments[:, -1] == blank
                assert c.p_blank == pytest.approx(p[ends_in_blank].sum(), **EXACT), (y, t, c)
                assert c.p_non_blank == pytest.approx(p[~ends_in_blank].sum(), **EXACT), (y, t, c)


def test_the_example_step_by_step():
    """Frame 1 by hand: after frame 0 the empty prefix has .5 in a blank, and a has .3 in a symbol."""
    first, second = search(CTC_Y, width=2).frames[:2]
    assert [(c.labels, c.p_blank, c.p_non_blank, c.kept) for c in first] == [
        ((), pytest.approx(0.5), 0, True),
        ((1,), 0, pytest.approx(0.3), True),
        ((2,), 0, pytest.approx(0.2), False),
    ]
    a = second[0]
    assert (a.labels, a.p_blank, a.p_non_blank) == ((1,), pytest.approx(0.03), pytest.approx(0.6 * 0.3 + 0.6 * 0.5))
    assert [(way.kind, way.source, way.after_blank) for way in a.ways] == [
        ("extend", (), False),
        ("blank", (1,), False),
        ("repeat", (1,), False),
    ]
    assert (1, 1) not in [c.labels for c in second]  # no alignment of a ends in a blank yet


def test_a_doubled_letter_comes_only_from_what_ended_in_a_blank():
    last = search(CTC_Y, width=ALL).frames[2]
    doubled = next(c for c in last if c.labels == (1, 1))
    (way,) = doubled.ways
    assert (way.kind, way.source, way.after_blank) == ("extend", (1,), True)
    assert way.mass == pytest.approx(0.3 * 0.1)  # of a -, the one alignment that ends in a blank
    assert doubled.p_non_blank == pytest.approx(0.35 * 0.03)


# -- how good what is found is


def most_probable(truth):
    return max(truth.values())


def assert_greedy_trace(y, blank):
    shown, trace = f"blank {blank}\n{y}", trace_greedy(y, blank)
    truth = mass_by_string(y, blank, collapse_slowly)
    with np.errstate(divide="ignore"):
        assert trace.collapse.string == greedy(np.log(y), blank), shown
    assert trace.collapse.alignment == tuple(columns[0] for columns in trace.best), shown
    for frame, columns in zip(trace.y, trace.best, strict=True):
        assert columns == tuple(k for k, p in enumerate(frame) if p == frame.max()), shown
    np.testing.assert_allclose(trace.products, [y[: t + 1].max(axis=1).prod() for t in range(len(y))], rtol=1e-12)
    assert trace.probability == pytest.approx(truth[trace.collapse.string], **EXACT), shown
    assert np.exp(trace.most_probable.log_p) == pytest.approx(most_probable(truth), **EXACT), shown
    assert truth[trace.most_probable.labels] == pytest.approx(most_probable(truth), **EXACT), shown


def test_greedy_decoding_is_written_down_with_what_enumeration_says_of_its_string():
    for y, blank in cases(40, 6):
        assert_greedy_trace(y, blank)
    nearly = np.array([[0.5, 0.499, 0.001]])
    for y in (CTC_Y, SILENT_Y, np.full((3, 3), 1 / 3), np.array([[0.4, 0.2, 0.4], [0.2, 0.4, 0.4]]), nearly):
        assert_greedy_trace(y, 0)
    assert trace_greedy([[0.4, 0.2, 0.4], [0.2, 0.4, 0.4]]).best == ((0, 2), (1, 2))


def assert_beam_trace(y, blank, width, keeps):
    shown, trace = f"{keeps}, width {width}, blank {blank}\n{y}", trace_beam(y, blank, width, keeps)
    truth = mass_by_string(y, blank, collapse_slowly)
    assert trace.search == search(y, blank, width, keeps), shown
    assert (trace.blank, trace.width, trace.keeps) == (blank, width, keeps)
    np.testing.assert_allclose(trace.y, y, rtol=1e-12)
    for (labels, _), p in zip(trace.search.found, trace.probabilities, strict=True):
        assert p == pytest.approx(truth.get(labels, 0.0), **EXACT), (labels, shown)
    assert np.exp(trace.most_probable.log_p) == pytest.approx(most_probable(truth), **EXACT), shown


@pytest.mark.parametrize("keeps", KEEPS)
def test_what_a_beam_finds_stands_beside_what_enumeration_says_of_it(keeps):
    for n, (y, blank) in enumerate(cases(30, 7)):
        assert_beam_trace(y, blank, (1, 2, 3, 20)[n % 4], keeps)


def test_a_most_probable_string_that_is_none_is_seen(monkeypatch):
    """A planted fault: the empty string is left out."""
    right = beam_trace.best_string_unchecked
    monkeypatch.setattr(beam_trace, "best_string_unchecked", lambda *args: [h for h in right(*args) if h.labels])
    with pytest.raises((AssertionError, IndexError)):
        test_greedy_decoding_is_written_down_with_what_enumeration_says_of_its_string()
    with pytest.raises((AssertionError, IndexError)):
        test_what_a_beam_finds_stands_beside_what_enumeration_says_of_it("prefixes")


def test_where_there_are_too_many_strings_the_most_probable_is_not_looked_for():
    y = np.random.default_rng(0).dirichlet(np.ones(11), 4)
    assert sum(10**n for n in range(5)) > MOST_STRINGS
    for trace in (trace_greedy, trace_beam):
        assert trace(y).most_probable is None
        assert trace(y[:2]).most_probable is not None


def test_where_all_products_are_below_every_float_nothing_is_found():
    trace = trace_beam(np.full((700, 3), 1 / 3), width=1)
    assert trace.search.found == ()
    assert trace.probabilities == (0.0,)


@pytest.mark.parametrize("trace", [trace_greedy, trace_beam])
def test_a_table_is_checked_once(trace, monkeypatch):
    checked, right = [], beam_trace.log_probabilities
    monkeypatch.setattr(beam_trace, "log_probabilities", lambda y: checked.append(y) or right(y))
    for module in ("ctc", "decoding"):
        monkeypatch.setattr(f"course_utils.{module}.check_log_probabilities", lambda *_: pytest.fail("checked again"))
    trace(CTC_Y)
    assert len(checked) == 1


# -- zeros, ties, one frame


@pytest.mark.parametrize("keeps", KEEPS)
def test_what_is_impossible_is_never_kept(keeps):
    y = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]  # only the alignment a - a
    found = search(y, 0, 8, keeps)
    assert found.found == (((1,) if keeps == "one score" else (1, 1), 1.0),)
    assert [[c.labels for c in frame if c.kept] for frame in found.frames] == [
        [(1,)],
        [(1, 0) if keeps == "alignments" else (1,)],
        [{"alignments": (1, 0, 1), "prefixes": (1, 1), "one score": (1,)}[keeps]],
    ]
    assert all(c.kept == (c.total > 0) for frame in found.frames for c in frame)


@pytest.mark.parametrize("keeps", KEEPS)
def test_of_equal_candidates_those_whose_labels_come_first_are_kept(keeps):
    (frame,) = search([[0.25] * 4], 3, 2, keeps).frames
    order = [(0,), (1,), (2,), (3,)] if keeps == "alignments" else [(), (0,), (1,), (2,)]
    assert [(c.labels, c.kept) for c in frame] == list(zip(order, [True, True, False, False], strict=True))


@pytest.mark.parametrize("keeps", KEEPS)
def test_one_frame(keeps):
    found = search([[0.2, 0.5, 0.3]], 2, 5, keeps)
    assert found.found == (
        ((1,), pytest.approx(0.5)),
        ((), pytest.approx(0.3)),
        ((0,), pytest.approx(0.2)),
    )
    assert len(found.frames) == 1


@pytest.mark.parametrize("keeps", KEEPS)
def test_a_table_of_the_blank_alone_spells_nothing(keeps):
    assert search([[1.0]] * 3, 0, 2, keeps).found == (((), 1.0),)


def test_arguments_stay_as_they_were():
    y = CTC_Y.copy()
    y.flags.writeable = False
    for keeps in KEEPS:
        assert search(y, keeps=keeps) == search(y.tolist(), keeps=keeps)
    np.testing.assert_array_equal(y, CTC_Y)


# -- what is refused

BAD = {
    "width 0": ({"width": 0}, "width is 0; it is a count of hypotheses, a whole number from 1 on"),
    "negative width": ({"width": -1}, "width is -1; it is a count"),
    "half a candidate": ({"width": 2.5}, "width is 2.5; it is a count"),
    "keeps": ({"keeps": "prefix"}, "keeps is 'prefix'; choose 'alignments', 'prefixes' or 'one score'"),
    "blank too large": ({"blank": 3}, "blank is 3, .* from 0 to 2"),
    "negative blank": ({"blank": -1}, "blank is -1, .* from 0 to 2"),
    "row sum": ({"y": [[0.5, 0.6]]}, "row 0 of y has probabilities that sum to 1.1"),
    "logarithms": ({"y": np.log(CTC_Y)}, r"y\[0, 0\] is -0.69.*; probabilities lie between 0 and 1"),
    "NaN": ({"y": [[np.nan, 1.0]]}, r"y\[0, 0\] is NaN"),
    "no frame": ({"y": np.empty((0, 3))}, r"y has shape \(0, 3\)"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD.values(), ids=BAD)
def test_bad_arguments_are_named(arguments, says):
    traces = (search, trace_beam) if {"width", "keeps"} & set(arguments) else (search, trace_beam, trace_greedy)
    for trace in traces:
        with pytest.raises(ValueError, match=says):
            trace(**{"y": CTC_Y, **arguments})


def test_a_width_is_a_whole_number_and_no_float_that_happens_to_be_one():
    assert search(CTC_Y, width=np.int64(2)) == search(CTC_Y, width=2)
    with pytest.raises(ValueError, match=r"width is 2.0; it is a count of hypotheses, a whole number"):
        search(CTC_Y, width=2.0)
