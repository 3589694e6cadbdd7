"""Interrupted runs: each side effect happens once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from flow64.emulator import Switches
from flow64.emulator._engine import Engine
from flow64.emulator._run_worker import StoppedError, _BlockWorker
from flow64.errors import EmulatorStoreError
from tests.emulator.support import (
    EMAIL,
    OUT,
    WEBHOOK,
    block,
    body,
    create,
    links,
    run_rows,
    start,
    status_of,
    wait,
)

ROWS = [{"n": n} for n in range(1200)]
KEEPING = body(
    WEBHOOK,
    block("append_to_notebook", notebook_id="first"),
    EMAIL,
    block("append_to_notebook", 2, notebook_id="second"),
    OUT,
)
"""Notebooks before and after a block, and something for the outbox."""


@contextmanager
def held_at(kind, number):
    """Let one block work until its run is stopped; the others take no time."""

    def hold(worker, _total):
        if (worker.state.kind, worker.state.number) == (kind, number):
            assert worker.stop.wait(20)
            raise StoppedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_BlockWorker, "_simulate_duration", hold)
        yield


def until(client, run_id, kind, number=1):
    """Wait until a block is running."""
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        found = status_of(client, run_id)
        if (found["current_block"], found["current_block_sequence"]) == (kind, number):
            return
        time.sleep(0.002)
    raise AssertionError(found)


def ended(emulator, run_id):
    """Return the run once it has ended."""
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        run = emulator.store.runs.get(run_id)
        if run.is_done:
            return run
        time.sleep(0.002)
    raise AssertionError(run)


def kept(emulator, name):
    """Count each row of a notebook, and return its stored count."""
    (book,) = [
        book
        for book in emulator.store.notebooks.all()
        if book.name is None and book.notebook_id == name
    ]
    rows = emulator.store.rows(f"notebook/{book.id}")
    return Counter(row["n"] for row in rows), book.row_count


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("webhook", 1),
        ("append_to_notebook", 2),
        ("find_email", 3),
        ("append_to_notebook", 4),
        ("outgoing_webhook", 5),
    ],
    ids=range(1, 6),
)
def test_interrupted_run_goes_on(serve, tmp_path, kind, number):
    """Another emulator on the file finishes it. No row is missing or repeated."""
    path = tmp_path / "store"
    emulator, client = serve(store=path)
    with held_at(kind, number):
        run_id = start(client, create(client, KEEPING), ROWS).json()["job_id"]
        until(client, run_id, kind, number)
        emulator.stop()

    after, _ = serve(store=path)

    assert ended(after, run_id).status == "completed"
    once = Counter(row["n"] for row in ROWS)
    assert kept(after, "first") == (once, len(ROWS))
    assert kept(after, "second") == (once, len(ROWS))
    assert [sent.kind for sent in after.outbox] == ["outgoing_webhook"]
    assert [len(after.rows(run_id, name)) for name in ("webhook", "find_email")] == [
        len(ROWS),
        len(ROWS),
    ]


def test_blocks_that_finished_do_not_work_again(serve, tmp_path):
    """A run continues at its first unfinished block."""
    path = tmp_path / "store"
    emulator, client = serve(store=path)
    with held_at("find_email", 3):
        run_id = start(client, create(client, KEEPING), ROWS).json()["job_id"]
        until(client, run_id, "find_email", 3)
        emulator.stop()

    after, _ = serve(store=path)
    ended(after, run_id)

    run, states = after.store.runs.get(run_id), after.store.blocks.of(run_id)
    moments = [state.completed_at for state in states]
    assert moments == sorted(moments)
    assert run.started_at < moments[0] < moments[1] < states[2].started_at


@pytest.mark.slow
def test_killed_emulator_goes_on(serve, tmp_path):
    """The same after kill -9, in the middle of a block."""
    path = tmp_path / "store"
    program = (
        "import sys, time\n"
        "from flow64.emulator import Emulator, Switches\n"
        "emulator = Emulator(store=sys.argv[1], switches=Switches(speed=0.4))\n"
        "print(emulator.start().url, flush=True)\n"
        "time.sleep(60)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True
    )
    try:
        url = child.stdout.readline().strip()
        _, client = serve()
        client.base_url = url
        run_id = start(client, create(client, KEEPING), ROWS).json()["job_id"]
        until(client, run_id, "append_to_notebook", 4)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()

    after, _ = serve(store=path)

    assert ended(after, run_id).status == "completed"
    once = Counter(row["n"] for row in ROWS)
    assert kept(after, "first") == (once, len(ROWS))
    assert kept(after, "second") == (once, len(ROWS))


def test_rows_of_a_block_are_there_only_once_it_is_done(serve):
    """A running block has no readable rows; a cancelled one leaves none."""
    emulator, client = serve()
    with held_at("append_to_notebook", 2):
        run_id = start(client, create(client, KEEPING), ROWS).json()["job_id"]
        until(client, run_id, "append_to_notebook", 2)

        items = links(client, run_id)
        client.post("/workflows/cancel", params={"job_id": run_id})
        emulator._engine.stop()

    assert [item["block_number"] for item in items] == [1]
    assert emulator.store.notebooks.all() == []
    assert list(emulator.store.rows(f"run/{run_id}/1")) == []


def test_run_cancelled_before_it_began(monkeypatch, serve):
    """It stays cancelled, and no block runs."""
    emulator, client = serve()
    with monkeypatch.context() as patch:
        patch.setattr(Engine, "start", lambda engine, run_id: None)
        run_id = start(client, create(client, KEEPING), ROWS).json()["job_id"]
        client.post("/workflows/cancel", params={"job_id": run_id})

    emulator._engine.start(run_id)
    emulator._engine.stop()

    live = status_of(client, run_id)
    assert (live["overall_status"], live["started_at"]) == ("cancelled", None)
    assert {found["status"] for found in live["blocks"]} == {"pending"}


@pytest.mark.parametrize("fails", [False, True])
def test_run_that_ends_while_a_block_works(serve, fails):
    """The block cannot change the ended run."""

    def end(row):
        (run,) = emulator.store.runs.all()
        emulator._engine.services.end_run(run.id, "cancelled")
        return {} if not fails else 1 / 0

    emulator, client = serve(fixtures={"find_email": end})

    run_id = run_rows(client, KEEPING, [{"n": 1}])
    emulator._engine.stop()

    assert emulator.store.runs.get(run_id).status == "cancelled"
    assert emulator.store.blocks.of(run_id)[2].status == "running"
    assert emulator.rows(run_id, "find_email") == []


def test_cancel_ends_a_block_between_its_rows(serve):
    """It does not process the remaining rows."""
    seen = []

    def cancel(row):
        seen.append(row["n"])
        if row["n"] == 0:
            emulator._engine.cancel(emulator.store.runs.all()[0].id)
        return {}

    emulator, client = serve(fixtures={"find_email": cancel})
    run_rows(client, KEEPING, ROWS)
    emulator._engine.stop()

    assert seen == list(range(500))


def test_starting_twice_is_once(serve):
    """A running run is not started again."""
    emulator, client = serve(switches=Switches(speed=0.1))
    run_id = start(client, create(client, KEEPING), ROWS).json()["job_id"]

    emulator._engine.resume()
    emulator._engine.start(run_id)

    wait(client, run_id)
    once = Counter(row["n"] for row in ROWS)
    assert kept(emulator, "second") == (once, len(ROWS))


def test_store_that_cannot_be_written_ends_the_run_visibly(monkeypatch, serve):
    """The run fails with the message of the store, and nothing is printed."""
    raised = []
    monkeypatch.setattr("threading.excepthook", raised.append)

    def full(self):
        raise EmulatorStoreError("store", "the disk is full", "make room")

    monkeypatch.setattr(_BlockWorker, "execute", full)
    emulator, client = serve()

    run_id = run_rows(client, KEEPING, [])

    emulator._engine.stop()
    assert "the disk is full" in emulator.store.runs.get(run_id).error
    assert raised == []


def test_run_is_left_where_nothing_can_be_written(tmp_path, serve):
    """The next emulator continues it."""
    path = tmp_path / "store"
    emulator, client = serve(store=path)
    with held_at("find_email", 3):
        run_id = start(client, create(client, KEEPING), ROWS).json()["job_id"]
        until(client, run_id, "find_email", 3)

        emulator.store.close()
        emulator.stop()
    after, _ = serve(store=path)

    assert ended(after, run_id).status == "completed"


def test_progress_moves_while_rows_are_read(serve):
    """If blocks take no time, it moves by chunks."""
    seen = []

    def look(row):
        if row["n"] in {0, 499, 500, 1100}:
            (run,) = emulator.store.runs.all()
            state = emulator.store.blocks.of(run.id)[1]
            seen.append((state.processed, state.total))
        return {}

    emulator, client = serve(fixtures={"find_email": look})

    run_rows(client, body(WEBHOOK, EMAIL), ROWS)

    assert seen == [(0, 1200), (0, 1200), (500, 1200), (1000, 1200)]


@pytest.mark.slow
def test_large_run_takes_no_more_memory(tmp_path):
    """Twenty times the rows take the same memory."""
    program = (
        "import sys, resource\n"
        "sys.path.insert(0, 'benchmarks')\n"
        "from emulator import run_of\n"
        "print(run_of(int(sys.argv[1]), sys.argv[2])['megabytes'])\n"
    )
    peaks = []
    for count in (1_000, 20_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        command = [sys.executable, "-c", program, str(count), str(folder)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        peaks.append(float(done.stdout))

    assert peaks[1] < peaks[0] + 12
