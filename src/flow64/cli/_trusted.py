"""JSON that nobody vouches for, read with the manifest of somebody who is trusted.

A pull request brings a folder of JSON, and the branch that it is for has the manifest.
Which workflows these are, and so which ids are asked for, is told by that manifest
alone: what the folder says of itself is not believed. Such JSON may also name any value
of an environment, in any place, so that none is shown but those that the trusted JSON
shows already.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import unquote

from attrs import evolve, frozen

from ..compiler import is_key
from ..definition import (
    MAX_BYTES,
    Definition,
    FrozenDict,
    FrozenList,
    ProjectKey,
    Value,
    canonical_id,
    has_more_values,
    is_plain,
    loads,
    path_of,
    walk,
)
from ..errors import ManifestError, shortened
from ..manifest import MANIFEST, Entry, Folder, called, content_of, read_folder
from ..manifest import Sourced as Listed
from ..workflow import Workflow
from ._faulty import even_faulty
from ._terminal import talk

MOST_FILES: Final = 5_000
"""Entries of a folder beyond which it is refused."""

MOST_BYTES: Final = 64 * 2**20
"""Bytes of all its JSON files beyond which it is refused; one alone has its own."""

MOST_VALUES: Final = 1_000_000
"""JSON values of all its files beyond which it is refused; one alone has its own."""


@frozen
class Read:
    """A workflow of a folder that nobody vouches for.

    Attributes:
        file: The name of its file.
        entry: What the trusted manifest says of it; of one that it does not know, what
            the name of the file gives.
        workflow: The workflow.
        covered: The same, with each value secret that the trusted JSON does not show.
        is_unseen: Whether the trusted manifest does not know it.
    """

    file: str
    entry: Entry
    workflow: Workflow
    covered: Workflow
    is_unseen: bool = False

    @property
    def name(self) -> str:
        """Its key, and the names of its variant behind it."""
        return "/".join(called(self.workflow.identity))


@frozen
class Trusted:
    """What a folder that nobody vouches for is read with.

    Attributes:
        folder: The folder of the trusted manifest.
        base: What that folder holds.
        plain: Names of the values that its JSON uses, and never as secrets.
    """

    folder: Path
    base: Folder
    plain: frozenset[str]

    @property
    def whole(self) -> Sequence[ProjectKey]:
        """The projects of which the trusted folder has all workflows."""
        return self.base.manifest.whole

    @property
    def owner(self) -> ProjectKey | None:
        """The project that a workflow is put into which it does not know."""
        entries = self.base.manifest.files.values()
        owners = [*self.whole, *(one.project for one in entries if one.project)]
        return owners[0] if owners else None

    def place(self, file: str) -> str:
        """A file as it is called in the repository.

        Its commit is looked up there: in a folder that somebody else has filled, git
        might run what that folder tells it to.
        """
        return str(self.folder / file)

    def covered(self, entry: Entry, definition: Definition, file: str) -> Workflow:
        """A workflow with each value secret that the trusted JSON does not show."""
        return entry.workflow(_hidden(definition, self.plain), self.place(file))


def read_trusted(folder: Path, file: Path) -> tuple[Sequence[Read], Trusted]:
    """The workflows of a folder that nobody vouches for.

    Args:
        folder: The folder. Its own manifest is not read.
        file: The trusted manifest, with its JSON beside it.

    Raises:
        ManifestError: There is no such manifest; the folder has links, is too large, or
            has a file with another id than its entry.
        ReadError: A file is no workflow.
    """
    base = read_folder(file.parent) if file.name == MANIFEST else None
    if base is None:
        problem = (
            f"it is no manifest; name the {MANIFEST} of the branch that is trusted"
        )
        raise ManifestError(str(file), problem)
    trusted = Trusted(file.parent, base, _plain_names(base))
    names = _names(folder)
    contents = {name: _content(folder / name) for name in names}
    if has_more_values([*contents.values()], MOST_VALUES):
        problem = f"its files hold more than {MOST_VALUES:,} JSON values together"
        raise _refused(folder, problem)
    there = frozenset(names)
    left = {
        canonical_id(one.workflow.id(one.entry.env)): one
        for one in base.workflows
        if one.file not in there
    }
    found = [
        _read(folder, name, content, trusted, left)
        for name, content in contents.items()
    ]
    ids = {one.workflow.id(): one.file for one in found if not one.is_unseen}
    for one in found:
        other = ids.get(one.workflow.id(), one.file)
        if other != one.file:
            problem = f"by its name it would be the workflow of {shortened(other)}"
            raise ManifestError(
                str(folder / one.file), f"{problem}; rename one of them"
            )
    return found, trusted


def _content(path: Path) -> bytes:
    """Return the content of one file."""
    try:
        return content_of(path)
    except OSError as error:
        problem = f"it cannot be read: {error.strerror}"
        raise ManifestError(str(path), problem) from None


def _read(
    folder: Path,
    name: str,
    content: bytes,
    trusted: Trusted,
    left: dict[str, Listed],
) -> Read:
    """The workflow of one file.

    Args:
        folder: The folder.
        name: The name of the file.
        content: Its content.
        trusted: Says which workflow it is.
        left: Trusted workflows whose files are gone, by their ids; one that has
            moved is taken out.
    """
    path = folder / name
    definition = loads(content, source=str(path))
    written = None if definition.path else canonical_id(str(definition.id))
    entry, is_unseen = trusted.base.manifest.files.get(name), False
    if entry is None and written in left:
        moved = left.pop(written)
        entry = moved.entry
        talk(f"{name} has the id of {moved.file}, which is gone: it is taken for it")
    elif entry is None:
        entry, is_unseen = _entry_of(name, trusted.owner), True
    else:
        wanted = canonical_id(entry.workflow(definition, str(path)).id(entry.env))
        if written is not None and written != wanted:
            problem = f"the file has id {definition.id}, and the trusted {MANIFEST} "
            advice = "it was not read further, and nothing is asked about that id"
            raise ManifestError(str(path), f"{problem}makes {wanted}; {advice}")
    return Read(
        name,
        entry,
        entry.workflow(definition, trusted.place(name)),
        trusted.covered(entry, definition, name),
        is_unseen,
    )


def _entry_of(name: str, owner: ProjectKey | None) -> Entry:
    """What the name of a file gives: its key, and its variant behind it."""
    stem = name.removesuffix(".json")
    parts = [*map(unquote, stem.split("@"))]
    if not all(is_key(part) for part in parts):
        parts = [stem]
    key, *variant = parts
    path = path_of([("workflow", key), *(("variant", part) for part in variant)])
    return Entry(key, path, project=owner)


def _names(folder: Path) -> Sequence[str]:
    """The names of the JSON files right in a folder, sorted; folders in it are left.

    Raises:
        ManifestError: It is larger than what is read, or has what is no plain file.
    """
    if folder.is_symlink():
        raise _refused(folder, "it is a link, which is not followed")
    sizes: dict[str, int] = {}
    with os.scandir(folder) as entries:
        for count, entry in enumerate(entries, 1):
            if count > MOST_FILES:
                raise _refused(folder, f"it holds more than {MOST_FILES:,} files")
            if problem := _fault(entry):
                raise _refused(folder / entry.name, problem)
            if _is_read(entry):
                sizes[entry.name] = entry.stat(follow_symlinks=False).st_size
    if sum(sizes.values()) > MOST_BYTES:
        most = MOST_BYTES // 2**20
        raise _refused(folder, f"its files are larger than {most} MiB together")
    return sorted(sizes)


def _fault(entry: os.DirEntry[str]) -> str | None:
    """Why a folder is refused that has such an entry."""
    if not (is_plain(entry.name) and entry.name.isprintable()):
        return "its name has signs that nobody sees"
    if entry.is_symlink():
        return "it is a link, which is not followed"
    if entry.is_dir():
        return None
    if not entry.is_file():
        return "it is no plain file"
    is_large = entry.stat(follow_symlinks=False).st_size > MAX_BYTES
    return f"it is larger than {MAX_BYTES // 2**20} MiB" if is_large else None


def _is_read(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    is_json = name.endswith(".json") and not name.startswith(".")
    return is_json and name.casefold() != MANIFEST and entry.is_file()


def _refused(place: Path, problem: str) -> ManifestError:
    return ManifestError(str(place), f"{problem}; nothing of it was read")


# -- Values ----------------------------------------------------------------------------


def _plain_names(base: Folder) -> frozenset[str]:
    """The values that trusted JSON uses, and never as secrets."""
    used = {
        value
        for one in base.workflows
        for block in even_faulty(one.workflow).blocks
        for _, value in walk(block.specs)
        if isinstance(value, Value)
    }
    secret = {value.name for value in used if value.secret}
    return frozenset(value.name for value in used) - secret


def _hidden(definition: Definition, plain: frozenset[str]) -> Definition:
    """A definition in which each value is secret that is not known to be plain."""
    blocks = tuple(
        block._replace(specs=_secret(block.specs, plain)) for block in definition.blocks
    )
    return evolve(definition, blocks=blocks)


def _secret(item: Any, plain: frozenset[str]) -> Any:
    if isinstance(item, dict):
        members = cast("dict[str, Any]", item).items()
        return FrozenDict({name: _secret(inner, plain) for name, inner in members})
    if isinstance(item, list):
        items: list[Any] = item  # pyright: ignore[reportUnknownVariableType] - of anything
        return FrozenList([_secret(inner, plain) for inner in items])
    if isinstance(item, Value) and item.name not in plain:
        return evolve(item, secret=True)
    return item
