"""The store: what was answered is there after kill -9, and one process owns it."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from weakref import ref

import pytest

from flow64.emulator import Emulator, Switches
from flow64.emulator.store import Store
from flow64.errors import ConfigError
from tests.emulator.conftest import connect
from tests.emulator.support import EMAIL, WEBHOOK, body, create, start, wait

WRITER = """
import sys
from flow64.emulator import Emulator
import httpx
from tests.emulator.support import LEADS

with Emulator(store=sys.argv[1]) as emulator:
    client = httpx.Client(base_url=emulator.url, headers={"x-api-key": "key"})
    while True:
        workflow = client.post("/workflows/create_workflow", json=LEADS).json()
        rows = [{"email": "ada@example.com"}]
        run = client.post(
            "/workflows/run",
            params={"workflow_id": workflow["id"]},
            json={"webhook_payload": rows},
        ).json()
        print(workflow["id"], run["job_id"], flush=True)
"""


@pytest.mark.slow
def test_kill_loses_nothing_that_was_answered(tmp_path):
    """Unfinished runs go on when the store is opened again."""
    path, acknowledged = tmp_path / "store.db", []
    for seconds in (0.5, 0.9):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True
        )
        acknowledged.append(process.stdout.readline())
        time.sleep(seconds)
        process.kill()
        acknowledged += [line for line in process.stdout if line.endswith("\n")]
        process.wait()
        process.stdout.close()
    emulator = Emulator(store=path)
    client = connect(emulator)
    stored = {workflow.id for workflow in emulator.store.workflows.all()}

    assert len(acknowledged) > 10
    for workflow_id, run_id in map(str.split, acknowledged):
        assert workflow_id in stored
        assert wait(client, run_id)["overall_status"] == "completed"
        assert len(emulator.rows(run_id, "webhook")) == 1
    emulator.stop()


def test_interrupted_run_goes_on_where_it_stopped(tmp_path):
    path = tmp_path / "store.db"
    first = Emulator(store=path, switches=Switches(speed=0.3))
    client = connect(first)
    workflow_id = create(client, body(WEBHOOK, EMAIL))
    run_id = start(client, workflow_id, [{"a": 1}]).json()["job_id"]
    wait(client, run_id, until=("running",))
    first.stop()
    second = Emulator(store=path)

    assert wait(connect(second), run_id)["overall_status"] == "completed"
    assert len(second.rows(run_id, "find_email")) == 1
    second.stop()


def test_emulator_that_nobody_stops_leaves_nothing_behind(tmp_path):
    """No thread, no lock and no open database."""
    threads = threading.active_count()
    emulator = Emulator(store=tmp_path / "store.db")
    client = connect(emulator)
    run_id = start(client, create(client, body(WEBHOOK, EMAIL)), [{}]).json()["job_id"]
    wait(client, run_id)
    is_alive = ref(emulator)
    client.close()
    del emulator, client
    ends = time.monotonic() + 10
    while is_alive() and time.monotonic() < ends:  # the thread of the run ends
        gc.collect()

    assert (is_alive(), threading.active_count()) == (None, threads)
    with closing(Store(tmp_path / "store.db", patience=0)) as store:
        assert store.runs.count() == 1


ENDING = """
import sys
from flow64.emulator import Emulator
from tests.emulator.conftest import connect
from tests.emulator.support import EMAIL, WEBHOOK, body, create, start

for number in range(3):
    emulator = Emulator(store=f"{sys.argv[1]}/{number}.db").start()
    client = connect(emulator)
    workflow_id = create(client, body(WEBHOOK, EMAIL))
    for _ in range(3):
        start(client, workflow_id, [{"n": n} for n in range(5_000)])
"""


@pytest.mark.slow
def test_process_may_end_while_runs_write(tmp_path):
    """Its threads find a closed store, and say nothing."""
    program = [sys.executable, "-c", ENDING, tmp_path]
    for _ in range(5):
        ended = subprocess.run(program, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_second_owner_waits_and_names_the_first(tmp_path):
    path = tmp_path / "store.db"
    with closing(Store(path)), pytest.raises(ConfigError) as caught:
        Store(path, patience=0.1)

    assert f"process {os.getpid()} has it open" in str(caught.value)
    assert caught.value.url is None
    with closing(Store(path, patience=0)) as store:
        assert store.id


def test_served_store_tells_its_address(tmp_path):
    path = tmp_path / "store.db"
    with Emulator(store=path) as emulator:
        with pytest.raises(ConfigError) as caught:
            Store(path)
        url = emulator.url

    assert caught.value.url == url


def test_lock_ends_with_its_process(tmp_path):
    path = tmp_path / "store.db"
    program = (
        "import sys, time; from flow64.emulator.store import Store; "
        "store = Store(sys.argv[1]); print(1, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, path], stdout=subprocess.PIPE
    )
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()

    with closing(Store(path, patience=0)) as store:
        assert store.id


def test_store_has_an_id_of_its_own(tmp_path):
    ids = []
    for name in ("a.db", "b.db", "a.db"):
        with closing(Store(tmp_path / name)) as store:
            ids.append(store.id)

    assert (ids[2], len(set(ids))) == (ids[0], 2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: path.write_bytes(b"no database" * 100), "not a database"),
        (lambda path: path.mkdir(), "unable to open"),
        (lambda path: os.mkfifo(f"{path}.lock"), "is not a file"),
        (
            lambda path: Path(f"{path}.lock").symlink_to("/etc/passwd"),
            "cannot be locked",
        ),
    ],
    ids=["other file", "folder", "fifo", "link"],
)
def test_file_that_is_no_store_is_refused(tmp_path, make, words):
    make(tmp_path / "store.db")

    with pytest.raises(ConfigError) as caught:
        Store(tmp_path / "store.db", patience=0)
    assert words in str(caught.value) or "directory" in str(caught.value)


def test_store_is_private(tmp_path):
    Store(tmp_path / "store.db").close()

    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}


def test_failed_transaction_changes_nothing():
    with closing(Store()) as store:
        with suppress(ZeroDivisionError), store.transaction():
            store.add_rows("owner", [{"a": 1}])
            raise ZeroDivisionError
        assert list(store.rows("owner")) == []


def test_rows_of_owners_are_apart():
    with closing(Store()) as store:
        store.add_rows("run/1", ({"n": n} for n in range(1_200)))
        store.add_rows("run/10", [{"n": -1}])
        store.add_rows("run/1", [{"n": 1_200}])
        assert [row["n"] for row in store.rows("run/1")] == [*range(1_201)]
        store.remove_rows("run/1")
        assert list(store.rows("run/10")) == [{"n": -1}]


def test_request_to_a_closed_store_is_answered(emulator, client):
    emulator.store.close()
    reply = client.get("/_emulator/health")

    assert (reply.status_code, "store" in reply.json()["detail"]) == (503, True)
