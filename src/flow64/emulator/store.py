"""The store: one SQLite table with everything that survives a restart.

One process owns a file, by a lock on a second file, which also says at which
address that process serves it.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import Any, Final, Generic, Protocol, TypeVar
from uuid import uuid4
from weakref import finalize

from attrs import frozen
from cattrs.preconf.json import make_converter

from ..errors import ConfigError
from ..files import Unusable, open_plain, try_lock
from . import records
from .records import JsonObject, RowData

MEMORY: Final = ":memory:"

CHUNK: Final = 500
"""Rows in one chunk, which is written and read as a whole."""

PATIENCE: Final = 5.0
"""Seconds to wait for another process to release a store."""

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS items (
    place INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    json TEXT NOT NULL,
    UNIQUE (kind, id)
)
"""


class Record(Protocol):
    """A record of the store."""

    @property
    def id(self) -> str:
        """The unique id among records of its class."""
        ...


R = TypeVar("R", bound=Record)


@frozen
class Records(Generic[R]):
    """The records of one class. Each method is atomic."""

    store: Store
    cls: type[R]

    def get(self, id: str) -> R | None:
        """Return a record, or None."""
        return next(iter(self._select("AND id = ?", id)), None)

    def all(self) -> list[R]:
        """Return all records, oldest first."""
        return self._select("ORDER BY place")

    def newest(self, limit: int) -> list[R]:
        """Return the newest records, newest first."""
        return self._select("ORDER BY place DESC LIMIT ?", limit)

    def of(self, org_id: str) -> list[R]:
        """Return the records of an organisation, oldest first."""
        return self._select(
            "AND json_extract(json, '$.org_id') = ? ORDER BY place", org_id
        )

    def under(self, prefix: str) -> list[R]:
        """Return the records with ids `PREFIX/...`, oldest first."""
        condition = "AND id > ? AND id < ? ORDER BY place"
        return self._select(condition, f"{prefix}/", f"{prefix}0")

    def count(self) -> int:
        """Count the records."""
        query = "SELECT count(*) FROM items WHERE kind = ?"
        return int(self.store.fetch(query, self.cls.__name__)[0][0])

    def add(self, record: R) -> bool:
        """Add a record; return False and change nothing if its id exists."""
        query = "INSERT OR IGNORE INTO items (kind, id, json) VALUES (?, ?, ?)"
        return self.store.execute(query, *self._columns(record)) == 1

    def put(self, record: R) -> None:
        """Add a record, or replace the one with its id."""
        self.store.execute(
            "INSERT INTO items (kind, id, json) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, id) DO UPDATE SET json = excluded.json",
            *self._columns(record),
        )

    def change(self, id: str, change: Callable[[R], R]) -> R:
        """Replace a record by the result of a function.

        Raises:
            KeyError: The record does not exist.
        """
        with self.store.transaction():
            before = self.get(id)
            if before is None:
                raise KeyError(id)
            after = change(before)
            if after is not before:
                self.put(after)
            return after

    def remove(self, id: str) -> bool:
        """Remove a record; return False if it does not exist."""
        query = "DELETE FROM items WHERE kind = ? AND id = ?"
        return self.store.execute(query, self.cls.__name__, id) == 1

    def _select(self, condition: str, *values: object) -> list[R]:
        query = f"SELECT json FROM items WHERE kind = ? {condition}"  # noqa: S608 - the conditions above
        texts = self.store.fetch(query, self.cls.__name__, *values)
        return [_CONVERTER.loads(text, self.cls) for (text,) in texts]

    def _columns(self, record: R) -> tuple[str, str, str]:
        text = _CONVERTER.dumps(record, ensure_ascii=False)
        return self.cls.__name__, record.id, text


class Store:
    """Records and rows, in a file or in memory. Any thread may use it.

    Attributes:
        path: The file; `:memory:` lasts as long as the object.
        id: A UUID that the store got when it was created.
    """

    path: str
    id: str

    def __init__(
        self, path: str | Path = MEMORY, *, patience: float = PATIENCE
    ) -> None:
        """Open a file, or create it.

        Args:
            path: The file; its folder must exist.
            patience: Seconds to wait for another process that has it open.

        Raises:
            ConfigError: It cannot be used, or another process has it open.
        """
        self.path = os.fspath(path)
        self._lock_file = (
            None if self.path == MEMORY else _lock(f"{self.path}.lock", patience)
        )
        self._lock = RLock()
        self._is_changing = False
        try:
            if self.path != MEMORY:  # it holds signing secrets
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(
                self.path, isolation_level=None, check_same_thread=False
            )
        except (sqlite3.Error, OSError, ValueError) as error:
            _unlock(self._lock_file)
            raise _store_error(self.path, str(error)) from error
        self.workflows: Records[records.WorkflowRecord] = Records(
            self, records.WorkflowRecord
        )
        self.runs: Records[records.RunRecord] = Records(self, records.RunRecord)
        self.graphs: Records[records.GraphRecord] = Records(self, records.GraphRecord)
        self.claims: Records[records.ClaimRecord] = Records(self, records.ClaimRecord)
        self.blocks: Records[records.BlockState] = Records(self, records.BlockState)
        self.sent: Records[records.OutboxEntry] = Records(self, records.OutboxEntry)
        self.notebooks: Records[records.NotebookRecord] = Records(
            self, records.NotebookRecord
        )
        self.schedules: Records[records.ScheduleRecord] = Records(
            self, records.ScheduleRecord
        )
        self.secrets: Records[records.SigningSecretRecord] = Records(
            self, records.SigningSecretRecord
        )
        # It is also called if the store is collected, or the process ends.
        self._close = finalize(
            self, _close, self._connection, self._lock, self._lock_file, os.getpid()
        )
        try:
            self._prepare()
        except ConfigError:
            self.close()
            raise

    def _prepare(self) -> None:
        tables = {name for (name,) in self.fetch("SELECT name FROM sqlite_master")}
        if tables and "items" not in tables:
            raise _store_error(self.path, "it belongs to another program")
        self.execute("PRAGMA journal_mode = WAL")
        # Every commit reaches the operating system, so the process may be killed.
        self.execute("PRAGMA synchronous = NORMAL")
        self.execute("PRAGMA wal_autocheckpoint = 16000")
        self.execute(_TABLE)
        self.execute(
            "INSERT OR IGNORE INTO items (kind, id, json) VALUES ('Store', '', ?)",
            str(uuid4()),
        )
        self.id = self.fetch("SELECT json FROM items WHERE kind = 'Store'")[0][0]

    # -- Rows -------------------------------------------------------------------------

    def rows(self, owner: str) -> Iterator[RowData]:
        """Yield the rows of an owner, reading them as needed."""
        for chunk in self.chunks(owner):
            yield from chunk

    def chunks(self, owner: str) -> Iterator[list[RowData]]:
        """Yield the rows of an owner in chunks."""
        return map(json.loads, self.texts(owner))

    def texts(self, owner: str) -> Iterator[str]:
        """Yield the chunks of an owner, each as a JSON list."""
        query = (
            "SELECT id, json FROM items WHERE kind = 'rows' AND id > ? AND id < ? "
            "ORDER BY id LIMIT 1"
        )
        at = f"{owner}/"
        while chunks := self.fetch(query, at, f"{owner}0"):
            ((at, text),) = chunks
            yield text

    def add_rows(self, owner: str, rows: Iterable[RowData]) -> int:
        """Add rows to an owner, chunk by chunk, and return how many."""
        query = "SELECT max(id) FROM items WHERE kind = 'rows' AND id > ? AND id < ?"
        last = self.fetch(query, f"{owner}/", f"{owner}0")[0][0]
        number = 0 if last is None else int(last.rpartition("/")[2]) + 1
        count, unwritten = 0, iter(rows)
        while chunk := list(islice(unwritten, CHUNK)):
            self.execute(
                "INSERT INTO items (kind, id, json) VALUES ('rows', ?, ?)",
                f"{owner}/{number:09}",
                json.dumps(chunk, ensure_ascii=False, separators=(",", ":")),
            )
            count, number = count + len(chunk), number + 1
        return count

    def remove_rows(self, owner: str) -> None:
        """Remove the rows of an owner."""
        query = "DELETE FROM items WHERE kind = 'rows' AND id > ? AND id < ?"
        self.execute(query, f"{owner}/", f"{owner}0")

    # -- Transactions -----------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Make all changes inside atomic, while other threads wait.

        A nested transaction is part of the outer one.

        Raises:
            ConfigError: Saving failed, so nothing was changed.
        """
        with self._lock:
            if self._is_changing:
                yield
                return
            self.execute("BEGIN IMMEDIATE")
            self._is_changing = True
            try:
                yield
                self.execute("COMMIT")
            except BaseException:
                with suppress(ConfigError):  # a full disk has ended it already
                    self.execute("ROLLBACK")
                raise
            finally:
                self._is_changing = False

    def execute(self, query: str, *values: object) -> int:
        """Execute a statement; return how many lines it wrote.

        Raises:
            ConfigError: The file could not be written or read.
        """
        with self._lock, _worded_errors(self.path):
            return self._connection.execute(query, values).rowcount

    def fetch(self, query: str, *values: object) -> list[Any]:
        """Return all results of a query.

        Raises:
            ConfigError: The file could not be read.
        """
        with self._lock, _worded_errors(self.path):
            return self._connection.execute(query, values).fetchall()

    def note_address(self, url: str) -> None:
        """Note where the store is served, for processes that find it locked."""
        if self._lock_file is not None:
            with suppress(OSError):
                os.ftruncate(self._lock_file, 0)
                os.pwrite(self._lock_file, f"{os.getpid()} {url}".encode(), 0)

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        self._close()

    @property
    def is_closed(self) -> bool:
        """Whether the file was closed."""
        return not self._close.alive


def _close(
    connection: sqlite3.Connection,
    lock: AbstractContextManager[Any],
    lock_file: int | None,
    owner: int,
) -> None:
    if os.getpid() != owner:  # after a fork, it is for the parent to close
        return
    with lock:  # closing a connection that another thread uses ends the process
        connection.close()
        _unlock(lock_file)


def _unlock(lock_file: int | None) -> None:
    if lock_file is not None:
        os.close(lock_file)


@contextmanager
def _worded_errors(path: str) -> Generator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise _store_error(path, str(error)) from error


def _store_error(
    path: str, problem: str, advice: str = "name another file", url: str | None = None
) -> ConfigError:
    return ConfigError(f"the emulator's store {path}: {problem}", hint=advice, url=url)


# -- The lock --------------------------------------------------------------------------

_OWNER: Final = re.compile(r"([0-9]{1,10}) ?(http://127\.0\.0\.1:[0-9]{1,5})?")
"""Process id and address of a store's owner. Only loopback is believed."""


def _lock(path: str, patience: float) -> int:
    """Lock a store, and return the descriptor that holds the lock.

    Raises:
        ConfigError: Another process holds it, or it cannot be made.
    """
    store = path.removesuffix(".lock")
    try:
        lock = open_plain(Path(path), os.O_RDWR | os.O_CREAT)
    except (OSError, ValueError, Unusable) as error:
        problem = f"{path} cannot be locked ({error})"
        advice = "name a file in a folder that exists and can be written to"
        raise _store_error(store, problem, advice) from error
    ends = time.monotonic() + patience
    try:
        with _worded_errors(store):
            while not try_lock(lock):
                text = os.pread(lock, 64, 0).decode("ascii", "replace")
                owner = _OWNER.fullmatch(text)
                if (owner and owner[2]) or time.monotonic() > ends:
                    raise _in_use_error(store, owner)
                time.sleep(0.02)
            os.ftruncate(lock, 0)
            os.pwrite(lock, str(os.getpid()).encode(), 0)
    except ConfigError:
        os.close(lock)
        raise
    return lock


def _in_use_error(store: str, owner: re.Match[str] | None) -> ConfigError:
    process, url = owner.groups() if owner else (None, None)
    who = f"process {process}" if process else "another process"
    place = f", which serves it at {url}" if url else ""
    problem = f"{who} has it open{place}"
    advice = "stop that process first, or name another file"
    return _store_error(store, problem, advice, url)


_CONVERTER: Final = make_converter()
# JSON data is stored unchanged.
_CONVERTER.register_unstructure_hook_func(
    lambda hint: hint == JsonObject, lambda data: data
)
_CONVERTER.register_structure_hook_func(
    lambda hint: hint == JsonObject, lambda data, _: data
)
