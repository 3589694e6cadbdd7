"""A change judged by the rows that a run recorded. Nothing is bought.

What is not certain is unknown, with the reason. A block with the kind, the settings and
the input rows of the run gives its recorded rows. A filter is computed, if that gives
the recorded rows for the filters of the run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from math import isnan
from typing import Any, Final, Literal, TypeAlias, get_args

from attrs import asdict, field, frozen

from ..analysis.costs import cost
from ..blocks import Filter
from ..blocks.facts import FilterOperator
from ..definition import EMPTY, Definition, WireBlock, is_number, thaw
from ..errors import ResultError
from .compare import Comparison, is_same, match_blocks
from .facts import DefinitionFacts, as_data
from .words import format_name

RecordedRow: TypeAlias = Mapping[str, Any]
What: TypeAlias = Literal["pass", "look-ups"]


@frozen
class Passage:
    """The rows at a block that a change concerns, or may concern.

    Attributes:
        block: The name of the block.
        what: Rows that pass a filter, or look-ups: rows that reach a block that spends.
        before: Their number before the change.
        after: Their number after it.
        dollars: What the look-ups cost at most, before and after, if that is known.
        unknown: Why the numbers are not known.
    """

    block: str
    what: What
    before: int | None = None
    after: int | None = None
    dollars: Sequence[float] | None = None
    unknown: str = ""


@frozen
class Replay:
    """The effect of a change on the rows of a run.

    Attributes:
        run: The id of the run; empty without one.
        passages: Filters and look-ups that treat the rows differently, or may do so.
        unknown: Why nothing is known.
    """

    run: str
    passages: Sequence[Passage] = ()
    unknown: str = ""

    def as_data(self) -> dict[str, Any]:
        """Return it as plain JSON data. What does not apply has no key."""
        return asdict(self, filter=lambda _, value: value is not None and value != "")


def replay(
    comparison: Comparison,
    recording: Recording | Replay,
    prices: Mapping[str, float] = EMPTY,
) -> Replay:
    """Return what a change does with the rows of a run.

    Args:
        comparison: Two definitions. Neither need be what the run ran.
        recording: The run; or why it tells nothing.
        prices: Dollars a row by kind, in place of those that are documented.
    """
    if isinstance(recording, Replay):
        return recording
    sides = [side for side in (comparison.before, comparison.after) if side]
    definitions = recording.definition, *(side.definition for side in sides)
    if any(edge.extra.get("condition") for each in definitions for edge in each.edges):
        return Replay(recording.run, unknown="an edge has a condition")
    old, new = (recording.play(side, prices) for side in sides)
    changed = {path[1] for path in comparison.changes if path[0] == "block"}
    passages = [
        passage
        for key in dict.fromkeys([*new.gates, *old.gates])
        if (passage := recording.compare(key, old, new)).unknown
        or passage.before != passage.after
        or passage.block in changed
    ]
    return Replay(recording.run, passages)


# -- The rows at each block ------------------------------------------------------------

_Rows: TypeAlias = int | list[RecordedRow] | ResultError
"""The recorded rows of a block of the run, by position; computed ones; or why they are
not known."""

_Gate: TypeAlias = tuple[_Rows, float | None]
"""What is counted at a block, and the price of each row."""

_Key: TypeAlias = tuple[str, What]


@frozen
class _Played:
    """A side, through which the rows of a run were sent.

    Attributes:
        gates: What is counted.
        outputs: The rows that each block gives, by its name.
        parents: The block that feeds it, if it is the only one.
    """

    gates: dict[_Key, _Gate] = field(factory=dict)
    outputs: dict[str, _Rows] = field(factory=dict)
    parents: dict[str, str] = field(factory=dict)

    def find_place(self, name: str, other: _Played) -> _Rows:
        """Return the rows of another side at the place of a block of this one."""
        while name in self.parents:
            name = self.parents[name]
            if name in other.outputs:
                return other.outputs[name]
        return ResultError(f"several blocks feed {format_name(name)}")


@frozen
class Recording:
    """The rows that a run recorded. They are sent through definitions.

    Attributes:
        run: Its id.
        definition: What it ran.
        load: Returns all rows that a block returned, by position, or raises
            `ResultError`. It is called several times for the same rows.
        managed: The fields that the last deploy set, by block id in lower case. A
            deploy keeps others as they are.
    """

    run: str
    definition: Definition = field(repr=False)
    load: Callable[[int], list[RecordedRow]] = field(repr=False)
    managed: Mapping[str, frozenset[str]] = field(repr=False)

    def play(self, side: DefinitionFacts, prices: Mapping[str, float]) -> _Played:
        """Send the rows through a side."""
        played = _Played()
        definition, parents = side.definition, side.definition.topology.parents
        pairs = match_blocks(self.definition, definition).items()
        partners = {new: old for old, new in pairs}
        charges = cost(definition, prices=prices).charges
        dollars = {at: charge.dollars for charge in charges for at in charge.positions}
        outputs: list[_Rows] = [ResultError("it is on a cycle") for _ in parents]
        for at in definition.topology.order:
            block, name = definition.blocks[at], side.names[at]
            rows = [outputs[parent] for parent in parents[at]]
            shown = format_name(name)
            try:
                outputs[at] = self._pass(block, shown, rows, partners.get(at, -1))
            except ResultError as error:
                outputs[at] = error
            played.outputs[name] = outputs[at]
            reaching: _Rows = ResultError(f"several blocks feed {shown}")
            if len(rows) == 1:
                reaching, played.parents[name] = rows[0], side.names[parents[at][0]]
            if block.kind == Filter.kind:
                played.gates[name, "pass"] = outputs[at], None
            is_open = len(rows) == 1 or not isinstance(outputs[at], int)
            if rows and is_open and side.facts.get(("spends", name)) is True:
                played.gates[name, "look-ups"] = reaching, dollars.get(at)
        return played

    def compare(self, key: _Key, before: _Played, after: _Played) -> Passage:
        """Return the numbers at a block."""
        name, what = key
        counts: list[int] = []
        dollars: list[float] = []
        try:
            for side, other in ((before, after), (after, before)):
                # Without a filter all rows pass, and without a block none is looked up.
                rows, price = side.gates.get(key) or (
                    other.find_place(name, side) if what == "pass" else [],
                    other.gates[key][1] and 0.0,
                )
                counts.append(len(self._load(rows)))
                if price is not None:
                    dollars.append(round(counts[-1] * price, 6))
        except ResultError as error:
            return Passage(*key, unknown=error.message)
        is_priced = len(dollars) == len(counts)
        return Passage(*key, counts[0], counts[1], dollars if is_priced else None)

    def _pass(
        self, block: WireBlock, name: str, inputs: Sequence[_Rows], partner: int
    ) -> _Rows:
        """Return the rows that a block gives. Without a partner, this is -1."""
        ran = self.definition
        has_run = partner >= 0 and self._has_run(block, ran.blocks[partner])
        gets_same = partner >= 0 and ran.topology.parents[partner] == inputs
        if has_run and gets_same:
            return partner
        if len(inputs) != 1 or block.kind != Filter.kind:
            what = "gets fewer or other rows than" if has_run else "differs from that"
            raise ResultError(f"{name} {what} in the run")
        rows = self._load(inputs[0])
        computed = _filter(block, name, rows)
        if any(map(self._is_other, ran.by_kind.get(Filter.kind, ()))):
            raise ResultError(f"the rows of the run do not show what {name} does")
        is_same = gets_same and _sort(computed) == _sort(self.load(partner))
        if is_same or len(computed) < len(rows):
            return partner if is_same else computed
        return inputs[0]  # all pass, so what follows gets what it got before

    def _has_run(self, block: WireBlock, ran: WireBlock) -> bool:
        """Whether the run had a block of the same kind, with the same settings."""
        names = {*block.specs, *self.managed.get(ran.id.lower(), ())}
        specs = {name: value for name, value in ran.specs.items() if name in names}
        sides = thaw(block.specs, as_data), thaw(specs, as_data)
        return block.kind == ran.kind and is_same(*sides)

    def _is_other(self, at: int) -> bool:
        """Whether a filter of the run recorded other rows than are computed for it."""
        parents = self.definition.topology.parents[at]
        if len(parents) != 1:
            return False
        try:
            rows = _filter(self.definition.blocks[at], "", self.load(parents[0]))
            return _sort(rows) != _sort(self.load(at))
        except ResultError:
            return False

    def _load(self, rows: _Rows) -> list[RecordedRow]:
        if isinstance(rows, ResultError):
            raise rows
        return self.load(rows) if isinstance(rows, int) else rows


def _filter(block: WireBlock, name: str, rows: list[RecordedRow]) -> list[RecordedRow]:
    """Return the rows that pass a filter."""
    specs = block.specs
    if not is_documented(specs):
        raise ResultError(f"no document says how {name} compares")
    outcomes = [judge_row(specs["filters"], row) for row in rows]
    if count := outcomes.count(None):
        words = f"{count:,} of {len(rows):,} rows pass {name}"
        texts = [
            f"{each['column']} is text, compared with {each['value']}"
            for each in specs["filters"]
            if is_number(each.get("value"))
            if any(isinstance(row.get(each["column"]), str) for row in rows)
        ]
        words += f" ({'; '.join(texts)})" if texts else ""
        raise ResultError(f"no document says whether {words}")
    return [row for row, passes in zip(rows, outcomes, strict=True) if passes]


def _sort(rows: list[RecordedRow]) -> list[str]:
    """Return rows in an order of their own: that of a file proves nothing."""
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


# -- Which rows pass a filter ---------------------------------------------------------

# The documents leave open case, blank space, text and numbers, null, a missing column,
# `or` and the syntax of `matches`. An outcome is certain if every reading gives it.

_OPERATORS: Final = [word for word in get_args(FilterOperator) if word != "matches"]
_FIELDS: Final = {"column", "operator", "value", "logic"}
_SIGNS: Final = frozenset("\\^$*+?{}[]|()")
"""Characters that mean something else in a regular expression, except the dot."""
_TEXTS: Final = ("", "nan", "none", "null")
"""Texts that null may be compared as."""


def is_documented(specs: Mapping[str, Any]) -> bool:
    """Whether the documents say what each part of a filter means."""
    conditions = specs.get("filters")
    if specs.keys() != {"filters"} or not isinstance(conditions, list):
        return False
    return bool(conditions) and all(
        isinstance(condition, dict)
        and condition.keys() <= _FIELDS
        and isinstance(condition.get("column"), str)
        and condition.get("operator") in _OPERATORS
        and condition.get("logic") == ("and" if number else None)
        for number, condition in enumerate(conditions)
    )


def judge_row(
    conditions: Sequence[Mapping[str, Any]], row: Mapping[str, Any]
) -> bool | None:
    """Return whether a row meets all conditions; None if that is not certain."""
    outcomes = [
        _judge(each["operator"], row[each["column"]], each.get("value"))
        if each["column"] in row
        else None
        for each in conditions
    ]
    return False if False in outcomes else None if None in outcomes else True


def _judge(operator: str, cell: Any, value: Any) -> bool | None:
    if "not_" in operator:  # null is only certain to fail `is_not_empty`
        is_open = cell is None and operator != "is_not_empty"
        outcome = None if is_open else _judge(operator.replace("not_", ""), cell, value)
        return None if outcome is None else not outcome
    if operator == "is_empty":
        is_near = _is_any(cell, (0,) if is_number(cell) else _TEXTS) is not False
        return True if cell is None or cell == "" else None if is_near else False
    if isinstance(cell, float) and isnan(cell):
        return None
    if cell is None:
        readings = (0,) if is_number(value) else _TEXTS
        outcomes = {_judge(operator, reading, value) for reading in readings}
        return False if outcomes == {False} else None
    if operator in ("equals", "in"):
        options = value if isinstance(value, list) else []
        return _is_any(cell, [value] if operator == "equals" else options)
    if operator == "contains" and isinstance(cell, str) and isinstance(value, str):
        if not _SIGNS.isdisjoint(value):
            return None
        texts = value.strip().casefold(), cell.casefold()
        is_near = bool(re.search(*texts, re.DOTALL))  # a dot may be any character
        return True if value.strip() and value in cell else None if is_near else False
    if operator == "contains" or not (is_number(cell) and is_number(value)):
        return None
    return bool(cell > value if operator == "greater" else cell < value)


def _is_any(cell: Any, options: Sequence[Any]) -> bool | None:
    outcomes = {_is_equal(cell, option) for option in options} or {None}
    return True if True in outcomes else None if None in outcomes else False


def _is_equal(cell: Any, value: Any) -> bool | None:
    types = {type(cell), type(value)}
    if types == {bool} or types <= {int, float}:
        return bool(cell == value)
    if types != {str}:
        return None
    texts = [side.strip().casefold() for side in (cell, value)]
    are_numbers = {text[:1] for text in texts} <= {*"0123456789.+-"}  # perhaps equal
    is_near = texts[0] == texts[1] or are_numbers
    return True if cell == value else None if is_near else False
