"""The body of a start: rows from any source, checked before anything is spent."""

from __future__ import annotations

import codecs
import io
import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

from attrs import Attribute, field, frozen

from .. import errors
from ..analysis.column_rules import COLUMN_TYPES
from ..analysis.costs import cost, count_start_rows
from ..analysis.fields import TYPES, JsonType
from ..blocks import Search, Webhook
from ..blocks.catalogue import columns_of
from ..definition import (
    EMPTY,
    Definition,
    Freezer,
    Problem,
    Value,
    WireBlock,
    is_number,
    load_json,
    pointer,
    thaw,
    unchanged,
)
from ..text import (
    did_you_mean,
    format_dollars,
    join_words,
    pluralize,
    printable,
    shortened,
    truncate,
)
from . import frames
from .rows import FORMS, CsvRow, RowFile, rows_error, rows_in

Rows: TypeAlias = (
    Iterable[Mapping[str, Any]]
    | Mapping[str, Any]
    | str
    | os.PathLike[str]
    | frames.ArrowTable
)
"""Rows as a caller gives them: mappings, one mapping, the path of a file, or a table of
polars, pandas or pyarrow."""

# -- Rows -----------------------------------------------------------------------------


def as_rows(rows: Any, first: int = 1) -> list[dict[str, Any]]:
    """Return rows as a list of copies.

    Args:
        rows: A list or any iterable of mappings, or a table. A single mapping is one
            row. A path names a CSV, JSON or NDJSON file; cells of CSV are text.
        first: Number of the first row, for errors.

    Raises:
        RowsError: It is something else. All wrong rows are listed.
    """
    copies, problems = [], []
    for number, row in enumerate(as_iterable(rows), first):
        if isinstance(row, CsvRow) and "" in row:
            raise rows_error(["line 1: a column of the header has no name; add one"])
        if isinstance(row, Mapping):
            copies.append(CsvRow(row) if isinstance(row, CsvRow) else dict(row))
        else:
            kind = type(row).__name__
            problems.append(f"row {number}: a row is a mapping of columns, not {kind}")
    if problems:
        raise rows_error(problems)
    return copies


def as_iterable(rows: Any) -> Iterable[Any]:
    """Return an iterable of rows. A file is read as they are needed.

    Raises:
        RowsError: It is not a source of rows, or the file cannot be read.
    """
    if isinstance(rows, str | os.PathLike):
        path = Path(rows)
        form = FORMS.get(path.suffix.lower())
        if form is None:
            problem = f"{str(path)!r} does not name a file of rows"
            suffixes = ", ".join(FORMS)
            raise rows_error([f"{problem}; it has to end in {suffixes}"])
        return RowFile(path, partial(_input_error, str(path)), form)
    if isinstance(rows, Mapping):
        return [rows]
    if (table := frames.rows_of(rows)) is not None:
        return table
    if isinstance(rows, Iterable) and not isinstance(rows, bytes | bytearray):
        return rows
    advice = "give a list of mappings, or the path of a file of rows"
    raise rows_error([f"{shortened(rows)} is not a list of rows; {advice}"])


def _input_error(name: str, problem: str, line: int | None = None) -> errors.RowsError:
    place = name if line is None else f"{name}:{line}"
    return rows_error([f"{place}: {problem}"])


def parse_rows(content: bytes, name: str) -> list[dict[str, Any]]:
    """Return the rows of a text, such as stdin: JSON, NDJSON or CSV.

    JSON begins with `[` or `{`.

    Args:
        content: The text, in UTF-8.
        name: What it is called in errors.

    Raises:
        RowsError: It cannot be read.
    """
    first = content.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    form = "json" if first in (b"[", b"{") else "csv"
    return as_rows(rows_in(io.BytesIO(content), form, partial(_input_error, name)))


def count_repeats(rows: Sequence[Mapping[str, Any]]) -> int:
    """Return how many rows are equal, cell by cell, to an earlier one."""
    counts = Counter(json.dumps(row, sort_keys=True, default=repr) for row in rows)
    return len(rows) - len(counts)


# -- The body -------------------------------------------------------------------------


def build_payload(
    definition: Definition, rows: Sequence[Mapping[str, Any]], first: int = 1
) -> dict[str, Any]:
    """Return the body of a start. It is a copy.

    Without rows, the body has an empty list only if every source is a `search`, which
    is the one documented form.

    Args:
        definition: The workflow, with the settings of this run in its source.
        rows: The rows; none for a source other than `webhook`.
        first: Number of the first row, for problems.

    Raises:
        RowsError: Something cannot be sent, or would be refused. All problems are
            listed, with the number of their row.
    """
    problems: list[Problem] = []
    columns = [*_declared_columns(definition)]
    # Any value passes, also one that would be a placeholder in a workflow.
    freezer = Freezer(problems.append, unchanged, frames.as_json)
    frozen_rows = freezer.freeze([_read_cells(row, columns) for row in rows])
    lines = [f"{_name_place(p.path, first)}: {p.message}; {p.help}" for p in problems]
    if problem := _describe_wrong_source(definition, len(rows)):
        lines.append(problem)
    lines += _list_faults(columns, rows, frozen_rows or (), first)
    if lines:
        raise rows_error(list(dict.fromkeys(lines)))
    if rows or all(source.kind == Search.kind for source in _sources(definition)):
        return {"webhook_payload": thaw(frozen_rows, _refuse_value)}
    return {}


def needs_rows(definition: Definition) -> bool:
    """Return True if a run has nothing to do unless its start brings rows.

    A webhook with `webhook_input` has sample rows for a run without a payload.
    """
    return any(
        source.kind == Webhook.kind and not source.specs.get("webhook_input")
        for source in _sources(definition)
    )


def _sources(definition: Definition) -> Sequence[WireBlock]:
    return [definition.blocks[position] for position in definition.topology.roots]


def _refuse_value(item: Any) -> Any:
    if isinstance(item, Value):
        problem = f"value({item.name!r}) is filled in for blocks alone"
        raise rows_error([f"{problem}; write what the row has"])
    return item


def _name_place(path: Sequence[str | int], first: int) -> str:
    """Return `row 3` for a row, and `row 3 /email` for a value in it."""
    number, *inside = path
    return f"row {int(number) + first} {pointer(tuple(inside))}".rstrip()


def _describe_wrong_source(definition: Definition, count: int) -> str:
    """Return why the source of a workflow cannot start a run; else nothing.

    Args:
        definition: What is run.
        count: Rows of the start.
    """
    kinds = [source.kind for source in _sources(definition)]
    if not count and needs_rows(definition):
        return "there are no rows: give some, or set webhook_input of the webhook"
    if not count or Webhook.kind in kinds:
        return ""
    begins = f"the workflow begins with {', '.join(kinds)}"
    return f"{begins}, and the service takes rows for a webhook alone: give it no rows"


def _declared_columns(definition: Definition) -> Iterator[_Declared]:
    """Yield what `input_schema` declares: name, whether it is required, known type."""
    for source in _sources(definition):
        if source.kind == Webhook.kind:
            entries: Any = source.specs.get("input_schema")
            for column in columns_of(entries, words_are_types=True):
                is_required = _is_required(entries[column.name])
                yield column.name, is_required, _TYPES.get(column.type)


_TYPES: Final[Mapping[str | None, JsonType]] = {
    **COLUMN_TYPES,
    **dict.fromkeys(("int", "integer"), TYPES[int]),
}
_OPTIONAL: Final = 'to allow that, put "optional": True into its entry of input_schema'
_Declared: TypeAlias = tuple[str, bool, JsonType | None]


def _read_cells(
    row: Mapping[str, Any], columns: Sequence[_Declared]
) -> Mapping[str, Any]:
    """Return a row; one of CSV with the numbers and truth values that it declares.

    A text that is not one stays, and is refused later. An empty one is null.
    """
    if not isinstance(row, CsvRow):
        return row
    cells = dict(row)
    for name, _, kind in columns:
        text = row.get(name)
        if isinstance(text, str) and kind not in (None, TYPES[str]):
            value = load_json(text.lower()) if text == text.strip() else None
            cells[name] = (text or None) if value is None else value
    return cells


def _list_faults(
    columns: Sequence[_Declared],
    rows: Sequence[Mapping[str, Any]],
    sent: Sequence[Mapping[str, Any]],
    first: int,
) -> Iterator[str]:
    """Yield the declared columns that rows lack (D), or hold with another type.

    Args:
        columns: The declarations.
        rows: The rows, for messages.
        sent: The same as JSON.
        first: Number of the first row.
    """
    for name, is_required, kind in columns:
        missing = [n for n, row in enumerate(rows) if name not in row]
        if missing and is_required:
            names = [truncate(str(key), 40) for key in rows[missing[0]]]
            near = did_you_mean(name, {*names} - {name for name, *_ in columns})
            has = f"; row {missing[0] + first} has {join_words(names, 12) or 'none'}"
            places = join_words([f"row {n + first}" for n in missing], 5)
            if 1 < len(missing) == len(rows):
                places = f"all {len(rows):,} rows"
            yield f"column {name!r} is missing in {places}{near or has}"
            yield _OPTIONAL  # once, since equal lines are one
        wrong = [
            f"row {n + first} has {shortened(rows[n][name])}"
            for n, row in enumerate(sent)
            if kind and row.get(name) is not None and not kind.takes(row[name])
        ]
        if kind and wrong:
            advice = f"write {kind.name}, or declare another type"
            yield f"column {name!r}: {join_words(wrong, 3)}; {advice}"


def _is_required(entry: Any) -> bool:
    """Return True if a declared column is needed. Marks that deny it are guesses."""
    if not isinstance(entry, Mapping):
        return True
    marks = (entry.get("required") is False, entry.get("optional") is True)
    return not (any(marks) or "default" in entry)


# -- Limits ---------------------------------------------------------------------------


def _check_limit(_: Any, attribute: Attribute[Any], value: Any) -> None:
    if value is not None and not (is_number(value) and 0 <= value < math.inf):
        problem = f"{attribute.name} is {shortened(value)}, no number from 0 up"
        raise errors.BuildError(problem)


@frozen
class Budget:
    """Limits of one run, or of all batches of an input.

    Attributes:
        max_rows: Rows to start with.
        max_cost: Dollars before filters, by documented prices.
        prices: Dollars a row by kind, in place of those.
    """

    max_rows: int | None = field(default=None, validator=_check_limit)
    max_cost: float | None = field(default=None, validator=_check_limit)
    prices: Mapping[str, float] = EMPTY

    def require(self, title: str, definition: Definition, count: int) -> None:
        """Refuse a run that may exceed a limit.

        Args:
            title: Title of the workflow, for the error.
            definition: The workflow, with the settings of this run in its source.
            count: Rows in the body of the start.

        Raises:
            BudgetError: A limit is exceeded, or that cannot be known.
        """
        if self.max_rows is None and self.max_cost is None:
            return
        rows = count_start_rows(definition, count)
        estimate = cost(definition, count, self.prices, of_payload=True)
        omissions = [*estimate.list_omissions(definition)]
        problems, unpriced = [], []
        if self.max_rows is not None and (rows is None or rows > self.max_rows):
            problems.append(f"it may take more rows than max_rows={self.max_rows}")
        if self.max_cost is not None:
            if estimate.dollars > self.max_cost or omissions:
                problems.append(f"it may cost more than max_cost={self.max_cost:g}")
            kinds = [c.kind for c in estimate.charges if c.dollars is None]
            unpriced = [*dict.fromkeys([*kinds, *estimate.unknown])]
        if not problems:
            return
        size = "an unknown number of rows" if rows is None else pluralize(rows, "row")
        facts = [f"{size}, {format_dollars(estimate.dollars)} by known prices"]
        facts += [f"not counted: {printable(item)}" for item in omissions]
        hint = "give it fewer rows, or a higher limit: max_cost (--max-cost), max_rows"
        if unpriced:
            prices = ", ".join(f"{kind} = 0.10" for kind in unpriced)
            hint = f"in [tool.flow64], with your prices: prices = {{ {prices} }}"
        raise errors.BudgetError(
            f"{title!r} was not run: {'; '.join(problems)} ({'; '.join(facts)})",
            hint=hint,
            rows=rows,
            dollars=estimate.dollars,
            unpriced=unpriced,
        )
