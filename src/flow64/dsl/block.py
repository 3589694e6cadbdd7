"""Block: the smallest flow. Its class is its kind, and its fields are its specs.

A class with `@returns` names the fields to find, and types the results.
"""

from __future__ import annotations

import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from types import CodeType, FrameType
from typing import (
    Any,
    ClassVar,
    Final,
    Literal,
    NoReturn,
    Self,
    TypeVar,
    cast,
    dataclass_transform,
)

import attrs
from attrs import field, frozen

from ..definition import EMPTY, Freezer, Problem, is_plain
from ..diagnostics import Place
from ..errors import BuildError
from ..text import did_you_mean, shortened
from .flow import UNSET, Flow, FlowShape, RowKind

_T = TypeVar("_T")

_ATTRIBUTE: Final = "__flow64_returns__"

_DATA: Final = ("__attrs_attrs__", "__dataclass_fields__")

_WORDS: Final[Mapping[Any, str]] = {
    str: "str",
    int: "int",
    float: "float",
    bool: "bool",
    dict: "dict",
    list: "list",
    list[str]: "list[str]",
    list[int]: "list[int]",
    list[float]: "list[float]",
    list[bool]: "list[bool]",
}


@frozen
class Alias:
    """The column of a field that is not named like the field."""

    name: str


def alias(name: str) -> Alias:
    """Name the column of a field, if it cannot be the name of the field.

    `linkedin: Annotated[str, "Its page", alias("Company Linkedin")]`

    Args:
        name: Name of the column, as the service has it.
    """
    return Alias(name)


@dataclass_transform(frozen_default=True, kw_only_default=True)
def returns(cls: type[_T]) -> type[_T]:
    """Make a class a field map: its annotations give each field's type and description.

    `title: Annotated[str | None, "Current job title"]` asks for a text field `title`,
    `Literal["junior", "senior"]` for one of these words. The class becomes a frozen
    attrs class and types the rows of a run: `run.rows(Person)`. An attrs class or a
    dataclass stays what it is. A TypedDict, a NamedTuple and a pydantic model are
    refused.

    Raises:
        BuildError: An annotation is not a type of the service; all are listed.
    """
    if not isinstance(cls, type):
        raise _returns_error(shortened(cls), ["it is not a class"])
    # Annotations may name what is local to the function that the class stands in.
    scope = sys._getframe(1).f_locals
    problems: list[str] = []
    try:
        hints = typing.get_type_hints(cls, localns=dict(scope), include_extras=True)
    except Exception as error:  # noqa: BLE001 - annotations are any expressions
        raise _returns_error(cls.__name__, [str(error)]) from None
    fields: dict[str, dict[str, str]] = {}
    for name, hint in hints.items():
        if typing.get_origin(hint) is not typing.ClassVar:
            _add_field(fields, name, hint, problems)
        if isinstance(default := vars(cls).get(name), Alias):
            problems.append(f"{name} = {default}: write Annotated[str, alias(...)]")
    if not hints:
        problems.append("it has no annotated field")
    # Of its own: what a base class is says nothing of the fields that this one adds.
    is_data = not vars(cls).keys().isdisjoint(_DATA)
    is_plain = type(cls) is type and not issubclass(cls, tuple)
    if not (is_data or is_plain):  # a TypedDict, a NamedTuple, a model of pydantic
        base = "a class without a base class, an attrs class or a dataclass"
        problems.append(f"it is another kind of class: write {base}")
    if problems:
        raise _returns_error(cls.__name__, problems)
    asked = cls if is_data else _make_data(cls, hints)
    setattr(asked, _ATTRIBUTE, types.MappingProxyType(fields))
    return cast("type[_T]", asked)


def _returns_error(owner: str, problems: Sequence[str]) -> BuildError:
    hint = (
        'write for example title: Annotated[str | None, "Current job title"], with '
        "str, int, float, bool, dict, list, list[str|int|float|bool], or a Literal"
    )
    return BuildError(f"@returns {owner}: {'; '.join(problems)}", hint=hint)


def field_map(cls: Any) -> Mapping[str, Mapping[str, str]] | None:
    """The field map of a class under `@returns`: `{column: {description, type}}`."""
    fields: Mapping[str, Mapping[str, str]] | None = vars(cls).get(_ATTRIBUTE)
    return fields


def column_of(name: str, hint: Any) -> str:
    """Return the column of a field: its name, or its alias."""
    _, notes = unwrap(hint)
    return next((note.name for note in notes if isinstance(note, Alias)), name)


def unwrap(hint: Any) -> tuple[Any, Sequence[Any]]:
    """Return a type without `Annotated`, and what stands there."""
    notes: list[Any] = []
    while typing.get_origin(hint) is typing.Annotated:
        hint, *more = typing.get_args(hint)
        notes += more
    return hint, notes


def _add_field(
    fields: dict[str, dict[str, str]], name: str, hint: Any, problems: list[str]
) -> None:
    """Add the entry of a field under the name of its column."""
    column = column_of(name, hint)
    hint, notes = unwrap(hint)
    texts = [note for note in notes if isinstance(note, str) and note]
    description = next(iter(texts), column.replace("_", " "))
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        options = [
            option for option in typing.get_args(hint) if option is not type(None)
        ]
        hint = unwrap(options[0])[0] if len(options) == 1 else hint
    bare, words = _without_words(hint)
    if words:
        description += f" (one of: {' | '.join(words)})"
    try:
        word = _WORDS.get(dict if typing.get_origin(bare) is dict else bare)
    except TypeError:  # an annotation that is not hashable, such as Literal[[1]]
        word = None
    if word is None:
        problems.append(f"{name} is {shortened(hint)}, not a type of the service")
    elif column in fields:
        problems.append(f"{name} is a second field for the column {shortened(column)}")
    else:
        fields[column] = {"description": description, "type": word}


def _without_words(hint: Any) -> tuple[Any, Sequence[str]]:
    """Return the type of the words of a `Literal`, also in a list, and the words."""
    if typing.get_origin(hint) is list:
        bare, words = _without_words(*typing.get_args(hint))
        return (types.GenericAlias(list, (bare,)), words) if words else (hint, ())
    if typing.get_origin(hint) is Literal:
        options = [option for option in typing.get_args(hint) if option is not None]
        kinds = {type(option) for option in options}
        if len(kinds) == 1 and kinds < {str, int, bool}:
            return kinds.pop(), [str(option) for option in options]
    return hint, ()


def _make_data(cls: Any, hints: Mapping[str, Any]) -> Any:
    """Return a plain class as a frozen attrs class."""
    # Types now, since what is local may be gone when rows are read.
    own = vars(cls).get("__annotations__", {})
    cls.__annotations__ = {name: hints[name] for name in own}
    try:
        return attrs.frozen(kw_only=True)(cls)
    except Exception as error:  # noqa: BLE001 - attrs raises what Python does
        problem = f"no attrs class can be made of it: {error}"
        raise _returns_error(cls.__name__, [problem]) from None


DECORATE: Final = "write @attrs.frozen(eq=False, kw_only=True)"
"""Advice for a block class of one's own."""

RESERVED: Final = ("key", "was", "id", "extra", "allow")
"""Arguments of every block that are not specs."""

_MUTABLE: Final = (dict, list, tuple, Mapping)  # a tuple may hold a list


@frozen(eq=False, kw_only=True, slots=False)
class Block:
    """The base class of all blocks. A block inherits from `Flow` before `Block`.

    An instance keeps the arguments that it was given, and specs that are sent by
    default; all others are read from its class. Most blocks set few of their fields.
    """

    kind: ClassVar[str] = ""
    """What the service calls the block (`block_name`)."""
    label: ClassVar[str] = "transform"
    """The free-form `block_type` that is sent; the service ignores it."""
    spec_names: ClassVar[Mapping[str, str]] = EMPTY
    """The spec that each argument sets, in the order they are written.

    It has the argument's name without underscores at the end: `import_` sets `import`.
    """
    shape: ClassVar[FlowShape] = "block"

    key: str | None = None
    """Name inside its scope, from which its id is made; by default its kind."""
    was: str | None = None
    """The key it had before, which keeps its id. With a `/`, a path below the workflow:
    `work/find_email`, or `/find_email` for a block that was in no scope."""
    id: str | None = None
    """A UUID that pins the block to an imported one."""
    extra: Mapping[str, Any] | None = None
    """Spec fields that the class does not know, sent as they are."""
    allow: Sequence[str] = ()
    """Codes of findings to silence on this block."""
    # Where the block was written: the code object and the offset in its instructions.
    # Lines and columns are looked up only when a finding is shown.
    _code: CodeType = field(init=False, repr=False)
    _instruction: int = field(init=False, repr=False)

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        """Called by attrs once a block class is complete."""
        if "__eq__" in vars(cls):
            problem = "compares by value, and two equal blocks are two steps"
            raise TypeError(f"{cls.__name__} {problem}; {DECORATE} above the class")
        fields = [a for a in attrs.fields(cls) if a.init]
        names = [a.name for a in fields]
        # Of a raw block the kind is an argument as well, and no spec either.
        others = {*RESERVED, "block_name"}
        cls.spec_names = {n: n.rstrip("_") for n in names if n not in others}
        for a in fields:
            default = UNSET if a.default is attrs.NOTHING else a.default
            make = getattr(default, "factory", None)
            setattr(cls, a.name, default if make is None else make())
        # By name, since to a type checker an assignment would be a new signature.
        setattr(cls, "__init__", _make_init(cls, fields))  # noqa: B010 - see above
        setattr(cls, "__repr__", Block.__repr__)  # noqa: B010 - see above

    @property
    def block_name(self) -> str:
        """The service's name for this block."""
        return type(self).kind

    @property
    def place(self) -> Place:
        """The file, line and columns of the call that made the block."""
        code = self._code
        at = self._instruction // 2
        line, end_line, *columns = next(islice(code.co_positions(), at, None))
        first = line or code.co_firstlineno
        if end_line != line:  # a call over several lines is marked on its first
            columns[1] = None
        return Place(code.co_filename, first, *columns)

    def with_(self, **changes: Any) -> Self:
        """Copy the block with some fields changed. Its key, and so its id, stays.

        Raises:
            BuildError: A field does not exist.
        """
        return set_place(
            type(self)(**(self._own_arguments() | changes)), sys._getframe(1)
        )

    def again(self, *, key: str) -> Self:
        """Repeat the step as a block of its own under another key."""
        changes = {"key": key, "was": None, "id": None}
        block = type(self)(**(self._own_arguments() | changes))
        return set_place(block, sys._getframe(1))

    def __repr__(self) -> str:
        own = self._own_arguments().items()
        fields = [f"{name}={shortened(v)}" for name, v in own if v is not UNSET]
        return f"{type(self).__name__}({', '.join(fields)})"

    def _own_arguments(self) -> dict[str, Any]:
        """The arguments that it was made with."""
        return {k: v for k, v in vars(self).items() if k not in _PLACE}


_PLACE: Final = ("_code", "_instruction")


def set_place(block: _T, caller: FrameType) -> _T:
    """Set the place of a block to the current line of another frame."""
    arguments = block.__dict__
    arguments["_code"] = caller.f_code
    arguments["_instruction"] = caller.f_lasti
    return block


def as_data(item: Any) -> Any:
    """Return the JSON data of a row kind or of a class under `@returns`."""
    if type(item) is RowKind:
        return item.name
    if isinstance(item, type) and (fields := field_map(item)) is not None:
        return fields
    return item


def _freeze(value: Any) -> Any:
    """Freeze a mapping, list or tuple, so that a block stays as it was written.

    A loop may fill one dict again and again, and make a block of it each time. What is
    not JSON is kept as a plain dict or list, and the compiler says so.
    """
    try:
        return _FREEZER.freeze(value)
    except BuildError:
        return dict(value) if isinstance(value, Mapping) else list(value)


def _refuse(problem: Problem) -> NoReturn:
    raise BuildError(problem.message)


_FREEZER: Final = Freezer(_refuse, convert=as_data)


def _make_init(cls: type[Block], fields: Sequence[attrs.Attribute[Any]]) -> Any:
    """Make an `__init__` that stores its arguments, and the place of its call."""
    documented = cls.__init__
    judge = getattr(cls, "__attrs_post_init__", None)
    names = frozenset(a.name for a in fields)
    required = frozenset(a.name for a in fields if a.default is attrs.NOTHING)
    positional = [a.name for a in fields if not a.kw_only]
    # Specs that are sent whether they are given or not.
    sent = {
        name: default
        for name in cls.spec_names
        if (default := getattr(cls, name)) is not UNSET and default is not EMPTY
    }

    @functools.wraps(documented)
    def call(self: Any, *args: Any, **kwargs: Any) -> None:
        arguments = kwargs
        if args:
            arguments = dict(zip(positional, args, strict=False)) | kwargs
        is_twice = args and len(arguments) != len(args) + len(kwargs)
        if is_twice or not required <= arguments.keys() <= names:
            raise _explain_call(documented, (self, *args), kwargs)
        if sent:
            arguments = sent | arguments
        for name, value in arguments.items():
            if type(value) is not str and isinstance(value, _MUTABLE):
                arguments[name] = _freeze(value)
        caller = sys._getframe(1)
        arguments["_code"] = caller.f_code
        arguments["_instruction"] = caller.f_lasti
        object.__setattr__(self, "__dict__", arguments)
        if judge is not None:
            judge(self)

    return call


# -- Calls that do not fit -------------------------------------------------------------


def _explain_call(
    init: Callable[..., None], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> BuildError:
    """Return an error that explains why the arguments of a block do not fit."""
    signature = inspect.signature(init)
    names = [*signature.parameters][1:]
    problems = [
        f"it has no argument {shortened(name)}{_suggest(name, names)}"
        for name in kwargs
        if name not in names
    ]
    try:
        signature.bind(*args, **{k: v for k, v in kwargs.items() if k in names})
    except TypeError as error:
        problems.append(str(error))
    names.sort(key=lambda name: name in RESERVED)
    message = f"{type(args[0]).__name__}: {'; '.join(problems)}"
    return BuildError(message, hint=f"it takes {', '.join(names)}")


def _suggest(name: str, names: Sequence[str]) -> str:
    """Return the name that is meant, or how a block sends a field without a name."""
    near = did_you_mean(name, names)
    word = next((word for word in ("specs", "extra") if word in names), None)
    if near or word is None:
        return near
    return f" (if the service knows it, write {word}={{{shortened(name)}: ...}})"


# Below the functions that make its class.
@frozen(eq=False, slots=False)
class RawBlock(Flow[Any, Any], Block):
    """A block of a kind that the catalogue does not know, or should not judge.

    Rows: unknown. Type checkers let both kinds pass.

    Raises:
        BuildError: The kind is not text, or is empty.
    """

    block_name: str  # pyright: ignore[reportIncompatibleMethodOverride] - as data here
    """The service's name for the block; picks the executor (documented)."""
    specs: Mapping[str, Any] = field(default=EMPTY, kw_only=True)
    """Its settings, sent as they are."""

    def __attrs_post_init__(self) -> None:
        name = self.block_name
        # Not left to the compiler, since every block of a definition has a kind.
        if type(name) is not str or not name or not is_plain(name):
            message = f"RawBlock: block_name is {shortened(name)}"
            raise BuildError(message, hint='write RawBlock("new_kind")')
