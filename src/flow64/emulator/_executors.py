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
from ._filters import conditions_of, kept
from ._records import Row, Rows, notebook_of, payload_of, upload_of
from ._results import cell
from ._step import BlockFailedError, EachRow, Executor, Step
from ._synthetic import (
    company_of,
    digest_of,
    email,
    maker,
    number,
    person,
    phone,
    sample,
    seed_of,
)

SEARCH_ROWS: Final = 10
"""Rows of a search that asks for no number."""

SEARCH_LIMIT: Final = 5_000
"""Most rows of a search."""

SOURCE_ROWS: Final = 5
"""Rows of a source that takes no number."""


def as_rows(found: object, what: str) -> Rows:
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


def webhook(step: Step) -> Iterator[Row]:
    """The payload, else the sample rows of `webhook_input`."""
    if step.run.has_payload:
        return step.store.rows(payload_of(step.run.id))
    try:
        found = json.loads(step.specs.get("webhook_input") or "[]")
    except (TypeError, ValueError, RecursionError) as error:
        raise BlockFailedError("webhook_input is not JSON text") from error
    return iter(as_rows(found, "webhook_input"))


def read_csv(step: Step) -> Iterator[Row]:
    """The rows of an uploaded file."""
    handle = str(step.specs.get("resource_handle_id"))
    upload = step.store.uploads.get(handle)
    if upload is None or upload.org_id != step.run.org_id:
        raise BlockFailedError(f"no uploaded file has the handle {handle!r}")
    return step.store.rows(upload_of(upload.id))


def search(step: Step) -> Iterator[Row]:
    """Rows made up, as many as asked for."""
    seed = seed_of({"search": step.specs.get("query")})
    return sample(step.state.row_kind, seed, searched(step.specs))


def searched(specs: Mapping[str, object]) -> int:
    """How many rows a search finds."""
    asked = specs.get("max_results")
    count = asked if isinstance(asked, int) and type(asked) is int else SEARCH_ROWS
    return max(0, min(count, SEARCH_LIMIT))


def source(step: Step) -> Iterator[Row]:
    """Rows made up; inside a graph the rows as they came."""
    if step.parents:
        return step.rows()
    seed = seed_of({step.block.kind: step.specs})
    return sample(step.state.row_kind, seed, SOURCE_ROWS)


def read_notebook(step: Step) -> Iterator[Row]:
    """The rows of a notebook."""
    notebook_id = str(step.specs.get("notebook_id"))
    return step.store.rows(notebook_of(step.run.org_id, notebook_id))


# -- Enrichment -----------------------------------------------------------------------


def enrich(step: Step) -> Callable[[Row], Row]:
    """A synthetic value for each entry of `return_fields` or `struct`."""
    fields = step.specs.get("return_fields") or step.specs.get("struct")
    make = maker(columns_of(fields))
    return lambda row: {**row, **make(row)}


def find_email(step: Step) -> Callable[[Row], Row]:
    """An address and its status; a row keeps the address that it has."""
    is_personal = step.specs.get("mode") == "PERSONAL"

    def work(row: Row) -> Row:
        if row.get("email"):
            found = {"email": row["email"], "email_status": "OK"}
        else:
            seed = seed_of(row)
            status = "OK" if number(seed, "email_status", 8) else "NOT_FOUND"
            address = email(seed) if status == "OK" else None
            found = {"email": address, "email_status": status}
        if is_personal:
            found["personal_email"] = row.get("personal_email") or found["email"]
        return {**row, **found}

    return work


def verify_email(_step: Step) -> Callable[[Row], Row]:
    """A status for the address that a row has."""
    return lambda row: {
        **row,
        "email_status": "OK" if row.get("email") else "NOT_FOUND",
    }


def find_phone(_step: Step) -> Callable[[Row], Row]:
    """A number; a row keeps the number that it has."""
    return lambda row: {**row, "phone": row.get("phone") or phone(seed_of(row))}


def reverse_lookup(_step: Step) -> Callable[[Row], Row]:
    """Who is behind an address or a number; a row keeps what it has."""
    return lambda row: {**person(seed_of(row)), **row}


def company_to_leads(step: Step) -> Iterator[Row]:
    """One to three people for each company, where an enrichment before it found any."""
    finders = [
        block
        for block in step.upstream()
        if block.kind == "company_enrichment" and block.specs.get("find_people") is True
    ]
    if not finders:
        return
    more = maker(columns_of(finders[-1].specs.get("lead_struct")))
    for row in step.rows():
        seed = seed_of(row)
        for position in range(1 + number(seed, "people", 3)):
            lead = person(f"{seed}/{position}", row)
            yield {**lead, **more(lead)}


def leads_to_company(step: Step) -> Iterator[Row]:
    """One company for each that the people work at."""
    seen: set[bytes] = set()
    for row in step.rows():
        made_up = company_of(seed_of(row))
        name = row.get("company") or made_up["company_name"]
        website = row.get("company_domain") or made_up["website"]
        if is_new(cell(name), seen):
            yield {"company_name": name, "website": website}


# -- Data -----------------------------------------------------------------------------


def filter_rows(step: Step) -> Iterator[Row]:
    """The rows that meet the conditions, which are joined from left to right."""
    with kept(conditions_of(step.specs.get("filters"))) as keep:
        for chunk in step.chunks():
            yield from keep(chunk)


def deduplicate(step: Step) -> Iterator[Row]:
    """The first of each set of rows that are equal in every column."""
    seen: set[bytes] = set()
    return (row for row in step.rows() if is_new(row, seen))


def deduplicate_wrt_notebook(step: Step) -> Iterator[Row]:
    """The rows that a notebook does not have."""
    seen = {digest_of(row) for row in read_notebook(step)}
    return (row for row in step.rows() if digest_of(row) not in seen)


def is_new(value: object, seen: set[bytes]) -> bool:
    """Whether a value was not seen before; now it was."""
    before = len(seen)
    seen.add(digest_of(value))
    return len(seen) > before


def remove_columns(step: Step) -> Callable[[Row], Row]:
    """The rows without the columns of `columns`."""
    dropped = step.specs.get("columns")
    listed = dropped if isinstance(dropped, list) else [dropped]
    names = {name for name in listed if isinstance(name, str)}
    return lambda row: {key: row[key] for key in row if key not in names}


def group_by(step: Step) -> Iterator[Row]:
    """The rows, those with the same value of `column` beside each other."""
    column = str(step.specs.get("column"))
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
                for row in step.rows()
            ),
        )
        ordered = sorter.execute("SELECT data FROM rows ORDER BY place, rowid")
        yield from (json.loads(data) for (data,) in ordered)


def passed(step: Step) -> Iterator[Row]:
    """The rows as they came."""
    return step.rows()


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
    "github_find_people": source,
    "google_maps_search": source,
    "scrape_web": EachRow(enrich),
    "backlinks_referring_domains": source,
    "find_subdomains": source,
    "x_search": source,
    "tiktok_get_following": source,
    "kaggle_leaderboard": source,
    "llm_openai": EachRow(enrich),
    "qa_agent": EachRow(enrich),
    "research_agent": EachRow(enrich),
    "transform_data": EachRow(enrich),
    "filter": filter_rows,
    "deduplicate": deduplicate,
    "deduplicate_wrt_notebook": deduplicate_wrt_notebook,
    "group_by": group_by,
    "remove_columns": EachRow(remove_columns),
    "append_to_notebook": passed,
    "send_slack_message": passed,
    "outgoing_webhook": passed,
    "hubspot_import": source,
    "yc_batches": source,
    "yc_companies": source,
}
"""The executor of each kind; a kind that is not here passes rows on, or fails."""
