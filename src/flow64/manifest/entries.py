"""Manifests: folders of JSON, of which `flow64.json` says who each file is.

A file holds the body of one workflow with one id. Its entry holds the keys that its ids
are made from. So a check, a plan or a deploy needs no code.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Container, Mapping, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NewType

import cattrs
from attrs import asdict, evolve, field, frozen

from .. import files
from ..compiler import Identity, is_key
from ..definition.freezing import EMPTY, is_plain, pointer
from ..definition.ids import (
    DEFAULT_ENV,
    ProjectKey,
    canonical_id,
    escape_key,
    parse_path,
    path_of,
)
from ..definition.model import Definition, ListedOrigins
from ..definition.reading import (
    MAX_BYTES,
    TOO_MANY_VALUES,
    decode,
    has_too_many_values,
    loads,
    parse_json,
)
from ..definition.stamp import Stamp
from ..diagnostics import Place
from ..errors import ReadError, SourceError, read_error
from ..tables import Reader, WrongValueError
from ..text import shortened
from ..workflow import Workflow

MANIFEST: Final = "flow64.json"
"""The file name of a manifest. No workflow gets it."""

MARK: Final = "flow64:manifest"
"""The member that holds the format version."""

FORMAT: Final = 1
"""The format version that is read and written."""

LONGEST: Final = 180
"""Maximum characters of a file name. File systems allow 255 bytes."""


# -- Entries --------------------------------------------------------------------------


@frozen
class BlockEntry:
    """The facts about a block that only code has.

    Attributes:
        key: Its key path, such as `work/find_email`.
        allow: Codes of findings that it silences.
        extra: Names of spec fields that are passed on without being checked.
    """

    key: str
    allow: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


@frozen
class Pulled:
    """The state of a workflow when it was pulled. It serves as the stamp of a deploy.

    Attributes:
        env: The environment it was pulled from.
        unbound: First 16 hex digits of the fingerprint of the saved file.
        bound: First 16 hex digits of the fingerprint of the live workflow.
        fields: Names of the live spec fields, by block reference.
    """

    env: str
    unbound: str
    bound: str
    fields: Mapping[str, frozenset[str]] = EMPTY


@frozen
class Entry:
    """The entry of one file.

    Attributes:
        key: The workflow's key.
        path: The path that its ids are computed from, below the project and without the
            environment. With `was=` it has the old key.
        env: The environment of the id in the file.
        project: The owner of the ids.
        pins: Pinned ids of an imported workflow, by environment.
        allow: Codes of findings that the whole workflow silences.
        blocks: The blocks, by their id.
        pulled: Its state when it was pulled, if it was pulled.
    """

    key: str
    path: str
    env: str = DEFAULT_ENV
    project: ProjectKey | None = None
    pins: Mapping[str, str] = EMPTY
    allow: tuple[str, ...] = ()
    blocks: Mapping[str, BlockEntry] = EMPTY
    pulled: Pulled | None = None

    def identity(
        self, name: str = "", description: str = "", place: Place | None = None
    ) -> Identity:
        """Return the identity that the code gave, with the texts of the file."""
        (_, first), *segments = parse_path(self.path)
        was = None if escape_key(self.key) == escape_key(first) else first
        pins = {"workflow": self.pins} if self.pins else EMPTY
        ids = (self.key, was, self.project, segments, None, pins)
        return Identity(name, description, *ids, place)

    def read(self, content: bytes, path: Path) -> Workflow:
        """Return the workflow of a file, with the keys of this entry.

        Raises:
            ReadError: It is not a workflow, or has another id than its entry.
        """
        definition = loads(content, source=str(path))
        origins = [definition.origins[at] for at in range(len(definition.blocks))]
        for at, block in enumerate(definition.blocks):
            if (entry := self.blocks.get(canonical_id(block.id))) is not None:
                origins[at] = evolve(
                    origins[at], path=entry.key, allowed=entry.allow, extra=entry.extra
                )
        # A pull has written what its entry allows, and others may have edited the file.
        read = evolve(
            definition,
            origins=ListedOrigins(origins),
            allowed=frozenset(self.allow),
            is_answer=False,
        )
        texts = (definition.name, definition.description)
        identity = self.identity(*texts, Place(str(path), 1))
        workflow = Workflow.from_definition(read, identity)
        wanted = canonical_id(workflow.id(self.env))
        if definition.path is None and canonical_id(str(definition.id)) != wanted:
            problem = (
                f"it has the id {definition.id}, and in environment {self.env!r} its "
                f"entry in {MANIFEST} makes {wanted}; compile or pull it anew"
            )
            raise unreadable(path, problem)
        return workflow

    def stamp_in(self, env: str) -> Stamp | None:
        """Return the stamp for an environment, if it was pulled from there."""
        pulled = self.pulled
        if pulled is None or pulled.env != env:
            return None
        _, path = self.identity().id_and_path(env)
        return Stamp(path, pulled.unbound, pulled.bound, fields=pulled.fields)


def entry_of(
    workflow: Workflow, definition: Definition, env: str, pulled: Pulled | None = None
) -> Entry | None:
    """Return the entry of a compiled workflow; None if it has no keys.

    A workflow that was read from JSON alone has no keys, only the id in its file.

    Args:
        workflow: The workflow.
        definition: Its definition in the environment `env`.
        env: The environment.
        pulled: Its state when it was pulled.
    """
    identity = workflow.identity
    if identity.key is None and not workflow.flows:
        return None
    pins = dict(identity.pins.get("workflow", EMPTY))
    if identity.id is not None:
        pins[DEFAULT_ENV] = identity.id
    owned = identity.segments_in(DEFAULT_ENV)
    below = next(at for at, (tag, _) in enumerate(owned) if tag == "workflow")
    blocks: dict[str, BlockEntry] = {}
    for at, block in enumerate(definition.blocks):
        origin = definition.origins[at]
        if origin.path is not None:
            codes, fields = tuple(sorted(origin.allowed)), tuple(sorted(origin.extra))
            blocks[canonical_id(block.id)] = BlockEntry(origin.path, codes, fields)
    project = None if identity.project is None else _plain(identity.project)
    allow = tuple(sorted(definition.allowed))
    path = path_of(owned[below:])
    return Entry(identity.shown_key, path, env, project, pins, allow, blocks, pulled)


def _plain(project: ProjectKey) -> ProjectKey:
    """Return a project as a plain `ProjectKey`, which is equal to others."""
    return ProjectKey(project.key, project.namespace)


@frozen
class Manifest:
    """The entries of the compiled workflows of a folder.

    Attributes:
        files: The entries, by file name.
        whole: The projects that were compiled with all their workflows.
    """

    files: Mapping[str, Entry] = field(factory=dict[str, Entry])
    whole: tuple[ProjectKey, ...] = ()

    def update(
        self,
        entries: Mapping[str, Entry],
        *,
        whole: Sequence[ProjectKey] = (),
        there: Container[str] = (),
    ) -> Manifest:
        """Return the manifest after some files were written.

        Entries of other existing files are kept. If a whole project was compiled, its
        other entries are dropped. A project is no longer whole if one of its files is
        dropped, or if only a part of it was compiled and brings a new file.

        Args:
            entries: The entries of the written files.
            whole: The projects that were compiled with all their workflows.
            there: The names of the existing files.
        """
        keys = [*map(_plain, whole)]
        kept = {
            file: entry
            for file, entry in self.files.items()
            if file not in entries and file in there and entry.project not in keys
        }
        after = {**kept, **entries}
        doubtful = [e.project for f, e in self.files.items() if f not in after]
        for file, entry in entries.items():
            before = self.files.get(file)
            if before is None or before.project != entry.project:
                doubtful += [entry.project, before.project if before else None]
        still = [project for project in self.whole if project not in doubtful]
        named = {
            (project.namespace, project.key): project for project in (*still, *keys)
        }
        return Manifest(after, tuple(named[name] for name in sorted(named)))


# -- File names ------------------------------------------------------------------------


def name_parts(identity: Identity) -> Sequence[str]:
    """Return the key of a workflow and the names of its variant, as valid text."""
    variant = [name for tag, name in identity.segments if tag == "variant"]
    return [
        str(part).encode("utf-8", "backslashreplace").decode()
        for part in (identity.shown_key, *variant)
    ]


def stem_of(parts: Sequence[str]) -> str:
    """Return the file name of a workflow, without `.json`.

    It never leads out of its folder. Two workflows never share one, unless their names
    differ only in the case of letters.

    >>> stem_of(["inbound", "us"]), stem_of(["../x"]), stem_of(["flow64"])
    ('inbound@us', '..%2Fx', 'flow64@@2850855b94e8')

    Args:
        parts: The key, and the names of the variant.
    """
    # An escaped part has no @, so different names stay different.
    stem = "@".join(map(escape_key, parts))
    if len(stem) > LONGEST or f"{stem.casefold()}.json" == MANIFEST:
        digest = sha256("/".join(parts).encode())
        stem = f"{stem[:LONGEST]}@@{digest.hexdigest()[:12]}"
    return stem


# -- Reading ---------------------------------------------------------------------------


def unreadable(path: Path, problem: str, *place: str) -> ReadError:
    """Return the error of a file or folder that cannot be used."""
    where = pointer(place) if place else None
    return read_error(problem, str(path), pointer=where)


def read_content(path: Path) -> bytes:
    """Return the content of a regular file. Links are not followed.

    Raises:
        ReadError: It cannot be read, or is too large.
    """
    try:
        files.require_plain(path)
        if path.lstat().st_size <= MAX_BYTES:
            return files.read_whole(path, MAX_BYTES)
        problem = f"it is larger than {MAX_BYTES // 2**20} MiB"
    except FileNotFoundError:
        problem = "the file is missing; compile or pull it anew"
    except OSError as error:
        problem = f"it cannot be read ({error.strerror})"
    except files.Unusable as error:
        problem = str(error)
    raise unreadable(path, problem)


def read_manifest(file: Path) -> Manifest | None:
    """Read a manifest. Return None if the file does not exist.

    Raises:
        ReadError: It cannot be read, or is not a manifest. The error says where.
    """
    if not os.path.lexists(file):
        return None
    content = read_content(file)
    if has_too_many_values(content):
        raise unreadable(file, TOO_MANY_VALUES)
    data = parse_json(decode(content, str(file)), str(file))
    if not isinstance(data, dict) or MARK not in data:
        raise unreadable(file, f"it is not a manifest: it has no {MARK!r}")
    version = data.pop(MARK)
    if version != FORMAT or isinstance(version, bool):
        problem = f"its format is {shortened(version)}, and this flow64 knows {FORMAT}"
        raise unreadable(file, f"{problem}: update flow64, or pull anew", MARK)
    try:
        manifest: Manifest = _reader.converter.structure(data, Manifest)
    except cattrs.BaseValidationError as error:
        place, problem = next(_reader.list_mistakes(error))
        raise unreadable(file, problem, *place) from None
    if len({*map(str.casefold, manifest.files)}) < len(manifest.files):
        problem = "two names are that of one file on some machines"
        raise unreadable(file, problem, "files")
    return manifest


def read_workflow(folder: Path, manifest: Manifest, file: str) -> Workflow:
    """Read the workflow of one file that a manifest lists.

    Raises:
        ReadError: The file is missing, is not a workflow, or has another id than its
            entry.
    """
    return manifest.files[file].read(read_content(folder / file), folder / file)


def _as_text(value: Any, _: object = str) -> str:
    if isinstance(value, str) and is_plain(value):
        return value
    raise WrongValueError(f"it must be text, not {shortened(value)}")


def _as_key(value: Any, _: object) -> str:
    if not is_key(text := _as_text(value)):
        raise WrongValueError(f"{shortened(text)} is not a key of 1 to 512 characters")
    return text


_NAME: Final = r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+"
_PATH: Final = re.compile(rf"workflow:{_NAME}(?:/(?:axis|variant):{_NAME})*")


def _as_path(value: Any, _: object) -> str:
    path = _as_text(value)
    segments = parse_path(path) if _PATH.fullmatch(path) else []
    is_right = segments and all(is_key(name) for _, name in segments)
    if not is_right or path_of(segments) != path:
        problem = f"{shortened(path)} is not a path, such as 'workflow:inbound'"
        raise WrongValueError(problem)
    return path


def _as_file(value: Any, _: object) -> str:
    name = _as_text(value)
    is_inside = not {*"/\\:"} & {*name} and name.isprintable()
    if not is_inside or not name.endswith(".json") or name.casefold() == MANIFEST:
        raise WrongValueError("it is not the name of a JSON file right in this folder")
    return name


def _as_texts(value: Any, _: object) -> tuple[str, ...]:
    return tuple(map(_as_text, _as_list(value)))


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    raise WrongValueError(f"it must be a list, not {shortened(value)}")


def _as_project(value: Any, _: object) -> ProjectKey:
    names = _reader.mapping(_Key)(value, _)
    if names.keys() == {"project", "namespace"}:
        return ProjectKey(names["project"], names["namespace"])
    raise WrongValueError("write 'project' and 'namespace', and nothing else")


def _join_project(data: dict[str, Any]) -> dict[str, Any]:
    """Return an entry in which the two keys of its project are an object."""
    owner = {name: data[name] for name in ("project", "namespace") if name in data}
    others = {name: item for name, item in data.items() if name not in owner}
    return {**others, "project": owner} if owner else others


_File = NewType("_File", str)
_Key = NewType("_Key", str)
_Names = NewType("_Names", frozenset[str])

_reader: Final = Reader(
    {
        str: _as_text,
        _File: _as_file,
        _Key: _as_key,
        _Names: lambda value, _: frozenset(_as_texts(value, _)),
        ProjectKey: _as_project,
    },
    "an object",
)
_reader.add(BlockEntry, allow=_as_texts, extra=_as_texts)
_reader.add(Pulled, env=_as_key, fields=_reader.mapping(_Names))
_reader.add(
    Entry,
    form=_join_project,
    key=_as_key,
    path=_as_path,
    env=_as_key,
    pins=_reader.mapping(str),
    allow=_as_texts,
    blocks=_reader.mapping(BlockEntry),
)
_reader.add(
    Manifest,
    files=_reader.mapping(Entry, _File),
    whole=lambda value, _: tuple(_as_project(item, _) for item in _as_list(value)),
)


# -- Writing ---------------------------------------------------------------------------


def as_text(manifest: Manifest) -> str:
    """Return the text of a manifest: sorted, with the same bytes everywhere."""
    data = {
        MARK: FORMAT,
        "files": {file: _dump(entry) for file, entry in manifest.files.items()},
        "whole": [_dump_project(project) for project in manifest.whole],
    }
    return (
        json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False, sort_keys=True)
        + "\n"
    )


def _dump(entry: Entry) -> dict[str, Any]:
    # What is empty is left out.
    data = asdict(entry, filter=lambda _, value: bool(value))
    if entry.project is not None:
        data |= _dump_project(entry.project)
    if entry.pulled is not None:
        names = {ref: sorted(names) for ref, names in entry.pulled.fields.items()}
        data["pulled"] = {**asdict(entry.pulled), "fields": names}
    return data


def _dump_project(project: ProjectKey) -> dict[str, Any]:
    return {"namespace": project.namespace, "project": project.key}


def write_all(
    folder: Path, texts: Mapping[str, str], *, is_private: bool = False
) -> Sequence[Path]:
    """Write files into a folder, the manifest last. Each is complete or unchanged.

    Args:
        folder: The folder. It is made if it does not exist.
        texts: The content of each file, by its name.
        is_private: Whether only their owner may read and write them.

    Raises:
        SourceError: A file cannot be written.
    """
    names = sorted(texts, key=lambda name: name == MANIFEST)
    contents = {folder / name: texts[name].encode() for name in names}
    path = folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files.sweep(folder)
        for path in contents:
            if path.is_dir():
                raise IsADirectoryError(21, "it is a folder")
        for path, content in contents.items():
            mode = 0o600 if is_private else 0o666
            with closing(files.NewFile(folder, mode=mode)) as new:
                new.file.write(content)
                new.file.flush()
                files.move_file(new.path, path, overwrite=True)
    except OSError as error:
        raise SourceError(f"{path} cannot be written ({error.strerror})") from error
    return [*contents]
