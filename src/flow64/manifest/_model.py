"""A manifest as data: the identity of each compiled workflow of a folder."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from attrs import evolve, field, frozen

from ..compiler import Identity
from ..definition import (
    DEFAULT_ENV,
    EMPTY,
    Definition,
    ListedOrigins,
    ProjectKey,
    Stamp,
    canonical_id,
    escape_key,
    parse_path,
    path_of,
)
from ..diagnostics import Place
from ..workflow import Workflow


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
    fields: Mapping[str, frozenset[str]]


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
        """Return the workflow of a file, with the keys of this entry."""
        origins = [definition.origins[at] for at in range(len(definition.blocks))]
        for at, block in enumerate(definition.blocks):
            known = self.blocks.get(canonical_id(block.id))
            if known is not None:
                origins[at] = evolve(
                    origins[at], path=known.key, allowed=known.allow, extra=known.extra
                )
        # A pull has written what its entry allows, and others may have edited the file.
        read = evolve(
            definition,
            origins=ListedOrigins(origins),
            allowed=frozenset(self.allow),
            is_answer=False,
        )
        identity = self.identity(
            definition.name, definition.description, Place(file, 1)
        )
        return Workflow.from_definition(read, identity)

    def stamp_in(self, env: str) -> Stamp | None:
        """Return the stamp for an environment, if it was pulled from there."""
        found = self.pulled
        if found is None or found.env != env:
            return None
        _, path = self.identity().id_and_path(env)
        return Stamp(path, found.unbound, found.bound, fields=found.fields)


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
        made: Mapping[str, Entry],
        *,
        whole: Sequence[ProjectKey] = (),
        there: Container[str] = (),
    ) -> Manifest:
        """Return the manifest after some files were written.

        Entries of other existing files are kept. If a whole project was compiled, its
        other entries are dropped. A project is no longer whole if one of its files is
        dropped, or if only a part of it was compiled and brings a new file.

        Args:
            made: The entries of the written files.
            whole: The projects that were compiled with all their workflows.
            there: The names of the existing files.
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


def _plain(project: ProjectKey) -> ProjectKey:
    """Return a project as a plain `ProjectKey`, which is equal to others."""
    return ProjectKey(project.key, project.namespace)
