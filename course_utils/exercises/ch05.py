"""Exercises of chapter 5: sequence classification and vanishing gradients."""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from course_utils.exercises.exercise import Case, Exercise, Misconception, Output
from course_utils.losses import cross_entropy, cross_entropy_gradient, log_softmax

# -- the product of Jacobians


def product_back(jacobians: NDArray, t: int) -> NDArray:
    """Multiply the Jacobians from that of the last step back to that of step t + 1, in this order."""
    product = np.eye(jacobians.shape[1])
    for jacobian in jacobians[t + 1 :]:
        product = jacobian @ product
    return product


WORKED_JACOBIANS = np.array([[[1.0, 2.0], [0.0, 1.0]], [[0.5, 0.0], [1.0, 0.5]], [[0.0, 1.0], [1.0, 0.0]]])


def _product_cases(rng: np.random.Generator) -> list[Case]:
    three, five = rng.normal(size=(4, 3, 3)), rng.normal(0, 0.6, (6, 2, 2))
    turn = rng.normal(size=(5, 2, 2))
    return [
        Case("three Jacobians, from step 0 on", (WORKED_JACOBIANS, 0)),
        Case("the last step, where nothing is left to multiply", (WORKED_JACOBIANS, 2)),
        Case("t = −1, back to the initial state", (WORKED_JACOBIANS, -1)),
        Case("one factor", (three, 2)),
        Case("a single unit", (rng.uniform(0.2, 2, (4, 1, 1)), 0)),
        Case("a factor that is singular", (np.concatenate([turn, [[[1.0, 2.0], [2.0, 4.0]]]]), 1)),
        Case("random, 3 units", (three, 0)),
        Case("random, 2 units", (five, 1)),
    ]


def _multiplied(factors: NDArray, H: int, *, increasing: bool = False) -> NDArray:
    product = np.eye(H)
    for factor in factors:
        product = product @ factor if increasing else factor @ product
    return product


def _product_of(choose: Callable, **order) -> Callable:
    return lambda jacobians, t: _multiplied(choose(jacobians, t), jacobians.shape[1], **order)


PRODUCT_MISCONCEPTIONS = (
    Misconception(
        "increasing order",
        "The derivative of the last state by one before it is the last factor on the left. Matrices may not change "
        "places; where every one of them is a single number it would not matter.",
        _product_of(lambda J, t: J[t + 1 :], increasing=True),
    ),
    Misconception(
        "the Jacobian of step t itself",
        "J_t leads from h_{t−1} to h_t. The way from h_t on begins with the next one.",
        _product_of(lambda J, t: J[t:]),
    ),
    Misconception(
        "the Jacobian of step t as well",
        "J_t leads from h_{t−1} to h_t, before the way begins: the product ends with the Jacobian of step t + 1. For "
        "t = −1 the index even wraps round to the last Jacobian.",
        _product_of(lambda J, t: J[np.arange(t, len(J))]),
    ),
    Misconception(
        "an index of −1 for the initial state",
        "For t = −1 a slice that begins at t begins at the last Jacobian. Count from t + 1 on, which is 0 there.",
        _product_of(lambda J, t: J[t:][1:]),
    ),
    Misconception(
        "the Jacobian of step t + 1 left out",
        "The first step of the way, from h_t to h_{t+1}, belongs to the product as well.",
        _product_of(lambda J, t: J[t + 2 :]),
    ),
    Misconception(
        "the last Jacobian left out",
        "The way ends at h_{T−1}, and its last step is the last Jacobian of the array.",
        _product_of(lambda J, t: J[t + 1 : -1]),
    ),
    Misconception(
        "product entry by entry",
        "A chain of derivatives multiplies matrices: a row times a column, summed over the units between.",
        lambda J, t: J[t + 1 :].prod(axis=0),
    ),
    Misconception(
        "product entry by entry, from the identity",
        "The identity changes nothing where matrices are multiplied as matrices. Entry by entry, its zeros wipe out "
        "all that lies off the diagonal.",
        lambda J, t: np.eye(J.shape[1]) * J[t + 1 :].prod(axis=0),
    ),
    Misconception(
        "every factor transposed",
        "Transposes carry delta backwards as a column vector. Here the derivative itself is asked, the last factor on the left.",
        _product_of(lambda J, t: J[t + 1 :].transpose(0, 2, 1)),
    ),
    Misconception(
        "the whole transposed",
        "Row i, column k is the derivative of unit i of the last state by unit k of h_t, not the other way round.",
        lambda J, t: product_back(J, t).T,
    ),
    Misconception(
        "powers of one Jacobian",
        "Every step has a Jacobian of its own, because the slopes of the units change from step to step.",
        lambda J, t: np.linalg.matrix_power(J[-1], len(J) - 1 - t),
    ),
    Misconception(
        "from the start up to t",
        "That is how h_t depends on the initial state. Asked is how the last state depends on h_t.",
        _product_of(lambda J, t: J[: t + 1]),
    ),
)


# -- where the gradient goes


def gradient_reach(jacobians: NDArray, delta: NDArray, limit: float) -> tuple[NDArray, int]:
    """Follow delta back from the last step: log10 of its norm at every distance, and the first one below the limit."""
    log_norms = np.array(_log_norms(jacobians[:0:-1].transpose(0, 2, 1), delta))
    return log_norms, _first_below(log_norms, limit)


def _log_norms(factors: NDArray, delta: NDArray) -> list[float]:
    """Scale delta to length one at every factor, so that it does not underflow, and add up the logarithms."""
    logs, total, delta = [], 0.0, np.array(delta, dtype=float)
    for factor in [np.eye(len(delta)), *factors]:
        delta = factor @ delta
        norm = np.linalg.norm(delta)
        delta = delta / norm if norm > 0 else delta
        total = total + np.log10(norm) if norm > 0 else -np.inf
        logs.append(total)
    return logs


def _first_below(log_norms: NDArray, limit: float) -> int:
    below = np.flatnonzero(log_norms < np.log10(limit))
    return int(below[0]) if len(below) else -1


FADING = np.linspace(1, 0.6, 6)[:, None, None]  # so that no two Jacobians are alike


def _reach_cases(rng: np.random.Generator) -> list[Case]:
    shrinking = np.tile(np.array([[0.6, -0.4], [0.3, 0.5]]), (40, 1, 1)) * rng.uniform(0.6, 0.8, (40, 1, 1))
    dips = np.full((7, 1, 1), 1.0)
    dips[[5, 4, 3, 2], 0, 0] = [1e-4, 1e-3, 1e5, 1e-6]  # down below the limit, up again, and down once more
    lost = np.tile(np.array([[0.0, 1.0], [0.0, 0.0]]), (5, 1, 1))
    return [
        Case("one unit, halved at every step", (np.full((12, 1, 1), 0.5), np.array([1.5]), 1e-2)),
        Case("it dips below the limit and comes back", (dips, np.array([2.0]), 1e-6)),
        Case("never below the limit", (np.tile(np.array([[0.0, -1.0], [1.0, 0.0]]), (6, 1, 1)), np.array([3.0, 4.0]), 1e-6)),
        Case("a single step", (rng.normal(size=(1, 2, 2)), np.array([0.3, -0.4]), 1e-6)),
        Case("below from the start", (rng.normal(size=(3, 2, 2)), np.array([0.3e-7, 0.4e-7]), 1e-6)),
        Case("nothing is left after two factors", (lost, np.array([1.0, 1.0]), 1e-6)),
        Case("20 factors of 1e−25, less than a float can hold", (np.full((21, 1, 1), 1e-25), np.array([1.0]), 1e-6)),
        Case("1200 factors of 0.4, less than a float can hold", (np.full((1201, 1, 1), 0.4), np.array([1.0]), 1e-6)),
        Case("two units that feed one another", (np.tile([[0.5, 0.3], [-0.2, 0.4]], (6, 1, 1)) * FADING, np.array([1.0, -0.5]), 1e-3)),
        Case("random, shrinking", (shrinking, rng.normal(size=2), 1e-6)),
        Case("random, 3 units", (rng.normal(0, 0.35, (20, 3, 3)), rng.normal(size=3), 1e-3)),
    ]  # fmt: skip


def _reach(
    jacobians: NDArray,
    delta: NDArray,
    limit: float,
    *,
    factors: Callable = lambda J: J[:0:-1].transpose(0, 2, 1),
    relative: bool = False,
    read: Callable = _first_below,
) -> tuple[NDArray, int]:
    """Follow delta with one decision changed."""
    logs = np.array(_log_norms(factors(jacobians), delta))
    logs = logs - logs[0] if relative else logs
    return logs, read(logs, limit)


def _reach_with(**decision) -> Callable:
    return partial(_reach, **decision)


def _product_norms(jacobians, delta, limit):
    """Use the norm of the product of the Jacobians itself."""
    H = jacobians.shape[1]
    product, total, logs = np.eye(H), 0.0, [0.0]
    for factor in jacobians[:0:-1]:
        product = product @ factor
        norm = np.linalg.norm(product, 2)
        product, total = (product / norm, total + np.log10(norm)) if norm > 0 else (product, -np.inf)
        logs.append(total)
    return np.array(logs), _first_below(np.array(logs), limit)


def _norms_multiplied(jacobians, delta, limit):
    factors = np.linalg.norm(jacobians[:0:-1], 2, axis=(1, 2))
    logs = np.cumsum(np.log10([np.linalg.norm(delta), *factors]))
    return logs, _first_below(logs, limit)


def _radius_powers(jacobians, delta, limit):
    radius = np.abs(np.linalg.eigvals(jacobians[-1])).max()
    logs = np.log10(np.linalg.norm(delta)) + np.arange(len(jacobians)) * np.log10(radius)
    logs[0] = np.log10(np.linalg.norm(delta))  # 0 × −∞ is not a number
    return logs, _first_below(logs, limit)


def _plain_floats(jacobians, delta, limit):
    norms = [np.linalg.norm(delta)]
    for jacobian in jacobians[:0:-1]:
        delta = jacobian.T @ delta
        norms.append(np.linalg.norm(delta))
    logs = np.log10(norms)
    return logs, _first_below(logs, limit)


def _logs_added_without_scaling(jacobians, delta, limit):
    logs = np.cumsum(_plain_floats(jacobians, delta, limit)[0])
    return logs, _first_below(logs, limit)


def _last_below(logs: NDArray, limit: float) -> int:
    below = np.flatnonzero(logs < np.log10(limit))
    return int(below[-1]) if len(below) else -1


def _log_below_the_limit_itself(logs: NDArray, limit: float) -> int:
    return _first_below(logs, 10.0**limit)


def _natural(jacobians, delta, limit):
    logs, first = gradient_reach(jacobians, delta, limit)
    return logs * np.log(10), first


def _from_the_start(jacobians, delta, limit):
    logs = gradient_reach(jacobians, delta, limit)[0][::-1]
    return logs, _first_below(logs, limit)


REACH_MISCONCEPTIONS = (
    Misconception(
        "norm of the product instead of delta",
        "The norm of the product is the most that any vector could be stretched. Asked is what becomes of this delta.",
        _product_norms,
    ),
    Misconception(
        "Jacobian not transposed",
        "delta is a column vector, so going back one step multiplies it by the transpose of the Jacobian.",
        _reach_with(factors=lambda J: J[:0:-1]),
    ),
    Misconception(
        "Jacobian of the wrong step",
        "The last Jacobian leads from h_{T−2} to h_{T−1}, and delta goes back through it first; the one that leads "
        "from the initial state to h_0 is not needed.",
        _reach_with(factors=lambda J: J[-2::-1].transpose(0, 2, 1)),
    ),
    Misconception(
        "counted from the start",
        "Entry 0 is the last step, where delta begins; the distance grows towards the beginning of the sequence.",
        _from_the_start,
    ),
    Misconception(
        "product of the norms of the factors",
        "Multiplying the norms of the factors gives an upper bound. delta need not lie where each factor stretches most.",
        _norms_multiplied,
    ),
    Misconception(
        "powers of one spectral radius",
        "The eigenvalues of one factor say nothing about a product of different ones. Multiply delta by each in turn.",
        _radius_powers,
    ),
    Misconception(
        "underflow",
        "norm squares its entries: below about 1e−162 they vanish, and digits go before that. Scale delta back to "
        "length one at each step and add up logarithms.",
        _plain_floats,
    ),
    Misconception(
        "logarithms added, delta not scaled",
        "The norm of a delta that was never scaled holds all earlier factors already, and adding its logarithm counts "
        "them again. Bring delta to length one at each step, and what is added is the new factor alone.",
        _logs_added_without_scaling,
    ),
    Misconception(
        "natural logarithm",
        "The norms are to be given as logarithms to base 10, so that −6 means a millionth.",
        _natural,
    ),
    Misconception(
        "relative to the norm at the end",
        "The norms themselves are asked, not how they compare with that of delta at the last step.",
        _reach_with(relative=True),
    ),
    Misconception(
        "distance counted from one",
        "The last step has the distance 0.",
        _reach_with(read=lambda logs, limit: (first := _first_below(logs, limit)) + (first >= 0)),
    ),
    Misconception(
        "below for good instead of for the first time",
        "The norm can rise again. Asked is the first distance at which it is below the limit.",
        _reach_with(read=lambda logs, limit: _stays_below(logs, limit)),
    ),
    Misconception(
        "the last distance below instead of the first",
        "Asked is the first distance below the limit. The ones after it must not overwrite it.",
        _reach_with(read=_last_below),
    ),
    Misconception(
        "logarithm compared with the limit itself",
        "The limit is given for the norm. Compare norm with norm, or logarithm with logarithm.",
        _reach_with(read=_log_below_the_limit_itself),
    ),
    Misconception(
        "zero where the limit is never reached",
        "Distance 0 would say that delta is below the limit at the last step already. Where it never is, −1 is asked.",
        _reach_with(read=lambda logs, limit: int(np.argmax(logs < np.log10(limit)))),
    ),
)


def _stays_below(logs: NDArray, limit: float) -> int:
    above = np.flatnonzero(logs >= np.log10(limit))
    start = int(above[-1]) + 1 if len(above) else 0
    return start if start < len(logs) else -1


# -- the weighted loss


def weighted_loss(logits: NDArray, label: int, base: float) -> tuple[float, NDArray]:
    """Weigh the cross-entropies of all steps by a ramp that sums to one, and differentiate by the logits."""
    weights, labels = _ramp(len(logits), base), np.full(len(logits), label)
    loss = weights @ cross_entropy(logits, labels)
    return float(loss), cross_entropy_gradient(logits, labels, weights)


def _ramp(T: int, base: float, normalised: bool = True) -> NDArray:
    weights = float(base) ** np.arange(T - 1, -1, -1.0)  # 0 to the power 0 is 1: the end alone
    return weights / weights.sum() if normalised else weights


def _loss_cases(rng: np.random.Generator) -> list[Case]:
    example = np.array([[0.2, -0.1, 0.0], [1.0, 0.0, -1.0], [2.0, 0.5, -0.5]])
    return [
        Case("three steps and three classes, base 0.5", (example, 0, 0.5)),
        Case("base 1, all steps alike", (example, 2, 1.0)),
        Case("base 0, the last step alone", (example, 1, 0.0)),
        Case("a single step", (example[:1], 1, 0.9)),
        Case("logits of a thousand", (np.array([[1000.0, 990.0], [995.0, 1000.0]]), 1, 0.5)),
        Case("a thousand at one step, minus a thousand at the next", (np.array([[1000.0, 990.0], [-995.0, -1000.0]]), 1, 0.5)),
        *(
            Case(f"random, {T} steps, {A} classes", (rng.normal(0, 2, (T, A)), int(rng.integers(A)), rng.uniform(0.3, 0.9)))
            for T, A in ((6, 4), (12, 10))
        ),
    ]  # fmt: skip


def _weighted(logits, label, base, *, weights=None, gradient_weights=None, gradient: Callable | None = None):
    """Compute the loss and its gradient with one decision changed."""
    T = len(logits)
    w = _ramp(T, base) if weights is None else weights(T, base)
    v = w if gradient_weights is None else gradient_weights(T, base)
    log_y, onehot = log_softmax(logits), np.eye(logits.shape[1])[label]
    error = np.exp(log_y) - onehot if gradient is None else gradient(np.exp(log_y), onehot)
    return -w @ log_y[:, label], v[:, None] * error


def _loss_with(**decision) -> Callable:
    return partial(_weighted, **decision)


def _mean_of_weighted(logits, label, base):
    loss, d_logits = weighted_loss(logits, label, base)
    return loss / len(logits), d_logits / len(logits)


def _loss_of_mean(logits, label, base):
    w, y = _ramp(len(logits), base), np.exp(log_softmax(logits))
    p = w * y[:, label]
    return -np.log(p.sum()), (p / p.sum())[:, None] * (y - np.eye(logits.shape[1])[label])


def _plain_softmax(logits, label, base):
    y, w = np.exp(logits), _ramp(len(logits), base)
    y = y / y.sum(axis=1, keepdims=True)
    return -w @ np.log(y[:, label]), w[:, None] * (y - np.eye(logits.shape[1])[label])


def _last_exponent_one(T: int, base: float) -> NDArray:
    weights = float(base) ** np.arange(T, 0, -1.0)
    return weights / weights.sum()


def _weights_along_the_classes(logits, label, base):
    """Give the weights no axis of their own: NumPy lays them along the classes, which fits where T = A."""
    w, y = _ramp(len(logits), base), np.exp(log_softmax(logits))
    return weighted_loss(logits, label, base)[0], w * (y - np.eye(logits.shape[1])[label])


def _one_maximum(logits, label, base):
    return _plain_softmax(logits - logits.max(), label, base)


def _one_maximum_in_the_logarithm(logits, label, base):
    shifted, w = logits - logits.max(), _ramp(len(logits), base)
    log_y = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -w @ log_y[:, label], w[:, None] * (np.exp(log_y) - np.eye(logits.shape[1])[label])


ONE_MAXIMUM = (
    "One maximum keeps the largest exponential in range, but the exponentials of a step that lies a thousand lower are "
    "all 0. Each step has a softmax of its own, and so a maximum of its own."
)

LOSS_MISCONCEPTIONS = (
    Misconception(
        "weights that do not sum to one",
        "The powers of the base are the right ramp, but their sum grows with T. Losses of different ramps can be "
        "compared only after each is divided by its sum.",
        _loss_with(weights=lambda T, base: _ramp(T, base, normalised=False)),
    ),
    Misconception(
        "largest weight on the first step",
        "The ramp rises towards the end: the last step has seen the whole sequence, so its loss counts most.",
        _loss_with(weights=lambda T, base: _ramp(T, base)[::-1]),
    ),
    Misconception(
        "divided by T as well",
        "A weighted mean is a mean already. Weights that sum to one need no further division by the number of steps.",
        _mean_of_weighted,
    ),
    Misconception(
        "weight missing in the gradient",
        "The loss of a step enters the sum with its weight, so its derivative does, too.",
        _loss_with(gradient_weights=lambda T, base: np.ones(T)),
    ),
    Misconception(
        "weights of the gradient that do not sum to one",
        "Loss and gradient belong to one function: the weights are divided by their sum in both or in neither.",
        _loss_with(gradient_weights=lambda T, base: _ramp(T, base, normalised=False)),
    ),
    Misconception(
        "sign of the gradient",
        "Raising the logit of the right class lowers the loss, so its derivative is negative.",
        _loss_with(gradient=lambda y, onehot: onehot - y),
    ),
    Misconception(
        "gradient of the right class only",
        "Raising the logit of a wrong class takes probability from the right one: its derivative is not zero.",
        _loss_with(gradient=lambda y, onehot: (y - 1) * onehot),
    ),
    Misconception(
        "loss of the last step only",
        "That is what the weights say when the base is 0. With a larger base, the earlier steps count as well.",
        _loss_with(weights=lambda T, base: _ramp(T, 0.0)),
    ),
    Misconception(
        "loss of the mean probability",
        "The losses of the steps are averaged, not their probabilities: first the logarithm, then the weighted sum.",
        _loss_of_mean,
    ),
    Misconception(
        "softmax that overflows",
        "The exponential of a logit of 1000 is beyond all floats. Take the largest logit of a step away from all first.",
        _plain_softmax,
    ),
    Misconception("one maximum for all steps", ONE_MAXIMUM, _one_maximum),
    Misconception("one maximum for all steps, in the logarithm", ONE_MAXIMUM, _one_maximum_in_the_logarithm),
    Misconception(
        "weights along the classes",
        "There is one weight for each step, that is for each row. Multiplied as they are, they meet the columns: an error "
        "where T and the number of classes differ, and a wrong gradient without any error where they are the same.",
        _weights_along_the_classes,
    ),
    Misconception(
        "exponents from T down to 1",
        "The last step has the exponent 0 and the weight 1. With every exponent one too large the sum divides it out "
        "again, except for base 0: there all weights are 0, and 0/0 is not a number.",
        _loss_with(weights=_last_exponent_one),
    ),
)


EXERCISES: tuple[Exercise, ...] = (
    Exercise(
        id="5.1",
        title="the product of Jacobians",
        points=3,
        function="product_back",
        outputs=(Output("the derivative", ("unit of the last state", "unit of h_t")),),
        reference=product_back,
        cases=_product_cases,
        misconceptions=PRODUCT_MISCONCEPTIONS,
        asks_for=("jacobians.product_of_jacobians",),
    ),
    Exercise(
        id="5.2",
        title="how far back a gradient reaches",
        points=4,
        function="gradient_reach",
        outputs=(Output("log_norms", ("distance",)), Output("the first distance below the limit")),
        reference=gradient_reach,
        cases=_reach_cases,
        misconceptions=REACH_MISCONCEPTIONS,
        asks_for=("jacobians.product_of_jacobians",),
    ),
    Exercise(
        id="5.3",
        title="the weighted loss",
        points=3,
        function="weighted_loss",
        outputs=(Output("the loss"), Output("d_logits", ("t", "class"))),
        reference=weighted_loss,
        cases=_loss_cases,
        misconceptions=LOSS_MISCONCEPTIONS,
        asks_for=("losses.step_weights", "losses.frame_losses", "losses.cross_entropy_gradient"),
    ),
)
