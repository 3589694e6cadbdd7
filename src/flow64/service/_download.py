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
from typing import BinaryIO, Final

from attrs import define, field

from ..errors import FlowError, ResultError, SaveError, TransportError
from ._names import safe_name
from ._results import renewed
from ._table import read_rows
from .api import (
    Begin,
    Close,
    Conversation,
    Fetch,
    Now,
    Read,
    ResultItem,
    Sleep,
    Stream,
)

try:
    import fcntl
except ModuleNotFoundError:  # pragma: no cover - Windows, where nothing is locked
    fcntl = None  # type: ignore[assignment] # asked for below

DAY: Final = 24 * 3600.0

WAITS: Final = (0.5, 2.0, 8.0, 20.0, 60.0)
"""Seconds before each further try, after a download that broke off."""

RENEWALS: Final = 3
"""How often links are asked for anew, within one try that gets nowhere."""

GONE: Final = frozenset({400, 401, 403, 404, 410})
"""How a store answers a link that has expired: that differs from store to store."""


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
    """

    run_id: str
    item: ResultItem
    target: Path
    overwrite: bool = False
    format: str | None = None
    timeout: float = DAY
    _renewals: int = field(default=0, init=False)

    @property
    def name(self) -> str:
        """What errors call the file."""
        return self.item.filename or self.target.name

    def saved(self) -> Conversation[Path]:
        """Download it.

        Raises:
            SaveError: The target is there already, or cannot be written.
            ResultError: What comes is not the file that was listed.
            LinkRefusedError: Its link leads where none is followed.
            TransportError: It broke off again and again; what has come is kept.
        """
        self.require_free()
        ends: float = (yield Now()) + self.timeout
        failures, most = 0, self._kept_bytes()
        while True:
            yield Begin()  # a file may take longer than any call
            try:
                yield from self._tried(ends)
                self._sweep()
                return self.target
            except (TransportError, _CutError) as error:
                lost = error
            if (kept := self._kept_bytes()) > most:
                # It goes forward: farther than ever, and not only than the last time.
                failures, self._renewals, most = 0, 0, kept
            if failures == len(WAITS) or (yield Now()) >= ends:
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

    def _tried(self, ends: float) -> Conversation[None]:
        """Bring the rest of it, and give it its name where it is whole."""
        stream = yield from self._opened()
        tag = _validator(stream)
        part = self._part(tag)
        # Held until it has its name, so that nobody goes on writing to it then.
        with _told(self.target), _held(part):
            with _written(part) as file:
                if not tag:
                    file.truncate(0)
                yield from self._fetched(stream, file, tag, ends)
            self._judge(part)
            _moved(part, self.target, overwrite=self.overwrite)

    def _fetched(
        self, stream: Stream, file: BinaryIO, tag: str | None, ends: float
    ) -> Conversation[None]:
        """Add what is missing to what has come before."""
        have = file.seek(0, os.SEEK_END)
        if have and have == self.item.file_size:
            yield Close(stream)  # it was ended before it had its name
            return
        if have:
            yield Close(stream)
            stream = yield Fetch(
                self.item.download_url or "", start=have, validator=tag
            )
        try:
            if have:
                have = self._continued(stream, file, tag, have)
            file.truncate(have)
            yield from self._copied(stream, file, have, ends)
        except FlowError:
            yield Close(stream)  # one that is left open keeps a connection busy
            raise
        yield Close(stream)

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
            found = yield from renewed(self.run_id, self.item, self.format)
            if found is None:
                raise ResultError(self.name, f"{why}, and it is not listed any more")
            self.item = found

    def _copied(
        self, stream: Stream, file: BinaryIO, have: int, ends: float
    ) -> Conversation[None]:
        """Write what comes, so that everything that has come is kept."""
        file.seek(have)
        while content := (yield Read(stream)):
            file.write(content)
            have += len(content)
            if self.item.file_size is not None and have > self.item.file_size:
                file.truncate(0)
                problem = f"more than the {self.item.file_size} bytes it is to have"
                raise ResultError(self.name, problem)
            if (yield Now()) >= ends:
                raise _CutError(f"it took more than {self.timeout:g} s")

    def _judge(self, part: Path) -> None:
        """Hold what has come to what was listed."""
        size = part.stat().st_size
        wanted = self.item.file_size
        if wanted is not None and size < wanted:
            raise _CutError(f"{size} bytes of {wanted}: it was cut off")
        if wanted is None:
            # Without a size, the rows tell whether it is whole.
            rows = read_rows(
                part,
                content_type=self.item.content_type or "",
                name=self.name,
                expected=self.item.row_count or None,
            )
            try:
                for _ in rows:
                    pass
            except ResultError as error:
                part.unlink()
                raise _CutError(error.problem) from None

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


def saving(
    run_id: str,
    item: ResultItem,
    target: Path,
    *,
    overwrite: bool = False,
    format: str | None = None,
    timeout: float = DAY,
) -> Conversation[Path]:
    """Download one result file to a path; see `Download.saved`."""
    return (
        yield from Download(run_id, item, target, overwrite, format, timeout).saved()
    )


def saving_all(
    run_id: str,
    items: Sequence[ResultItem],
    folder: Path,
    *,
    overwrite: bool = False,
    format: str | None = None,
    timeout: float = DAY,
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
        Download(run_id, item, folder / name, overwrite, format, timeout)
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
