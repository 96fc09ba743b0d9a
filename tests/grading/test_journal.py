"""Nothing that was graded is lost: whatever a crash leaves of a file, what was whole before is there after."""

import json

import pytest

from course_utils.grading.journal import Journal, write_whole

RESULTS = {"a": {"status": "correct", "says": "größer\u2028x"}, "b": [1, None, "line\nbreak"], "c": 0.1}


def full(path):
    with Journal(path) as journal:
        for key, result in RESULTS.items():
            journal.add(key, result)
    return path.read_bytes()


def test_results_are_there_again(tmp_path):
    full(tmp_path / "deep" / "journal")
    with Journal(tmp_path / "deep" / "journal") as journal:
        assert journal.results == RESULTS


def test_a_journal_that_ends_anywhere_keeps_its_whole_lines_and_goes_on(tmp_path):
    """Is the same file made, byte for byte, whenever the process was killed?"""
    path = tmp_path / "journal"
    data = full(path)
    ends = [0, *(n + 1 for n, byte in enumerate(data) if byte == 10)]
    for cut in range(len(data) + 1):
        path.write_bytes(data[:cut])
        whole = sum(end <= cut for end in ends) - 1
        with Journal(path) as journal:
            assert list(journal.results) == list(RESULTS)[:whole]
            for key in list(RESULTS)[whole:]:
                journal.add(key, RESULTS[key])
        assert path.read_bytes() == data


@pytest.mark.parametrize("at", range(0, 60, 7))
def test_a_damaged_line_and_what_follows_do_not_count(tmp_path, at):
    path = tmp_path / "journal"
    data = bytearray(full(path))
    data[at] ^= 1
    path.write_bytes(data)
    with Journal(path) as journal:
        assert "a" not in journal.results
        assert all(journal.results[key] == RESULTS[key] for key in journal.results)


def test_a_file_is_replaced_as_a_whole(tmp_path, monkeypatch):
    path = tmp_path / "results.csv"
    write_whole(path, b"old")

    def killed(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_whole(path, b"new and longer")
    assert path.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["results.csv"]


def test_a_file_that_is_as_it_should_be_is_not_touched(tmp_path):
    path = tmp_path / "results.csv"
    write_whole(path, b"same")
    before = path.stat().st_mtime_ns, path.stat().st_ino
    write_whole(path, b"same")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


def test_lines_are_readable_by_others(tmp_path):
    line = full(tmp_path / "journal").splitlines()[0]
    assert json.loads(line[9:]) == ["a", RESULTS["a"]]
