"""Workflows that a command works on, from wherever they are written.

A source is a Python file, a module, a JSON file, or a folder of any of these; with a
colon and a key behind it, it is one workflow of them. Whatever stands at the level of
a module counts, also in lists, mappings and variants. JSON beside a manifest has the
keys that the code gave; other JSON is known by the id that stands in it.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Container, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from urllib.parse import unquote

import click
from attrs import frozen

from ..definition import ProjectKey, Stamp
from ..errors import SettingsError, clipped, did_you_mean
from ..manifest import (
    MANIFEST,
    Entry,
    called,
    read_folder,
    read_manifest,
    read_sourced,
    stem_of,
)
from ..manifest import Sourced as Listed
from ..workflow import Workflow
from ._importing import Importing, importing, names_module, root_of
from ._terminal import talk
from ._trusted import Trusted, read_trusted

__all__ = [
    "MANIFEST",
    "Found",
    "Loaded",
    "Sourced",
    "configured",
    "listed",
    "load",
    "parted",
    "resolved",
]

MOST: Final = 20
"""How many names a message lists."""

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
        entry: What a manifest says of it, where one does.
        covered: The same with its values hidden, where it is not trusted.
        is_unseen: Whether a manifest that is trusted does not know it.
    """

    name: str
    workflow: Workflow
    where: str
    stem: str
    entry: Entry | None = None
    covered: Workflow | None = None
    is_unseen: bool = False

    def stamp_in(self, env: str) -> Stamp | None:
        """What was recorded when it was pulled from an environment, for its plans."""
        return None if self.entry is None else self.entry.stamp_in(env)


@frozen
class Loaded:
    """What a source holds.

    Attributes:
        source: The source as it was given.
        workflows: Its workflows in reading order, or the one that was picked.
        projects: Its projects, also those that only workflows name.
        is_picked: Whether a key picked one, so that there may be others.
        is_code: Whether modules were imported.
        is_all: Whether nothing beside it can belong to it, as far as can be seen.
        trusted: What it was read with, where it is not trusted itself.
    """

    source: str
    workflows: Sequence[Sourced]
    projects: Sequence[ProjectKey]
    is_picked: bool = False
    is_code: bool = True
    is_all: bool = False
    trusted: Trusted | None = None

    @property
    def is_whole(self) -> bool:
        """Whether these are all workflows of its projects, every module loaded.

        Only then is what the service has beyond them an orphan. It is so of the source
        that `[tool.flow64]` names and of no part of it. Where none is named, of a
        folder, of a package, and of a file with none beside it that may hold workflows;
        of JSON, where its manifest says so.
        """
        if self.is_picked or not self.is_code:
            return self.is_all and not self.is_picked
        try:
            named = configured()
        except SettingsError:
            return False
        return self.is_all if named is None else _is_same(self.source, named)

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


def load(
    source: str | None = None,
    *,
    code: bool = True,
    manifest: Path | None = None,
    may_be_empty: bool = False,
) -> Loaded:
    """The workflows of a source.

    Args:
        source: The source; None for that of `[tool.flow64]`.
        code: Whether modules may be imported; else only JSON is read.
        manifest: The manifest by which a folder of JSON is read that is not trusted;
            what such a folder says of itself is not believed.
        may_be_empty: Whether a source may have a project and no workflow, as after
            its last one is gone.

    Raises:
        click.UsageError: There is no such source or workflow, or no workflow at all;
            or it is Python, and no code may run.
        click.ClickException: A module of the user fails, and the user's own traceback
            is in the message; or two workflows have one id.
        ManifestError: A manifest cannot be used, or does not fit its files.
        ReadError: A JSON file is no workflow.
        SettingsError: No source was given, and pyproject.toml has mistakes.
    """
    if manifest is not None:
        return _load_untrusted(source, manifest, code=code)
    meant = _meant() if source is None else resolved(source)
    place, key = parted(meant)
    path, found = Path(place), Found()
    if path.is_dir():
        _read_folder(path, found, code=code)
    elif path.exists():
        _read_file(path, found, code=code)
    elif not code:
        problem = (
            f"there is no file or folder {place!r}{did_you_mean(place, _beside(path))}"
        )
        raise _wrong(f"{problem}; with --no-code it is JSON, and no module")
    elif not (names_module(place) and _read_module(place, found)):
        problem = f"there is no file, folder or module {place!r}"
        raise _wrong(problem + did_you_mean(place, _beside(path)))
    workflows = _unlike(found.workflows)
    is_empty = may_be_empty and key is None and found.projects
    if not workflows and not is_empty:
        advice = "a Workflow counts at the level of a module, also in lists and dicts"
        raise _wrong(f"{place} holds no workflow; {advice}")
    facts: dict[str, Any] = {"is_code": found.is_code, "is_all": found.is_all}
    if key is None:
        return Loaded(meant, workflows, found.projects, **facts)
    one = _picked(place, key, workflows)
    owner = one.workflow.project
    owners = [] if owner is None else [owner]
    return Loaded(meant, [one], owners, is_picked=True, **facts)


def resolved(source: str) -> str:
    """A source as `load` takes it: `code` stands for that of `[tool.flow64]`.

    Raises:
        click.UsageError: No source is configured; or it is what is live in an
            environment, of which there is no code here.
        SettingsError: It is `code`, and pyproject.toml has mistakes.
    """
    head, _, key = source.partition(":")
    if os.path.exists(parted(source)[0]):  # noqa: PTH110 - takes names of any length
        return source
    if head == "code":
        from ._addresses import project_source  # noqa: PLC0415 - loads httpx

        place = project_source()
        return f"{place}:{key}" if key else place
    if head in _environments():
        raise _wrong(
            f"{source} is what is live, and this works on code and files; "
            f"flow64 graph {source} draws it, flow64 diff {source} code compares it, "
            f"and flow64 pull {source} -o live writes it to a folder"
        )
    return source


def configured() -> str | None:
    """The source that `[tool.flow64]` names, as it is written from here.

    Raises:
        SettingsError: pyproject.toml has mistakes.
    """
    from ..environments import load as load_settings  # noqa: PLC0415 - loads httpx

    settings = load_settings()
    if (source := settings.source) is None:
        return None
    there = settings.folder / source
    if names_module(source) and not there.exists():
        # `acme.pipelines` is a folder or a file from that of the settings.
        inner = settings.folder.joinpath(*source.split("."))
        there = inner if inner.is_dir() else inner.with_suffix(".py")
    place, _ = parted(str(there))
    # A module may be installed elsewhere.
    return os.path.relpath(there) if Path(place).exists() else source


def parted(source: str) -> tuple[str, str | None]:
    """A source and the key behind its colon; a place of that whole name wins.

    >>> parted("leads.py:inbound"), parted("leads.py"), parted("acme.leads:inbound/us")
    (('leads.py', 'inbound'), ('leads.py', None), ('acme.leads', 'inbound/us'))
    """
    # A colon may belong to a path, as in C:\leads.py:inbound.
    for at in range(len(source), 0, -1):
        if source[at : at + 1] in ("", ":") and os.path.exists(source[:at]):  # noqa: PTH110 - takes names of any length
            return source[:at], source[at + 1 :] or None
    place, _, key = source.partition(":")
    return place, key or None


def listed(names: Sequence[str]) -> str:
    """Names in a message, not all where they are many."""
    shown = ", ".join(map(clipped, names[:MOST]))
    return shown + (f" and {len(names) - MOST} more" if len(names) > MOST else "")


# -- What counts ----------------------------------------------------------------------


class Found:
    """Workflows and projects, each once, in the order in which they are read."""

    def __init__(self) -> None:
        self.workflows: list[Sourced] = []
        self.projects: list[ProjectKey] = []
        self.is_code = False
        self.is_all = True
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
                parts = called(one.identity)
                named = Sourced("/".join(parts), one, where, stem_of(parts))
                self.add_workflow(named)
            elif isinstance(one, ProjectKey):
                self.add_project(one)
            elif isinstance(one, Mapping | list | tuple | AbstractSet):
                self._seen[id(one)] = one  # pyright: ignore[reportUnknownArgumentType] - of anything
                waiting += reversed(_inside(one))

    def add_workflow(self, one: Sourced) -> None:
        """Take a workflow."""
        self._seen[id(one.workflow)] = one.workflow
        self.workflows.append(one)
        self.add_project(one.workflow.project)

    def holds(self, other: Found) -> bool:
        """Whether all workflows of another one were taken."""
        return all(id(one.workflow) in self._seen for one in other.workflows)

    def add_project(self, project: ProjectKey | None) -> None:
        """Take a project."""
        if project is not None and project not in self.projects:
            self.projects.append(project)


def _inside(holder: Any) -> Sequence[Any]:
    return [*(holder.values() if hasattr(holder, "values") else holder)]


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


def _read_file(path: Path, found: Found, *, code: bool) -> None:
    if path.suffix == ".json":
        manifest = read_manifest(path.parent / MANIFEST)
        if manifest is not None and path.name in manifest.files:
            _add_listed(read_sourced(path.parent, manifest, path.name), path, found)
        else:
            _read_json(path, found)
        found.is_all = False
    elif path.suffix == ".py":
        _require_code(path, code=code)
        found.is_code = True
        with importing(root_of(path), Path.cwd()) as imports:
            found.take(imports.file(path), str(path))
            found.is_all = _is_alone(path, found)
    else:
        raise _wrong(f"{path} is neither Python nor JSON, by the end of its name")


def _read_folder(folder: Path, found: Found, *, code: bool) -> None:
    """Read a folder: as code where it has any, else as JSON.

    Files that are in no package are imported folder by folder, as programs are: so they
    find what lies beside them.
    """
    modules = [*_files(folder, ".py")]
    if code:
        for root, files in groupby(modules, root_of):
            with importing(root, folder, Path.cwd()) as imports:
                for path in files:
                    found.take(imports.file(path), str(path))
    if found.workflows or found.projects:
        found.is_code = True
        return
    whole: list[ProjectKey] = []
    for place in _folders(folder):
        _read_json_folder(place, found, whole)
    if not found.workflows and modules:
        _require_code(folder, code=code)
    for project in whole:
        found.add_project(project)
    found.is_all = bool(whole) and all(one in whole for one in found.projects)


def _read_json_folder(folder: Path, found: Found, whole: list[ProjectKey]) -> None:
    """Read the JSON right in a folder, by its manifest where it has one."""
    known = read_folder(folder)
    if known is None:
        for path in _here(folder, ".json"):
            _read_json(path, found)
        return
    whole += known.manifest.whole
    for one in known.workflows:
        _add_listed(one, folder / one.file, found)
    for name in known.unlisted:
        advice = "name it by itself to read it as it is"
        talk(f"{folder / name} is not listed in {MANIFEST}, and was left out; {advice}")


def _load_untrusted(source: str | None, manifest: Path, *, code: bool) -> Loaded:
    """Read a folder of JSON by a manifest that is not its own.

    Raises:
        click.UsageError: It is no folder, or code might run.
        ManifestError: Something of it is refused.
        ReadError: A file is no workflow.
    """
    if code:
        raise _wrong(
            "--manifest is for JSON that nobody vouches for: say --no-code too"
        )
    if source is None or not Path(source).is_dir():
        raise _wrong("--manifest reads a folder of JSON: name it as SOURCE")
    read, trusted = read_trusted(Path(source), manifest)
    found = [
        Sourced(
            one.name,
            one.workflow,
            str(Path(source) / one.file),
            one.file.removesuffix(".json"),
            one.entry,
            one.covered,
            one.is_unseen,
        )
        for one in read
    ]
    whole = trusted.whole
    owners = {(one.namespace, one.key) for one in whole}
    is_all = bool(whole) and all(
        (project.namespace, project.key) in owners
        for one in found
        if (project := one.workflow.project) is not None
    )
    facts: dict[str, Any] = {"is_code": False, "is_all": is_all}
    return Loaded(source, found, whole, **facts, trusted=trusted)


def _require_code(place: Path, *, code: bool) -> None:
    """Refuse to import what is Python where no code may run.

    Raises:
        click.UsageError: It may not.
    """
    if not code:
        command = f"flow64 compile {shlex.quote(str(place))} -o compiled"
        raise _wrong(
            f"{place} is Python, and --no-code imports none; compile it where its code "
            f"may run, with {command}, and name the folder of JSON instead"
        )


def _meant() -> str:
    """The source where none is given.

    Raises:
        click.UsageError: None is configured.
        SettingsError: pyproject.toml has mistakes.
    """
    source = configured()
    if source is None:
        raise _wrong("SOURCE is missing: name it, or set source in [tool.flow64]")
    return source


def _environments() -> Container[str]:
    """The environments that are configured by name; none where that has mistakes."""
    from ..environments import load as load_settings  # noqa: PLC0415 - loads httpx

    try:
        settings = load_settings()
    except SettingsError:
        return ()
    return () if settings.file is None else settings.environments


def _is_same(source: str, named: str) -> bool:
    """Whether a source is the one that is configured."""
    if Path(source).exists() and Path(named).exists():
        return Path(source).resolve() == Path(named).resolve()
    return source == named


def _is_alone(file: Path, found: Found) -> bool:
    """Whether no file beside one may hold workflows that were not taken.

    One that was imported is looked into. Any other may hold some where it mentions
    flow64, or a module that does.
    """
    here = os.path.realpath(file)
    beside = _files(Path(here).parent, ".py")
    others = [path for path in beside if os.path.realpath(path) != here]
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
            more = Found()
            more.take(module, str(path))
            if not found.holds(more):
                return False
        elif _mentions(path, [name for name in names if name != path.stem]):
            return False
    return True


def _mentions(path: Path, names: Sequence[str]) -> bool:
    try:
        text = path.read_bytes()
    except OSError:
        return True
    words = "|".join(map(re.escape, names)).encode("utf-8", "surrogateescape")
    return re.search(rb"\b(?:%b)\b" % words, text) is not None


def _read_module(name: str, found: Found) -> bool:
    """Read a module, and whatever is in it; False where there is none."""
    with importing(Path.cwd()) as imports:
        module = imports.module(name)
        if module is None:
            return False
        found.is_code = True
        found.take(module, name)
        folders = [*map(Path, getattr(module, "__path__", ()))]
        for folder in folders:
            for path in _files(folder, ".py"):
                inner = ".".join(path.relative_to(folder).with_suffix("").parts)
                _take_inner(imports, f"{name}.{inner}", found)
        file = getattr(module, "__file__", None)
        if not folders and file is not None:
            found.is_all = _is_alone(Path(file), found)
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


def _add_listed(one: Listed, path: Path, found: Found) -> None:
    stem = path.stem
    found.add_workflow(Sourced(one.name, one.workflow, str(path), stem, one.entry))


def _files(folder: Path, suffix: str) -> Iterator[Path]:
    """The files below a folder by name; nothing hidden, made, or meant for tools."""
    for place in _folders(folder):
        yield from _here(place, suffix)


def _folders(folder: Path) -> Iterator[Path]:
    """A folder, and those below it that are the user's own."""
    yield folder
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_dir() or path.is_symlink():
            continue
        is_made = path.name in ("__pycache__", "node_modules")
        if not is_made and not (path / "pyvenv.cfg").exists():
            yield from _folders(path)


def _here(folder: Path, suffix: str) -> Iterator[Path]:
    """The files right in a folder."""
    for path in sorted(folder.iterdir()):
        is_hidden = path.name.startswith(".") or path.is_dir()
        if not is_hidden and path.suffix == suffix and not _is_program(path.name):
            yield path


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
