"""Rules about specs that may give errors: words, required fields, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from ...blocks import (
    CATALOGUE,
    FILTER_LOGIC,
    FILTER_OPERATORS,
    Filter,
    OutgoingWebhook,
    of_catalogue,
)
from ...definition import BoundSecret, Definition, Value
from ...diagnostics import Severity
from ...endpoints import is_loopback
from ...text import did_you_mean, shortened
from ._rule import Found, rule, small_workflow


@of_catalogue
def _words() -> Sequence[tuple[str, str, Sequence[str]]]:
    """Return kind and field of each documented list of words."""
    return [
        (kind, name, words)
        for kind, block in CATALOGUE.items()
        for name, words in block.about.words.items()
    ]


@of_catalogue
def _list_required_fields() -> Sequence[tuple[str, str]]:
    """Return kind and name of each field that the service certainly requires."""
    return [
        (kind, name)
        for kind, block in CATALOGUE.items()
        for name in block.about.must_have
    ]


_EMPTY: Final = (None, "")
_CONDITION_WORDS: Final[Sequence[tuple[str, Sequence[str]]]] = (
    ("operator", FILTER_OPERATORS),  # documented once
    ("logic", FILTER_LOGIC),  # that `or` is the other word is inferred
)


@rule(
    "specs",
    "error",
    "warning",
    advice="write one of the documented words",
    example=small_workflow({"mode": "BUSINESS"}, kind="find_email"),
)
def unknown_word(definition: Definition) -> Iterator[Found]:
    """A spec holds a word that is not on the documented list.

    It is a warning for the operator and the `and` or `or` of a condition, since only
    one source lists them, and for a `mode` in another case, since newer pages write
    `Professional`.
    """
    blocks, by_kind = definition.blocks, definition.by_kind
    for kind, name, words in _words():
        for position in by_kind.get(kind, ()):
            found = blocks[position].specs.get(name)
            if found is not None and found not in words:
                yield from _word(position, name, found, words)
    for position, block in definition.of_kind(Filter.kind):
        for i, condition in enumerate(conditions(block.specs)):
            for name, words in _CONDITION_WORDS:
                found = condition.get(name)
                if found is not None and found not in words:
                    where = f"filters[{i}].{name}"
                    yield from _word(position, where, found, words, "warning")


@rule(
    "specs",
    "error",
    "warning",
    advice="set the field",
    example='flow = Webhook(LEAD) >> OutgoingWebhook(url="")',
)
def missing_field(definition: Definition) -> Iterator[Found]:
    """A spec that the documents require is missing or empty.

    It is a warning for a text of blanks, and inside a filter, since only one source
    requires it there.
    """
    blocks, by_kind = definition.blocks, definition.by_kind
    for kind, name in _list_required_fields():
        for position in by_kind.get(kind, ()):
            found = blocks[position].specs.get(name)
            if found in _EMPTY:
                message = f"{kind} has no {name}, and the service requires it"
                yield Found(position, message, f"set {name}=...")
            elif isinstance(found, str) and found.isspace():
                message = f"{name} is {found!r}, which is blank"
                yield Found(position, message, f"set {name}=...", "warning")
    for position, block in definition.of_kind(Filter.kind):
        yield from _find_missing_in_filter(position, block.specs)


def _find_missing_in_filter(position: int, specs: Mapping[str, Any]) -> Iterator[Found]:
    if specs.get("filters") == []:
        message = "filters has no condition, so it tests nothing"
        yield Found(position, message, _CONDITION, "warning")
    for i, condition in enumerate(conditions(specs)):
        for name in ("column", "operator"):
            found = condition.get(name)
            if _is_blank(found):
                place = f"filters[{i}]"
                message = f"{place} has no {name}, which every condition has"
                if found is not None:
                    message = f"{place}.{name} is {shortened(found)}, which names no "
                    message += name
                yield Found(position, message, _CONDITION, "warning")


_CONDITION: Final = 'write it as in Filter.where("email_status").equals("OK")'


def _is_blank(value: Any) -> bool:
    """Return True for no text, and for a text of blanks. An environment may fill it."""
    if isinstance(value, str):
        return not value.strip()
    return not isinstance(value, Value | BoundSecret)


@rule(
    "specs",
    "error",
    "warning",
    "note",
    advice=(
        "write an absolute https address, such as `https://your-domain.example/hook`"
    ),
    example='flow = Webhook(LEAD) >> OutgoingWebhook(url="example.com/hook")',
)
def insecure_url(definition: Definition) -> Iterator[Found]:
    """The URL of an outgoing webhook is not absolute and https.

    That it must be absolute is documented. That it must be https is inferred, so http
    is a warning, as are credentials in it. http to a loopback address is a note: the
    emulator delivers there, the service cannot.
    """
    for position, block in definition.of_kind(OutgoingWebhook.kind):
        found = shown = block.specs.get("url")
        if isinstance(found, BoundSecret):
            # Judged like any other, and never shown.
            found, shown = found.content, found.value
        if found in _EMPTY or isinstance(found, Value):
            continue
        if isinstance(found, str) and _PLAIN_URL.match(found):
            continue
        yield from _url(position, found, shown)


# The shape of nearly every address; the others are taken apart.
_PLAIN_URL: Final = re.compile(r"https://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(/|$)")


def conditions(specs: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the conditions of a filter that are mappings."""
    found = specs.get("filters")
    if not isinstance(found, list):
        return ()
    return [condition for condition in found if isinstance(condition, dict)]


def _word(
    position: int,
    name: str,
    found: Any,
    words: Sequence[str],
    severity: Severity = "error",
) -> Iterator[Found]:
    if isinstance(found, Value | BoundSecret):
        return
    if name == "mode" and isinstance(found, str) and found.upper() in words:
        message = f"mode is {found!r}, and the documented word is {found.upper()!r}"
        yield Found(position, message, f"write {found.upper()}", "warning")
        return
    near = did_you_mean(found, words) if isinstance(found, str) else ""
    message = f"{name} is {shortened(found)}, which is not a documented word{near}"
    yield Found(position, message, f"it takes {', '.join(words)}", severity)


def _url(position: int, found: Any, shown: Any) -> Iterator[Found]:
    try:
        parts = urlsplit(found) if isinstance(found, str) else None
        host = parts.hostname if parts else None
    except ValueError:
        parts = host = None
    if parts is None or not host or parts.scheme not in ("http", "https"):
        named = (
            f"value({shown.name!r})" if isinstance(shown, Value) else shortened(shown)
        )
        message = f"url is {named}, which is not an absolute https address"
        yield Found(position, message)
    elif found is shown and "@" in parts.netloc:
        message = "url has credentials, which everyone who reads the workflow can see"
        advice = 'let the environment fill it in: url=value("hook", secret=True)'
        yield Found(position, message, advice, "warning")
    elif parts.scheme == "http" and is_loopback(host):
        message = "url is http to this machine, which the service cannot reach"
        advice = "use https before you deploy it anywhere else"
        yield Found(position, message, advice, "note")
    elif parts.scheme == "http":
        to = f" to {host}" if found is shown else ""
        message = f"url is http{to}, so rows would travel in the clear"
        yield Found(position, message, severity="warning")
