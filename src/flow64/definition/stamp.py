"""The stamp: the line of a deployed description that names the deployed code.

A wire format: `[flow64:1 PATH unbound16 bound16 commit FIELDS]`, on a line of its own.
FIELDS names what was sent, and marks secrets by their names, as in `url!hook`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias
from urllib.parse import quote, unquote

from attrs import frozen

from .freezing import EMPTY
from .ids import canonical_id, id_of

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

    @property
    def is_committed(self) -> bool:
        """Whether its commit has all of the code, or it names no commit."""
        return self.commit is None or not self.commit.endswith(UNCOMMITTED)

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
