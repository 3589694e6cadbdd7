"""List result files, and download them through links that expire.

A download is complete or absent: its target gets its name when the file is complete.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final

from attrs import define, field, frozen

from ..api import (
    ResultItem,
    Session,
    Stream,
    as_flag,
    download_links,
    is_refusal,
)
from ..errors import (
    ArgumentError,
    FlowError,
    ResultError,
    TransportError,
    shortened,
)
from ..files import move_file
from ._file_names import make_safe_name
from ._part_file import (
    count_bytes,
    lock_part,
    make_part_path,
    remove_parts,
    write_part,
)
from ._row_reader import read_rows
from ._save_error import raise_save_error, require_free

DAY: Final = 24 * 3600.0
"""Seconds for the whole download of a file."""

WAITS: Final = (0.5, 2.0, 8.0, 20.0, 60.0)
"""Seconds before each further try of a download that broke off."""

RENEWALS: Final = 3
"""Fresh links to ask for within one try that brings nothing."""

LOWEST_RATE: Final = 1024
"""Bytes per second below which a download is given up."""

WINDOW: Final = 60.0
"""Seconds over which the rate is averaged; at most the deadline of a call."""

MAX_BYTES: Final = 2**30
"""Most bytes of a file for which the service lists no size."""

GONE: Final = frozenset({400, 401, 403, 404, 410})
"""Statuses of an expired link; each store has its own."""


@frozen
class Allowance:
    """Limits of a download that the caller sets.

    Attributes:
        max_bytes: Most bytes of one file. None stands for the listed size, or for
            `MAX_BYTES` if no size is listed.
        allow_unproven: Keep a file even if nothing proves that it is complete.
    """

    max_bytes: int | None = None
    allow_unproven: bool = False

    def require_sound(self, callee: str) -> None:
        """Refuse values of a wrong type.

        Raises:
            ArgumentError: `max_bytes` or `allow_unproven` is not valid.
        """
        as_flag(callee, "allow_unproven", self.allow_unproven)
        given: Any = self.max_bytes
        if given is not None and (type(given) is not int or given < 1):
            problem = f"max_bytes is {shortened(given)}; give a positive integer"
            raise ArgumentError(callee, problem)


ALLOWANCE: Final = Allowance()
"""The default limits."""


async def list_result_files(session: Session, run_id: str) -> Sequence[ResultItem]:
    """Return the result files of all stages by block number; the final one is last.

    They are JSON, which keeps types, or CSV if no JSON was saved.
    """
    items: Sequence[ResultItem] = ()
    # The answer for a format that was not saved is unknown: no files, or an error.
    try:
        items = await download_links(session, run_id, "json")
    except FlowError as error:
        if not is_refusal(error):
            raise
    if not any(item.is_readable for item in items):
        items = (await download_links(session, run_id, "csv")) or items
    return sorted(items, key=lambda item: item.block_number or 0)


@define
class _Speed:
    """The speed of a download, measured while it is read, over all tries."""

    window: float
    _seconds: float = field(default=0.0, init=False)
    _bytes: int = field(default=0, init=False)

    def add(self, seconds: float, count: int) -> str | None:
        """Add bytes that came; return a problem if the download is too slow."""
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
    """The download of one file.

    Attributes:
        item: The file; its link may have expired.
    """

    session: Session = field(repr=False)
    run_id: str
    item: ResultItem
    target: Path
    overwrite: bool = False
    allowance: Allowance = ALLOWANCE
    _renewals: int = field(default=0, init=False)
    _ends: float = field(init=False)
    _speed: _Speed = field(init=False)

    @property
    def name(self) -> str:
        """Name of the file, for errors."""
        return self.item.filename or self.target.name

    async def save(self) -> Path:
        """Download the file, and return its path.

        Raises:
            SaveError: The target exists, or cannot be written.
            ResultError: The file is not the one that was listed, is too large or too
                slow, or nothing proves that it is complete.
            LinkRefusedError: Its link leads to a host that is not allowed.
            TransportError: It broke off again and again; the part that came is kept.
        """
        require_free(self.target, overwrite=self.overwrite)
        self._require_small(self.item.file_size or 0)
        session = self.session
        since = session.now()
        self._ends = since + DAY
        deadline = session.begin() - since
        self._speed = _Speed(min(WINDOW, deadline))
        failures, most = 0, count_bytes(self.target)
        while True:
            session.begin()  # a file may take longer than any call
            try:
                await self._try()
                remove_parts(self.target)
                return self.target
            except (TransportError, _CutError) as error:
                lost = error
            now = session.now()
            if (kept := count_bytes(self.target)) > most:
                # It has come farther than in any earlier try.
                failures, self._renewals, most, since = 0, 0, kept, now
            if failures == len(WAITS) or now >= min(self._ends, since + deadline):
                if isinstance(lost, _CutError):
                    raise ResultError(self.name, lost.problem) from None
                raise lost
            await session.sleep(WAITS[failures], is_apart=True)
            failures += 1

    def _require_small(self, size: int) -> None:
        """Refuse a file that is larger than the limit."""
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

    async def _try(self) -> None:
        """Download the rest of the file, and give it its name if it is complete."""
        async with AsyncExitStack() as streams:
            stream = await streams.enter_async_context(await self._open())
            part = make_part_path(self.target, _find_validator(stream))
            # Locked until it has its name, so that no other process writes to it then.
            with raise_save_error(self.target), lock_part(part):
                with write_part(part) as file:
                    is_ended = await self._fetch(streams, stream, file)
                self._judge(part, is_ended=is_ended)
                move_file(part, self.target, overwrite=self.overwrite)

    async def _fetch(
        self, streams: AsyncExitStack, stream: Stream, file: BinaryIO
    ) -> bool:
        """Add the missing bytes; return True if the answer proves where it ends."""
        tag = _find_validator(stream)
        have = file.seek(0, os.SEEK_END) if tag else 0
        if have and have == self.item.file_size:
            return True  # it was complete, and had no name yet
        if have:
            await streams.aclose()
            stream = await streams.enter_async_context(
                await self.session.open(self.item.download_url or "", have, tag)
            )
            have = self._find_offset(stream, file, tag, have)
        file.truncate(have)
        came = await self._copy(stream, file, have)
        return _proves_end(stream, came)

    def _find_offset(
        self, stream: Stream, file: BinaryIO, tag: str | None, have: int
    ) -> int:
        """Return the byte at which an answer of the same version begins."""
        is_same = _find_validator(stream) == tag
        span = stream.headers.get("content-range", "")
        if stream.status == 206 and is_same and span.startswith(f"bytes {have}-"):
            return have
        if stream.status == 200 and is_same:
            return 0
        if stream.status in _OTHERWISE:
            file.truncate(0)  # the next try begins anew
        raise _CutError(f"the store answered {stream.status} to its rest")

    async def _open(self) -> Stream:
        """Open the link; ask for a fresh one if it has expired."""
        while True:
            if self.item.download_url is not None:
                stream = await self.session.open(self.item.download_url)
                status = stream.status
                if status == 200:
                    return stream
                await stream.close()
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
            found = await self._renew_link()
            if found is None:
                raise ResultError(self.name, f"{why}, and it is no longer listed")
            self.item = found

    async def _renew_link(self) -> ResultItem | None:
        """Return the file with a fresh link; None if it is not listed any longer."""
        listed = await list_result_files(self.session, self.run_id)
        wanted = (self.item.filename, self.item.block_number)
        return next(
            (item for item in listed if (item.filename, item.block_number) == wanted),
            None,
        )

    async def _copy(self, stream: Stream, file: BinaryIO, have: int) -> int:
        """Write the bytes as they come, and return their number.

        Raises:
            ResultError: It is too large, or too slow.
        """
        start = have
        file.seek(have)
        now = self.session.now()
        while count := await _copy_part(stream, file):
            have += count
            try:
                self._require_small(have)
            except ResultError:
                file.truncate(0)
                raise
            before, now = now, self.session.now()
            if problem := self._speed.add(now - before, count):
                advice = (
                    f"at least {LOWEST_RATE} bytes a second are expected; try again"
                )
                raise ResultError(self.name, problem, advice=advice)
            if now >= self._ends:
                raise _CutError(f"it took more than {DAY:g} s")
        return have - start

    def _judge(self, part: Path, *, is_ended: bool) -> None:
        """Check that a file is complete.

        Args:
            part: The file.
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
            # Without a size, the rows tell whether it is complete.
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


async def download_file(
    session: Session,
    run_id: str,
    item: ResultItem,
    target: Path,
    *,
    overwrite: bool = False,
    allowance: Allowance = ALLOWANCE,
) -> Path:
    """Download one result file to a path; see `Download.save`."""
    return await Download(session, run_id, item, target, overwrite, allowance).save()


async def download_files(
    session: Session,
    run_id: str,
    items: Sequence[ResultItem],
    folder: Path,
    *,
    overwrite: bool = False,
    allowance: Allowance = ALLOWANCE,
) -> Sequence[Path]:
    """Download result files into a folder, under names that stay inside it.

    Raises:
        SaveError: The folder cannot be made, or a file exists. No request was sent.
    """
    _make_folder(folder)
    names: list[str] = []
    for item in items:
        names.append(make_safe_name(item.filename, taken=names))
    loads = [
        Download(session, run_id, item, folder / name, overwrite, allowance)
        for item, name in zip(items, names, strict=True)
    ]
    for load in loads:  # all of them, before the first request
        require_free(load.target, overwrite=overwrite)
    return [await load.save() for load in loads]


def _make_folder(folder: Path) -> None:
    with raise_save_error(folder):
        folder.mkdir(parents=True, exist_ok=True)


_ADVICE: Final = "download it again, or look at the file"


_UNPROVEN: Final = (
    "nothing proves that it is complete: the store gave neither its length nor chunks, "
    "and the service lists neither file_size nor row_count"
)

_KEEP: Final = "give allow_unproven=True (--allow-unproven) to keep it as it came"

_OTHERWISE: Final = frozenset({200, 206, 416})
"""Statuses of a request for the rest that are about the file itself."""


class _CutError(FlowError):
    """A try that got an incomplete file; another try may do better."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


async def _copy_part(stream: Stream, file: BinaryIO) -> int:
    """Write the next bytes, and return their number. No other frame holds them."""
    content = await stream.read()
    file.write(content)
    return len(content)


def _find_validator(stream: Stream) -> str | None:
    """Return the strong ETag of an answer that is not packed, or None."""
    tag = stream.headers.get("etag", "")
    is_plain = stream.headers.get("content-encoding", "identity") == "identity"
    return tag if is_plain and tag.startswith('"') and len(tag) > 2 else None


def _proves_end(stream: Stream, came: int) -> bool:
    """Return True if an answer says where its body ends, and the body came to that end.

    Packed content may be cut off inside, although its answer has the right length.

    Raises:
        _CutError: The body is shorter than the answer says.
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
