"""Measure again what the notebooks show: python -m course_utils.measured [NAME]."""

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from course_utils import last_step
from course_utils.data import TEST_IMAGES, digit_strip, random_digits, scanned_digits
from course_utils.last_step import NETWORKS, adding, answers, named, squared
from course_utils.remedies import REMEDIES, SYMBOLS, delayed_copy, train

COPY_LAGS, COPY_ITERATIONS = (5, 10, 20, 50, 100, 200), 600
ADDING_STEPS, ADDING_ITERATIONS = (10, 25, 50, 100, 200), 1500
PIXEL_ITERATIONS, PIXEL_SEEDS = 2500, (0, 1)
READER_ITERATIONS, WATCHED = 1600, 40
LAGS, SEEDS, ITERATIONS = (5, 10, 20, 40, 60, 80, 120, 160), (0, 1, 2), 400


def remedies() -> dict:
    """Train every remedy of chapter 10 at every lag from three seeds; some minutes on one core."""
    accuracy = {}
    for remedy in REMEDIES:
        accuracy[remedy.name] = [[train(remedy, lag, ITERATIONS, seed) for seed in SEEDS] for lag in LAGS]
        print(remedy.name, accuracy[remedy.name], flush=True)
    return {"lags": LAGS, "seeds": SEEDS, "iterations": ITERATIONS, "accuracy": accuracy}


def copying() -> dict:
    """Train every network of chapter 11 on the delayed copy, from three seeds: the share of symbols named right."""
    found = {}
    for name, (kind, _) in NETWORKS.items():
        found[name] = []
        for lag in COPY_LAGS:
            shares = []
            for seed in SEEDS:
                learnt = last_step.train(name, partial(delayed_copy, lag), named, (SYMBOLS,) * 2, COPY_ITERATIONS, seed)
                x, symbols = delayed_copy(lag, np.random.default_rng(10_000 + seed), 500)
                shares.append(float(np.mean(answers(kind, learnt, x).argmax(axis=1) == symbols)))
            found[name].append(shares)
        print(name, found[name], flush=True)
    return {"lags": COPY_LAGS, "seeds": SEEDS, "iterations": COPY_ITERATIONS, "accuracy": found}


def sums() -> dict:
    """Train every network of chapter 11 on the adding problem, from two seeds: the mean squared error."""
    found = {}
    for name, (kind, _) in NETWORKS.items():
        found[name] = []
        for T in ADDING_STEPS:
            errors = []
            for seed in SEEDS[:2]:
                learnt = last_step.train(name, partial(adding, T), squared, (2, 1), ADDING_ITERATIONS, seed)
                x, wanted = adding(T, np.random.default_rng(10_000 + seed), 500)
                errors.append(squared(answers(kind, learnt, x), wanted)[0])
            found[name].append(errors)
        print(name, found[name], flush=True)
    return {"steps": ADDING_STEPS, "seeds": SEEDS[:2], "iterations": ADDING_ITERATIONS, "error": found}


def pixels() -> dict:
    """Train every network of chapter 11 on scanned digits, pixel by pixel: the share of held-out ones named right."""
    images, labels = scanned_digits()
    x = images.reshape(len(images), 64, 1).transpose(1, 0, 2)
    known = len(images) - TEST_IMAGES
    found = {}
    for name, (kind, _) in NETWORKS.items():
        found[name] = []
        for seed in PIXEL_SEEDS:

            def draw(rng):
                chosen = rng.integers(known, size=32)
                return x[:, chosen], labels[chosen]

            learnt = last_step.train(name, draw, named, (1, 10), PIXEL_ITERATIONS, seed)
            found[name].append(float(np.mean(answers(kind, learnt, x[:, known:]).argmax(axis=1) == labels[known:])))
        print(name, found[name], flush=True)
    return {"seeds": PIXEL_SEEDS, "iterations": PIXEL_ITERATIONS, "accuracy": found}


def reader() -> dict[str, np.ndarray]:
    """Train the reader of chapter 9 as its notebook does, and keep its weights and what was to be watched; a minute."""
    from course_utils.strip_reader import train_reader  # which needs torch

    rng = np.random.default_rng(2)
    watched = [digit_strip(random_digits(rng), rng, "test") for _ in range(WATCHED)]
    found, curves = train_reader(READER_ITERATIONS, loss="course", watch=lambda *_: None, watched=watched, every=50)
    kept = {f"weights.{name}": values for name, values in found.weights().items()}
    kept |= {"loss": np.array(curves.loss), "error": np.array(curves.error)}
    kept["at"] = np.array([n for n, _ in curves.posteriors])
    kept["posteriors"] = np.array([y for _, y in curves.posteriors], dtype=np.float32)
    return kept


MEASUREMENTS: dict[str, Callable[[], dict]] = {
    "remedies": remedies,
    "copying": copying,
    "sums": sums,
    "pixels": pixels,
    "reader": reader,
}


def main() -> None:
    """Measure one thing, and store it beside this file."""
    parser = argparse.ArgumentParser(prog="python -m course_utils.measured", description=__doc__)
    parser.add_argument("name", choices=MEASUREMENTS)
    name = parser.parse_args().name
    found = MEASUREMENTS[name]()
    if all(isinstance(values, np.ndarray) for values in found.values()):
        np.savez_compressed(Path(__file__).with_name(f"{name}.npz"), **found)
    else:
        Path(__file__).with_name(f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
