"""Data operations: blocks that choose, drop and group rows and columns.

No source states a price for them. The advice to place them before blocks that cost
credits suggests that they have none.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Generic,
    NotRequired,
    Self,
    TypedDict,
    TypeVar,
)

from attrs import frozen

from ..dsl import RESERVED, UNSET, Passthrough, Unset, set_place
from ..errors import BuildError
from ..text import did_you_mean, join_words
from .catalogue import CatalogueBlock, UncheckedBlock
from .facts import (
    UNKNOWN_COLUMNS,
    About,
    Column,
    Columns,
    Fact,
    FilterLogic,
    FilterOperator,
    named_by_sk,
)


class FilterCondition(TypedDict):
    """One condition of a filter, as it is sent.

    Attributes:
        column: Column to test; it must exist at this point.
        operator: One of the eleven operators.
        value: The value to compare with: a list for `in` and `not_in`, absent for the
            operators about empty values (both inferred).
        logic: How it joins the condition before it; set from the second condition on.
    """

    column: str
    operator: FilterOperator
    value: NotRequired[Any]
    logic: NotRequired[FilterLogic]


F = TypeVar("F", bound="FilterBase[Any]")
W = TypeVar("W", bound=str)


@frozen(eq=False, repr=False, slots=False)
class FilterBase(Passthrough, CatalogueBlock, Generic[W]):
    """A filter that knows some words of operators."""

    @classmethod
    def where(
        cls, column: str, *, key: str | None = None, was: str | None = None
    ) -> Condition[Self, W]:
        """Begin with a column; the operator comes next.

        Args:
            column: Column to test; it must exist at this point.
            key: The block's key.
            was: The key it had before.
        """
        is_plain = key is None and was is None
        reserved = {} if is_plain else {"key": key, "was": was}
        return Condition(cls, column, None, (), reserved)

    def and_(self, column: str) -> Condition[Self, W]:
        """Begin another condition that must also hold."""
        return self._further(column, "and")

    def or_(self, column: str) -> Condition[Self, W]:
        """Begin an alternative condition (inferred)."""
        return self._further(column, "or")

    def _further(self, column: str, logic: FilterLogic) -> Condition[Self, W]:
        reserved = {name: getattr(self, name) for name in RESERVED}
        before = tuple(self._own_arguments()["filters"])
        return Condition(type(self), column, logic, before, reserved)


@frozen(eq=False, repr=False, slots=False)
class Filter(FilterBase[FilterOperator]):
    """Keep the rows that match: `Filter.where("email_status").equals("OK")`.

    Each step after the first condition is a block, so `.and_(...)` is optional. The
    precedence of `and` and `or`, case, and comparisons of text with numbers are
    undocumented.

    Rows: takes any, gives the same (documented once).
    """

    kind: ClassVar[str] = "filter"
    about: ClassVar[About] = named_by_sk(
        role="step",
        takes="any",
        gives="same",
        drops_rows=True,
    )

    filters: Annotated[Sequence[FilterCondition], Fact("D1", "SK", required=True)]
    """Conditions in order, at least one (inferred): `{column, operator, value}`, from
    the second on with `logic`."""

    @classmethod
    def columns(cls, specs: Mapping[str, Any]) -> Columns:
        """Reads the columns of its conditions."""
        filters = specs.get("filters")
        conditions = filters if isinstance(filters, list) else ()
        names = [each.get("column") for each in conditions if isinstance(each, dict)]
        texts = [name for name in names if isinstance(name, str)]
        return Columns(reads=[Column(name, None, "D1") for name in texts])


@frozen(repr=False)
class Condition(Generic[F, W]):
    """A column that waits for its operator. Every operator returns a `Filter`."""

    _join_advice: ClassVar[str] = 'give it an operator, as in .equals("OK")'

    _block: type[F]
    _column: str
    _logic: FilterLogic | None
    _before: tuple[Mapping[str, Any], ...]
    _reserved: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Filter.where({self._column!r})"

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Condition):
            return self is other
        raise BuildError(
            f"{self!r} == ... compares nothing", hint=f"{self!r}.equals(...)"
        )

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):  # copying and printing ask for such names
                raise AttributeError(name)
            operators = [word for word in vars(Condition) if word[0] != "_"]
            near = did_you_mean(name, operators) or f": {join_words(operators)}"
            raise AttributeError(f"Filter.where() has no operator {name!r}{near}")

    def equals(self, value: Any) -> F:
        """Keep rows with this value."""
        return self._filter("equals", value)

    def not_equals(self, value: Any) -> F:
        """Keep rows with any other value."""
        return self._filter("not_equals", value)

    def contains(self, value: Any) -> F:
        """Keep rows that contain the value."""
        return self._filter("contains", value)

    def not_contains(self, value: Any) -> F:
        """Keep rows that do not contain the value."""
        return self._filter("not_contains", value)

    def greater(self, value: Any) -> F:
        """Keep rows above the value. The service has no greater-or-equal."""
        return self._filter("greater", value)

    def less(self, value: Any) -> F:
        """Keep rows below the value. The service has no less-or-equal."""
        return self._filter("less", value)

    def in_(self, values: Sequence[Any]) -> F:
        """Keep rows with one of the values (a list, inferred)."""
        return self._filter("in", values)

    def not_in(self, values: Sequence[Any]) -> F:
        """Keep rows with none of the values (a list, inferred)."""
        return self._filter("not_in", values)

    def is_empty(self) -> F:
        """Keep rows without a value."""
        return self._filter("is_empty")

    def is_not_empty(self) -> F:
        """Keep rows with a value."""
        return self._filter("is_not_empty")

    def matches(self, pattern: str) -> F:
        """Keep rows that match a regular expression. Its syntax is undocumented."""
        return self._filter("matches", pattern)

    def compare(self, operator: W, value: Any = UNSET) -> F:
        """Keep rows by an operator that flow64 has no method for.

        `flow64 blocks generate` writes a `Filter` that knows the words of the service.
        """
        return self._filter(operator, *([] if value is UNSET else [value]))

    def _filter(self, operator: str, *value: Any) -> F:
        condition: dict[str, Any] = {"column": self._column, "operator": operator}
        if value:
            condition["value"] = value[0]
        if self._logic:
            condition["logic"] = self._logic
        # A class that `flow64 blocks generate` wrote has conditions of its own type.
        block: Any = self._block
        filtered: F = block(filters=(*self._before, condition), **self._reserved)
        return set_place(filtered, sys._getframe(2))


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class Deduplicate(Passthrough, CatalogueBlock):
    """Drop repeated rows.

    Which columns decide, and which row stays, is not documented. No example sets a
    field.

    Rows: takes any, gives the same (documented once).
    """

    kind: ClassVar[str] = "deduplicate"
    about: ClassVar[About] = named_by_sk(
        role="step", takes="any", gives="same", drops_rows=True
    )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class DeduplicateWrtNotebook(Passthrough, CatalogueBlock):
    """Drop rows that a notebook has. Which columns decide is not documented.

    Rows: takes any, gives the same (documented once).
    """

    kind: ClassVar[str] = "deduplicate_wrt_notebook"
    about: ClassVar[About] = named_by_sk(
        role="step", takes="any", gives="same", drops_rows=True
    )

    notebook_id: Annotated[str | Unset, Fact("I", "append_to_notebook")] = UNSET
    """Notebook to compare with; it belongs to one organisation. That a notebook has to
    be named is documented once, the field's name is inferred."""


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class GroupBy(Passthrough, UncheckedBlock):
    """Group rows by a column. The effect on other columns is not documented.

    Rows: takes any, gives the same (documented once).
    """

    kind: ClassVar[str] = "group_by"
    label: ClassVar[str] = "transform"
    about: ClassVar[About] = named_by_sk("step", "any", "same", columns=UNKNOWN_COLUMNS)


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class RemoveColumns(Passthrough, UncheckedBlock):
    """Drop columns. The field that names them is not documented.

    Rows: takes any, gives the same (documented once).
    """

    kind: ClassVar[str] = "remove_columns"
    label: ClassVar[str] = "transform"
    about: ClassVar[About] = named_by_sk("step", "any", "same", columns=UNKNOWN_COLUMNS)
