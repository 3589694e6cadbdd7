"""Manifests: folders of JSON with a `flow64.json` that says what each file is.

A file holds the body of one workflow with one id. Its entry holds the keys that its ids
are made from. So a check, a plan or a deploy needs no code.

    manifest = read_manifest(Path("compiled/flow64.json"))
    for file, entry in manifest.files.items():
        path = Path("compiled", file)
        print(file, entry.read(read_content(path), path).id("prod"))
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NewType

import cattrs
from attrs import asdict, evolve, field, frozen

from . import files
from .compiler import Identity, is_key
from .definition import EMPTY, Definition, ListedOrigins, ids, is_plain
from .definition.reading import MAX_BYTES, loads, parse_json
from .diagnostics import Place
from .errors import ReadError, SourceError, read_error
from .tables import WrongValueError, add_class, list_mistakes, make_converter
from .text import shortened
from .workflow import Workflow

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
    fields: Mapping[str, tuple[str, ...]] = EMPTY


@frozen
class Entry:
    """The entry of one file.

    Attributes:
        key: The workflow's key.
        path: The path of its keys, below the project and without the environment.
        env: The environment of the id in the file.
        project: The key of the project that owns the ids.
        namespace: The namespace of the project.
        was: The path that its ids are computed from, if it is another one, as `was=`
            has it.
        project_was: The namespace and key that the project had before, as well.
        pins: Pinned ids of an imported workflow, by environment.
        allow: Codes of findings that the whole workflow silences.
        blocks: The blocks, by their id.
        schedules: The cron expression and time zone of each schedule, by its name; a
            paused one has `paused` after them.
        pulled: Its state when it was pulled, if it was pulled.
    """

    key: str
    path: str
    env: str = ids.DEFAULT_ENV
    project: str | None = None
    namespace: str | None = field(default=None)
    was: str | None = None
    project_was: str | None = None
    pins: Mapping[str, str] = EMPTY
    allow: tuple[str, ...] = ()
    blocks: Mapping[str, BlockEntry] = EMPTY
    schedules: Mapping[str, str] = EMPTY
    pulled: Pulled | None = None

    @namespace.validator
    def _check_namespace(self, _: object, namespace: str | None) -> None:
        if (namespace is None) != (self.project is None):
            raise WrongValueError("write both project and namespace, or neither")

    @property
    def owner(self) -> ids.ProjectKey | None:
        """The owner of the ids."""
        if self.project is None or self.namespace is None:
            return None
        return ids.ProjectKey(self.project, self.namespace, was=self.project_was)

    def identity(
        self, name: str = "", description: str = "", place: Place | None = None
    ) -> Identity:
        """Return the identity that the code gave, with the texts of the file."""
        _, *segments = ids.parse_path(self.path)
        pins = {"workflow": self.pins} if self.pins else EMPTY
        keys = (self.key, self.was, self.owner, segments, None, pins)
        return Identity(name, description, *keys, place)

    def read(self, content: bytes, path: Path) -> Workflow:
        """Return the workflow of a file, with the keys of this entry.

        Raises:
            ReadError: It is not a workflow, or has another id than its entry.
        """
        definition = loads(content, source=str(path))
        origins = [definition.origins[at] for at in range(len(definition.blocks))]
        for at, block in enumerate(definition.blocks):
            if (entry := self.blocks.get(ids.canonical_id(block.id))) is not None:
                origins[at] = evolve(
                    origins[at], path=entry.key, allowed=entry.allow, extra=entry.extra
                )
        # A pull has written what its entry allows, and others may have edited the file.
        read = evolve(
            definition,
            origins=ListedOrigins(origins.__getitem__),
            allowed=frozenset(self.allow),
            is_answer=False,
            schedules=self.schedules,
        )
        texts = (definition.name, definition.description)
        identity = self.identity(*texts, Place(str(path), 1))
        workflow = Workflow.from_definition(read, identity)
        wanted = ids.canonical_id(workflow.id(self.env))
        if definition.path is None and ids.canonical_id(str(definition.id)) != wanted:
            problem = (
                f"it has the id {definition.id}, and in environment {self.env!r} its "
                f"entry in {MANIFEST} makes {wanted}; compile or pull it anew"
            )
            raise unreadable(path, problem)
        return workflow

    def stamp_in(self, env: str) -> ids.Stamp | None:
        """Return the stamp for an environment, if it was pulled from there."""
        pulled = self.pulled
        if pulled is None or pulled.env != env:
            return None
        _, path = self.identity().id_and_path(env)
        sent = {ref: ids.list_sent(names, {}) for ref, names in pulled.fields.items()}
        return ids.Stamp(path, pulled.unbound, pulled.bound, sent=sent)


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
        pins[ids.DEFAULT_ENV] = identity.id
    blocks: dict[str, BlockEntry] = {}
    for at, block in enumerate(definition.blocks):
        origin = definition.origins[at]
        if origin.path is not None:
            codes, fields = tuple(sorted(origin.allowed)), tuple(sorted(origin.extra))
            blocks[ids.canonical_id(block.id)] = BlockEntry(origin.path, codes, fields)
    project = identity.project
    return Entry(
        identity.shown_key,
        ids.path_of([("workflow", identity.shown_key), *identity.segments]),
        env,
        project.key if project else None,
        project.namespace if project else None,
        identity.was,
        project.was if project else None,
        pins,
        tuple(sorted(definition.allowed)),
        blocks,
        definition.schedules or EMPTY,
        pulled,
    )


@frozen
class Manifest:
    """The entries of the compiled workflows of a folder.

    Attributes:
        files: The entries, by file name.
        part: Whether their projects may have other workflows.
    """

    files: Mapping[str, Entry] = field(factory=dict[str, Entry])
    part: bool = False

    def update(
        self,
        entries: Mapping[str, Entry],
        *,
        whole: Sequence[ids.ProjectKey] = (),
        there: Container[str] = (),
    ) -> Manifest:
        """Return the manifest after some files were written.

        Entries of other existing files are kept. If a whole project was compiled, its
        other entries are dropped.

        Args:
            entries: The entries of the written files.
            whole: The projects that were compiled with all their workflows.
            there: The names of the existing files.
        """
        owners = {(project.key, project.namespace) for project in whole}
        kept = {
            file: entry
            for file, entry in self.files.items()
            if file in there and (entry.project, entry.namespace) not in owners
        }
        files = {**kept, **entries}
        if whole:
            return Manifest(files, self.part and bool(kept))
        return Manifest(files, self.part or files.keys() != self.files.keys())


# -- File names ------------------------------------------------------------------------


def name_parts(identity: Identity) -> Sequence[str]:
    """Return the key of a workflow and the names of its variant, as valid text."""
    return [
        str(part).encode("utf-8", "backslashreplace").decode()
        for tag, part in identity.present
        if tag in ("workflow", "variant")
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
    stem = "@".join(map(ids.escape_key, parts))
    if len(stem) > LONGEST or f"{stem.casefold()}.json" == MANIFEST:
        digest = sha256("/".join(parts).encode())
        stem = f"{stem[:LONGEST]}@@{digest.hexdigest()[:12]}"
    return stem


# -- Reading ---------------------------------------------------------------------------


def unreadable(path: Path, problem: str) -> ReadError:
    """Return the error of a file or folder that cannot be used."""
    return read_error(problem, str(path))


def read_content(path: Path) -> bytes:
    """Return the content of a regular file. Links are not followed.

    Raises:
        ReadError: It cannot be read, or is too large.
    """
    try:
        return files.read_whole(path, MAX_BYTES)
    except FileNotFoundError:
        problem = "the file is missing; compile or pull it anew"
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
    data = parse_json(content, str(file))
    if not isinstance(data, dict) or data.pop(MARK, None) != FORMAT:
        problem = f"it is not a manifest: {MARK} is not {FORMAT}"
        raise unreadable(file, f"{problem}; update flow64, or compile or pull anew")
    try:
        manifest: Manifest = _converter.structure(data, Manifest)
    except cattrs.BaseValidationError as error:
        raise unreadable(file, list_mistakes(error, "$")[0]) from None
    return manifest


def _as_text(value: Any, _: object = str) -> str:
    if isinstance(value, str) and is_plain(value):
        return value
    raise WrongValueError(f"it must be text, not {shortened(value)}")


def _text_that(
    is_valid: Callable[[str], bool], words: str
) -> Callable[[Any, object], str]:
    """Return a hook that reads a text, and says what it has to be."""

    def read(value: Any, _: object) -> str:
        if is_valid(text := _as_text(value)):
            return text
        raise WrongValueError(f"{shortened(text)} is not {words}")

    return read


def _is_path(path: str) -> bool:
    segments = ids.parse_path(path)
    tags, names = zip(*segments, strict=True)
    is_ours = tags[0] == "workflow" and {*tags[1:]} <= {"axis", "variant"}
    return is_ours and all(map(is_key, names)) and ids.path_of(segments) == path


def _is_file(name: str) -> bool:
    is_inside = not {*"/\\:"} & {*name} and name.isprintable()
    return is_inside and name.endswith(".json") and name.casefold() != MANIFEST


def _is_old_path(text: str) -> bool:
    return all(is_key(key) for _, key in ids.read_old_path(text))


_Key = NewType("_Key", str)
_Path = NewType("_Path", str)
_File = NewType("_File", str)
_Was = NewType("_Was", str)

_converter: Final = make_converter(
    {
        str: _as_text,
        _Key: _text_that(is_key, "a key of 1 to 512 characters"),
        _Path: _text_that(_is_path, "a path, such as 'workflow:inbound'"),
        _File: _text_that(_is_file, "the name of a JSON file right in this folder"),
        _Was: _text_that(_is_old_path, "a key, or keys after slashes"),
    }
)
add_class(_converter, BlockEntry)
add_class(_converter, Pulled, env=_Key)
add_class(
    _converter,
    Entry,
    key=_Key,
    path=_Path,
    env=_Key,
    project=_Key,
    namespace=_Key,
    was=_Was,
    project_was=_Was,
)
add_class(_converter, Manifest, files=dict[_File, Entry])


# -- Writing ---------------------------------------------------------------------------


def as_text(manifest: Manifest) -> str:
    """Return the text of a manifest: sorted, with the same bytes everywhere."""
    data = {MARK: FORMAT, **asdict(manifest, filter=lambda _, value: bool(value))}
    text = json.dumps(
        data, indent=2, ensure_ascii=False, allow_nan=False, sort_keys=True
    )
    return f"{text}\n"


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
        for path, content in contents.items():
            mode = 0o600 if is_private else 0o666
            with closing(files.NewFile(folder, mode=mode)) as new:
                new.file.write(content)
                new.file.flush()
                files.move_file(new.path, path, overwrite=True)
    except OSError as error:
        raise SourceError(f"{path} cannot be written ({error.strerror})") from error
    return [*contents]
