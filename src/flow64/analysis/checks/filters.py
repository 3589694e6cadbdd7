"""Rules about values in conditions of filters: with a wrong one no row may pass."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any, Final, NamedTuple

from ...blocks import (
    CATALOGUE,
    FILTER_OPERATORS,
    UNARY_OPERATORS,
    Filter,
)
from ...definition import Definition, Hidden, Value, is_number
from ...dsl import UNSET
from ...text import did_you_mean, join_words, shortened
from ..columns import KnownColumn, column_flow, once
from .rule import Found, name_block, rule
from .specs import SCALARS, FieldType, conditions


class Comparison(NamedTuple):
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
    def is_negative(self) -> bool:
        """Whether the operator keeps the rows with other values."""
        return self.operator.startswith("not_")

    @property
    def values(self) -> Sequence[Any]:
        """The values that rows may have, without those that an environment fills in."""
        is_list = self.takes_list and isinstance(self.value, list)
        values = self.value if is_list else [self.value]
        return [
            value
            for value in values
            if value not in _EMPTY and not isinstance(value, Value | Hidden)
        ]

    @property
    def known_values(self) -> Sequence[Any]:
        """The values, if all of them are known and they are few; none if not."""
        given = self.value if isinstance(self.value, list) else [self.value]
        values = self.values if len(given) <= _MOST else ()
        return values if len(values) == len(given) or not self.takes_list else ()

    def describe(self, values: Sequence[Any]) -> str:
        """Return some of the values with their place, as the start of a sentence."""
        verb = "has" if self.takes_list else "is"
        # A list may have many, and only the first are shown.
        shown = [shortened(value) for value in values[:_SHOWN]]
        if more := len(values) - len(shown):
            shown.append(f"{more:,} more")
        return f"{self.place}.value {verb} {join_words(shown, _SHOWN + 1)}"

    def describe_fate(self, wrong: Sequence[Any]) -> str:
        """Return what becomes of rows that have none of some values, in words."""
        if not self.decides or len(wrong) < len(self.values):
            return ""
        return (
            f": probably {'it drops no row' if self.is_negative else 'no row passes'}"
        )


_EMPTY: Final = (UNSET, None, "")
_SHOWN: Final = 8


@once
def _comparisons(definition: Definition) -> Sequence[Comparison]:
    """Return the conditions of all filters with documented operators."""
    found = []
    for position, block in definition.of_kind(Filter.kind):
        listed = conditions(block.specs)
        decides = all(one.get("logic") != "or" for one in listed)
        for i, one in enumerate(listed):
            column: Any = one.get("column")
            operator: Any = one.get("operator")
            if operator in FILTER_OPERATORS and isinstance(column, str):
                value = one.get("value", UNSET)
                place = f"filters[{i}]"
                made = Comparison(position, place, column, operator, value, decides)
                found.append(made)
    return found


# -- Values that documents list --------------------------------------------------------


@rule(
    "columns",
    "warning",
    "note",
    advice="write one of the documented values",
    example=(
        'ok = Filter.where("email_status").equals("ok")\n'
        "flow = Webhook(LEAD) >> FindEmail() >> ok"
    ),
)
def unlisted_value(definition: Definition) -> Iterator[Found]:
    """A filter compares a column with a value that no document lists for the column.

    Probably no row has the value. So the filter drops every row, or none of those that
    it should drop. It is a note if some sources list the value and others do not. After
    a block that may add columns with unknown names, and so may rewrite the column, this
    is not reported.
    """
    known = [kind for kind in definition.by_kind if kind in CATALOGUE]
    kinds = [kind for kind in known if CATALOGUE[kind].about.column_words]
    for one in _comparisons(definition):
        for kind in kinds:
            lists = CATALOGUE[kind].about.column_words.get(one.column)
            # The source of a column is looked up only for a value that is doubtful.
            found = lists and _judge_words(one, lists)
            if found and _find_listing_kind(definition, one) == kind:
                yield found


def _judge_words(one: Comparison, lists: Mapping[str, Sequence[str]]) -> Found | None:
    """Return what is wrong with a value, by the lists of the sources."""
    values = one.values
    if one.operator not in _LOOKING_FOR or not values:
        return None
    if all(value in listed for listed in lists.values() for value in values):
        return None
    others = {
        source: listed
        for source, listed in lists.items()
        if not any(_meets(one, word, value) for word in listed for value in values)
    }
    words = [word for listed in lists.values() for word in listed]
    strange = [v for v in values if not any(_meets(one, word, v) for word in words)]
    if not strange and (not others or one.is_negative or not one.decides):
        return None
    column = f"the column {shortened(one.column)}"
    if strange:
        near = _suggest(strange[0], words) if len(strange) == 1 else ""
        message = f"{one.describe(strange)}, which no document lists for {column}{near}"
        advice = f"documented are {join_words(dict.fromkeys(words))}"
        return Found(one.position, message + one.describe_fate(strange), advice)
    message = f"{one.describe(values)}, which not every source lists for {column}"
    known = [f"{name} lists {join_words(listed)}" for name, listed in others.items()]
    return Found(one.position, message, "; ".join(known), "note")


_LOOKING_FOR: Final = (
    "equals", "not_equals", "contains", "not_contains", "in", "not_in"
)  # fmt: skip
"""Operators that a documented word meets or does not."""


def _meets(one: Comparison, word: str, value: Any) -> bool:
    if one.operator in ("contains", "not_contains"):
        return isinstance(value, str) and value in word
    return bool(word == value)


def _suggest(value: Any, words: Sequence[str]) -> str:
    """Return advice if a value is nearly a documented word."""
    if not isinstance(value, str):
        return ""
    # Not as far as a usual suggestion goes: VALID is not meant to be INVALID.
    near = did_you_mean(value, words, cutoff=_ALIKE)
    return near or did_you_mean(value.upper(), words, cutoff=_ALIKE)


_ALIKE: Final = 0.85


def _find_listing_kind(definition: Definition, one: Comparison) -> str | None:
    """Return the kind that adds a column; None if another block may rewrite it."""
    column = column_flow(definition).before[one.position].get(one.column)
    if column is None:
        return None
    ranks, openers = _rank_blocks(definition)
    if openers[one.position] > ranks[column.source]:
        return None
    return definition.blocks[column.source].kind


@once
def _rank_blocks(definition: Definition) -> tuple[Sequence[int], Sequence[int]]:
    """Return the place of each block in the order, and that of the last opener before.

    An opener is a block that may add columns with unknown names. Without one the place
    is -1.
    """
    topology, facts = definition.topology, column_flow(definition).facts
    ranks, openers = [0] * len(facts), [-1] * len(facts)
    for rank, position in enumerate(topology.order):
        ranks[position] = rank
        for parent in topology.parents[position]:
            last = ranks[parent] if facts[parent].opens else openers[parent]
            openers[position] = max(openers[position], last)
    return ranks, openers


# -- Types -----------------------------------------------------------------------------


@rule(
    "columns",
    "warning",
    "note",
    advice="write a value of the type that the column holds",
    example=(
        'many = Filter.where("employees").greater("many")\n'
        'flow = Webhook(COMPANY, input_schema={"employees": "int"}) >> many'
    ),
)
def wrong_value_type(definition: Definition) -> Iterator[Found]:
    """A filter compares with nothing, or with a value of a type that does not fit.

    The type of a column is known from `input_schema`, `return_fields` or the class of a
    block. It is a note if no document says how the service compares the two: text with
    numbers, or anything with an empty text. That `in` takes a list is inferred.
    """
    for one in _comparisons(definition):
        if one.operator in UNARY_OPERATORS:
            continue
        found = _judge_shape(one)
        if found is None and one.operator != "matches":
            column = column_flow(definition).before[one.position].get(one.column)
            found = column and _judge_type(definition, one, column)
        if found:
            yield found


def _judge_shape(one: Comparison) -> Found | None:
    """Return what is wrong with a value for its operator."""
    where, value = f"{one.place}.value", one.value
    if value is UNSET:
        message = f"{one.place} has no value, and {one.operator!r} needs one"
        return Found(one.position, message, "write the value to compare with")
    if one.operator == "matches" and isinstance(value, str):
        return None  # the syntax of the service's patterns is not documented
    if value == "":
        message = f"{where} is '', and no document says what an empty text matches"
        advice = "write is_empty() or is_not_empty()"
        return Found(one.position, message, advice, "note")
    # Null may stand for what is not JSON, which is a finding of its own.
    if not one.takes_list or isinstance(value, Value | Hidden | None):
        return None
    if not isinstance(value, list):
        message = f"{where} is {shortened(value)}, and {one.operator!r} takes a list"
        return Found(one.position, message, f"write [{shortened(value)}]")
    if not value:
        message = f"{where} is an empty list{one.describe_fate([])}"
        return Found(one.position, message, "write the values to look for")
    return None


def _judge_type(
    definition: Definition, one: Comparison, column: KnownColumn
) -> Found | None:
    """Return what is wrong with a value for the type of its column."""
    wanted = _COLUMN_TYPES.get(column.type)
    if wanted is None:
        return None
    if one.operator in _LOOKING_FOR and one.column in _listed_columns(
        definition, column
    ):
        return None  # unlisted_value judges it
    strange = [value for value in one.values if not wanted.takes(value)]
    if not strange:
        return None
    name = shortened(one.column)
    if all(_is_text_of(wanted, value) for value in strange):
        message = (
            f"{one.describe(strange)}, which is text, and the column {name} holds "
        )
        advice = "write it without quotes, unless rows come from a CSV file"
        return Found(one.position, f"{message}{wanted.name}", advice)
    message = f"{one.describe(strange)}, and the column {name} holds {wanted.name}"
    advice = f"{name} comes from {name_block(definition, column.source)}"
    if str in wanted.kinds and not any(isinstance(v, list | dict) for v in strange):
        message += "; no document says how the two are compared"
        return Found(one.position, message, advice, "note")
    return Found(one.position, message + one.describe_fate(strange), advice)


_COLUMN_TYPES: Final[Mapping[str | None, FieldType]] = {
    **dict.fromkeys(("str", "string"), SCALARS[str]),
    **dict.fromkeys(("int", "integer", "float"), SCALARS[float]),
    **dict.fromkeys(("bool", "boolean"), SCALARS[bool]),
}


def _listed_columns(definition: Definition, column: KnownColumn) -> Container[str]:
    """Return the columns of a block for which documents list words."""
    block = CATALOGUE.get(definition.blocks[column.source].kind)
    return () if block is None else block.about.column_words


def _is_text_of(wanted: FieldType, value: Any) -> bool:
    """Return True if a text reads as a value of a type: in a CSV file all are text."""
    if not isinstance(value, str):
        return False
    if bool in wanted.kinds:
        return value.casefold() in ("true", "false")
    try:
        float(value)
    except ValueError:
        return False
    return True


# -- Conditions that exclude each other ------------------------------------------------


@rule(
    "columns",
    "warning",
    advice='keep one of them, or join them with `.or_("column")`',
    example=(
        'city = Filter.where("city").equals("Oslo").and_("city").equals("Bergen")\n'
        'flow = Webhook(LEAD, input_schema={"city": "string"}) >> city'
    ),
)
def contradicting_conditions(definition: Definition) -> Iterator[Found]:
    """Two conditions exclude each other, so probably no row passes.

    They may stand in one filter, or in filters of one chain. Only conditions that are
    joined by `and` are compared.
    """
    passed = _passed_conditions(definition)
    here: dict[tuple[int, str], list[Comparison]] = {}
    for one in _comparisons(definition):
        if one.decides:
            here.setdefault((one.position, one.column), []).append(one)
    for (position, column), conditions_here in here.items():
        before = passed[position].get(column, ())
        pairs = [*combinations(conditions_here[:_MOST], 2)]
        pairs += product(conditions_here[:_MOST], before[:_MOST])
        for one, other in pairs:
            if _exclude(one, other) or _exclude(other, one):
                where = ""
                if other.position != position:
                    where = f" of {name_block(definition, other.position)}"
                message = (
                    f"{one.place} and {other.place}{where} exclude each other for "
                )
                message += f"the column {shortened(column)}: probably no row passes"
                yield Found(position, message)
                break


def _passed_conditions(
    definition: Definition,
) -> Sequence[Mapping[str, Sequence[Comparison]]]:
    """Return for each block the conditions that its rows meet, by column.

    They hold until a block writes the column, or may write any column.
    """
    deciding: dict[int, list[Comparison]] = {}
    for one in _comparisons(definition):
        if one.decides:
            deciding.setdefault(one.position, []).append(one)
    passed: list[Mapping[str, Sequence[Comparison]]] = [{}] * len(definition.blocks)
    if len(deciding) < 2:
        return passed
    facts, topology = column_flow(definition).facts, definition.topology
    for position in topology.order:
        above = topology.parents[position]
        if len(above) != 1 or facts[above[0]].opens or facts[above[0]].resets:
            continue
        met = passed[above[0]]
        if (parent := above[0]) in deciding:
            met = {**met}
            for one in deciding[parent]:
                met[one.column] = [*met.get(one.column, ())[: _MOST - 1], one]
        written = {column.name for column in facts[parent].adds}
        if not written.isdisjoint(met):
            met = {name: held for name, held in met.items() if name not in written}
        passed[position] = met
    return passed


_MOST: Final = 32
"""Conditions on one column, and values of a condition, that are compared."""


def _exclude(one: Comparison, other: Comparison) -> bool:
    """Return True if a value that meets one condition never meets the other."""
    match one.operator:
        case "is_empty":
            is_equal = other.operator in ("equals", "in") and other.known_values
            return bool(is_equal) or other.operator in _NEEDING_A_VALUE
        case "greater":
            return other.operator == "less" and _is_at_most(other.value, one.value)
        case "equals" | "in":
            known = one.known_values
            return bool(known) and all(_rules_out(other, value) for value in known)
        case _:
            return False


_NEEDING_A_VALUE: Final = ("is_not_empty", "greater", "less")


def _rules_out(other: Comparison, value: Any) -> bool:
    """Return True if a value does not meet a condition."""
    match other.operator:
        case "equals" | "in":
            return bool(other.known_values) and not _is_among(value, other.known_values)
        case "not_equals" | "not_in":
            return _is_among(value, other.known_values)
        case "greater":
            return _is_at_most(value, other.value)
        case "less":
            return _is_at_most(other.value, value)
        case _:
            return False


def _is_at_most(number: Any, other: Any) -> bool:
    return is_number(number) and is_number(other) and number <= other


def _is_among(value: Any, others: Sequence[Any]) -> bool:
    """Return True if a value may be one of others: case and types may not count."""
    text = str(value).casefold()
    return any(value == one or text == str(one).casefold() for one in others)
