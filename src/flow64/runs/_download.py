"""Downloads: through links that expire, to files that are complete or absent.

What has come so far lies in a hidden file beside the target, named after the version of
the file at the store, so that a later try goes on where this one broke off, and never
with another version. Nothing has the target's name before it is whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final

from attrs import define, field, frozen

from ..api import (
    Begin,
    Close,
    Conversation,
    Fetch,
    Now,
    Read,
    ResultItem,
    Sleep,
    Stream,
    as_flag,
)
from ..errors import (
    ArgumentError,
    FlowError,
    ResultError,
    SaveError,
    TransportError,
    shortened,
)
from ._file_names import safe_name
from ._result_links import renew_link
from ._row_files import read_rows

try:
    import fcntl
except ModuleNotFoundError:  # pragma: no cover - Windows, where nothing is locked
    fcntl = None  # type: ignore[assignment] # asked for below

DAY: Final = 24 * 3600.0

WAITS: Final = (0.5, 2.0, 8.0, 20.0, 60.0)
"""Seconds before each further try, after a download that broke off."""

RENEWALS: Final = 3
"""How often links are asked for anew, within one try that gets nowhere."""

LOWEST_RATE: Final = 1024
"""Bytes per second; a download that brings fewer on average is given up."""

WINDOW: Final = 60.0
"""Seconds over which that average is taken; at most the deadline of a call."""

MAX_BYTES: Final = 2**30
"""Bytes of the largest file that is downloaded if the service lists no size for it."""

GONE: Final = frozenset({400, 401, 403, 404, 410})
"""How a store answers a link that has expired: that differs from store to store."""


@frozen
class Allowance:
    """What the caller lets a download do.

    Attributes:
        max_bytes: The most bytes of one file. None takes the listed size, or
            `MAX_BYTES` if none is listed.
        allow_unproven: Whether a file is kept if nothing proves that it is complete.
    """

    max_bytes: int | None = None
    allow_unproven: bool = False

    def require_sound(self, callee: str) -> None:
        """Refuse what is not a number of bytes, or not True or False.

        Raises:
            ArgumentError: It says which argument, and what was given.
        """
        as_flag(callee, "allow_unproven", self.allow_unproven)
        given: Any = self.max_bytes
        if given is not None and (type(given) is not int or given < 1):
            problem = f"max_bytes is {shortened(given)}; give a positive integer"
            raise ArgumentError(callee, problem)


ALLOWANCE: Final = Allowance()
"""What a download may do if nobody says otherwise."""


@define
class _Speed:
    """How fast a file comes: measured while it is read, over all tries.

    Attributes:
        window: Seconds over which the average is taken.
    """

    window: float
    _seconds: float = field(default=0.0, init=False)
    _bytes: int = field(default=0, init=False)

    def add(self, seconds: float, count: int) -> str | None:
        """Add what came in a time; return what is wrong if it is too slow."""
        self._seconds += seconds
        self._bytes += count
        if self._seconds < self.window:
            return None
        seconds, count = self._seconds, self._bytes
        self._seconds, self._bytes = 0.0, 0
        if count >= LOWEST_RATE * seconds:
            return None
        return f"it is too slow: {count:,} bytes in {seconds:.3g} s"


@define
class Download:
    """One file that is being downloaded.

    Attributes:
        run_id: The run it belongs to.
        item: The file, with a link that may have expired.
        target: Where it is to be.
        overwrite: Whether a file that is there is replaced.
        format: The format it was listed in, in which to ask for links anew.
        timeout: Seconds for all of it.
        allowance: What the caller lets it do.
    """

    run_id: str
    item: ResultItem
    target: Path
    overwrite: bool = False
    format: str | None = None
    timeout: float = DAY
    allowance: Allowance = ALLOWANCE
    _renewals: int = field(default=0, init=False)

    @property
    def name(self) -> str:
        """What errors call the file."""
        return self.item.filename or self.target.name

    def saved(self) -> Conversation[Path]:
        """Download it.

        Raises:
            SaveError: The target is there already, or cannot be written.
            ResultError: What comes is not the file that was listed, is too large or
                too slow, or nothing proves that it is complete.
            LinkRefusedError: Its link leads where none is followed.
            TransportError: It broke off again and again; what has come is kept.
        """
        self.require_free()
        self._require_small(self.item.file_size or 0)
        since: float = yield Now()
        ends = since + self.timeout
        deadline = (yield Begin()) - since
        speed = _Speed(min(WINDOW, deadline))
        failures, most = 0, self._kept_bytes()
        while True:
            yield Begin()  # a file may take longer than any call
            try:
                yield from self._tried(ends, speed)
                self._sweep()
                return self.target
            except (TransportError, _CutError) as error:
                lost = error
            now = yield Now()
            if (kept := self._kept_bytes()) > most:
                # It goes forward: farther than ever, and not only than the last time.
                failures, self._renewals, most, since = 0, 0, kept, now
            if failures == len(WAITS) or now >= min(ends, since + deadline):
                if isinstance(lost, _CutError):
                    raise ResultError(self.name, lost.problem) from None
                raise lost
            yield Sleep(WAITS[failures], is_apart=True)
            failures += 1

    def require_free(self) -> None:
        """Refuse a target that is there already."""
        if self.target.is_dir():
            raise SaveError(str(self.target), "it is a folder")
        if not self.overwrite and os.path.lexists(self.target):
            raise SaveError(str(self.target), _THERE)

    def _require_small(self, size: int) -> None:
        """Refuse a file that is larger than what may be downloaded."""
        if (most := self.allowance.max_bytes) is not None:
            problem = f"more than max_bytes={most:,} bytes"
            advice = "give a larger max_bytes (--max-bytes) to download it"
        elif (most := self.item.file_size) is not None:
            problem = f"more than the {most} bytes it is to have"
            advice = _ADVICE
        else:
            most = MAX_BYTES
            problem = f"more than {most:,} bytes, and the service lists no size for it"
            advice = "give max_bytes (--max-bytes) to download more"
        if size > most:
            raise ResultError(self.name, problem, advice=advice)

    def _tried(self, ends: float, speed: _Speed) -> Conversation[None]:
        """Bring the rest of it, and give it its name where it is whole."""
        stream = yield from self._opened()
        tag = _validator(stream)
        part = self._part(tag)
        # Held until it has its name, so that nobody goes on writing to it then.
        with _told(self.target), _held(part):
            with _written(part) as file:
                if not tag:
                    file.truncate(0)
                is_ended = yield from self._fetched(stream, file, tag, ends, speed)
            self._judge(part, is_ended=is_ended)
            _moved(part, self.target, overwrite=self.overwrite)

    def _fetched(
        self,
        stream: Stream,
        file: BinaryIO,
        tag: str | None,
        ends: float,
        speed: _Speed,
    ) -> Conversation[bool]:
        """Add what is missing; return True if the answer proves where it ends."""
        have = file.seek(0, os.SEEK_END)
        if have and have == self.item.file_size:
            yield Close(stream)  # it was ended before it had its name
            return True
        if have:
            yield Close(stream)
            stream = yield Fetch(
                self.item.download_url or "", start=have, validator=tag
            )
        try:
            if have:
                have = self._continued(stream, file, tag, have)
            file.truncate(have)
            came = yield from self._copied(stream, file, have, ends, speed)
            is_ended = _proves_end(stream, came)
        except FlowError:
            yield Close(stream)  # one that is left open keeps a connection busy
            raise
        yield Close(stream)
        return is_ended

    def _continued(
        self, stream: Stream, file: BinaryIO, tag: str | None, have: int
    ) -> int:
        """At which byte what comes begins, where it is of the same version."""
        is_same = _validator(stream) == tag
        if stream.status == 206 and is_same and _begins_at(stream, have):
            return have
        if stream.status == 200 and is_same:
            return 0
        if stream.status in _OTHERWISE:
            file.truncate(0)  # the next try begins anew
        raise _CutError(f"the store answered {stream.status} to its rest")

    def _opened(self) -> Conversation[Stream]:
        """Open the link, with a fresh one where it has expired."""
        while True:
            link = self.item.download_url
            if link is not None:
                stream: Stream = yield Fetch(link)
                if stream.status == 200:
                    return stream
                yield Close(stream)
                status = stream.status
                if 300 <= status < 400:
                    problem = "its link leads on to somewhere else, and is not followed"
                    raise ResultError(self.name, problem)
                if status not in GONE:
                    raise _CutError(f"the store answered {status}")
                why = f"the store answered {status} to each of its links"
            else:
                why = self.item.message or "it has no link"
            if self._renewals == RENEWALS:
                raise ResultError(self.name, why)
            self._renewals += 1
            found = yield from renew_link(self.run_id, self.item, self.format)
            if found is None:
                raise ResultError(self.name, f"{why}, and it is not listed any more")
            self.item = found

    def _copied(
        self,
        stream: Stream,
        file: BinaryIO,
        have: int,
        ends: float,
        speed: _Speed,
    ) -> Conversation[int]:
        """Write what comes, so that everything that has come is kept; return its size.

        Raises:
            ResultError: It is too large, or too slow.
        """
        start = have
        file.seek(have)
        now: float = yield Now()
        while content := (yield Read(stream)):
            have += len(content)
            try:
                self._require_small(have)
            except ResultError:
                file.truncate(0)
                raise
            file.write(content)
            before, now = now, (yield Now())
            if problem := speed.add(now - before, len(content)):
                advice = (
                    f"at least {LOWEST_RATE} bytes a second are expected; try again"
                )
                raise ResultError(self.name, problem, advice=advice)
            if now >= ends:
                raise _CutError(f"it took more than {self.timeout:g} s")
        return have - start

    def _judge(self, part: Path, *, is_ended: bool) -> None:
        """Hold what has come to what was listed.

        Args:
            part: What has come.
            is_ended: Whether the answer itself proves that it came to its end.

        Raises:
            _CutError: It is cut off.
            ResultError: Nothing proves that it is complete.
        """
        size = part.stat().st_size
        wanted = self.item.file_size
        if wanted is not None and size < wanted:
            raise _CutError(f"{size} bytes of {wanted}: it was cut off")
        if wanted is None:
            # Without a size, the rows tell whether it is whole.
            is_proven = is_ended or self.allowance.allow_unproven
            rows = read_rows(
                part,
                content_type=self.item.content_type or "",
                name=self.name,
                expected=self.item.row_count or None,
                needs_end=bool(self.item.row_count) and not is_proven,
            )
            try:
                for _ in rows:
                    pass
            except ResultError as error:
                part.unlink()
                raise _CutError(error.problem) from None
            if not (is_proven or self.item.row_count):
                part.unlink()
                raise ResultError(self.name, _UNPROVEN, advice=_KEEP)

    def _part(self, tag: str | None) -> Path:
        version = sha256(tag.encode()).hexdigest()[:12] if tag else "unversioned"
        return self.target.with_name(f".{self.target.name[:180]}.{version}.part")

    def _parts(self) -> Sequence[Path]:
        start = re.escape(f".{self.target.name[:180]}.")
        own = re.compile(start + r"(unversioned|[0-9a-f]{12})\.part")
        with suppress(OSError):
            folder = self.target.parent
            return [path for path in folder.iterdir() if own.fullmatch(path.name)]
        return []

    def _kept_bytes(self) -> int:
        """How much has come at most of any version."""
        with suppress(OSError):
            return max((path.stat().st_size for path in self._parts()), default=0)
        return 0

    def _sweep(self) -> None:
        """Remove what earlier tries have left."""
        for path in self._parts():
            with suppress(OSError):
                path.unlink()


def download_file(
    run_id: str,
    item: ResultItem,
    target: Path,
    *,
    overwrite: bool = False,
    format: str | None = None,
    timeout: float = DAY,
    allowance: Allowance = ALLOWANCE,
) -> Conversation[Path]:
    """Download one result file to a path; see `Download.saved`."""
    load = Download(run_id, item, target, overwrite, format, timeout, allowance)
    return (yield from load.saved())


def download_files(
    run_id: str,
    items: Sequence[ResultItem],
    folder: Path,
    *,
    overwrite: bool = False,
    format: str | None = None,
    timeout: float = DAY,
    allowance: Allowance = ALLOWANCE,
) -> Conversation[Sequence[Path]]:
    """Download result files into a folder, under names that stay inside it.

    Raises:
        SaveError: The folder cannot be made, or a file is there already; nothing was
            asked for then.
    """
    with _told(folder):
        folder.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    for item in items:
        names.append(safe_name(item.filename, taken=names))
    loads = [
        Download(run_id, item, folder / name, overwrite, format, timeout, allowance)
        for item, name in zip(items, names, strict=True)
    ]
    for load in loads:  # all of them, before the first is asked for
        load.require_free()
    saved: list[Path] = []
    for load in loads:
        path = yield from load.saved()
        saved.append(path)
    return saved


_THERE: Final = "it is there already; say overwrite=True to replace it"

_ADVICE: Final = "download it again, or look at the file"

_UNPROVEN: Final = (
    "nothing proves that it is complete: the store gave neither its length nor chunks, "
    "and the service lists neither file_size nor row_count"
)

_KEEP: Final = "give allow_unproven=True (--allow-unproven) to keep it as it came"

_OTHERWISE: Final = frozenset({200, 206, 416})
"""Answers to a request for the rest that say something of the file itself."""


class _CutError(FlowError):
    """A try that got no whole file; another may."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def _validator(stream: Stream) -> str | None:
    """The strong ETag of what comes as it is stored; None where there is none."""
    tag = stream.headers.get("etag", "")
    is_plain = stream.headers.get("content-encoding", "identity") == "identity"
    return tag if is_plain and tag.startswith('"') and len(tag) > 2 else None


def _proves_end(stream: Stream, came: int) -> bool:
    """Return True if an answer says where its body ends, and it came to that end.

    Content that was packed may be cut off inside, whatever length its answer has.

    Raises:
        _CutError: Less came than it says.
    """
    if stream.headers.get("content-encoding", "identity") != "identity":
        return False
    if "chunked" in stream.headers.get("transfer-encoding", "").lower():
        return True  # the transport refuses chunks without their end
    length = stream.headers.get("content-length", "")
    if not length.isdecimal():
        return False
    if came < int(length):
        raise _CutError(f"{came} bytes of {length}: it was cut off")
    return True


def _begins_at(stream: Stream, start: int) -> bool:
    return stream.headers.get("content-range", "").startswith(f"bytes {start}-")


@contextmanager
def _told(path: Path) -> Generator[None]:
    """Turn a failure of the disk into an error that names the path."""
    try:
        yield
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise SaveError(str(path), problem) from None


@contextmanager
def _held(path: Path) -> Generator[None]:
    """The file that keeps what has come, for us alone until it has its name."""
    if fcntl is None:  # pragma: no cover - Windows, which renames no open file
        yield
        return
    while True:
        lock = _opened(path)
        try:
            if _locked(path, lock):
                yield
                return
        finally:
            os.close(lock)


def _locked(path: Path, lock: int) -> bool:
    """Lock a file, if it has this name still, and no other.

    Where a process was killed while it gave the file its name, the file has both, and
    nothing may be written to it any more.
    """
    assert fcntl is not None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        problem = "another download of it is under way"
        raise SaveError(str(path), problem) from None
    held = os.fstat(lock)
    with suppress(FileNotFoundError):
        if os.path.samestat(held, path.lstat()):
            if held.st_nlink == 1:
                return True
            path.unlink()
    return False


@contextmanager
def _written(path: Path) -> Generator[BinaryIO]:
    """The same to be written, and to be on the disk then."""
    with os.fdopen(_opened(path), "r+b") as file:
        try:
            yield file
        finally:
            file.flush()
            os.fsync(file.fileno())


def _opened(path: Path) -> int:
    """Open a file, and make it where it is missing; never through a link."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    return os.open(path, flags | getattr(os, "O_BINARY", 0), 0o600)


def _moved(part: Path, target: Path, *, overwrite: bool) -> None:
    """Give it its name, all at once."""
    if overwrite:
        part.replace(target)
        return
    try:
        os.link(part, target)  # refuses a name that was taken meanwhile
    except FileExistsError:
        raise SaveError(str(target), _THERE) from None
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise SaveError(str(target), _THERE) from None
        part.replace(target)
    else:
        part.unlink()
