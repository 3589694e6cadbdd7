"""Files that are complete or absent: written under another name, then renamed."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

FOLDER: Final = ".flow64"
"""Name of a folder that git is told to ignore."""


class Unusable(Exception):  # noqa: N818 - a reason, which the caller words as an error
    """The reason why a file cannot be written or read."""


def make_folder(folder: Path) -> None:
    """Make a folder for its owner alone.

    If it is `.flow64`, or is inside it, git is told to ignore `.flow64`, also if that
    was there before. So everything inside `.flow64` is made with this function.

    Raises:
        OSError: It cannot be made.
    """
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for place in (folder, *folder.parents):
        if place.name == FOLDER:
            # A .gitignore that exists is kept. If none can be written, the write that
            # follows fails with a better message.
            with (
                suppress(OSError),
                (place / ".gitignore").open("x", encoding="utf-8") as file,
            ):
                file.write("*\n")
            return


class NewFile:
    """A new file under a temporary name, locked so that no other process sweeps it.

    Closing it removes it, unless it was moved to its own name.
    """

    def __init__(self, folder: Path, *, mode: int = 0o600) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | _CAREFUL
        while True:
            self.path: Path = folder / f"{_HEAD}{os.urandom(8).hex()}{_TAIL}"
            descriptor = os.open(self.path, flags, mode)
            if _is_ours(descriptor):
                break
            os.close(descriptor)
        self.file: Final[BinaryIO] = os.fdopen(descriptor, "wb")

    def sync(self) -> None:
        """Write everything to the disk."""
        self.file.flush()
        os.fsync(self.file.fileno())

    def move_to(self, target: Path, *, overwrite: bool = True) -> None:
        """Give the complete file its name; see `move_file`."""
        self.sync()
        move_file(self.path, target, overwrite=overwrite)
        _sync_folder(target.parent)

    def close(self) -> None:
        """Close the file, and remove it if it was not moved."""
        with suppress(OSError):  # on a full disk, the last bytes cannot be written
            self.file.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def move_file(source: Path, target: Path, *, overwrite: bool) -> None:
    """Give a file another name in one step.

    Raises:
        FileExistsError: The name is taken, and `overwrite` is not set.
        OSError: It cannot be moved.
    """
    if overwrite:
        source.replace(target)
        return
    try:
        # A link fails if the name is taken; a rename would replace the file.
        target.hardlink_to(source)
    except OSError as error:  # the name is taken, or the file system has no links
        if isinstance(error, FileExistsError) or os.path.lexists(target):
            raise FileExistsError(17, "File exists") from None
        source.replace(target)
    else:
        source.unlink()


def write_whole(target: Path, content: bytes, *, is_swept: bool = False) -> None:
    """Write a file for its owner alone. It has its old content or the new one.

    A link or a folder of that name is refused and not replaced.

    Args:
        target: The file.
        content: Its new content.
        is_swept: True if the caller has swept the folder; see `sweep`.

    Raises:
        Unusable: It was not written; the old file is unchanged.
        FileNotFoundError: The folder does not exist.
    """
    with _raise_unusable():
        require_plain(target)
        if not is_swept:
            sweep(target.parent)
        with closing(NewFile(target.parent)) as new:
            new.file.write(content)
            new.move_to(target)


def check_folder(folder: Path) -> None:
    """Check that files can be written into a folder, and sweep it.

    Raises:
        Unusable: They cannot.
        FileNotFoundError: The folder does not exist.
    """
    with _raise_unusable():
        sweep(folder)
        NewFile(folder).close()


def read_whole(path: Path, limit: int) -> bytes:
    """Return the content of a regular file; see `open_plain`.

    Raises:
        Unusable: It cannot be read, or is larger than `limit` bytes.
        FileNotFoundError: The file does not exist.
    """
    with _raise_unusable():
        require_plain(path)
        with os.fdopen(open_plain(path, os.O_RDONLY), "rb") as file:
            is_small = os.fstat(file.fileno()).st_size <= limit
            content = file.read(limit + 1) if is_small else b""
    if is_small and len(content) <= limit:
        return content
    raise Unusable(f"it is larger than {limit // 2**20} MiB")


def open_plain(path: Path, flags: int) -> int:
    """Open a regular file. Links are not followed, and pipes are not waited for.

    Raises:
        Unusable: It is not a regular file.
        OSError: It cannot be opened.
    """
    descriptor = os.open(path, flags | _CAREFUL, 0o600)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Unusable("it is not a file")
    return descriptor


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
        raise Unusable("it is not a file")


def sweep(folder: Path) -> None:
    """Remove the unfinished files of killed processes, as far as possible.

    A process that writes a file holds its lock, so a file without a lock is left over.
    """
    for path in folder.glob(f"{_HEAD}*{_TAIL}"):
        with suppress(OSError):
            descriptor = os.open(path, os.O_RDWR | _CAREFUL)
            try:
                if try_lock(descriptor):
                    path.unlink()
            finally:
                os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Lock a file until it is closed; return False if another process holds the lock.

    Raises:
        OSError: The file system has no locks.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def relative_path(path: str | Path, folder: Path | None = None) -> str:
    """Return a path relative to a folder, if it is below that.

    Args:
        path: The path.
        folder: The folder. By default the working folder.
    """
    full, root = Path(path).absolute(), Path.cwd() if folder is None else folder
    return str(full.relative_to(root) if full.is_relative_to(root) else path)


def reason_of(error: Exception) -> str:
    """Return what an error says, that of the system without the path."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


_HEAD: Final = ".flow64-"
_TAIL: Final = ".new"
_CAREFUL: Final = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def _is_ours(descriptor: int) -> bool:
    """Lock a new file; return False if another process swept it before that."""
    with suppress(OSError):  # a file system without locks
        if not try_lock(descriptor):
            return False
    return os.fstat(descriptor).st_nlink > 0


def _sync_folder(folder: Path) -> None:
    """Write a new name to the disk, if the system can do that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _raise_unusable() -> Generator[None]:
    """Turn an error of the system into `Unusable`, except a missing file."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unusable(reason_of(error)) from None
