"""The journal: lines of several processes, and what is left after a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from threading import Thread

import pytest

from flow64 import errors
from flow64.runs.journal import Journal, is_run_id

KEYS = [f"00000000-0000-4000-8000-{number:012}" for number in range(400)]
FACTS = {
    **dict.fromkeys(("digest", "env", "root", "code", "writer"), "x"),
    "intent": "a",
    "index": None,
    "seconds": 0,
    "instead": "",
    "proof": {},
    "known": [],
}


@pytest.fixture
def ledger(tmp_path):
    return Journal(tmp_path / ".flow64" / "runs.jsonl").of("https://x", "w1")


def write(ledger, *keys):
    for key in keys:
        ledger.write_intent(key=key, **FACTS)
        ledger.write_run(key, f"run-{key[-4:]}")


def test_file_is_for_its_owner_and_not_for_git(ledger):
    """It names workflows and runs."""
    write(ledger, KEYS[0])

    path = ledger.journal.path
    assert path.stat().st_mode & 0o777 == 0o600
    assert (path.parent / ".gitignore").read_text() == "*\n"
    assert ledger.memory().of_job("RUN-0000") is None
    assert ledger.memory().of_job("run-0000").key == KEYS[0]


def test_run_that_is_proven_keeps_its_place(ledger):
    """A later one may not be listed yet, and is looked for by this order."""
    ledger.write_intent(key=KEYS[0], **FACTS)
    ledger.write_run(KEYS[0], "run-0000", is_presumed=True)
    write(ledger, KEYS[1])
    ledger.write_run(KEYS[0], "run-0000")

    assert [*ledger.memory().jobs] == ["run-0000", "run-0001"]


def test_threads_and_processes_share_it(ledger):
    """Each line is whole."""
    program = (
        "import sys; from pathlib import Path;"
        "from tests.runs.test_journal import Journal, KEYS, write;"
        "ledger = Journal(Path(sys.argv[1])).of('https://x', 'w1');"
        "write(ledger, *KEYS[int(sys.argv[2]):][:50])"
    )
    path = str(ledger.journal.path)
    processes = [
        subprocess.Popen([sys.executable, "-c", program, path, str(start)])
        for start in (0, 50)
    ]
    threads = [
        Thread(target=write, args=(ledger, *KEYS[start:][:50])) for start in (100, 150)
    ]
    for thread in threads:
        thread.start()
    for running in (*threads, *processes):
        getattr(running, "join", getattr(running, "wait", None))()

    memory = ledger.memory()
    assert (len(memory.starts), len(memory.jobs), memory.damage) == (200, 200, [])


@pytest.mark.slow
def test_killed_writer_leaves_each_line_that_it_has_written(ledger):
    """And the next one begins a line of its own."""
    program = (
        "import sys; from pathlib import Path;"
        "from tests.runs.test_journal import Journal, KEYS, write;"
        "ledger = Journal(Path(sys.argv[1])).of('https://x', 'w1');"
        "[(write(ledger, key), print(key, flush=True)) for key in KEYS]"
    )
    path = str(ledger.journal.path)
    for seconds in (0.0, 0.01, 0.05):
        with subprocess.Popen(
            [sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True
        ) as process:
            first = process.stdout.readline()
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
            written = [first, *process.stdout]
        memory = ledger.memory()
        assert {line.strip() for line in written} <= {*memory.starts}
        assert memory.damage == []


@pytest.mark.parametrize("tail", [b'{"v":1,"eve', b"\n", b'{"v":1,"event":"run","at'])
def test_line_that_was_cut_off_hides_nothing(ledger, tail):
    """Before a start is sent, its line is complete."""
    write(ledger, KEYS[0])
    with ledger.journal.path.open("ab") as file:
        file.write(tail)
    write(ledger, KEYS[1])

    memory = ledger.memory()
    assert ([*memory.starts], memory.damage) == (KEYS[:2], [])


@pytest.mark.parametrize(
    "line",
    [
        b"\0" * 40,
        b'{"v":1,"event":"meant","at\0\0\0\0',
        b"[1]",
        b"garbage",
    ],
)
def test_line_that_is_damaged_is_noted(ledger, line):
    """It may have been that of a start."""
    write(ledger, KEYS[0])
    with ledger.journal.path.open("ab") as file:
        file.write(line + b"\n")
    write(ledger, KEYS[1])

    assert ledger.memory().damage == [3]


def test_file_that_is_no_journal_is_refused(ledger, tmp_path):
    """So is one that cannot be written."""
    (tmp_path / "a").write_text("hello\n")
    with pytest.raises(errors.RunError, match="something else"):
        Journal(tmp_path / "a").of("https://x", "w1").memory()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    for name in ("pipe", "link", "a/b"):
        with pytest.raises(errors.RunError):
            Journal(tmp_path / name).append({})


@pytest.mark.parametrize(
    ("text", "is_id"),
    [
        ("0d0c8f8e-5a0e-4a54-bb35-4f2f2c9c7e10", True),
        ("run_xyz789", True),
        ("", False),
        (" ", False),
        ("{0d0c8f8e-5a0e-4a54-bb35-4f2f2c9c7e10}", False),
        ("a/b", False),
        (3, False),
    ],
)
def test_id_of_a_run_has_one_form(text, is_id):
    """What has another one is not the id of a run."""
    assert is_run_id(text) is is_id
