"""What each kind of block does to rows, in a table.

An executor takes a step and gives rows, or says why it failed. Rules that no document
states are listed in `_guesses.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias
from uuid import uuid4

from attrs import frozen

from ..blocks import CREATE_NEW
from ..definition import Definition, WireBlock
from ._results import cell
from ._store import OutboxEntry, Row, Rows, Run, Store
from ._synthetic import (
    company_of,
    email,
    number,
    person,
    phone,
    sample,
    seed_of,
    values,
)

SEARCH_ROWS: Final = 10
"""Rows of a search that asks for no number."""

SEARCH_LIMIT: Final = 5_000
"""Most rows of a search."""

SOURCE_ROWS: Final = 5
"""Rows of a source that takes no number."""


@frozen
class Failed:
    """A block could not do its work."""

    message: str


@frozen
class Step:
    """A block at work.

    Attributes:
        definition: The whole graph.
        position: Where the block stands in it.
        rows: What its parents gave, one after the other.
        run: The run.
        store: Where notebooks and the outbox are.
    """

    definition: Definition
    position: int
    rows: Rows
    run: Run
    store: Store

    @property
    def block(self) -> WireBlock:
        """The block."""
        return self.definition.blocks[self.position]

    @property
    def specs(self) -> Mapping[str, Any]:
        """The settings of the block."""
        return self.block.specs

    @property
    def row_kind(self) -> str:
        """Kind of the rows it gives."""
        return self.run.blocks[self.position].row_kind

    @property
    def has_parents(self) -> bool:
        """Whether anything leads to it."""
        return bool(self.definition.topology.parents[self.position])

    def upstream(self) -> Sequence[WireBlock]:
        """All blocks that come before it, in the order in which they ran."""
        seen: set[int] = set()
        todo = list(self.definition.topology.parents[self.position])
        while todo:
            at = todo.pop()
            if at not in seen:
                seen.add(at)
                todo += self.definition.topology.parents[at]
        return [
            self.definition.blocks[at]
            for at in self.definition.topology.order
            if at in seen
        ]


Executor: TypeAlias = Callable[[Step], "Rows | Failed"]


# -- Sources --------------------------------------------------------------------------


def webhook(step: Step) -> Rows | Failed:
    """The payload, else the sample rows of `webhook_input`."""
    if step.run.payload is not None:
        return [dict(row) for row in step.run.payload]
    try:
        found = json.loads(step.specs.get("webhook_input") or "[]")
    except (TypeError, ValueError):
        return Failed("webhook_input is not JSON text")
    rows = found if isinstance(found, list) else [found]
    if not all(isinstance(row, dict) for row in rows):
        return Failed("webhook_input holds something else than rows")
    return rows


def search(step: Step) -> Rows:
    """Rows made up, as many as asked for."""
    asked = step.specs.get("max_results")
    count = asked if type(asked) is int else SEARCH_ROWS
    seed = seed_of({"search": step.specs.get("query")})
    return sample(step.row_kind, seed, max(0, min(count, SEARCH_LIMIT)))


def source(step: Step) -> Rows:
    """Rows made up; inside a graph the rows as they came."""
    if step.has_parents:
        return step.rows
    return sample(step.row_kind, seed_of({step.block.kind: step.specs}), SOURCE_ROWS)


def read_notebook(step: Step) -> Rows:
    """The rows of a notebook."""
    notebook_id = str(step.specs.get("notebook_id"))
    return [dict(row) for row in step.store.notebook(step.run.org_id, notebook_id)]


# -- Enrichment -----------------------------------------------------------------------


def enrich(step: Step) -> Rows:
    """A synthetic value for each entry of `return_fields` or `struct`."""
    fields = step.specs.get("return_fields") or step.specs.get("struct")
    return [{**row, **values(row, fields)} for row in step.rows]


def find_email(step: Step) -> Rows:
    """An address and its status; a row keeps the address that it has."""
    made = []
    for row in step.rows:
        seed = seed_of(row)
        status = "OK" if number(seed, "email_status", 8) else "NOT_FOUND"
        if row.get("email"):
            found = {"email": row["email"], "email_status": "OK"}
        else:
            address = email(seed) if status == "OK" else None
            found = {"email": address, "email_status": status}
        if step.specs.get("mode") == "PERSONAL":
            found["personal_email"] = row.get("personal_email") or found["email"]
        made.append({**row, **found})
    return made


def verify_email(step: Step) -> Rows:
    """A status for the address that a row has."""
    return [
        {**row, "email_status": "OK" if row.get("email") else "NOT_FOUND"}
        for row in step.rows
    ]


def find_phone(step: Step) -> Rows:
    """A number; a row keeps the number that it has."""
    return [
        {**row, "phone": row.get("phone") or phone(seed_of(row))} for row in step.rows
    ]


def reverse_lookup(step: Step) -> Rows:
    """Who is behind an address or a number; a row keeps what it has."""
    return [{**person(seed_of(row)), **row} for row in step.rows]


def company_to_leads(step: Step) -> Rows:
    """One to three people for each company, where an enrichment before it found any."""
    finders = [
        block
        for block in step.upstream()
        if block.kind == "company_enrichment" and block.specs.get("find_people") is True
    ]
    if not finders:
        return []
    made = []
    for row in step.rows:
        seed = seed_of(row)
        for position in range(1 + number(seed, "people", 3)):
            lead = person(f"{seed}/{position}", row)
            made.append({**lead, **values(lead, finders[-1].specs.get("lead_struct"))})
    return made


def leads_to_company(step: Step) -> Rows:
    """One company for each that the people work at."""
    companies: dict[str, Row] = {}
    for row in step.rows:
        made_up = company_of(seed_of(row))
        name = row.get("company") or made_up["company_name"]
        website = row.get("company_domain") or made_up["website"]
        companies.setdefault(cell(name), {"company_name": name, "website": website})
    return list(companies.values())


# -- Data -----------------------------------------------------------------------------


def filter_rows(step: Step) -> Rows | Failed:
    """The rows that meet the conditions, which are joined from left to right."""
    conditions = step.specs.get("filters")
    if not isinstance(conditions, list) or not conditions:
        return Failed("filters must be a list of at least one condition")
    for condition in conditions:
        operator = condition.get("operator") if isinstance(condition, dict) else None
        if operator not in OPERATORS:
            return Failed(f"unknown filter operator: {operator}")
    try:
        return [row for row in step.rows if _meets(row, conditions)]
    except re.error as error:
        return Failed(f"invalid regular expression: {error}")


def deduplicate(step: Step) -> Rows:
    """The first of each set of rows that are equal in every column."""
    first: dict[str, Row] = {}
    for row in step.rows:
        first.setdefault(seed_of(row), row)
    return list(first.values())


def deduplicate_wrt_notebook(step: Step) -> Rows:
    """The rows that a notebook does not have."""
    seen = {seed_of(row) for row in read_notebook(step)}
    return [row for row in step.rows if seed_of(row) not in seen]


def remove_columns(step: Step) -> Rows:
    """The rows without the columns of `columns`."""
    dropped = step.specs.get("columns")
    names = dropped if isinstance(dropped, list) else [dropped]
    return [{key: row[key] for key in row if key not in names} for row in step.rows]


def group_by(step: Step) -> Rows:
    """The rows, those with the same value of `column` beside each other."""
    groups: dict[str, Rows] = {}
    for row in step.rows:
        groups.setdefault(cell(row.get(str(step.specs.get("column")))), []).append(row)
    return [row for group in groups.values() for row in group]


# -- Sinks ----------------------------------------------------------------------------


def append_to_notebook(step: Step) -> Rows:
    """The rows, which a notebook keeps."""
    notebook_id = step.specs.get("notebook_id")
    if notebook_id == CREATE_NEW:
        notebook_id = str(uuid4())
    step.store.extend_notebook(step.run.org_id, str(notebook_id), step.rows)
    return step.rows


def to_outbox(step: Step) -> Rows:
    """The rows, which stay in the outbox instead of going out."""
    target = step.specs.get("url") or step.specs.get("channel")
    step.store.post(
        OutboxEntry(
            step.run.id,
            step.block.id,
            step.block.kind,
            None if target is None else cell(target),
            step.rows,
        )
    )
    return step.rows


EXECUTORS: Final[Mapping[str, Executor]] = {
    "webhook": webhook,
    "read_csv": source,
    "read_notebook": read_notebook,
    "search": search,
    "company_enrichment": enrich,
    "lead_enrichment": enrich,
    "linkedin_enrichment": enrich,
    "find_email": find_email,
    "find_phone": find_phone,
    "verify_email": verify_email,
    "reverse_email": reverse_lookup,
    "reverse_phone": reverse_lookup,
    "company_to_leads": company_to_leads,
    "leads_to_company": leads_to_company,
    "github_find_people": source,
    "google_maps_search": source,
    "scrape_web": enrich,
    "backlinks_referring_domains": source,
    "find_subdomains": source,
    "x_search": source,
    "tiktok_get_following": source,
    "kaggle_leaderboard": source,
    "llm_openai": enrich,
    "qa_agent": enrich,
    "research_agent": enrich,
    "transform_data": enrich,
    "filter": filter_rows,
    "deduplicate": deduplicate,
    "deduplicate_wrt_notebook": deduplicate_wrt_notebook,
    "group_by": group_by,
    "remove_columns": remove_columns,
    "append_to_notebook": append_to_notebook,
    "send_slack_message": to_outbox,
    "outgoing_webhook": to_outbox,
    "hubspot_import": source,
    "yc_batches": source,
    "yc_companies": source,
}
"""The executor of each kind; a kind that is not here passes rows on, or fails."""


# -- Conditions -----------------------------------------------------------------------


def _meets(row: Row, conditions: Sequence[Mapping[str, Any]]) -> bool:
    result = True
    for position, condition in enumerate(conditions):
        found = row.get(str(condition.get("column")))
        holds = OPERATORS[condition["operator"]](found, condition.get("value"))
        if position and condition.get("logic") == "or":
            result = result or holds
        else:
            result = result and holds
    return result


def _equals(found: Any, value: Any) -> bool:
    return bool(found == value) or cell(found) == cell(value)


def _contains(found: Any, value: Any) -> bool:
    if isinstance(found, list):
        return _in(value, found)
    return cell(value) in cell(found)


def _in(found: Any, value: Any) -> bool:
    options = value if isinstance(value, list) else [value]
    return any(_equals(found, option) for option in options)


def _order(found: Any, value: Any) -> int:
    """-1, 0 or 1: two numbers, or two texts; 0 where they cannot be compared."""
    if found is None or value is None:
        return 0
    left, right = _number(found), _number(value)
    if left is not None and right is not None:
        return int(left > right) - int(left < right)
    if left is None and right is None:
        return int(cell(found) > cell(value)) - int(cell(found) < cell(value))
    return 0


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _is_empty(found: Any, _value: Any) -> bool:
    return found is None or found in ("", [], {})


def _matches(found: Any, value: Any) -> bool:
    return re.search(cell(value), cell(found)) is not None


OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "equals": _equals,
    "not_equals": lambda found, value: not _equals(found, value),
    "contains": _contains,
    "not_contains": lambda found, value: not _contains(found, value),
    "greater": lambda found, value: _order(found, value) > 0,
    "less": lambda found, value: _order(found, value) < 0,
    "in": _in,
    "not_in": lambda found, value: not _in(found, value),
    "is_empty": _is_empty,
    "is_not_empty": lambda found, value: not _is_empty(found, value),
    "matches": _matches,
}
"""The operators of a filter; missing columns are empty."""
