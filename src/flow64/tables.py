"""Reading tables of TOML and JSON by cattrs: all mistakes, each with its path.

A class says what a table may hold; a hook says what a value may be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, get_args

import cattrs
from attrs import fields_dict
from cattrs.gen import make_dict_structure_fn, override

from .text import did_you_mean


class WrongValueError(ValueError):
    """A mistake in one value. Its words say what to write."""


def make_converter(hooks: Mapping[Any, Callable[[Any, Any], Any]]) -> cattrs.Converter:
    """Return a converter.

    Args:
        hooks: How a value of a type is read, by that type.
    """
    converter = cattrs.Converter(forbid_extra_keys=True)
    texts = tuple[str, ...]

    def read_texts(value: Any, _: object) -> Sequence[str]:
        if isinstance(value, list):  # a text would be read as a list of letters
            return tuple(converter.structure(item, str) for item in value)
        raise WrongValueError("write a list of texts")

    converter.register_structure_hook_func(lambda kind: kind == texts, read_texts)
    converter.register_structure_hook(bool, _read_flag)
    for kind, hook in hooks.items():
        converter.register_structure_hook(kind, hook)
    return converter


def read_text(value: Any, _: object = str) -> str:
    """Return a text. Without this hook, cattrs makes a text of any value."""
    if isinstance(value, str):
        return value
    raise WrongValueError("write text")


def _read_flag(value: Any, _: object) -> bool:
    if isinstance(value, bool):  # any other value is true or false for Python too
        return value
    raise WrongValueError("write true or false")


_KEYS: Final[dict[type, Sequence[str]]] = {}
"""The keys of the tables that are read as a class."""


def add_class(
    converter: cattrs.Converter, cls: type, *absent: str, **types: Any
) -> None:
    """Let tables be read as a class.

    Args:
        converter: The converter.
        cls: An attrs class.
        *absent: Its attributes that no table has.
        **types: Types of values by attribute, if they are narrower than in the class.
    """
    _KEYS[cls] = [name for name in fields_dict(cls) if name not in absent]
    changes: dict[str, Any] = {name: override(omit=True) for name in absent}
    for name, kind in types.items():
        changes[name] = override(struct_hook=_read_as(converter, kind))
    read: Any = make_dict_structure_fn(cls, converter, **changes)
    converter.register_structure_hook(cls, read)


def _read_as(converter: cattrs.Converter, kind: Any) -> Callable[[Any, Any], Any]:
    return lambda value, _: converter.structure(value, kind)


def _describe(error: BaseException, kind: object) -> str:
    match error:
        case cattrs.ForbiddenExtraKeysError():
            names = _KEYS.get(error.cl, ())
            keys = sorted(error.extra_fields)
            return "; ".join(
                f"{k} is not a key here{did_you_mean(k, names)}" for k in keys
            )
        case KeyError():
            return f"{error.args[0]} is missing"
        case AttributeError() | TypeError():  # cattrs takes it for a mapping
            return "write a table"
        case WrongValueError():
            return str(error)
        case _:  # the words of others may show the value, which may be a secret
            return f"write {' or '.join(map(str, get_args(kind))) or kind}"


def list_mistakes(
    error: Exception,
    path: str,
    describe: Callable[[BaseException, Any], str] = _describe,
) -> Sequence[str]:
    """Return the mistakes that cattrs collected, each with its path.

    Args:
        error: The error of cattrs.
        path: The path of the table.
        describe: Words one mistake. The default shows no value, which may be a secret.
    """
    lines = cattrs.transform_error(error, path=path, format_exception=describe)
    parts = [_PLAIN.sub(r".\1", line).rpartition(" @ ") for line in lines]
    return [f"{place}: {text}" for text, _, place in parts]


_PLAIN: Final = re.compile(r"\['([\w-]+)'\]")
"""A key of a table that needs no quotes."""
