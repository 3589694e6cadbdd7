"""Results: files that are complete or absent, their rows, and proof."""

from __future__ import annotations

import gzip
import tracemalloc
from uuid import uuid4

import pytest

from flow64 import errors
from flow64.api.answers import ResultItem
from flow64.api.auth import Key
from flow64.api.network import Policy
from flow64.api.session import Session
from flow64.runs.journal import Journal
from flow64.runs.results import (
    download,
    form_of,
    list_files,
    read_rows,
    save_csv,
)
from flow64.runs.state import RunState, Stages, digest_rows, fetch_run
from tests.runs.fake_service import CODE, ROWS, Bought, FakeService
from tests.service.fault_server import Drop, FaultServer, Hang, Reply

LINKS = "/workflows/runs/*/results/download-links"
CSV = b"email,title\r\n" + b"".join(b"a%d@x.example,Boss\r\n" % n for n in range(60))


@pytest.fixture
def service():
    service = FakeService()
    service.runs.append(Bought("r1", CODE.id(), "k", ROWS))
    return service


def run_of(session, run_id="r1", **facts):
    ledger = Journal(None).of(session.place, CODE.id())
    return RunState(run_id, ledger, **facts)


def item(url, content=CSV, **facts):
    """A result file as it is listed."""
    return {
        "filename": "block_2.csv",
        "block_number": 2,
        "row_count": content.count(b"\n") - 1,
        "file_size": len(content),
        "content_type": "text/csv",
        "download_url": url,
        **facts,
    }


def names(folder):
    return [path.name for path in folder.iterdir()]


# -- Which file -----------------------------------------------------------------------


def test_final_file_has_the_highest_number(service):
    """Whatever the order of the list; a block is named by its number or its kind."""
    blocks = [("webhook", 1), ("find_email", 2), ("find_email", 3)]
    service.blocks = [
        {"block_name": kind, "sequence_number": number} for kind, number in blocks
    ]
    session = service.session()

    def stage(block=None):
        return [
            row.raw["stage"] for row in read_rows(session, run_of(session), block=block)
        ]

    assert (stage(), stage(1), stage("webhook"), stage("find_email-2")) == (
        [3],
        [1],
        [1],
        [2],
    )
    with pytest.raises(errors.BuildError, match="find_emai"):
        stage("find_emai")


def test_run_that_has_not_completed_gives_no_rows(service):
    """Its last file is not the final one, but every stage can be had."""
    session = service.session()
    for status, kind in (
        ("running", errors.WaitTimeoutError),
        ("failed", errors.RunFailedError),
    ):
        service.runs[0].status = status
        with pytest.raises(kind):
            read_rows(session, run_of(session))
    assert len(list_files(session, run_of(session))) == 3


def test_workflow_with_several_ends_needs_a_block(service):
    """Nothing is guessed."""
    session = service.session()
    run = run_of(session)
    run.stages = Stages({"a": 1, "b/c": 2}, ["a", "b/c"])

    with pytest.raises(errors.RunError):
        read_rows(session, run)
    assert [row.raw["stage"] for row in read_rows(session, run, block="b/c")] == [2]


def test_path_rule(service, tmp_path):
    """What ends like a result is a file, in this format; all else is a folder."""
    service.files = {"/store/a": CSV}
    service.items = [item("https://api.example.com/store/a")]
    session = service.session()
    run = run_of(session)

    assert download(session, run, tmp_path / "x.csv") == [tmp_path / "x.csv"]
    assert download(session, run, tmp_path / "x") == [tmp_path / "x/block_2.csv"]
    assert (tmp_path / "x.csv").read_bytes() == CSV
    with pytest.raises(errors.RowsError, match="exists"):
        download(session, run, tmp_path / "x.csv")
    with pytest.raises(errors.BuildError):
        download(session, run, tmp_path / "y.csv", every_stage=True)
    with pytest.raises(errors.BuildError, match=r"\.csv, .*\.parquet"):
        download(session, run, tmp_path / "y.xlsx")
    service.items = []
    with pytest.raises(errors.ResultError, match="ndjson"):
        download(session, run, tmp_path / "z.ndjson")


@pytest.mark.parametrize(
    ("content_type", "name", "form"),
    [
        (None, "a.JSON", "json"),
        ("text/csv; charset=utf-8", "a.json", "csv"),
        ("application/x-ndjson", "a", "ndjson"),
        ("application/json", "a.ndjson", "ndjson"),
        ("application/octet-stream", "a", "csv"),
    ],
)
def test_format_comes_from_type_or_name(content_type, name, form):
    """The type counts first."""
    assert form_of(ResultItem(name, content_type=content_type)) == form


def test_rows_in_the_list_are_saved_without_a_link(service, tmp_path):
    """A small file has none."""
    session = service.session()

    count = save_csv(session, run_of(session), tmp_path / "rows.csv")

    assert (count, (tmp_path / "rows.csv").read_text()) == (
        1,
        "email,stage\nada@example.com,3\n",
    )


def test_header_without_rows_is_saved(service, tmp_path):
    """The columns of a result that is empty."""
    service.files = {"/store/a": b"email,title\r\n"}
    service.items = [item("https://api.example.com/store/a", b"email,title\r\n")]
    session = service.session()

    assert save_csv(session, run_of(session), tmp_path / "rows.csv") == 0
    assert (tmp_path / "rows.csv").read_text() == "email,title\n"


# -- Proof ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "is_ours"),
    [
        ([{"a": "1", "b": ""}, {"a": "x", "c": 1}], True),  # as CSV has them
        ([{"a": "x"}, {"a": 1.0}], True),  # in any order
        ([{"a": 1}], False),
        ([{"a": 1}, {"a": "y"}], False),
        ([{"a": 1}, {"a": "x"}, {"a": "x"}], False),
    ],
)
def test_rows_prove_whose_they_are(rows, is_ours):
    """Whatever a stage adds, and a file makes of a cell."""
    proof = digest_rows([{"a": 1}, {"a": "x"}], ["a"])

    assert (digest_rows(rows, proof["columns"]) == proof) is is_ours


def test_run_that_is_fetched_by_its_id_is_still_presumed(service, tmp_path):
    """The next process reads that from the journal, and proves it."""
    session, journal = service.session(), Journal(tmp_path / "j")
    ledger = journal.of(session.place, CODE.id())
    key = str(uuid4())
    facts = dict.fromkeys(("digest", "env", "root", "code", "writer"), "x")
    facts |= {"intent": "a", "index": None, "known": [], "seconds": 0}
    ledger.write_intent(key=key, proof=digest_rows(ROWS, ["email"]), **facts)
    ledger.write_run(key, "r1", is_presumed=True)

    run = fetch_run(session, journal, "r1")

    assert (run.is_presumed, run.workflow_id) == (True, CODE.id())
    assert len(list_files(session, run)) == 3
    assert (run.is_presumed, ledger.memory().of_job("r1").is_presumed) == (False, False)


# -- Downloads ------------------------------------------------------------------------


@pytest.fixture
def server():
    with FaultServer() as server:
        yield server


@pytest.fixture
def session(server):
    policy = Policy(timeout=0.4, deadline=3, retries=0, requests_per_minute=None)
    with_key = Session(server.url, Key("SENTINEL-KEY"), policy)
    status = {"overall_status": "completed", "workflow_id": CODE.id()}
    server.always("GET", "*/live_status", Reply(200, status))
    yield with_key
    with_key.close()


def listed(server, **facts):
    """Let the server list a file that it stores."""
    server.always("GET", LINKS, Reply(200, [item(f"{server.url}/store/a", **facts)]))


WHOLE = Reply(200, CSV)
CUTS = [
    Drop("reset"),
    Drop("close"),
    Hang(0.6),
    Reply(200, CSV, cut=50),
    Reply(200, CSV, cut=50, ending="reset"),
    Reply(200, CSV[:50]),
    Reply(200, CSV[:50], length=None),
    Reply(200, CSV, is_chunked=True, cut=50),
    Reply(200, gzip.compress(CSV)[:50], {"content-encoding": "gzip"}),
    Reply(200, b"not gzip", {"content-encoding": "gzip"}),
    Reply(500),
    Reply(403),
    Reply(404),
]


@pytest.mark.parametrize("cut", CUTS, ids=range(len(CUTS)))
def test_download_that_breaks_off_is_tried_again_whole(cut, server, session, tmp_path):
    """With a fresh link; and neither key nor cookie goes to the store."""
    listed(server)
    server.on("GET", "/store/a", cut, cut)
    server.always("GET", "/store/a", Reply(200, CSV, {"set-cookie": "a=b"}))

    (path,) = download(session, run_of(session), tmp_path / "a.csv")

    assert path.read_bytes() == CSV
    assert names(tmp_path) == ["a.csv"]
    assert len(server.of("GET", LINKS)) == 3
    assert not any(
        name in ("x-api-key", "authorization", "cookie")
        for seen in server.of("GET", "/store/a")
        for name, _ in seen.headers
    )


@pytest.mark.parametrize(
    "reply",
    [
        WHOLE,
        Reply(200, CSV, is_chunked=True),
        Reply(200, CSV, length=None),
        Reply(200, gzip.compress(CSV), {"content-encoding": "gzip"}),
        Reply(200, CSV, size=100, pause=0.01),
    ],
)
def test_whole_file_is_taken_in_any_form(reply, server, session, tmp_path):
    """As long as its listed size proves it."""
    listed(server)
    server.always("GET", "/store/a", reply)

    assert download(session, run_of(session), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == CSV


def endless():
    while True:
        yield b"x" * 65_536


BOMB = gzip.compress(gzip.compress(gzip.compress(bytes(10**8))))


@pytest.mark.parametrize(
    ("facts", "reply"),
    [
        ({}, Reply(200, CSV + b"more\n")),
        ({}, Reply(200, endless, length=None)),
        ({"file_size": None}, Reply(200, CSV, length=None)),
        ({}, Reply(302, headers={"location": "/store/b"})),
        ({}, Reply(200, BOMB, {"content-encoding": "gzip, gzip, gzip"})),
        ({}, Reply(200, CSV, {"content-encoding": "br"})),
        ({"download_url": None, "message": "signing failed"}, WHOLE),
        ({"download_url": "http://elsewhere.example/a"}, WHOLE),
    ],
    ids=range(8),
)
def test_file_that_is_not_what_was_listed_is_absent(
    facts, reply, server, session, tmp_path
):
    """And memory stays flat."""
    listed(server, **facts)
    server.always("GET", "/store/a", reply)
    tracemalloc.start()

    with pytest.raises(errors.FlowError):
        download(session, run_of(session), tmp_path / "a.csv")

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (names(tmp_path), peak < 20 * 2**20) == ([], True)


def test_one_cell_of_many_megabytes_is_copied_in_pieces(server, session, tmp_path):
    """A download does not parse what it saves."""

    def parts():
        yield b'a\n"'
        for _ in range(400):
            yield b"x" * 100_000
        yield b'"\n'

    listed(server, file_size=40_000_005, row_count=1)
    server.always("GET", "/store/a", Reply(200, parts, length=40_000_005))
    tracemalloc.start()
    download(session, run_of(session), tmp_path / "a.csv")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert ((tmp_path / "a.csv").stat().st_size, peak < 10 * 2**20) == (
        40_000_005,
        True,
    )


def test_disk_that_is_full_leaves_no_file(server, session, tmp_path, monkeypatch):
    """Nor does an error while it gets its name."""
    listed(server)
    server.always("GET", "/store/a", WHOLE)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("flow64.files.os.fsync", full)
    with pytest.raises(errors.RowsError, match="No space"):
        download(session, run_of(session), tmp_path / "a.csv")
    assert names(tmp_path) == []


def test_hostile_names_are_saved_inside(server, session, tmp_path):
    """A file is named by its block, whatever the service calls it."""
    server.always("GET", "/store/a", WHOLE)
    hostile = ["../a.csv", "a.csv", "/etc/A.csv"]
    items = [
        item(f"{server.url}/store/a", filename=name, block_number=at)
        for at, name in enumerate(hostile)
    ]
    server.always("GET", LINKS, Reply(200, items))

    paths = download(session, run_of(session), tmp_path / "in", every_stage=True)

    assert [path.name for path in paths] == [
        "block_0.csv",
        "block_1.csv",
        "block_2.csv",
    ]
    assert names(tmp_path) == ["in"]
