"""Reading a folder of JSON by its manifest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import frozen

from ..definition import Stamp, canonical_id, loads, pointer
from ..errors import ManifestError, ReadError
from ..workflow import Workflow
from ._model import Entry, Manifest
from ._names import MANIFEST, name_parts
from ._read import content_of, read_manifest


@frozen
class FolderWorkflow:
    """A workflow that was read from a file with its entry."""

    file: str
    entry: Entry
    workflow: Workflow

    @property
    def name(self) -> str:
        """Its key, and the names of its variant after slashes: `inbound/us`."""
        return "/".join(name_parts(self.workflow.identity))

    def stamp_in(self, env: str) -> Stamp | None:
        """Return the stamp for an environment, if it was pulled from there."""
        return self.entry.stamp_in(env)


@frozen
class Folder:
    """A folder of compiled workflows.

    Attributes:
        workflows: Its workflows, sorted by file name.
        unlisted: JSON files that the manifest does not list.
    """

    manifest: Manifest
    workflows: Sequence[FolderWorkflow]
    unlisted: Sequence[str] = ()


def read_folder(
    folder: Path, report: Callable[[ManifestError | ReadError], None] | None = None
) -> Folder | None:
    """Read the workflows of a folder by its manifest; None if it has no manifest.

    Args:
        folder: The folder.
        report: Takes the error of a file that cannot be read. If it returns, that file
            is left out. If None, the error is raised.

    Raises:
        ManifestError: The manifest cannot be used, or does not match a file.
        ReadError: A file is not a workflow.
    """
    manifest = read_manifest(folder / MANIFEST)
    if manifest is None:
        return None
    found: list[FolderWorkflow] = []
    for file in sorted(manifest.files):
        try:
            found.append(read_workflow(folder, manifest, file))
        except (ManifestError, ReadError) as error:
            if report is None:
                raise
            report(error)
    unlisted = [
        path.name
        for path in sorted(folder.glob("*.json"))
        if path.name not in manifest.files
        and path.name != MANIFEST
        and not path.name.startswith(".")
    ]
    return Folder(manifest, found, unlisted)


def read_workflow(folder: Path, manifest: Manifest, file: str) -> FolderWorkflow:
    """Read the workflow of one file that a manifest lists.

    Raises:
        ManifestError: The file is missing, or has another id than its entry.
        ReadError: The file is not a workflow.
    """
    path, entry = folder / file, manifest.files[file]

    def fail(problem: str) -> ManifestError:
        return ManifestError(str(folder / MANIFEST), problem, pointer(("files", file)))

    try:
        content = content_of(path)
    except FileNotFoundError:
        problem = "the file is missing; compile or pull it anew, or remove its entry"
        raise fail(problem) from None
    except OSError as error:
        raise fail(f"the file cannot be read: {error.strerror}") from None
    definition = loads(content, source=str(path))
    workflow = entry.workflow(definition, str(path))
    wanted = canonical_id(workflow.id(entry.env))
    if definition.path is None and canonical_id(str(definition.id)) != wanted:
        problem = f"the file has id {definition.id}, and in environment {entry.env!r}"
        advice = "compile or pull it anew, or correct what is wrong"
        raise fail(f"{problem} its entry makes {wanted}; {advice}")
    return FolderWorkflow(file, entry, workflow)
