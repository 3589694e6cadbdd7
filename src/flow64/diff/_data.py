"""Changes as plain JSON data. What looks like a secret is masked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, get_args

from attrs import fields, has

from ..analysis import Estimate
from ..definition import WireBlock, pointer
from ..diagnostics import Finding
from ..dsl import UNSET
from ..redaction import redact_keys, redact_keys_in_json
from ._changes import (
    BlockRef,
    Change,
    EdgeRef,
    FieldAdded,
    FieldChanged,
    FieldRemoved,
    ItemAdded,
    ItemChanged,
    ItemMoved,
    ItemRemoved,
    ListChanged,
)
from ._consequences import Consequence
from ._lines import value_data
from ._live_settings import LiveSetting
from ._redaction import Hidden


def as_data(change: Change | Consequence | LiveSetting) -> dict[str, Any]:
    """Return a change, a consequence or a live setting as plain JSON data.

    `change` says which class it is, in kebab-case. The other keys are its attributes. A
    path is a JSON pointer into the specs. A value that is not shown is `"***"`.
    """
    if isinstance(change, LiveSetting):
        return {**_members(change), "dollars": change.dollars}
    return {"change": _kebab(type(change).__name__), **_members(change)}


def list_change_names(classes: Any) -> Sequence[str]:
    """Return what `change` says for each class of a union, such as `Consequence`."""
    return [_kebab(one.__name__) for one in get_args(classes)]


@cache
def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def _members(thing: Any) -> dict[str, Any]:
    """Return the attributes of a thing. Those for `apply` alone are left out."""
    found = {
        one.name: getattr(thing, one.name) for one in fields(type(thing)) if one.repr
    }
    return {
        "specs" if name == "wire" else name: _data(
            pointer(value) if name == "path" and isinstance(value, tuple) else value
        )
        for name, value in found.items()
        if value is not UNSET
    }


def _data(value: Any) -> Any:
    if isinstance(value, WireBlock):
        return value_data(value.specs)
    if isinstance(value, EdgeRef):
        return {name: _data(part) for name, part in value._asdict().items()}
    if isinstance(value, tuple):
        return [_data(item) for item in value]
    if isinstance(value, Finding | Estimate):
        return redact_keys_in_json(value.as_data())
    if isinstance(value, ItemAdded | ItemRemoved | ItemMoved | ItemChanged):
        return {"edit": _kebab(type(value).__name__), **_members(value)}
    if isinstance(value, FieldAdded | FieldRemoved | FieldChanged | ListChanged):
        return as_data(value)
    if isinstance(value, BlockRef):
        return _members(value)
    return value_data(value)


def digest_secrets(change: object) -> str:
    """Return a digest of all that is masked in a change or a value; else nothing.

    Changes are compared by it. It is never shown, since a guess of a secret could be
    checked against it.
    """
    found = [*_masked_texts(change)]
    if not found:
        return ""
    return hashlib.sha256("\0".join(found).encode("utf-8", "surrogatepass")).hexdigest()


def _masked_texts(value: Any) -> Iterator[str]:
    """Yield what is masked in a value, in order."""
    if isinstance(value, str):
        if redact_keys(value) != value:
            yield value
    elif type(value) is Hidden:
        yield repr(value.content)
    else:
        for item in _inside(value):
            yield from _masked_texts(item)


def _inside(value: Any) -> Iterable[Any]:
    """Return the parts of a value."""
    if isinstance(value, dict):
        return [*value, *value.values()]
    if isinstance(value, list | tuple):
        return value
    if not has(type(value)):
        return ()
    return [getattr(value, one.name) for one in fields(type(value)) if one.repr]
