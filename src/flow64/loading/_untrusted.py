"""Untrusted JSON, read with a trusted manifest.

A pull request brings a folder of JSON, and its target branch has the manifest. Only
that manifest says which workflows these are, and so which ids are requested. What the
folder says about itself is not believed. Untrusted JSON may also name any value of an
environment, in any place. So only those values are shown that the trusted JSON shows.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from attrs import evolve, frozen

from ..compiler import is_key
from ..definition import (
    DEFAULT_ENV,
    MAX_BYTES,
    BoundSecret,
    Definition,
    FrozenDict,
    ProjectKey,
    Value,
    WireBlock,
    add_suffix,
    bind,
    canonical_id,
    freeze,
    has_more_values,
    is_plain,
    loads,
    path_of,
    redact_for_display,
    walk,
)
from ..errors import ManifestError
from ..manifest import MANIFEST, Entry, Folder, content_of, name_parts, read_folder
from ..manifest import FolderWorkflow as ManifestWorkflow
from ..redaction import SHORTEST, map_json
from ..text import shortened
from ..workflow import Workflow
from ._collect import SourceWorkflow
from ._lower import lower_leniently, select_set_values

MOST_FILES: Final = 5_000
"""Maximum entries of a folder. A larger folder is refused."""

MOST_BYTES: Final = 64 * 2**20
"""Maximum bytes of all JSON files together. Each file has its own limit."""

MOST_VALUES: Final = 1_000_000
"""Maximum JSON values of all files together. Each file has its own limit."""


@frozen
class TrustedFolder:
    """A folder with a trusted manifest, by which an untrusted folder is read.

    Attributes:
        folder: The folder of the trusted manifest.
        base: Its content.
        plain: Names of the values that its JSON uses, and never as secrets.
    """

    folder: Path
    base: Folder
    plain: frozenset[str]

    @property
    def whole(self) -> Sequence[ProjectKey]:
        """The projects that the trusted folder has completely."""
        return self.base.manifest.whole

    @property
    def owner(self) -> ProjectKey | None:
        """The project for a workflow that the manifest does not list."""
        entries = self.base.manifest.files.values()
        owners = [*self.whole, *(one.project for one in entries if one.project)]
        return owners[0] if owners else None

    def locate(self, file: str) -> str:
        """Return the path of a file in the trusted folder.

        Its commit is looked up there. In a folder with untrusted content, git might run
        what that folder tells it to.
        """
        return str(self.folder / file)

    def redact(self, entry: Entry, definition: Definition, file: str) -> Workflow:
        """Make every value secret that the trusted JSON does not show."""
        hidden = _hide_values(definition, self.plain)
        return entry.workflow(hidden, self.locate(file))


def read_untrusted(
    folder: Path, file: Path
) -> tuple[Sequence[SourceWorkflow], TrustedFolder]:
    """Read the workflows of an untrusted folder.

    Args:
        folder: The folder. Its own manifest is not read.
        file: The trusted manifest, with its JSON in the same folder.

    Raises:
        ManifestError: There is no such manifest; the folder has links, is too large, or
            has a file with another id than its entry.
        ReadError: A file is not a workflow.
    """
    base = read_folder(file.parent) if file.name == MANIFEST else None
    if base is None:
        problem = f"it is not a manifest; name the {MANIFEST} of the trusted branch"
        raise ManifestError(str(file), problem)
    trusted = TrustedFolder(file.parent, base, _find_plain_names(base))
    names = _list_json(folder)
    contents = {name: _read_content(folder / name) for name in names}
    if has_more_values([*contents.values()], MOST_VALUES):
        problem = f"its files hold more than {MOST_VALUES:,} JSON values together"
        raise _refuse(folder, problem)
    there = frozenset(names)
    gone = {
        canonical_id(one.workflow.id(one.entry.env)): one
        for one in base.workflows
        if one.file not in there
    }
    found = [
        _read(folder, name, content, trusted, gone)
        for name, content in contents.items()
    ]
    ids = {one.find_id(DEFAULT_ENV): one.stem for one in found if not one.is_unseen}
    for one in found:
        other = ids.get(one.find_id(DEFAULT_ENV), one.stem)
        if other != one.stem:
            twin = shortened(f"{other}.json")
            problem = f"by its name it would be the workflow of {twin}"
            raise ManifestError(one.where, f"{problem}; rename one of them")
    return found, trusted


def _read_content(path: Path) -> bytes:
    try:
        return content_of(path)
    except OSError as error:
        problem = f"it cannot be read: {error.strerror}"
        raise ManifestError(str(path), problem) from None


def _read(
    folder: Path,
    name: str,
    content: bytes,
    trusted: TrustedFolder,
    gone: dict[str, ManifestWorkflow],
) -> SourceWorkflow:
    """Read the workflow of one file.

    Args:
        folder: The folder.
        name: The name of the file.
        content: Its content.
        trusted: Says which workflow it is.
        gone: Trusted workflows without a file, by their ids. One that was moved to this
            file is taken out.
    """
    path, note = folder / name, ""
    definition = loads(content, source=str(path))
    written = None if definition.path else canonical_id(str(definition.id))
    entry, is_unseen = trusted.base.manifest.files.get(name), False
    if entry is None and written in gone:
        moved = gone.pop(written)
        entry = moved.entry
        note = f"{name} has the id of {moved.file}, which is gone: it is taken for it"
    elif entry is None:
        entry, is_unseen = _entry_of(name, trusted.owner), True
    else:
        wanted = canonical_id(entry.workflow(definition, str(path)).id(entry.env))
        if written is not None and written != wanted:
            problem = f"the file has id {definition.id}, and the trusted {MANIFEST} "
            advice = "it was not read further, and nothing is asked about that id"
            raise ManifestError(str(path), f"{problem}makes {wanted}; {advice}")
    workflow = entry.workflow(definition, trusted.locate(name))
    return SourceWorkflow(
        "/".join(name_parts(workflow.identity)),
        workflow,
        str(path),
        name.removesuffix(".json"),
        entry,
        trusted.redact(entry, definition, name),
        is_unseen,
        note,
    )


def _entry_of(name: str, owner: ProjectKey | None) -> Entry:
    """Make an entry from a file name: a key, and a variant."""
    stem = name.removesuffix(".json")
    parts = [*map(unquote, stem.split("@"))]
    if not all(is_key(part) for part in parts):
        parts = [stem]
    key, *variant = parts
    path = path_of([("workflow", key), *(("variant", part) for part in variant)])
    return Entry(key, path, project=owner)


def _list_json(folder: Path) -> Sequence[str]:
    """Return the sorted names of the JSON files of a folder, without subfolders.

    Raises:
        ManifestError: It is too large, or holds something that is not a plain file.
    """
    if folder.is_symlink():
        raise _refuse(folder, "it is a link, which is not followed")
    sizes: dict[str, int] = {}
    with os.scandir(folder) as entries:
        for count, entry in enumerate(entries, 1):
            if count > MOST_FILES:
                raise _refuse(folder, f"it holds more than {MOST_FILES:,} files")
            if problem := _find_fault(entry):
                raise _refuse(folder / entry.name, problem)
            if _is_json(entry):
                sizes[entry.name] = entry.stat(follow_symlinks=False).st_size
    if sum(sizes.values()) > MOST_BYTES:
        most = MOST_BYTES // 2**20
        raise _refuse(folder, f"its files are larger than {most} MiB together")
    return sorted(sizes)


def _find_fault(entry: os.DirEntry[str]) -> str | None:
    """Return the reason to refuse a folder that has such an entry."""
    if not (is_plain(entry.name) and entry.name.isprintable()):
        return "its name has invisible characters"
    if entry.is_symlink():
        return "it is a link, which is not followed"
    if entry.is_dir():
        return None
    if not entry.is_file():
        return "it is not a plain file"
    is_large = entry.stat(follow_symlinks=False).st_size > MAX_BYTES
    return f"it is larger than {MAX_BYTES // 2**20} MiB" if is_large else None


def _is_json(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    is_shown = name.endswith(".json") and not name.startswith(".")
    return is_shown and name.casefold() != MANIFEST and entry.is_file()


def _refuse(place: Path, problem: str) -> ManifestError:
    return ManifestError(str(place), f"{problem}; nothing in it was read")


# -- Values ----------------------------------------------------------------------------


def _find_plain_names(base: Folder) -> frozenset[str]:
    """Return the names of values that trusted JSON uses, and never as secrets."""
    used = {
        value
        for one in base.workflows
        for block in lower_leniently(one.workflow).blocks
        for _, value in walk(block.specs)
        if isinstance(value, Value)
    }
    secret = {value.name for value in used if value.secret}
    return frozenset(value.name for value in used) - secret


def _hide_values(definition: Definition, plain: frozenset[str]) -> Definition:
    """Make each value secret that is not known to be plain."""

    def hide(item: Any) -> Any:
        is_hidden = isinstance(item, Value) and item.name not in plain
        return evolve(item, secret=True) if is_hidden else item

    return definition.map_specs(lambda block: map_json(block.specs, hide))


# -- Live workflows --------------------------------------------------------------------


@frozen
class LiveRedaction:
    """Hides everything of live workflows that the trusted JSON does not show.

    Attributes:
        known: The trusted definitions by their ids, with values filled in.
        values: A definition with every value that the trusted JSON does not show.
    """

    known: Mapping[str, Definition]
    values: Definition

    @classmethod
    def of(
        cls, trusted: TrustedFolder, env: str, values: Mapping[str, Any], suffix: str
    ) -> LiveRedaction:
        """Hide the values of an environment.

        Args:
            trusted: The trusted folder.
            env: Name of the environment.
            values: Its values. Those of variables that are not set are left out.
            suffix: What the environment adds to titles.
        """
        given = select_set_values(values)
        known: dict[str, Definition] = {}
        for one in trusted.base.workflows:
            read = trusted.redact(one.entry, lower_leniently(one.workflow), one.file)
            bound = bind(lower_leniently(read), given, [])
            known[canonical_id(read.id(env))] = add_suffix(bound, suffix)
        unknown = {name: v for name, v in given.items() if name not in trusted.plain}
        return cls(known, _hold(unknown))

    @property
    def definitions(self) -> Sequence[Definition]:
        """The trusted definitions."""
        return [*self.known.values()]

    def redact(self, live: Definition) -> Definition:
        """Return a live definition that may be shown.

        A secret of the trusted JSON is named as there, or masked. So it stays hidden
        even if a change puts something else in its place.
        """
        known = self.known.get(canonical_id(str(live.id)))
        if known is not None:
            live = redact_for_display(live, known)
        return redact_for_display(live, self.values)


def _hold(values: Mapping[str, Any]) -> Definition:
    """Return a definition that holds values as secrets, and nothing else.

    Short texts and numbers are left out: they occur in many places by chance.
    """
    specs = {
        name: BoundSecret(Value(name, secret=True), freeze(found, (), []))
        for name, found in values.items()
        if isinstance(found, dict | list)
        or (isinstance(found, str) and len(found) >= SHORTEST)
    }
    return Definition("", "", (WireBlock("", "", FrozenDict(specs), "", 1),), ())
