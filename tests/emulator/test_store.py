"""The store: records, rows, transactions, and files that fail."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread

import pytest
from attrs import evolve

from flow64.emulator import Emulator, Store
from flow64.emulator._records import (
    BlockState,
    ClaimRecord,
    GraphRecord,
    NotebookRecord,
    OutboxRecord,
    RunRecord,
    ScheduleRecord,
    SigningSecretRecord,
    SpendingRecord,
    UploadRecord,
    WorkflowRecord,
)
from flow64.emulator._store import CHUNK, PAGE
from flow64.emulator._store_file import APPLICATION, SCHEMA, TABLES
from flow64.errors import EmulatorStoreError
from flow64.http import httpx
from tests.emulator.support import LEADS, NO_CERTIFICATES, in_process

NOW = datetime(2026, 6, 1, 10, 0, 0, 123456, tzinfo=UTC)
AWKWARD = {"é": ["\0", "\u2028", "🐙", None, True, 1, 1.0, -0.0, 2**60, {}], "": []}
"""Keys and values that a careless store changes."""


def workflow(id="a", org_id="org", **more):
    return WorkflowRecord(
        id=id,
        org_id=org_id,
        name=more.pop("name", "Leads"),
        description="",
        definition=more.pop("definition", {"blocks": [], "edges": []}),
        created_at=NOW,
        updated_at=NOW,
        **more,
    )


def run(id="r"):
    return RunRecord(
        id=id,
        workflow_id="a",
        org_id="org",
        workflow_name="Leads",
        formats=["csv", "json"],
        has_payload=True,
        queued_at=NOW,
        updated_at=NOW,
        blocks_count=3,
        started_at=NOW + timedelta(microseconds=1),
    )


def spending(id="p", cost=0.5, org_id="org"):
    return SpendingRecord(
        id=id,
        org_id=org_id,
        workflow_id="a",
        run_id=None,
        kind="find_email",
        rows=1,
        credits=cost,
        created_at=NOW,
    )


def claim(id="c", run_id="r"):
    return ClaimRecord(id=id, run_id=run_id)


RECORDS = {
    "workflows": workflow(definition=AWKWARD, extra=AWKWARD, last_run_date=NOW),
    "runs": run(),
    "graphs": GraphRecord(id="r", data=AWKWARD),
    "claims": claim(),
    "blocks": BlockState(
        run_id="r",
        position=0,
        block_id="b",
        kind="filter",
        number=1,
        parents=["x"],
        row_kind="LEAD",
        started_at=NOW,
        sizes={"csv": 1},
    ),
    "sent": OutboxRecord(
        id="s",
        org_id="org",
        run_id="r",
        block_id="b",
        kind="outgoing_webhook",
        position=2,
        target=None,
        outcome="kept",
        created_at=NOW,
    ),
    "spendings": spending(),
    "notebooks": NotebookRecord(
        id="org/n",
        org_id="org",
        notebook_id="n",
        name="é",
        row_count=0,
        updated_at=NOW,
    ),
    "uploads": UploadRecord(
        id="u", org_id="org", filename="a.csv", row_count=2, created_at=NOW
    ),
    "schedules": ScheduleRecord(
        id="d",
        org_id="org",
        workflow_id="a",
        name="daily",
        cron_expression="0 9 * * *",
        timezone="Europe/Berlin",
        created_at=NOW,
        updated_at=NOW,
    ),
    "secrets": SigningSecretRecord(id="k", org_id="org", plaintext="p", created_at=NOW),
}


def test_every_table_is_tried():
    """The next test has a record of each."""
    assert {type(record) for record in RECORDS.values()} == set(TABLES)


@pytest.fixture
def store():
    with Store() as made:
        yield made


@pytest.fixture
def path(tmp_path):
    return tmp_path / "emulator.db"


# -- Records --------------------------------------------------------------------------


@pytest.mark.parametrize("table", RECORDS)
def test_records_come_back_as_they_were(path, table):
    """Times, nested data and unusual text survive."""
    record = RECORDS[table]
    parent = getattr(record, TABLES[type(record)][1])
    with Store(path) as first:
        assert getattr(first, table).add(record)
    with Store(path) as again:
        there = getattr(again, table)
        found = [
            there.get(record.id),
            *there.of(parent),
            *there.newest(parent),
            *there.all(),
        ]

    assert found == [record] * 4
    assert repr(found[0]) == repr(record)


def test_records_are_listed_in_order_under_their_parent(store):
    """In the order in which they were added."""
    for name, org in (("z", "one"), ("a", "two"), ("m", "one"), ("b", "one")):
        store.workflows.add(workflow(name, org))
    table = store.workflows

    assert [found.id for found in table.of("one")] == ["z", "m", "b"]
    assert [found.id for found in table.newest("one")] == ["b", "m", "z"]
    assert [found.id for found in table.all()] == ["z", "a", "m", "b"]
    assert [table.of("none"), [*table.newest("none")]] == [[], []]


def test_newest_reads_on_while_records_are_added(store):
    """Each record once, over several pages, without later ones."""
    count = 2 * PAGE + 1
    for number in range(count):
        store.claims.add(claim(str(number)))
    seen = []
    for number, found in enumerate(store.claims.newest("r")):
        seen.append(int(found.id))
        store.claims.add(claim(f"later {number}"))

    assert seen == [*reversed(range(count))]


def test_records_of_all_parents_have_places(store):
    """The checksum of a place tells that its record has changed."""
    for number in range(3):
        store.claims.add(claim(str(number), f"r{1 - number % 2}"))
    before = store.claims.checksums()
    store.claims.change("1", lambda old: evolve(old, run_id="r9"))
    after = store.claims.checksums()

    assert [store.claims.at(place).id for place, _ in before] == ["2", "1", "0"]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]
    assert store.claims.at(99) is None
    assert store.claims.parents() == ["r1", "r9"]
    assert store.claims.counts() == {"r1": 2, "r9": 1}


def test_what_was_spent_is_summed(store):
    """By organisation. Unknown prices count nothing."""
    for number, cost in enumerate((0.5, 2, None)):
        store.spendings.add(spending(str(number), cost))
    store.spendings.add(spending("other", 9, "other"))

    assert [store.spent(org) for org in ("org", "other", "nobody")] == [
        2.5,
        9,
        0,
    ]


def test_taken_id_is_not_added(store):
    """The first record stays."""
    outcomes = [store.workflows.add(workflow(name=name)) for name in ("one", "two")]

    assert outcomes == [True, False]
    assert store.workflows.get("a").name == "one"


def test_put_adds_or_replaces_in_place(store):
    """A replaced record keeps its place in lists."""
    for id_, name in (("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")):
        store.workflows.put(workflow(id_, name=name))

    found = [(found.id, found.name) for found in store.workflows.of("org")]
    assert found == [("a", "3"), ("b", "2"), ("c", "4")]


def test_replaced_record_can_move_to_another_parent(store):
    """It is listed only there."""
    store.workflows.put(workflow(org_id="one"))
    store.workflows.put(workflow(org_id="two"))

    assert store.workflows.of("one") == []
    assert len(store.workflows.of("two")) == 1


def test_change_gives_what_it_made(store):
    """It returns the result of the function."""
    store.runs.add(run())

    changed = store.runs.change("r", lambda run: evolve(run, status="running"))

    assert changed.status == "running"
    assert store.runs.get("r") == changed


def test_change_of_nothing_is_an_error(store):
    """There is no record to change."""
    with pytest.raises(KeyError, match="nobody"):
        store.runs.change("nobody", lambda run: run)


def test_changes_of_many_threads_are_all_kept(store):
    """Reading and writing are one transaction."""
    store.runs.add(run())

    def count():
        for _ in range(50):
            store.runs.change("r", lambda run: evolve(run, unlisted=run.unlisted + 1))

    in_threads(count, 4)

    assert store.runs.get("r").unlisted == 200


def test_remove_says_whether_there_was_one(store):
    """Once True, then False."""
    store.runs.add(run())

    assert [store.runs.remove("r") for _ in range(2)] == [True, False]
    assert store.runs.get("r") is None


# -- Rows -----------------------------------------------------------------------------


def test_rows_come_back_in_order(store):
    """Over chunks of any size, added in parts."""
    rows = [{"n": number, **AWKWARD} for number in range(2 * CHUNK + 3)]

    counts = [
        store.add_rows("o", iter(part))
        for part in (rows[:1], rows[1:1], rows[1 : CHUNK + 2], rows[CHUNK + 2 :])
    ]

    assert counts == [1, 0, CHUNK + 1, CHUNK + 1]
    assert [*store.rows("o")] == rows
    assert [len(chunk) for chunk in store.chunks("o")] == [1, CHUNK, 1, CHUNK, 1]
    assert [*store.rows("nobody")] == []


def test_rows_are_there_as_text_too(store):
    """Chunks as JSON lists in UTF-8, and their size."""
    store.add_rows("o", [{"é": 1}])
    store.add_rows("o", [{}])
    texts = [*store.texts("o")]

    assert [json.loads(text) for text in texts] == [[{"é": 1}], [{}]]
    assert store.size("o") == sum(map(len, texts))
    assert store.size("nobody") == 0


def test_rows_are_copied_behind_those_there(store):
    """Also to an owner with rows, and to the same owner."""
    store.add_rows("one", [{"n": 1}, {"n": 2}])
    store.add_rows("two", [{"n": 0}])

    for source, target in (("one", "two"), ("two", "two"), ("nobody", "two")):
        store.copy_rows(source, target)

    assert [row["n"] for row in store.rows("two")] == [0, 1, 2, 0, 1, 2]
    assert [row["n"] for row in store.rows("one")] == [1, 2]


def test_removed_rows_leave_others(store):
    """An owner's, all of them."""
    store.add_rows("one", [{"n": 1}])
    store.add_rows("two", [{"n": 2}])
    store.remove_rows("one")

    assert [[*store.rows("one")], [*store.rows("two")]] == [[], [{"n": 2}]]


def test_rows_are_read_lazily_while_others_write(store):
    """A reader blocks no writer, and reads rows that are added before its end."""
    store.add_rows("o", ({"n": n} for n in range(3 * CHUNK)))
    reader = store.rows("o")
    first = next(reader)

    in_threads(lambda: store.add_rows("o", ({"n": n} for n in range(CHUNK))), 1)

    assert first == {"n": 0}
    assert sum(1 for _ in reader) == 4 * CHUNK - 1


def test_rows_can_be_made_from_the_rows_read(store):
    """One thread reads and writes in turn, as a block does."""
    store.add_rows("in", ({"n": n} for n in range(3 * CHUNK)))

    count = store.add_rows("out", ({"n": -row["n"]} for row in store.rows("in")))

    assert count == 3 * CHUNK
    assert sum(row["n"] for row in store.rows("out")) == -sum(range(3 * CHUNK))


# -- Steps ----------------------------------------------------------------------------


def test_transaction_is_undone_by_an_exception(store):
    """With all records and rows, also of a nested transaction."""

    def fail():
        with store.transaction():
            store.claims.add(claim())
            with store.transaction():
                store.add_rows("o", [{"n": 1}])
            1 / 0

    with pytest.raises(ZeroDivisionError):
        fail()

    assert [store.claims.all(), [*store.rows("o")]] == [[], []]
    assert store.claims.add(claim())


def test_nested_transactions_are_saved_by_the_outermost(path):
    """A nested one alone saves nothing."""
    with Store(path) as store:
        with suppress(ZeroDivisionError), store.transaction():
            with store.transaction():
                store.claims.add(claim("undone"))
            1 / 0
        with store.transaction(), store.transaction():
            store.claims.add(claim("kept"))
    with Store(path) as store:
        found = [record.id for record in store.claims.all()]

    assert found == ["kept"]


def test_other_threads_wait_for_a_transaction(store):
    """They see all of it or nothing."""
    seen, is_asking = [], Event()

    def look():
        is_asking.set()
        seen.append(len(store.claims.all()))

    with store.transaction():
        store.claims.add(claim("one"))
        looking = Thread(target=look)
        looking.start()
        is_asking.wait()
        time.sleep(0.02)
        store.claims.add(claim("two"))
    looking.join()

    assert seen == [2]


def in_threads(work, count):
    threads = [Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# -- The end of the process -----------------------------------------------------------

WRITERS = """
import itertools, os, sys
from flow64.emulator._records import ClaimRecord
from flow64.emulator._store import Store

def write(round_):
    print(os.getpid(), flush=True)  # by itself, so that it comes before all numbers
    store = Store(sys.argv[1])
    for number in itertools.count():
        with store.transaction():
            store.claims.add(ClaimRecord(id=f"{round_}/{number}", run_id=round_))
            store.add_rows(f"{round_}/{number}", [{"n": number}] * 50)
            store.add_rows(f"{round_}/{number}", [{"n": number}] * 50)
        print(f"{number}\\n", end="", flush=True)  # one write, unbuffered too

for line in sys.stdin:
    child = os.fork() or write(line.strip())
    os.waitpid(child, 0)
    print("ended", flush=True)
"""
"""For each line of its input, a process that writes until it is killed.

They are forked, since starting takes long.
"""

SERVER = """
import sys, time
from flow64.emulator import Emulator

print(Emulator(store=sys.argv[1]).start().url, flush=True)
time.sleep(60)
"""


def started(program, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def reopened(path):
    """A store whose process was killed, which must be whole and quick to open."""
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    began = time.monotonic()
    store = Store(path)
    assert time.monotonic() - began < 2
    return store


@pytest.mark.slow
def test_killed_process_loses_no_write_it_acknowledged(path):
    """SIGKILL while writes go on, 20 times: each is there whole, or not at all."""
    luck = random.Random(64)
    before = 0
    with started(WRITERS, path) as writers:
        for round_ in range(20):
            last = last_acknowledged(writers, round_, luck.randrange(1, 900))
            with reopened(path) as store:
                found = [record.id for record in store.claims.of(str(round_))]
                sizes = {sum(1 for _ in store.rows(name)) for name in found}
                # What was being written when it was killed must not be there half.
                next_rows = [*store.rows(f"{round_}/{len(found)}")]
                total = sum(store.claims.counts().values())

            assert found[: last + 1] == [f"{round_}/{n}" for n in range(last + 1)]
            assert sizes == {100}
            assert next_rows == []
            assert total == before + len(found)
            before = total


def last_acknowledged(writers, round_, enough):
    """Kill a writer after so many acknowledgements, and read those on their way."""
    writers.stdin.write(f"{round_}\n")
    writers.stdin.flush()
    pid = int(writers.stdout.readline())
    last = -1
    while (line := writers.stdout.readline()) != "ended\n":
        last = int(line)
        if last == enough:
            os.kill(pid, signal.SIGKILL)
    return last


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(4))
def test_killed_emulator_loses_no_workflow_it_answered(path, round_):
    """The same over HTTP, with several clients."""
    answered = []
    with started(SERVER, path) as child:
        url = child.stdout.readline().strip()

        def write():
            with httpx.Client(
                base_url=url, headers={"x-api-key": "k"}, verify=NO_CERTIFICATES
            ) as client:
                for _ in range(500):
                    try:
                        reply = client.post("/workflows/create_workflow", json=LEADS)
                    except httpx.TransportError:
                        return
                    answered.append(reply.json()["id"])

        writing = [Thread(target=write) for _ in range(2)]
        for thread in writing:
            thread.start()
        enough = random.Random(round_).randrange(20, 200)
        while len(answered) < enough and writing[0].is_alive():
            time.sleep(0.001)
        child.kill()
        for thread in writing:
            thread.join()
    with reopened(path) as store:
        kept = {record.id for record in store.workflows.all()}

    assert enough <= len(answered) < 1000
    assert set(answered) <= kept


# -- Files that cannot be used --------------------------------------------------------


def refusal(path):
    """The words with which a file is refused, its name taken out."""
    with pytest.raises(EmulatorStoreError) as caught:
        Store(path)
    return str(caught.value).replace(f"store {path}:", "store FILE:")


def filled(path, records=200):
    """A closed store with things in it."""
    with Store(path) as store:
        for number in range(records):
            store.workflows.add(workflow(str(number), definition=AWKWARD))
        store.add_rows("o", ({"n": n, "text": "x" * 100} for n in range(2000)))
    return path


CANNOT_BE_OPENED = (
    "the emulator's store FILE: it cannot be opened; "
    "name a file in a folder that exists and can be written to"
)
READ_ONLY = (
    "the emulator's store FILE: it cannot be written to; "
    "change its mode, or name another file"
)
IN_USE = (
    "the emulator's store FILE: another program has it open; "
    "stop that emulator first, or name another file"
)


def test_file_is_open_once(path):
    """A second store is refused, here and in another process, until the first ends."""
    program = """if True:
        import sys
        from flow64.emulator._store import Store
        try:
            Store(sys.argv[1])
        except Exception as error:
            print(error.problem)
    """
    with Store(path) as first:
        first.claims.add(claim())
        words = refusal(path)
        with started(program, path) as child:
            from_another_process = child.stdout.read().strip()
    with Store(path) as again:
        found = again.claims.get("c")

    assert words == IN_USE
    assert from_another_process == "another program has it open"
    assert found == claim()


def test_file_that_another_program_has_locked_is_refused(path):
    """Whatever it does with it."""
    filled(path)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        words = refusal(path)
    other.close()

    assert words == IN_USE


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"xy", "it is not a database of the emulator"),
        (b"hello\n" * 1000, "it is not a database of the emulator"),
        (b"SQLite format 3\0", "it is not a database of the emulator"),
        (b"SQLite format 3\0" + b"\xff" * 5000, "it is not a database of the emulator"),
    ],
    ids=["bytes", "text", "start", "header"],
)
def test_garbage_is_refused_and_left_alone(path, content, problem):
    """It may belong to another program."""
    path.write_bytes(content)

    words = refusal(path)

    assert words == f"the emulator's store FILE: {problem}; name another file"
    assert path.read_bytes() == content


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_file_of_another_program_is_refused_and_left_alone(path, mode):
    """Byte by byte, in each of SQLite's ways to write."""
    other = sqlite3.connect(path)
    other.execute(f"PRAGMA journal_mode = {mode}")
    other.execute("CREATE TABLE theirs (a)")
    other.close()
    before = path.read_bytes()

    words = refusal(path)

    belongs = "it belongs to another program; name another file"
    assert words == f"the emulator's store FILE: {belongs}"
    assert path.read_bytes() == before
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_file_of_a_later_flow64_is_refused_and_left_alone(path):
    """What a later version wrote must not be read as something else."""
    filled(path)
    later = sqlite3.connect(path)
    later.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    later.close()
    before = path.read_bytes()

    words = refusal(path)

    assert words == (
        "the emulator's store FILE: it was written by a later flow64; "
        "install that, or name another file"
    )
    assert path.read_bytes() == before


@pytest.mark.parametrize("kept", [0.97, 0.5, 0.1, 0.01])
def test_truncated_file_is_noticed(path, kept):
    """A part of a file is refused, or an error where what is missing is read."""
    whole = filled(path).read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])

    assert "it is damaged" in damage(path, whole)


@pytest.mark.parametrize(
    "content", [b"\0", b"\xff", None], ids=["zeros", "ones", "noise"]
)
def test_overwritten_page_is_noticed(path, content):
    """Each page of a file in turn: refused, or an error where it is read."""
    whole = filled(path).read_bytes()
    noise = random.Random(7).randbytes(4096)
    for start in range(0, len(whole), 4096):
        page = noise if content is None else content * 4096
        path.write_bytes(whole[:start] + page + whole[start + 4096 :])

        assert damage(path, whole) is not None, start


def test_flipped_bits_are_noticed(path):
    """In the structure or in what is stored: never other data, never less of it."""
    whole = filled(path, records=20).read_bytes()
    luck = random.Random(65)
    outcomes = []
    for _ in range(150):
        changed = bytearray(whole)
        changed[luck.randrange(100, len(whole))] ^= 1 << luck.randrange(8)
        path.write_bytes(changed)
        outcomes.append(damage(path, whole))

    # Where nothing is stored a flip does no harm, and none is named.
    assert "it is damaged" in {found and found.split(" (")[0] for found in outcomes}


def damage(path, whole):
    """What is said of a damaged file; None where all of it is read, and right."""
    for name in ("-wal", "-shm"):
        Path(f"{path}{name}").unlink(missing_ok=True)
    try:
        with Store(path) as store:
            found = everything(store)
    except EmulatorStoreError as error:
        return error.problem
    path.write_bytes(whole)
    with Store(path) as store:
        assert found == everything(store)
    return None


def everything(store):
    ids = [record.id for record in store.workflows.all()]
    listed = [record.id for record in store.workflows.newest("org")]
    one = [store.workflows.get(name) for name in ids]
    return ids, listed, one, [*store.rows("o")]


def test_names_that_are_no_file_are_refused(tmp_path):
    """A folder, a missing folder, a folder that is a file, no name at all."""
    (tmp_path / "file").write_bytes(b"")

    assert refusal(tmp_path) == CANNOT_BE_OPENED
    assert refusal(tmp_path / "missing" / "file") == CANNOT_BE_OPENED
    assert refusal(tmp_path / "file" / "file") == CANNOT_BE_OPENED
    assert "a file needs a name" in refusal("")


@pytest.fixture
def open_folder():
    """A folder that anybody can reach, since modes say nothing to root."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


@contextmanager
def as_nobody():
    """Without the rights of root, where they are there."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_file_that_cannot_be_written_is_refused(open_folder):
    """A file that is read-only, or that may not be read at all."""
    path = filled(open_folder / "emulator.db")
    words = []
    for mode in (0o444, 0o000):
        path.chmod(mode)
        with as_nobody():
            words.append(refusal(path))

    assert words == [READ_ONLY, CANNOT_BE_OPENED]


def test_folder_that_cannot_be_written_is_refused(open_folder):
    """SQLite needs to create files next to the store."""
    path = filled(open_folder / "emulator.db")
    path.chmod(0o666)
    open_folder.chmod(0o555)
    with as_nobody():
        words = [refusal(path), refusal(open_folder / "new.db")]

    assert ["it cannot be" in said for said in words] == [True, True]


# -- A disk that is full --------------------------------------------------------------

FULL = "the disk is full, so nothing of this step was saved; make room and try again"


def fill(store):
    """Let no page be added any more."""
    pages = store.fetch("PRAGMA page_count")[0][0]
    store.fetch(f"PRAGMA max_page_count = {pages}")


def make_room(store):
    store.fetch("PRAGMA max_page_count = 1000000")


BIG = {"text": "x" * 100_000}


def add_half(store):
    """A step whose first half has room."""
    with store.transaction():
        store.claims.add(claim("half"))
        store.add_rows("o", [BIG])


def test_full_disk_is_said_and_nothing_half_is_there(path):
    """Reads continue, the step is undone, and it works again with room."""
    with Store(path) as store:
        store.claims.add(claim("before"))
        store.add_rows("o", [{"n": 1}])
        fill(store)
        with pytest.raises(EmulatorStoreError, match=FULL):
            add_half(store)
        with pytest.raises(EmulatorStoreError, match=FULL):
            store.workflows.add(workflow(definition=BIG))
        seen = [record.id for record in store.claims.all()], [*store.rows("o")]
        make_room(store)
        store.claims.add(claim("after"))
    with Store(path) as store:
        kept = [record.id for record in store.claims.all()], [*store.rows("o")]

    assert seen == (["before"], [{"n": 1}])
    assert kept == (["before", "after"], [{"n": 1}])


def test_full_disk_that_is_caught_inside_undoes_the_whole_step(store):
    """What follows it inside is not saved alone."""
    fill(store)

    def go_on():
        with store.transaction():
            store.claims.add(claim("before"))
            with suppress(EmulatorStoreError):
                store.add_rows("o", [BIG])
            store._connection.execute("PRAGMA max_page_count = 1000000")
            store.claims.add(claim("after"))

    with pytest.raises(EmulatorStoreError, match=FULL):
        go_on()

    assert store.claims.all() == []
    assert store.claims.add(claim())


def test_disk_that_refuses_is_said_and_nothing_half_is_there(path):
    """A quota, here the maximum size of a file, reached while saving."""
    with Store(path) as store:
        store.claims.add(claim("before"))
        size = Path(f"{path}-wal").stat().st_size
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50_000, hard))
        try:
            with pytest.raises(EmulatorStoreError) as caught:
                add_half(store)
            seen = [record.id for record in store.claims.all()]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        store.claims.add(claim("after"))
    with Store(path) as store:
        kept = [record.id for record in store.claims.all()], [*store.rows("o")]

    assert "nothing of this step was saved" in str(caught.value)
    assert seen == ["before"]
    assert kept == (["before", "after"], [])


# -- The end --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.claims.all(),
        lambda store: store.claims.get("c"),
        lambda store: store.claims.add(claim()),
        lambda store: store.add_rows("o", [{}]),
        lambda store: [*store.rows("o")],
        lambda store: store.transaction().__enter__(),
    ],
    ids=["all", "get", "add", "add_rows", "rows", "transaction"],
)
def test_closed_store_says_so(use):
    """Closing twice does nothing. Any later use is one kind of error."""
    store = Store()
    store.close()
    store.close()

    with pytest.raises(EmulatorStoreError, match="it was closed; open it again"):
        use(store)


def test_store_closed_inside_a_transaction_saves_nothing(path):
    """Not even a part of it."""

    def close_inside():
        with Store(path) as store, store.transaction():
            store.claims.add(claim())
            store.close()

    with pytest.raises(EmulatorStoreError, match="it was closed"):
        close_inside()
    with Store(path) as again:
        assert again.claims.all() == []


@pytest.mark.parametrize("way", ["removed", "replaced"])
def test_file_that_is_gone_takes_no_writes(tmp_path, monkeypatch, way):
    """Writes are refused with 503 until the file is back."""
    monkeypatch.chdir(tmp_path)
    path = Path("emulator.db")
    emulator = Emulator(store=path)
    with in_process(emulator, base_url="http://emulator") as client:
        monkeypatch.chdir("/")
        before = client.post("/webhooks/signing-secret", headers={"x-api-key": "any"})
        path = tmp_path / path
        path.rename(tmp_path / "kept.db")
        if way == "replaced":
            path.write_bytes((tmp_path / "kept.db").read_bytes())
        gone = client.post("/webhooks/signing-secret", headers={"x-api-key": "any"})
        (tmp_path / "kept.db").rename(path)
        after = client.post("/webhooks/signing-secret", headers={"x-api-key": "any"})
    emulator.stop()

    assert [reply.status_code for reply in (before, gone, after)] == [201, 503, 201]
    assert "removed or replaced" in gone.json()["detail"]
    with Store(path) as store:
        assert len(store.secrets.all()) == 2


def test_file_says_whose_it_is(path):
    """SQLite's application id marks it, with the version of its tables."""
    with Store(path):
        pass
    with sqlite3.connect(path) as connection:
        marks = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version", "journal_mode")
        ]
    connection.close()

    assert marks == [APPLICATION, SCHEMA, "wal"]


# -- Who may read it -------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="there are no such modes here")
def test_new_file_is_for_its_owner_alone(tmp_path):
    """Rows and signing secrets are in it, and in what SQLite keeps beside it."""
    old = os.umask(0)
    try:
        with Emulator(store=tmp_path / "emulator.db") as emulator:
            url, key = f"{emulator.url}/workflows/create_workflow", {"x-api-key": "k"}
            httpx.post(url, json=LEADS, headers=key, verify=NO_CERTIFICATES)
            modes = {
                file.name: oct(file.stat().st_mode & 0o777)
                for file in tmp_path.iterdir()
            }
    finally:
        os.umask(old)

    names = ("emulator.db", "emulator.db-wal", "emulator.db-address")
    assert modes == dict.fromkeys(names, "0o600")


@pytest.mark.skipif(os.name != "posix", reason="there are no such modes here")
def test_mode_of_a_file_that_is_there_is_its_owners(tmp_path):
    """It may be shared on purpose."""
    path = tmp_path / "emulator.db"
    Store(path).close()
    path.chmod(0o640)

    Store(path).close()

    assert oct(path.stat().st_mode & 0o777) == "0o640"
