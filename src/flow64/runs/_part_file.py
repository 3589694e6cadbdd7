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
from typing import BinaryIO

from ..errors import SaveError
from ..files import CAN_LOCK, open_plain, try_lock


def make_part_path(target: Path, tag: str | None) -> Path:
    """Return the path of the part of a target, for one version of the file."""
    version = sha256(tag.encode()).hexdigest()[:12] if tag else "unversioned"
    return target.with_name(f".{target.name[:180]}.{version}.part")


def find_parts(target: Path) -> Sequence[Path]:
    """Return the parts of a target that exist, of any version."""
    start = re.escape(f".{target.name[:180]}.")
    own = re.compile(start + r"(unversioned|[0-9a-f]{12})\.part")
    with suppress(OSError):
        return [path for path in target.parent.iterdir() if own.fullmatch(path.name)]
    return []


def count_bytes(target: Path) -> int:
    """Return the size of the largest part of a target."""
    with suppress(OSError):
        return max((path.stat().st_size for path in find_parts(target)), default=0)
    return 0


def remove_parts(target: Path) -> None:
    """Remove the parts of a target."""
    for path in find_parts(target):
        with suppress(OSError):
            path.unlink()


@contextmanager
def lock_part(path: Path) -> Generator[None]:
    """Hold a part until it has the name of its target, so that no other writes to it.

    Raises:
        SaveError: Another download holds it.
    """
    if not CAN_LOCK:  # pragma: no cover - Windows, which cannot rename an open file
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
    if not try_lock(lock):
        raise SaveError(str(path), "another download of it is under way")
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
    return open_plain(path, os.O_RDWR | os.O_CREAT)
