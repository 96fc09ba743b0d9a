"""How a derivative gets through an LSTM: along the cell alone, and with the ways through the gates (section 11.4).

Along the cell, dc_t / dc_{t−1} is the forget gate, unit by unit. But the gates look at the state, which looks at the cell:
the whole derivative has those ways as well. With cells and states side by side, each step has a Jacobian of 2H × 2H.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_utils.lstm import LSTM, LSTMForward


def step_jacobians(params: LSTM, run: LSTMForward) -> NDArray[np.float64]:
    """Return (T, 2H, 2H) derivatives of cells and states, in this order, by those one step before.

    Raises
    ------
    ValueError
        It is a batch, or the network has peepholes.
    """
    if run.x.ndim != 2 or params.p is not None:
        raise ValueError("give a single sequence, and a network without peepholes")
    H, W = params.H, params.W_h.reshape(4, params.H, params.H)
    J = np.zeros((len(run.x), 2 * H, 2 * H))
    for t in range(len(run.x)):
        i, f, g, o = run.gates[t].reshape(4, H)
        before, tanh = run.cells[t], run.tanh_cells[t]
        by_state = (
            (g * i * (1 - i))[:, None] * W[0]
            + (before * f * (1 - f))[:, None] * W[1]
            + (i * (1 - g * g))[:, None] * W[2]
        )
        shown = (o * (1 - tanh**2))[:, None]
        J[t, :H, :H], J[t, :H, H:] = np.diag(f), by_state
        J[t, H:, :H] = shown * np.diag(f)
        J[t, H:, H:] = shown * by_state + (tanh * o * (1 - o))[:, None] * W[3]
    return J


@dataclass(frozen=True, eq=False)
class CellPath:
    """Sizes of derivatives of the last cell by cells further and further back.

    Attributes
    ----------
    log_kept
        (T + 1,) natural logarithm of the largest product of forget gates over the last n steps.
    log_whole
        (T + 1,) of the spectral norm of dc_{T−1} / dc_{T−1−n} with all ways, that through the cell's own state included.
    """

    log_kept: NDArray[np.float64]
    log_whole: NDArray[np.float64]


def cell_path(params: LSTM, run: LSTMForward) -> CellPath:
    """Multiply from the last step back, by the forget gates alone and by the whole Jacobians; as :func:`step_jacobians`."""
    H, jacobians = params.H, step_jacobians(params, run)
    with np.errstate(divide="ignore"):
        kept = np.cumsum(np.log(run.f)[::-1], axis=0).max(axis=1)
    product, scale, whole = np.eye(2 * H)[:H], 0.0, [0.0]
    shown = run.o * (1 - run.tanh_cells**2)  # dh / dc at one step
    for t in range(len(jacobians) - 1, -1, -1):
        product = product @ jacobians[t]
        size = np.linalg.norm(product, 2)
        if size > 0:  # kept near 1, so that nothing under- or overflows
            product, scale = product / size, scale + np.log(size)
        with np.errstate(divide="ignore"):
            ways = product[:, :H] + (product[:, H:] * shown[t - 1] if t else 0)  # at the start the state is another's
            whole.append(scale + np.log(np.linalg.norm(ways, 2)))
    return CellPath(np.concatenate([[0.0], kept]), np.array(whole))
