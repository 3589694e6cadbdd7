"""Files that are whole or not there, whatever ends the process that writes them."""

from __future__ import annotations

import errno
import os
import signal
import stat
import time

import pytest

from flow64 import files as _files
from flow64.files import (
    NewFile,
    Unusable,
    read_whole,
    require_room,
    sweep,
    write_whole,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=["locks", "no locks"])
def system(request, monkeypatch):
    """With locks, as on Linux, and without, as on Windows."""
    if request.param == "no locks":
        monkeypatch.setattr(_files, "_fcntl", None)
    return request.param


def test_file_has_its_old_content_or_the_new_one_and_its_owner_alone(tmp_path, system):
    target = tmp_path / "a.json"

    write_whole(target, b"old")
    write_whole(target, b"new")

    assert (target.read_bytes(), names(tmp_path)) == (b"new", ["a.json"])
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda path: path.mkdir(), "it is a folder"),
        (lambda path: path.symlink_to(path.parent / "else"), "it is a link"),
        (os.mkfifo, "it is not a file"),
    ],
)
def test_what_is_no_file_is_not_replaced(tmp_path, made, words):
    target = tmp_path / "a.json"
    made(target)
    before = target.lstat().st_mode

    with pytest.raises(Unusable, match=words):
        write_whole(target, b"new")

    assert (target.lstat().st_mode, names(tmp_path)) == (before, ["a.json"])


def test_what_is_no_file_is_not_read(tmp_path):
    (tmp_path / "pipe").unlink(missing_ok=True)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "big").write_bytes(b"x" * 11)
    (tmp_path / "link").symlink_to(tmp_path / "big")

    for name, words in [("pipe", "not a file"), ("link", "."), ("big", "larger")]:
        with pytest.raises(Unusable, match=words):
            read_whole(tmp_path / name, 10)
    with pytest.raises(FileNotFoundError):
        read_whole(tmp_path / "none", 10)
    assert read_whole(tmp_path / "big", 11) == b"x" * 11


def test_full_disk_leaves_nothing_and_what_was_there(tmp_path, monkeypatch):
    """The old content stays, and no part of the new one lies about."""
    target = tmp_path / "a.json"
    write_whole(target, b"old")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unusable, match="No space left"):
        write_whole(target, b"new")
    with pytest.raises(Unusable, match="No space left"):
        require_room(tmp_path, 10)
    assert (target.read_bytes(), names(tmp_path)) == (b"old", ["a.json"])


def test_sweep_takes_what_nobody_holds_and_nothing_else(tmp_path):
    """A file that somebody is writing is locked, and stays."""
    (tmp_path / ".flow64-0123.new").write_bytes(b"left over")
    (tmp_path / "mine.new").write_bytes(b"mine")
    held = NewFile(tmp_path)

    sweep(tmp_path)

    assert names(tmp_path) == sorted([held.path.name, "mine.new"])
    held.close()


@pytest.mark.parametrize("is_held", [True, False], ids=["sweeping", "swept"])
def test_file_that_is_swept_before_it_was_locked_is_begun_again(
    tmp_path, monkeypatch, is_held
):
    """Another process may sweep between a file's making and its lock."""

    class Locks:
        LOCK_EX = LOCK_NB = 2

        def __init__(self):
            self.seen = 0

        def flock(self, descriptor, _):
            self.seen += 1
            if self.seen == 1:
                next(tmp_path.glob(".flow64-*")).unlink()
                if is_held:
                    raise BlockingIOError

    monkeypatch.setattr(_files, "_fcntl", Locks())
    new = NewFile(tmp_path)

    assert names(tmp_path) == [new.path.name]
    new.close()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_killed_writer_leaves_old_or_new_and_the_next_one_sweeps(tmp_path):
    """Kill -9, twenty times; tests/survival/kill_apply.py does more."""
    target = tmp_path / "a.bin"
    texts = [b"A" * 200_000, b"B" * 200_000]
    write_whole(target, texts[0])
    for number in range(20):
        pid = os.fork()
        if pid == 0:  # pragma: no cover - in the child
            while True:
                write_whole(target, texts[0])
                write_whole(target, texts[1])
        time.sleep(0.001 * number)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert target.read_bytes() in texts

    write_whole(target, b"last")
    assert names(tmp_path) == ["a.bin"]
