"""The store: tables of records, and rows, in one SQLite file.

Only one process at a time can open a file. A write that was answered survives the end
of the process, even if it is killed.
"""

# ruff: noqa: S608 - the only names put into queries are those of our own classes

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from os import fspath
from pathlib import Path
from threading import RLock
from typing import Any, Final, Generic, Protocol, Self, TypeVar
from weakref import finalize
from zlib import crc32

from attrs import frozen
from cattrs.preconf.json import make_converter

from ..errors import EmulatorStoreError
from ._records import (
    BlockState,
    ClaimRecord,
    GraphRecord,
    JsonObject,
    NotebookRecord,
    OutboxRecord,
    RowData,
    RunRecord,
    ScheduleRecord,
    SigningSecretRecord,
    SpendingRecord,
    UploadRecord,
    WorkflowRecord,
)
from ._store_file import (
    MEMORY,
    REASONS,
    TABLES,
    identify_file,
    open_file,
    store_error,
)

CHUNK: Final = 500
"""Rows in one chunk, which is written and read as a whole."""

PAGE: Final = 100
"""Records that are read at once."""


class Record(Protocol):
    """A record of a table."""

    @property
    def id(self) -> str:
        """The unique id."""
        ...


R = TypeVar("R", bound=Record)


@frozen
class Table(Generic[R]):
    """The records of one class. Each method is atomic."""

    store: Store
    cls: type[R]

    def get(self, id: str) -> R | None:
        """Return a record, or None."""
        found = self.store.fetch(f"{self._select} WHERE id = ?", (id,))
        return self._read(found[0]) if found else None

    def of(self, parent: str) -> list[R]:
        """Return the records of a parent, oldest first."""
        query = f"{self._select} WHERE parent = ? ORDER BY place"
        return [self._read(found) for found in self.store.fetch(query, (parent,))]

    def newest(self, parent: str) -> Iterator[R]:
        """Yield the records of a parent, newest first, reading them as needed."""
        query = (
            f"{self._select} WHERE parent = ? AND place < ? "
            f"ORDER BY place DESC LIMIT {PAGE}"
        )
        place = 2**62
        while page := self.store.fetch(query, (parent, place)):
            yield from map(self._read, page)
            place = page[-1][0]

    def all(self) -> list[R]:
        """Return all records, oldest first."""
        found = self.store.fetch(f"{self._select} ORDER BY place", ())
        return [self._read(record) for record in found]

    def checksums(self) -> list[tuple[int, int]]:
        """Return the place and the checksum of each record, newest first."""
        query = f"SELECT place, sum FROM {self._name} ORDER BY place DESC"
        return self.store.fetch(query, ())

    def at(self, place: int) -> R | None:
        """Return the record of a place, or None."""
        found = self.store.fetch(f"{self._select} WHERE place = ?", (place,))
        return self._read(found[0]) if found else None

    def parents(self) -> list[str]:
        """Return all parents, that of the oldest record first."""
        query = f"SELECT parent FROM {self._name} GROUP BY parent ORDER BY min(place)"
        return [parent.decode() for (parent,) in self.store.fetch(query, ())]

    def counts(self) -> dict[str, int]:
        """Count the records of each parent."""
        query = f"SELECT parent, count(*) FROM {self._name} GROUP BY parent"
        return {parent.decode(): count for parent, count in self.store.fetch(query, ())}

    def add(self, record: R) -> bool:
        """Add a record; return False and change nothing if its id exists."""
        added = self.store.execute(
            f"INSERT OR IGNORE INTO {self._name} (id, parent, data, sum) "
            "VALUES (?, ?, ?, ?)",
            (record.id, *self._columns_of(record)),
        )
        return added == 1

    def put(self, record: R) -> None:
        """Add a record, or replace the one with its id."""
        if not self.add(record):
            self._replace(record)

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
                self._replace(after)
            return after

    def remove(self, id: str) -> bool:
        """Remove a record; return False if it does not exist."""
        query = f"DELETE FROM {self._name} WHERE id = ?"
        return self.store.execute(query, (id,)) == 1

    @property
    def _name(self) -> str:
        return TABLES[self.cls][0]

    @property
    def _select(self) -> str:
        return f"SELECT place, data, sum FROM {self._name}"

    def _replace(self, record: R) -> None:
        self.store.execute(
            f"UPDATE {self._name} SET parent = ?, data = ?, sum = ? WHERE id = ?",
            (*self._columns_of(record), record.id),
        )

    def _columns_of(self, record: R) -> tuple[str, str, int]:
        data = _CONVERTER.dumps(record, ensure_ascii=False, separators=(",", ":"))
        return getattr(record, TABLES[self.cls][1]), *_with_checksum(data)

    def _read(self, found: tuple[int, bytes, int]) -> R:
        return _CONVERTER.loads(self.store.checked(*found[1:]), self.cls)


class Store:
    """A file of records and rows. `:memory:` lasts as long as the object.

    Any thread may use it.
    """

    path: str

    def __init__(self, path: str | Path = MEMORY) -> None:
        """Open a file, or create it.

        Args:
            path: The file; its folder must exist.

        Raises:
            EmulatorStoreError: It cannot be opened, is in use or damaged, belongs to
                another program, or was written by a later flow64.
        """
        self.path = fspath(path)
        self._connection = open_file(self.path)
        # As SQLite found it, from the folder that is current now.
        self._file = None if self.path == MEMORY else Path(self.path).absolute()
        self.file_id: tuple[int, int] | None = identify_file(self._file)
        self._lock = RLock()
        self._is_inside = False
        # In case that `close` is never called.
        finalize(self, self._connection.close)

    # -- Records ----------------------------------------------------------------------

    @property
    def workflows(self) -> Table[WorkflowRecord]:
        """Workflows, by organisation."""
        return Table(self, WorkflowRecord)

    @property
    def runs(self) -> Table[RunRecord]:
        """Runs, by organisation."""
        return Table(self, RunRecord)

    @property
    def graphs(self) -> Table[GraphRecord]:
        """The graph of each run."""
        return Table(self, GraphRecord)

    @property
    def claims(self) -> Table[ClaimRecord]:
        """Used idempotency keys."""
        return Table(self, ClaimRecord)

    @property
    def blocks(self) -> Table[BlockState]:
        """The states of blocks, by run."""
        return Table(self, BlockState)

    @property
    def sent(self) -> Table[OutboxRecord]:
        """The outbox, by organisation."""
        return Table(self, OutboxRecord)

    @property
    def spendings(self) -> Table[SpendingRecord]:
        """Costs, by organisation."""
        return Table(self, SpendingRecord)

    def spent(self, org_id: str) -> float:
        """Return the credits that an organisation spent, as far as prices are known."""
        query = (
            "SELECT coalesce(sum(json_extract(data, '$.credits')), 0) "
            "FROM Spending WHERE parent = ?"
        )
        return float(self.fetch(query, (org_id,))[0][0])

    @property
    def notebooks(self) -> Table[NotebookRecord]:
        """Notebooks, by organisation."""
        return Table(self, NotebookRecord)

    @property
    def uploads(self) -> Table[UploadRecord]:
        """Uploaded files, by organisation."""
        return Table(self, UploadRecord)

    @property
    def schedules(self) -> Table[ScheduleRecord]:
        """Schedules, by organisation."""
        return Table(self, ScheduleRecord)

    @property
    def secrets(self) -> Table[SigningSecretRecord]:
        """Signing secrets, by organisation."""
        return Table(self, SigningSecretRecord)

    # -- Rows -------------------------------------------------------------------------

    def rows(self, owner: str) -> Iterator[RowData]:
        """Yield the rows of an owner, reading them as needed."""
        for chunk in self.chunks(owner):
            yield from chunk

    def chunks(self, owner: str) -> Iterator[list[RowData]]:
        """Yield the rows of an owner in chunks."""
        return map(json.loads, self.texts(owner))

    def texts(self, owner: str) -> Iterator[bytes]:
        """Yield the chunks of an owner, each as a JSON list."""
        query = (
            "SELECT chunk, data, sum FROM rows WHERE owner = ? AND chunk > ? "
            "ORDER BY chunk LIMIT 1"
        )
        at = -1
        while found := self.fetch(query, (owner, at)):
            at, data, sum_ = found[0]
            yield self.checked(data, sum_)

    def size(self, owner: str) -> int:
        """Return the approximate size of an owner's rows, in bytes."""
        query = (
            "SELECT coalesce(sum(length(CAST(data AS BLOB))), 0) "
            "FROM rows WHERE owner = ?"
        )
        return int(self.fetch(query, (owner,))[0][0])

    def add_rows(self, owner: str, rows: Iterable[RowData]) -> int:
        """Add rows to an owner, chunk by chunk, and return how many."""
        count, remaining = 0, iter(rows)
        while chunk := list(islice(remaining, CHUNK)):
            text = _ENCODER.encode(chunk)
            self.execute(
                "INSERT INTO rows (owner, chunk, data, sum) VALUES (?1, (SELECT "
                "coalesce(max(chunk), -1) + 1 FROM rows WHERE owner = ?1), ?2, ?3)",
                (owner, *_with_checksum(text)),
            )
            count += len(chunk)
        return count

    def copy_rows(self, source: str, target: str) -> None:
        """Add the rows of one owner to another."""
        self.execute(
            "INSERT INTO rows (owner, chunk, data, sum) SELECT ?2, chunk + 1 + (SELECT "
            "coalesce(max(chunk), -1) FROM rows WHERE owner = ?2), data, sum "
            "FROM rows WHERE owner = ?1",
            (source, target),
        )

    def remove_rows(self, owner: str) -> None:
        """Remove the rows of an owner."""
        self.execute("DELETE FROM rows WHERE owner = ?", (owner,))

    # -- Transactions -----------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Make all changes inside atomic, while other threads wait.

        A nested transaction is part of the outer one.

        Raises:
            EmulatorStoreError: Saving failed, so nothing was changed.
        """
        with self._lock:
            if self._is_inside:
                yield
                return
            self.execute("BEGIN IMMEDIATE")
            self._is_inside = True
            try:
                yield
                self.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._is_inside = False

    def execute(self, query: str, values: tuple[Any, ...] = ()) -> int:
        """Execute a statement; return how many lines it wrote.

        Raises:
            EmulatorStoreError: The file could not be written or read.
        """
        with self._use_connection() as connection:
            # Writes to a file that was removed would be lost.
            if self._file is not None and identify_file(self._file) != self.file_id:
                raise EmulatorStoreError(self.path, *REASONS["GONE"])
            return connection.execute(query, values).rowcount

    def fetch(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """Return all results of a query.

        Raises:
            EmulatorStoreError: The file could not be read.
        """
        with self._use_connection() as connection:
            return connection.execute(query, values).fetchall()

    def checked(self, data: bytes, sum_: int) -> bytes:
        """Return data if it matches its checksum.

        Raises:
            EmulatorStoreError: The data is damaged.
        """
        if crc32(data) != sum_:
            raise EmulatorStoreError(self.path, *REASONS["CORRUPT"])
        return data

    def check(self) -> None:
        """Check that the file can be read and written to.

        Raises:
            EmulatorStoreError: It cannot.
        """
        with self.transaction():
            self.runs.get("")

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _use_connection(self) -> Generator[sqlite3.Connection]:
        with self._lock:
            try:
                # A full disk can end a transaction by itself. Later statements inside
                # it would then be saved alone.
                if self._is_inside != self._connection.in_transaction:
                    raise EmulatorStoreError(self.path, *REASONS["FULL"])
                yield self._connection
            except sqlite3.Error as error:
                raise store_error(self.path, error) from error

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):  # closed, or undone already
            self._connection.execute("ROLLBACK")


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

_CONVERTER: Final = make_converter()
# JSON data is stored unchanged.
_CONVERTER.register_unstructure_hook_func(
    lambda hint: hint == JsonObject, lambda data: data
)
_CONVERTER.register_structure_hook_func(
    lambda hint: hint == JsonObject, lambda data, _: data
)


def _with_checksum(text: str) -> tuple[str, int]:
    # SQLite notices a damaged structure, but not damaged contents.
    return text, crc32(text.encode())
