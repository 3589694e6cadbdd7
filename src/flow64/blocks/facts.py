"""Facts about blocks, each with its source and its confidence, and words in specs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal, NamedTuple, TypeAlias, get_args

from attrs import field, frozen
from attrs.validators import deep_iterable, in_

from ..definition import EMPTY, is_number
from ..errors import BuildError
from ..text import shortened

Confidence: TypeAlias = Literal["D", "D1", "I", "U"]
"""How well a fact is known.

D: a page of the service, its OpenAPI document, or code that its makers publish says so.
D1: one source alone says so, and it was wrong elsewhere or cannot be read again, such
as a picture. I: it follows from related facts, or only third parties say so. U: no
source says it. If two marks fit, take the weaker one. No error rests on I or U.
"""

CONFIDENCE: Final[Mapping[Confidence, str]] = {
    "D": "documented",
    "D1": "documented once",
    "I": "inferred, unconfirmed",
    "U": "unknown",
}

Role: TypeAlias = Literal["source", "step", "converter", "sink"]
"""Where rows begin, change, change their kind, or leave the workflow."""

Takes: TypeAlias = Literal["none", "LEAD", "COMPANY", "any"]
"""The row kind that comes in; `none` if a block brings its own rows."""

Gives: TypeAlias = Literal["LEAD", "COMPANY", "same", "dataframe_type", "unknown"]
"""The row kind that goes out; `dataframe_type` if the spec of that name says it."""


def describe_rows(rows: Takes | Gives) -> str:
    """Return in words what a block takes or gives."""
    return _ROW_WORDS.get(rows, f"{rows} rows")


_ROW_WORDS: Final[Mapping[str, str]] = {
    "none": "nothing",
    "any": "any rows",
    "same": "the same",
    "dataframe_type": "LEAD or COMPANY rows, as dataframe_type says",
    "unknown": "rows of an unknown kind",
}

Effect: TypeAlias = Literal[
    "spends", "may-spend", "spends-on-create", "writes-outside", "creates-storage"
]
"""What a block does beyond its rows.

`spends` costs credits by a source, however weak: the mark of its `Price` says how well
that is known. `may-spend` looks or works things up, and no source says what it costs.
`spends-on-create` buys when the workflow is created or updated, before any run.
`writes-outside` leaves something that stays after the run.
`creates-storage` makes a place to keep rows.
"""

EFFECT_WORDS: Final[Mapping[Effect, str]] = {
    "spends-on-create": "spends as soon as it is created",
    "spends": "costs credits in each run",
    "may-spend": "may cost credits in each run (no source says whether it does)",
    "writes-outside": "leaves something outside at each run",
    "creates-storage": "makes a place to keep rows",
}
"""Each effect in words, as it is said of a block."""


@frozen
class Fact:
    """A fact about a field, in its annotation: `Annotated[int, Fact(...)]`.

    Attributes:
        confidence: How well it is known.
        source: Its source, by the names on the docs page of sources.
        default: The service's value for an unset field, in words; None if no source
            states it. For a field of an endpoint, the endpoint's value.
        unit: The unit of a number.
        required: Whether the service requires it.
    """

    confidence: Confidence
    source: str
    default: str | None = None
    unit: str | None = None
    required: bool = False

    @property
    def value(self) -> Any:
        """The value that the default begins with; None if it states none."""
        word, _, remark = (self.default or "unknown").partition(" ")
        if remark and not remark.startswith("("):
            return None
        try:
            return json.loads(word)
        except ValueError:
            return None if word in {"undocumented", "unknown"} else word


class Column(NamedTuple):
    """A column that a block reads or adds.

    Attributes:
        type: A type word of the service (`str`, `list[str]`...), or None if unknown.
        confidence: How well it is known that the block reads or adds it.
    """

    name: str
    type: str | None = None
    confidence: Confidence = "D"


@frozen
class Columns:
    """The changes that a block makes to the columns of its rows.

    Attributes:
        reads: Columns that it needs.
        adds: Columns that it adds.
        opens: Whether it may add columns with unknown names.
        declares: Whether `adds` are declared columns of rows, as in `input_schema`.
            Rows may have more, but a read of another column is probably a mistake.
        resets: Whether its rows are new ones, without the columns that came in.
    """

    reads: Sequence[Column] = ()
    adds: Sequence[Column] = ()
    opens: bool = False
    declares: bool = False
    resets: bool = False


UNKNOWN_COLUMNS: Final = Columns(opens=True, resets=True)
"""The columns that leave a block are unknown, even if those that enter are known."""


@frozen
class Price:
    """Dollars for one input row, as an upper bound before filters; never a quote."""

    dollars: float = field()
    confidence: Confidence = "D"
    source: str = "its class"

    @dollars.validator
    def _check_dollars(self, _: object, dollars: Any) -> None:
        if not (is_number(dollars) and math.isfinite(dollars) and dollars >= 0):
            message = f"Price: dollars is {shortened(dollars)}"
            raise BuildError(message, hint="write dollars, such as 0.05")


@frozen
class About:
    """The facts about a kind.

    Attributes:
        role: Its place in a flow.
        takes: Row kind that comes in. For a source with another role, the row kind in
            that role.
        gives: Row kind that goes out; `dataframe_type` if the spec of that name
            decides.
        rows: How well `role`, `takes` and `gives` are known.
        confidence: How well the name is known.
        source: The sources that name it.
        effects: The money that it spends, and what it changes outside, for all specs.
        perhaps: Another role that it may have as well; never better than inferred.
        columns: How it changes the columns, for all specs.
        price: The price of a row, for all specs; None if that is unknown.
        column_words: Documented words by the column that it adds with one of them, each
            list under the source that has it.
        must_have: Fields that the service certainly requires.
        brings: Rows of a run that this block brings: those of its payload, or those of
            a file or notebook. None for a block that takes, finds or makes rows.
        drops_rows: Whether it only passes on some of its rows, unchanged.
    """

    role: Role
    takes: Takes
    gives: Gives
    rows: Confidence = "D"
    confidence: Confidence = "D"
    source: str = "its class"
    effects: Sequence[Effect] = field(
        default=(), validator=deep_iterable(in_(get_args(Effect)))
    )
    perhaps: Role | None = None
    columns: Columns = Columns()
    price: Price | None = None
    column_words: Mapping[str, Mapping[str, Sequence[str]]] = EMPTY
    must_have: Sequence[str] = ()
    brings: Literal["payload", "stored"] | None = None
    drops_rows: bool = False

    @property
    def may_begin(self) -> bool:
        """Whether a flow may begin with it."""
        return "source" in (self.role, self.perhaps)

    @property
    def may_make_rows(self) -> bool:
        """Whether more rows may come out than go in."""
        return self.may_begin or "converter" in (self.role, self.perhaps)

    @property
    def may_follow(self) -> bool:
        """Whether rows may flow into it."""
        return self.role != "source" or self.perhaps is not None


def describe_words(lists: Mapping[str, Sequence[str]]) -> str:
    """Return words under their sources, as in `OK, UNKNOWN (FE); OK, RISKY (SK)`."""
    listed = [f"{', '.join(words)} ({source})" for source, words in lists.items()]
    return "; ".join(listed)


named_by_sk: Final = partial(About, rows="D1", confidence="D1", source="SK")
"""Facts about a kind that only the source `SK` names."""


# -- Words in specs, for the editor and for the rules ---------------------------------

EmailMode: TypeAlias = Literal["PROFESSIONAL", "PERSONAL"]
"""Which address `find_email` looks for (SK, endpoint; documented)."""

DataframeType: TypeAlias = Literal["LEAD", "COMPANY"]
"""Row kind of a source (PW, IN; documented)."""

FilterOperator: TypeAlias = Literal[
    "equals",
    "not_equals",
    "contains",
    "not_contains",
    "greater",
    "less",
    "in",
    "not_in",
    "is_empty",
    "is_not_empty",
    "matches",
]
"""Operators of the `filter` block (SK; documented once)."""

FilterLogic: TypeAlias = Literal["and", "or"]
"""How a condition joins the one before it: `and` documented once, `or` inferred."""

Tier: TypeAlias = Literal["micro", "scout", "low", "medium", "high", "xhigh"]
"""Depth of the research about people: the words of its endpoint (inferred here)."""

CompanyTier: TypeAlias = Literal["micro", "low", "medium", "high"]
"""Depth of the research about companies: the words of its endpoint (inferred here)."""

DATAFRAME_TYPES: Final = get_args(DataframeType)
"""Every `DataframeType`."""

FILTER_OPERATORS: Final = get_args(FilterOperator)
"""Every `FilterOperator`."""

FILTER_LOGIC: Final = get_args(FilterLogic)
"""Every `FilterLogic`."""

UNARY_OPERATORS: Final = ("is_empty", "is_not_empty")
"""Operators that take no value (inferred)."""

TYPE_WORDS: Final = (
    "str", "string", "int", "integer", "float", "bool", "boolean", "dict", "list",
    "list[str]", "list[string]", "list[int]", "list[float]", "list[bool]",
    "list[boolean]",
)  # fmt: skip
"""Type words of field maps (ST; documented). Tutorials use `list[string]` (NB)."""

OLD_NAMES: Final = {
    "enrich_lead": "lead_enrichment",
    "enrich_company": "company_enrichment",
}
"""Names of kinds that older pages use, with the current ones (documented conflict)."""

CREATE_NEW: Final = "__create_new__"
"""The `notebook_id` that asks for a new notebook (SK; documented once)."""
