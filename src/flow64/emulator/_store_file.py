"""Open and check the SQLite file of a store, and word its errors."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ..errors import EmulatorStoreError
from ..files import Unusable, read_whole, write_whole
from ._records import (
    BlockState,
    ClaimRecord,
    GraphRecord,
    NotebookRecord,
    OutboxRecord,
    RunRecord,
    ScheduleRecord,
    SigningSecretRecord,
    SpendingRecord,
    UploadRecord,
    WorkflowRecord,
)

MEMORY: Final = ":memory:"

APPLICATION: Final = 0x66363465
"""SQLite's application id, which marks a file as a store."""

SCHEMA: Final = 1
"""Version of the tables; a file of a later version is refused."""

TABLES: Final[Mapping[type[Any], tuple[str, str]]] = {
    WorkflowRecord: ("Workflow", "org_id"),
    RunRecord: ("Run", "org_id"),
    GraphRecord: ("Graph", "id"),
    ClaimRecord: ("Claim", "run_id"),
    BlockState: ("BlockState", "run_id"),
    OutboxRecord: ("Sent", "org_id"),
    SpendingRecord: ("Spending", "org_id"),
    NotebookRecord: ("Notebook", "org_id"),
    UploadRecord: ("Upload", "org_id"),
    ScheduleRecord: ("Schedule", "org_id"),
    SigningSecretRecord: ("SigningSecret", "org_id"),
}
"""Table of each class of records, and the field under which they are listed. A table
keeps its name if its class is renamed."""

_SQL: Final = "".join(
    f"CREATE TABLE {name} (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, "
    f"parent TEXT NOT NULL, data TEXT NOT NULL, sum INTEGER NOT NULL);"
    f"CREATE INDEX {name}_parent ON {name} (parent, place);"
    for name, _ in TABLES.values()
) + (
    "CREATE TABLE rows (owner TEXT NOT NULL, chunk INTEGER NOT NULL, "
    "data TEXT NOT NULL, sum INTEGER NOT NULL, PRIMARY KEY (owner, chunk)) "
    "WITHOUT ROWID;"
)


def identify_file(file: Path | None) -> tuple[int, int] | None:
    """Return the device and inode of a file; None if it does not exist."""
    try:
        found = None if file is None else file.stat()
    except OSError:
        return None
    return found and (found.st_dev, found.st_ino)


def open_file(path: str) -> sqlite3.Connection:
    if not path:  # SQLite would make a temporary file
        raise EmulatorStoreError(path, "a file needs a name", "name one")
    _make_private(path)
    try:
        connection = sqlite3.connect(
            path, timeout=0, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise store_error(path, error) from error
    try:
        _prepare(path, connection)
    except sqlite3.Error as error:
        connection.close()
        raise store_error(path, error) from error
    except EmulatorStoreError:
        connection.close()
        raise
    connection.text_factory = bytes
    if path != MEMORY:
        forget_address(path)  # of an emulator that was killed
    return connection


# -- The address of the emulator that has a store open ---------------------------------

_ADDRESS: Final = re.compile(r"http://127\.0\.0\.1:[0-9]{1,5}")
"""The only form of an address that is noted, and that is believed."""


def note_address(path: str | Path, url: str) -> None:
    """Note beside a store where it is served, for processes that find it open.

    Only the process that has the store open calls it. Other addresses than that of
    loopback are not noted.
    """
    if _ADDRESS.fullmatch(url):
        with suppress(OSError, Unusable):  # a folder in which nothing can be written
            write_whole(_address_file(path), url.encode())


def forget_address(path: str | Path) -> None:
    """Remove the noted address of a store."""
    with suppress(OSError):
        _address_file(path).unlink()


def find_address(error: EmulatorStoreError) -> str | None:
    """Return where the store of an error is served; None if nothing is noted.

    It is an address on this machine in any case: the file may be a stranger's.

    Args:
        error: Tells why the store could not be opened.
    """
    if error.problem != _IN_USE[0]:
        return None
    try:
        text = read_whole(_address_file(error.path), 64).decode("ascii", "replace")
    except (OSError, Unusable):
        return None
    return text if _ADDRESS.fullmatch(text) else None


def _address_file(path: str | Path) -> Path:
    return Path(f"{os.fspath(path)}-address")


def _make_private(path: str) -> None:
    """Create a file that only its owner can read; SQLite uses its mode for other files.

    An existing file is not opened, since closing it would drop the locks of a store of
    this process. Errors are left to SQLite.
    """
    if path != MEMORY:
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
        with suppress(OSError, ValueError):
            os.close(os.open(path, flags, 0o600))


def _prepare(path: str, connection: sqlite3.Connection) -> None:
    def one(query: str) -> Any:
        return connection.execute(query).fetchone()[0]

    # Kept until the end of the process, so that a second emulator is refused at once.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN IMMEDIATE")
    application, version = one("PRAGMA application_id"), one("PRAGMA user_version")
    is_new = not (application or version or one("SELECT count(*) FROM sqlite_master"))
    connection.execute("ROLLBACK")
    # Nothing was written so far: a file of another program stays unchanged.
    if not is_new and application != APPLICATION:
        raise EmulatorStoreError(path, "it belongs to another program")
    if version > SCHEMA:
        raise EmulatorStoreError(
            path,
            "it was written by a later flow64",
            "install that, or name another file",
        )
    connection.execute("PRAGMA journal_mode = WAL")
    # Every commit reaches the operating system, so the process may be killed.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("BEGIN IMMEDIATE")
    if is_new:
        for statement in _SQL.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {SCHEMA}")
    connection.execute("COMMIT")
    if (found := one("PRAGMA integrity_check(1)")) != "ok":
        words = " ".join(str(found).split())
        raise EmulatorStoreError(path, f"it is damaged ({words})")


def store_error(path: str, error: sqlite3.Error) -> EmulatorStoreError:
    # Errors of the Python module, such as a closed connection, have no name.
    name = getattr(error, "sqlite_errorname", "CLOSED")
    known = next((words for code, words in REASONS.items() if code in name), None)
    return EmulatorStoreError(path, *(known or (str(error),)))


_IN_USE: Final = (
    "another program has it open",
    "stop that emulator first, or name another file",
)

_READ_ONLY: Final = (
    "it cannot be written to",
    "change its mode, or name another file",
)

REASONS: Final[Mapping[str, tuple[str, ...]]] = {
    "BUSY": _IN_USE,
    "LOCKED": _IN_USE,
    "CANTOPEN": (
        "it cannot be opened",
        "name a file in a folder that exists and can be written to",
    ),
    "READONLY": _READ_ONLY,
    "IOERR_LOCK": _READ_ONLY,
    "FULL": (
        "the disk is full, so nothing of this step was saved",
        "make room and try again",
    ),
    "IOERR": (
        "the disk refused to read or to write, so nothing of this step was saved",
        "look after the disk, or name another file",
    ),
    "NOTADB": ("it is not a database of the emulator",),
    "CORRUPT": ("it is damaged",),
    "CLOSED": ("it was closed", "open it again"),
    "GONE": (
        "the file was removed or replaced while open, so nothing of this was saved",
        "put it back, or end the emulator and start it again",
    ),
}
"""Problem and advice by a part of SQLite's error name."""
