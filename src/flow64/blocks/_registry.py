"""The kinds that have a class: those of the catalogue, and those of your own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from ..definition import is_plain
from ..errors import BuildError
from ..text import shortened

if TYPE_CHECKING:
    from ._facts import CatalogueBlock

P = ParamSpec("P")
T = TypeVar("T")

_kinds: Final[dict[str, type[CatalogueBlock]]] = {}
_built_in: Final[dict[str, type[CatalogueBlock]]] = {}
_forgetting: Final[list[Callable[[], object]]] = []

KINDS: Final[Mapping[str, type[CatalogueBlock]]] = MappingProxyType(_kinds)
"""Class of each kind. A class of your own joins when it is defined."""

BUILT_IN: Final[Mapping[str, type[CatalogueBlock]]] = MappingProxyType(_built_in)
"""Class of each kind of the built-in catalogue, without those that join it."""


def fill(built_in: Mapping[str, type[CatalogueBlock]]) -> None:
    """Add the classes of the built-in catalogue."""
    _kinds.update(built_in)
    _built_in.update(built_in)


def register(cls: type[CatalogueBlock]) -> None:
    """Add a class of your own.

    A class with the facts of a built-in one (`about = FindEmail.about`) is a variant of
    it with other fields. The built-in class keeps its place.

    Raises:
        BuildError: The class names no kind or has no facts, or flow64 knows the
            kind and its fields already.
    """
    name, kind = cls.__name__, cls.kind
    if type(kind) is not str or not kind or not is_plain(kind):
        message = f"{name}: kind is {shortened(kind)}"
        raise BuildError(message, hint='write kind = "new_kind"')
    if not hasattr(cls, "about"):
        hint = 'write about = About(role="step", takes="LEAD", gives="LEAD")'
        raise BuildError(f"{name}: it has no about", hint=hint)
    known = _kinds.get(kind)
    if known is not None and is_built_in(known) and known.specs_known:
        if cls.about is known.about:
            return
        message = f"{name}: flow64 has {known.__name__} for {shortened(kind)}"
        hint = "use that class, and extra= for fields that it does not know"
        raise BuildError(message, hint=hint)
    _kinds[kind] = cls
    for forget in _forgetting:
        forget()


def is_built_in(cls: type[Any]) -> bool:
    """Whether a class is one of the built-in catalogue."""
    return cls.__module__.startswith(f"{__package__}.")


def of_catalogue(function: Callable[P, T]) -> Callable[P, T]:
    """Cache what follows from the catalogue, until another class joins it."""
    cached = lru_cache(maxsize=256)(function)
    when_class_joins(cached.cache_clear)
    # Its signature is that of the function.
    result: Any = cached
    return result  # type: ignore[no-any-return]


def when_class_joins(forget: Callable[[], object]) -> None:
    """Call a function whenever a class joins the catalogue."""
    _forgetting.append(forget)
