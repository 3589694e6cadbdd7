"""The part of a download that has come, in a hidden file next to its target.

The file is named after the version of the download at the store. So a later try goes on
where this one broke off, and never with another version.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from ..errors import SaveError

try:
    import fcntl
except ModuleNotFoundError:  # pragma: no cover - Windows, where nothing is locked
    fcntl = None  # type: ignore[assignment] # asked for below

EXISTS: Final = "it is there already; say overwrite=True to replace it"


def part_of(target: Path, tag: str | None) -> Path:
    """Return the path of the part of a target, for one version of the file."""
    version = sha256(tag.encode()).hexdigest()[:12] if tag else "unversioned"
    return target.with_name(f".{target.name[:180]}.{version}.part")


def parts_of(target: Path) -> Sequence[Path]:
    """Return the parts of a target that exist, of any version."""
    start = re.escape(f".{target.name[:180]}.")
    own = re.compile(start + r"(unversioned|[0-9a-f]{12})\.part")
    with suppress(OSError):
        return [path for path in target.parent.iterdir() if own.fullmatch(path.name)]
    return []


def count_bytes(target: Path) -> int:
    """Return the size of the largest part of a target."""
    with suppress(OSError):
        return max((path.stat().st_size for path in parts_of(target)), default=0)
    return 0


def remove_parts(target: Path) -> None:
    """Remove the parts of a target."""
    for path in parts_of(target):
        with suppress(OSError):
            path.unlink()


@contextmanager
def raise_save_error(path: Path) -> Generator[None]:
    """Turn a failure of the disk into an error that names the path."""
    try:
        yield
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise SaveError(str(path), problem) from None


@contextmanager
def lock_part(path: Path) -> Generator[None]:
    """Hold a part until it has the name of its target, so that no other writes to it.

    Raises:
        SaveError: Another download holds it.
    """
    if fcntl is None:  # pragma: no cover - Windows, which renames no open file
        yield
        return
    while True:
        lock = _open(path)
        try:
            if _lock(path, lock):
                yield
                return
        finally:
            os.close(lock)


def _lock(path: Path, lock: int) -> bool:
    """Lock a file; return False if it lost its name, or has a second one.

    If a process was killed while it gave the file its name, the file has both names,
    and nothing may be written to it any more.
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
def write_part(path: Path) -> Generator[BinaryIO]:
    """Open a part for writing, and sync it to the disk at the end."""
    with os.fdopen(_open(path), "r+b") as file:
        try:
            yield file
        finally:
            file.flush()
            os.fsync(file.fileno())


def _open(path: Path) -> int:
    """Open a file, and make it if it is missing; follow no link."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    return os.open(path, flags | getattr(os, "O_BINARY", 0), 0o600)


def move_part(part: Path, target: Path, *, overwrite: bool) -> None:
    """Give a part the name of its target in one step.

    Raises:
        SaveError: The target exists.
    """
    if overwrite:
        part.replace(target)
        return
    try:
        os.link(part, target)  # fails if the name was taken meanwhile
    except FileExistsError:
        raise SaveError(str(target), EXISTS) from None
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise SaveError(str(target), EXISTS) from None
        part.replace(target)
    else:
        part.unlink()
