"""Workflows that a command works on, from wherever they are written.

A source is a Python file, a module, a JSON file, or a folder of any of these; with a
colon and a key behind it, it is one workflow of them. Whatever stands at the level of
a module counts, also in lists, mappings and variants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from urllib.parse import unquote

import click
from attrs import frozen

from ..definition import ProjectKey, escaped
from ..errors import did_you_mean, shortened
from ..workflow import Workflow
from ._importing import Importing, importing, names_module, root_of

MANIFEST: Final = "flow64.json"
"""A file beside compiled workflows that says more of them, and is none itself."""

MOST: Final = 20
"""How many names a message lists."""

LONGEST: Final = 180
"""Characters of a file's name; file systems take 255 bytes."""

PROGRAMS: Final = frozenset(
    {"__main__.py", "conftest.py", "noxfile.py", "setup.py", "tasks.py"}
)
"""Files of a folder that are programs: to import one would do something."""


@frozen
class Sourced:
    """A workflow, and where it was found.

    Attributes:
        name: Its key, and the names of its variant behind it: `inbound/us`.
        workflow: The workflow itself.
        where: The file or module, and the variable: `leads.py: inbound`.
        stem: A name for its JSON that stays in a folder and that no other one has,
            without the `.json`.
    """

    name: str
    workflow: Workflow
    where: str
    stem: str


@frozen
class Loaded:
    """What a source holds.

    Attributes:
        source: The source as it was given.
        workflows: Its workflows in reading order, or the one that was picked.
        projects: Its projects, also those that only workflows name.
        is_picked: Whether a key picked one, so that there may be others.
    """

    source: str
    workflows: Sequence[Sourced]
    projects: Sequence[ProjectKey]
    is_picked: bool = False

    @property
    def names(self) -> Sequence[str]:
        """What its workflows are called."""
        return [one.name for one in self.workflows]

    @property
    def only(self) -> Sourced:
        """The one workflow.

        Raises:
            click.UsageError: There are several.
        """
        if len(self.workflows) == 1:
            return self.workflows[0]
        problem = f"{self.source} holds {len(self.names)} workflows"
        advice = f"name one of them, as in {self.source}:{self.names[0]}"
        raise _wrong(f"{problem}: {listed(self.names)}; {advice}")


def load(source: str) -> Loaded:
    """The workflows of a source.

    Raises:
        click.UsageError: There is no such source or workflow, or no workflow at all.
        click.ClickException: A module of the user fails, and the user's own traceback
            is in the message; or two workflows have one id.
        ReadError: A JSON file is no workflow.
    """
    place, key = parted(source)
    path, found = Path(place), Found()
    if path.is_dir():
        _read_folder(path, found)
    elif path.exists():
        _read_file(path, found)
    elif not (names_module(place) and _read_module(place, found)):
        problem = f"there is no file, folder or module {place!r}"
        raise _wrong(problem + did_you_mean(place, _beside(path)))
    workflows = _unlike(found.workflows)
    if not workflows:
        advice = "a Workflow counts at the level of a module, also in lists and dicts"
        raise _wrong(f"{place} holds no workflow; {advice}")
    if key is None:
        return Loaded(source, workflows, found.projects)
    one = _picked(place, key, workflows)
    owner = one.workflow.project
    return Loaded(source, [one], [] if owner is None else [owner], is_picked=True)


def parted(source: str) -> tuple[str, str | None]:
    """A source and the key behind its colon; a place of that whole name wins.

    >>> parted("leads.py:inbound"), parted("leads.py"), parted("acme.leads:inbound/us")
    (('leads.py', 'inbound'), ('leads.py', None), ('acme.leads', 'inbound/us'))
    """
    # A colon may belong to a path, as in C:\leads.py:inbound.
    for at in range(len(source), 0, -1):
        if source[at : at + 1] in ("", ":") and Path(source[:at]).exists():
            return source[:at], source[at + 1 :] or None
    place, _, key = source.partition(":")
    return place, key or None


def listed(names: Sequence[str]) -> str:
    """Names in a message, not all where they are many."""
    shown = ", ".join(shortened(name)[1:-1] for name in names[:MOST])
    return shown + (f" and {len(names) - MOST} more" if len(names) > MOST else "")


# -- What counts ----------------------------------------------------------------------


class Found:
    """Workflows and projects, each once, in the order in which they are read."""

    def __init__(self) -> None:
        self.workflows: list[Sourced] = []
        self.projects: list[ProjectKey] = []
        self._seen: dict[int, object] = {}  # with what is seen, so that it keeps its id

    def take(self, module: ModuleType, where: str) -> None:
        """Take what stands at the level of a module."""
        for name, thing in tuple(vars(module).items()):
            if not (name.startswith("__") and name.endswith("__")):
                self.add(thing, f"{where}: {name}")

    def add(self, thing: Any, where: str) -> None:
        """Take what is a workflow or a project, or holds any."""
        waiting = [thing]
        while waiting:
            one = waiting.pop()
            if id(one) in self._seen:
                continue
            if isinstance(one, Workflow):
                name, stem = _called(one)
                self.add_workflow(Sourced(name, one, where, stem))
            elif isinstance(one, ProjectKey):
                self._add_project(one)
            elif isinstance(one, Mapping | list | tuple | AbstractSet):
                self._seen[id(one)] = one  # pyright: ignore[reportUnknownArgumentType] - of anything
                waiting += reversed(_inside(one))

    def add_workflow(self, one: Sourced) -> None:
        """Take a workflow."""
        self._seen[id(one.workflow)] = one.workflow
        self.workflows.append(one)
        self._add_project(one.workflow.project)

    def _add_project(self, project: ProjectKey | None) -> None:
        if project is not None and project not in self.projects:
            self.projects.append(project)


def _inside(holder: Any) -> Sequence[Any]:
    return [*(holder.values() if hasattr(holder, "values") else holder)]


def _called(workflow: Workflow) -> tuple[str, str]:
    """The name of a workflow, and what its file is called."""
    segments = workflow.identity.segments
    variant = [name for tag, name in segments if tag == "variant"]
    parts = [
        str(part).encode("utf-8", "backslashreplace").decode()
        for part in (workflow.key, *variant)
    ]
    # Nothing that is escaped has an @ in it, so no two names read alike.
    stem = "@".join(map(escaped, parts))
    if len(stem) > LONGEST:
        digest = sha256("/".join(parts).encode())
        stem = f"{stem[:LONGEST]}@@{digest.hexdigest()[:12]}"
    return "/".join(parts), stem


def _unlike(workflows: Sequence[Sourced]) -> Sequence[Sourced]:
    """The workflows without those that were imported under two names.

    Raises:
        click.ClickException: Two have one id, so that one would overwrite the other.
    """
    seen: dict[str, Sourced] = {}
    for one in workflows:
        identity = one.workflow.identity
        path = identity.pinned() or identity.path()
        keys: list[Any] = [key for _, key in identity.segments_in("default")]
        if not all(isinstance(key, str) and key for key in keys):
            path = f"faulty, which a check says: {len(seen)}"
        other = seen.setdefault(str(path), one)
        is_same = other.workflow.identity.place == identity.place is not None
        if other is not one and not is_same:
            problem = (
                f"{one.name!r} is there twice: in {other.where}, and in {one.where}"
            )
            advice = "give one of them another key, or name one place as the source"
            raise click.ClickException(f"{problem}; {advice}")
    return [*seen.values()]


def _picked(place: str, key: str, workflows: Sequence[Sourced]) -> Sourced:
    """The workflow of a name, or of a key that just one has."""
    named = [one for one in workflows if one.name == key]
    named = named or [one for one in workflows if one.workflow.key == key]
    if len(named) == 1:
        return named[0]
    names = [one.name for one in named or workflows]
    if named:
        raise _wrong(f"{key!r} is the key of {len(named)} workflows: {listed(names)}")
    near = did_you_mean(key, names)
    raise _wrong(f"{place} holds no workflow {key!r}{near}; it holds {listed(names)}")


# -- Files and modules ----------------------------------------------------------------


def _read_file(path: Path, found: Found) -> None:
    if path.suffix == ".json":
        _read_json(path, found)
    elif path.suffix == ".py":
        with importing(root_of(path), Path.cwd()) as imports:
            found.take(imports.file(path), str(path))
    else:
        raise _wrong(f"{path} is neither Python nor JSON, by the end of its name")


def _read_folder(folder: Path, found: Found) -> None:
    """Read a folder: as code where it has any, else as JSON.

    Files that are in no package are imported folder by folder, as programs are: so they
    find what lies beside them.
    """
    for root, files in groupby(_files(folder, ".py"), root_of):
        with importing(root, folder, Path.cwd()) as imports:
            for path in files:
                found.take(imports.file(path), str(path))
    if not found.workflows:
        for path in _files(folder, ".json"):
            if path.name != MANIFEST:
                _read_json(path, found)


def _read_module(name: str, found: Found) -> bool:
    """Read a module, and whatever is in it; False where there is none."""
    with importing(Path.cwd()) as imports:
        module = imports.module(name)
        if module is None:
            return False
        found.take(module, name)
        for folder in map(Path, getattr(module, "__path__", ())):
            for path in _files(folder, ".py"):
                inner = ".".join(path.relative_to(folder).with_suffix("").parts)
                _take_inner(imports, f"{name}.{inner}", found)
        return True


def _take_inner(imports: Importing, name: str, found: Found) -> None:
    module = imports.module(name.removesuffix(".__init__"))
    if module is not None:
        found.take(module, module.__name__)


def _read_json(path: Path, found: Found) -> None:
    try:
        content = path.read_bytes()
    except OSError as error:
        problem = f"{path} cannot be read ({error.strerror})"
        raise click.ClickException(problem) from error
    workflow = Workflow.from_json(content, source=str(path))
    name = "/".join(map(unquote, path.stem.split("@")))
    found.add_workflow(Sourced(name, workflow, str(path), path.stem))


def _files(folder: Path, suffix: str) -> Iterator[Path]:
    """The files below a folder by name; nothing hidden, made, or meant for tools."""
    folders: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == "__pycache__":
            continue
        if path.is_dir():
            is_apart = (path / "pyvenv.cfg").exists() or path.name == "node_modules"
            if not (is_apart or path.is_symlink()):
                folders.append(path)
        elif path.suffix == suffix and not _is_program(path.name):
            yield path
    for path in folders:
        yield from _files(path, suffix)


def _is_program(name: str) -> bool:
    return name in PROGRAMS or name.startswith("test_") or name.endswith("_test.py")


def _beside(path: Path) -> Sequence[str]:
    """What there is where something was looked for."""
    try:
        return [str(path.parent / entry.name) for entry in path.parent.iterdir()]
    except OSError:
        return []


def _wrong(problem: str) -> click.UsageError:
    return click.UsageError(problem, click.get_current_context(silent=True))
