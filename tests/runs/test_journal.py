"""The journal: what it holds, what it survives, and where it refuses to write."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest

from flow64 import errors, files
from flow64.files import try_lock
from flow64.runs import IntendedStart, Journal

HERE, WORKFLOW = "http://127.0.0.1:1", str(uuid4())
KEY, OTHER = str(uuid4()), str(uuid4())
MEANT = IntendedStart(
    key=KEY,
    digest="d1",
    env="default",
    intent="2026-W20",
    rows=2,
    fingerprint="f" * 16,
    commit="c" * 40,
    known=["r0"],
)


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / ".flow64" / "runs.jsonl")


def memory(journal, endpoint=HERE, workflow=WORKFLOW):
    return journal.memory(endpoint, workflow)


def lines(journal):
    return [json.loads(line) for line in journal.path.read_bytes().splitlines()]


# -- What it holds --------------------------------------------------------------------


def test_line_is_one_json_object_with_its_version(journal):
    """A payload is a hash, and no row is in it."""
    journal.write_intent(HERE, WORKFLOW, MEANT)
    (line,) = lines(journal)

    assert line.pop("at").endswith("+00:00")
    assert line == {
        "v": 1,
        "event": "meant",
        "endpoint": HERE,
        "workflow": WORKFLOW,
        "key": KEY,
        "env": "default",
        "intent": "2026-W20",
        "root": KEY,
        "retry": None,
        "rows": 2,
        "digest": "d1",
        "batch": None,
        "fingerprint": "f" * 16,
        "commit": "c" * 40,
        "known": ["r0"],
    }
    assert journal.path.read_bytes().startswith(b'{"v":1,')


def test_start_is_remembered_until_its_end(journal):
    """Meant, then started, then ended."""
    states = []

    def look():
        start = memory(journal).of_key(KEY)
        states.append((start.is_open, start.job_id, start.outcome))

    journal.write_intent(HERE, WORKFLOW, MEANT)
    look()
    journal.write_run(HERE, WORKFLOW, KEY, "r1")
    look()
    journal.write_end(HERE, WORKFLOW, "r1", "completed")
    look()

    assert states == [
        (True, None, None),
        (False, "r1", None),
        (False, "r1", "completed"),
    ]
    found = memory(journal)
    (start,) = found.of_intent("default", "2026-W20")
    assert start is found.of_key(KEY) is found.of_job("r1")
    assert (start.intended.rows, start.intended.root) == (2, KEY)


def test_presumed_run_is_proven_or_disowned(journal):
    """One that is not ours leaves the start open, and is not taken again."""
    journal.write_intent(HERE, WORKFLOW, MEANT)
    journal.write_run(HERE, WORKFLOW, KEY, "r1", is_found=True, is_presumed=True)
    assert memory(journal).of_key(KEY).is_presumed

    journal.write_end(HERE, WORKFLOW, "r1", "not ours")
    found = memory(journal)
    start = found.of_key(KEY)
    assert (start.is_open, start.is_presumed) == (True, False)
    assert found.is_known("r1", start)

    journal.write_run(HERE, WORKFLOW, KEY, "r2", is_found=True)
    assert (memory(journal).of_key(KEY).job_id) == "r2"
    assert [line["event"] for line in lines(journal)[1:]] == ["found", "ended", "found"]


def test_start_that_was_turned_away_is_forgotten(journal):
    """Nothing came of it; the next one is the first."""
    journal.write_intent(HERE, WORKFLOW, MEANT)
    journal.write_end(HERE, WORKFLOW, None, "refused", KEY)
    found = memory(journal)

    assert (found.of_key(KEY), found.of_intent("default", "2026-W20")) == (None, [])
    assert found.starts[KEY].outcome == "refused"
    journal.write_intent(HERE, WORKFLOW, MEANT)
    assert memory(journal).of_key(KEY).is_open


def test_runs_that_were_there_before_a_start_are_known(journal):
    """Each line lists what no line before it has listed."""
    journal.write_intent(HERE, WORKFLOW, MEANT)
    found = memory(journal)
    assert found.unseen(["r2", "r0"]) == ["r2"]

    other = IntendedStart(key=OTHER, digest="d2", env="default", known=["r2"])
    journal.write_intent(HERE, WORKFLOW, other)
    journal.write_run(HERE, WORKFLOW, OTHER, "r3")
    found = memory(journal)
    first, second = found.of_key(KEY), found.of_key(OTHER)

    runs = ["r0", "r2", "r3", "r4"]
    assert [found.is_known(run, first) for run in runs] == [True, False, True, False]
    assert [found.is_known(run, second) for run in runs] == [True, True, True, False]


def test_second_word_on_an_open_start_changes_nothing(journal):
    """What was there before the first attempt is what counts."""
    journal.write_intent(HERE, WORKFLOW, MEANT)
    again = IntendedStart(
        key=KEY, digest="d1", env="default", intent="2026-W20", known=["r1"]
    )
    journal.write_intent(HERE, WORKFLOW, again)

    found = memory(journal)
    assert not found.is_known("r1", found.of_key(KEY))


def test_batches_and_retries_say_what_they_are(journal):
    """Which part, of which size, of which run."""
    part = IntendedStart(KEY, "d", "default", "i", OTHER, "r0", 5, 3, 5, known=["r1"])
    journal.write_intent(HERE, WORKFLOW, part)
    assert lines(journal)[0]["batch"] == {"index": 3, "size": 5}
    assert memory(journal).of_key(KEY).intended == part


@pytest.mark.parametrize(
    ("endpoint", "workflow"),
    [("https://x.example", WORKFLOW), (HERE, "another")],
    ids=["endpoint", "workflow"],
)
def test_other_places_and_workflows_are_apart(journal, endpoint, workflow):
    """An id in capitals is the same id."""
    journal.write_intent(HERE, WORKFLOW.upper(), MEANT)

    assert memory(journal, endpoint, workflow).starts == {}
    assert KEY in memory(journal).starts
    assert KEY in memory(journal, workflow=WORKFLOW.upper()).starts


# -- What it survives -----------------------------------------------------------------


@pytest.mark.parametrize("cut", range(1, 120, 17))
def test_torn_last_line_is_passed_over(journal, cut):
    """And the next line begins afresh."""
    journal.write_intent(HERE, WORKFLOW, MEANT)
    journal.write_run(HERE, WORKFLOW, KEY, "r1")
    text = journal.path.read_bytes()
    journal.path.write_bytes(text[:-cut])

    assert KEY in memory(journal).starts
    journal.write_run(HERE, WORKFLOW, KEY, "r2")
    assert memory(journal).of_key(KEY).job_id == "r2"
    assert journal.path.read_bytes().count(b"\n") == 3


@pytest.mark.parametrize("torn", [b'{"v":1,"eve', b"\0\0\0\0", b"\0\0{", b"\n"])
def test_torn_first_line_is_passed_over(journal, torn):
    """A machine that lost power may leave zeros."""
    journal.require_writable()
    journal.path.write_bytes(torn)

    journal.write_intent(HERE, WORKFLOW, MEANT)
    assert KEY in memory(journal).starts


@pytest.mark.parametrize(
    "strange",
    [
        {"event": "resumed", "key": KEY},
        {"event": "started", "key": OTHER, "job": "r9", "new": {"x": [1]}},
        {"event": "started", "key": None, "job": 7},
        {"event": "ended", "job": "r9", "outcome": 3},
        {"event": "ended"},
        {"event": "meant", "key": "no uuid"},
        {"event": "meant", "key": OTHER, "batch": [], "known": [1, "r7"], "rows": "x"},
        {"event": "meant", "key": OTHER, "known": 3, "root": "no uuid", "digest": None},
        {"event": None},
        {},
    ],
)
def test_unknown_fields_events_and_shapes_are_passed_over(journal, strange):
    """They are of a release that says no less by the others; they stay in the file."""
    journal.append({"endpoint": HERE, "workflow": WORKFLOW, **strange})
    journal.write_intent(HERE, WORKFLOW, MEANT)
    journal.write_run(HERE, WORKFLOW, KEY, "r1")

    assert memory(journal).of_key(KEY).job_id == "r1"
    assert lines(journal)[0] == {
        "v": 1,
        "endpoint": HERE,
        "workflow": WORKFLOW,
        **strange,
    }


@pytest.mark.parametrize("version", [2, 10])
def test_newer_schema_is_refused_with_advice(journal, version):
    """It may say what this release does not know, and that could be paid twice."""
    journal.write_intent(HERE, WORKFLOW, MEANT)
    with journal.path.open("a") as file:
        file.write(json.dumps({"v": version, "workflow": "elsewhere"}) + "\n")

    with pytest.raises(errors.JournalError, match=r"line 2.*update flow64"):
        memory(journal)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,email\nada,a@example.com\n", "begins with something else"),
        ("[1, 2]\n", "line 1 is not an entry"),
        ('{"name": "Ada"}\n', "line 1 is not an entry"),
        ('{"v": true}\n', "line 1 is not an entry"),
        ('{"v": 0}\n', "line 1 is not an entry"),
        ("null\n", "line 1 is not an entry"),
    ],
)
def test_file_that_is_no_journal_is_refused(journal, text, words):
    """Nobody wants runs at the end of their rows."""
    journal.require_writable()
    journal.path.write_text(text)

    with pytest.raises(errors.JournalError, match=words):
        memory(journal)


def test_file_that_is_not_there_is_an_empty_journal(journal):
    """And reading makes none."""
    assert memory(journal).starts == {}
    assert not journal.path.exists()


def test_hundred_thousand_lines_are_read_within_a_second(journal):
    """Of many workflows, with the runs that each start has listed."""
    journal.write_intent(HERE, WORKFLOW, MEANT)
    (line,) = journal.path.read_text().splitlines()
    others = [line.replace(WORKFLOW, str(uuid4())) for _ in range(9)]
    some = [line.replace(KEY, str(uuid4())) for _ in range(10_000)]
    with journal.path.open("a") as file:
        for mine in some:
            file.write("\n".join([mine, *others]) + "\n")

    began = time.process_time()
    found = memory(journal)

    assert len(found.of_intent("default", "2026-W20")) == 10_001
    assert time.process_time() - began < 1


def test_threads_and_processes_never_mix_their_lines(journal):
    """Each line is there, and whole."""
    program = (
        "import sys; from pathlib import Path;"
        "from flow64.runs import Journal;"
        "journal = Journal(Path(sys.argv[1]));"
        "[journal.append({'x': sys.argv[2] * 3000}) for _ in range(20)]"
    )
    child = subprocess.Popen([sys.executable, "-c", program, str(journal.path), "a"])

    def written():
        for _ in range(20):
            journal.append({"x": "c" * 3000})

    threads = [Thread(target=written) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert child.wait() == 0

    found = sorted(line["x"] for line in lines(journal))
    assert found == sorted(name * 3000 for name in "acc" for _ in range(20))


@pytest.mark.slow
def test_killed_while_writing_leaves_whole_lines(journal):
    """At most the last one is cut, whenever the process dies."""
    program = (
        "import sys, itertools; from pathlib import Path;"
        "from flow64.runs import Journal;"
        "journal = Journal(Path(sys.argv[1]));"
        "print('on', flush=True);"
        "[journal.append({'x': n}) for n in itertools.count()]"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(journal.path)], stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout.readline() == b"on\n"
        time.sleep(0.05)
        child.send_signal(signal.SIGKILL)

    found = [entry["x"] for entry in journal.entries()]
    assert found == list(range(len(found)))
    journal.append({"x": "next"})
    assert [*journal.entries()][-1]["x"] == "next"


def test_lock_that_is_not_to_be_had_holds_nobody_up(journal, monkeypatch):
    """Nor does a system without locks: no two lines mix without it either."""
    journal.require_writable()
    monkeypatch.setattr("flow64.runs._journal.LOCKING", 2)
    held = os.open(journal.path, os.O_RDWR)
    try_lock(held)
    try:
        journal.append({"x": 1})
    finally:
        os.close(held)
    monkeypatch.setattr(files, "_fcntl", None)
    journal.append({"x": 2})

    assert [line["x"] for line in lines(journal)] == [1, 2]


# -- Where it is ----------------------------------------------------------------------


def test_new_folder_is_for_its_owner_and_not_for_git(journal):
    """So nobody commits a journal by accident."""
    journal.require_writable()
    folder = journal.path.parent

    assert (folder / ".gitignore").read_text() == "*\n"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["runs", "deep/er"])
def test_folder_that_has_a_name_of_its_own_is_left_as_it_is(tmp_path, name):
    folder = tmp_path / name
    Journal(folder / "runs.jsonl").require_writable()

    assert [path.name for path in folder.iterdir()] == ["runs.jsonl"]


def _folder(path):
    path.mkdir()


def _link(path):
    (path.parent / "real").touch()
    path.symlink_to(path.parent / "real")


def _pipe(path):
    os.mkfifo(path)


def _dangling(path):
    path.symlink_to(path.parent / "nowhere")


@pytest.mark.parametrize("made", [_folder, _link, _dangling, _pipe])
def test_what_is_no_file_is_refused(tmp_path, made):
    """Whether it is to be written or read, and without waiting for anybody."""
    path = tmp_path / "runs.jsonl"
    made(path)
    journal = Journal(path)

    with pytest.raises(errors.JournalError, match=r"runs\.jsonl"):
        journal.require_writable()
    with pytest.raises(errors.JournalError, match="name another file"):
        memory(journal)


def test_device_is_no_file():
    """One that can be opened is refused too."""
    with pytest.raises(errors.JournalError, match="it is not a file"):
        Journal(Path("/dev/full")).require_writable()


def test_folder_that_cannot_be_made_is_refused(tmp_path):
    """A file stands in its place."""
    (tmp_path / "x").touch()

    with pytest.raises(errors.JournalError, match="cannot be used"):
        Journal(tmp_path / "x" / "runs.jsonl").require_writable()


@pytest.mark.parametrize("limit", [10, 0])
def test_disk_that_is_full_is_an_error(journal, monkeypatch, limit):
    """Also where a part of the line found room: it is a torn one then."""
    journal.append({"x": 1})
    real = os.write

    def full(descriptor, data):
        if not limit:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data[:limit])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(errors.JournalError, match=r"no room|No space"):
        journal.append({"x": 2})
    monkeypatch.undo()

    journal.append({"x": 3})
    assert [entry["x"] for entry in journal.entries()] == [1, 3]
