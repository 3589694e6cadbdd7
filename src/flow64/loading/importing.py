"""Importing the user's modules, as their own program would."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import sysconfig
from collections.abc import Generator, Sequence
from contextlib import contextmanager, redirect_stdout
from hashlib import sha256
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from traceback import TracebackException, extract_tb
from types import ModuleType
from typing import Final, NoReturn

from attrs import frozen

from ..api import threads
from ..diagnostics import Finding, Place
from ..errors import SourceError
from ..files import relative_path
from ..text import did_you_mean
from .addresses import is_module_name

PACKAGE_FOLDER: Final = Path(__file__).resolve().parent.parent
"""The folder of flow64 itself."""


@frozen
class ImportScope:
    """The folders that modules are imported from.

    Attributes:
        path: The folders that are searched, first that of the modules, or of the
            package that they are in.
        before: Names of the modules that were there before.
    """

    path: Sequence[Path]
    before: frozenset[str]

    def import_file(self, file: Path) -> ModuleType:
        """Import the module of a file.

        Raises:
            SourceError: It fails.
        """
        file = file.resolve()
        parts = [*file.relative_to(self.path[0]).with_suffix("").parts]
        if parts[-1] == "__init__":
            parts.pop()
        name = ".".join(parts)
        with self._wrap_errors(relative_path(file), file):
            if len(parts) > 1:  # its packages come first
                return importlib.import_module(name)
            for loaded in [*sys.modules]:
                if loaded not in self.before and _file_of(sys.modules[loaded]) == file:
                    return sys.modules[loaded]
            if _RELATIVE.search(file.read_bytes()) and (inner := _name_inside(file)):
                return importlib.import_module(inner)
            if name in sys.modules or not is_module_name(name):
                name = f"flow64_source_{sha256(str(file).encode()).hexdigest()[:12]}"
            return _execute(name, file)

    def find_module(self, name: str) -> Path | None:
        """Return the file of a module, or the folder of a package; None if missing.

        Raises:
            SourceError: A package around it fails.
        """
        with self._wrap_errors(name):
            try:
                spec = importlib.util.find_spec(name)
            except ModuleNotFoundError as error:
                if f"{name}.".startswith(f"{error.name}."):
                    return None
                raise
            if spec is None:
                return None
            folders = [*(spec.submodule_search_locations or ())]
            return Path(folders[0] if folders else spec.origin or "")

    @contextmanager
    def _wrap_errors(self, what: str, file: Path | None = None) -> Generator[None]:
        """Turn an error of a module into a SourceError at the user's line.

        The module may not send anything meanwhile.
        """
        try:
            with threads.refuse_requests(what):
                yield
                return
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it may raise anything
            problem = f"cannot be imported: {_describe(error)}"
            place, traceback = self._find_place(error, file), _format_traceback(error)
            is_program = isinstance(error, SystemExit)
        advice = _ADVICE if is_program else None
        text = f"{'the module' if place else what} {problem}"
        finding = Finding(
            "unloadable-file", "source", "error", text, advice, place=place
        )
        message = f"{place or what} {problem}" + (f"; {advice}" if advice else "")
        raise SourceError(message, finding=finding, traceback=traceback)

    def _find_place(self, error: BaseException, file: Path | None) -> Place | None:
        """Return the last line of the user's that failed.

        So modules that fail by one module that they import fail in one place.
        """
        if isinstance(error, SyntaxError) and error.filename:
            return Place(error.filename, error.lineno or 1)
        frames = [
            f for f in extract_tb(error.__traceback__) if not _is_inner(f.filename)
        ]
        own = [f for f in frames if _is_below(Path(f.filename).resolve(), self.path)]
        for frame in reversed(own or frames):
            return Place(frame.filename, frame.lineno or 1)
        return None if file is None else Place(str(file), 1)


def find_import_root(place: Path) -> Path:
    """Return the folder from which to import a file: the one above its packages."""
    folder = place.resolve()
    if not folder.is_dir():
        folder = folder.parent
    while (folder / "__init__.py").exists() and folder.parent != folder:
        folder = folder.parent
    return folder


@contextmanager
def import_scope(root: Path, *more: Path) -> Generator[ImportScope]:
    """Let modules import each other, and unload them afterwards.

    Modules of two sources may have the same names, as in two versions of one folder.
    Their output goes to stderr, since stdout is for results.

    Args:
        root: The folder of the modules.
        *more: More folders to search, before the working folder.
    """
    path = [*dict.fromkeys(map(Path.resolve, (root, *more, Path.cwd())))]
    before, sys_path = frozenset(sys.modules), [*sys.path]
    sys.path[:0] = [str(path[0])]
    sys.path += [str(folder) for folder in path[1:]]
    importlib.invalidate_caches()
    finder = _SourceFinder(path)
    at = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else 0
    sys.meta_path.insert(at, finder)
    try:
        with redirect_stdout(sys.stderr):
            yield ImportScope(path, before)
    finally:
        sys.meta_path.remove(finder)
        sys.path[:] = sys_path
        new = [name for name in sys.modules if name not in before]
        for name in [name for name in new if _is_users(sys.modules[name], path)]:
            del sys.modules[name]


class _SourceLoader(SourceFileLoader):
    """Compiles a module from its source, and neither reads nor writes bytecode.

    Python takes bytecode for current if time (in seconds) and size of the source are
    those that it knows. So a source that is written twice within a second could be
    compiled, and deployed, as it was before.
    """

    def path_stats(self, path: str) -> NoReturn:
        """Raise the error by which Python knows that there is no bytecode."""
        raise OSError(path)


class _SourceFinder(MetaPathFinder):
    """Finds modules as Python does, and lets the user's be compiled from source."""

    def __init__(self, path: Sequence[Path]) -> None:
        self._path: Final = path

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Find a module."""
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(loader := spec.loader, SourceFileLoader):
            is_users = _is_below(Path(loader.path).resolve(), self._path)
            spec.loader = (
                _SourceLoader(loader.name, loader.path) if is_users else loader
            )
        return spec


_RELATIVE: Final = re.compile(rb"^\s*from\s+\.", re.MULTILINE)
"""An import that only works inside of a package."""

_ADVICE: Final = 'put what runs under `if __name__ == "__main__":`'

_HOMES: Final = ("flow64", "flow64.blocks")
_NO_NAME: Final = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")

_MARK: Final = "flow64: "
"""The beginning of a note that flow64 adds to an error of a user's function."""

_STANDARD: Final = tuple(
    Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")
)


def _name_inside(file: Path) -> str | None:
    """Return the name of a module in the package that its folder is without `__init__`.

    Packages begin below the working folder, or else with the folder of the file.
    """
    base = Path.cwd()
    if not file.parent.is_relative_to(base) or file.parent == base:
        base = file.parent.parent
    if str(base) not in sys.path:
        sys.path.append(str(base))
    name = ".".join(file.relative_to(base).with_suffix("").parts)
    return name if is_module_name(name) else None


def _describe(error: BaseException) -> str:
    """Return the first line of an error, with what flow64 added to it."""
    first, *_ = str(TracebackException.from_exception(error)).split("\n")
    if isinstance(error, ImportError) and (words := _NO_NAME.match(first)):
        # Python names a near one only from 3.12 on, and the path of the file always.
        homes = [home for home in _HOMES if words[1] in dir(sys.modules.get(home))]
        near = did_you_mean(words[1], dir(sys.modules.get(words[2])))
        first = words[0] + (f", it is in {homes[0]}" if homes else near)
    notes = [note for note in getattr(error, "__notes__", ()) if note.startswith(_MARK)]
    added = "".join(f" ({note.removeprefix(_MARK)})" for note in notes)
    return f"{type(error).__name__}: {first}{added}".removesuffix(": ")


def _format_traceback(error: BaseException) -> str:
    """Format a traceback without the frames of flow64 and of the import."""
    trace = TracebackException.from_exception(error)
    chain: list[TracebackException] = [trace]
    for link in chain:
        link.stack[:] = [f for f in link.stack if not _is_inner(f.filename)]
        chain += filter(None, (link.__cause__, link.__context__))
    return "".join(trace.format()).rstrip("\n")


def _execute(name: str, file: Path) -> ModuleType:
    """Execute a file as a module with a given name."""
    loader = _SourceLoader(name, str(file))
    spec = importlib.util.spec_from_file_location(name, file, loader=loader)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _is_users(module: ModuleType, path: Sequence[Path]) -> bool:
    """Return True if a module, or a package without a file, is in a folder."""
    if (file := _file_of(module)) is not None:
        return _is_below(file, path)
    inner = [*getattr(module, "__path__", ())]
    return bool(inner) and all(
        _is_below(Path(folder) / "_.py", path) for folder in inner
    )


def _is_below(file: Path, path: Sequence[Path]) -> bool:
    """Return True if a module is the user's and is in one of these folders."""
    if file.suffix != ".py":  # compiled ones are imported once
        return False
    # What is installed below the folder of a project is the same for all sources.
    is_installed = {"site-packages", "dist-packages"} & {*file.parts}
    is_apart = is_installed or any(
        map(file.is_relative_to, (PACKAGE_FOLDER, *_STANDARD))
    )
    return not is_apart and any(map(file.is_relative_to, path))


def _file_of(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if isinstance(file, str) else None


def _is_inner(filename: str) -> bool:
    is_import = filename.startswith("<frozen importlib")
    is_import = is_import or filename == importlib.__file__
    return is_import or Path(filename).is_relative_to(PACKAGE_FOLDER)
