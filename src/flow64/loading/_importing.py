"""Importing the user's modules, as their own program would."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import sysconfig
from collections.abc import Generator, Iterator, Sequence
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
from ..files import relative_path
from ._errors import SourceError

PACKAGE_FOLDER: Final = Path(__file__).resolve().parent.parent
"""The folder of flow64 itself."""

MOST_CHAINED: Final = 20
"""The most chained errors from which frames that are not the user's are removed."""


@frozen
class ImportScope:
    """The folders that modules are imported from.

    Attributes:
        root: The folder of the modules, or of the package that they are in.
        path: All folders that are searched, the root first.
    """

    root: Path
    path: Sequence[Path]

    def import_file(self, file: Path) -> ModuleType:
        """Import the module of a file.

        Raises:
            SourceError: It fails; the user's own traceback is in the message.
        """
        file = file.resolve()
        parts = [*file.relative_to(self.root).with_suffix("").parts]
        if parts[-1] == "__init__":
            parts.pop()
        name = ".".join(parts)
        with _wrap_errors(relative_path(file), file):
            if len(parts) > 1:  # its packages come first
                return importlib.import_module(name)
            known = sys.modules.get(name)
            if known is not None and _file_of(known) == file:
                return known
            if known is not None or not is_module_name(name):
                name = f"flow64_source_{sha256(str(file).encode()).hexdigest()[:12]}"
            return _execute(name, file)

    def import_module(self, name: str) -> ModuleType | None:
        """Import a module by its name. Return None if it does not exist.

        Raises:
            SourceError: It fails; the user's own traceback is in the message.
        """
        with _wrap_errors(name):
            if not all(map(_exists, _prefixes(name))):
                return None
            return importlib.import_module(name)


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
        *more: More folders to search.
    """
    path = list(dict.fromkeys([root.resolve(), *(folder.resolve() for folder in more)]))
    before, sys_path = frozenset(sys.modules), [*sys.path]
    sys.path[:0] = [str(path[0])]
    sys.path += [str(folder) for folder in path[1:]]
    importlib.invalidate_caches()
    finder = _SourceFinder(path)
    at = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else 0
    sys.meta_path.insert(at, finder)
    try:
        with redirect_stdout(sys.stderr):
            yield ImportScope(path[0], path)
    finally:
        sys.meta_path.remove(finder)
        sys.path[:] = sys_path
        for name in [*sys.modules]:
            if name not in before and _is_below(_file_of(sys.modules[name]), path):
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


def is_module_name(text: str) -> bool:
    """Return True if a text can be the name of a module."""
    return all(part.isidentifier() for part in text.split("."))


def format_traceback(error: BaseException) -> str:
    """Format a traceback without the frames of flow64 and of the import."""
    trace = TracebackException.from_exception(error)
    for one in _chained_errors(trace):
        one.stack[:] = [f for f in one.stack if not _is_inner(f.filename)]
    return "".join(trace.format()).rstrip("\n")


@contextmanager
def _wrap_errors(what: str, file: Path | None = None) -> Generator[None]:
    """Turn an error of a module into a SourceError with the user's own traceback.

    The module may not send anything meanwhile.
    """
    try:
        with threads.refuse_requests(what):
            yield
    except SystemExit as error:
        problem = "ends the program while it is imported"
        advice = 'put what runs under `if __name__ == "__main__":`'
        found = _finding(what, problem, advice, error, file)
        raise SourceError(f"{what} {problem}; {advice}", found) from None
    except Exception as error:  # noqa: BLE001 - the module may raise anything
        trace = TracebackException.from_exception(error)
        reason = f"{type(error).__name__}: {trace}".partition("\n")[0]
        reason += "".join(f" ({note})" for note in _list_notes(error))
        problem, advice = f"{what} cannot be imported", _SEE
        if _TWO_LISTS.search(reason):  # which Python joins, or not, without asking us
            advice = "begin with fan(a, b) instead of [a, b]: fan(a, b) >> [c, d]"
            problem += f"; {advice}"
        found = _finding(what, f"cannot be imported: {reason}", advice, error, file)
        raise SourceError(problem, found, format_traceback(error)) from None


def _list_notes(error: Exception) -> Iterator[str]:
    """Yield what flow64 added to an error, such as the variant that was built."""
    for note in getattr(error, "__notes__", ()):
        if note.startswith(_MARK):
            yield note.removeprefix(_MARK)


_MARK: Final = "flow64: "
"""The beginning of a note that flow64 adds to an error of a user's function."""

_SEE: Final = "correct it: its traceback is on stderr"

_TWO_LISTS: Final = re.compile(r"for >>=?: '(?:list|tuple)' and '(?:list|tuple)'")


def _finding(
    what: str, problem: str, advice: str, error: BaseException, file: Path | None
) -> Finding:
    """Return the finding for a module, at the line of its own that failed."""
    frames = [f for f in extract_tb(error.__traceback__) if not _is_inner(f.filename)]
    place = None
    if frames:
        # Later ones may be in other modules, which this one calls or imports.
        own = [frame for frame in frames if frame.filename == frames[0].filename][-1]
        is_one_line = own.lineno == own.end_lineno
        end = own.end_colno if is_one_line else None
        place = Place(own.filename, own.lineno or 1, own.colno, end)
    elif isinstance(error, SyntaxError) and error.filename:
        place = Place(error.filename, error.lineno or 1)
    if place is None and file is not None:
        place = Place(str(file), 1)
    name = "the module" if place else what
    return Finding(
        "unloadable-file", "source", "error", f"{name} {problem}", advice, place=place
    )


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


def _prefixes(name: str) -> Iterator[str]:
    """Of `a.b.c`: `a`, `a.b` and `a.b.c`."""
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        yield ".".join(parts[:count])


def _exists(name: str) -> bool:
    """Return True if a module exists. Its parent must exist."""
    if name in sys.modules:
        return True
    parent = name.rpartition(".")[0]
    if parent and not hasattr(importlib.import_module(parent), "__path__"):
        return False
    return importlib.util.find_spec(name) is not None


def _is_below(file: Path | None, path: Sequence[Path]) -> bool:
    """Return True if a module is the user's and is in one of these folders."""
    if file is None or file.suffix != ".py":  # compiled ones are imported once
        return False
    # What is installed below the folder of a project is the same for all sources.
    is_installed = {"site-packages", "dist-packages"} & {*file.parts}
    is_apart = is_installed or any(
        map(file.is_relative_to, (PACKAGE_FOLDER, *_STANDARD))
    )
    return not is_apart and any(map(file.is_relative_to, path))


_STANDARD: Final = tuple(
    Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")
)


def _file_of(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if isinstance(file, str) else None


def _chained_errors(trace: TracebackException) -> Iterator[TracebackException]:
    """An error, its causes, and the errors of a group."""
    waiting: list[TracebackException | None] = [trace]
    seen = 0
    while waiting and seen < MOST_CHAINED:
        one = waiting.pop(0)
        if one is not None:
            seen += 1
            yield one
            waiting += [one.__cause__, one.__context__, *(one.exceptions or ())]


def _is_inner(filename: str) -> bool:
    is_import = filename.startswith("<frozen importlib")
    is_import = is_import or filename == importlib.__file__
    return is_import or Path(filename).is_relative_to(PACKAGE_FOLDER)
