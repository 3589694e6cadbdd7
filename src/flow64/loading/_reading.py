"""Reading files, folders and modules: what they hold is added to a collector."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from attrs import evolve

from ..definition import MAX_BYTES, ProjectKey, is_plain, loads
from ..diagnostics import Finding, Place
from ..errors import ManifestError
from ..manifest import MANIFEST, read_folder, read_manifest, read_workflow
from ..manifest import FolderWorkflow as ManifestWorkflow
from ..workflow import Workflow
from ._collect import Collector, SourceWorkflow
from ._errors import AddressError, SourceError
from ._importing import ImportScope, find_import_root, import_scope
from ._source_names import find_saved_file

PROGRAMS: Final = frozenset(
    {"__main__.py", "conftest.py", "noxfile.py", "setup.py", "tasks.py"}
)
"""Files of a folder that are programs. They are not imported."""


MOST_FILES: Final = 5_000
"""The most entries of a folder of JSON. A pull request may bring any number."""

MOST_BYTES: Final = 64 * 2**20
"""The most bytes of the JSON files of a folder together."""

MOST_FOLDERS: Final = 5_000
"""The most folders below a folder, and a depth that no project has."""

MOST_DEPTH: Final = 40


def add_file(path: Path, found: Collector, *, code: bool) -> None:
    if path.suffix == ".json":
        manifest = read_manifest(path.parent / MANIFEST)
        if manifest is not None and path.name in manifest.files:
            _add_entry(read_workflow(path.parent, manifest, path.name), path, found)
        else:
            _read_json(path, found)
        found.is_all = False
    elif path.suffix == ".py":
        _require_code(path, code=code)
        found.is_code = True
        with import_scope(find_import_root(path), Path.cwd()) as scope:
            _add_file(scope, path, found)
            found.is_all = _is_alone(path, found)
    else:
        raise AddressError(f"{path} is neither Python nor JSON, by the end of its name")


def add_folder(folder: Path, found: Collector, *, code: bool) -> None:
    """Read a folder as code if it has any, else as JSON.

    Files outside a package are imported folder by folder, as programs are. So they find
    the modules next to them.
    """
    try:
        modules = [*files_below(folder, ".py")]
    except OSError as error:  # a part that is left out would be taken for deleted
        found.fail(_unreadable(error.filename or folder, error))
        return
    if code:
        for root, files in groupby(modules, find_import_root):
            with import_scope(root, folder, Path.cwd()) as scope:
                for path in files:
                    _add_file(scope, path, found)
    if found.workflows or found.projects or found.findings:
        found.is_code = True
        return
    if not code and folder.is_symlink():
        raise ManifestError(str(folder), "it is a link, which is not followed")
    whole: list[ProjectKey] = []
    for place in _folders(folder):
        _read_json_folder(place, found, whole)
    if not found.workflows and modules:
        _require_code(folder, code=code)
    for project in whole:
        found.add_project(project)
    found.is_all = bool(whole) and all(one in whole for one in found.projects)


def _add_file(scope: ImportScope, path: Path, found: Collector) -> None:
    with found.catch():
        found.add_module(scope.import_file(path), str(path))


def _read_json_folder(folder: Path, found: Collector, whole: list[ProjectKey]) -> None:
    """Read the JSON files of one folder, by its manifest if it has one.

    Raises:
        ManifestError: Something in it is refused, as a link is.
    """
    _require_plain_files(folder)
    known = read_folder(folder, found.fail)
    saved = find_saved_file()  # it may be beside them, and is no workflow
    if known is None:
        for path in _files_in(folder, ".json"):
            if saved is None or path.resolve() != saved:
                _read_json(path, found)
        return
    whole += known.manifest.whole
    for one in known.workflows:
        _add_entry(one, folder / one.file, found)
    for name in known.unlisted:
        if saved is not None and (folder / name).resolve() == saved:
            continue
        problem = f"{folder / name} is not listed in {MANIFEST}, and was left out"
        found.notes.append(f"{problem}; name it by itself to read it as it is")


def _require_plain_files(folder: Path) -> None:
    """Refuse a folder of JSON with links, pipes, huge files or names that mislead.

    A stranger may have written it. Nothing of it was opened before.

    Raises:
        ManifestError: Something in it is refused.
    """
    size = 0
    with os.scandir(folder) as entries:
        for count, entry in enumerate(entries, 1):
            if count > MOST_FILES:
                problem = f"it holds more than {MOST_FILES:,} files"
                raise ManifestError(str(folder), problem)
            if not entry.name.endswith(".json"):
                continue
            problem = ""
            if not (is_plain(entry.name) and entry.name.isprintable()):
                problem = "its name has invisible characters"
            elif entry.is_symlink():
                problem = "it is a link, which is not followed"
            elif not entry.is_file() and not entry.is_dir():
                problem = "it is not a regular file"
            elif entry.stat(follow_symlinks=False).st_size > MAX_BYTES:
                problem = f"it is larger than {MAX_BYTES // 2**20} MiB"
            if problem:
                raise ManifestError(str(folder / entry.name), problem)
            size += entry.stat(follow_symlinks=False).st_size
    if size > MOST_BYTES:
        problem = f"its files are larger than {MOST_BYTES // 2**20} MiB together"
        raise ManifestError(str(folder), problem)


def _require_code(place: Path, *, code: bool) -> None:
    """Refuse to import Python if no code may run.

    Raises:
        AddressError: It may not.
    """
    if not code:
        command = f"flow64 compile {shlex.quote(str(place))} -o compiled"
        raise AddressError(
            f"{place} is Python, and --no-code imports none; compile it where its code "
            f"may run, with {command}, and name the folder of JSON instead"
        )


def _is_alone(file: Path, found: Collector) -> bool:
    """Return True if no neighbour of a file may hold workflows that were not collected.

    A neighbour that was imported is looked into. Any other may hold some if it mentions
    flow64, or a module that does.
    """
    here = os.path.realpath(file)
    try:
        neighbours = [*files_below(Path(here).parent, ".py")]
    except OSError:
        return False
    others = [path for path in neighbours if os.path.realpath(path) != here]
    if not others:
        return True
    loaded = {
        os.path.realpath(path): module
        for module in [*sys.modules.values()]
        if isinstance(path := getattr(module, "__file__", None), str)
    }
    names = ["flow64", *(path.stem for path in (*others, file))]
    for path in others:
        if (module := loaded.get(os.path.realpath(path))) is not None:
            more = Collector()
            more.add_module(module, str(path))
            if not found.has_all(more):
                return False
        elif _mentions_any(path, [name for name in names if name != path.stem]):
            return False
    return True


def _mentions_any(path: Path, names: Sequence[str]) -> bool:
    try:
        text = path.read_bytes()
    except OSError:
        return True
    words = "|".join(map(re.escape, names)).encode("utf-8", "surrogateescape")
    return re.search(rb"\b(?:%b)\b" % words, text) is not None


def add_module(name: str, found: Collector) -> bool:
    """Read a module or package. Return False if it does not exist."""
    with import_scope(Path.cwd()) as scope:
        try:
            module = scope.import_module(name)
        except SourceError as error:
            found.fail(error)
            return True
        if module is None:
            return False
        found.is_code = True
        found.add_module(module, name)
        folders = [*map(Path, getattr(module, "__path__", ()))]
        for folder in folders:
            for path in files_below(folder, ".py"):
                inner = ".".join(path.relative_to(folder).with_suffix("").parts)
                _add_inner(scope, f"{name}.{inner}", found)
        file = getattr(module, "__file__", None)
        if not folders and file is not None:
            found.is_all = _is_alone(Path(file), found)
        return True


def _add_inner(scope: ImportScope, name: str, found: Collector) -> None:
    with found.catch():
        module = scope.import_module(name.removesuffix(".__init__"))
        if module is not None:
            found.add_module(module, module.__name__)


def _read_json(path: Path, found: Collector) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        found.fail(_unreadable(path, error))
    else:
        add_json(content, str(path), path.stem, found)


def add_json(content: bytes, where: str, stem: str, found: Collector) -> None:
    """Add the workflow of JSON without a manifest."""
    with found.catch():
        read = loads(content, source=where)
        workflow = Workflow.from_definition(evolve(read, place=Place(where, 1)))
        name = "/".join(map(unquote, stem.split("@")))
        found.add_workflow(SourceWorkflow(name, workflow, where, stem))


def _unreadable(path: Path | str, error: OSError) -> SourceError:
    problem = f"{path} cannot be read ({error.strerror})"
    place = Place(str(path), 1)
    finding = Finding("unloadable-file", "source", "error", problem, place=place)
    return SourceError(problem, finding)


def _add_entry(one: ManifestWorkflow, path: Path, found: Collector) -> None:
    found.add_workflow(
        SourceWorkflow(one.name, one.workflow, str(path), path.stem, one.entry)
    )


def files_below(folder: Path, suffix: str, depth: int | None = None) -> Iterator[Path]:
    """The files below a folder, without hidden, generated and program files."""
    for place in _folders(folder, depth):
        yield from _files_in(place, suffix)


def _folders(folder: Path, depth: int | None = None) -> Iterator[Path]:
    """A folder and its subfolders, without hidden, linked and generated ones.

    Raises:
        ManifestError: They are too many, or nest too deep.
    """
    waiting = [(folder, 0)]
    count = 0
    while waiting:
        place, level = waiting.pop()
        count += 1
        if count > MOST_FOLDERS or level > MOST_DEPTH:
            raise ManifestError(str(folder), "its folders are too many or too deep")
        yield place
        if level == depth:
            continue
        waiting += [
            (path, level + 1)
            for path in sorted(place.iterdir(), reverse=True)
            if not path.name.startswith(".")
            and path.is_dir()
            and not path.is_symlink()
            and path.name not in ("__pycache__", "node_modules")
            and not (path / "pyvenv.cfg").exists()
        ]


def _files_in(folder: Path, suffix: str) -> Iterator[Path]:
    """The files of one folder."""
    for path in sorted(folder.iterdir()):
        is_hidden = path.name.startswith(".") or path.is_dir()
        if not is_hidden and path.suffix == suffix and not _is_program(path.name):
            yield path


def _is_program(name: str) -> bool:
    return name in PROGRAMS or name.startswith("test_") or name.endswith("_test.py")
