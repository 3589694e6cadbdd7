"""`@returns`: a class names the fields to find, and types the results."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Mapping
from typing import Any, Final, TypeVar, cast, dataclass_transform

import attrs

from ..errors import ReturnsError
from ..text import shortened

T = TypeVar("T")

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


@dataclass_transform(frozen_default=True, kw_only_default=True)
def returns(cls: type[T]) -> type[T]:
    """Make a class a field map: its annotations give each field's type and description.

    `title: Annotated[str | None, "Current job title"]` asks for a text field `title`.
    The class becomes a frozen attrs class and types the rows of a run:
    `run.rows(Person)`.

    Raises:
        ReturnsError: An annotation is not a type of the service; all are listed.
    """
    # Annotations may name what is local to the function that the class stands in.
    scope = sys._getframe(1).f_locals
    try:
        hints = typing.get_type_hints(cls, localns=dict(scope), include_extras=True)
    except NameError as error:
        raise ReturnsError(cls.__name__, [str(error)]) from None
    problems: list[str] = []
    fields = {
        name: described
        for name, hint in hints.items()
        if typing.get_origin(hint) is not typing.ClassVar
        and (described := _field(name, hint, problems))
    }
    if not hints:
        problems.append("it has no annotated field")
    if problems:
        raise ReturnsError(cls.__name__, problems)
    # Of its own: what a base class is says nothing of the fields that this one adds.
    is_data = not vars(cls).keys().isdisjoint(_DATA)
    made: Any = cls if is_data else attrs.frozen(kw_only=True)(cls)
    setattr(made, _ATTRIBUTE, types.MappingProxyType(fields))
    return cast("type[T]", made)


def field_map(cls: Any) -> Mapping[str, Mapping[str, str]] | None:
    """The field map of a class under `@returns`: `{name: {description, type}}`."""
    found: Mapping[str, Mapping[str, str]] | None = vars(cls).get(_ATTRIBUTE)
    return found


def _field(name: str, hint: Any, problems: list[str]) -> dict[str, str] | None:
    description = ""
    if typing.get_origin(hint) is typing.Annotated:
        hint, *notes = typing.get_args(hint)
        description = next((note for note in notes if isinstance(note, str)), "")
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        options = [
            option for option in typing.get_args(hint) if option is not type(None)
        ]
        hint = options[0] if len(options) == 1 else hint
    bare = dict if typing.get_origin(hint) is dict else hint
    try:
        word = _WORDS.get(bare)
    except TypeError:  # an annotation that is not hashable, such as Literal[[1]]
        word = None
    if word is None:
        problems.append(
            f"{name} is {shortened(hint)}, which is not a type of the service"
        )
        return None
    return {"description": description or name.replace("_", " "), "type": word}
