"""Facts about blocks, each with its source and its confidence."""

from __future__ import annotations

import json
import math
import sys
import typing
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, NamedTuple, TypeAlias, get_args

import attrs
from attrs import field, frozen
from attrs.validators import deep_iterable, deep_mapping, in_, instance_of, optional

from ..definition import EMPTY, is_number
from ..dsl import Block
from ..errors import BuildError
from ..text import shortened
from ._registry import is_built_in, of_catalogue, register

Confidence: TypeAlias = Literal["D", "D1", "I", "U"]
"""How well a fact is known. D1: documented by one source that was wrong elsewhere."""

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

`spends` is documented to cost credits. `may-spend` looks or works things up for a price
that no source states. `spends-on-create` buys when the workflow is created or updated,
before any run. `writes-outside` leaves something that stays after the run.
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
        word, _, rest = (self.default or "unknown").partition(" ")
        if rest and not rest.startswith("("):
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
        drops: Columns that it removes.
        opens: Whether it may add columns with unknown names.
        declares: Whether `adds` are declared columns of rows, as in `input_schema`.
            Rows may have more, but a read of another column is probably a mistake.
        resets: Whether its rows are new ones, without the columns that came in.
    """

    reads: Sequence[Column] = field(
        default=(), validator=deep_iterable(instance_of(Column))
    )
    adds: Sequence[Column] = field(
        default=(), validator=deep_iterable(instance_of(Column))
    )
    drops: Sequence[str] = ()
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
    def _check_dollars(self, _: object, given: Any) -> None:
        if not (is_number(given) and math.isfinite(given) and given >= 0):
            message = f"Price: dollars is {shortened(given)}"
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
        words: Documented words by the field that holds one of them.
        column_words: Documented words by the column that it adds with one of them, each
            list under the source that has it.
        must_have: Fields that the service certainly requires.
        brings: Rows of a run that this block brings: those of its payload, or those of
            a file or notebook. None for a block that takes, finds or makes rows.
        drops_rows: Whether it only passes on some of its rows, unchanged.
        reads_columns: Whether it may read columns that `columns` does not list.
        uses_columns: Columns that it uses: only those that its specs name, also those
            that identify a person or company, or any.
    """

    role: Role = field(validator=in_(get_args(Role)))
    takes: Takes = field(validator=in_(get_args(Takes)))
    gives: Gives = field(validator=in_(get_args(Gives)))
    rows: Confidence = "D"
    confidence: Confidence = "D"
    source: str = "its class"
    effects: Sequence[Effect] = field(
        default=(), validator=deep_iterable(in_(get_args(Effect)))
    )
    perhaps: Role | None = None
    columns: Columns = field(factory=Columns, validator=instance_of(Columns))
    price: Price | None = field(default=None, validator=optional(instance_of(Price)))
    words: Mapping[str, Sequence[str]] = EMPTY
    column_words: Mapping[str, Mapping[str, Sequence[str]]] = field(
        default=EMPTY, validator=deep_mapping(instance_of(str), instance_of(dict))
    )
    must_have: Sequence[str] = ()
    brings: Literal["payload", "stored"] | None = None
    drops_rows: bool = False
    reads_columns: bool = False
    uses_columns: Literal["named", "identifying", "any"] = "any"

    @property
    def may_begin(self) -> bool:
        """Whether a flow may begin with it."""
        return "source" in (self.role, self.perhaps)

    @property
    def may_make_rows(self) -> bool:
        """Whether more rows may come out than go in."""
        return not {"source", "converter"}.isdisjoint((self.role, self.perhaps))

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


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class CatalogueBlock(Block):
    """A block of the catalogue. Its class has the facts about its kind.

    The methods return the facts of `about`. A class overrides them if specs matter. A
    class of your own, for a kind that flow64 does not know, joins the catalogue when it
    is defined.
    """

    about: ClassVar[About]
    """The facts about the kind that do not depend on specs."""
    specs_known: ClassVar[bool] = True
    """Whether a field of the kind is known, if only by inference."""

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        """Called by attrs once a class is complete."""
        super().__attrs_init_subclass__()
        if not is_built_in(cls):
            module = sys.modules.get(cls.__module__)
            setattr(cls, _NAMES, {} if module is None else vars(module))
        # A class without a kind of its own is a base, or a variant of another class.
        if "kind" in vars(cls) and not is_built_in(cls):
            register(cls)

    @classmethod
    def columns(cls, specs: Mapping[str, Any]) -> Columns:  # noqa: ARG003 - for subclasses
        """Return how a block with these specs changes the columns of its rows."""
        return cls.about.columns

    @classmethod
    def without_column(cls, specs: Mapping[str, Any], column: str) -> str:  # noqa: ARG003 - for subclasses
        """Return what becomes of rows without a column that it reads, in words.

        Empty if that is unknown.
        """
        return ""

    @classmethod
    def compare_passing(
        cls,
        before: Mapping[str, Any],  # noqa: ARG003 - for subclasses
        after: Mapping[str, Any],  # noqa: ARG003 - for subclasses
    ) -> tuple[str, bool] | None:
        """Return which rows pass with other specs, and whether they pass now.

        It is words after `rows with`, such as `headcount above 50 and up to 100`. None
        if words cannot say it shortly.
        """
        return None

    @classmethod
    def item_words(cls, field: str, item: Any) -> tuple[str, Any] | None:  # noqa: ARG003 - for subclasses
        """Return an item of a list field as a reviewer reads it.

        It is words and the value that they end with, which may be `UNSET`, such as
        `("headcount greater than", 50)`. None if JSON is the best that can be shown.
        """
        return None

    @classmethod
    def effects(cls, specs: Mapping[str, Any]) -> Sequence[Effect]:  # noqa: ARG003 - for subclasses
        """Return the effects of a block with these specs."""
        return cls.about.effects

    @classmethod
    def effect_target(cls, specs: Mapping[str, Any], effect: Effect) -> str | None:  # noqa: ARG003 - for subclasses
        """Return the target of an effect outside, in words; None if that is unknown.

        Paths and queries of URLs are left out, since they may hold a secret.
        """
        return None

    @classmethod
    def price(cls, specs: Mapping[str, Any]) -> Price | None:  # noqa: ARG003 - for subclasses
        """Return the price of one row, or None if it is unknown."""
        return cls.about.price

    @classmethod
    def most_rows(cls, specs: Mapping[str, Any]) -> int | None:  # noqa: ARG003 - for subclasses
        """Return the most rows that come out for any input; None if unlimited."""
        return None


def facts_of(cls: type[Block]) -> Mapping[str, Fact]:
    """Return the fact of each spec field of a catalogue class, in order.

    A field of a class of your own needs none: its class is the document.
    """
    # To mypy a class has the __hash__ of its instances, and so is not hashable.
    hashable: Any = cls
    return _facts_of(hashable)


_NAMES: Final = "_names"
"""The attribute of a class of your own for the names of its module.

A source is unloaded when its workflows are known, and types are looked up after that.
"""


def type_hints(
    cls: Any, owner: Any = None, *, include_extras: bool = False
) -> dict[str, Any]:
    """Return the types of the attributes of a class, also if its module was unloaded.

    Args:
        owner: The block class that the types are for; by default the class itself.
    """
    names: dict[str, Any] = {}
    for base in reversed((owner or cls).__mro__):
        module = sys.modules.get(base.__module__)
        loaded = {} if module is None else vars(module)
        names |= vars(base).get(_NAMES, loaded)
    # As locals too: since 3.14 only these are looked at if the module is gone.
    return typing.get_type_hints(cls, names, names, include_extras=include_extras)


def spec_types(cls: type[Block]) -> Mapping[str, Any]:
    """Return the type of each spec field of a catalogue class, in order."""
    hints = type_hints(cls)
    return {sent: hints[name] for name, sent in cls.spec_names.items()}


@of_catalogue
def _facts_of(cls: Any) -> Mapping[str, Fact]:
    hints = type_hints(cls, include_extras=True)
    source = vars(cls)["about"].source if "about" in vars(cls) else "its class"
    found = {}
    for name, sent in cls.spec_names.items():
        noted = getattr(hints[name], "__metadata__", ())
        is_required = getattr(attrs.fields(cls), name).default is attrs.NOTHING
        own = Fact("D", source, required=is_required)
        found[sent] = next((one for one in noted if isinstance(one, Fact)), own)
    return MappingProxyType(found)
