"""Sums over all paths of a lattice, one pass forwards and one back, compiled at the first call.

The recurrence of the textbook, written as loops, on numbers that cannot underflow. :mod:`course_utils.lattice` is the same
in NumPy, with all tables.
"""

import numpy as np

from course_utils.compiled.numbers import DOWN, LARGEST, SMALLEST, UP, add, log_of, loop, split, total

_INF = float("inf")


@loop
def sum_over_paths(log_y, column, closed, floor, add_y, gradient):
    """Return −ln of the sum over all paths; ``gradient`` holds y before, and (T, A) y − occupancy or −occupancy after.

    State i shows symbol ``column[i]``. ``closed[i]`` is 0 where it may be entered over the state before it, else −inf;
    ``closed[1]`` says whether a path may start in state 1 too, and then it may also end in the last state but one.
    """
    T, S = len(log_y), len(column)
    column_back, closed_back = np.empty(S, np.int64), np.empty(S)  # the same graph, walked from its end
    for i in range(S):
        column_back[i] = column[S - 1 - i]
        closed_back[i] = closed[i] if i < 2 else closed[S + 1 - i]

    # Two columns more than states stand before the first state, so that no index can wrap.
    alpha, alpha_power = np.empty((T + 1, S + 2)), np.empty((T + 1, S + 2))
    begin(alpha[0], alpha_power[0])
    y, y_power = np.empty(S), np.empty(S)
    for t in range(T):
        now, now_power = alpha[t + 1], alpha_power[t + 1]
        emissions(gradient[t], log_y[t], column, floor, y, y_power)
        incoming(alpha[t], alpha_power[t], closed, now, now_power)
        multiply(now, now_power, y, y_power)
    p, p_power = alpha[T, S + 1], alpha_power[T, S + 1]
    if S > 1 and closed[1] == 0:
        p, p_power = add(p, p_power, alpha[T, S], alpha_power[T, S])
    if p == 0:
        for t in range(T):
            fill(gradient[t], 0.0)
        return _INF

    beta, beta_power = np.empty((2, S + 2)), np.empty((2, S + 2))  # of two frames in turn, the last state first
    begin(beta[1], beta_power[1])
    share = np.empty(S)
    for n in range(T):
        t, now, now_power = T - 1 - n, beta[n % 2], beta_power[n % 2]
        incoming(beta[1 - n % 2], beta_power[1 - n % 2], closed_back, now, now_power)
        shares(alpha[t + 1], alpha_power[t + 1], now, now_power, share)
        emissions(gradient[t], log_y[t], column_back, floor, y, y_power)
        if not add_y:
            fill(gradient[t], 0.0)
        for i in range(S):
            gradient[t, column[i]] -= share[i]
        multiply(now, now_power, y, y_power)
    return -log_of(p, p_power)


@loop
def begin(before, before_power):
    """Write what stands before the first frame: a one where the first two states are entered from."""
    for i in range(len(before)):
        before[i], before_power[i] = 0.0, -_INF
    before[1], before_power[1] = 1.0, 0.0


@loop
def fill(values, value):
    """Set all of a flat array."""
    for k in range(len(values)):
        values[k] = value


@loop
def emissions(y, log_y, column, floor, found, power):
    """Look up the probability that each state gives to a frame, as a pair."""
    for i in range(len(column)):
        found[i], power[i] = y[column[i]], 0.0
        if not found[i] >= SMALLEST:
            found[i], power[i] = split(log_y[column[i]], floor)


@loop
def incoming(before, before_power, closed, now, now_power):
    """Sum over the two or three ways into each state: stay, advance by one, skip a blank."""
    now[0] = now[1] = 0.0
    now_power[0] = now_power[1] = -_INF
    for i in range(len(closed)):
        stay, advance, skip = before_power[i + 2], before_power[i + 1], before_power[i] + closed[i]
        top = stay if stay > advance else advance
        top = skip if skip > top else top
        one_less = top - 1
        found = before[i + 2] if stay == top else (before[i + 2] * DOWN if stay == one_less else 0.0)
        found += before[i + 1] if advance == top else (before[i + 1] * DOWN if advance == one_less else 0.0)
        found += before[i] if skip == top else (before[i] * DOWN if skip == one_less else 0.0)
        now[i + 2], now_power[i + 2] = found if top > -_INF else 0.0, top  # a closed way may have a mantissa


@loop
def multiply(now, now_power, y, y_power):
    """Multiply states by the probabilities of a frame, and bring the mantissas back into their range."""
    for i in range(len(y)):
        product, power = now[i + 2] * y[i], now_power[i + 2] + y_power[i]
        small, large = product < SMALLEST, product > LARGEST
        scaled = product * UP if small else product
        scaled = product * DOWN if large else scaled
        moved = power - 1 if small else power
        moved = power + 1 if large else moved
        now[i + 2], now_power[i + 2] = scaled, moved if product > 0 else -_INF


@loop
def shares(alpha, alpha_power, beta, beta_power, share):
    """Share of each state in the sum of alpha × beta over one frame: each frame is divided by its own sum."""
    S = len(share)
    top = -_INF
    for i in range(S):
        power = alpha_power[i + 2] + beta_power[S + 1 - i]
        top = power if power > top else top
    for i in range(S):
        product = alpha[i + 2] * beta[S + 1 - i]
        below = top - (alpha_power[i + 2] + beta_power[S + 1 - i])
        product = product if below < 2 else product * DOWN
        share[i] = product if below == 0 else (product * DOWN if below < 3 else 0.0)
    scale = 1 / total(share)
    for i in range(S):
        share[i] *= scale


ENTRIES = (sum_over_paths,)


def warm_up() -> None:
    """Compile, or read what was compiled before."""
    sum_over_paths(np.zeros((1, 1)), np.zeros(1, np.int64), np.full(1, -_INF), -1e9, False, np.ones((1, 1)))
