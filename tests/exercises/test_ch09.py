"""The exercises of chapter 9: right answers pass however they are written, and known wrong ideas are named."""

import math
import time
from functools import cache
from itertools import groupby

import numpy as np
import pytest
from enumeration import collapse_slowly, labels_by_string, scores_of_labels

from course_utils.exercises.ch09 import EXERCISES
from course_utils.exercises.judge import judge

pytestmark = pytest.mark.slow

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
SEEDS = [0, 1, 20, 12345]

# -- right answers, written as a reader might


def collapse_by_comparing(path, blank):
    string, before = [], None
    for k in path:
        if k != before and k != blank:
            string.append(k)
        before = k
    return string


def collapse_by_runs(path, blank):
    runs = np.array([k for k, _ in groupby(path)], dtype=int)
    return runs[runs != blank]


def extended_by_loop(target, blank):
    extended, may_skip = [blank], [False]
    for i, symbol in enumerate(target):
        extended += [symbol, blank]
        may_skip += [i > 0 and symbol != target[i - 1], False]
    return extended, may_skip


def extended_by_slices(target, blank):
    extended, may_skip = np.full(2 * len(target) + 1, float(blank)), np.zeros(2 * len(target) + 1)
    extended[1::2] = target
    may_skip[3::2] = target[1:] != target[:-1]
    return extended, may_skip


def log_sum(*values):
    top = max(values)
    return top if top == -math.inf else top + math.log(sum(math.exp(value - top) for value in values))


def forward_by_loops(log_y, target, blank):
    T, (states, may_skip) = len(log_y), extended_by_loop(target, blank)
    S = len(states)
    alpha = [[-math.inf] * S for _ in range(T)]
    for i in range(min(2, S)):
        alpha[0][i] = log_y[0][states[i]]
    for t in range(1, T):
        for i in range(S):
            ways = [alpha[t - 1][i]]
            if i >= 1:
                ways.append(alpha[t - 1][i - 1])
            if may_skip[i]:
                ways.append(alpha[t - 1][i - 2])
            alpha[t][i] = log_sum(*ways) + log_y[t][states[i]]
    return alpha, log_sum(*alpha[-1][-2:])


def forward_by_rows(log_y, target, blank):
    states, may_skip = (np.array(row) for row in extended_by_loop(target, blank))
    alpha = np.full((len(log_y), len(states)), -np.inf)
    alpha[0, :2] = log_y[0, states[:2]]
    for t in range(1, len(log_y)):
        alpha[t] = alpha[t - 1]
        alpha[t, 1:] = np.logaddexp(alpha[t, 1:], alpha[t - 1, :-1])
        alpha[t, 2:] = np.where(may_skip[2:], np.logaddexp(alpha[t, 2:], alpha[t - 1, :-2]), alpha[t, 2:])
        alpha[t] += log_y[t, states]
    return alpha, np.logaddexp.reduce(alpha[-1, -2:])


def forward_by_enumeration(log_y, target, blank):
    """Sum over listed label sequences; beyond four frames or symbols the recurrence does it."""
    alpha, log_p = forward_by_rows(log_y, target, blank)
    for t in range(min(4, len(log_y)) if log_y.shape[1] <= 4 else 0):
        for i in range(alpha.shape[1]):
            labels = labels_by_string(log_y.shape[1], t + 1, blank).get(tuple(target[: (i + 1) // 2].tolist()))
            shown = target[i // 2] if i % 2 else blank
            scores = [] if labels is None else scores_of_labels(log_y[: t + 1], labels[labels[:, -1] == shown])
            alpha[t, i] = np.logaddexp.reduce(scores) if len(scores) else -np.inf
    return alpha, log_p


def backward_by_loops(log_y, target, blank):
    T, (states, may_skip) = len(log_y), extended_by_loop(target, blank)
    S = len(states)
    beta = np.full((T, S), -np.inf)
    beta[-1, -2:] = 0
    for t in range(T - 2, -1, -1):
        for i in range(S):
            ways = []
            for j in range(i, min(i + 3, S)):
                if j < i + 2 or may_skip[j]:
                    ways.append(beta[t + 1, j] + log_y[t + 1, states[j]])
            beta[t, i] = log_sum(*ways)
    return beta


def backward_by_recursion(log_y, target, blank):
    T, (states, may_skip) = len(log_y), extended_by_loop(target, blank)

    @cache
    def rest(t, i):
        if t == T - 1:
            return 0.0 if i >= len(states) - 2 else -math.inf
        nexts = [j for j in (i, i + 1, i + 2) if j < len(states) and (j < i + 2 or may_skip[j])]
        return log_sum(*(float(log_y[t + 1, states[j]]) + rest(t + 1, j) for j in nexts))

    return [[rest(t, i) for i in range(len(states))] for t in reversed(range(T))][::-1]


def backward_by_turning_round(log_y, target, blank):
    """What comes into each state of all that is reversed: alpha there, without the frame's own probability."""
    states, _ = extended_by_loop(target[::-1], blank)
    alpha, _ = forward_by_rows(log_y[::-1], target[::-1], blank)
    e = log_y[::-1][:, states]
    incoming = np.full_like(alpha, -np.inf)
    np.subtract(alpha, e, out=incoming, where=e > -np.inf)
    if np.isinf(e).any():  # where a probability is zero, it cannot be taken away again
        return backward_by_loops(log_y, target, blank)
    return incoming[::-1, ::-1]


def gradients_by_loops(y, target, blank):
    log_y = np.log(y)
    states, _ = extended_by_loop(target, blank)
    alpha, log_p = forward_by_loops(log_y, target, blank)
    beta = backward_by_loops(log_y, target, blank)
    wrt_probabilities, wrt_logits = np.zeros(y.shape), np.zeros(y.shape)
    if log_p == -math.inf:
        return wrt_probabilities, wrt_logits
    for t in range(len(y)):
        wrt_logits[t] = y[t]
        for i, k in enumerate(states):
            share = math.exp(alpha[t][i] + beta[t, i] - log_p)
            wrt_probabilities[t, k] -= share / y[t, k]
            wrt_logits[t, k] -= share
    return wrt_probabilities, wrt_logits


def gradients_by_torch(y, target, blank):
    import torch

    logits = torch.tensor(np.log(y), requires_grad=True)
    lengths = torch.tensor([len(y)]), torch.tensor([len(target)])
    log_y = torch.log_softmax(logits, dim=1)[:, None]
    loss = torch.nn.functional.ctc_loss(
        log_y, torch.as_tensor(target)[None], *lengths, blank, reduction="sum", zero_infinity=True
    )
    loss.backward()
    wrt_logits = logits.grad.numpy()
    return (wrt_logits - y if wrt_logits.any() else np.zeros_like(y)) / y, wrt_logits


def search_with_a_dictionary(log_y, blank, width):
    beam = {(): (0.0, -math.inf)}
    for frame in log_y:
        found = {}
        for prefix, (log_p_blank, log_p_non_blank) in beam.items():
            for k, p in enumerate(frame):
                longer = prefix if k == blank else (*prefix, k)
                b, s = found.get(longer, (-math.inf, -math.inf))
                if k == blank:
                    found[prefix] = log_sum(b, log_p_blank + p, log_p_non_blank + p), s
                elif prefix and k == prefix[-1]:
                    found[longer] = b, log_sum(s, log_p_blank + p)
                    b, s = found.get(prefix, (-math.inf, -math.inf))
                    found[prefix] = b, log_sum(s, log_p_non_blank + p)
                else:
                    found[longer] = b, log_sum(s, log_p_blank + p, log_p_non_blank + p)
        best = sorted(found, key=lambda prefix: log_sum(*found[prefix]), reverse=True)
        beam = {prefix: found[prefix] for prefix in best[:width]}
    best = max(beam, key=lambda prefix: log_sum(*beam[prefix]))
    return list(best), log_sum(*beam[best])


def search_with_two_arrays(log_y, blank, width):
    """Every candidate gathers from itself and from the prefix before it; rescaled probabilities instead of logarithms."""
    beam, scale = {(): np.array([1.0, 0.0])}, 0.0
    for row in np.exp(log_y):
        candidates = set(beam) | {(*prefix, k) for prefix in beam for k in range(len(row)) if k != blank}
        scores = {}
        for prefix in candidates:
            own, before = beam.get(prefix, np.zeros(2)), beam.get(prefix[:-1], np.zeros(2))
            stays, grows = own[1], before.sum()
            if len(prefix) > 1 and prefix[-1] == prefix[-2]:
                grows = before[0]
            symbol = row[prefix[-1]] * (stays + grows) if prefix else 0.0
            scores[prefix] = np.array([own.sum() * row[blank], symbol])
        kept = sorted(candidates, key=lambda prefix: -scores[prefix].sum())[:width]
        total = sum(scores[prefix].sum() for prefix in kept)
        beam, scale = {prefix: scores[prefix] / total for prefix in kept}, scale + np.log(total)
    best = max(beam, key=lambda prefix: beam[prefix].sum())
    return np.array(best, dtype=int), scale + np.log(beam[best].sum())


RIGHT = {
    "9.1": [collapse_by_comparing, collapse_by_runs, collapse_slowly],
    "9.2": [extended_by_loop, extended_by_slices],
    "9.3": [forward_by_loops, forward_by_rows, forward_by_enumeration],
    "9.4": [backward_by_loops, backward_by_recursion, backward_by_turning_round],
    "9.5": [gradients_by_loops, gradients_by_torch],
    "9.6": [search_with_a_dictionary, search_with_two_arrays],
}
EVERY_RIGHT = [pytest.param(BY_ID[n], a, id=f"{n} {a.__name__}") for n in RIGHT for a in RIGHT[n]]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("exercise", "answer"), EVERY_RIGHT)
def test_a_right_answer_passes_however_it_is_written(exercise, answer, seed):
    report = judge(exercise, answer, seed)
    assert report.status == "correct", f"{report.case}\n{report.says}"


@pytest.mark.parametrize(("exercise", "answer"), EVERY_RIGHT)
def test_no_check_takes_long(exercise, answer):
    answer(*exercise.cases(np.random.default_rng(0))[0].args)  # what it imports at first does not count
    before = time.process_time()
    judge(exercise, answer)
    assert time.process_time() - before < 2


# -- wrong ideas


def outcome(exercise, answer, case):
    """What an answer comes to on a case, as plain numbers."""
    try:
        with np.errstate(all="ignore"):
            value = answer(*(np.copy(a) if isinstance(a, np.ndarray) else a for a in case.args))
    except (IndexError, ValueError):
        return [np.array([np.nan])]
    return [np.asarray(part, dtype=float) for part in (value if len(exercise.outputs) > 1 else (value,))]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.id)
def test_no_two_wrong_ideas_behave_alike(exercise, seed):
    """Nor does any behave like the reference; compared here without the machinery that names them."""
    cases = exercise.cases(np.random.default_rng(seed))
    answers = {"the reference": exercise.reference} | {idea.name: idea.answer for idea in exercise.misconceptions}
    outcomes = {
        name: [part for case in cases for part in outcome(exercise, answer, case)] for name, answer in answers.items()
    }
    names = list(outcomes)
    for n, one in enumerate(names):
        for two in names[n + 1 :]:
            apart = len(outcomes[one]) != len(outcomes[two]) or any(
                a.shape != b.shape or not np.allclose(a, b, rtol=1e-9, atol=1e-9, equal_nan=True)
                for a, b in zip(outcomes[one], outcomes[two], strict=True)
            )
            assert apart, f"{one} and {two} are alike on all {len(cases)} cases"


def collapse_against_the_string(path, blank):
    string = []
    for k in path:
        if k != blank and (not string or string[-1] != k):
            string.append(k)
    return string


def extended_without_the_last_blank(target, blank):
    extended = []
    for symbol in target:
        extended += [blank, symbol]
    return extended, [i >= 2 and k not in (blank, extended[i - 2]) for i, k in enumerate(extended)]


def forward_without_a_guard(log_y, target, blank):
    states, _ = extended_by_loop(target, blank)
    T, S = len(log_y), len(states)
    alpha = [[-math.inf] * S for _ in range(T)]
    alpha[0][:2] = [log_y[0][k] for k in states[:2]]
    for t in range(1, T):
        for i in range(S):
            ways = [alpha[t - 1][i]] + ([alpha[t - 1][i - 1]] if i > 0 else [])
            if states[i] != blank and states[i] != states[i - 2]:
                ways.append(alpha[t - 1][i - 2])
            alpha[t][i] = log_y[t][states[i]] + log_sum(*ways)
    return alpha, log_sum(*alpha[-1][-2:])


def forward_by_products(log_y, target, blank):
    y, (states, may_skip) = np.exp(log_y), extended_by_loop(target, blank)
    alpha = np.zeros((len(y), len(states)))
    alpha[0, :2] = y[0, states[:2]]
    for t in range(1, len(y)):
        for i, k in enumerate(states):
            total = sum(alpha[t - 1, i - back] for back in (0, 1, 2)[: 3 if may_skip[i] else min(i + 1, 2)])
            alpha[t, i] = total * y[t, k]
    return np.log(alpha), np.log(alpha[-1, -2:].sum())


def forward_with_an_unguarded_log_sum(log_y, target, blank):
    states, may_skip = extended_by_loop(target, blank)
    alpha = np.full((len(log_y), len(states)), -np.inf)
    alpha[0, :2] = log_y[0, states[:2]]
    for t in range(1, len(log_y)):
        for i, k in enumerate(states):
            ways = np.array([alpha[t - 1, i - back] for back in (0, 1, 2)[: 3 if may_skip[i] else min(i + 1, 2)]])
            alpha[t, i] = log_y[t, k] + ways.max() + np.log(np.exp(ways - ways.max()).sum())
    ends = alpha[-1, -2:]
    return alpha, ends.max() + np.log(np.exp(ends - ends.max()).sum())


def backward_with_the_frame_included(log_y, target, blank):
    states, _ = extended_by_loop(target, blank)
    return backward_by_loops(log_y, target, blank) + log_y[:, states]


def backward_of_frame_t(log_y, target, blank):
    return backward_by_loops(np.concatenate([log_y[:1], log_y[:-1]]), target, blank)


def gradients_as_the_notes_print_them(y, target, blank):
    wrt_probabilities, wrt_logits = gradients_by_loops(y, target, blank)
    return wrt_probabilities * y, wrt_logits


def gradients_that_divide_by_zero(y, target, blank):
    log_y, (states, _) = np.log(y), extended_by_loop(target, blank)
    alpha, log_p = forward_by_rows(log_y, target, blank)
    gamma = np.exp(alpha + backward_by_loops(log_y, target, blank) - log_p)
    occupancy = np.stack([gamma[:, np.array(states) == k].sum(axis=1) for k in range(y.shape[1])], axis=1)
    if np.isnan(gamma).any():
        occupancy[:] = np.nan
    return -occupancy / y, y - occupancy


def search_with_one_score(log_y, blank, width):
    beam = {(): 0.0}
    for frame in log_y:
        found = {}
        for prefix, score in beam.items():
            for k, p in enumerate(frame):
                longer = prefix if k == blank or prefix[-1:] == (k,) else (*prefix, k)
                found[longer] = np.logaddexp(found.get(longer, -np.inf), score + p)
        beam = dict(sorted(found.items(), key=lambda item: -item[1])[:width])
    best = max(beam, key=beam.get)
    return best, beam[best]


def search_by_products(log_y, blank, width):
    beam = {(): (1.0, 0.0)}
    for frame in np.exp(log_y):
        found = {}
        for prefix, (b, s) in beam.items():
            for k, p in enumerate(frame):
                if k == blank:
                    ways = [(prefix, (b + s) * p, 0.0)]
                elif prefix[-1:] == (k,):
                    ways = [(prefix, 0.0, s * p), ((*prefix, k), 0.0, b * p)]
                else:
                    ways = [((*prefix, k), 0.0, (b + s) * p)]
                for string, log_p_blank, log_p_non_blank in ways:
                    old = found.get(string, (0.0, 0.0))
                    found[string] = old[0] + log_p_blank, old[1] + log_p_non_blank
        beam = dict(sorted(found.items(), key=lambda item: -sum(item[1]))[:width])
    best = max(beam, key=lambda prefix: sum(beam[prefix]))
    return best, math.log(sum(beam[best]))


WRONG = {
    collapse_against_the_string: ("9.1", "blanks removed first"),
    extended_without_the_last_blank: ("9.2", "no blank at the end"),
    forward_without_a_guard: ("9.3", "wrapped index at i = 1"),
    forward_by_products: ("9.3", "products of probabilities"),
    forward_with_an_unguarded_log_sum: ("9.3", "log-sum of −∞ alone"),
    backward_with_the_frame_included: ("9.4", "frame's own probability included"),
    backward_of_frame_t: ("9.4", "probability of frame t"),
    gradients_as_the_notes_print_them: ("9.5", "no division by y"),
    gradients_that_divide_by_zero: ("9.5", "0/0 where the target does not fit"),
    search_with_one_score: ("9.6", "one score for each prefix"),
    search_by_products: ("9.6", "products of probabilities"),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("answer", "known"), WRONG.items(), ids=lambda a: getattr(a, "__name__", ""))
def test_a_wrong_idea_is_named_however_it_is_written(answer, known, seed):
    number, name = known
    report = judge(BY_ID[number], answer, seed)
    assert report.status == "incorrect"
    assert report.misconception is not None, f"{report.case}: {report.says}"
    assert report.misconception == name


def test_two_wrong_ideas_at_once_are_wrong_but_not_named_falsely():
    def both(log_y, target, blank):
        alpha, _ = forward_by_rows(log_y, target, 0)  # blank in column 0, and the last blank as the only end
        return alpha, alpha[-1, -1]

    report = judge(BY_ID["9.3"], both)
    assert report.status == "incorrect"
    assert report.misconception is None


# -- what else a reader may hand in


ONE_OF_TWO = {
    "9.2": "extended_sequence must return 2 values: the extended sequence and the row of skips.",
    "9.3": "ctc_forward must return 2 values: the table and the log-probability.",
    "9.6": "prefix_beam must return 2 values: the best string and its log-probability.",
}


@pytest.mark.parametrize(("number", "says"), ONE_OF_TWO.items(), ids=ONE_OF_TWO)
def test_the_first_value_alone_is_one_too_few(number, says):
    right = RIGHT[number][0]
    assert judge(BY_ID[number], lambda *args: np.array(right(*args)[0])).says == says


def test_the_backward_table_is_first_wrong_at_its_end():
    def off(log_y, target, blank):
        beta = backward_by_loops(log_y, target, blank)
        beta[0, 0] += 1
        if len(beta) > 2:
            beta[2, 1] += 1
        return beta

    report = judge(BY_ID["9.4"], off)
    assert report.says.startswith("Read backwards, the first wrong cell of the table is at t = 2, i = 1")


def test_probabilities_changed_in_place_are_noticed():
    def in_place(y, target, blank):
        gradients = gradients_by_loops(y, target, blank)
        y /= 2
        return gradients

    report = judge(BY_ID["9.5"], in_place)
    assert report.status == "incorrect"
    assert "ctc_gradients changed its argument y in place" in report.says


# -- the sheet as a whole


def fewest(target):
    return len(target) + sum(target[1:] == target[:-1])


@pytest.mark.parametrize("number", ["9.3", "9.4", "9.5"])
def test_the_cases_of_the_tables_hold_the_edges(number):
    cases = [case.args for case in BY_ID[number].cases(np.random.default_rng(0))]
    assert any(len(table) == 1 for table, target, blank in cases)
    assert any(len(target) == 0 for table, target, blank in cases)
    assert any(len(table) == fewest(target) > len(target) for table, target, blank in cases)
    assert any(len(table) == fewest(target) - 1 for table, target, blank in cases)
    assert any(blank == table.shape[1] - 1 for table, target, blank in cases)
    assert any(0 < blank < table.shape[1] - 1 for table, target, blank in cases)
    assert any(table.shape[0] > 300 for table, target, blank in cases)
    if number == "9.5":
        assert all((table > 0).all() for table, target, blank in cases)
    else:
        assert any(np.isinf(table).any() and np.isfinite(forward_by_rows(table, *rest)[1]) for table, *rest in cases)


def test_the_published_numbers_are_among_the_cases(oracles):
    forward = {case.name: case.args for case in BY_ID["9.3"].cases(np.random.default_rng(0))}
    published = {"worked example ab": "O4_ctc_ab", "aa, with a blank in between": "O3_ctc_aa"}
    published |= {"a single symbol": "O4b_ctc_a", "an empty target": "O4c_ctc_empty"}
    for name, oracle in published.items():
        alpha, log_p = forward_by_loops(*forward[name])
        np.testing.assert_allclose(np.exp(alpha), oracles[oracle]["alpha"], rtol=1e-12, atol=1e-15)
        assert math.exp(log_p) == pytest.approx(oracles[oracle]["P"], rel=1e-12)
    long = next(args for name, args in forward.items() if name.startswith("400"))
    assert forward_by_loops(*long)[1] == pytest.approx(oracles["O15_long"]["uniform27_T400_L10_logP"], rel=1e-12)

    searches = {case.name: case.args for case in BY_ID["9.6"].cases(np.random.default_rng(0))}
    for width, (string, p) in oracles["O6_decoders_Y43"]["beam"].items():
        labels, log_p = search_with_a_dictionary(*searches[f"worked example, width {width}"])
        assert "".join("-ab"[k] for k in labels) == string
        assert math.exp(log_p) == pytest.approx(p, rel=1e-12)


def gaps(log_y, blank, width):
    """By how much each frame's last prefix that is kept beats the first that is not, and the best the second best."""
    beam, totals = {(): (0.0, -math.inf)}, []
    for frame in log_y:
        found = {}
        for prefix, ends in beam.items():
            for k, p in enumerate(frame.tolist()):
                again = prefix[-1:] == (k,)
                if k == blank or again:
                    old = found.setdefault(prefix, [-math.inf, -math.inf])
                    old[again] = log_sum(old[again], (ends[1] if again else log_sum(*ends)) + p)
                if k != blank:
                    new = found.setdefault((*prefix, k), [-math.inf, -math.inf])
                    new[1] = log_sum(new[1], (ends[0] if again else log_sum(*ends)) + p)
        ranked = sorted(found, key=lambda prefix: -log_sum(*found[prefix]))
        totals = [log_sum(*found[prefix]) for prefix in ranked]
        if len(totals) > width and totals[width] > -math.inf:
            yield totals[width - 1] - totals[width]
        beam = {prefix: found[prefix] for prefix in ranked[:width]}
    yield totals[0] - totals[1]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_search_depends_on_the_order_of_equal_scores(seed):
    """Right answers may rank them either way."""
    for case in BY_ID["9.6"].cases(np.random.default_rng(seed)):
        assert min(gaps(*case.args)) > 1e-9, case.name
