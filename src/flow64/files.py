"""Files that are whole or not there: written beside their name, then moved to it."""

from __future__ import annotations

import os
import secrets
import stat
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final

__all__ = [
    "FOLDER",
    "Unusable",
    "make_folder",
    "read_whole",
    "require_plain",
    "require_room",
    "sweep",
    "write_whole",
]

_fcntl: Any = None
with suppress(ImportError):  # Windows has no such locks
    _fcntl = import_module("fcntl")

FOLDER: Final = ".flow64"
"""Name of a folder that git is told to ignore."""

HOUR: Final = 3600.0
"""Seconds after which a file that nobody finished is swept where there are no locks."""


class Unusable(Exception):  # noqa: N818 - a reason that the caller words, no error
    """A place where no file can be written or read, and why."""


def make_folder(folder: Path) -> None:
    """Make a folder for its owner alone; `.flow64` is none of git's business.

    Whoever makes something below `.flow64` makes its folder by this, so that git is
    told to ignore it whatever is made first, and also where it was there before.

    Raises:
        OSError: It cannot be made.
    """
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for place in (folder, *folder.parents):
        if place.name == FOLDER:
            # One that is there says what its owner wants, and where none can be
            # written, whatever is to be written here says so.
            with (
                suppress(OSError),
                (place / ".gitignore").open("x", encoding="utf-8") as file,
            ):
                file.write("*\n")
            return


def write_whole(target: Path, content: bytes, *, is_swept: bool = False) -> None:
    """Write a file for its owner alone; it has its old content or the new one.

    Files that were left by a process that was killed are swept, unless somebody has
    done that. A link or a folder of that name is refused and not replaced.

    Raises:
        Unusable: It was not written, and what was there is as it was.
    """
    with _worded():
        require_plain(target)
        if not is_swept:
            sweep(target.parent)
        descriptor, temporary = _begun(target.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                if _fcntl is None:
                    file.close()  # Windows renames no file that is open
                # Still open elsewhere: its lock keeps it from those who sweep.
                temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        _settle(target.parent)


def require_room(folder: Path, size: int) -> None:
    """See that files of so many bytes can be written to a folder, and leave none.

    Raises:
        Unusable: They cannot.
    """
    with _worded():
        sweep(folder)
        descriptor, temporary = _begun(folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                for _ in range(size // len(_BLOCK) + 1):
                    file.write(_BLOCK)
                file.flush()
                os.fsync(file.fileno())
        finally:
            temporary.unlink(missing_ok=True)


def read_whole(path: Path, limit: int) -> bytes:
    """The content of a plain file; no link is followed, and no pipe is waited for.

    Raises:
        Unusable: It cannot be read, or is larger than `limit` bytes.
        FileNotFoundError: There is none.
    """
    with _worded():
        descriptor = os.open(path, os.O_RDONLY | _CAREFUL)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unusable("it is no file")
            content = file.read(limit + 1)
    if len(content) > limit:
        raise Unusable(f"it is larger than {limit // 2**20} MiB")
    return content


def require_plain(target: Path) -> None:
    """Refuse a name that a folder, a link or a device has."""
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISLNK(mode):
        raise Unusable("it is a link, which is not followed")
    if stat.S_ISDIR(mode):
        raise Unusable("it is a folder")
    if not stat.S_ISREG(mode):
        raise Unusable("it is no file")


def sweep(folder: Path, now: Callable[[], float] = time.time) -> None:
    """Remove what a process that was killed has left in a folder, as far as possible.

    Whoever writes a file holds its lock, so what nobody holds is left over.
    """
    for path in folder.glob(f"{_HEAD}*{_TAIL}"):
        with suppress(OSError):
            if _fcntl is None:
                if now() - path.lstat().st_mtime > HOUR:
                    path.unlink()
                continue
            descriptor = os.open(path, os.O_RDWR | _CAREFUL)
            try:
                _fcntl.flock(descriptor, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(descriptor)


_HEAD: Final = ".flow64-"
_TAIL: Final = ".new"
_BLOCK: Final = bytes(2**16)
_CAREFUL: Final = (
    getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)


def _begun(folder: Path) -> tuple[int, Path]:
    """A new file under a name that nobody else has, locked."""
    while True:
        temporary = folder / f"{_HEAD}{secrets.token_hex(8)}{_TAIL}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _CAREFUL
        descriptor = os.open(temporary, flags, 0o600)
        if _is_ours(descriptor):
            return descriptor, temporary
        os.close(descriptor)


def _is_ours(descriptor: int) -> bool:
    """Lock a new file; false where somebody swept it before that."""
    if _fcntl is None:
        return True
    with suppress(OSError):  # a file system without locks
        _fcntl.flock(descriptor, _fcntl.LOCK_EX)
    return os.fstat(descriptor).st_nlink > 0


def _settle(folder: Path) -> None:
    """Let the new name survive a loss of power, where the system knows how."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _worded() -> Generator[None]:
    """What the system says, in its words and without a path."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unusable(error.strerror or type(error).__name__) from None
