"""What each kind of block does to rows, in a table.

Rows come and go one by one, so that a run takes no more memory for more of them. Rules
that no document states are listed in `_guesses.py`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import Any, Final

from ..blocks import columns_of
from ._block_context import BlockContext, BlockFailedError, EachRow, Executor
from ._filters import open_row_filter, parse_conditions
from ._records import RowData, notebook_owner, payload_owner, upload_owner
from ._results import cell
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
"""Rows of a search that asks for no number."""

SEARCH_LIMIT: Final = 5_000
"""Most rows of a search."""

SOURCE_ROWS: Final = 5
"""Rows of a source that takes no number."""


def as_rows(found: object, what: str) -> list[RowData]:
    """What somebody gave, as rows that can be kept.

    Raises:
        BlockFailedError: It is something else.
    """
    rows: list[Any] = found if isinstance(found, list) else [found]
    if not all(isinstance(row, dict) for row in rows):
        raise BlockFailedError(f"{what} holds something else than rows")
    try:
        # Neither a NaN nor half a character can be written again.
        json.dumps(rows, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BlockFailedError(f"{what} holds what JSON cannot: {error}") from error
    return rows


# -- Sources --------------------------------------------------------------------------


def webhook(context: BlockContext) -> Iterator[RowData]:
    """The payload, else the sample rows of `webhook_input`."""
    if context.run.has_payload:
        return context.store.rows(payload_owner(context.run.id))
    try:
        found = json.loads(context.specs.get("webhook_input") or "[]")
    except (TypeError, ValueError, RecursionError) as error:
        raise BlockFailedError("webhook_input is not JSON text") from error
    return iter(as_rows(found, "webhook_input"))


def read_csv(context: BlockContext) -> Iterator[RowData]:
    """The rows of an uploaded file."""
    handle = str(context.specs.get("resource_handle_id"))
    upload = context.store.uploads.get(handle)
    if upload is None or upload.org_id != context.run.org_id:
        raise BlockFailedError(f"no uploaded file has the handle {handle!r}")
    return context.store.rows(upload_owner(upload.id))


def search(context: BlockContext) -> Iterator[RowData]:
    """Rows made up, as many as asked for."""
    seed = seed_of({"search": context.specs.get("query")})
    return make_rows(context.state.row_kind, seed, count_search_rows(context.specs))


def count_search_rows(specs: Mapping[str, object]) -> int:
    """How many rows a search finds."""
    asked = specs.get("max_results")
    count = asked if isinstance(asked, int) and type(asked) is int else SEARCH_ROWS
    return max(0, min(count, SEARCH_LIMIT))


def make_up_rows(context: BlockContext) -> Iterator[RowData]:
    """Rows made up; inside a graph the rows as they came."""
    if context.parents:
        return context.rows()
    seed = seed_of({context.block.kind: context.specs})
    return make_rows(context.state.row_kind, seed, SOURCE_ROWS)


def read_notebook(context: BlockContext) -> Iterator[RowData]:
    """The rows of a notebook."""
    notebook_id = str(context.specs.get("notebook_id"))
    return context.store.rows(notebook_owner(context.run.org_id, notebook_id))


# -- Enrichment -----------------------------------------------------------------------


def enrich(context: BlockContext) -> Callable[[RowData], RowData]:
    """A synthetic value for each entry of `return_fields` or `struct`."""
    fields = context.specs.get("return_fields") or context.specs.get("struct")
    make = make_value_maker(columns_of(fields))
    return lambda row: {**row, **make(row)}


def find_email(context: BlockContext) -> Callable[[RowData], RowData]:
    """An address and its status; a row keeps the address that it has."""
    is_personal = context.specs.get("mode") == "PERSONAL"

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


def verify_email(_block_context: BlockContext) -> Callable[[RowData], RowData]:
    """A status for the address that a row has."""
    return lambda row: {
        **row,
        "email_status": "OK" if row.get("email") else "NOT_FOUND",
    }


def find_phone(_block_context: BlockContext) -> Callable[[RowData], RowData]:
    """A number; a row keeps the number that it has."""
    return lambda row: {**row, "phone": row.get("phone") or make_phone(seed_of(row))}


def reverse_lookup(_block_context: BlockContext) -> Callable[[RowData], RowData]:
    """Who is behind an address or a number; a row keeps what it has."""
    return lambda row: {**make_person(seed_of(row)), **row}


def company_to_leads(context: BlockContext) -> Iterator[RowData]:
    """One to three people for each company, where an enrichment before it found any."""
    finders = [
        block
        for block in context.upstream()
        if block.kind == "company_enrichment" and block.specs.get("find_people") is True
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
    """One company for each that the people work at."""
    seen: set[bytes] = set()
    for row in context.rows():
        made_up = make_company(seed_of(row))
        name = row.get("company") or made_up["company_name"]
        website = row.get("company_domain") or made_up["website"]
        if add_if_new(cell(name), seen):
            yield {"company_name": name, "website": website}


# -- Data -----------------------------------------------------------------------------


def filter_rows(context: BlockContext) -> Iterator[RowData]:
    """The rows that meet the conditions, which are joined from left to right."""
    with open_row_filter(parse_conditions(context.specs.get("filters"))) as keep:
        for chunk in context.chunks():
            yield from keep(chunk)


def deduplicate(context: BlockContext) -> Iterator[RowData]:
    """The first of each set of rows that are equal in every column."""
    seen: set[bytes] = set()
    return (row for row in context.rows() if add_if_new(row, seen))


def deduplicate_wrt_notebook(context: BlockContext) -> Iterator[RowData]:
    """The rows that a notebook does not have."""
    seen = {digest_of(row) for row in read_notebook(context)}
    return (row for row in context.rows() if digest_of(row) not in seen)


def add_if_new(value: object, seen: set[bytes]) -> bool:
    """Whether a value was not seen before; now it was."""
    before = len(seen)
    seen.add(digest_of(value))
    return len(seen) > before


def remove_columns(context: BlockContext) -> Callable[[RowData], RowData]:
    """The rows without the columns of `columns`."""
    dropped = context.specs.get("columns")
    listed = dropped if isinstance(dropped, list) else [dropped]
    names = {name for name in listed if isinstance(name, str)}
    return lambda row: {key: row[key] for key in row if key not in names}


def group_by(context: BlockContext) -> Iterator[RowData]:
    """The rows, those with the same value of `column` beside each other."""
    column = str(context.specs.get("column"))
    places: dict[bytes, int] = {}
    # A database without a name is a file as soon as it is large.
    with closing(sqlite3.connect("")) as sorter:
        sorter.execute("CREATE TABLE rows (place INTEGER, data TEXT)")
        sorter.executemany(
            "INSERT INTO rows VALUES (?, ?)",
            (
                (
                    places.setdefault(digest_of(cell(row.get(column))), len(places)),
                    json.dumps(row),
                )
                for row in context.rows()
            ),
        )
        ordered = sorter.execute("SELECT data FROM rows ORDER BY place, rowid")
        yield from (json.loads(data) for (data,) in ordered)


def pass_rows_on(context: BlockContext) -> Iterator[RowData]:
    """The rows as they came."""
    return context.rows()


EXECUTORS: Final[Mapping[str, Executor]] = {
    "webhook": webhook,
    "read_csv": read_csv,
    "read_notebook": read_notebook,
    "search": search,
    "company_enrichment": EachRow(enrich),
    "lead_enrichment": EachRow(enrich),
    "linkedin_enrichment": EachRow(enrich),
    "find_email": EachRow(find_email),
    "find_phone": EachRow(find_phone),
    "verify_email": EachRow(verify_email),
    "reverse_email": EachRow(reverse_lookup),
    "reverse_phone": EachRow(reverse_lookup),
    "company_to_leads": company_to_leads,
    "leads_to_company": leads_to_company,
    "github_find_people": make_up_rows,
    "google_maps_search": make_up_rows,
    "scrape_web": EachRow(enrich),
    "backlinks_referring_domains": make_up_rows,
    "find_subdomains": make_up_rows,
    "x_search": make_up_rows,
    "tiktok_get_following": make_up_rows,
    "kaggle_leaderboard": make_up_rows,
    "llm_openai": EachRow(enrich),
    "qa_agent": EachRow(enrich),
    "research_agent": EachRow(enrich),
    "transform_data": EachRow(enrich),
    "filter": filter_rows,
    "deduplicate": deduplicate,
    "deduplicate_wrt_notebook": deduplicate_wrt_notebook,
    "group_by": group_by,
    "remove_columns": EachRow(remove_columns),
    "append_to_notebook": pass_rows_on,
    "send_slack_message": pass_rows_on,
    "outgoing_webhook": pass_rows_on,
    "hubspot_import": make_up_rows,
    "yc_batches": make_up_rows,
    "yc_companies": make_up_rows,
}
"""The executor of each kind; a kind that is not here passes rows on, or fails."""
