"""Executors: what each kind of block does to rows.

Rows are handled one by one, so that a large run needs no more memory than a small one.
Rules that no document states are listed in `_guesses.py` and `_run_guesses.py`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final

from ..blocks import (
    CATALOGUE,
    CompanyEnrichment,
    CompanyToLeads,
    Deduplicate,
    DeduplicateWrtNotebook,
    Filter,
    FindEmail,
    FindPhone,
    GroupBy,
    LeadsToCompany,
    ReadCsv,
    ReadNotebook,
    RemoveColumns,
    ReverseEmail,
    ReversePhone,
    Search,
    VerifyEmail,
    Webhook,
    columns_of,
)
from ._block_context import BlockContext, BlockFailedError, EachRow, Executor
from ._csv import format_cell
from ._filters import open_row_filter, parse_conditions
from ._records import RowData, notebook_owner, payload_owner, upload_owner
from ._synthetic import (
    digest_of,
    make_company,
    make_email,
    make_person,
    make_phone,
    make_rows,
    make_value_maker,
    pick_number,
    seed_of,
)

SEARCH_ROWS: Final = 10
"""Rows of a search without `max_results`."""

SEARCH_LIMIT: Final = 5_000
"""Maximum rows of a search."""

SOURCE_ROWS: Final = 5
"""Rows of every other source."""


def as_rows(found: object, what: str) -> list[RowData]:
    """Return a value as rows that can be stored.

    Raises:
        BlockFailedError: The value holds something other than rows, or is not JSON.
    """
    rows: list[Any] = found if isinstance(found, list) else [found]
    if not all(isinstance(row, dict) for row in rows):
        raise BlockFailedError(f"{what} holds something else than rows")
    try:
        # NaN and lone surrogates cannot be written.
        json.dumps(rows, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BlockFailedError(f"{what} holds what JSON cannot: {error}") from error
    return rows


# -- Sources --------------------------------------------------------------------------


def webhook(context: BlockContext) -> Iterator[RowData]:
    """Return the payload of the run, or else the rows of `webhook_input`."""
    if context.run.has_payload:
        return context.store.rows(payload_owner(context.run.id))
    try:
        found = json.loads(context.specs.get("webhook_input") or "[]")
    except (TypeError, ValueError, RecursionError) as error:
        raise BlockFailedError("webhook_input is not JSON text") from error
    return iter(as_rows(found, "webhook_input"))


def read_csv(context: BlockContext) -> Iterator[RowData]:
    """Return the rows of an uploaded file."""
    handle = str(context.specs.get("resource_handle_id"))
    upload = context.store.uploads.get(handle)
    if upload is None or upload.org_id != context.run.org_id:
        raise BlockFailedError(f"no uploaded file has the handle {handle!r}")
    return context.store.rows(upload_owner(upload.id))


def search(context: BlockContext) -> Iterator[RowData]:
    """Make up `max_results` rows."""
    seed = seed_of({"search": context.specs.get("query")})
    return make_rows(context.state.row_kind, seed, count_search_rows(context.specs))


def count_search_rows(specs: Mapping[str, object]) -> int:
    """Return how many rows a search finds."""
    asked = specs.get("max_results")
    count = asked if isinstance(asked, int) and type(asked) is int else SEARCH_ROWS
    return max(0, min(count, SEARCH_LIMIT))


def make_up_rows(context: BlockContext) -> Iterator[RowData]:
    """Make up rows; inside a graph, pass the rows on."""
    if context.parents:
        return context.rows()
    seed = seed_of({context.block.kind: context.specs})
    return make_rows(context.state.row_kind, seed, SOURCE_ROWS)


def read_notebook(context: BlockContext) -> Iterator[RowData]:
    """Return the rows of a notebook."""
    notebook_id = str(context.specs.get("notebook_id"))
    return context.store.rows(notebook_owner(context.run.org_id, notebook_id))


# -- Enrichment -----------------------------------------------------------------------


def enrich(context: BlockContext) -> Callable[[RowData], RowData]:
    """Add a synthetic value for each column that the class of the kind adds."""
    cls = CATALOGUE[context.block.kind]
    columns = cls.columns(context.specs)
    make = make_value_maker(columns.adds, cls.about.column_words)
    return lambda row: {**row, **make(row)}


def find_email(context: BlockContext) -> Callable[[RowData], RowData]:
    """Add an address and its status; a row keeps an address that it has."""
    is_personal = str(context.specs.get("mode")).upper() == "PERSONAL"

    def work(row: RowData) -> RowData:
        if row.get("email"):
            found = {"email": row["email"], "email_status": "OK"}
        else:
            seed = seed_of(row)
            status = "OK" if pick_number(seed, "email_status", 8) else "NOT_FOUND"
            address = make_email(seed) if status == "OK" else None
            found = {"email": address, "email_status": status}
        if is_personal:
            found["personal_email"] = row.get("personal_email") or found["email"]
        return {**row, **found}

    return work


def verify_email(_context: BlockContext) -> Callable[[RowData], RowData]:
    """Add the status of the address that a row has."""
    return lambda row: {
        **row,
        "email_status": "OK" if row.get("email") else "NOT_FOUND",
    }


def find_phone(_context: BlockContext) -> Callable[[RowData], RowData]:
    """Add a phone number; a row keeps a number that it has."""
    return lambda row: {**row, "phone": row.get("phone") or make_phone(seed_of(row))}


def reverse_lookup(_context: BlockContext) -> Callable[[RowData], RowData]:
    """Add the person behind an address or number; values of the row are kept."""
    return lambda row: {**make_person(seed_of(row)), **row}


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
    more = make_value_maker(columns_of(finders[-1].specs.get("lead_struct")))
    for row in context.rows():
        seed = seed_of(row)
        for position in range(1 + pick_number(seed, "people", 3)):
            lead = make_person(f"{seed}/{position}", row)
            yield {**lead, **more(lead)}


def leads_to_company(context: BlockContext) -> Iterator[RowData]:
    """Return each company that the people work at, once."""
    seen: set[bytes] = set()
    for row in context.rows():
        made_up = make_company(seed_of(row))
        name = row.get("company") or made_up["company_name"]
        website = row.get("company_domain") or made_up["website"]
        if add_if_new(format_cell(name), seen):
            yield {"company_name": name, "website": website}


# -- Data -----------------------------------------------------------------------------


def filter_rows(context: BlockContext) -> Iterator[RowData]:
    """Return the rows that meet the conditions, joined from left to right."""
    with open_row_filter(parse_conditions(context.specs.get("filters"))) as keep:
        for chunk in context.chunks():
            yield from keep(chunk)


def deduplicate(context: BlockContext) -> Iterator[RowData]:
    """Return the first of each set of rows that are equal in every column."""
    seen: set[bytes] = set()
    return (row for row in context.rows() if add_if_new(row, seen))


def deduplicate_wrt_notebook(context: BlockContext) -> Iterator[RowData]:
    """Return the rows that a notebook does not have."""
    seen = {digest_of(row) for row in read_notebook(context)}
    return (row for row in context.rows() if digest_of(row) not in seen)


def add_if_new(value: object, seen: set[bytes]) -> bool:
    """Add a value to those seen; return True if it was new."""
    before = len(seen)
    seen.add(digest_of(value))
    return len(seen) > before


def remove_columns(context: BlockContext) -> Callable[[RowData], RowData]:
    """Remove the columns that `columns` names."""
    dropped = context.specs.get("columns")
    listed = dropped if isinstance(dropped, list) else [dropped]
    names = {name for name in listed if isinstance(name, str)}
    return lambda row: {key: row[key] for key in row if key not in names}


def group_by(context: BlockContext) -> Iterator[RowData]:
    """Sort the rows so that equal values of `column` stand together."""
    column = str(context.specs.get("column"))
    places: dict[bytes, int] = {}
    # SQLite moves a database without a name to disk once it is large.
    with closing(sqlite3.connect("")) as sorter:
        sorter.execute("CREATE TABLE rows (place INTEGER, data TEXT)")
        sorter.executemany(
            "INSERT INTO rows VALUES (?, ?)",
            (
                (
                    places.setdefault(
                        digest_of(format_cell(row.get(column))), len(places)
                    ),
                    json.dumps(row),
                )
                for row in context.rows()
            ),
        )
        ordered = sorter.execute("SELECT data FROM rows ORDER BY place, rowid")
        yield from (json.loads(data) for (data,) in ordered)


def pass_rows_on(context: BlockContext) -> Iterator[RowData]:
    """Return the rows unchanged."""
    return context.rows()


EXECUTORS: Final[Mapping[str, Executor]] = {
    Webhook.kind: webhook,
    ReadCsv.kind: read_csv,
    ReadNotebook.kind: read_notebook,
    Search.kind: search,
    FindEmail.kind: EachRow(find_email),
    FindPhone.kind: EachRow(find_phone),
    VerifyEmail.kind: EachRow(verify_email),
    ReverseEmail.kind: EachRow(reverse_lookup),
    ReversePhone.kind: EachRow(reverse_lookup),
    CompanyToLeads.kind: company_to_leads,
    LeadsToCompany.kind: leads_to_company,
    Filter.kind: filter_rows,
    Deduplicate.kind: deduplicate,
    DeduplicateWrtNotebook.kind: deduplicate_wrt_notebook,
    GroupBy.kind: group_by,
    RemoveColumns.kind: EachRow(remove_columns),
}
"""The executors of kinds that do something of their own."""


def find_executor(kind: str) -> Executor:
    """Return the executor of a kind: its own, or the one for its place in a flow.

    A kind that is not in the catalogue passes rows on.
    """
    if kind in EXECUTORS:
        return EXECUTORS[kind]
    cls = CATALOGUE.get(kind)
    if cls is None:
        return pass_rows_on
    if cls.about.may_begin:
        return make_up_rows
    return EachRow(enrich) if cls.about.role == "step" else pass_rows_on
