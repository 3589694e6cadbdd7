"""Writing manifests, and folders that are written whole or not at all."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
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
"""Prefix of the names of incomplete files."""

HOUR: Final = 3600.0
"""Seconds after which such a file counts as left over."""


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
    """Write files into a folder. Each is complete or unchanged.

    All are written under other names first, and then renamed, the manifest last.

    Args:
        folder: The folder. It is made if it does not exist.
        texts: The content of each file, by its name.
        is_private: Whether only their owner may read and write them.

    Raises:
        ManifestError: A file cannot be written.
    """
    opener = partial(os.open, mode=0o600 if is_private else 0o666)
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
            with open(parts[path], "xb", opener=opener) as file:
                file.write(text.encode())
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


def _sweep(folder: Path) -> None:
    """Remove old files of killed processes. Other processes may be writing now."""
    for part in folder.glob(f"{BEGUN}*.part"):
        with suppress(OSError):  # another process has moved it
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
