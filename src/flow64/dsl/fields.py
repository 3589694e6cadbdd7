"""`@returns`: a class names the fields to find, and types the results."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeVar, cast, dataclass_transform

import attrs
from attrs import frozen

from ..errors import BuildError
from ..text import shortened

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
        problems.append(
            f"{name} is {shortened(hint)}, which is not a type of the service"
        )
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
