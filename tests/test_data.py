"""Strips of scanned digits: is the truth about them true, and is what is tested never trained on?"""

import time

import numpy as np
import pytest

from course_utils import data
from course_utils.alignment import compress
from course_utils.column_classifier import ColumnClassifier
from course_utils.data import (
    GAP,
    STRIP_HEIGHT,
    STRIP_SYMBOLS,
    TEST_IMAGES,
    column_windows,
    digit_strip,
    digit_strips,
    distort,
    random_digits,
    scanned_digits,
)
from course_utils.posteriors import encode
from course_utils.viterbi import align


def strips(count, split="test", seed=0):
    rng = np.random.default_rng(seed)
    return [digit_strip(random_digits(rng), rng, split) for _ in range(count)]


# -- what is tested is never trained on


def test_the_images_are_split_by_index_into_1287_and_510():
    train, test = data._indices("train"), data._indices("test")
    assert sorted([*train, *test]) == list(range(1797))
    assert len(test) == TEST_IMAGES == 510
    assert train.max() < test.min()


def test_no_test_image_has_the_pixels_of_a_training_image():
    images, _ = scanned_digits()
    train = {images[k].tobytes() for k in data._indices("train")}
    assert not any(images[k].tobytes() in train for k in data._indices("test"))


def test_strips_draw_from_their_own_part_only():
    for split in ("train", "test"):
        many = digit_strips(400, 4, np.random.default_rng(0), split, distortion=1)
        for drawn in (strips(150, split), many):
            assert set(np.concatenate([strip.sources for strip in drawn])) <= set(data._indices(split))
        digits = np.array([list(strip.digits) for strip in many])
        assert all(len(set(column)) == 10 for column in digits.T), "a digit that is never drawn"


# -- where things are


def assert_true_to_its_image(strip):
    """Every column is ink of exactly one digit or gap, and the spans say which."""
    inked = strip.image.any(axis=0)
    T = strip.image.shape[1]
    shown = f"{strip.digits}: spans {strip.spans.tolist()}\n{inked.astype(int)}\n{strip.labels}"
    assert strip.image.shape == (STRIP_HEIGHT, T), shown
    assert len(strip.digits) == len(strip.spans) == len(strip.sources), shown
    assert len(strip.labels) == T, shown
    covered = np.zeros(T, dtype=int)
    for digit, (start, end) in zip(strip.digits, strip.spans, strict=True):
        assert inked[start], shown
        assert inked[end - 1], shown
        assert not inked[start - 1], shown
        assert not inked[end], shown
        assert strip.labels[start:end] == digit * (end - start), shown
        covered[start:end] += 1
    assert covered.max() == 1, shown
    assert [label == GAP for label in strip.labels] == (covered == 0).tolist(), shown
    assert not strip.image[:, covered == 0].any(), shown
    assert "".join(compress(strip.labels)) == strip.target, shown


def test_spans_labels_and_ink_agree():
    for strip in strips(300, "train") + strips(300, "test", seed=1):
        assert_true_to_its_image(strip)


def test_a_span_that_is_off_by_one_column_is_seen():
    strip = digit_strip("314", np.random.default_rng(0))
    shifted = data.Strip(strip.image, strip.digits, strip.spans + np.array([0, 1]), strip.sources)
    with pytest.raises(AssertionError):
        assert_true_to_its_image(shifted)


def test_each_digit_is_a_scan_of_that_digit_moved_but_not_changed():
    images, labels = scanned_digits()
    for strip in strips(100):
        for digit, (start, end), source in zip(strip.digits, strip.spans, strip.sources, strict=True):
            assert labels[source] == int(digit)
            scan = images[source][:, images[source].any(axis=0)]
            drawn = strip.image[:, start:end]
            assert any(np.array_equal(drawn[top : top + 8], scan) for top in range(STRIP_HEIGHT - 7))
            assert drawn.sum() == pytest.approx(scan.sum())


def test_many_strips_are_as_true_to_their_images_as_one():
    rng = np.random.default_rng(3)
    for length, distortion in ((1, 0), (3, 1), (6, 1)):
        drawn = digit_strips(100, length, rng, "test", distortion=distortion)
        assert len(drawn) == 100
        for strip in drawn:
            assert len(strip.digits) == length
            assert strip.digits == "".join(str(scanned_digits()[1][source]) for source in strip.sources)
            assert_true_to_its_image(strip)


def test_many_strips_show_the_scans_at_every_height_unless_they_are_to_be_distorted():
    images, tops = scanned_digits()[0], []
    for strip in digit_strips(200, 3, np.random.default_rng(4), "test"):
        for (start, end), source in zip(strip.spans, strip.sources, strict=True):
            scan, drawn = images[source][:, images[source].any(axis=0)], strip.image[:, start:end]
            tops.append([top for top in range(STRIP_HEIGHT - 7) if np.array_equal(drawn[top : top + 8], scan)])
    assert all(tops)
    assert {found[0] for found in tops} == {0, 1, 2}


def test_every_time_that_an_image_is_drawn_it_is_distorted_anew():
    looks = {}
    for strip in digit_strips(800, 4, np.random.default_rng(5), "train", distortion=1):
        for (start, end), source in zip(strip.spans, strip.sources, strict=True):
            drawn = strip.image[:, start:end]
            looks.setdefault(source, []).append(drawn[drawn.any(axis=1)].tobytes())
    again = [seen for seen in looks.values() if len(seen) > 1]
    assert len(again) > 800
    assert all(len(set(seen)) == len(seen) for seen in again)


def test_gaps_are_as_wide_as_asked_for():
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(100):
        strip = digit_strip("12345", rng, max_gap=3)
        seen |= gaps_of(strip)
    assert seen == {1, 2, 3}
    assert set().union(*(gaps_of(strip) for strip in digit_strips(100, 3, rng, "test", max_gap=2))) == {1, 2}


def gaps_of(strip):
    edges = [0, *strip.spans.ravel(), strip.image.shape[1]]
    return set(np.diff(edges)[::2].tolist())


def test_the_target_has_gaps_before_between_and_after():
    strip = digit_strip("377", np.random.default_rng(0))
    assert strip.target == "·3·7·7·"
    assert encode(strip.target, STRIP_SYMBOLS).tolist() == [10, 3, 10, 7, 10, 7, 10]


def test_a_seed_says_everything_about_a_strip():
    one, two = (digit_strip("2718", np.random.default_rng(6)) for _ in range(2))
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.spans, two.spans)
    np.testing.assert_array_equal(one.sources, two.sources)
    other = digit_strip("2718", np.random.default_rng(7))
    assert other.sources.tolist() != one.sources.tolist()
    many, same, others = (digit_strips(3, 4, np.random.default_rng(seed), "train", distortion=1) for seed in (6, 6, 7))
    for one, two, other in zip(many, same, others, strict=True):
        np.testing.assert_array_equal(one.image, two.image)
        assert other.sources.tolist() != one.sources.tolist()


def test_random_digits_are_as_long_as_asked_for():
    rng = np.random.default_rng(0)
    drawn = [random_digits(rng, 2, 4) for _ in range(300)]
    assert {len(digits) for digits in drawn} == {2, 3, 4}
    assert set("".join(drawn)) == set("0123456789")


def test_ink_lies_between_0_and_1():
    images, labels = scanned_digits()
    assert images.shape == (1797, 8, 8)
    assert labels.shape == (1797,)
    assert (images.min(), images.max()) == (0.0, 1.0)


BAD_STRIPS = {
    "nothing": ({"digits": ""}, "digits is ''; write a string of digits such as '3144'"),
    "a letter": ({"digits": "31a4"}, "digits is '31a4'; write a string of digits"),
    "a gap": ({"digits": "3·4"}, "digits is '3·4'; write a string of digits"),
    "no gap": ({"digits": "3", "max_gap": 0}, "max_gap is 0; a gap is a whole number of columns, at least 1"),
    "split": ({"digits": "3", "split": "valid"}, "split is 'valid'; choose 'train' or 'test'"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD_STRIPS.values(), ids=BAD_STRIPS)
def test_what_is_no_strip_is_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        digit_strip(rng=np.random.default_rng(0), **arguments)


BAD_BATCHES = {
    "no strip": ((0, 3), {}, "count is 0 and length 3; ask for at least 1 strip of at least 1 digit"),
    "no digit": ((2, 0), {}, "count is 2 and length 0; ask for at least 1 strip of at least 1 digit"),
    "no gap": ((2, 3), {"max_gap": 0}, "max_gap is 0; a gap is a whole number of columns, at least 1"),
    "split": ((2, 3), {"split": "valid"}, "split is 'valid'; choose 'train' or 'test'"),
    "out of sight": ((50, 3), {"distortion": 40}, "distortion is 40, and left an image without ink; choose a smaller"),
}


@pytest.mark.parametrize(("sizes", "arguments", "says"), BAD_BATCHES.values(), ids=BAD_BATCHES)
def test_what_are_no_strips_is_refused(sizes, arguments, says):
    with pytest.raises(ValueError, match=says):
        digit_strips(*sizes, np.random.default_rng(0), **{"split": "test", **arguments})


# -- other hands


def test_not_to_distort_leaves_every_scan_as_it_is():
    images, _ = scanned_digits()
    np.testing.assert_array_equal(distort(images, np.random.default_rng(0), 0), images)


def test_ink_too_faint_for_a_scanner_is_left_out():
    faint = np.full((1, 5, 7), 0.05)
    faint[0, 2, 3] = 0.07
    drawn = distort(faint, np.random.default_rng(0), 0)
    assert drawn.shape == (1, 5, 7)
    assert np.argwhere(drawn).tolist() == [[0, 2, 3]]
    assert drawn[0, 2, 3] == 0.07


@pytest.mark.parametrize("amount", [0.5, 1.0, 3.0])
def test_distorted_ink_lies_between_0_and_1_and_is_never_faint(amount):
    images, _ = scanned_digits()
    drawn = distort(images, np.random.default_rng(1), amount)
    assert drawn.shape == images.shape
    assert drawn.min() == 0
    assert drawn.max() <= 1
    assert drawn[drawn > 0].min() >= 0.06


def test_every_image_is_distorted_in_its_own_way():
    same = np.repeat(scanned_digits()[0][:1], 50, axis=0)
    drawn = distort(same, np.random.default_rng(0))
    assert len({image.tobytes() for image in drawn}) == 50
    assert not any(np.array_equal(image, same[0]) for image in drawn)


def test_a_generator_says_everything_about_a_distortion():
    images = scanned_digits()[0][:20]
    one, two, other = (distort(images, np.random.default_rng(seed)) for seed in (4, 4, 5))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)
    assert images.max() == 1.0, "the scans themselves have been changed"


def test_a_slant_is_typically_9_degrees():
    """What is upright leans by the slant and the turn together, what lies flat by the turn alone."""
    upright = np.zeros((4000, 20, 20))
    upright[:, :, 9:11] = 1

    def lean(drawn):
        middle = (drawn[:, [6, 13]] * np.arange(20)).sum(axis=2) / drawn[:, [6, 13]].sum(axis=2)
        return np.arctan((middle[:, 1] - middle[:, 0]) / 7).std()

    both = lean(distort(upright, np.random.default_rng(0)))
    turn = lean(distort(upright.transpose(0, 2, 1), np.random.default_rng(0)).transpose(0, 2, 1))
    slant = np.degrees(np.sqrt(both**2 - turn**2))
    assert slant == pytest.approx(9, abs=1)


def centroid_accuracy(drawn):
    """How many test images lie nearest to the mean training scan of their digit."""
    images, labels = scanned_digits()
    train, test = data._indices("train"), data._indices("test")
    centres = np.stack([images[train][labels[train] == digit].mean(axis=0) for digit in range(10)])
    distances = ((drawn[test][:, None] - centres) ** 2).sum(axis=(2, 3))
    return (distances.argmin(axis=1) == labels[test]).mean()


def test_distorted_digits_can_still_be_told_apart():
    images, _ = scanned_digits()
    plain, little, much = (centroid_accuracy(distort(images, np.random.default_rng(0), amount)) for amount in (0, 1, 4))
    assert plain > 0.8
    assert little > 0.65
    assert much < 0.4, "a distortion that changes nothing would pass as well"


def test_no_digit_is_distorted_out_of_sight():
    images, _ = scanned_digits()
    for seed in range(5):
        assert distort(images, np.random.default_rng(seed)).any(axis=(1, 2)).all()


# -- windows


def test_a_window_holds_a_column_and_its_neighbours():
    image = np.arange(12.0).reshape(2, 6) + 1
    windows = column_windows(image, reach=2)
    assert windows.shape == (6, 2 * 5)
    np.testing.assert_array_equal(windows[3].reshape(2, 5), image[:, 1:6])
    np.testing.assert_array_equal(windows[0].reshape(2, 5), [[0, 0, 1, 2, 3], [0, 0, 7, 8, 9]])
    np.testing.assert_array_equal(column_windows(image, reach=0), image.T)


# -- the classifier


def test_the_classifier_is_fitted_in_seconds_and_the_same_each_time():
    started = time.process_time()
    one = ColumnClassifier(strips=60, epochs=5)
    took = time.process_time() - started
    assert 10 * 5 * took < 60, f"{took:.1f} s for a fiftieth of the work"
    strip = strips(1)[0]
    again = ColumnClassifier(strips=60, epochs=5)
    np.testing.assert_array_equal(one.log_posteriors(strip.image), again.log_posteriors(strip.image))


@pytest.mark.slow
def test_its_answers_are_log_probabilities(column_classifier):
    strip = strips(1)[0]
    log_y = column_classifier.log_posteriors(strip.image)
    assert log_y.shape == (strip.image.shape[1], len(STRIP_SYMBOLS))
    np.testing.assert_allclose(np.exp(log_y).sum(axis=1), 1, atol=1e-9)


def test_it_names_more_than_85_percent_of_the_columns_of_strips_it_never_saw(column_classifier):
    assert column_classifier.accuracy(strips(200, seed=99)) > 0.85


def boundaries_exact(classifier, held_out):
    hits = []
    for strip in held_out:
        found = align(classifier.log_posteriors(strip.image), encode(strip.target, STRIP_SYMBOLS))
        hits.append((found.segments[1::2] == strip.spans).ravel())
    return np.concatenate(hits).mean()


def test_alignment_puts_at_least_85_percent_of_the_boundaries_exactly(column_classifier):
    assert boundaries_exact(column_classifier, strips(200, seed=99)) >= 0.85


def test_without_the_classifier_the_boundaries_are_mostly_wrong():
    """What the 85 percent are worth: columns about which nothing is known."""

    class Clueless:
        def log_posteriors(self, image):
            return np.full((image.shape[1], len(STRIP_SYMBOLS)), -np.log(len(STRIP_SYMBOLS)))

    assert boundaries_exact(Clueless(), strips(50, seed=99)) < 0.3


def test_the_test_images_begin_with_a_form():
    """Does a form, which begins with all ten digits in order three times over, start just where the parts are cut?"""
    labels = scanned_digits()[1]
    begins = [n for n in range(len(labels) - 30) if (labels[n : n + 30] == np.tile(np.arange(10), 3)).all()]
    assert len(labels) - TEST_IMAGES in begins
    assert min(np.diff(begins)) > 100  # so it is no accident of ten images in order
