"""A manifest as data: the identity of each compiled workflow of a folder."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import cast
from urllib.parse import unquote

from attrs import evolve, field, frozen

from ..compiler import Identity
from ..definition import (
    DEFAULT_ENV,
    EMPTY,
    Definition,
    ListedOrigins,
    ProjectKey,
    Stamp,
    Tag,
    canonical_id,
    escape_key,
    path_of,
)
from ..diagnostics import Place
from ..workflow import Workflow
from ._names import MANIFEST

__all__ = [
    "MANIFEST",
    "BlockEntry",
    "Entry",
    "Manifest",
    "Pulled",
    "entry_of",
    "parsed",
]


@frozen
class BlockEntry:
    """What the code knew of a block.

    Attributes:
        key: Its key path, such as `work/find_email`.
        allow: Codes of findings that it silences.
        extra: Names of spec fields that are passed on without being judged.
    """

    key: str
    allow: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


@frozen
class Pulled:
    """What was there when a workflow was pulled; stands in for the stamp of a deploy.

    Attributes:
        env: The environment it was pulled from.
        unbound: First 16 hex digits of the fingerprint of what was written.
        bound: The same of what was live.
        fields: Names of the spec fields that were live, by block reference.
    """

    env: str
    unbound: str
    bound: str
    fields: Mapping[str, frozenset[str]]


@frozen
class Entry:
    """What a manifest says of one file.

    Attributes:
        key: The workflow's key, as people call it.
        path: The part of its path below the project, without the environment, that its
            ids are computed from; with `was=` it has the old key.
        env: The environment whose id the file has.
        project: Whose ids these are.
        pins: Ids of the imported workflow that it is, by environment.
        allow: Codes of findings that the whole workflow silences.
        blocks: What the code knew of its blocks, by their id.
        pulled: What was there when it was pulled.
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
        """The identity that the code gave, with what the file says beside it."""
        (_, first), *segments = parsed(self.path)
        return Identity(
            name=name,
            description=description,
            key=self.key,
            was=None if escape_key(self.key) == escape_key(first) else first,
            project=self.project,
            segments=segments,
            pins={"workflow": self.pins} if self.pins else EMPTY,
            place=place,
        )

    def workflow(self, definition: Definition, file: str) -> Workflow:
        """The workflow of a file, with the keys of this entry.

        Args:
            definition: What the file says.
            file: The file.
        """
        origins = [definition.origins[at] for at in range(len(definition.blocks))]
        for at, block in enumerate(definition.blocks):
            known = self.blocks.get(canonical_id(block.id))
            if known is not None:
                origins[at] = evolve(
                    origins[at], path=known.key, allowed=known.allow, extra=known.extra
                )
        read = evolve(
            definition, origins=ListedOrigins(origins), allowed=frozenset(self.allow)
        )
        identity = self.identity(
            definition.name, definition.description, Place(file, 1)
        )
        return Workflow.from_definition(read, identity)

    def stamp_in(self, env: str) -> Stamp | None:
        """What stands in for a stamp in an environment: what was recorded there."""
        found = self.pulled
        if found is None or found.env != env:
            return None
        path = self.identity().head(env).path
        return Stamp(path, found.unbound, found.bound, fields=found.fields)


@frozen
class Manifest:
    """What is known of the compiled workflows of a folder.

    Attributes:
        files: What is known of each, by the name of its file.
        whole: The projects of which all workflows were there when they were compiled.
    """

    files: Mapping[str, Entry] = field(factory=dict[str, Entry])
    whole: tuple[ProjectKey, ...] = ()

    def updated(
        self,
        made: Mapping[str, Entry],
        *,
        whole: Sequence[ProjectKey] = (),
        there: Container[str] = (),
    ) -> Manifest:
        """The manifest after some files were written.

        Entries of other files are kept, as long as these are there. Of a project that
        was compiled whole, what it has no more goes. A project loses its being whole
        when a file of it goes, or when a part of it brings a file that is new.

        Args:
            made: The entries of what is written.
            whole: The projects whose workflows are among these, and all of them.
            there: The names of the files that are there.
        """
        keys = [*map(_plain, whole)]
        kept = {
            file: entry
            for file, entry in self.files.items()
            if file not in made and file in there and entry.project not in keys
        }
        files = {**kept, **made}
        doubtful = [e.project for f, e in self.files.items() if f not in files]
        for file, entry in made.items():
            before = self.files.get(file)
            if before is None or before.project != entry.project:
                doubtful += [entry.project, before.project if before else None]
        still = [project for project in self.whole if project not in doubtful]
        known = {(one.namespace, one.key): one for one in (*still, *keys)}
        return Manifest(files, tuple(known[name] for name in sorted(known)))


def entry_of(
    workflow: Workflow,
    definition: Definition,
    env: str,
    pulled: Pulled | None = None,
) -> Entry | None:
    """What a manifest says of a compiled workflow; None of one that has no keys.

    That is one which was read from JSON alone: the id in its file is all there is.

    Args:
        workflow: The workflow.
        definition: What it was compiled to.
        env: For which environment.
        pulled: What was recorded when it was pulled.
    """
    identity = workflow.identity
    if identity.key is None and not workflow.flows:
        return None
    pins = dict(identity.pins.get("workflow", EMPTY))
    if identity.id is not None:
        pins[DEFAULT_ENV] = identity.id
    owned = identity.segments_in(DEFAULT_ENV)
    below = next(at for at, (tag, _) in enumerate(owned) if tag == "workflow")
    return Entry(
        key=identity.shown_key,
        path=path_of(owned[below:]),
        env=env,
        project=None if identity.project is None else _plain(identity.project),
        pins=pins,
        allow=tuple(sorted(definition.allowed)),
        blocks={
            canonical_id(block.id): BlockEntry(
                origin.path, tuple(sorted(origin.allowed)), tuple(sorted(origin.extra))
            )
            for at, block in enumerate(definition.blocks)
            if (origin := definition.origins[at]).path is not None
        },
        pulled=pulled,
    )


def parsed(path: str) -> list[tuple[Tag, str]]:
    """The segments of a path as it stands in a manifest."""
    segments: list[tuple[Tag, str]] = []
    for part in path.split("/"):
        tag, _, name = part.partition(":")
        segments.append((cast(Tag, tag), unquote(name)))
    return segments


def _plain(project: ProjectKey) -> ProjectKey:
    """A project as a manifest knows it, which compares with others of its kind."""
    return ProjectKey(project.key, project.namespace)
