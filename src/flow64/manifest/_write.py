"""Writing manifests, and folders that are written whole or not at all."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from attrs import asdict

from ..definition import ProjectKey
from ..errors import ManifestError
from ._model import Entry, Manifest
from ._names import MANIFEST
from ._read import FORMAT, MARK

BEGUN: Final = ".flow64."
"""Head of the names of files that are not whole yet."""

HOUR: Final = 3600.0
"""Seconds after which such a file was left by a process that was killed."""


def as_text(manifest: Manifest) -> str:
    """Return the text of a manifest: sorted, with the same bytes everywhere."""
    data = {
        MARK: FORMAT,
        "files": {file: _entry(entry) for file, entry in manifest.files.items()},
        "whole": [_project(project) for project in manifest.whole],
    }
    return (
        json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False, sort_keys=True)
        + "\n"
    )


def write_all(
    folder: Path, texts: Mapping[str, str], *, is_private: bool = False
) -> Sequence[Path]:
    """Write files into a folder: each is whole or as it was, and all are ready first.

    The manifest, where it is among them, is the last that gets its name.

    Args:
        folder: The folder; it is made where it is not there.
        texts: The content of each file, by its name.
        is_private: Whether nobody but their owner may read and write them.

    Raises:
        ManifestError: One cannot be written.
    """
    tag = f"{BEGUN}{uuid4().hex[:12]}"
    names = sorted(texts, key=lambda name: name == MANIFEST)
    paths = {folder / name: texts[name] for name in names}
    parts = {path: path.with_name(f"{tag}.{at}.part") for at, path in enumerate(paths)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        for path, text in paths.items():
            if path.is_dir():
                raise IsADirectoryError(21, "it is a folder", str(path))
            _write(parts[path], text.encode(), 0o600 if is_private else 0o666)
        for path, part in parts.items():
            part.replace(path)
    except OSError as error:
        problem = f"it cannot be written ({error.strerror})"
        raise ManifestError(str(error.filename or folder), problem) from error
    finally:
        for part in parts.values():
            with suppress(OSError):
                part.unlink()
    return [*paths]


def _write(part: Path, content: bytes, mode: int) -> None:
    """Write a new file, which nobody else may read for a moment either."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(part, flags, mode), "wb") as file:
        file.write(content)


def _sweep(folder: Path) -> None:
    """Remove what a process that was killed has left; others may be writing now."""
    for part in folder.glob(f"{BEGUN}*.part"):
        with suppress(OSError):  # somebody else has moved it, or keeps it
            if time.time() - part.stat().st_mtime > HOUR:
                part.unlink()


def _entry(entry: Entry) -> dict[str, Any]:
    # What is empty is left out.
    data = asdict(entry, filter=lambda _, value: bool(value))
    if entry.project is not None:
        del data["project"]
        data |= _project(entry.project)
    if entry.pulled is not None:
        fields = {ref: sorted(names) for ref, names in entry.pulled.fields.items()}
        data["pulled"] = {**asdict(entry.pulled), "fields": fields}
    return data


def _project(project: ProjectKey) -> dict[str, Any]:
    return {"namespace": project.namespace, "project": project.key}
