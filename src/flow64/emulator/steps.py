"""Steps: what each kind of block does to its rows.

Rows are handled one by one, so that a large run needs no more memory than a small one.
Rules that no document states are listed in `guesses.toml`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

from attrs import define, frozen

from ..blocks import CATALOGUE, CompanyEnrichment, columns_of
from ..definition import Definition, WireBlock
from . import lookups, records
from .records import RowData, format_cell
from .store import Store

SEARCH_ROWS: Final = 10
"""Rows of a search without `max_results`."""

SEARCH_LIMIT: Final = 5_000
"""Maximum rows of a search."""

SOURCE_ROWS: Final = 5
"""Rows of every other source."""

MOST_REPEATS: Final = 2
"""Repeated parts in a regular expression."""

MATCHED: Final = 200
"""Characters of a regular expression, and of a cell that it is matched with."""


class BlockFailedError(Exception):
    """A block failed. The message becomes part of its state."""


@define
class BlockContext:
    """A block that is executed: its specs and its input rows.

    Attributes:
        store: Holds the rows.
        definition: The whole graph.
        run: The run as it was when it started.
        state: The block as it was before it began.
    """

    store: Store
    definition: Definition
    run: records.RunRecord
    state: records.BlockState

    def take(self, rows: list[RowData]) -> None:
        """Count rows before the block works on them. It may raise."""

    @property
    def block(self) -> WireBlock:
        """The block."""
        return self.definition.blocks[self.state.position]

    @property
    def specs(self) -> Mapping[str, Any]:
        """The specs of the block."""
        return self.block.specs

    @property
    def parents(self) -> Sequence[int]:
        """Positions of the parents; two edges between the same blocks count once."""
        parents = self.definition.topology.parents[self.state.position]
        return [*dict.fromkeys(parents)]

    def rows(self) -> Iterator[RowData]:
        """Yield the rows of the parents, parent by parent."""
        for parent in self.parents:
            for chunk in self.store.chunks(
                records.block_rows_owner(self.run.id, parent)
            ):
                self.take(chunk)
                yield from chunk

    def upstream(self) -> Sequence[WireBlock]:
        """Return all blocks before this one, in the order in which they ran."""
        topology = self.definition.topology
        before = topology.find_ancestors(self.state.position)
        return [self.definition.blocks[at] for at in topology.order if at in before]


BlockStep: TypeAlias = Callable[[BlockContext], Iterator[RowData]]
"""Makes the rows of a block, or raises `BlockFailedError`."""

RowMapper: TypeAlias = Callable[[RowData], RowData]


@frozen
class EachRow:
    """The step of a kind that maps each row to one row.

    Attributes:
        make_mapper: Reads the specs once, and returns the function of a row.
    """

    make_mapper: Callable[[BlockContext], RowMapper]

    def __call__(self, context: BlockContext) -> Iterator[RowData]:
        """Yield the mapped rows."""
        return map(self.make_mapper(context), context.rows())


def as_rows(data: object, name: str) -> list[RowData]:
    """Return data as rows that can be stored.

    Raises:
        BlockFailedError: It holds something other than rows, or is not JSON.
    """
    rows: list[Any] = data if isinstance(data, list) else [data]
    if not all(isinstance(row, dict) for row in rows):
        raise BlockFailedError(f"{name} holds something else than rows")
    try:
        # NaN and lone surrogates cannot be written.
        json.dumps(rows, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BlockFailedError(f"{name} holds what JSON cannot: {error}") from error
    return rows


# -- Sources --------------------------------------------------------------------------


def webhook(context: BlockContext) -> Iterator[RowData]:
    """Return the payload of the run, or else the rows of `webhook_input`."""
    if context.run.has_payload:
        return context.store.rows(records.payload_owner(context.run.id))
    try:
        data = json.loads(context.specs.get("webhook_input") or "[]")
    except (TypeError, ValueError, RecursionError) as error:
        raise BlockFailedError("webhook_input is not JSON text") from error
    return iter(as_rows(data, "webhook_input"))


def search(context: BlockContext) -> Iterator[RowData]:
    """Make up `max_results` rows."""
    seed = lookups.seed_of({"search": context.specs.get("query")})
    return lookups.make_rows(
        context.state.row_kind, seed, count_search_rows(context.specs)
    )


def count_search_rows(specs: Mapping[str, object]) -> int:
    """Return how many rows a search finds."""
    most = specs.get("max_results")
    count = most if isinstance(most, int) and type(most) is int else SEARCH_ROWS
    return max(0, min(count, SEARCH_LIMIT))


def make_up_rows(context: BlockContext) -> Iterator[RowData]:
    """Make up rows; inside a graph, pass the rows on."""
    if context.parents:
        return context.rows()
    seed = lookups.seed_of({context.block.kind: context.specs})
    return lookups.make_rows(context.state.row_kind, seed, SOURCE_ROWS)


def read_notebook(context: BlockContext) -> Iterator[RowData]:
    """Return the rows of a notebook."""
    notebook_id = str(context.specs.get("notebook_id"))
    return context.store.rows(records.notebook_owner(context.run.org_id, notebook_id))


# -- Look-ups -------------------------------------------------------------------------


def enrich(context: BlockContext) -> RowMapper:
    """Add a synthetic value for each column that the class of the kind adds."""
    cls = CATALOGUE[context.block.kind]
    words: dict[str, Sequence[str]] = {
        name: [word for words in by_source.values() for word in words]
        for name, by_source in cls.about.column_words.items()
    }
    for fields in context.specs.values():
        words.update(lookups.find_words(fields))
    make = lookups.make_value_maker(cls.columns(context.specs).adds, words)
    return lambda row: {**row, **make(row)}


def find_email(context: BlockContext) -> RowMapper:
    """Add an address and its status; a row keeps an address that it has."""
    is_personal = str(context.specs.get("mode")).upper() == "PERSONAL"

    def add_email(row: RowData) -> RowData:
        email, status = row.get("email"), "OK"
        if not email:
            seed = lookups.seed_of(row)
            status = (
                "OK" if lookups.pick_number(seed, "email_status", 8) else "NOT_FOUND"
            )
            email = lookups.make_email(seed) if status == "OK" else None
        row = {**row, "email": email, "email_status": status}
        if is_personal:
            row["personal_email"] = row.get("personal_email") or email
        return row

    return add_email


def verify_email(_context: BlockContext) -> RowMapper:
    """Add the status of the address that a row has."""
    return lambda row: {
        **row,
        "email_status": "OK" if row.get("email") else "NOT_FOUND",
    }


def find_phone(_context: BlockContext) -> RowMapper:
    """Add a phone number; a row keeps a number that it has."""
    return lambda row: {
        **row,
        "phone": row.get("phone") or lookups.make_phone(lookups.seed_of(row)),
    }


def reverse_lookup(_context: BlockContext) -> RowMapper:
    """Add the person behind an address or number; values of the row are kept."""
    return lambda row: {**lookups.make_person(lookups.seed_of(row)), **row}


def company_to_leads(context: BlockContext) -> Iterator[RowData]:
    """Make one to three people for each company, if an enrichment before found any."""
    finders = [
        block
        for block in context.upstream()
        if block.kind == CompanyEnrichment.kind
        and block.specs.get("find_people") is True
    ]
    if not finders:
        return
    fields = finders[-1].specs.get("lead_struct")
    make = lookups.make_value_maker(columns_of(fields), lookups.find_words(fields))
    for row in context.rows():
        seed = lookups.seed_of(row)
        for position in range(1 + lookups.pick_number(seed, "people", 3)):
            lead = lookups.make_person(f"{seed}/{position}", row)
            yield {**lead, **make(lead)}


def leads_to_company(context: BlockContext) -> Iterator[RowData]:
    """Return each company that the people work at, once."""
    seen: set[bytes] = set()
    for row in context.rows():
        company = lookups.make_company(lookups.seed_of(row))
        name = row.get("company") or company["company_name"]
        website = row.get("company_domain") or company["website"]
        if _add_if_new(format_cell(name), seen):
            yield {"company_name": name, "website": website}


# -- Data -----------------------------------------------------------------------------


def filter_rows(context: BlockContext) -> Iterator[RowData]:
    """Return the rows that meet the conditions, joined from left to right."""
    conditions = context.specs.get("filters")
    if not isinstance(conditions, list) or not conditions:
        raise BlockFailedError("filters must be a list of at least one condition")
    for condition in conditions:
        operator = condition.get("operator") if isinstance(condition, dict) else None
        if not isinstance(operator, str) or operator not in OPERATORS:
            raise BlockFailedError(f"unknown filter operator: {operator}")
        if operator == "matches":
            _check_expression(format_cell(condition.get("value")))
    tests = [
        (
            str(condition.get("column")),
            OPERATORS[condition["operator"]],
            condition.get("value"),
            condition.get("logic") == "or" and condition is not conditions[0],
        )
        for condition in conditions
    ]

    def is_kept(row: RowData) -> bool:
        kept = True
        for column, holds, value, is_or in tests:
            if kept is not is_or:
                kept = holds(row.get(column), value)
        return kept

    return filter(is_kept, context.rows())


def _check_expression(text: str) -> None:
    """Refuse a regular expression that is invalid or may take long.

    The time of one that repeats only single characters, and few, is a low power of the
    length of the cell.

    Raises:
        BlockFailedError: It cannot be used.
    """
    plain = re.sub(r"\\.", "_", text, flags=re.DOTALL)
    repeats = re.findall(r"\)?(?<!\()[*+?{]", plain)
    is_simple = len(repeats) <= MOST_REPEATS and not any(
        ")" in part for part in repeats
    )
    if not is_simple or len(text) > MATCHED:
        words = "the emulator runs no regular expression that may take long"
        raise BlockFailedError(f"{words} (the guess filter-values)")
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise BlockFailedError(f"invalid regular expression: {error}") from error


def is_equal(cell: Any, value: Any) -> bool:
    """Return True if a cell equals a value, or is written like it."""
    return bool(cell == value) or format_cell(cell) == format_cell(value)


def _contains(cell: Any, value: Any) -> bool:
    if isinstance(cell, list):
        return any(is_equal(item, value) for item in cell)
    return format_cell(value) in format_cell(cell)


def _is_in(cell: Any, value: Any) -> bool:
    options = value if isinstance(value, list) else [value]
    return any(is_equal(cell, option) for option in options)


def _is_empty(cell: Any) -> bool:
    return cell is None or cell in ("", [], {})


def _compare(cell: Any, value: Any) -> int:
    """Compare two numbers or two texts as -1, 0 or 1; 0 if they cannot be compared."""
    if cell is None or value is None:
        return 0
    left, right = _as_number(cell), _as_number(value)
    if left is not None and right is not None:
        return int(left > right) - int(left < right)
    if left is None and right is None:
        text, other = format_cell(cell), format_cell(value)
        return int(text > other) - int(text < other)
    return 0


def _as_number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "equals": is_equal,
    "not_equals": lambda cell, value: not is_equal(cell, value),
    "contains": _contains,
    "not_contains": lambda cell, value: not _contains(cell, value),
    "greater": lambda cell, value: _compare(cell, value) > 0,
    "less": lambda cell, value: _compare(cell, value) < 0,
    "in": _is_in,
    "not_in": lambda cell, value: not _is_in(cell, value),
    "is_empty": lambda cell, _: _is_empty(cell),
    "is_not_empty": lambda cell, _: not _is_empty(cell),
    "matches": lambda cell, value: bool(
        re.search(format_cell(value), format_cell(cell)[:MATCHED])
    ),
}
"""Whether a cell and the value of a condition meet. A missing column is empty."""


def deduplicate(context: BlockContext) -> Iterator[RowData]:
    """Return the first of each set of rows that are equal in every column."""
    seen: set[bytes] = set()
    return (row for row in context.rows() if _add_if_new(row, seen))


def deduplicate_wrt_notebook(context: BlockContext) -> Iterator[RowData]:
    """Return the rows that a notebook does not have."""
    seen = {lookups.digest_of(row) for row in read_notebook(context)}
    return (row for row in context.rows() if lookups.digest_of(row) not in seen)


def _add_if_new(value: object, seen: set[bytes]) -> bool:
    """Add a value to those seen; return True if it was new."""
    before = len(seen)
    seen.add(lookups.digest_of(value))
    return len(seen) > before


def remove_columns(context: BlockContext) -> RowMapper:
    """Remove the columns that `columns` names."""
    columns = context.specs.get("columns")
    names = columns if isinstance(columns, list | tuple) else [columns]
    dropped = {name for name in names if isinstance(name, str)}
    return lambda row: {key: row[key] for key in row if key not in dropped}


def group_by(context: BlockContext) -> Iterator[RowData]:
    """Sort the rows so that equal values of `column` stand together."""
    column = str(context.specs.get("column"))
    groups: dict[str, list[RowData]] = {}
    for row in context.rows():
        groups.setdefault(format_cell(row.get(column)), []).append(row)
    return (row for group in groups.values() for row in group)


def pass_rows_on(context: BlockContext) -> Iterator[RowData]:
    """Return the rows unchanged."""
    return context.rows()


STEPS: Final[Mapping[str, BlockStep]] = {
    "webhook": webhook,
    "read_notebook": read_notebook,
    "search": search,
    "find_email": EachRow(find_email),
    "find_phone": EachRow(find_phone),
    "verify_email": EachRow(verify_email),
    "reverse_email": EachRow(reverse_lookup),
    "reverse_phone": EachRow(reverse_lookup),
    "company_to_leads": company_to_leads,
    "leads_to_company": leads_to_company,
    "filter": filter_rows,
    "deduplicate": deduplicate,
    "deduplicate_wrt_notebook": deduplicate_wrt_notebook,
    "group_by": group_by,
    "remove_columns": EachRow(remove_columns),
}
"""The steps of kinds that do something of their own."""


def find_step(kind: str) -> BlockStep:
    """Return the step of a kind: its own, or the one for its place in a flow.

    A kind that is not in the catalogue passes rows on.
    """
    if kind in STEPS:
        return STEPS[kind]
    cls = CATALOGUE.get(kind)
    if cls is None:
        return pass_rows_on
    if cls.about.may_begin:
        return make_up_rows
    return EachRow(enrich) if cls.about.role == "step" else pass_rows_on
