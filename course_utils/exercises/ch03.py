"""Exercises of chapter 3: recurrent networks.

Most wrong ideas about a recurrence are one changed decision in it, so they are made here from one recurrence with the
name of the decision that is changed.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from course_utils.bidirectional import BidirectionalRNN, run_bidirectional
from course_utils.examples import WORKED_NET, WORKED_X
from course_utils.exercises.demands import any_cut_will_do, random_net
from course_utils.exercises.exercise import Case, Exercise, Misconception, Output
from course_utils.rnn import RNN, run

# -- cases


def _forward_args(net: RNN, x: NDArray) -> tuple:
    return np.array(x), net.W_xh, net.W_hh, net.b_h, net.W_hy, net.b_y, net.h_init


def _forward_cases(rng: np.random.Generator) -> list[Case]:
    elsewhere = WORKED_NET.with_parameters(h_init=[0.5, -0.8])
    sizes = ((6, 3, 4, 2), (9, 2, 3, 5))
    return [
        Case("worked example", _forward_args(WORKED_NET, WORKED_X)),
        Case("a single step", _forward_args(WORKED_NET, WORKED_X[:1])),
        Case("an initial state that is not zero", _forward_args(elsewhere, WORKED_X)),
        Case("a single step from a state that is not zero", _forward_args(elsewhere, WORKED_X[:1])),
        Case("inputs of zero", _forward_args(elsewhere, np.zeros((5, 2)))),
        Case("one input, one unit, one output", _forward_args(random_net(rng, 1, 1, 1), rng.normal(size=(4, 1)))),
        *(
            Case(
                f"random, {T} steps, {D} inputs, {H} units, {A} outputs",
                _forward_args(random_net(rng, D, H, A), rng.normal(size=(T, D))),
            )
            for T, D, H, A in sizes
        ),
    ]


def _directions(forwards: RNN, backwards: RNN, x: NDArray) -> tuple:
    own = (forwards.W_xh, forwards.W_hh, forwards.b_h)
    return np.array(x), *own, backwards.W_xh, backwards.W_hh, backwards.b_h


def _bidirectional_cases(rng: np.random.Generator) -> list[Case]:
    from_its_end = WORKED_NET.with_parameters(W_hh=WORKED_NET.W_hh.T)
    palindrome = WORKED_X[[0, 1, 1, 0]]
    sizes = ((5, 3, 2), (8, 2, 4))
    return [
        Case("worked example", _directions(WORKED_NET, from_its_end, WORKED_X)),
        Case("a single step", _directions(WORKED_NET, from_its_end, WORKED_X[:1])),
        Case("inputs that read the same from both ends", _directions(WORKED_NET, from_its_end, palindrome)),
        Case("one input and one unit", _directions(*_pair(rng, 1, 1), rng.normal(size=(4, 1)))),
        *(
            Case(
                f"random, {T} steps, {D} inputs, {H} units each way",
                _directions(*_pair(rng, D, H), rng.normal(size=(T, D))),
            )
            for T, D, H in sizes
        ),
    ]


def _pair(rng: np.random.Generator, D: int, H: int) -> tuple[RNN, RNN]:
    return random_net(rng, D, H, 1), random_net(rng, D, H, 1)


def _stream_args(net: RNN, chunk: NDArray, h: NDArray) -> tuple:
    return np.array(chunk), np.array(h), net.W_xh, net.W_hh, net.b_h, net.W_hy, net.b_y


def _stream_cases(rng: np.random.Generator) -> list[Case]:
    halfway = run(WORKED_NET, WORKED_X[:2]).h[-1]
    net, x = random_net(rng, 3, 4, 2), rng.normal(size=(9, 3))
    states = run(net, x).states
    return [
        Case("first chunk of the worked example", _stream_args(WORKED_NET, WORKED_X[:2], np.zeros(2))),
        Case(
            "second chunk, which goes on from the state of the first", _stream_args(WORKED_NET, WORKED_X[2:], halfway)
        ),
        Case("a chunk of one frame", _stream_args(WORKED_NET, WORKED_X[2:3], halfway)),
        Case("a chunk without frames", _stream_args(WORKED_NET, WORKED_X[:0], halfway)),
        *(
            Case(f"random, frames {start} to {stop - 1} of 9", _stream_args(net, x[start:stop], states[start]))
            for start, stop in ((0, 4), (4, 5), (5, 9))
        ),
    ]


# -- wrong ideas about the forward pass


def _forward(x, W_xh, W_hh, b_h, W_hy, b_y, h_init, **mistakes: bool) -> tuple[NDArray, NDArray]:
    """Run a network step by step; ``mistakes`` name the decisions that are changed."""
    recurrent = W_hh.T if "transposed" in mistakes else W_hh * ("input only" not in mistakes)
    bias = b_h * (2 if "bias twice" in mistakes else "no bias" not in mistakes)
    states = [0 * h_init if "zero start" in mistakes else h_init]
    for t, frame in enumerate(x):
        before = states[0 if "not carried" in mistakes else -1]
        z = W_xh @ frame + recurrent @ before + bias
        h = z if "linear" in mistakes else np.tanh(z)
        if "bias outside" in mistakes:
            h = np.tanh(z - bias) + bias
        elif "one by one" in mistakes:
            h = _one_by_one(W_xh @ frame + bias, recurrent, before)
        states.append(h_init if "first is given" in mistakes and t == 0 else h)
    before, h = np.array(states[:-1]), np.array(states[1:])
    if mistakes.keys() & {"in place", "one array, the caller's", "one array, the caller's, logits right"}:
        h_init[:] = h[-1]
    if "shifted" in mistakes:
        h = before
    if mistakes.keys() & {"one array", "one array, the caller's"}:
        h = np.tile(h[-1], (len(x), 1))
    logits = (before if "output before" in mistakes else h) @ W_hy.T + (0 if "no output bias" in mistakes else b_y)
    if "squashed" in mistakes:
        logits = np.tanh(logits)
    if "softmax" in mistakes:
        logits = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if mistakes.keys() & {"one array, logits right", "one array, the caller's, logits right"}:
        h = np.tile(h[-1], (len(x), 1))
    return (logits, h) if "exchanged" in mistakes else (h, logits)


def _one_by_one(given: NDArray, W_hh: NDArray, before: NDArray) -> NDArray:
    """Let each unit read the units before it as they are already."""
    h = np.array(before, dtype=float)
    for i in range(len(h)):
        h[i] = np.tanh(given[i] + W_hh[i] @ h)
    return h


def _forward_with(mistake: str) -> Callable:
    return partial(_forward, **{mistake: True})


STORED = "The same array was stored at every step; store a copy."
STORED_OF_CALLER = STORED + " That array is h_init itself, which belongs to the caller and must stay as it is."

FORWARD_MISCONCEPTIONS = (
    Misconception(
        "a state made from the input alone",
        "Nothing comes from the state before, so the network has no memory: W_hh must act on it at every step.",
        _forward_with("input only"),
    ),
    Misconception(
        "state not carried",
        "Every step starts from the initial state again. What a step leaves behind is what the next one starts from.",
        _forward_with("not carried"),
    ),
    Misconception(
        "W_hh transposed",
        "Row i of W_hh holds the weights into unit i, so it is the matrix times the state as a column. "
        "With states as rows of an array, the transposed matrix stands on the right.",
        _forward_with("transposed"),
    ),
    Misconception(
        "no activation",
        "The sums go into the next step as they are. Each unit passes its sum through tanh first.",
        _forward_with("linear"),
    ),
    Misconception(
        "activation on the outputs",
        "Only the units have a tanh. The logits are the sums themselves and may be of any size.",
        _forward_with("squashed"),
    ),
    Misconception(
        "probabilities instead of logits",
        "These outputs sum to one: they have gone through a softmax. Asked for is what goes into it.",
        _forward_with("softmax"),
    ),
    Misconception(
        "bias added twice",
        "Each unit has one bias, and it is added once a step, not once for the input and once for the state.",
        _forward_with("bias twice"),
    ),
    Misconception(
        "bias outside the activation",
        "The bias belongs to the sum that goes into the tanh: a unit never leaves the range from −1 to 1.",
        _forward_with("bias outside"),
    ),
    Misconception(
        "units updated one by one in one array",
        "All units of a step read the state of the step before. Here unit 1 reads a unit 0 that is new already: keep the old "
        "state until all are done.",
        _forward_with("one by one"),
    ),
    Misconception(
        "bias of the units left out", "Each unit adds its bias b_h to its sum, at every step.", _forward_with("no bias")
    ),
    Misconception(
        "bias of the outputs left out",
        "The states are right. Each output adds its bias b_y to its sum.",
        _forward_with("no output bias"),
    ),
    Misconception(
        "initial state taken for h₀",
        "The initial state is h₋₁, before anything was read. The first input makes h₀ out of it.",
        _forward_with("first is given"),
    ),
    Misconception(
        "states shifted by one",
        "The table begins with the initial state and lacks the last one. Row t is the state after x_t was read.",
        _forward_with("shifted"),
    ),
    Misconception(
        "output from the state before",
        "The output of step t is read off h_t, which knows x_t already, not off the state that the step started from.",
        _forward_with("output before"),
    ),
    Misconception(
        "initial state ignored",
        "The first step starts from zeros here. It has to start from the h_init that was passed.",
        _forward_with("zero start"),
    ),
    Misconception(
        "one array for all states",
        STORED + " All rows of the states are the last state, and so the logits are all alike.",
        _forward_with("one array"),
    ),
    Misconception(
        "one array for all states, while the logits are right",
        STORED + " All rows of the states are the last state.",
        _forward_with("one array, logits right"),
    ),
    Misconception("the array of h_init for all states", STORED_OF_CALLER, _forward_with("one array, the caller's")),
    Misconception(
        "the array of h_init for all states, while the logits are right",
        STORED_OF_CALLER,
        _forward_with("one array, the caller's, logits right"),
    ),
    Misconception(
        "states and logits exchanged",
        "Both tables are right but have changed places: the states come first, then the logits.",
        _forward_with("exchanged"),
    ),
    Misconception(
        "initial state overwritten",
        "h_init belongs to the caller, who may want to start from it again. Assigning into it changes it there as well.",
        _forward_with("in place"),
    ),
)


# -- wrong ideas about both directions


def _recurrence(x, W_xh, W_hh, b_h, h=0.0) -> NDArray:
    """Return the states (T, H), those that each step starts from above them: (T + 1, H)."""
    states = [h + np.zeros(len(b_h))]
    for frame in x:
        states.append(np.tanh(W_xh @ frame + W_hh @ states[-1] + b_h))
    return np.array(states)


def _bidirectional(x, W_xh, W_hh, b_h, W_xh_back, W_hh_back, b_h_back, **mistakes: bool) -> NDArray:
    """Run both directions; ``mistakes`` name the decisions that are changed."""
    forth = _recurrence(x, W_xh, W_hh, b_h)
    weights = (W_xh, W_hh, b_h) if "shared" in mistakes else (W_xh_back, W_hh_back, b_h_back)
    read = x if mistakes.keys() & {"never reversed", "only reversed back"} else x[::-1]
    read = read[:, ::-1] if "features reversed" in mistakes else read
    back = _recurrence(read, *weights, h=forth[-1] if "goes on" in mistakes else 0.0)
    forth, back = forth[1:], back[:-1] if "excludes its own" in mistakes else back[1:]
    if not mistakes.keys() & {"never reversed", "not reversed back"}:
        back = back[::-1]
    if "units reversed" in mistakes:
        back = back[:, ::-1]
    if "added" in mistakes:
        return forth + back
    if "below" in mistakes:
        return np.concatenate([forth, back])
    return np.hstack([back, forth] if "backward first" in mistakes else [forth, back])


def _bidirectional_with(mistake: str) -> Callable:
    return partial(_bidirectional, **{mistake: True})


BIDIRECTIONAL_MISCONCEPTIONS = (
    Misconception(
        "backward states in the order of reading",
        "The backward direction makes the state of the last frame first. Row t of the result must hold both states of "
        "frame t.",
        _bidirectional_with("not reversed back"),
    ),
    Misconception(
        "two forward directions",
        "The second network reads from the beginning as well, so no row knows anything of later frames.",
        _bidirectional_with("never reversed"),
    ),
    Misconception(
        "reversed after reading only",
        "The second network reads from the beginning, and its states are turned round afterwards. What has to be "
        "reversed first is the order in which it reads.",
        _bidirectional_with("only reversed back"),
    ),
    Misconception(
        "one set of weights for both directions",
        "Both directions run on the forward weights. The backward one has weights and a bias of its own.",
        _bidirectional_with("shared"),
    ),
    Misconception(
        "backward direction started from the forward one",
        "The backward direction knows nothing of the forward one. Behind the last frame its state is zero.",
        _bidirectional_with("goes on"),
    ),
    Misconception(
        "backward state without its own frame",
        "The backward state of frame t stands before x_t was read. It has to contain frame t itself, as the forward "
        "one does.",
        _bidirectional_with("excludes its own"),
    ),
    Misconception(
        "backward direction first",
        "Both halves are right but have changed places: the forward states come first.",
        _bidirectional_with("backward first"),
    ),
    Misconception(
        "inputs reversed along all axes",
        "Time runs backwards for the second network, and nothing else: within a frame the features keep their places. A flip "
        "without an axis turns round all of them.",
        _bidirectional_with("features reversed"),
    ),
    Misconception(
        "backward states reversed along all axes",
        "The order of the frames is turned round again, that of the units is not. A flip without an axis turns round both.",
        _bidirectional_with("units reversed"),
    ),
    Misconception(
        "states added",
        "The two states of a frame are added here, which mixes them. Side by side, every unit keeps its place.",
        _bidirectional_with("added"),
    ),
    Misconception(
        "one direction below the other",
        "The backward states stand below the forward ones, as 2 T rows. Each frame has one row, with 2 H numbers in it.",
        _bidirectional_with("below"),
    ),
)


# -- wrong ideas about a stream


def _stream(chunk, h, W_xh, W_hh, b_h, W_hy, b_y, **mistakes: bool) -> tuple[NDArray, NDArray]:
    """Read one chunk; ``mistakes`` name the decisions that are changed."""
    given = h
    reset = "reset" in mistakes or ("reset with frames" in mistakes and len(chunk) > 0)
    start = 0 * h if reset else h
    states = _recurrence(chunk, W_xh, W_hh, b_h, start)
    if "frame by frame" in mistakes:
        states[1:] = np.tanh(chunk @ W_xh.T + W_hh @ start + b_h)
    read = states[:-1] if "output before" in mistakes else states[1:]
    logits = read @ W_hy.T + b_y
    after = states[-1]
    if "first state" in mistakes:
        after = states[:2][-1]
    elif "state before the last" in mistakes:
        after = states[-2:][0]
    elif "state kept" in mistakes:
        after = given
    elif "zero state" in mistakes or ("zero state of nothing" in mistakes and not len(chunk)):
        after = 0 * given
    elif "no shape" in mistakes and not len(chunk):
        logits = np.array([])
    elif "no empty chunk" in mistakes:
        after = list(states[1:])[-1]
    elif "in place" in mistakes:
        h[:] = after
    return logits, np.array(after)


def _stream_with(mistake: str) -> Callable:
    return partial(_stream, **{mistake: True})


STREAM_MISCONCEPTIONS = (
    Misconception(
        "reset at the start of a chunk",
        "The state that was passed in is not used: each chunk starts from zeros, as if nothing had been read before.",
        _stream_with("reset"),
    ),
    Misconception(
        "reset at the start of a chunk that has frames",
        "The state that was passed in is handed on where there is nothing to read, but each chunk with frames starts from zeros, "
        "as if nothing had been read before.",
        _stream_with("reset with frames"),
    ),
    Misconception(
        "state not carried within the chunk",
        "Each frame of the chunk starts from the state that was passed in. It must start from what the frame before "
        "left behind.",
        _stream_with("frame by frame"),
    ),
    Misconception(
        "old state returned",
        "The outputs are right, but the state returned is the one passed in, so the next chunk will know nothing of "
        "this one.",
        _stream_with("state kept"),
    ),
    Misconception(
        "state of the first frame returned",
        "The next chunk goes on after the last frame of this one, so that frame's state is the one to hand on.",
        _stream_with("first state"),
    ),
    Misconception(
        "last frame lost at the seam",
        "The state returned is the one before the last frame was read. The next chunk begins after that frame.",
        _stream_with("state before the last"),
    ),
    Misconception(
        "zeros handed on",
        "The state is set back at the end of the chunk, so a stream forgets at every seam.",
        _stream_with("zero state"),
    ),
    Misconception(
        "zeros handed on by a chunk without frames",
        "A chunk without frames changes nothing: what was read before it still counts, so its state is handed on.",
        _stream_with("zero state of nothing"),
    ),
    Misconception(
        "output from the state before",
        "The output of a frame is read off the state after that frame, also for the first frame of a chunk.",
        _stream_with("output before"),
    ),
    Misconception(
        "no shape without frames",
        "A chunk may have no frames. Its outputs are then an array of 0 rows that still has a column for each output.",
        _stream_with("no shape"),
    ),
    Misconception(
        "a chunk without frames breaks it",
        "A chunk may have no frames: then there is no new state to take, and the old one is handed on.",
        _stream_with("no empty chunk"),
    ),
    Misconception(
        "state changed in place",
        "The values are right, but the caller's state was overwritten. Somebody may want to go on from it twice.",
        _stream_with("in place"),
    ),
)


def _run_forward(x, W_xh, W_hh, b_h, W_hy, b_y, h_init) -> tuple[NDArray, NDArray]:
    found = run(RNN(W_xh, W_hh, b_h, W_hy, b_y, h_init), x)
    return found.h, found.logits


def _run_both_ways(x, W_xh, W_hh, b_h, W_xh_back, W_hh_back, b_h_back) -> NDArray:
    no_output = np.zeros((1, len(b_h))), np.zeros(1)
    nets = RNN(W_xh, W_hh, b_h, *no_output), RNN(W_xh_back, W_hh_back, b_h_back, *no_output)
    return run_bidirectional(BidirectionalRNN(*nets), x).h


def _run_on(chunk, h, W_xh, W_hh, b_h, W_hy, b_y) -> tuple[NDArray, NDArray]:
    found = run(RNN(W_xh, W_hh, b_h, W_hy, b_y), chunk, h)
    return found.logits, found.states[-1]


EXERCISES = (
    Exercise(
        id="3.1",
        title="the forward pass",
        points=4,
        function="rnn_forward",
        outputs=(Output("the states", ("t", "unit")), Output("the logits", ("t", "output"))),
        reference=_run_forward,
        cases=_forward_cases,
        misconceptions=FORWARD_MISCONCEPTIONS,
        asks_for=("rnn.run", "rnn.step"),
    ),
    Exercise(
        id="3.2",
        title="both directions",
        points=3,
        function="bidirectional_states",
        outputs=(Output("the states", ("t", "unit")),),
        reference=_run_both_ways,
        cases=_bidirectional_cases,
        misconceptions=BIDIRECTIONAL_MISCONCEPTIONS,
        asks_for=("bidirectional.run_bidirectional",),
    ),
    Exercise(
        id="3.3",
        title="a stream in chunks",
        points=3,
        function="stream_chunk",
        outputs=(Output("the logits", ("t", "output")), Output("the state", ("unit",))),
        reference=_run_on,
        cases=_stream_cases,
        misconceptions=STREAM_MISCONCEPTIONS,
        asks_for=("rnn.run", "rnn.step"),
        demand=any_cut_will_do,
    ),
)
