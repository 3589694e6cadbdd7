"""Key paths and the ids made from them: a wire format that no release changes.

An id is the UUIDv5, in the namespace `FLOW64`, of a path of `tag:key` segments joined
by `/`. It depends only on what a person wrote: on no position, counter, clock or
machine.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Final, Literal, TypeAlias, cast
from urllib.parse import quote, unquote
from uuid import UUID, uuid5

from attrs import frozen

FLOW64: Final = UUID("f705d891-c558-5e46-bec1-54fd430378dc")
"""The namespace of every computed id: UUIDv5 of the URL `urn:flow64:ids:1`."""

LOCAL: Final = "local"
"""The namespace of workflows without a project; never deployed beyond loopback."""

DEFAULT_ENV: Final = "default"
"""The environment that adds no segment to a path."""

Tag: TypeAlias = Literal[
    "ns", "project", "env", "workflow", "axis", "variant", "scope", "block", "pin",
    "run", "intent", "body",
]  # fmt: skip

_PLAIN = re.compile(r"[A-Za-z0-9._~-]*")
_SLUG_GAPS = re.compile(r"[\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+")
_LOWERED = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


@frozen
class ProjectKey:
    """The owner of ids: a project's key and its namespace."""

    key: str
    namespace: str


def escape_key(key: str) -> str:
    """Escape a key for a path: NFC, UTF-8, all but unreserved bytes as `%XX`."""
    if (key.isidentifier() and key.isascii()) or _PLAIN.fullmatch(key):
        return key
    return quote(unicodedata.normalize("NFC", key), safe="")


def path_of(segments: Iterable[tuple[Tag, str]]) -> str:
    """Return the text of a key path: `tag:key` joined by `/`."""
    return "/".join([f"{tag}:{escape_key(key)}" for tag, key in segments])


def parse_path(path: str) -> list[tuple[Tag, str]]:
    """Return the (tag, key) pairs of a path: the reverse of `path_of`.

    >>> parse_path("ns:acme.example/workflow:a%2Fb")
    [('ns', 'acme.example'), ('workflow', 'a/b')]
    """
    parts = (segment.partition(":") for segment in path.split("/"))
    return [(cast("Tag", tag), unquote(name)) for tag, _, name in parts]


def drop_env(path: str) -> str:
    """Return a path without its environment and pin, the same in every environment.

    The paths of blocks begin with it.

    >>> drop_env("ns:acme.example/project:growth/env:prod/workflow:inbound")
    'ns:acme.example/project:growth/workflow:inbound'
    """
    segments = path.split("/")
    return "/".join(s for s in segments if not s.startswith(("env:", "pin:")))


def environment_in(path: str) -> str:
    """Return the environment of a workflow's path, with its escapes decoded.

    >>> environment_in("ns:acme.example/project:growth/env:prod/workflow:inbound")
    'prod'
    """
    names = (name for tag, name in parse_path(path) if tag == "env")
    return next(names, DEFAULT_ENV)


def is_shared_path(path: str) -> bool:
    """Whether the ids of a path are also those of other users with the same code."""
    return path.startswith(f"ns:{LOCAL}/")


def id_of(path: str) -> str:
    """Return the id of a path's text: its UUIDv5 in the namespace `FLOW64`."""
    return ids_under(path, ("",))[0]


def stable_id(*segments: tuple[Tag, str]) -> UUID:
    """Return the id of a key path given as (tag, key) pairs."""
    return uuid5(FLOW64, path_of(segments))


def ids_under(prefix: str, names: Iterable[str]) -> list[str]:
    """Return `id_of(prefix + name)` for many names. The prefix is hashed once."""
    base = _NAMESPACE.copy()  # faster than another one
    base.update(prefix.encode())
    ids = []
    for name in names:
        sha = base.copy()
        sha.update(name.encode())
        text = sha.hexdigest()
        # RFC 4122: version 5 in place of the 13th digit, the variant in the 17th.
        ids.append(
            f"{text[:8]}-{text[8:12]}-5{text[13:16]}-"
            f"{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"
        )
    return ids


_NAMESPACE = hashlib.sha1(FLOW64.bytes, usedforsecurity=False)
_VARIANT = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


def slug(name: str) -> str:
    """Return the key for a title: NFC, ASCII lowered, other ASCII runs as one `-`.

    Letters outside ASCII are kept as they are. A title of nothing but ASCII punctuation
    has no slug (the empty string).
    """
    lowered = unicodedata.normalize("NFC", name).translate(_LOWERED)
    return _SLUG_GAPS.sub("-", lowered).strip("-")


def is_uuid(text: Any) -> bool:
    """Return True for a UUID in its usual text form (36 characters, any case)."""
    return isinstance(text, str) and bool(_UUID.fullmatch(text))


def canonical_id(text: str) -> str:
    """Return an id in the form for comparisons. The case of a UUID does not matter."""
    return text.lower() if is_uuid(text) else text


_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def run_key(*, env: str, workflow_id: str, intent: str, body_digest: str) -> UUID:
    """Return the Idempotency-Key of an intended run: the same on every machine.

    Args:
        env: Name of the environment; `default` too is written out here.
        workflow_id: Id of the deployed workflow; a UUID counts in any case.
        intent: The name of the run that must happen once.
        body_digest: SHA-256, in hex, of the RFC 8785 form of the request body.
    """
    return stable_id(
        ("env", env),
        ("run", canonical_id(workflow_id)),
        ("intent", intent),
        ("body", body_digest),
    )


def retry_key(key: UUID, job_id: str) -> UUID:
    """Return the Idempotency-Key that starts a failed run again, once."""
    return uuid5(key, canonical_id(job_id))
