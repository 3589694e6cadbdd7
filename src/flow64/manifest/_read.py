"""Strict reading of a manifest: all of it, or one error with its place."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from errno import EFBIG, EINVAL, ELOOP
from pathlib import Path
from stat import S_ISLNK, S_ISREG
from typing import Any, Final, NoReturn

from attrs import frozen

from ..compiler import is_key
from ..definition import (
    DEFAULT_ENV,
    MAX_BYTES,
    MAX_VALUES,
    TOO_MANY_VALUES,
    ProjectKey,
    has_more_values,
    is_plain,
    is_uuid,
    parse_path,
    path_of,
    pointer,
)
from ..errors import ManifestError, did_you_mean, shortened
from ._model import BlockEntry, Entry, Manifest, Pulled
from ._names import MANIFEST

FORMAT: Final = 1
"""The format version that is read and written."""

MARK: Final = "flow64:manifest"
"""The member that holds the format version."""


def read_manifest(file: Path) -> Manifest | None:
    """Read a manifest. Return None if the file does not exist.

    Raises:
        ManifestError: It cannot be read, or is not a manifest. The error says where.
    """
    try:
        content = content_of(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = f"it cannot be read: {error.strerror}"
        raise ManifestError(str(file), problem) from None
    return _read_manifest(_parse(str(file), content))


def content_of(file: Path) -> bytes:
    """Return the content of a regular file. Links are not followed.

    Raises:
        OSError: It cannot be read.
    """
    mode = file.lstat().st_mode
    if S_ISLNK(mode):
        raise OSError(ELOOP, "it is a link, which is not followed")
    if not S_ISREG(mode):
        raise OSError(EINVAL, "it is not a regular file")
    with file.open("rb") as opened:
        content = opened.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise OSError(EFBIG, f"it is larger than {MAX_BYTES // 2**20} MiB")
    return content


# -- Shapes ---------------------------------------------------------------------------


@frozen
class _RepeatedKey:
    """Stands for an object that has a key twice."""

    key: str


@frozen
class _Node:
    """A JSON value of a manifest, and its place."""

    file: str
    data: Any
    path: tuple[str, ...] = ()

    def fail(self, problem: str, *inner: str) -> NoReturn:
        """Raise an error at this place, or at one inside it."""
        raise ManifestError(self.file, problem, pointer((*self.path, *inner)))

    def get(self, name: str, default: Any = None) -> _Node:
        """Return a member of an object."""
        data = self.data.get(name, default)
        return _Node(self.file, data, (*self.path, name))

    def require(self, name: str) -> _Node:
        """Return a member that must exist."""
        if name not in self.data:
            self.fail(f"{name!r} is missing{did_you_mean(name, self.data)}")
        return self.get(name)

    def has(self, name: str) -> bool:
        """Return True if an object has a member."""
        return name in self.data

    def require_object(self, *known: str) -> None:
        """Refuse anything but an object with these members, or with any."""
        if isinstance(self.data, _RepeatedKey):
            self.fail(f"it has the key {shortened(self.data.key)} twice; keep one")
        if not isinstance(self.data, dict):
            self.fail(f"it must be an object, not {shortened(self.data)}")
        for name in self.data if known else ():
            if name not in known:
                self.fail(f"it is not a known member{did_you_mean(name, known)}", name)

    def members(self) -> Mapping[str, _Node]:
        """Return the members of an object, by name."""
        self.require_object()
        return {name: self.get(name) for name in self.data}

    def items(self) -> Sequence[_Node]:
        """Return the items of a list."""
        if not isinstance(self.data, list):
            self.fail(f"it must be a list, not {shortened(self.data)}")
        return [
            _Node(self.file, item, (*self.path, str(at)))
            for at, item in enumerate(self.data)
        ]

    def text(self) -> str:
        """Return a text without surrogates."""
        if not isinstance(self.data, str) or not is_plain(self.data):
            self.fail(f"it must be text, not {shortened(self.data)}")
        return self.data

    def texts(self) -> tuple[str, ...]:
        """Return a list of texts."""
        for item in self.items():
            if not isinstance(item.data, str):
                item.text()
        return tuple(self.data)

    def key(self) -> str:
        """Return a key."""
        if not is_key(self.text()):
            self.fail(f"{shortened(self.data)} is not a key of 1 to 512 characters")
        return self.text()


def _parse(file: str, content: bytes) -> _Node:
    root = _Node(file, None)
    if has_more_values([content], MAX_VALUES):
        root.fail(TOO_MANY_VALUES)
    try:
        data = json.loads(content.decode(), object_pairs_hook=_make_object)
    except UnicodeDecodeError:
        root.fail("it is not UTF-8; write it anew: flow64 compile SOURCE -o FOLDER")
    except json.JSONDecodeError as error:
        root.fail(f"it is not valid JSON: {error.msg}, in line {error.lineno}")
    except (ValueError, RecursionError):
        root.fail("it nests too deep, or a number in it is too long")
    return _Node(file, data)


def _make_object(pairs: list[tuple[str, Any]]) -> Any:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    times = Counter(key for key, _ in pairs)
    return _RepeatedKey(times.most_common(1)[0][0])


# -- Content --------------------------------------------------------------------------

_NAME: Final = r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+"
_PATH: Final = re.compile(rf"workflow:{_NAME}(?:/(?:axis|variant):{_NAME})*")
_REF: Final = re.compile(r"[0-9a-f]{8}(?:(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?")
_MARK16: Final = re.compile(r"[0-9a-f]{16}")
_ENTRY: Final = (
    "allow",
    "blocks",
    "env",
    "key",
    "namespace",
    "path",
    "pins",
    "project",
    "pulled",
)


def _read_manifest(root: _Node) -> Manifest:
    root.require_object()
    if not root.has(MARK):
        near = did_you_mean(MARK, root.data)
        root.fail(f"it is not a manifest, since {MARK!r} is missing{near}")
    version = root.get(MARK)
    if version.data != FORMAT or isinstance(version.data, bool):
        version.fail(
            f"its format is {shortened(version.data)}, and this flow64 knows {FORMAT}: "
            "update flow64, or compile or pull the folder anew"
        )
    root.require_object(MARK, "files", "whole")
    files = root.get("files", {}).members()
    for name, file in files.items():
        is_inside = not any(sign in name for sign in "/\\:\0") and is_plain(name)
        if not is_inside or not name.endswith(".json") or name.casefold() == MANIFEST:
            file.fail("it is not the name of a JSON file right in this folder")
    twins: dict[str, str] = {}
    for name, file in files.items():
        other = twins.setdefault(name.casefold(), name)
        if other != name:
            file.fail(f"it is one file with {other!r} on some machines")
    entries = {name: _read_entry(file) for name, file in files.items()}
    return Manifest(entries, tuple(map(_read_whole, root.get("whole", []).items())))


def _read_whole(node: _Node) -> ProjectKey:
    node.require_object("namespace", "project")
    return _read_project(node)


def _read_project(node: _Node) -> ProjectKey:
    return ProjectKey(node.require("project").key(), node.require("namespace").key())


def _read_entry(node: _Node) -> Entry:
    node.require_object(*_ENTRY)
    is_owned = node.has("namespace") or node.has("project")
    blocks = node.get("blocks", {}).members()
    pulled = node.get("pulled")
    return Entry(
        key=node.require("key").key(),
        path=_read_path(node.require("path")),
        env=node.get("env", DEFAULT_ENV).key(),
        project=_read_project(node) if is_owned else None,
        pins={env: pin.text() for env, pin in node.get("pins", {}).members().items()},
        allow=node.get("allow", []).texts(),
        blocks={block_id: _read_block(one) for block_id, one in blocks.items()},
        pulled=None if pulled.data is None else _read_pulled(pulled),
    )


def _read_path(node: _Node) -> str:
    path = node.text()
    segments = parse_path(path) if _PATH.fullmatch(path) else []
    is_right = segments and all(is_key(name) for _, name in segments)
    if not is_right or path_of(segments) != path:
        node.fail(f"{shortened(path)} is not a path, such as 'workflow:inbound'")
    return path


def _read_block(node: _Node) -> BlockEntry:
    block_id = node.path[-1]
    if not is_uuid(block_id) or block_id != block_id.lower():
        node.fail("the id of a block is a UUID in lower case")
    node.require_object("key", "allow", "extra")
    return BlockEntry(
        node.require("key").text(),
        node.get("allow", []).texts(),
        node.get("extra", []).texts(),
    )


def _read_pulled(node: _Node) -> Pulled:
    node.require_object("env", "unbound", "bound", "fields")
    for mark in (node.require("unbound"), node.require("bound")):
        if not _MARK16.fullmatch(mark.text()):
            mark.fail("a fingerprint here has 16 hex digits")
    fields = node.get("fields")
    names = fields.members()
    if not all(map(_REF.fullmatch, names)):
        fields.fail("a block is named by 8 hex digits or its id")
    return Pulled(
        node.require("env").key(),
        node.data["unbound"],
        node.data["bound"],
        {ref: frozenset(one.texts()) for ref, one in names.items()},
    )
