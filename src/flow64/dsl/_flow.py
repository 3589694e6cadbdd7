"""Flow and `>>`: an immutable graph value that is flattened once, at compile.

Joining two flows makes a pair and touches neither of them, so it costs the same for a
chain of ten blocks and of a hundred thousand, and needs no lock.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Generic,
    Literal,
    Never,
    Protocol,
    Self,
    TypeAlias,
    TypeVar,
    overload,
)

from ..errors import (
    ArgumentError,
    EmptyListError,
    JoinedClassError,
    JoinedFunctionError,
    JoinedGeneratorError,
    JoinedMappingError,
    JoinedNoneError,
    JoinedSetError,
    JoinedStringError,
    JoinError,
    NestedListError,
    TruthError,
)
from ..text import shortened
from ._arguments import DECORATE, helpful
from ._kinds import Company, Lead

In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)
A = TypeVar("A")
B = TypeVar("B")
Wanted = TypeVar("Wanted", covariant=True)
Converter = TypeVar("Converter", covariant=True)

FlowShape: TypeAlias = Literal["block", "series", "parallel", "scope", "tap", "nothing"]


class FlowBase:
    """The base class of all flows, for any row kind.

    A class of its own because mypy joins the items of a list to the base class that
    inherits most, or the first of several: that must be `Flow`, and not this class.
    """

    __slots__ = ()

    shape: ClassVar[FlowShape]

    def __init__(self, *_: Never, **given: Never) -> None:
        made = type(self)
        problem = "a flow is made by a block, such as FindEmail(), and by >>"
        if given:
            problem = f"its class has fields and no decorator; {DECORATE} above it"
        raise ArgumentError(made.__name__, problem)

    def __bool__(self) -> bool:
        raise TruthError

    # A flow never changes, so a copy of it is itself; a second step is made by `again`.
    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


if TYPE_CHECKING:

    class CompanyToLeads:
        """The name of the block that makes lead rows, for the message of mypy."""

    class LeadsToCompany:
        """The name of the block that makes company rows, for the message of mypy."""

    class FitsOrNeeds(Protocol[Wanted, Converter]):
        """A type that no flow has: mypy lists why, if no other overload of `>>` fits.

        That is `_takes: expected "Company", got "Lead"`, and the converter that may
        stand between. pyright only ever names the two operands.
        """

        @property
        def _takes(self) -> Wanted: ...
        @property
        def _between(self) -> Converter: ...


class Flow(FlowBase, Generic[In, Out]):
    """Rows of kind `In` come in, rows of kind `Out` go out.

    `a >> b` feeds every exit of `a` into every entry of `b`. A list runs side by side:
    `a >> [b, c] >> d`.
    """

    # Empty, since attrs classes with two slotted bases need it so.
    __slots__ = ()

    if TYPE_CHECKING:  # for `FitsOrNeeds`
        _takes: In
        _between: None

    # Sequence, not list: a named list or a comprehension must pass as well. The order
    # of the overloads matters.
    @overload
    def __rshift__(self, other: Passthrough) -> Flow[In, Out]: ...
    @overload
    def __rshift__(
        self: Flow[A, Company],
        other: FitsOrNeeds[Company, CompanyToLeads]
        | Sequence[FitsOrNeeds[Company, CompanyToLeads]],
    ) -> Flow[A, Any]: ...
    @overload
    def __rshift__(
        self: Flow[A, Lead],
        other: FitsOrNeeds[Lead, LeadsToCompany]
        | Sequence[FitsOrNeeds[Lead, LeadsToCompany]],
    ) -> Flow[A, Any]: ...
    @overload
    def __rshift__(self, other: Flow[Out, B]) -> Flow[In, B]: ...
    @overload
    def __rshift__(self, other: Sequence[Passthrough]) -> Flow[In, Out]: ...
    @overload
    def __rshift__(self, other: Sequence[Flow[Out, B]]) -> Flow[In, B]: ...
    @overload
    # Another type to mypy, which joins the items of a mixed list otherwise.
    def __rshift__(  # pyright: ignore[reportOverlappingOverload] - see above
        self, other: Sequence[Flow[Out, B] | Passthrough]
    ) -> Flow[In, B]: ...
    def __rshift__(self, other: Any) -> Any:
        """Feed what leaves this flow into another flow, or into a list of them."""
        if isinstance(other, Flow):
            return Series(self, other)
        return (
            NotImplemented if (flow := flow_of(other)) is None else Series(self, flow)
        )

    def __rrshift__(self, other: Sequence[Flow[A, In]]) -> Flow[A, Out]:
        """Feed what leaves a list of flows into this one."""
        return (
            NotImplemented if (flow := flow_of(other)) is None else Series(flow, self)
        )

    @helpful
    def scoped(self, name: str, *, was: str | None = None) -> Flow[In, Out]:
        """Put the keys of the flow, and so its ids, under a name.

        Args:
            name: Key of the scope, a segment of the path of every block inside.
            was: The name it had before, which keeps the ids through a rename.

        Raises:
            ArgumentError: A name is not text, or the arguments do not fit.
        """
        return Scoped(self, name, was)

    def __repr__(self) -> str:
        return f"<flow {outline(self)}>"


class Passthrough(Flow[Any, Any]):
    """Takes either row kind, and gives the same.

    A type of its own, since a generic identity becomes Unknown in pyright.
    """

    __slots__ = ()

    # Any row kind is taken, so these overloads do not ask for the one that comes out.
    @overload  # type: ignore[override] # see above
    def __rshift__(self, other: Passthrough) -> Passthrough: ...
    @overload
    def __rshift__(self, other: Flow[A, B]) -> Flow[A, B]: ...
    @overload
    def __rshift__(self, other: Sequence[Passthrough]) -> Passthrough: ...
    @overload
    def __rshift__(self, other: Sequence[Flow[A, B]]) -> Flow[A, B]: ...
    @overload
    def __rshift__(  # pyright: ignore[reportOverlappingOverload] - as above
        self, other: Sequence[Flow[A, B] | Passthrough]
    ) -> Flow[A, B]: ...
    def __rshift__(  # pyright: ignore[reportIncompatibleMethodOverride] - see above
        self, other: Any
    ) -> Any:
        """Feed what leaves this flow into another flow, or into a list of them."""
        if isinstance(other, Flow):
            return Series(self, other)
        return Flow.__rshift__(self, other)

    @helpful
    def scoped(self, name: str, *, was: str | None = None) -> Passthrough:
        """Put the keys of the flow, and so its ids, under a name."""
        return Scoped(self, name, was)


class Joined(Passthrough):
    """A flow that is made of other flows."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (_steps(self),)


class Series(Joined):
    """Two flows, the exits of the first joined to the entries of the second."""

    __slots__ = ("left", "right")
    shape: ClassVar[FlowShape] = "series"

    def __init__(self, left: Flow[Any, Any], right: Flow[Any, Any]) -> None:
        self.left: Final = left
        self.right: Final = right


class Parallel(Joined):
    """Flows side by side: all their entries, all their exits."""

    __slots__ = ("members",)
    shape: ClassVar[FlowShape] = "parallel"

    def __init__(self, members: tuple[Flow[Any, Any], ...]) -> None:
        self.members: Final = members


class Scoped(Joined):
    """A flow with its keys under a name."""

    __slots__ = ("flow", "name", "was")
    shape: ClassVar[FlowShape] = "scope"

    def __init__(self, flow: Flow[Any, Any], name: str, was: str | None) -> None:
        for what, text in (("name", name), ("was", was)):
            if type(text) is not str and (text is not None or what == "name"):
                problem = f"{what} is {shortened(text)}: write a str"
                raise ArgumentError("scoped", problem)
        self.flow: Final = flow
        self.name: Final = name
        self.was: Final = was


class Tap(Joined):
    """A side branch: rows enter it, and also pass by it."""

    __slots__ = ("flow",)
    shape: ClassVar[FlowShape] = "tap"

    def __init__(self, flow: Flow[Any, Any]) -> None:
        self.flow: Final = flow


class Nothing(Passthrough):
    """A step that was left out: rows pass."""

    __slots__ = ()
    shape: ClassVar[FlowShape] = "nothing"

    def __init__(self) -> None:
        """There is nothing to keep."""


@overload
def fan(*flows: Passthrough) -> Passthrough: ...
@overload
def fan(*flows: Flow[A, B]) -> Flow[A, B]: ...
def fan(*flows: Any) -> Any:
    """Put flows side by side like a list, but typed also if row kinds differ."""
    return parallel(flows)


@overload
def tap(flow: Passthrough) -> Passthrough: ...
@overload
def tap(flow: Flow[A, Any]) -> Flow[A, A]: ...
def tap(flow: Any) -> Any:
    """Make a side branch: rows enter the flow, and they also pass by it."""
    return Tap(as_flow(flow))


@overload
def include_if(flag: bool, flow: Passthrough) -> Passthrough: ...
@overload
def include_if(flag: bool, flow: Flow[A, A]) -> Flow[A, A]: ...
def include_if(flag: bool, flow: Any) -> Any:
    """Return the flow if the flag is true when the graph is built; else, rows pass."""
    if not isinstance(flag, bool):
        problem = f"flag is {shortened(flag)}, neither True nor False"
        advice = "write bool(...) of what is meant"
        if isinstance(flag, str):  # a text is true, even if it is "false"
            advice = 'compare it, as in region == "us"'
        raise ArgumentError("include_if", f"{problem}; {advice}")
    made = as_flow(flow)  # also where it is left out: a mistake in it is one today
    return made if flag else Nothing()


def as_flow(other: Any, depth: int = 0) -> Flow[Any, Any]:
    """Return a flow, or a list of flows side by side, in so many other lists.

    Raises:
        JoinError: It is neither, or something often mistaken for a flow.
    """
    if isinstance(other, Flow):
        return other
    if (flow := flow_of(other, depth)) is None:
        raise JoinError(other)
    return flow


def flow_of(other: Any, depth: int = 0) -> Flow[Any, Any] | None:
    """Return the flow for a list or tuple next to `>>`; None for other values.

    Raises:
        JoinError: One of its subclasses, for what is often mistaken for a flow.
    """
    if isinstance(other, list | tuple):
        return parallel(other, depth)
    for kinds, error in _MISTAKES:
        if isinstance(other, kinds):
            raise error(other)
    if (own := getattr(type(other), "_join_error", None)) is not None:
        raise own(other)  # a class of ours that is near a flow, and says what to do
    return None


def parallel(members: Sequence[Any], depth: int = 0) -> Flow[Any, Any]:
    """Put flows side by side. The list stands in so many others."""
    if not members:
        raise EmptyListError(members)
    if depth == DEEPEST_LIST:
        raise NestedListError(members)
    return Parallel(tuple(as_flow(member, depth + 1) for member in members))


DEEPEST_LIST: Final = 100
"""Most lists inside each other. Only a list that has itself in it has more."""


_MISTAKES: tuple[tuple[Any, type[JoinError]], ...] = (
    (str | bytes, JoinedStringError),
    (type(None), JoinedNoneError),
    (AbstractSet, JoinedSetError),
    (Mapping, JoinedMappingError),
    (Iterator, JoinedGeneratorError),
    (type, JoinedClassError),
    (
        types.FunctionType | types.MethodType | types.BuiltinFunctionType,
        JoinedFunctionError,
    ),
)


def outline(flow: Flow[Any, Any], limit: int = 8) -> str:
    """Return the first kinds of a flow in reading order, for reprs."""
    words: list[str] = []
    todo: list[Any] = [flow]
    count = 0
    while todo and count < limit:
        item = todo.pop()
        if isinstance(item, str):
            words.append(item)
        elif isinstance(item, Series):
            todo += [item.right, " >> ", item.left]
            # Of a long left spine only its end is shown, which is reached last.
            if len(todo) > 64 * limit:
                del todo[: -8 * limit]
        elif isinstance(item, Parallel):
            shown: list[Any] = [", "] * (2 * min(len(item.members), limit) - 1)
            shown[::2] = item.members[:limit]
            todo += ["]", *reversed(shown), "["]
        elif isinstance(item, Tap):
            todo += [")", item.flow, "tap("]
        elif isinstance(item, Scoped):
            todo.append(item.flow)
        elif isinstance(item, Nothing):
            words.append("nothing")
        else:
            count += 1
            name = getattr(item, "block_name", type(item).__name__)
            is_word = isinstance(name, str) and name.isprintable() and len(name) <= 60
            words.append(name if is_word else shortened(name))
    closing = [item for item in reversed(todo) if item in ("]", ")")]
    is_whole = len(closing) == len(todo)
    return "".join(words) + ("".join(closing) if is_whole else " …")


_Step: TypeAlias = tuple[FlowShape, Any]


def _steps(flow: Flow[Any, Any]) -> tuple[_Step, ...]:
    """Return a flow as the steps that `_rebuild` takes: parts come first.

    A pickle of nested flows would nest as deep, and Python limits that.
    """
    found: list[_Step] = []
    todo: list[Any] = [flow]
    while todo:
        item = todo.pop()
        if isinstance(item, Series):
            found.append((item.shape, None))
            todo += [item.left, item.right]
        elif isinstance(item, Parallel):
            found.append((item.shape, len(item.members)))
            todo += item.members
        elif isinstance(item, Scoped):
            found.append((item.shape, (item.name, item.was)))
            todo.append(item.flow)
        elif isinstance(item, Tap):
            found.append((item.shape, None))
            todo.append(item.flow)
        else:
            found.append(("block", item))
    return tuple(reversed(found))


def _rebuild(steps: Sequence[_Step]) -> Flow[Any, Any]:
    done: list[Flow[Any, Any]] = []
    for shape, value in steps:
        if shape == "series":
            right, left = done.pop(), done.pop()
            done.append(Series(left, right))
        elif shape == "parallel":
            members = tuple(done[-value:])
            del done[-value:]
            done.append(Parallel(members))
        elif shape == "scope":
            done.append(Scoped(done.pop(), *value))
        elif shape == "tap":
            done.append(Tap(done.pop()))
        else:
            done.append(value)
    (made,) = done
    return made
