"""Rules about columns: names that no block is known to add."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from ...blocks import CATALOGUE
from ...definition import Definition
from ...text import did_you_mean, join_words, shortened
from ..columns import Openness, column_flow, find_later_producers, once
from .rule import Found, name_block, rule
from .specs import field_maps


@rule(
    "columns",
    "warning",
    advice="put it after the block that adds the column",
    example=(
        "flow = (\n"
        '    Webhook(LEAD, input_schema={"full_name": "string"})\n'
        '    >> Filter.where("email_status").equals("OK")\n'
        "    >> FindEmail()\n"
        ")"
    ),
)
def read_before_written(definition: Definition) -> Iterator[Found]:
    """A block reads a column that only a later block adds.

    Rows may bring the column themselves. If they do, declare it in `input_schema`.
    """
    for read in missing_reads(definition):
        if read.producer is not None:
            adds = name_block(definition, read.producer)
            message = f"{_describe(read)}, which {adds} adds, and that comes later"
            kind = definition.blocks[read.producer].kind
            advice = f"put it after {kind}; if rows bring the column, declare it"
            yield Found(read.position, _with_fate(message, read), advice)


@rule(
    "columns",
    "warning",
    advice="correct the name, or add the column before; declare it if rows bring it",
    example=(
        'columns = {"full_name": "string"}\n'
        'flow = Webhook(LEAD, input_schema=columns) >> Filter.where("city").equals("x")'
    ),
)
def undeclared_column(definition: Definition) -> Iterator[Found]:
    """A block reads a column that no block before it declares or adds.

    Rows may bring more columns than the `input_schema` of their webhook declares. If
    there is no `input_schema`, or an earlier block may add any columns, nothing is
    reported but what `near-miss-column` finds.
    """
    for read in missing_reads(definition):
        before = column_flow(definition).before[read.position]
        if read.producer is not None or read.near is not None:
            continue
        if before.openness is Openness.CLOSED:
            known = join_words(before) or "none"
            message = f"{_describe(read)}, which rows do not have here"
            advice = f"they have {known}"
            yield Found(read.position, _with_fate(message, read), advice)
        elif before.openness is Openness.DECLARED:
            message = f"{_describe(read)}, which no block before it declares or adds"
            yield Found(read.position, _with_fate(message, read))


@rule(
    "columns",
    "warning",
    advice="ask for it again behind the converter, or read it before",
    example=(
        'columns = {"website": "string", "industry": "string"}\n'
        "flow = (\n"
        "    Webhook(COMPANY, input_schema=columns)\n"
        '    >> CompanyEnrichment({"size": "Employees"}, find_people=True)\n'
        "    >> CompanyToLeads()\n"
        '    >> Filter.where("industry").equals("Software")\n'
        ")"
    ),
)
def dropped_column(definition: Definition) -> Iterator[Found]:
    """A block reads a column that an earlier block may have dropped.

    A block such as `company_to_leads` makes new rows. Whether they keep the columns of
    the rows that came in is not documented.
    """
    flow, topology = column_flow(definition), definition.topology
    # Of an unknown kind it is not known either whether it makes rows.
    resets = {
        at
        for at, fact in enumerate(flow.facts)
        if fact.resets and definition.blocks[at].kind in CATALOGUE
    }
    if not resets or not any(fact.reads for fact in flow.facts):
        return
    # The columns that were there before new rows were made, with the block that did it.
    dropped: list[Mapping[str, int]] = [{}] * len(flow.facts)
    for position in topology.order:
        above: dict[str, int] = {}
        for parent in topology.parents[position]:
            above |= dropped[parent]
            if parent in resets:
                above |= dict.fromkeys(flow.before[parent], parent)
        dropped[position] = {
            name: at for name, at in above.items() if name not in flow.before[position]
        }
    for position, column in flow.reads():
        if (at := dropped[position].get(column.name)) is not None:
            message = f"it reads the column {shortened(column.name)}, which "
            message += f"{name_block(definition, at)} may have dropped"
            yield Found(position, message)


@rule(
    "columns",
    "warning",
    advice="give the field another name, unless it is meant to replace the column",
    example=(
        'columns = {"full_name": "string", "title": "string"}\n'
        "flow = Webhook(LEAD, input_schema=columns) >> LeadEnrichment(\n"
        '    return_fields={"title": "Current job title"}\n'
        ")"
    ),
)
def overwritten_column(definition: Definition) -> Iterator[Found]:
    """A field to find has the name of a column that rows bring.

    Which of the two values the row has afterwards is not documented.
    """
    flow = column_flow(definition)
    for position, block in enumerate(definition.blocks):
        for name in field_maps(block.kind):
            fields = block.specs.get(name)
            if not isinstance(fields, Mapping) or flow.facts[position].declares:
                continue
            before = flow.before[position]
            for field_name in fields:
                source = before[field_name].source if field_name in before else None
                if source is not None and flow.facts[source].declares:
                    of = name_block(definition, source)
                    message = f"{name}.{field_name} overwrites the column of {of}"
                    yield Found(position, message)


@rule(
    "columns",
    "warning",
    advice="correct the spelling; declare the column if both are meant",
    example=(
        'flow = Webhook(LEAD) >> FindEmail() >> Filter.where("emial").is_not_empty()'
    ),
)
def near_miss_column(definition: Definition) -> Iterator[Found]:
    """A block reads an unknown column, and a known one has nearly that name.

    Most rows may bring undeclared columns, so most other unknown names are not
    reported.
    """
    for read in missing_reads(definition):
        if read.near is not None:
            before = column_flow(definition).before[read.position]
            source = before[read.near].source
            there = shortened(read.near)
            message = f"{_describe(read)}, and rows have {there}"
            advice = f"{there} comes from {name_block(definition, source)}; declare "
            advice += f"{shortened(read.name)} if both are meant"
            yield Found(read.position, message, advice)


ABOUT_READS: Final = frozenset({read_before_written.code, undeclared_column.code})
"""Codes of findings that a column may be missing, so that rows may be lost."""


def _describe(read: MissingRead) -> str:
    return f"it reads the column {shortened(read.name)}"


def _with_fate(message: str, read: MissingRead) -> str:
    """Add what becomes of rows without the column, if that is known."""
    return f"{message}: {read.fate}" if read.fate else message


# -- Columns that are read and not there -----------------------------------------------


class MissingRead(NamedTuple):
    """A column that a block reads, and that no block before it is known to bring.

    Attributes:
        position: The block.
        name: The column.
        near: A column that is there, with nearly the same name.
        producer: A later block that adds it.
        fate: What becomes of rows without it, in words. Empty if that is unknown.
    """

    position: int
    name: str
    near: str | None
    producer: int | None
    fate: str


@once
def missing_reads(definition: Definition) -> Sequence[MissingRead]:
    """Return the reads of columns that may be missing.

    A read that is only inferred is left out, unless it is known which columns rows are
    meant to have.
    """
    flow = column_flow(definition)
    reads = []
    missing = [
        (position, column.name)
        for position, column in flow.reads()
        if column.name not in (before := flow.before[position])
        and (column.confidence in _SURE or before.openness < Openness.OPEN)
    ]
    producers = find_later_producers(definition, missing)
    for position, name in missing:
        before = flow.before[position]
        producer = producers.get((position, name))
        near = None
        if producer is None and before.is_open:
            near = _find_near(name, before)
        block = definition.blocks[position]
        fate = CATALOGUE[block.kind].without_column(block.specs, name)
        reads.append(MissingRead(position, name, near, producer, fate))
    return reads


_SURE: Final = ("D", "D1")


def _find_near(name: str, known: Iterable[str]) -> str | None:
    """Return a known name that differs in case, separators or a letter or two."""
    folded = _fold(name)
    for other in itertools.islice(known, MOST_NEAR):
        alike = _fold(other)
        if folded == alike and name != other:
            return other
        # Names with other numbers are other names.
        is_word = len(folded) >= SHORTEST and _DIGITS.findall(name) == _DIGITS.findall(
            other
        )
        if is_word and did_you_mean(folded, [alike], cutoff=ALIKE):
            return other
    return None


def _fold(name: str) -> str:
    return _SEPARATORS.sub("", name).casefold()


ALIKE: Final = 0.8
"""How much two names are alike at least, for a slip of the pen."""

SHORTEST: Final = 5
"""Letters of a name that is compared with others."""

MOST_NEAR: Final = 200
"""Known names that a missing one is compared with."""

_SEPARATORS: Final = re.compile(r"[\W_]+")
_DIGITS: Final = re.compile(r"\d")
