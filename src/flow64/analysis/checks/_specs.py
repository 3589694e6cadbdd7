"""Rules about specs: documented words, required fields, addresses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ...blocks import (
    CREATE_NEW,
    DATAFRAME_TYPES,
    EMAIL_MODES,
    FILTER_LOGIC,
    FILTER_OPERATORS,
)
from ...definition import BoundSecret, Definition, Value
from ...text import did_you_mean, shortened
from ._rule import Found, error, note, warning

_WORDS: Sequence[tuple[str, str, Sequence[str]]] = (
    ("find_email", "mode", EMAIL_MODES),
    ("webhook", "dataframe_type", DATAFRAME_TYPES),
    ("search", "dataframe_type", DATAFRAME_TYPES),
)
"""Words that documents list in full."""
_CONDITION_WORDS: Sequence[tuple[str, Sequence[str], Callable[..., Found]]] = (
    ("operator", FILTER_OPERATORS, error),
    ("logic", FILTER_LOGIC, warning),  # that `or` is the other word is inferred
)


def unknown_word(definition: Definition) -> Iterator[Found]:
    """A spec holds a word that is not on the documented list.

    What joins two conditions of a filter is documented in part, so it is a warning.
    """
    blocks, by_kind = definition.blocks, definition.by_kind
    for kind, name, words in _WORDS:
        for position in by_kind.get(kind, ()):
            found = blocks[position].specs.get(name)
            if found is not None and found not in words:
                yield from _word(position, name, found, words, error)
    for position, block in definition.of_kind("filter"):
        for i, condition in enumerate(conditions(block.specs)):
            for name, words, told in _CONDITION_WORDS:
                found = condition.get(name)
                if found is not None and found not in words:
                    where = f"filters[{i}].{name}"
                    yield from _word(position, where, found, words, told)


def missing_field(definition: Definition) -> Iterator[Found]:
    """A spec that the documents require is not there, or empty.

    Inside a condition of a filter it is a warning: one source alone asks for it there.
    """
    blocks, by_kind = definition.blocks, definition.by_kind
    for kind, name in _REQUIRED:
        for position in by_kind.get(kind, ()):
            if blocks[position].specs.get(name) in _EMPTY:
                message = f"{kind} has no {name}, and the service requires it"
                yield error(position, message, f"set {name}=...")
    for position, block in definition.of_kind("filter"):
        for i, condition in enumerate(conditions(block.specs)):
            for name in ("column", "operator"):
                if condition.get(name) in _EMPTY:
                    message = f"filters[{i}] has no {name}, which every condition has"
                    advice = 'write Filter.where("column").equals(...)'
                    yield warning(position, message, advice)


_REQUIRED: Sequence[tuple[str, str]] = (
    ("outgoing_webhook", "url"),
    ("append_to_notebook", "notebook_id"),
)
_EMPTY = (None, "")


def notebook_name_missing(definition: Definition) -> Iterator[Found]:
    """A new notebook is asked for without a name.

    That it needs one is inferred from the one example.
    """
    for position, block in definition.of_kind("append_to_notebook"):
        specs = block.specs
        if specs.get("notebook_id") == CREATE_NEW and not specs.get("notebook_name"):
            message = f"notebook_id is {CREATE_NEW!r}, and the new notebook has no name"
            yield error(position, message, 'set notebook_name="Leads of May"')


def insecure_url(definition: Definition) -> Iterator[Found]:
    """An outgoing webhook goes to an address that is not absolute and https.

    http to a loopback address is a note: the emulator delivers there, the service
    cannot.
    """
    for position, block in definition.of_kind("outgoing_webhook"):
        found = shown = block.specs.get("url")
        if isinstance(found, BoundSecret):
            # Judged like any other, and never shown.
            found, shown = found.content, found.value
        if found in _EMPTY or isinstance(found, Value):
            continue
        if isinstance(found, str) and PLAIN_URL.match(found):
            continue
        yield from _url(position, found, shown)


# What nearly every address is; the others are taken apart.
PLAIN_URL = re.compile(r"https://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(/|$)")


def conditions(specs: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The conditions of a filter that are mappings."""
    found = specs.get("filters")
    if not isinstance(found, list):
        return ()
    return [condition for condition in found if isinstance(condition, dict)]


def _word(
    position: int,
    name: str,
    found: Any,
    words: Sequence[str],
    told: Callable[..., Found],
) -> Iterator[Found]:
    if isinstance(found, Value | BoundSecret):
        return
    near = did_you_mean(found, words) if isinstance(found, str) else ""
    message = f"{name} is {shortened(found)}, which is no word of the service{near}"
    yield told(position, message, f"it takes {', '.join(words)}")


def _url(position: int, found: Any, shown: Any) -> Iterator[Found]:
    try:
        parts = urlsplit(found) if isinstance(found, str) else None
        host = parts.hostname if parts else None
    except ValueError:
        parts = host = None
    if parts is None or not host or parts.scheme not in ("http", "https"):
        message = f"url is {shortened(shown)}, which is no absolute https address"
        yield error(position, message, 'write url="https://your-domain.example/hook"')
    elif parts.scheme == "http" and _is_loopback(host):
        message = "url is http to this machine, which the service cannot reach"
        yield note(position, message, "use https before you deploy it anywhere else")
    elif parts.scheme == "http":
        to = f" to {host}" if found is shown else ""
        message = f"url is http{to}, so rows would travel in the clear"
        yield error(position, message, "write https://")


def _is_loopback(host: str) -> bool:
    try:
        from ipaddress import ip_address  # noqa: PLC0415 - few URLs get this far

        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
