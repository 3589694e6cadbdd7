"""Strict reading of a manifest: all of it, or one error with its place."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from errno import EFBIG, EINVAL, ELOOP
from pathlib import Path
from stat import S_ISLNK, S_ISREG
from typing import Any, Final, NoReturn, cast

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
    path_of,
    pointer,
)
from ..errors import ManifestError, did_you_mean, shortened
from ._model import BlockEntry, Entry, Manifest, Pulled, parsed
from ._names import MANIFEST

FORMAT: Final = 1
"""The form of a manifest that is read and written."""

MARK: Final = "flow64:manifest"
"""The member that says which form it has."""


def read_manifest(file: Path) -> Manifest | None:
    """The manifest of a file; None where there is none.

    Raises:
        ManifestError: It cannot be read, or is none; it says where.
    """
    try:
        content = content_of(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = f"it cannot be read: {error.strerror}"
        raise ManifestError(str(file), problem) from None
    reader = _Reader(str(file))
    return reader.manifest(reader.parsed(content))


def content_of(file: Path) -> bytes:
    """The content of a file of a folder, which no link leads out of.

    Raises:
        OSError: It cannot be read.
    """
    mode = file.lstat().st_mode
    if S_ISLNK(mode):
        raise OSError(ELOOP, "it is a link, which is not followed")
    if not S_ISREG(mode):
        raise OSError(EINVAL, "it is no file")
    with file.open("rb") as opened:
        content = opened.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise OSError(EFBIG, f"it is larger than {MAX_BYTES // 2**20} MiB")
    return content


@frozen
class _Twice:
    """An object in which a key stands twice."""

    key: str


_NAME = r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+"
_PATH = re.compile(rf"workflow:{_NAME}(?:/(?:axis|variant):{_NAME})*")
_REF = re.compile(r"[0-9a-f]{8}(?:(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?")
_MARK16 = re.compile(r"[0-9a-f]{16}")
_OBJECT: Final = "an object"


@frozen
class _Reader:
    file: str

    def fail(self, problem: str, *path: str | int) -> NoReturn:
        raise ManifestError(self.file, problem, pointer(path))

    def parsed(self, content: bytes) -> Any:
        if has_more_values([content], MAX_VALUES):
            self.fail(TOO_MANY_VALUES)
        try:
            return json.loads(content.decode(), object_pairs_hook=_object)
        except UnicodeDecodeError:
            self.fail("it is no UTF-8; write it anew: flow64 compile SOURCE -o FOLDER")
        except json.JSONDecodeError as error:
            self.fail(f"no JSON: {error.msg}, in line {error.lineno}")
        except (ValueError, RecursionError):
            self.fail("it nests too deep, or a number in it is too long")

    def manifest(self, data: Any) -> Manifest:
        members = self.object(data)
        if MARK not in members:
            near = did_you_mean(MARK, members)
            self.fail(f"it is no manifest, since {MARK!r} is missing{near}")
        if members[MARK] != FORMAT or isinstance(members[MARK], bool):
            found = shortened(members[MARK])
            self.fail(
                f"its format is {found}, and this flow64 knows {FORMAT}: update "
                "flow64, or compile or pull the folder anew",
                MARK,
            )
        self.known(members, (MARK, "files", "whole"))
        files = self.object(members.get("files", {}), "files")
        for name in files:
            self.file_name(name)
        twins: dict[str, str] = {}
        for name in files:
            other = twins.setdefault(name.casefold(), name)
            if other != name:
                message = f"it is one file with {other!r} on some machines"
                self.fail(message, "files", name)
        return Manifest(
            {name: self.entry(found, "files", name) for name, found in files.items()},
            tuple(
                self.project(self.object(found, "whole", at), "whole", at)
                for at, found in enumerate(self.list(members.get("whole", []), "whole"))
            ),
        )

    def file_name(self, name: str) -> None:
        """Refuse the name of a file that is not one right in the folder."""
        is_inside = not any(sign in name for sign in "/\\:\0") and is_plain(name)
        if not is_inside or not name.endswith(".json") or name.casefold() == MANIFEST:
            message = "it is not the name of a JSON file right in this folder"
            self.fail(message, "files", name)

    def entry(self, data: Any, *at: str | int) -> Entry:
        members = self.object(data, *at)
        self.known(members, _ENTRY, *at)
        owned = {"namespace", "project"} & members.keys()
        blocks = self.object(members.get("blocks", {}), *at, "blocks")
        pulled = members.get("pulled")
        return Entry(
            key=self.key(members, "key", *at),
            path=self.path(members, *at),
            env=self.key(members, "env", *at) if "env" in members else DEFAULT_ENV,
            project=self.project(members, *at) if owned else None,
            pins=self.pins(members.get("pins", {}), *at, "pins"),
            allow=self.texts(members.get("allow", []), *at, "allow"),
            blocks={
                block_id: self.block(found, *at, "blocks", block_id)
                for block_id, found in blocks.items()
            },
            pulled=None if pulled is None else self.pulled(pulled, *at, "pulled"),
        )

    def project(self, members: Mapping[str, Any], *at: str | int) -> ProjectKey:
        if at[0] == "whole":
            self.known(members, ("namespace", "project"), *at)
        return ProjectKey(
            self.key(members, "project", *at), self.key(members, "namespace", *at)
        )

    def path(self, members: Mapping[str, Any], *at: str | int) -> str:
        path = self.text(members, "path", *at)
        segments = parsed(path) if _PATH.fullmatch(path) else []
        is_right = segments and all(is_key(name) for _, name in segments)
        if not is_right or path_of(segments) != path:
            message = f"{shortened(path)} is no path, such as 'workflow:inbound'"
            self.fail(message, *at, "path")
        return path

    def pins(self, data: Any, *at: str | int) -> Mapping[str, str]:
        members = self.object(data, *at)
        for env in members:
            self.text(members, env, *at)
        return cast("Mapping[str, str]", members)

    def block(self, data: Any, *at: str | int) -> BlockEntry:
        if not is_uuid(at[-1]) or at[-1] != str(at[-1]).lower():
            self.fail("the id of a block is a UUID in lower case", *at)
        members = self.object(data, *at)
        self.known(members, ("key", "allow", "extra"), *at)
        return BlockEntry(
            self.text(members, "key", *at),
            self.texts(members.get("allow", []), *at, "allow"),
            self.texts(members.get("extra", []), *at, "extra"),
        )

    def pulled(self, data: Any, *at: str | int) -> Pulled:
        members = self.object(data, *at)
        self.known(members, ("env", "unbound", "bound", "fields"), *at)
        for name in ("unbound", "bound"):
            if not _MARK16.fullmatch(self.text(members, name, *at)):
                self.fail("a fingerprint here has 16 hex digits", *at, name)
        fields = self.object(members.get("fields"), *at, "fields")
        for ref in fields:
            if not _REF.fullmatch(ref):
                self.fail("a block is named by 8 hex digits or its id", *at, "fields")
        return Pulled(
            self.key(members, "env", *at),
            members["unbound"],
            members["bound"],
            {
                ref: frozenset(self.texts(names, *at, "fields", ref))
                for ref, names in fields.items()
            },
        )

    # -- Shapes ------------------------------------------------------------------------

    def object(self, data: Any, *at: str | int) -> Mapping[str, Any]:
        if isinstance(data, _Twice):
            self.fail(f"the key {shortened(data.key)} stands twice; keep one", *at)
        if not isinstance(data, dict):
            self.fail(f"it is to be an object, not {shortened(data)}", *at)
        return cast("Mapping[str, Any]", data)

    def list(self, data: Any, *at: str | int) -> Sequence[Any]:
        if not isinstance(data, list):
            self.fail(f"it is to be a list, not {shortened(data)}", *at)
        return cast("Sequence[Any]", data)

    def texts(self, data: Any, *at: str | int) -> tuple[str, ...]:
        return tuple(self._texts(data, *at))

    def _texts(self, data: Any, *at: str | int) -> Iterator[str]:
        for position, found in enumerate(self.list(data, *at)):
            if not isinstance(found, str):
                self.fail(f"it is to be text, not {shortened(found)}", *at, position)
            yield found

    def text(self, members: Mapping[str, Any], name: str, *at: str | int) -> str:
        if name not in members:
            near = did_you_mean(name, members)
            self.fail(f"{name!r} is missing{near}", *at)
        found = members[name]
        if not isinstance(found, str) or not is_plain(found):
            self.fail(f"it is to be text, not {shortened(found)}", *at, name)
        return found

    def key(self, members: Mapping[str, Any], name: str, *at: str | int) -> str:
        found = self.text(members, name, *at)
        if not is_key(found):
            message = f"{shortened(found)} is no key: those have 1 to 512 characters"
            self.fail(message, *at, name)
        return found

    def known(
        self, members: Mapping[str, Any], names: Sequence[str], *at: str | int
    ) -> None:
        for name in members:
            if name not in names:
                near = did_you_mean(name, names)
                self.fail(f"nobody knows this member{near}", *at, name)


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


def _object(pairs: list[tuple[str, Any]]) -> Any:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    times = Counter(key for key, _ in pairs)
    return _Twice(times.most_common(1)[0][0])
