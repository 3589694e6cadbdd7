"""Reading a folder of JSON by its manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from ..definition import Stamp, canonical_id, loads, pointer
from ..errors import ManifestError
from ..workflow import Workflow
from ._model import Entry, Manifest
from ._names import MANIFEST, called
from ._read import content_of, read_manifest


@frozen
class Sourced:
    """A workflow that was read from a file by its entry.

    Attributes:
        file: The name of its file.
        entry: What the manifest says of it.
        workflow: The workflow, with its ids in every environment.
    """

    file: str
    entry: Entry
    workflow: Workflow

    @property
    def name(self) -> str:
        """Its key, and the names of its variant behind it: `inbound/us`."""
        return "/".join(called(self.workflow.identity))

    def stamp_in(self, env: str) -> Stamp | None:
        """What was recorded at a pull from an environment, for its plans."""
        return self.entry.stamp_in(env)


@frozen
class Folder:
    """A folder of compiled workflows.

    Attributes:
        manifest: What is known of its files.
        workflows: Its workflows, by the names of their files.
        unlisted: JSON files that the manifest does not name.
    """

    manifest: Manifest
    workflows: Sequence[Sourced]
    unlisted: Sequence[str] = ()


def read_folder(folder: Path) -> Folder | None:
    """The workflows of a folder that has a manifest; None where it has none.

    Raises:
        ManifestError: The manifest cannot be used, or does not fit a file.
        ReadError: A file is no workflow.
    """
    manifest = read_manifest(folder / MANIFEST)
    if manifest is None:
        return None
    found = [read_sourced(folder, manifest, file) for file in sorted(manifest.files)]
    unlisted = [
        path.name
        for path in sorted(folder.glob("*.json"))
        if path.name not in manifest.files
        and path.name != MANIFEST
        and not path.name.startswith(".")
    ]
    return Folder(manifest, found, unlisted)


def read_sourced(folder: Path, manifest: Manifest, file: str) -> Sourced:
    """The workflow of one file that a manifest names.

    Raises:
        ManifestError: It is not there, or has another id than its entry.
        ReadError: It is no workflow.
    """
    path, entry = folder / file, manifest.files[file]

    def fail(problem: str) -> ManifestError:
        return ManifestError(str(folder / MANIFEST), problem, pointer(("files", file)))

    try:
        content = content_of(path)
    except FileNotFoundError:
        problem = (
            "the file is not there; compile or pull it anew, or take out its entry"
        )
        raise fail(problem) from None
    except OSError as error:
        raise fail(f"the file cannot be read: {error.strerror}") from None
    definition = loads(content, source=str(path))
    workflow = entry.workflow(definition, str(path))
    wanted = canonical_id(workflow.id(entry.env))
    if definition.path is None and canonical_id(str(definition.id)) != wanted:
        problem = f"the file has id {definition.id}, and in environment {entry.env!r}"
        advice = "compile or pull it anew, or mend what is wrong"
        raise fail(f"{problem} its entry makes {wanted}; {advice}")
    return Sourced(file, entry, workflow)
