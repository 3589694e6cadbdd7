"""Rules about values of spec fields that can do nothing useful."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from ...blocks import (
    BUILT_IN,
    CATALOGUE,
    CompanyEnrichment,
    LeadEnrichment,
    Webhook,
    facts_of,
    of_catalogue,
    spec_types,
)
from ...definition import Definition
from ...text import did_you_mean, join_words, shortened
from ._rule import Found, rule


@of_catalogue
def _counts_of(kind: str) -> Sequence[tuple[str, str]]:
    """Return the fields of a kind that count something, each with its unit."""
    facts = facts_of(BUILT_IN[kind]).items() if kind in BUILT_IN else ()
    return [(name, fact.unit) for name, fact in facts if fact.unit is not None]


@of_catalogue
def _words_of(kind: str) -> Mapping[str, Sequence[str]]:
    """Return the inferred words of the fields of a kind."""
    if kind not in CATALOGUE:
        return {}
    facts = facts_of(CATALOGUE[kind])
    return {
        name: words
        for name, hint in spec_types(CATALOGUE[kind]).items()
        if facts[name].confidence == "I" and (words := _words_in(hint))
    }


def _words_in(hint: Any) -> Sequence[str]:
    """Return the words that a type lists."""
    members = (hint, *typing.get_args(hint))
    return [
        word
        for member in members
        if typing.get_origin(member) is Literal
        for word in typing.get_args(member)
    ]


@rule(
    "specs",
    "warning",
    advice='name the fields: `return_fields={"title": "Current job title"}`',
    example="flow = Webhook(LEAD) >> LeadEnrichment(return_fields={})",
)
def nothing_to_find(definition: Definition) -> Iterator[Found]:
    """An enrichment asks for no fields, so it may cost credits and add no column.

    That fields are required is inferred. A `company_enrichment` may look for people
    alone.
    """
    for position, block in definition.of_kind(*_ENRICHING):
        specs = block.specs
        if not any(specs.get(name) for name in _WANTED):
            message = f"{block.kind} asks for no fields, so it adds no column"
            yield Found(position, message)


_ENRICHING: Final = (LeadEnrichment.kind, CompanyEnrichment.kind)
_WANTED: Final = ("return_fields", "find_people", "full_org_chart")


@rule(
    "specs",
    "warning",
    advice="write 1 or more, or leave the field out",
    example='flow = Search(LEAD, query="Heads of finance", max_results=0)',
)
def number_below_one(definition: Definition) -> Iterator[Found]:
    """A number of rows, seconds, rounds or calls is zero or less.

    No document says what the service makes of it.
    """
    for kind, positions in definition.by_kind.items():
        for name, unit in _counts_of(kind):
            for position in positions:
                found = definition.blocks[position].specs.get(name)
                if type(found) is int and found < 1:
                    message = f"{name} is {found}, and a number of {unit} is 1 or more"
                    yield Found(position, message)


@rule(
    "specs",
    "warning",
    advice="write one of the words of the endpoint",
    example=(
        'title = {"title": "Current job title"}\n'
        'flow = Webhook(LEAD) >> LeadEnrichment(title, tier="hihg")'
    ),
)
def unlisted_word(definition: Definition) -> Iterator[Found]:
    """A field holds a word that the endpoint of the same name does not list.

    That the block takes the words of its endpoint is inferred.
    """
    for kind, positions in definition.by_kind.items():
        for name, words in _words_of(kind).items():
            for position in positions:
                found = definition.blocks[position].specs.get(name)
                if isinstance(found, str) and found not in words:
                    near = did_you_mean(found, words)
                    message = f"{name} is {shortened(found)}, which the endpoint does "
                    message += f"not list{near}"
                    yield Found(position, message, f"it lists {join_words(words)}")


@rule(
    "specs",
    "warning",
    advice='write the rows as JSON text: `json.dumps([{"email": "ada@acme.example"}])`',
    example='flow = Webhook(LEAD, webhook_input="ada@acme.example") >> FindPhone()',
)
def unreadable_sample(definition: Definition) -> Iterator[Found]:
    """The sample rows of a webhook are not JSON text with a list of rows."""
    for position, block in definition.of_kind(Webhook.kind):
        text = block.specs.get("webhook_input")
        if isinstance(text, str) and text and not _is_rows(text):
            yield Found(position, "webhook_input is not JSON text with a list of rows")


def _is_rows(text: str) -> bool:
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(rows, dict) or (
        isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
    )
