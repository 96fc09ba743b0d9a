"""The loops that numba compiles: loaded when needed, never stale, and no condition for anything."""

import importlib
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import mpmath
import numba
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

import course_utils
from course_utils import compiled
from course_utils.ctc_loss import batch_loss_and_gradient, loss_and_gradient
from course_utils.decoding import edit_distance, greedy, prefix_beam_search
from course_utils.examples import CTC_Y
from course_utils.notebook import compiling
from course_utils.viterbi import align, align_score

PACKAGE = Path(course_utils.__file__).parent
LOG_Y = np.log(CTC_Y)


def python(*arguments, **options):
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def afresh():
    """Let the loops be looked for again, as in a new process; and once more behind the test."""
    compiled.loops.cache_clear()
    yield
    compiled.loops.cache_clear()


@pytest.mark.slow
def test_importing_the_algorithms_does_not_import_numba():
    names = ", ".join(f"course_utils.{path.stem}" for path in sorted(PACKAGE.glob("*.py")) if path.stem != "training")
    assert python("-c", f"import sys, course_utils.compiled, {names}; print('numba' in sys.modules)") == "False"


def test_without_numba_everything_runs_and_says_nothing(afresh, monkeypatch, recwarn):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert all(compiled.loops(name) is None for name in compiled.MODULES)
    assert_all_run()
    assert not recwarn


def test_where_numba_is_switched_off_numpy_does_the_work(afresh, monkeypatch):
    """As with NUMBA_DISABLE_JIT=1, where the loops would run as slowly as Python does."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    assert compiled.loops("ctc") is None
    assert_all_run()


def assert_all_run():
    assert np.exp(-loss_and_gradient(LOG_Y, [1, 1])[0]) == pytest.approx(0.15225)
    assert align(LOG_Y, [1, 2]).score == align_score(LOG_Y, [1, 2])
    assert prefix_beam_search(LOG_Y)[0].labels == (2, 1)
    assert greedy(LOG_Y) == (1, 1)
    assert edit_distance("kitten", "sitting") == 3


@pytest.mark.slow
def test_a_change_of_a_function_that_a_loop_calls_is_noticed(tmp_path):
    """numba keeps machine code for a function until its own file changes, whatever it calls."""
    shutil.copytree(PACKAGE, tmp_path / "course_utils", ignore=shutil.ignore_patterns("__pycache__"))
    asks = "import numpy as np; from course_utils.ctc_loss import loss_and_gradient as f; print(f(np.zeros((2, 1)), [])[0])"
    options = {"cwd": tmp_path, "env": {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}}
    assert python("-c", asks, **options) == "0.0"
    numbers = tmp_path / "course_utils" / "compiled" / "numbers.py"
    right = "return math.log(mantissa) + exponent * UNIT"
    assert numbers.read_text("utf-8").count(right) == 1
    numbers.write_text(numbers.read_text("utf-8").replace(right, "return -5.0 + 0 * mantissa"), "utf-8")
    assert python("-c", asks, **options) == "5.0"


def test_where_no_folder_can_be_written_to_it_is_compiled_all_the_same(monkeypatch):
    numbers = importlib.import_module("course_utils.compiled.numbers")

    def nowhere(cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available for file")
        return numba.njit(**options)

    monkeypatch.setattr(numbers, "njit", nowhere)

    def twice(x):
        return 2 * x

    assert numbers.loop(twice)(3) == 6


@pytest.mark.parametrize("kept", [True, False])
def test_a_notebook_is_told_only_where_something_is_compiled(kept, afresh, monkeypatch):
    entered = []

    @contextmanager
    def announcement():
        entered.append(True)
        yield

    monkeypatch.setattr(compiled, "announcement", announcement)
    monkeypatch.setattr(compiled, "is_kept", lambda module: kept)
    compiled.loops("numbers")
    assert bool(entered) != kept


def test_machine_code_is_found_where_it_is_kept():
    for name in compiled.MODULES:
        assert compiled.is_kept(compiled.loops(name)), name


def test_the_line_in_the_notebook_comes_and_goes(monkeypatch):
    shown = []

    class Handle:
        def update(self, html):
            shown.append(html.data)

    def display(html, display_id):
        shown.append(html.data)
        return Handle()

    monkeypatch.setattr(compiling, "display", display)
    with compiling.compiling_line():
        assert shown == []  # not in a notebook
    monkeypatch.setattr(compiling, "get_ipython", InteractiveShell)
    line = compiling.compiling_line()
    line.__enter__()
    assert compiling.SAYS in shown[0]
    stopped = ValueError("stopped")
    assert not line.__exit__(ValueError, stopped, None)  # it goes also where compiling fails, and hides no error
    assert shown[1:] == [""]


@pytest.mark.parametrize(
    "other",
    [
        lambda x: np.asfortranarray(x),
        lambda x: np.repeat(x, 2, axis=1)[:, ::2],
        lambda x: x[::-1].copy()[::-1],
        lambda x: x.astype(">f8"),
        lambda x: x.astype(np.longdouble),
        lambda x: np.frombuffer(x.tobytes()).reshape(x.shape),
        lambda x: x.tolist(),
    ],
    ids=["Fortran", "strided", "backwards", "other byte order", "long double", "read-only", "list"],
)
def test_arrays_of_every_kind_are_taken_and_nothing_is_compiled_anew(other):
    for log_y in (LOG_Y, other(LOG_Y)):
        assert np.exp(-loss_and_gradient(log_y, [1, 1])[0]) == pytest.approx(0.15225)
        assert align(log_y, [1, 2]).score == align(LOG_Y, [1, 2]).score
        assert prefix_beam_search(log_y)[0].labels == (2, 1)
        batch_loss_and_gradient(np.asarray(log_y)[None], [np.array([1, 1], np.int16)], np.array([4], np.uint8))
    for name in ("ctc", "alignment", "decoding"):
        for loop in compiled.loops(name).ENTRIES:
            assert len(loop.signatures) <= 1, (name, loop.signatures)


# -- exponentials


def exponentials(x):
    numbers = compiled.loops("numbers")
    out = np.empty(len(x))
    numbers.exponentials(np.array(x, dtype=float), out, *numbers.scratch())
    return out


def test_exponentials_are_right_to_two_units_in_the_last_place():
    rng = np.random.default_rng(0)
    x = np.concatenate(
        [-(10 ** rng.uniform(-18, 2.85, 20_000)), rng.uniform(-708, 1, 20_000), [0.0, -0.0, 1.0, -708.0]]
    )
    found, truth = exponentials(x), np.exp(x)
    np.testing.assert_array_less(np.abs(found - truth) / np.spacing(truth), 2.5)


def test_exponentials_of_what_has_none():
    assert exponentials([-np.inf, -708.1, -1e300]).tolist() == [0, 0, 0]
    assert np.isnan(exponentials([np.nan, np.inf, 1.1, 1e300])).all()


@pytest.mark.parametrize("n", [0, 1, 7, 255, 256, 257, 1000])
def test_exponentials_of_arrays_of_every_length(n):
    x = -np.random.default_rng(n).exponential(5, n)
    np.testing.assert_allclose(exponentials(x), np.exp(x), rtol=1e-15)


def test_the_compiled_exponential_and_what_is_made_of_it_are_right_to_the_last_digits():
    """To 2 units in the last place, and for sigmoid and tanh 3; where they saturate, and beyond, too."""
    run, rng = compiled.loops("gates"), np.random.default_rng(0)
    z = np.concatenate([rng.normal(0, scale, 500) for scale in (1e-8, 1e-3, 0.3, 3, 30, 200)])
    sigmoids, tanhs = z.copy(), np.empty_like(z)
    run.sigmoids(sigmoids)
    run.tanhs(z, tanhs)
    with mpmath.workprec(200):
        for x, s, tanh in zip(z, sigmoids, tanhs, strict=True):
            x = mpmath.mpf(x)
            for found, exact, units in (
                (run.expm1(float(x)), mpmath.expm1(x), 2),
                (s, 1 / (1 + mpmath.exp(-x)), 3),
                (tanh, mpmath.tanh(x), 3),
            ):
                assert abs(mpmath.mpf(float(found)) - exact) <= units * np.spacing(abs(found)), (float(x), found)
    z = np.array([0, 1e3, -1e3, np.inf, -np.inf, np.nan])
    sigmoids, tanhs = z.copy(), np.empty_like(z)
    run.sigmoids(sigmoids)
    run.tanhs(z, tanhs)
    np.testing.assert_allclose(sigmoids, [0.5, 1, 0, 1, 0, np.nan], atol=1e-300)
    np.testing.assert_array_equal(tanhs, [0, 1, -1, 1, -1, np.nan])
