"""Rules about columns that blocks read, and about the values that filters look for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations, islice, product
from typing import Any, Final, NamedTuple

from ..blocks import CATALOGUE, FILTER_OPERATORS, UNARY_OPERATORS, Filter
from ..definition import Definition, Hidden, Value, is_number
from ..dsl import UNSET
from ..text import clipped, did_you_mean, join_words, shortened
from .columns import KnownColumn, Openness, column_flow, list_reads
from .fields import TYPES, JsonType, list_conditions, survey
from .rule import Fault, name_block, once, rule

# -- Columns that are read and not there -----------------------------------------------


@rule("columns", "warning", of=["reads", Filter])
def undeclared_column(definition: Definition) -> Iterator[Fault]:
    """A block reads a column that no block before it declares or adds.

    It may be misspelt, or added by a later block only. A block such as
    `company_to_leads` makes new rows, and may have dropped it. Rows may bring more
    columns than the `input_schema` of their webhook declares. If there is no
    `input_schema`, or an earlier block may add any columns, only a column that was
    dropped, that comes later or that is nearly spelt like another one is reported. A
    filter that compares such a column probably passes no row.

    Fix: correct the name, or add the column before; declare it if rows bring it.

    Example:
        columns = {"full_name": "string"}
        flow = Webhook(LEAD, input_schema=columns) >> Filter.where("city").equals("x")
    """
    flow, blocks = column_flow(definition), definition.blocks
    missing = [
        (position, column.name)
        for position, column in list_reads(definition)
        if column.name.strip()
        and column.name not in (before := flow.before[position])
        and (column.confidence in ("D", "D1") or before.openness < Openness.OPEN)
    ]
    for number, (position, name) in enumerate(missing):
        before = flow.before[position]
        message = f"it reads the column {shortened(name)}, which"
        dropper = later = None
        if number < MOST_READS:
            dropper = _find_dropper(definition, position, name)
            later = _find_producer(definition, position, name)
        if dropper is not None:
            where = name_block(definition, dropper)
            advice = "ask for it again behind that block, or read it before"
            yield Fault(position, f"{message} {where} may have dropped", advice)
        elif later is not None:
            where = name_block(definition, later)
            advice = f"put it after {blocks[later].kind}; declare it if rows bring it"
            yield Fault(position, f"{message} {where} adds later", advice)
        elif near := _find_near(name, before):
            message = f"it reads the column {shortened(name)}, and rows have "
            message += shortened(near)
            advice = f"write {shortened(near)}, or declare it if both are meant"
            yield Fault(position, message, advice)
        elif before.openness is Openness.CLOSED:
            names = [*map(clipped, islice(before, MOST_NAMED + 1))]
            names[MOST_NAMED:] = ["others"] * (len(names) > MOST_NAMED)
            advice = f"they have {join_words(names) or 'none'}"
            yield Fault(position, f"{message} rows do not have here", advice)
        elif before.openness is Openness.DECLARED:
            message = f"{message} no block before it declares or adds"
            yield Fault(position, message)


ABOUT_READS: Final = frozenset({undeclared_column.code})
"""Codes of findings that a column may be missing, so that rows may be lost."""

MOST_READS: Final = 32
"""Missing columns that blocks before and behind are searched for."""

MOST_NAMED: Final = 7
"""Columns that rows have which are named, where another one is missing."""


def _find_dropper(definition: Definition, position: int, name: str) -> int | None:
    """Return a block of known kind that makes new rows of rows with the column."""
    flow, blocks = column_flow(definition), definition.blocks
    for at in sorted(definition.topology.find_ancestors(position), reverse=True):
        makes_rows = flow.facts[at].resets and blocks[at].kind in CATALOGUE
        if makes_rows and name in flow.before[at]:
            return at
    return None


def _find_producer(definition: Definition, position: int, name: str) -> int | None:
    """Return the next block behind one that adds a column."""
    facts, children = column_flow(definition).facts, definition.topology.children
    queue = dict.fromkeys(children[position])
    for at in (todo := [*queue]):
        if any(column.name == name for column in facts[at].adds):
            return at
        fresh = [child for child in children[at] if child not in queue]
        queue.update(dict.fromkeys(fresh))
        todo += fresh
    return None


def _find_near(name: str, columns: Iterable[str]) -> str | None:
    """Return the column that differs least: by case, separators or a letter or two."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    folded = _fold(name)
    near = {
        like: other
        for other in islice(columns, MOST_NEAR)
        # Names with other numbers are other names.
        if _DIGITS.findall(like := _fold(other)) == _DIGITS.findall(folded)
    }
    cutoff = ALIKE if len(folded) >= SHORTEST else 1
    close = get_close_matches(folded, near, n=1, cutoff=cutoff)
    return near[close[0]] if close else None


def _fold(name: str) -> str:
    return _SEPARATORS.sub("", name[:LONGEST]).casefold()


ALIKE: Final = 0.8
"""How much two names are alike at least, for a slip of the pen."""

SHORTEST: Final = 5
"""Letters of a name that others may differ from by a letter."""

LONGEST: Final = 200
"""Letters of a name that are compared, which takes long."""

MOST_NEAR: Final = 200
"""Known names that a missing one is compared with."""

_SEPARATORS: Final = re.compile(r"[\W_]+")
_DIGITS: Final = re.compile(r"\d")


@rule("columns", "warning", of=["input_schema", "own-kind"])
def overwritten_column(definition: Definition) -> Iterator[Fault]:
    """A field to find has the name of a column that rows bring.

    Which of the two values the row has afterwards is not documented.

    Fix: give the field another name, unless it is meant to replace the column.

    Example:
        columns = {"full_name": "string", "title": "string"}
        flow = Webhook(LEAD, input_schema=columns) >> LeadEnrichment(
            return_fields={"title": "Current job title"}
        )
    """
    flow = column_flow(definition)
    for position, field, entries in survey(definition).maps:
        for name in entries:
            column = flow.before[position].get(name)
            if column is not None and flow.facts[column.source].declares:
                where = name_block(definition, column.source)
                message = f"{field.name}.{name} overwrites the column of {where}"
                yield Fault(position, message)


# -- Conditions of filters -------------------------------------------------------------


class Predicate(NamedTuple):
    """A condition with a documented operator.

    Attributes:
        position: The filter.
        place: The condition in its specs.
        column: Name of the column.
        operator: The documented operator.
        value: The value, or UNSET.
        decides: Whether the filter drops each row that does not meet the condition.
    """

    position: int
    place: str
    column: str
    operator: str
    value: Any
    decides: bool

    @property
    def takes_list(self) -> bool:
        """Whether the operator takes a list (inferred)."""
        return self.operator in ("in", "not_in")

    @property
    def values(self) -> Sequence[Any]:
        """The values to compare with, without those that an environment fills in."""
        is_list = self.takes_list and isinstance(self.value, list)
        return [
            value
            for value in (self.value if is_list else [self.value])
            if value not in (UNSET, None, "") and not isinstance(value, Value | Hidden)
        ]

    @property
    def whole_values(self) -> Sequence[Any]:
        """The values, if all of them are known and they are few; none if not."""
        count = len(self.value) if isinstance(self.value, list) else 1
        values = self.values if count <= _MOST else ()
        return values if len(values) == count or not self.takes_list else ()

    def describe(self, values: Sequence[Any]) -> str:
        """Return some of the values with their place, as the start of a sentence."""
        verb = "has" if self.takes_list else "is"
        return f"{self.place}.value {verb} {join_words(map(shortened, values))}"

    def describe_fate(self, wrong: Sequence[Any]) -> str:
        """Return what becomes of rows that have none of some values, in words."""
        count = len(self.value) if isinstance(self.value, list) else 1
        if not self.decides or len(wrong) < count:
            return ""
        is_negative = self.operator.startswith("not_")
        return f": probably {'it drops no row' if is_negative else 'no row passes'}"


_MOST: Final = 32
"""Columns of several filters, and conditions and values of one, that are compared."""


@once
def _list_predicates(definition: Definition) -> Sequence[Predicate]:
    """Return the conditions of all filters with documented operators."""
    predicates = []
    for position, block in definition.of_kind(Filter.kind):
        conditions = list_conditions(block.specs)
        decides = all(condition.get("logic") != "or" for condition in conditions)
        for at, condition in enumerate(conditions):
            column: Any = condition.get("column")
            operator: Any = condition.get("operator")
            if operator in FILTER_OPERATORS and isinstance(column, str):
                value = condition.get("value", UNSET)
                facts = (f"filters[{at}]", column, operator, value, decides)
                predicates.append(Predicate(position, *facts))
    return predicates


_SEARCHING: Final = ("equals", "not_equals", "contains", "not_contains", "in", "not_in")
"""Operators that a documented word meets or does not."""


@rule("columns", "warning", "note", of=[Filter])
def unlisted_value(definition: Definition) -> Iterator[Fault]:
    """A filter compares a column with a value that no document lists for the column.

    Probably no row has the value. So the filter drops every row, or none of those that
    it should drop. After a block that may add columns with unknown names, and so may
    rewrite the column, this is not reported.

    Fix: write one of the documented values.

    Example:
        ok = Filter.where("email_status").equals("ok")
        flow = Webhook(LEAD) >> FindEmail() >> ok
    """
    flow, blocks = column_flow(definition), definition.blocks
    for predicate in _list_predicates(definition):
        position, _, name, operator, *_ = predicate
        column = flow.before[position].get(name)
        if column is None or operator not in _SEARCHING:
            continue
        cls = CATALOGUE.get(blocks[column.source].kind)
        lists = {} if cls is None else cls.about.column_words.get(name, {})
        words = dict.fromkeys(word for listed in lists.values() for word in listed)
        fault = _judge_words(predicate, words) if words else None
        if fault and _is_kept(definition, column.source, position):
            yield fault


def _is_kept(definition: Definition, source: int, position: int) -> bool:
    """Return True if no block between two of a chain may write a column again."""
    facts, parents = column_flow(definition).facts, definition.topology.parents
    at = position
    for _ in range(MOST_STEPS):
        if len(parents[at]) != 1:
            return False
        at = parents[at][0]
        if at == source or facts[at].opens:
            return at == source
    return False


MOST_STEPS: Final = 1000
"""Blocks between a filter and the source of its column that are looked at."""


def _judge_words(predicate: Predicate, words: Collection[str]) -> Fault | None:
    """Return what is wrong with a value, by the words that documents list."""
    is_part = predicate.operator in ("contains", "not_contains")
    strange = [
        value
        for value in predicate.values
        if value not in words
        and not (is_part and isinstance(value, str) and any(value in w for w in words))
    ]
    if not strange:
        return None
    near = ""
    if len(strange) == 1 and isinstance(strange[0], str):
        # Not as far as a usual suggestion goes: VALID is not meant to be INVALID.
        near = did_you_mean(strange[0].upper(), words, cutoff=0.85)
    column = f"the column {shortened(predicate.column)}"
    message = f"{predicate.describe(strange)}, which no document lists for {column}"
    message += near + predicate.describe_fate(strange)
    return Fault(predicate.position, message, f"documented are {join_words(words)}")


@rule("columns", "warning", "note", of=[Filter])
def wrong_value_type(definition: Definition) -> Iterator[Fault]:
    """A filter compares with nothing, or with a value of a type that does not fit.

    The type of a column is known from `input_schema`, `return_fields` or the class of a
    block. It is a note if no document says how the service compares the two: text with
    numbers. That `in` takes a list is inferred.

    Fix: write a value of the type that the column holds.

    Example:
        many = Filter.where("employees").greater("many")
        flow = Webhook(COMPANY, input_schema={"employees": "int"}) >> many
    """
    flow = column_flow(definition)
    for predicate in _list_predicates(definition):
        if predicate.operator in UNARY_OPERATORS:
            continue
        fault = _judge_shape(predicate)
        column = flow.before[predicate.position].get(predicate.column)
        if fault is None and column is not None and predicate.operator != "matches":
            fault = _judge_type(definition, predicate, column)
        if fault:
            yield fault


def _judge_shape(predicate: Predicate) -> Fault | None:
    """Return what is wrong with a value for its operator."""
    position, place, _, operator, value, _ = predicate
    if value is UNSET:
        message = f"{place} has no value, and {operator!r} needs one"
        return Fault(position, message, "write the value to compare with")
    if value in (None, ""):
        message = f"{place}.value is {'null' if value is None else 'empty'}"
        advice = "write .is_empty() or .is_not_empty(), or the value to compare with"
        return Fault(position, message, advice)
    if not predicate.takes_list or isinstance(value, Value | Hidden):
        return None
    if not isinstance(value, list):
        message = f"{place}.value is {shortened(value)}, and {operator!r} takes a list"
        return Fault(position, message, f"write [{shortened(value)}]")
    if not value:
        message = f"{place}.value is an empty list{predicate.describe_fate([])}"
        return Fault(position, message, "write the values to look for")
    return None


COLUMN_TYPES: Final[Mapping[str | None, JsonType]] = {
    **dict.fromkeys(("str", "string"), TYPES[str]),
    **dict.fromkeys(("int", "integer", "float"), TYPES[float]),
    **dict.fromkeys(("bool", "boolean"), TYPES[bool]),
}


def _judge_type(
    definition: Definition, predicate: Predicate, column: KnownColumn
) -> Fault | None:
    """Return what is wrong with a value for the type of its column."""
    wanted = COLUMN_TYPES.get(column.type)
    source = CATALOGUE.get(definition.blocks[column.source].kind)
    is_listed = source is not None and predicate.column in source.about.column_words
    if wanted is None or (is_listed and predicate.operator in _SEARCHING):
        return None  # unlisted_value judges it
    strange = [value for value in predicate.values if not wanted.takes(value)]
    if not strange:
        return None
    position, name = predicate.position, shortened(predicate.column)
    message = predicate.describe(strange)
    message += f", and the column {name} holds {wanted.name}"
    origin = name_block(definition, column.source)
    advice = f"write {wanted.name}; {name} comes from {origin}"
    if str in wanted.kinds and not any(isinstance(v, list | dict) for v in strange):
        message += "; no document says how the two are compared"
        return Fault(position, message, advice, "note")
    return Fault(position, message + predicate.describe_fate(strange), advice)


# -- Conditions that exclude each other ------------------------------------------------


@rule("columns", "warning", of=[Filter])
def contradicting_conditions(definition: Definition) -> Iterator[Fault]:
    """Two conditions exclude each other, so probably no row passes.

    They may stand in one filter, or in filters of one chain, if the blocks between them
    are known to keep the column. Only conditions that are joined by `and` are compared.

    Fix: keep one of them, or join them with `.or_("column")`.

    Example:
        city = Filter.where("city").equals("Oslo").and_("city").equals("Bergen")
        flow = Webhook(LEAD, input_schema={"city": "string"}) >> city
    """
    if len(_list_predicates(definition)) < 2:
        return
    deciding: dict[int, dict[str, list[Predicate]]] = {}
    for predicate in _list_predicates(definition):
        if predicate.decides:
            by_column = deciding.setdefault(predicate.position, {})
            by_column.setdefault(predicate.column, []).append(predicate)
    met = _follow_conditions(definition, deciding)
    for position, by_column in deciding.items():
        for column, predicates in by_column.items():
            before = met[position].get(column, ())
            pairs = [*combinations(predicates[:_MOST], 2)]
            pairs += product(predicates[:_MOST], before)
            for here, there in pairs:
                if _exclude(here, there) or _exclude(there, here):
                    place = there.place
                    if there.position != position:
                        place += f" of {name_block(definition, there.position)}"
                    message = f"{here.place} and {place} exclude each other for the "
                    message += f"column {shortened(column)}: probably no row passes"
                    yield Fault(position, message)
                    break


def _follow_conditions(
    definition: Definition, deciding: Mapping[int, Mapping[str, Sequence[Predicate]]]
) -> Sequence[Mapping[str, Sequence[Predicate]]]:
    """Return for each block the conditions that its rows meet, by column.

    They hold until a block writes the column, or may write any column.
    """
    times = Counter(name for by_column in deciding.values() for name in by_column)
    shared = {*islice((name for name in times if times[name] > 1), _MOST)}
    met: list[Mapping[str, Sequence[Predicate]]] = [{}] * len(definition.blocks)
    facts, topology = column_flow(definition).facts, definition.topology
    leaving = [*met]
    for position in topology.order:
        first, *others = [leaving[at] for at in topology.parents[position]] or [{}]
        for other in others:  # what the rows of every branch meet
            theirs = {id(predicate) for held in other.values() for predicate in held}
            first = {
                name: [predicate for predicate in held if id(predicate) in theirs]
                for name, held in first.items()
            }
        met[position] = first
        fact = facts[position]
        if fact.opens or fact.resets:
            continue
        written = {column.name for column in fact.adds}
        passed = {name: held for name, held in first.items() if name not in written}
        for name, predicates in deciding.get(position, {}).items():
            if name in shared:
                passed[name] = [*passed.get(name, ()), *predicates][:_MOST]
        leaving[position] = passed
    return met


def _exclude(first: Predicate, second: Predicate) -> bool:
    """Return True if a value that meets the first condition never meets the second."""
    values = first.whole_values if first.operator in ("equals", "in") else ()
    if values:
        return not any(_may_meet(second, value) for value in values)
    match first.operator:
        case "is_empty":
            return second.operator in ("is_not_empty", "greater", "less", "contains")
        case "greater":
            return second.operator == "less" and _is_at_most(second.value, first.value)
        case _:
            return False


def _may_meet(condition: Predicate, value: Any) -> bool:
    """Return False if a value, which is not empty, does not meet a condition."""
    values = condition.whole_values
    match condition.operator:
        case "equals" | "in":
            return not values or _is_among(value, values)
        case "not_equals" | "not_in":
            return not _is_among(value, values)
        case "greater":
            return not _is_at_most(value, condition.value)
        case "less":
            return not _is_at_most(condition.value, value)
        case _:
            return condition.operator != "is_empty"


def _is_at_most(number: Any, other: Any) -> bool:
    return is_number(number) and is_number(other) and number <= other


def _is_among(value: Any, others: Sequence[Any]) -> bool:
    """Return True if a value may be one of others: case and types may not count."""
    text = str(value).casefold()
    return any(value == other or text == str(other).casefold() for other in others)
