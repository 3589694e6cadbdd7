"""Key paths and the ids made from them, and the stamp: two wire formats.

No release changes them. An id is the UUIDv5, in the namespace `FLOW64`, of a path of
`tag:key` segments joined by `/`. It depends only on what a person wrote: on no
position, counter, clock or machine.

The stamp is the line of a deployed description that names the deployed code:
`[flow64:1 PATH unbound16 bound16 commit FIELDS]`. FIELDS names what was sent, and marks
secrets by their names, as in `url!hook`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, cast
from urllib.parse import quote, unquote
from uuid import UUID, uuid5

from attrs import field, frozen

from .freezing import EMPTY

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
    """The owner of ids: a project's key and its namespace.

    Attributes:
        was: Namespace and key that it had before, joined by a slash.
    """

    key: str
    namespace: str
    was: str | None = field(default=None, kw_only=True)

    @property
    def old(self) -> tuple[str, str]:
        """The namespace and key that ids are computed from."""
        if self.was is None:
            return self.namespace, self.key
        namespace, _, key = str(self.was).rpartition("/")
        return unquote(namespace), unquote(key)


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
    return dict(parse_path(path)).get("env", DEFAULT_ENV)


def is_shared_path(path: str) -> bool:
    """Whether the ids of a path are also those of other users with the same code."""
    return path.startswith(f"ns:{LOCAL}/")


def id_of(path: str) -> str:
    """Return the id of a path's text: its UUIDv5 in the namespace `FLOW64`."""
    return ids_of([path])[0]


def ids_of(paths: Iterable[str], around: str = "") -> list[str]:
    """Return the ids of paths that all begin with a text."""
    start = _NAMESPACE.copy()  # five times as fast as uuid5
    start.update(around.encode())
    ids: list[str] = []
    for path in paths:
        sha = start.copy()
        sha.update(path.encode())
        # RFC 4122: version 5 in place of the 13th digit, the variant in the 17th.
        t = sha.hexdigest()
        ids.append(
            f"{t[:8]}-{t[8:12]}-5{t[13:16]}-{_CLOCK[t[16]]}{t[17:20]}-{t[20:32]}"
        )
    return ids


_CLOCK: Final = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
_NAMESPACE = hashlib.sha1(FLOW64.bytes, usedforsecurity=False)


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
    run = path_of([("env", env), ("run", canonical_id(workflow_id))])
    request = path_of([("intent", intent), ("body", body_digest)])
    return UUID(id_of(f"{run}/{request}"))


def retry_key(key: UUID, job_id: str) -> UUID:
    """Return the Idempotency-Key that starts a failed run again, once."""
    return uuid5(key, canonical_id(job_id))


# -- Old keys in `was=` ----------------------------------------------------------------
#
# Ids are made from them. A `/` separates levels. Inside of a key it is `%2F`; a `=` is
# `%3D`, and a `%` is `%25`.


def read_old_keys(was: str) -> tuple[bool, list[str]]:
    """Return whether the `was=` of a block or scope is a path from the workflow down.

    Its keys come second. Without a `/` they stand inside of the scope around it.

    >>> read_old_keys("find_email"), read_old_keys("work/a%2Fb")
    ((False, ['find_email']), (True, ['work', 'a/b']))
    """
    below = was.removeprefix("/")
    return "/" in was, [*map(unquote, below.split("/"))] if below else []


def write_old_keys(keys: Sequence[str], around: Sequence[str]) -> str:
    """Return the `was=` of a block or scope.

    Args:
        keys: Its old keys from the workflow down.
        around: The old keys of the scope around it.
    """
    if keys == around:
        return ""
    if keys[:-1] == around:
        return escape_was(keys[-1])
    return "/" * (len(keys) < 2) + "/".join(map(escape_was, keys))


def read_old_path(was: str) -> list[tuple[Tag, str]]:
    """Return the old path of a workflow, below its project.

    >>> read_old_path("leads/region=us")
    [('workflow', 'leads'), ('axis', 'region'), ('variant', 'us')]
    """
    key, *names = was.split("/")
    segments: list[tuple[Tag, str]] = [("workflow", unquote(key))]
    for name in names:
        axis, is_axis, text = name.rpartition("=")
        segments += [("axis", unquote(axis))] * bool(is_axis)
        segments.append(("variant", unquote(text)))
    return segments


def write_old_path(segments: Iterable[tuple[Tag, str]]) -> str:
    """Return a path below a project, as `was=` has it."""
    texts = [escape_was(key) + ("=" if tag == "axis" else "/") for tag, key in segments]
    return "".join(texts).removesuffix("/")


def escape_was(key: str) -> str:
    """Return a key as it stands in `was=`."""
    return key.replace("%", "%25").replace("/", "%2F").replace("=", "%3D")


# -- The stamp -------------------------------------------------------------------------

MAX_FIELDS: Final = 4096
"""Characters of FIELDS above which a stamp carries `-` instead."""

UNCOMMITTED: Final = "+"
"""Stands behind a commit from which the code that was deployed differs."""

_NAME = r"(?:(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+|%)"
_FIELD = rf"{_NAME}(?:(?:/{_NAME})*!{_NAME})?"
_REF = r"[0-9a-f]{8}(?:(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?"
_GROUP = rf"(?:{_FIELD}(?:,{_FIELD})*)?={_REF}(?:,{_REF})*"
_LINE = re.compile(
    r"[ \t]*\[flow64:1 (?P<path>[A-Za-z0-9._~%:/-]+) (?P<unbound>[0-9a-f]{16}) "
    r"(?P<bound>[0-9a-f]{16}) (?P<commit>-|[0-9a-f]{7,64}\+?) "
    rf"(?P<fields>-|\.|{_GROUP}(?:;{_GROUP})*)\][ \t\r]*"
)
_BREAK = re.compile(r"(\r?\n)")
_PIN = re.compile(r"(?:^|/)pin:(?P<id>[^/]+)$")


Sent: TypeAlias = Mapping[tuple[str, ...], str]
"""Paths from the field down, each with the name of the secret there, or none."""


@frozen
class Stamp:
    """The stamp that a deploy leaves at the end of the description.

    Attributes:
        path: The path that the workflow's id was computed from; for a pinned workflow
            it ends in `/pin:ID`.
        unbound: First 16 hex digits of the unbound fingerprint.
        bound: First 16 hex digits of the bound fingerprint.
        commit: The git commit of the code, followed by `+` for a dirty working tree;
            None outside git.
        sent: What was sent, by block reference (see `block_refs`): the path of each
            spec field, and of each secret in one with its name, which is empty for a
            field without. None if that was too much.
    """

    path: str
    unbound: str
    bound: str
    commit: str | None = None
    sent: Mapping[str, Sent] | None = None

    def __str__(self) -> str:
        fields = "-" if self.sent is None else _fields_text(self.sent)
        if len(fields) > MAX_FIELDS:
            fields = "-"
        commit = self.commit or "-"
        return f"[flow64:1 {self.path} {self.unbound} {self.bound} {commit} {fields}]"

    def is_genuine(self, workflow_id: str) -> bool:
        """Whether its path computes to, or pins, the id of its workflow.

        A copy made in the web editor keeps the text and gets another id.
        """
        pinned = _PIN.search(self.path)
        owner = unquote(pinned["id"]) if pinned else id_of(self.path)
        return canonical_id(owner) == canonical_id(workflow_id)

    def fields_of(self, block_id: str) -> frozenset[str] | None:
        """Return the fields that were sent for a block; None if they are unknown."""
        sent = self._sent_for(block_id)
        return None if sent is None else frozenset(path[0] for path in sent)

    def secrets_of(self, block_id: str) -> Sent:
        """Return the names of the secrets that were sent in a block, by path."""
        sent = self._sent_for(block_id) or {}
        return {path: name for path, name in sent.items() if name}

    def _sent_for(self, block_id: str) -> Sent | None:
        sent = self.sent or EMPTY
        block_id = block_id.lower()
        return sent.get(block_id, sent.get(block_id[:8]))


def list_sent(fields: Iterable[str], secrets: Sent) -> Sent:
    """Return what a stamp says of a block: its fields, and the secrets in them."""
    heads = {path[0] for path in secrets}
    return {(name,): "" for name in fields if name not in heads} | dict(secrets)


def block_refs(ids: Iterable[str]) -> dict[str, str]:
    """Return the names of blocks in a stamp, by their ids.

    A name is the first 8 characters of the id, or all of it if another block begins
    with the same: ids that people make up often do.
    """
    lowered = {block_id: block_id.lower() for block_id in ids}
    heads = Counter(text[:8] for text in set(lowered.values()))
    return {
        block_id: text[:8] if heads[text[:8]] == 1 else text
        for block_id, text in lowered.items()
    }


def with_stamp(description: str, stamp: Stamp) -> str:
    """Return a description that ends in a stamp, without earlier stamps."""
    text, _ = split_stamp(description)
    if not text:
        return str(stamp)
    # After a carriage return a line feed alone would be read as one break with it.
    extra = "\r" if text.endswith("\r") else ""
    return f"{text}{extra}\n{stamp}"


def split_stamp(
    description: str, workflow_id: str | None = None
) -> tuple[str, Stamp | None]:
    """Return a description without the lines that are stamps, and its stamp.

    Of several stamps, the last one that is genuine for the workflow's id counts. If
    none is genuine, or no id is given, the last one counts.
    """
    if "[flow64:1 " not in description:
        return description, None
    text: list[str] = []
    stamps: list[Stamp] = []
    pieces = ["", *_BREAK.split(description)]  # breaks and lines in turn
    for before, line in zip(pieces[::2], pieces[1::2], strict=True):
        if match := _LINE.fullmatch(line):
            stamps.append(_stamp(match))
        else:
            text += (before, line) if text else (line,)
    of_id = "" if workflow_id is None else workflow_id
    genuine = [stamp for stamp in stamps if stamp.is_genuine(of_id)]
    stamp = next(reversed(genuine or stamps), None)
    return "".join(text), stamp


def genuine_stamp(stamp: Stamp | None, workflow_id: str | None) -> Stamp | None:
    """Return the stamp of a workflow if a deploy of this one left it, else None."""
    is_ours = stamp is not None and stamp.is_genuine(workflow_id or "")
    return stamp if is_ours else None


def _stamp(match: re.Match[str]) -> Stamp:
    path, unbound, bound, commit, text = match.groups()
    sent = None if text == "-" else _read_fields(text)
    return Stamp(path, unbound, bound, None if commit == "-" else commit, sent)


def _fields_text(sent: Mapping[str, Sent]) -> str:
    """Return `field,field!secret=ref,ref;...`, grouped by equal fields."""
    groups: dict[str, list[str]] = {}
    for ref in sorted(sent):
        names = [
            "/".join(map(_escape, path)) + (f"!{_escape(name)}" if name else "")
            for path, name in sent[ref].items()
        ]
        groups.setdefault(",".join(sorted(names)), []).append(ref)
    texts = [f"{names}={','.join(refs)}" for names, refs in sorted(groups.items())]
    return ";".join(texts) or "."


def _escape(name: str) -> str:
    # As they are and not in NFC: the names of spec fields are data.
    return quote(name, safe="") or "%"


def _read_fields(text: str) -> Mapping[str, Sent]:
    """Return what was sent by block reference."""
    sent: dict[str, dict[tuple[str, ...], str]] = {}
    for group in text.split(";") if text != "." else ():
        names, _, refs = group.partition("=")
        pairs = [name.partition("!") for name in names.split(",") if name]
        for ref in refs.split(","):
            sent.setdefault(ref, {}).update(
                (tuple(map(_unescape, place.split("/"))), _unescape(secret))
                for place, _, secret in pairs
            )
    return sent


def _unescape(name: str) -> str:
    return "" if name == "%" else unquote(name)
