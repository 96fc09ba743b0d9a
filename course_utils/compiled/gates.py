"""The gates of one step, of a whole batch in one pass, forward and backward (Section 11.3), compiled at the first call.

The products with the weights stay with NumPy. :mod:`course_utils.lstm` and :mod:`course_utils.gru` have the same in NumPy, by the
same names. Loops are short, one for each line of the textbook: where one writes many arrays, the compiler can no longer
tell that they do not overlap, and goes one number at a time instead of four.
"""

import math

import numpy as np

from course_utils.compiled.numbers import fused_loop
from course_utils.extended_range import LN2_HIGH, LN2_LOW

LOG2_E = 1 / math.log(2)
_ROUND = 1.5 * 2.0**52  # adding it to a small number leaves the nearest whole number in the last bits
_SATURATED = 40.0  # tanh(20) and sigmoid(40) are 1 to the last bit
_LARGEST = 708.0  # exp of more overflows


@fused_loop
def expm1(x):
    """Return exp(x) − 1 for x from −708 to 708, right to 2 units in the last place, and NaN for NaN.

    As in :func:`course_utils.compiled.numbers.exponentials`, but without its last sum, in which small x lose their digits.
    """
    n = np.float64(x * LOG2_E + _ROUND)
    power = np.int64((n.view(np.int64) + 1023) << 52).view(np.float64)  # 2^n, put together from its bits
    n -= _ROUND
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    p = 1 / 6227020800
    p = p * r + 1 / 479001600
    p = p * r + 1 / 39916800
    p = p * r + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 0.5
    p = p * r * r + r
    return p * power + (power - 1)


@fused_loop
def sigmoids(z):
    """Replace all of a flat array by 1 / (1 + exp(−z)); what is below exp(−708) counts as that."""
    for k in range(z.size):
        x = -np.float64(z[k])
        x = -_SATURATED if x < -_SATURATED else x
        x = _LARGEST if x > _LARGEST else x
        z[k] = 1 / (expm1(x) + 2)


@fused_loop
def tanhs(z, out):
    """Write tanh(z) = (exp(2z) − 1) / (exp(2z) + 1) into ``out``, both flat; they may be the same array."""
    for k in range(z.size):
        x = 2 * np.float64(z[k])
        x = -_SATURATED if x < -_SATURATED else x
        x = _SATURATED if x > _SATURATED else x
        e = expm1(x)
        out[k] = e / (e + 2)


@fused_loop
def add(z, more, bias):
    """Add a vector and a bias to ``z``."""
    for k in range(z.size):
        z[k] += more[k] + bias[k]


@fused_loop
def add_product(out, left, right):
    """Add the products of two vectors to ``out``."""
    for k in range(out.size):
        out[k] += left[k] * right[k]


@fused_loop
def product(out, left, right):
    """Write the products of two vectors."""
    for k in range(out.size):
        out[k] = left[k] * right[k]


@fused_loop
def times_slope_of_sigmoid(out, value):
    """Multiply by the slope of the sigmoid, from its value."""
    for k in range(out.size):
        out[k] *= value[k] * (1 - value[k])


@fused_loop
def times_slope_of_tanh(out, value):
    """Multiply by the slope of tanh, from its value."""
    for k in range(out.size):
        out[k] *= 1 - value[k] * value[k]


@fused_loop
def lstm_gates(gates, from_state, b, p, c_before, c, tanh_c, h):
    """Do what :func:`course_utils.lstm.lstm_gates` does."""
    B, H = h.shape
    for n in range(B):
        i, f, g, o = gates[n, :H], gates[n, H : 2 * H], gates[n, 2 * H : 3 * H], gates[n, 3 * H :]
        add(gates[n], from_state[n], b)
        if len(p):
            add_product(i, p[0], c_before[n])
            add_product(f, p[1], c_before[n])
        sigmoids(gates[n, : 2 * H])
        tanhs(g, g)
        product(c[n], f, c_before[n])
        add_product(c[n], i, g)
        if len(p):
            add_product(o, p[2], c[n])
        sigmoids(o)
        tanhs(c[n], tanh_c[n])
        product(h[n], o, tanh_c[n])


@fused_loop
def lstm_gates_back(d_h, d_c, gates, p, c_before, tanh_c, d_gates, d_c_before):
    """Do what :func:`course_utils.lstm.lstm_gates_back` does."""
    B, H = d_h.shape
    for n in range(B):
        i, f, g, o = gates[n, :H], gates[n, H : 2 * H], gates[n, 2 * H : 3 * H], gates[n, 3 * H :]
        d_i, d_f, d_g, d_o = d_gates[n, :H], d_gates[n, H : 2 * H], d_gates[n, 2 * H : 3 * H], d_gates[n, 3 * H :]
        product(d_o, d_h[n], tanh_c[n])
        times_slope_of_sigmoid(d_o, o)
        product(d_i, d_h[n], o)  # on its way to the cell
        times_slope_of_tanh(d_i, tanh_c[n])
        if len(p):
            add_product(d_i, p[2], d_o)
        for k in range(H):
            d_c[n, k] += d_i[k]
        product(d_i, d_c[n], g)
        times_slope_of_sigmoid(d_i, i)
        product(d_f, d_c[n], c_before[n])
        times_slope_of_sigmoid(d_f, f)
        product(d_g, d_c[n], i)
        times_slope_of_tanh(d_g, g)
        add_product(d_c_before[n], d_c[n], f)
        if len(p):
            add_product(d_c_before[n], p[0], d_i)
            add_product(d_c_before[n], p[1], d_f)


@fused_loop
def gru_gates(gates, from_state, b, b_hn, h_before, recurrent, h):
    """Do what :func:`course_utils.gru.gru_gates` does."""
    B, H = h.shape
    for m in range(B):
        r, z, n = gates[m, :H], gates[m, H : 2 * H], gates[m, 2 * H :]
        add(gates[m, : 2 * H], from_state[m, : 2 * H], b[: 2 * H])
        sigmoids(gates[m, : 2 * H])
        for k in range(H):
            recurrent[m, k] = from_state[m, 2 * H + k] + b_hn[k]
            n[k] += b[2 * H + k]
        add_product(n, r, recurrent[m])
        tanhs(n, n)
        for k in range(H):
            h[m, k] = (1 - z[k]) * n[k] + z[k] * h_before[m, k]


@fused_loop
def gru_gates_back(d_h, gates, h_before, recurrent, d_gates, d_from_state, d_h_before):
    """Do what :func:`course_utils.gru.gru_gates_back` does."""
    B, H = d_h.shape
    for m in range(B):
        r, z, n = gates[m, :H], gates[m, H : 2 * H], gates[m, 2 * H :]
        d_r, d_z, d_n = d_gates[m, :H], d_gates[m, H : 2 * H], d_gates[m, 2 * H :]
        for k in range(H):
            d_n[k] = d_h[m, k] * (1 - z[k])
        for k in range(H):
            d_z[k] = d_h[m, k] * (h_before[m, k] - n[k])
        times_slope_of_tanh(d_n, n)
        times_slope_of_sigmoid(d_z, z)
        product(d_r, d_n, recurrent[m])
        times_slope_of_sigmoid(d_r, r)
        for k in range(2 * H):
            d_from_state[m, k] = d_gates[m, k]
        product(d_from_state[m, 2 * H :], d_n, r)
        add_product(d_h_before[m], d_h[m], z)


ENTRIES = (lstm_gates, lstm_gates_back, gru_gates, gru_gates_back)


def warm_up() -> None:
    """Compile, or read what was compiled before; for float32 that happens at the first call that needs it."""
    one, three, four, none = (np.zeros((1, n)) for n in (1, 3, 4, 0))
    lstm_gates(four, four.copy(), np.zeros(4), none, one, one.copy(), one.copy(), one.copy())
    lstm_gates_back(one, one.copy(), four, none, one.copy(), one.copy(), four.copy(), one.copy())
    gru_gates(three, three.copy(), np.zeros(3), np.zeros(1), one, one.copy(), one.copy())
    gru_gates_back(one, three, one.copy(), one.copy(), three.copy(), three.copy(), one.copy())
