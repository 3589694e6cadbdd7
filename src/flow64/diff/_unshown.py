"""A digest of what a change does not show: to tell apart what looks alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import fields, has

from ..redaction import redact_keys
from ._changes import Change
from ._consequences import Consequence
from ._redaction import Hidden


def unshown(change: Change | Consequence) -> str:
    """A digest of all in a change that is masked; nothing where nothing is.

    It is to compare changes with, and never to be shown: who has a guess of a secret
    could try that.
    """
    found = [*_texts(change)]
    if not found:
        return ""
    return hashlib.sha256("\0".join(found).encode("utf-8", "surrogatepass")).hexdigest()


def _texts(value: Any) -> Iterator[str]:
    """What is masked in a value, in the order that it stands in."""
    if isinstance(value, str):
        if redact_keys(value) != value:
            yield value
    elif type(value) is Hidden:
        yield repr(value.content)
    else:
        for item in _inside(value):
            yield from _texts(item)


def _inside(value: Any) -> Iterable[Any]:
    """What a value consists of."""
    if isinstance(value, dict):
        return [*value, *value.values()]
    if isinstance(value, list | tuple):
        return value
    if not has(type(value)):
        return ()
    return [getattr(value, one.name) for one in fields(type(value)) if one.repr]
