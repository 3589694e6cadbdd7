"""A rule about secrets: what looks like a key does not belong into a definition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ...definition import Definition, pointer, walk
from ._rule import Found, texts, warning

# Looked for first, in all texts at once: most definitions have none of these.
_MARKS: Final = ("sk_", "sk-", "eyJ", "PRIVATE KEY-----", "AKIA", "xox", "gh", "AIza")

_SHAPES: Final = {
    "a webhook signing secret": re.compile(r"sk_whsec_\w{4,}"),
    "an API key": re.compile(r"(?<![A-Za-z0-9])sk[_-](?:live|test|proj)[_-][\w-]{8,}"),
    "a key": re.compile(
        r"(?<![A-Za-z0-9])sk[_-](?:(?=[\w-]{0,63}[0-9A-Z])[\w-]{16,}|[\w-]{64,})"
    ),
    "a JSON Web Token": re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]{4,}\.[\w-]*"),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY-----"),
    "an AWS access key": re.compile(r"(?<![A-Za-z0-9])AKIA[0-9A-Z]{16}(?![A-Za-z0-9])"),
    "a Google API key": re.compile(r"(?<![\w-])AIza[\w-]{35}(?![\w-])"),
    "a Slack token": re.compile(r"(?<![A-Za-z0-9])xox[abeoprs]-[\w-]{10,}"),
    "a GitHub token": re.compile(r"(?<!\w)(?:gh[opsur]_|github_pat_)\w{20,}"),
}
"""What secrets look like.

Each pattern takes linear time. So "a key" looks for its digit or capital only in the
first 64 characters: without that limit, `sk_sk_sk_` is read again from each `sk_`. A
longer word counts as a key without one.
"""


def secret_in_specs(definition: Definition) -> Iterator[Found]:
    """A spec holds what looks like a key, a token or a private key.

    Everybody who may read the workflow could read it, and so could its history.
    """
    text = "\n".join(texts([block.specs for block in definition.blocks]))
    for mark in _MARKS:
        if mark in text:
            break
    else:
        return
    if not any(shape.search(text) for shape in _SHAPES.values()):
        return
    for position, block in enumerate(definition.blocks):
        for path, item in walk(block.specs):
            if isinstance(item, str) and (name := _secret(item)):
                where = masked(pointer(path))
                message = f"specs{where} looks like {name} ({item[:3]}***)"
                yield warning(position, message, _VALUE)


_VALUE = 'write value("name", secret=True), which is filled in when it is deployed'


def _secret(text: str) -> str | None:
    return next((n for n, shape in _SHAPES.items() if shape.search(text)), None)


def masked(text: str) -> str:
    """A path without whatever in it looks like a secret itself."""
    for shape in _SHAPES.values():
        text = shape.sub("***", text)
    return text
