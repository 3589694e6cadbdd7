"""Reading tables of TOML and JSON by cattrs: all mistakes, each with its path.

A class says what a table may hold; a hook says what a value may be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import cattrs
from attrs import fields_dict
from cattrs.gen import make_dict_structure_fn, override

from .text import did_you_mean

TablePath: TypeAlias = tuple[str, ...]


class WrongValueError(Exception):
    """A mistake in one value. Its words say what to write."""


class Reader:
    """Reads data as classes.

    Args:
        name: What a table is called in messages.
        hooks: How a value of a type is read, by that type.
    """

    def __init__(
        self, hooks: Mapping[Any, Callable[[Any, Any], Any]], name: str = "a table"
    ) -> None:
        self.converter: Final = cattrs.Converter(forbid_extra_keys=True)
        self._name: Final = name
        self._keys: Final[dict[type, Sequence[str]]] = {}
        for kind, hook in hooks.items():
            self.converter.register_structure_hook(kind, hook)

    def add(
        self,
        cls: type,
        *absent: str,
        form: Callable[[dict[str, Any]], dict[str, Any]] = dict,
        **hooks: Callable[[Any, Any], Any],
    ) -> None:
        """Let tables be read as a class.

        Args:
            cls: An attrs class.
            *absent: Its attributes that no table has.
            form: Changes a table before it is read.
            **hooks: How the value of an attribute is read, if its type does not say it.
        """
        changes: dict[str, Any] = {name: override(omit=True) for name in absent}
        changes |= {name: override(struct_hook=hook) for name, hook in hooks.items()}
        read: Any = make_dict_structure_fn(cls, self.converter, **changes)
        self._keys[cls] = [name for name in fields_dict(cls) if name not in absent]
        self.converter.register_structure_hook(
            cls, lambda value, kind: read(form(self.table(value)), kind)
        )

    def table(self, value: Any) -> dict[str, Any]:
        """Return a table.

        Raises:
            WrongValueError: It is something else.
        """
        if isinstance(value, dict):
            return value
        raise WrongValueError(f"write {self._name}")

    def mapping(self, items: Any, keys: Any = str) -> Callable[[Any, Any], Any]:
        """Return a hook for a table with any keys, all of one type."""
        return lambda value, _: self.converter.structure(
            self.table(value),
            dict[keys, items],
        )

    def list_mistakes(
        self, error: BaseException, path: TablePath = ()
    ) -> Iterator[tuple[TablePath, str]]:
        """Yield the mistakes that were found, each with its path."""
        match error:
            case cattrs.ClassValidationError() | cattrs.IterableValidationError():
                noted, others = error.group_exceptions()
                for inner, note in noted:
                    key = note.name if hasattr(note, "name") else note.index
                    yield from self.list_mistakes(inner, (*path, str(key)))
                for inner in others:
                    yield from self.list_mistakes(inner, path)
            case cattrs.ForbiddenExtraKeysError():
                keys = self._keys[error.cl]
                for key in sorted(error.extra_fields):
                    near = did_you_mean(key, keys) or f"; there are {', '.join(keys)}"
                    yield (*path, key), f"not a key here{near}"
            case KeyError():
                yield path, "missing"
            case WrongValueError():
                yield path, str(error)
            case AttributeError() | TypeError():  # cattrs takes it for a mapping
                yield path, f"write {self._name}"
            case _:
                raise error
