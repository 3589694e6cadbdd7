"""Flow and `>>`: an immutable graph value that is flattened once, at compile.

Joining two flows makes a pair and touches neither of them, so it costs the same for a
chain of ten blocks and of a hundred thousand, and needs no lock. Row kinds, unset
values, and values that each environment fills in are here too.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import (
    Any,
    ClassVar,
    Final,
    Generic,
    Literal,
    Never,
    Self,
    TypeAlias,
    TypeVar,
    overload,
)

from ..definition import Value, is_plain
from ..errors import BuildError
from ..text import clipped, shortened

K = TypeVar("K")


class Lead:
    """Rows about people. Never instantiated: it is there for the type checker."""


class Company:
    """Rows about companies. Never instantiated: it is there for the type checker."""


class Start:
    """The input of a source, which is nothing. Only a source takes it."""


class RowKind(Generic[K]):
    """A row kind as a value: the `dataframe_type` of a source."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name: Final = name

    def __repr__(self) -> str:
        return self.name


LEAD: Final[RowKind[Lead]] = RowKind("LEAD")
"""People."""

COMPANY: Final[RowKind[Company]] = RowKind("COMPANY")
"""Companies."""


# -- Values ----------------------------------------------------------------------------


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET
"""The value of an unset field. None is another value, and is written as null."""


def value(name: str, *, secret: bool = False) -> Any:
    """Return a whole value of a spec that differs by environment.

    Its type is `Any`, so that it may stand for any value. In unbound JSON it is
    `{"flow64:value": name}`; a deploy fills it in from `values={name: ...}`.

    Args:
        name: The name that environments use.
        secret: Mask the filled-in value in everything that is printed or saved.

    Raises:
        BuildError: The name is not text, or is empty.
    """
    if type(name) is not str or not name or not is_plain(name):
        raise BuildError(f"value: {shortened(name)} is not a name", hint="write a str")
    if type(secret) is not bool:
        message = f"value: secret is {shortened(secret)}"
        raise BuildError(message, hint="write True or False")
    return Value(name, secret)


In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)
A = TypeVar("A")
B = TypeVar("B")

FlowShape: TypeAlias = Literal["block", "series", "parallel", "scope", "tap", "nothing"]


class FlowBase:
    """The base class of all flows, for any row kind.

    A class of its own because mypy joins the items of a list to the base class that
    inherits most, or the first of several: that must be `Flow`, and not this class.
    """

    __slots__ = ()

    shape: ClassVar[FlowShape]

    def __init__(self, *_: Never, **__: Never) -> None:
        message = f"{type(self).__name__}: a flow is made by a block and by >>"
        hint = "write @attrs.frozen(eq=False, kw_only=True) above a block class"
        raise BuildError(message, hint=hint)

    def __bool__(self) -> bool:
        message = "a flow is neither true nor false: `a >> b and c` drops a >> b"
        hint = "write a >> [b, c], or include_if(flag, b) to choose"
        raise BuildError(message, hint=hint)

    # A flow never changes, so a copy of it is itself; a second step is made by `again`.
    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


class Flow(FlowBase, Generic[In, Out]):
    """Rows of kind `In` come in, rows of kind `Out` go out.

    `a >> b` feeds every exit of `a` into every entry of `b`. A list runs side by side:
    `a >> [b, c] >> d`.
    """

    # Empty, since attrs classes with two slotted bases need it so.
    __slots__ = ()

    # Sequence, not list: a named list or a comprehension must pass as well. The order
    # of the overloads matters.
    @overload
    def __rshift__(self, other: Passthrough) -> Flow[In, Out]: ...
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
        flow = flow_of(other)
        return NotImplemented if flow is None else Series(self, flow)

    def __rrshift__(self, other: Sequence[Flow[A, In]]) -> Flow[A, Out]:
        """Feed what leaves a list of flows into this one."""
        flow = flow_of(other)
        return NotImplemented if flow is None else Series(flow, self)

    def scoped(self, name: str, *, was: str | None = None) -> Flow[In, Out]:
        """Put the keys of the flow, and so its ids, under a name.

        Args:
            name: Key of the scope, a segment of the path of every block inside.
            was: The name it had before, which keeps the ids. Empty if the flow was in
                no scope; a path below the workflow if it has a `/`, such as `a/b`.

        Raises:
            BuildError: A name is not text.
        """
        return Scoped(self, name, was)

    def __repr__(self) -> str:
        kinds: list[str] = []
        todo: list[Flow[Any, Any]] = [self]
        while todo and len(kinds) < SHOWN:
            flow = todo.pop()
            todo += reversed(parts_of(flow))
            if flow.shape == "block":
                kinds.append(clipped(str(getattr(flow, "block_name", ""))))
        return f"<flow {', '.join(kinds)}{' …' * bool(todo)}>"


SHOWN: Final = 8
"""Most blocks in the repr of a flow."""


class Passthrough(Flow[Any, Any]):
    """Takes either row kind, and gives the same.

    A type of its own, since a generic identity becomes Unknown in pyright.
    """

    __slots__ = ()

    # Any row kind is taken, so these overloads do not ask for the one that comes out.
    @overload
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

    def scoped(self, name: str, *, was: str | None = None) -> Passthrough:
        """Put the keys of the flow, and so its ids, under a name."""
        return Scoped(self, name, was)


class Series(Passthrough):
    """Two flows, the exits of the first joined to the entries of the second."""

    __slots__ = ("left", "right")
    shape: ClassVar[FlowShape] = "series"

    def __init__(self, first: Flow[Any, Any], second: Flow[Any, Any]) -> None:
        self.left: Final = first
        self.right: Final = second


class Parallel(Passthrough):
    """Flows side by side: all their entries, all their exits."""

    __slots__ = ("members",)
    shape: ClassVar[FlowShape] = "parallel"

    def __init__(self, members: tuple[Flow[Any, Any], ...]) -> None:
        self.members: Final = members


class Scoped(Passthrough):
    """A flow with its keys under a name."""

    __slots__ = ("flow", "name", "was")
    shape: ClassVar[FlowShape] = "scope"

    def __init__(self, flow: Flow[Any, Any], name: str, was: str | None) -> None:
        for what, text in (("name", name), ("was", was)):
            if type(text) is not str and (text is not None or what == "name"):
                message = f"scoped: {what} is {shortened(text)}"
                raise BuildError(message, hint="write a str")
        self.flow: Final = flow
        self.name: Final = name
        self.was: Final = was


class Tap(Passthrough):
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


def parts_of(flow: Flow[Any, Any]) -> Sequence[Flow[Any, Any]]:
    """Return the flows that a flow joins, in reading order."""
    match flow:
        case Series():
            return flow.left, flow.right
        case Parallel():
            return flow.members
        case Scoped() | Tap():
            return (flow.flow,)
        case _:
            return ()


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
        raise BuildError(f"include_if: {problem}", hint=advice)
    kept = as_flow(flow)  # also if it is left out: a mistake in it is one today
    return kept if flag else Nothing()


def as_flow(other: Any) -> Flow[Any, Any]:
    """Return a flow, or a list of flows side by side.

    Raises:
        BuildError: It is neither.
    """
    flow = other if isinstance(other, Flow) else flow_of(other)
    if flow is None:
        raise _join_error(other, "put a block, a flow, or a list of them there")
    return flow


def flow_of(other: Any) -> Flow[Any, Any] | None:
    """Return the flow for a list or tuple next to `>>`; None for other values.

    Raises:
        BuildError: It is something that is often mistaken for a flow.
    """
    if isinstance(other, list | tuple):
        return parallel(other)
    for kinds, advice in _MISTAKES:
        if isinstance(other, kinds):
            name = getattr(other, "__name__", "fragment")
            raise _join_error(other, advice.format(name=name))
    # A class of ours that is near a flow says what to do.
    own_advice: str | None = getattr(type(other), "_join_advice", None)
    if own_advice is not None:
        raise _join_error(other, own_advice)
    return None


def parallel(members: Sequence[Any]) -> Flow[Any, Any]:
    """Put flows side by side."""
    if not members:
        advice = "leave the step out, or write include_if(flag, step)"
        raise _join_error(members, advice)
    return Parallel(tuple(map(as_flow, members)))


def _join_error(other: object, hint: str) -> BuildError:
    return BuildError(f"{shortened(other)} cannot be joined with >>", hint=hint)


_MISTAKES: Final[Sequence[tuple[Any, str]]] = (
    (str | bytes, 'put the block itself, or RawBlock("new_kind", specs={{...}})'),
    (type(None), "return the flow, or leave a step out with include_if(flag, step)"),
    (Mapping, "write a list of its flows: a >> list(flows.values())"),
    (type, "it is a class: call it, as in >> {name}(...)"),
    (
        types.FunctionType | types.MethodType | types.BuiltinFunctionType,
        "it is a function: call it, as in >> {name}()",
    ),
)
"""What is often mistaken for a flow, with advice."""
