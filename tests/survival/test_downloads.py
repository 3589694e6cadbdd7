"""Downloads over real sockets: complete or absent, whatever store and line do."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import time
import tracemalloc
import unicodedata
from itertools import product
from pathlib import Path
from threading import Event

import attrs
import pytest
from attrs import evolve

from flow64 import errors
from flow64.api import Policy, Token
from flow64.emulator import Emulator
from flow64.runs import _download, download_file, download_files, list_result_files
from tests.service.clients import BOTH, FakeClock, use, with_clock
from tests.service.fault_server import Drop, FaultServer, Forward, Hang, Reply, location
from tests.survival.support import (
    CSV,
    LINKS,
    QUICK,
    RUN,
    Store,
    hurried,
    item,
    names,
    rows,
    workflow,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def emulator():
    with Emulator() as made:
        yield made


def download(kind, server, found, target, **settings):
    """Download a file that is listed; a way to list it again is there."""
    again = attrs.asdict(found)
    server.always("GET", LINKS, Reply(200, [again]))
    facts = {"policy": QUICK, **settings}

    def play(client):
        return hurried(client).call(download_file, RUN, found, target)

    return use(kind, server.url, play, **facts)


# -- What a signed link gets ----------------------------------------------------------


@attrs.frozen
class Bearer:
    """A source of tokens that asks nobody."""

    async def obtain(self, _):
        return Token("a-bearer", 3600.0)


@BOTH
@pytest.mark.parametrize("settings", [{}, {"oauth": Bearer()}])
def test_link_gets_neither_credential_nor_cookie(kind, server, tmp_path, settings):
    """Although the service and the store both set cookies."""
    cookie = {"set-cookie": "session=SENTINEL; Path=/"}
    store = Store(headers=cookie).serve(server)
    link = f"{server.url}{store.path}?signature=x"
    renewed = attrs.asdict(item(link))
    server.on("GET", LINKS, Reply(200, [renewed], cookie))
    store.acts += [lambda _: Reply(403, headers=cookie), lambda r: evolve(r, cut=9)]

    def play(client):
        return hurried(client).call(download_file, RUN, item(link), tmp_path / "a.csv")

    use(kind, server.url, play, policy=QUICK, **settings)

    (listed,) = server.of("GET", LINKS)
    opened = server.of("GET", store.path)
    assert len(opened) == 4
    assert {"x-api-key", "authorization"} & {name for name, _ in listed.headers}
    known = {"host", "accept", "accept-encoding", "connection", "user-agent"}
    for seen in [listed, *opened]:
        sent = {name for name, _ in seen.headers}
        extra = {"x-api-key", "authorization"} if seen is listed else set()
        assert sent <= known | extra | {"range", "if-range"}
        assert "SENTINEL" not in str(seen.headers)


REFUSED = [
    "http://store.example/a.csv",
    "https://key@store.example/a.csv",
    "ftp://127.0.0.1/a.csv",
    "file:///etc/passwd",
    "//store.example/a.csv",
    "https:///a.csv",
    "https://store.example:99999/a.csv",
    "https://store.example\\@evil.example/a.csv",
    "https://store.example/a b",
    "https://store.example/a\r\nx-api-key: y",
    "",
]


@BOTH
@pytest.mark.parametrize("link", REFUSED)
def test_link_that_leads_astray_is_not_opened(kind, server, tmp_path, link):
    with pytest.raises(errors.LinkRefusedError):
        download(kind, server, item(link), tmp_path / "a.csv")

    assert (server.connections, names(tmp_path)) == (0, [])


@BOTH
def test_hosts_that_are_not_allowed_are_not_reached(kind, server, tmp_path):
    """The guard of these tests would fail it, were the host looked up."""
    link = "https://evil.example/a.csv"

    with pytest.raises(errors.LinkRefusedError, match=r"evil\.example"):
        download(kind, server, item(link), tmp_path / "a.csv", hosts=["store.example"])


@BOTH
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_link_that_leads_on_is_not_followed(kind, server, tmp_path, status):
    server.on("GET", "/store/*", location(status, f"{server.url}/elsewhere"))

    with pytest.raises(errors.ResultError, match="not followed"):
        download(kind, server, item(f"{server.url}/store/a"), tmp_path / "a.csv")

    assert [seen.path for seen in server.requests] == ["/store/a"]


# -- Links that expire ----------------------------------------------------------------


@pytest.fixture
def ended(emulator):
    """A run that has completed, by either client, with links through a fault server."""
    with FaultServer(emulator) as server:
        made = workflow()

        def run(kind, then):
            def sync(client):
                hurried(client)
                client.deploy(made)
                started = client.run(made, rows(40)).wait(every=0.005)
                return then(client, started)

            async def awaited(client):
                hurried(client)
                await client.deploy(made)
                started = await client.run(made, rows(40))
                await started.wait(every=0.005)
                return await then(client, started)

            call = sync if kind == "sync" else awaited
            return use(kind, server.url, call, policy=QUICK)

        yield server, run


@BOTH
def test_link_that_expired_before_is_renewed_once(kind, ended, emulator, tmp_path):
    server, run = ended

    def then(client, started):
        async def talk(session):
            items = await list_result_files(session, started.id)
            emulator.clock.advance(901)
            return await download_files(session, started.id, items, tmp_path)

        return client.call(talk)

    paths = run(kind, then)

    assert len(paths) == 2
    assert names(tmp_path) == sorted(path.name for path in paths)
    opened = [seen.path for seen in server.of("GET", "/files/*")]
    assert [opened.count(path) for path in dict.fromkeys(opened)] == [2, 2]
    assert len(server.of("GET", LINKS)) == 3


@BOTH
def test_link_that_expires_in_the_middle_is_renewed(kind, ended, emulator, tmp_path):
    """The line breaks after the link has died."""
    server, run = ended

    def expiring(reply):
        emulator.clock.advance(901)
        return evolve(reply, cut=50)

    server.on("GET", "/files/*", Forward(expiring))

    (path,) = run(kind, lambda _, started: started.download(tmp_path))

    statuses = len(server.of("GET", "/files/*"))
    assert (statuses, len(server.of("GET", LINKS))) == (3, 2)
    assert path.stat().st_size > 50
    assert names(tmp_path) == [path.name]


XML = Reply(403, b"<Error><Code>AccessDenied</Code></Error>")


@BOTH
@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_however_a_store_says_that_a_link_is_dead(kind, server, tmp_path, status):
    store = Store().serve(server)
    store.acts += [
        lambda _: evolve(XML, status=status),
        lambda reply: evolve(reply, cut=100),
        lambda _: evolve(XML, status=status),
    ]

    found = item(f"{server.url}{store.path}")
    download(kind, server, found, tmp_path / "a.csv")

    assert (tmp_path / "a.csv").read_bytes() == CSV
    assert store.ranges == [None, None, None, None, "bytes=100-"]
    assert len(server.of("GET", LINKS)) == 2


@BOTH
def test_dead_links_alone_end_with_what_the_store_said(kind, server, tmp_path):
    server.always("GET", "/store/*", XML)

    with pytest.raises(errors.ResultError, match="403 to each of its links"):
        download(kind, server, item(f"{server.url}/store/a"), tmp_path / "a.csv")

    assert (len(server.requests), names(tmp_path)) == (7, [])


@BOTH
def test_links_die_again_and_again_in_a_long_download(kind, server, tmp_path):
    """Each piece that comes is progress, however many links it takes."""
    store = Store().serve(server)
    step = len(CSV) // 10
    for n in range(9):
        store.acts += [
            *([lambda _: XML] if n else []),
            *([lambda reply: reply] if n else []),  # opened, then asked for the rest
            lambda reply: evolve(reply, cut=step),
        ]

    download(kind, server, item(f"{server.url}{store.path}"), tmp_path / "a.csv")

    assert (tmp_path / "a.csv").read_bytes() == CSV
    assert len(server.of("GET", LINKS)) == 8


# -- Long downloads -------------------------------------------------------------------


@BOTH
def test_download_may_take_longer_than_a_call(kind, server, tmp_path):
    """The deadline of a call is for its parts, and not for a file of five gigabytes."""
    clock = FakeClock()
    store = Store().serve(server)

    def slow(reply):
        clock.time += 400
        return evolve(reply, cut=100)

    store.acts += [slow, lambda _: XML]
    found = item(f"{server.url}{store.path}")
    server.always("GET", LINKS, Reply(200, [attrs.asdict(found)]))

    def play(client):
        return with_clock(client, clock).call(
            download_file, RUN, found, tmp_path / "a.csv"
        )

    use(kind, server.url, play, policy=Policy(deadline=300))

    assert (tmp_path / "a.csv").read_bytes() == CSV


@BOTH
def test_files_together_may_take_longer_than_a_call(kind, server, tmp_path):
    clock = FakeClock()
    store = Store().serve(server)

    def slow(reply):
        clock.time += 200
        return reply

    store.acts += [slow] * 4
    found = [item(f"{server.url}{store.path}", name=f"{n}.csv") for n in range(4)]

    def play(client):
        return with_clock(client, clock).call(download_files, RUN, found, tmp_path)

    use(kind, server.url, play, policy=Policy(deadline=300))

    assert names(tmp_path) == ["0.csv", "1.csv", "2.csv", "3.csv"]


# -- Slow and large -------------------------------------------------------------------


@BOTH
def test_file_that_drips_is_given_up(kind, server, tmp_path):
    """Twenty bytes a second, none of which comes too late by itself."""
    store = Store(CSV * 20).serve(server)
    store.acts += [lambda reply: evolve(reply, size=1, pause=0.05)] * 20
    found = item(f"{server.url}{store.path}", store.content)
    server.always("GET", LINKS, Reply(200, [attrs.asdict(found)]))

    def play(client):
        return client.call(download_file, RUN, found, tmp_path / "a.csv")

    with pytest.raises(errors.ResultError, match="too slow"):
        use(kind, server.url, play, policy=Policy(deadline=2.0))

    (part,) = tmp_path.iterdir()
    assert (part.suffix, part.stat().st_size < 500) == (".part", True)


@BOTH
@pytest.mark.parametrize("is_chunked", [True, False])
def test_file_without_an_end_is_given_up(
    kind, server, tmp_path, monkeypatch, is_chunked
):
    """A limit holds for a file whose size is not listed."""
    monkeypatch.setattr(_download, "MAX_BYTES", 2**20)
    served = []

    def endless():
        for _ in range(256):
            served.append(1)
            yield b"a@x.example,Boss\n" * 4096

    reply = Reply(200, endless, length=None, is_chunked=is_chunked)
    server.always("GET", "/store/a", reply)
    found = item(f"{server.url}/store/a", file_size=None)

    with pytest.raises(errors.ResultError, match=r"more than 1,048,576 bytes"):
        download(kind, server, found, tmp_path / "a.csv")

    assert len(served) < 256
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) == 0
    assert "a.csv" not in names(tmp_path)


# -- What proves that a file is complete ----------------------------------------------


@BOTH
@pytest.mark.parametrize("cut", [None, 100])
def test_end_of_the_connection_proves_nothing(kind, server, tmp_path, cut):
    """Without a length, a size and a number of rows a cut looks like the end."""
    store = Store(etag="").serve(server)
    store.acts += [lambda reply: evolve(reply, length=None, cut=cut)] * 20
    found = item(f"{server.url}{store.path}", file_size=None, row_count=0)

    with pytest.raises(errors.ResultError, match="nothing proves that it is complete"):
        download(kind, server, found, tmp_path / "a.csv")

    assert names(tmp_path) == []


@BOTH
def test_chunks_and_lengths_prove_the_end(kind, server, tmp_path):
    """A body that breaks off in one of them is fetched again."""
    store = Store(etag="").serve(server)
    found = item(f"{server.url}{store.path}", file_size=None, row_count=0)
    forms = [
        lambda reply: evolve(reply, cut=100),
        lambda reply: reply,
        lambda reply: evolve(reply, is_chunked=True, length=None, cut=100),
        lambda reply: evolve(reply, is_chunked=True, length=None),
    ]
    store.acts += forms

    download(kind, server, found, tmp_path / "a.csv")
    download(kind, server, found, tmp_path / "b.csv")

    assert [path.read_bytes() for path in sorted(tmp_path.iterdir())] == [CSV, CSV]
    assert store.acts == []


@BOTH
def test_run_keeps_what_is_unproven_if_it_may(kind, ended, tmp_path):
    """By each way to its rows; a run has a limit of bytes by each of them too."""
    server, run = ended

    def listed(reply):
        nothing = {"file_size": None, "row_count": 0, "results": None}
        return Reply(200, [{**entry, **nothing} for entry in reply.json])

    server.always("GET", LINKS, Forward(listed))
    server.always("GET", "/files/*", Forward(lambda reply: evolve(reply, length=None)))
    calls = {
        "rows": lambda r, **more: r.rows(**more),
        "join_rows": lambda r, **more: r.join_rows(rows(40), row_key="email", **more),
        "to_csv": lambda r, **more: r.to_csv(tmp_path / "a.csv", **more),
        "to_ndjson": lambda r, **more: r.to_ndjson(tmp_path / "a.ndjson", **more),
        "download": lambda r, **more: r.download(tmp_path / "files", **more),
    }
    told = {}

    def sync(_, started):
        for name, call in calls.items():
            for more in ({}, {"allow_unproven": True, "max_bytes": 9}):
                with pytest.raises(errors.ResultError) as refused:
                    call(started, **more)
                told.setdefault(name, []).append(refused.value.problem[:15])
            call(started, allow_unproven=True)

    async def awaited(_, started):
        for name, call in calls.items():
            for more in ({}, {"allow_unproven": True, "max_bytes": 9}):
                with pytest.raises(errors.ResultError) as refused:
                    await call(started, **more)
                told.setdefault(name, []).append(refused.value.problem[:15])
            await call(started, allow_unproven=True)

    run(kind, sync if kind == "sync" else awaited)

    assert told == {name: ["nothing proves ", "more than max_b"] for name in calls}
    saved = [name for name in names(tmp_path) if not name.startswith(".")]
    assert saved == ["a.csv", "a.ndjson", "files"]


@BOTH
def test_batches_keep_what_is_unproven_if_they_may(kind, ended, tmp_path):
    server, run = ended
    nothing = {"file_size": None, "row_count": 0, "results": None}

    def listed(reply):
        return Reply(200, [{**entry, **nothing} for entry in reply.json])

    server.always("GET", LINKS, Forward(listed))
    server.always("GET", "/files/*", Forward(lambda reply: evolve(reply, length=None)))
    made = workflow(key="batches")
    facts = {"size": 2, "intent": "today", "every": 0.005, "folder": tmp_path}

    def sync(client, _):
        client.deploy(made)
        with pytest.raises(errors.BatchesError, match="nothing proves"):
            list(client.run_batches(made, rows(4), **facts))
        return list(client.run_batches(made, rows(4), allow_unproven=True, **facts))

    async def awaited(client, _):
        await client.deploy(made)
        with pytest.raises(errors.BatchesError, match="nothing proves"):
            [batch async for batch in client.run_batches(made, rows(4), **facts)]
        batches = client.run_batches(made, rows(4), allow_unproven=True, **facts)
        return [batch async for batch in batches]

    done = run(kind, sync if kind == "sync" else awaited)

    assert [batch.path.name for batch in done] == names(tmp_path)
    assert len(done) == 2


# -- Cut anywhere ---------------------------------------------------------------------


@pytest.mark.parametrize("case", [*product(["sync", "async"], [True, False])], ids=str)
@pytest.mark.parametrize("has_length", [True, False])
@pytest.mark.parametrize("packing", ["identity", "gzip"])
def test_cut_at_each_of_fifty_offsets(server, tmp_path, case, has_length, packing):
    """Complete at the end, and without its name until then."""
    kind, has_size = case
    is_packed = packing == "gzip"
    content = gzip.compress(CSV, mtime=0) if is_packed else CSV
    headers = {"content-encoding": "gzip"} if is_packed else {}
    store = Store(content, headers=headers).serve(server)
    offsets = [len(content) * n // 50 for n in range(50)]
    cuts = iter(offsets)
    early = []

    def cut(reply):
        early.extend(path for path in names(tmp_path) if path == current.name)
        at = next(cuts)
        ending = "reset" if at % 2 else "close"
        length = reply.length if has_length else None
        return evolve(reply, length=length, cut=at, ending=ending)

    size = len(CSV) if has_size else None
    found = item(f"{server.url}{store.path}", file_size=size)

    async def talk(session):
        nonlocal current
        for n in range(50):
            current = tmp_path / f"{n}.csv"
            store.acts[:] = [cut]
            await download_file(session, RUN, found, current)

    current = tmp_path
    use(kind, server.url, lambda c: hurried(c).call(talk), policy=QUICK)

    saved = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert saved == {f"{n}.csv": CSV for n in range(50)}
    assert early == []


@BOTH
@pytest.mark.parametrize("at", [0, 1, 700, len(CSV) - 1])
def test_what_breaks_off_again_and_again_is_absent(kind, server, tmp_path, at):
    """What has come is kept beside, and a later call asks for the rest alone."""
    store = Store().serve(server)
    store.acts += [lambda reply: evolve(reply, cut=at)]
    store.acts += [lambda _: Drop()] * len(_download.WAITS) * 3
    found, target = item(f"{server.url}{store.path}"), tmp_path / "a.csv"

    with pytest.raises(errors.TransportError):
        download(kind, server, found, target)
    kept = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    store.acts.clear()
    store.ranges.clear()
    download(kind, server, found, target)

    assert not any(name == "a.csv" for name in kept)
    assert list(kept.values()) == [at]
    assert store.ranges == ([None, f"bytes={at}-"] if at else [None])
    assert (target.read_bytes(), names(tmp_path)) == (CSV, ["a.csv"])


@BOTH
def test_whole_file_without_its_name_is_not_fetched_again(kind, server, tmp_path):
    """As after a kill just before it was renamed."""
    store = Store().serve(server)
    found, target = item(f"{server.url}{store.path}"), tmp_path / "a.csv"
    store.acts += [lambda reply: evolve(reply, cut=100), *[lambda _: Drop()] * 20]
    with pytest.raises(errors.TransportError):
        download(kind, server, found, target)
    (part,) = tmp_path.iterdir()
    part.write_bytes(CSV)
    store.acts.clear()
    store.ranges.clear()

    download(kind, server, found, target)

    assert (target.read_bytes(), store.ranges) == (CSV, [None])


@BOTH
def test_busy_store_costs_nothing_that_has_come(kind, server, tmp_path):
    """It refuses the rest for a while; that says nothing of the file."""
    store = Store().serve(server)
    store.acts += [
        lambda reply: evolve(reply, cut=600),
        lambda reply: reply,
        lambda _: Reply(503),
    ]

    download(kind, server, item(f"{server.url}{store.path}"), tmp_path / "a.csv")

    assert (tmp_path / "a.csv").read_bytes() == CSV
    assert store.ranges == [None, None, "bytes=600-", None, "bytes=600-"]


@BOTH
@pytest.mark.parametrize("act", [Hang(0.05), Reply(500), Reply(429), Drop("close")])
def test_store_that_fails_for_a_moment_is_asked_again(kind, server, tmp_path, act):
    store = Store().serve(server)
    server.on("GET", store.path, act, act)

    download(kind, server, item(f"{server.url}{store.path}"), tmp_path / "a.csv")

    assert (tmp_path / "a.csv").read_bytes() == CSV


# -- Two versions ---------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("heeds_if_range", [True, False])
@pytest.mark.parametrize("at", [1, 2])
def test_versions_are_never_mixed(kind, server, tmp_path, heeds_if_range, at):
    """The file changes before the next opening, or between it and the rest."""
    store = Store(heeds_if_range=heeds_if_range).serve(server)
    other = CSV.replace(b"Boss", b"Maid")

    def changed(_):
        store.content, store.etag = other, '"v2"'
        return Drop()

    def answered_then_changed(reply):
        store.content, store.etag = other, '"v2"'
        return reply

    store.acts += [lambda reply: evolve(reply, cut=600)]
    store.acts += [changed] if at == 1 else [answered_then_changed]

    download(kind, server, item(f"{server.url}{store.path}"), tmp_path / "a.csv")

    assert (tmp_path / "a.csv").read_bytes() == other
    assert names(tmp_path) == ["a.csv"]


@BOTH
def test_version_of_each_answer_is_no_progress(kind, server, tmp_path):
    """A store whose ETag is another each time, and whose line always breaks."""
    store = Store().serve(server)

    def renamed(reply):
        store.etag = f'"{len(store.ranges)}"'
        assert len(store.ranges) < 40, "it goes on for ever"
        return evolve(reply, cut=100)

    store.acts += [renamed] * 60

    with pytest.raises(errors.TransportError):
        download(kind, server, item(f"{server.url}{store.path}"), tmp_path / "a.csv")

    assert len(store.ranges) <= len(_download.WAITS) + 2


@BOTH
def test_store_that_forgets_ranges_is_no_progress(kind, server, tmp_path):
    """It breaks off at one place, and never gives the rest of it."""
    store = Store().serve(server)

    def broken(reply):
        assert len(store.ranges) < 60, "it goes on for ever"
        return evolve(reply, cut=600) if reply.status == 200 else Reply(416)

    store.acts += [broken] * 100

    with pytest.raises((errors.TransportError, errors.ResultError)):
        download(kind, server, item(f"{server.url}{store.path}"), tmp_path / "a.csv")

    assert "a.csv" not in names(tmp_path)


# -- Names ----------------------------------------------------------------------------

HOSTILE = [
    "../x.csv",
    "../../../../etc/x.csv",
    "/etc/x.csv",
    "C:\\x.csv",
    "..\\x.csv",
    "a\0b.csv",
    ".",
    "..",
    "",
    "x" * 300 + ".csv",
    "\N{GRINNING FACE}" * 100 + ".csv",
    "NUL",
    "con.csv",
    "\N{RIGHT-TO-LEFT OVERRIDE}vsc.exe",
    "same.csv",
    "same.csv",
    "SAME.csv",
    "caf\u00e9.csv",
    "cafe\u0301.csv",
    ".bashrc",
    "-rf",
    "a\nb\r.csv",
    "\ud800.csv",
]


@BOTH
def test_hostile_names_stay_in_the_folder(kind, ended, tmp_path):
    """As the service lists them, down to the files."""
    server, run = ended
    folder = tmp_path / "in" / "here"

    def renamed(reply):
        first = reply.json[0]
        data = [{**first, "filename": n, "results": None} for n in HOSTILE]
        return Reply(200, data)

    server.always("GET", LINKS, Forward(renamed))
    paths = run(kind, lambda _, r: r.download(folder, every_stage=True))

    assert len(paths) == len(HOSTILE)
    assert sorted(path.name for path in paths) == names(folder)
    assert {path.parent for path in paths} == {folder}
    assert names(tmp_path) == ["in"]
    folded = {
        unicodedata.normalize("NFKC", path.name).casefold().casefold() for path in paths
    }
    assert len(folded) == len(HOSTILE)
    assert len({path.read_bytes() for path in paths}) == 1


@BOTH
def test_file_that_is_there_stays_as_it_is(kind, server, tmp_path):
    """Also one that a symbolic link stands for, wherever that leads."""
    store = Store().serve(server)
    outside = tmp_path / "outside"
    outside.write_text("mine")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "block_2.csv").symlink_to(outside)
    found = [item(f"{server.url}{store.path}")]

    def play(overwrite):
        return lambda c: c.call(download_files, RUN, found, folder, overwrite=overwrite)

    with pytest.raises(errors.SaveError, match="overwrite=True"):
        use(kind, server.url, play(overwrite=False))
    assert server.connections == 0
    use(kind, server.url, play(overwrite=True))

    assert outside.read_text() == "mine"
    assert not (folder / "block_2.csv").is_symlink()
    assert (folder / "block_2.csv").read_bytes() == CSV


@BOTH
def test_part_of_a_namesake_is_left_alone(kind, server, tmp_path):
    """`a.csv` is done while the rest of `a.csv.old` is still to come."""
    store = Store().serve(server)
    found = item(f"{server.url}{store.path}")
    store.acts += [lambda reply: evolve(reply, cut=600), *[lambda _: Drop()] * 20]
    with pytest.raises(errors.TransportError):
        download(kind, server, found, tmp_path / "a.csv.old")
    store.acts.clear()

    download(kind, server, found, tmp_path / "a.csv")
    store.ranges.clear()
    download(kind, server, found, tmp_path / "a.csv.old")

    assert store.ranges == [None, "bytes=600-"]
    assert names(tmp_path) == ["a.csv", "a.csv.old"]


# -- Nothing, little and much ---------------------------------------------------------


@BOTH
@pytest.mark.parametrize("content", [b"email,title\n", b"[]", b""])
def test_no_rows_are_a_file_too(kind, server, tmp_path, content):
    store = Store(content).serve(server)
    found = item(
        f"{server.url}{store.path}",
        content,
        row_count=0,
        content_type="application/json" if content == b"[]" else "text/csv",
    )

    download(kind, server, found, tmp_path / "a")

    assert (tmp_path / "a").read_bytes() == content


@BOTH
@pytest.mark.parametrize("switch", ["inline", "link", "neither"])
def test_rows_come_from_the_list_or_the_link(kind, ended, switch):
    server, run = ended
    parts = {"inline": {"download_url": None}, "link": {"results": None}}
    left_out = parts.get(switch, {"download_url": None, "results": None})

    def changed(reply):
        return Reply(200, [{**entry, **left_out} for entry in reply.json])

    server.always("GET", LINKS, Forward(changed))

    async def awaited(client, started):
        return [row.raw["email"] for row in await started.rows()]

    def sync(client, started):
        return [row.raw["email"] for row in started.rows()]

    then = sync if kind == "sync" else awaited
    if switch == "neither":
        with pytest.raises(errors.ResultError, match="no link"):
            run(kind, then)
    else:
        assert run(kind, then) == [row["email"] for row in rows(40)]
    assert bool(server.of("GET", "/files/*")) == (switch == "link")


@BOTH
def test_memory_is_flat_however_much_comes(kind, server, tmp_path):
    """200 MiB go through a client that never holds more than some parts of them."""
    part, count = bytes(256 * 1024), 800
    size = len(part) * count
    body = Reply(
        200,
        lambda: (part for _ in range(count)),
        length=size,
        size=len(part),
    )
    server.on("GET", "/store/*", body)
    found = item(f"{server.url}/store/a", b"\n", file_size=size)

    tracemalloc.start()
    try:
        download(kind, server, found, tmp_path / "a")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (tmp_path / "a").stat().st_size == size
    assert peak < 8 * 2**20


# -- A crash --------------------------------------------------------------------------

KILLED = """
import asyncio, sys
from pathlib import Path
from flow64.client import AsyncClient, Client
from flow64.runs import download_file
from tests.survival.support import RUN, item

kind, url, target, size = sys.argv[1:]
facts = {"base_url": url, "journal": None}
found = item(f"{url}/store/a.csv", file_size=int(size))
given = (download_file, RUN, found, Path(target))
if kind == "sync":
    Client("k", **facts).call(*given)
else:
    async def main():
        await AsyncClient("k", **facts).call(*given)
    asyncio.run(main())
"""


@BOTH
def test_kill_in_the_middle_leaves_no_file_and_loses_nothing(kind, server, tmp_path):
    """The process has no time to put anything in order; the next one asks the rest."""
    content = CSV * 300
    store = Store(content).serve(server)
    half, over = len(content) // 2, Event()

    def stuck(reply):
        def body():
            yield reply.content[:half]
            over.wait(20)

        return evolve(reply, body=body, length=len(content), size=half)

    store.acts += [stuck]
    given = [kind, server.url, tmp_path / "a.csv", str(len(content))]
    command = [sys.executable, "-c", KILLED, *given]
    here = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=here, env=os.environ) as process:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            sizes = [path.stat().st_size for path in tmp_path.iterdir()]
            if sizes and sizes[0] > half // 2:
                break
            time.sleep(0.01)
        process.kill()
    over.set()
    left = names(tmp_path)
    found = item(f"{server.url}{store.path}", content)
    download(kind, server, found, tmp_path / "a.csv")

    assert [name.endswith(".part") for name in left] == [True]
    assert store.ranges[:2] == [None, None]
    assert half // 2 < int(store.ranges[2][6:-1]) <= half
    assert (tmp_path / "a.csv").read_bytes() == content
    assert names(tmp_path) == ["a.csv"]


@BOTH
def test_kill_between_two_names_costs_no_whole_file(kind, server, tmp_path):
    """Killed while the file has both names: what has the final one stays whole."""
    store = Store(etag="").serve(server)
    found, target = item(f"{server.url}{store.path}"), tmp_path / "a.csv"
    store.acts += [lambda reply: evolve(reply, cut=100), *[lambda _: Drop()] * 20]
    with pytest.raises(errors.TransportError):
        download(kind, server, found, target)
    (part,) = tmp_path.iterdir()
    part.write_bytes(CSV)
    os.link(part, target)

    def play(client):
        return hurried(client).call(download_file, RUN, found, target, overwrite=True)

    with pytest.raises(errors.TransportError):
        use(kind, server.url, play, policy=QUICK)

    assert target.read_bytes() == CSV
