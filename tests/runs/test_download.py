"""Downloads: complete or absent, whatever the store and the line do."""

from __future__ import annotations

import fcntl
import json
import os
from hashlib import sha256

import attrs
import pytest
from attrs import define
from hypothesis import example, given
from hypothesis import strategies as st

from flow64.api import Answer, ResultItem, Stream
from flow64.errors import (
    ArgumentError,
    LinkRefusedError,
    NoAnswerError,
    ResultError,
    SaveError,
    ServerError,
    TransportError,
)
from flow64.runs import (
    Allowance,
    download_file,
    download_files,
    list_result_files,
)
from tests.service.by_hand import SessionByHand

ROWS = b"email,title\na@x.example,Boss\nb@x.example,Clerk\n"
RUN = "0d0c8f8e-5a0e-4a54-bb35-4f2f2c9c7e10"


class Store(SessionByHand):
    """A session with a store of result files, which fails as it is told.

    Attributes:
        content: Of the one file.
        etag: Its version.
        cuts: For each opening, after how many bytes it breaks off; None for never.
        statuses: For each opening, the status; 200 at the end.
        size: Bytes of one part that is read.
        pause: Seconds that each of them takes.
        headers: Beside the ETag.
        deadline: Seconds of a call.
    """

    def __init__(self, content=ROWS, etag='"v1"', cuts=(), statuses=(), size=7):
        super().__init__()
        self.content = content
        self.etag = etag
        self.cuts = list(cuts)
        self.statuses = list(statuses)
        self.size = size
        self.listed = [item(content)]
        self.opened = []
        self.left_open = 0
        self.pause = 0.0
        self.headers = {}
        self.deadline = 300.0
        self.is_clean = True

    def play(self, function, *args, **kwargs):
        return super().play(lambda session: function(session, *args, **kwargs))

    def save(self, found, target, **more):
        return self.play(download_file, RUN, found, target, **more)

    def now(self):
        self.time += 0.001
        return self.time

    def begin(self, seconds=None, *, patience=None):
        return self.time + self.deadline

    async def sleep(self, seconds, *, is_apart=False):
        self.waits.append(seconds)

    async def exchange(self, request):
        return self.list(request)

    def list(self, _):
        data = [attrs.asdict(found) for found in self.listed]
        return Answer(200, {}, json.dumps(data).encode())

    async def open(self, url, start=0, validator=None):
        self.opened.append((url, start))
        status = self.statuses.pop(0) if self.statuses else 200
        if isinstance(status, Exception):
            raise status
        headers = self.headers | ({"etag": self.etag} if self.etag else {})
        if status == 200 and start and validator == self.etag:
            status, headers = 206, {**headers, "content-range": f"bytes {start}-"}
        elif status == 200:
            start = 0
        cut = self.cuts.pop(0) if self.cuts else None
        return self.stream(status, headers, [start, self.content, cut])

    def stream(self, status, headers, source):
        self.left_open += 1
        return Stream(FileAnswer(self, status, headers, source), 60)

    def read(self, source):
        start, content, cut = source
        end = min(start + self.size, len(content))
        if cut is not None and cut <= end:
            if cut <= start and not self.is_clean:
                return b""
            if cut <= start:
                raise NoAnswerError("reset")
            end = cut
        source[0] = end
        return content[start:end]


@define
class FileAnswer:
    """An answer of a store with a file, or with the rest of one."""

    store: Store
    status: int
    headers: dict
    source: list

    async def read(self, _):
        self.store.time += self.store.pause
        return self.store.read(self.source)

    async def close(self):
        self.store.left_open -= 1


def item(content=ROWS, name="block_2.csv", **more):
    facts = {
        "block_number": 2,
        "row_count": content.count(b"\n") - 1,
        "file_size": len(content),
        "content_type": "text/csv",
        "download_url": "https://store.example/a?sig=one",
        **more,
    }
    return ResultItem(filename=name, **facts)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_is_saved_whole_and_alone(tmp_path):
    store, target = Store(), tmp_path / "rows.csv"

    saved = store.save(item(), target)

    assert (saved, target.read_bytes()) == (target, ROWS)
    assert files(tmp_path) == ["rows.csv"]
    assert (store.left_open, store.waits) == (0, [])


@given(cuts=st.lists(st.integers(0, len(ROWS)), max_size=5), has_tag=st.booleans())
@example(cuts=[len(ROWS)], has_tag=True)
def test_cut_anywhere_it_is_whole_or_absent(tmp_path_factory, cuts, has_tag):
    folder = tmp_path_factory.mktemp("cut")
    store, target = Store(cuts=cuts, etag='"v1"' if has_tag else ""), folder / "a.csv"

    store.save(item(), target)

    assert target.read_bytes() == ROWS
    assert files(folder) == ["a.csv"]


@pytest.mark.parametrize("etag", ['"v1"', ""])
def test_end_that_comes_too_early_is_no_end(tmp_path, etag):
    """Without a length, a connection that closes looks like the end of the file."""
    store = Store(cuts=[20], etag=etag)
    store.is_clean = False

    store.save(item(), tmp_path / "a.csv")

    assert (tmp_path / "a.csv").read_bytes() == ROWS


def test_rest_alone_is_asked_for(tmp_path):
    store = Store(cuts=[20])

    store.save(item(), tmp_path / "a.csv")

    assert [start for _, start in store.opened] == [0, 0, 20]


def test_what_has_come_is_kept_for_a_later_try(tmp_path):
    target = tmp_path / "a.csv"
    store = Store(cuts=[20, *[0] * 20], statuses=[200, *[503] * 20])

    with pytest.raises(ResultError, match="503"):
        store.save(item(), target)
    kept = files(tmp_path)
    again = Store()
    again.save(item(), target)

    assert [name.endswith(".part") for name in kept] == [True]
    assert [start for _, start in again.opened] == [0, 20]
    assert (target.read_bytes(), files(tmp_path)) == (ROWS, ["a.csv"])


def test_two_versions_are_never_mixed(tmp_path):
    target = tmp_path / "a.csv"
    with pytest.raises(TransportError):
        Store(cuts=[20, *[0] * 20]).save(item(), target)
    other = ROWS.replace(b"Boss", b"Chef")

    Store(other, etag='"v2"').save(item(other), target)

    assert target.read_bytes() == other
    assert files(tmp_path) == ["a.csv"]


def test_version_that_changes_between_two_openings_begins_anew(tmp_path):
    target = tmp_path / "a.csv"
    store = Store(cuts=[20])
    other = ROWS.replace(b"Boss", b"Chef")
    openings = store.open

    async def changing(url, start=0, validator=None):
        if start:
            store.content, store.etag = other, '"v2"'
        return await openings(url, start, validator)

    store.open = changing

    store.save(item(), target)

    assert target.read_bytes() == other


def test_weak_validator_and_packed_content_are_not_gone_on_with(tmp_path):
    store = Store(cuts=[20], etag='W/"v1"')

    store.save(item(), tmp_path / "a.csv")

    assert [start for _, start in store.opened] == [0, 0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_expired_link_is_renewed(tmp_path, status):
    store = Store(statuses=[status])
    store.listed = [item(download_url="https://store.example/a?sig=two")]

    store.save(item(), tmp_path / "a.csv")

    assert [url[-3:] for url, _ in store.opened] == ["one", "two"]
    assert (store.left_open, (tmp_path / "a.csv").read_bytes()) == (0, ROWS)


def test_missing_link_is_asked_for(tmp_path):
    store = Store()

    store.save(item(download_url=None), tmp_path / "a.csv")

    assert (tmp_path / "a.csv").read_bytes() == ROWS


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ([item(download_url=None, message="signing failed")], "signing failed"),
        ([item(download_url=None)], "it has no link"),
        ([], "no longer listed"),
    ],
)
def test_file_without_a_link_is_told(tmp_path, found, says):
    store = Store()
    store.listed = found

    with pytest.raises(ResultError, match=says):
        store.save(item(download_url=None), tmp_path / "a.csv")

    assert files(tmp_path) == []


def test_link_that_never_lives_is_told(tmp_path):
    store = Store(statuses=[403] * 9)

    with pytest.raises(ResultError, match="403 to each of its links"):
        store.save(item(), tmp_path / "a.csv")

    assert len(store.opened) == 4


def test_redirect_is_not_followed(tmp_path):
    with pytest.raises(ResultError, match="not followed"):
        Store(statuses=[302]).save(item(), tmp_path / "a.csv")


def test_refused_link_is_told(tmp_path):
    with pytest.raises(LinkRefusedError):
        Store(statuses=[LinkRefusedError("h")]).save(item(), tmp_path / "a.csv")


def test_part_that_is_not_the_rest_begins_anew(tmp_path):
    store = Store(cuts=[20], statuses=[200, 200, 416])

    store.save(item(), tmp_path / "a.csv")

    assert (tmp_path / "a.csv").read_bytes() == ROWS


def test_more_than_listed_is_refused(tmp_path):
    with pytest.raises(ResultError, match="more than the 5 bytes"):
        Store().save(item(file_size=5), tmp_path / "a.csv")

    assert "a.csv" not in files(tmp_path)


@pytest.mark.parametrize("cut", [15, 30, 40])
def test_without_a_size_the_rows_are_counted(tmp_path, cut):
    store = Store(cuts=[cut], etag="")
    store.is_clean = False

    store.save(item(file_size=None), tmp_path / "a.csv")

    assert (tmp_path / "a.csv").read_bytes() == ROWS


def test_file_that_is_there_is_not_replaced_unasked(tmp_path):
    target = tmp_path / "a.csv"
    target.write_text("mine")
    store = Store()

    with pytest.raises(SaveError, match="overwrite=True"):
        store.save(item(), target)
    assert (target.read_text(), store.opened) == ("mine", [])

    store.save(item(), target, overwrite=True)
    assert target.read_bytes() == ROWS


def test_file_that_appears_meanwhile_is_not_replaced(tmp_path):
    target = tmp_path / "a.csv"
    store = Store()
    reading = store.read

    def racing(source):
        target.write_text("mine")
        return reading(source)

    store.read = racing

    with pytest.raises(SaveError, match="it exists"):
        store.save(item(), target)
    assert target.read_text() == "mine"


@pytest.mark.parametrize("is_taken", [True, False])
def test_file_system_without_links(tmp_path, monkeypatch, is_taken):
    target = tmp_path / "a.csv"

    def unable(*_):
        if is_taken:
            target.write_text("mine")
        raise PermissionError(1, "not here")

    monkeypatch.setattr(os, "link", unable)

    if is_taken:
        with pytest.raises(SaveError):
            Store().save(item(), target)
    else:
        Store().save(item(), target)

    assert target.read_bytes() == (b"mine" if is_taken else ROWS)


def test_folder_is_no_file(tmp_path):
    with pytest.raises(SaveError, match="a folder"):
        Store().save(item(), tmp_path, overwrite=True)


def test_symlink_is_replaced_and_not_written_through(tmp_path):
    outside = tmp_path / "outside"
    outside.write_text("mine")
    target = tmp_path / "a.csv"
    target.symlink_to(outside)

    Store().save(item(), target, overwrite=True)

    assert (outside.read_text(), target.read_bytes()) == ("mine", ROWS)
    assert not target.is_symlink()


def test_disk_that_takes_nothing_is_told(tmp_path):
    with pytest.raises(SaveError, match="No such file"):
        Store().save(item(), tmp_path / "none" / "a.csv")


def test_same_download_twice_at_once_is_refused(tmp_path):
    first = Store()
    reading = first.read

    def second(source):
        with pytest.raises(SaveError, match="under way"):
            Store().save(item(), tmp_path / "a.csv")
        return reading(source)

    first.read = second

    first.save(item(), tmp_path / "a.csv")

    assert (tmp_path / "a.csv").read_bytes() == ROWS


def test_endless_file_ends_with_the_time_given(tmp_path, monkeypatch):
    monkeypatch.setattr("flow64.runs._download.DAY", 0.01)
    store = Store(size=1)

    with pytest.raises(ResultError, match=r"more than 0\.01 s"):
        store.save(item(), tmp_path / "a.csv")


# -- Slow and large --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deadline", "says"), [(300, "60 bytes in 60"), (5, "5 bytes in 5")]
)
def test_file_that_comes_too_slowly_is_given_up(tmp_path, deadline, says):
    """One byte a second; a short deadline of a call makes it impatient sooner."""
    store = Store(ROWS * 100, size=1)
    store.pause, store.deadline = 1.0, deadline

    with pytest.raises(ResultError, match=f"too slow: {says}.* 1024 bytes a second"):
        store.save(item(store.content), tmp_path / "a.csv")

    assert store.left_open == 0
    assert [name.endswith(".part") for name in files(tmp_path)] == [True]


def test_lines_that_break_do_not_hide_how_slow_it_is(tmp_path):
    """Each try gets farther, and none of them lasts as long as the average does."""
    store = Store(ROWS * 100, size=1, cuts=[n * 20 for n in range(1, 200)])
    store.pause = 1.0

    with pytest.raises(ResultError, match="too slow"):
        store.save(item(store.content), tmp_path / "a.csv")

    assert store.time < 120


def test_large_file_takes_as_long_as_it_keeps_coming(tmp_path):
    content = b"email\n" + b"a@x.example\n" * 100_000
    store = Store(content, size=2048)
    store.pause = 1.0

    store.save(item(content), tmp_path / "a.csv")

    assert (tmp_path / "a.csv").read_bytes() == content
    assert store.time > store.deadline


def test_file_of_which_no_more_comes_is_given_up(tmp_path):
    """Tries end once they have got nowhere for as long as a call may take."""
    store = Store(cuts=[20] * 20)
    store.deadline = 130
    reading = store.read

    def stalling(source):
        try:
            return reading(source)
        except NoAnswerError:
            store.time += 60.0
            raise

    store.read = stalling

    with pytest.raises(TransportError, match="broke off"):
        store.save(item(), tmp_path / "a.csv")

    assert len(store.waits) == 3
    assert "a.csv" not in files(tmp_path)


class Endless(Store):
    """Gives the same rows again and again."""

    read_bytes = 0

    def read(self, source):
        self.read_bytes += len(ROWS)
        return ROWS


@pytest.mark.parametrize(
    ("facts", "allowance", "says"),
    [
        ({"file_size": None}, Allowance(), "more than 1,000 bytes, .* no size"),
        ({"file_size": None}, Allowance(max_bytes=500), "more than max_bytes=500"),
        ({"file_size": 900}, Allowance(), "more than the 900 bytes"),
        ({"file_size": 900}, Allowance(max_bytes=950), "more than max_bytes=950"),
    ],
)
def test_file_without_an_end_is_given_up(tmp_path, monkeypatch, facts, allowance, says):
    monkeypatch.setattr("flow64.runs._download.MAX_BYTES", 1000)
    store = Endless()

    with pytest.raises(ResultError, match=says):
        store.save(item(**facts), tmp_path / "a.csv", allowance=allowance)

    assert (store.read_bytes < 1100, store.left_open) == (True, 0)
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [0]


def test_file_that_is_listed_as_too_large_is_not_asked_for(tmp_path):
    store, allowance = Store(), Allowance(max_bytes=10)

    with pytest.raises(ResultError, match="max_bytes=10 bytes; give a larger"):
        store.save(item(), tmp_path / "a.csv", allowance=allowance)

    assert (store.opened, files(tmp_path)) == ([], [])


def test_size_that_is_listed_may_be_larger_than_the_default(tmp_path, monkeypatch):
    monkeypatch.setattr("flow64.runs._download.MAX_BYTES", 10)

    Store().save(item(), tmp_path / "a.csv")

    assert (tmp_path / "a.csv").read_bytes() == ROWS


@pytest.mark.parametrize("given", [0, -1, True, 1.5, "1"])
def test_limit_that_is_no_number_of_bytes_is_refused(given):
    with pytest.raises(ArgumentError, match=r"rows.*max_bytes is .*positive integer"):
        Allowance(given).require_sound("rows")


def test_permission_that_is_no_flag_is_refused():
    with pytest.raises(ArgumentError, match="allow_unproven"):
        Allowance(allow_unproven="yes").require_sound("rows")


# -- Proof that a file is complete -----------------------------------------------------

LENGTH = {"content-length": str(len(ROWS))}
CHUNKS = {"transfer-encoding": "chunked"}
PACKED = {"content-encoding": "gzip"}


@pytest.mark.parametrize("rows", [0, None])
@pytest.mark.parametrize(
    ("headers", "facts", "is_proven"),
    [
        ({}, {}, False),
        ({"content-length": "?"}, {}, False),
        (LENGTH, {}, True),
        (CHUNKS, {}, True),
        (LENGTH | PACKED, {}, False),
        (CHUNKS | PACKED, {}, False),
        ({}, {"file_size": len(ROWS)}, True),
        (PACKED, {"file_size": len(ROWS)}, True),
        ({}, {"row_count": 2}, True),
        (PACKED, {"row_count": 2}, True),
    ],
)
def test_file_is_complete_only_if_something_proves_it(
    tmp_path, rows, headers, facts, is_proven
):
    found = item(**{"file_size": None, "row_count": rows, **facts})
    store, target = Store(etag=""), tmp_path / "a.csv"
    store.headers = headers

    if is_proven:
        store.save(found, target)
    else:
        with pytest.raises(ResultError, match=r"neither its length .*allow_unproven="):
            store.save(found, target)
        assert (files(tmp_path), store.waits) == ([], [])
        store.save(found, target, allowance=Allowance(None, True))

    assert (target.read_bytes(), files(tmp_path)) == (ROWS, ["a.csv"])


def test_count_of_rows_does_not_prove_their_last_cell(tmp_path):
    """Cut in `Clerk`: two rows of two cells are there."""
    store, target = Store(ROWS[:-3], etag=""), tmp_path / "a.csv"
    found = item(file_size=None)

    with pytest.raises(ResultError, match="last line has no line end"):
        store.save(found, target)
    assert (files(tmp_path), len(store.waits)) == ([], 5)
    store.save(found, target, allowance=Allowance(None, True))

    assert target.read_bytes() == ROWS[:-3]


def test_less_than_the_length_is_cut_off(tmp_path):
    """Also where the transport does not say so."""
    store = Store(cuts=[20], etag="")
    store.is_clean, store.headers = False, LENGTH

    store.save(item(file_size=None, row_count=0), tmp_path / "a.csv")

    assert (tmp_path / "a.csv").read_bytes() == ROWS
    assert len(store.opened) == 2


def test_permission_keeps_no_file_that_is_known_to_be_cut(tmp_path):
    store = Store(ROWS[:30], etag="")
    allowance = Allowance(allow_unproven=True)

    with pytest.raises(ResultError, match=r"ends within a line|1 rows"):
        store.save(item(file_size=None), tmp_path / "a.csv", allowance=allowance)

    assert files(tmp_path) == []


def test_all_files_stay_in_the_folder(tmp_path):
    folder = tmp_path / "deep" / "er"
    items = [item(name=name) for name in ("../x.csv", "/etc/x.csv", "x.csv")]
    store = Store()

    paths = store.play(download_files, RUN, items, folder)

    assert [path.parent for path in paths] == [folder] * 3
    assert len(files(folder)) == 3
    assert all(path.read_bytes() == ROWS for path in paths)


def test_nothing_is_asked_for_where_one_is_there_already(tmp_path):
    (tmp_path / "b.csv").write_text("mine")
    store = Store()

    with pytest.raises(SaveError):
        store.play(
            download_files, RUN, [item(name="a.csv"), item(name="b.csv")], tmp_path
        )

    assert (store.opened, files(tmp_path)) == ([], ["b.csv"])


class Lists(Store):
    """Answers each list of links from a script, by format."""

    def __init__(self, **by_format):
        super().__init__()
        self.by_format = by_format

    def list(self, step):
        self.asked.append(step.query["format"])
        self.listed = self.by_format[step.query["format"]]
        if isinstance(self.listed, Exception):
            return Answer(self.listed.args[0], {}, b"{}")
        return super().list(step)


def numbers(items):
    return [found.block_number for found in items]


@pytest.mark.parametrize(
    ("lists", "asked", "found"),
    [
        ({"json": [item(block_number=3), item(block_number=1)]}, "json", [1, 3]),
        ({"json": [], "csv": [item()]}, "json csv", [2]),
        ({"json": Exception(404), "csv": [item()]}, "json csv", [2]),
        ({"json": [item(download_url=None)], "csv": []}, "json csv", [2]),
    ],
)
def test_listing(lists, asked, found):
    store = Lists(**lists)

    assert numbers(store.play(list_result_files, RUN)) == found
    assert store.asked == asked.split()


def test_failure_that_says_nothing_of_a_format_is_not_passed():
    with pytest.raises(ServerError):
        Lists(json=Exception(500)).play(list_result_files, RUN)


class Odd(Store):
    """Answers a request for the rest as it is told, the first time."""

    def __init__(self, status, **more):
        super().__init__(**more)
        self.odd = [status]

    async def open(self, url, start=0, validator=None):
        if start and self.odd:
            status = self.odd.pop()
            if status == 200:
                self.opened.append((url, start))
                return self.stream(200, {"etag": self.etag}, [0, self.content, None])
            self.statuses.insert(0, status)
        return await super().open(url, start, validator)


@pytest.mark.parametrize("status", [200, 503])
def test_store_that_gives_no_part_gives_the_whole(tmp_path, status):
    """It may know nothing of parts, or be busy; what has come is not mixed with it."""
    store = Odd(status, cuts=[20])

    store.save(item(), tmp_path / "a.csv")

    assert ((tmp_path / "a.csv").read_bytes(), store.left_open) == (ROWS, 0)


def test_rest_that_cannot_be_looked_at_is_passed_over(tmp_path):
    """Another process may have removed it, or it leads nowhere."""
    (tmp_path / ".a.csv.0123456789ab.part").symlink_to(tmp_path / "nowhere")

    Store().save(item(), tmp_path / "a.csv")

    assert files(tmp_path) == ["a.csv"]


def test_pipe_in_place_of_the_rest_is_refused(tmp_path):
    """Nothing waits for somebody to read it."""
    version = sha256(b'"v1"').hexdigest()[:12]
    os.mkfifo(tmp_path / f".a.csv.{version}.part")

    with pytest.raises(SaveError, match="not a file"):
        Store().save(item(), tmp_path / "a.csv")


def test_file_that_has_both_names_is_not_written_to(tmp_path):
    """A process was killed between giving the one and taking the other."""
    target = tmp_path / "a.csv"
    target.write_bytes(b"whole")
    kept = tmp_path / "kept"
    os.link(target, kept)
    version = sha256(b'"v1"').hexdigest()[:12]
    os.link(target, tmp_path / f".a.csv.{version}.part")

    Store().save(item(), target, overwrite=True)

    assert (target.read_bytes(), kept.read_bytes()) == (ROWS, b"whole")


def test_file_that_was_replaced_before_it_was_locked_is_not_written_to(
    tmp_path, monkeypatch
):
    """Another process has just given it its name."""
    version = sha256(b'"v1"').hexdigest()[:12]
    part = tmp_path / f".a.csv.{version}.part"
    flock, replaced = fcntl.flock, []

    def late(file, how):
        if not replaced:
            replaced.append(part.rename(tmp_path / "theirs"))
        return flock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)

    Store().save(item(), tmp_path / "a.csv")

    assert (tmp_path / "a.csv").read_bytes() == ROWS
    assert (tmp_path / "theirs").read_bytes() == b""
