"""Importing modules of the user, as a program of theirs would."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import sysconfig
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from hashlib import sha256
from pathlib import Path
from traceback import TracebackException
from types import ModuleType
from typing import Final

import click
from attrs import frozen

OURS: Final = Path(__file__).resolve().parent.parent
"""The folder of flow64 itself."""

MOST: Final = 20
"""How many errors that led to one another lose the frames that are not the user's."""


@frozen
class Importing:
    """Where modules are imported from.

    Attributes:
        root: The folder that holds them, or the package that they are in.
        path: All folders that are looked into, the root first.
    """

    root: Path
    path: Sequence[Path]

    def file(self, file: Path) -> ModuleType:
        """The module of a file.

        Raises:
            click.ClickException: It fails; the user's own traceback is in the message.
        """
        file = file.resolve()
        parts = [*file.relative_to(self.root).with_suffix("").parts]
        if parts[-1] == "__init__":
            parts.pop()
        name = ".".join(parts)
        with _blaming(str(file)):
            if len(parts) > 1:  # its packages come first
                return importlib.import_module(name)
            known = sys.modules.get(name)
            if known is not None and _file_of(known) == file:
                return known
            if known is not None or not names_module(name):
                name = f"flow64_source_{sha256(str(file).encode()).hexdigest()[:12]}"
            return _executed(name, file)

    def module(self, name: str) -> ModuleType | None:
        """The module of a name; None where there is none.

        Raises:
            click.ClickException: It fails; the user's own traceback is in the message.
        """
        with _blaming(name):
            if not all(map(_is_there, _heads(name))):
                return None
            return importlib.import_module(name)


def root_of(place: Path) -> Path:
    """The folder from which a file is imported: what is above its packages."""
    folder = place.resolve()
    if not folder.is_dir():
        folder = folder.parent
    while (folder / "__init__.py").exists() and folder.parent != folder:
        folder = folder.parent
    return folder


@contextmanager
def importing(root: Path, *more: Path) -> Generator[Importing]:
    """Let modules import each other, and forget them afterwards.

    Modules of two sources may have the same names, as in two versions of one folder.
    What they print goes to stderr, since stdout is for results.

    Args:
        root: The folder that holds them.
        *more: Further folders to look into.
    """
    path = list(dict.fromkeys([root.resolve(), *(folder.resolve() for folder in more)]))
    before, sys_path = frozenset(sys.modules), [*sys.path]
    sys.path[:0] = [str(path[0])]
    sys.path += [str(folder) for folder in path[1:]]
    importlib.invalidate_caches()
    try:
        with redirect_stdout(sys.stderr):
            yield Importing(path[0], path)
    finally:
        sys.path[:] = sys_path
        for name in [*sys.modules]:
            if name not in before and _is_below(sys.modules[name], path):
                del sys.modules[name]


def names_module(text: str) -> bool:
    """Whether a text can be the name of a module."""
    return all(part.isidentifier() for part in text.split("."))


def traceback_of(error: BaseException) -> str:
    """A traceback as the user knows it, without frames of flow64 or of the import."""
    told = TracebackException.from_exception(error)
    for one in _chain(told):
        one.stack[:] = [f for f in one.stack if not _is_inner(f.filename)]
    return "".join(told.format()).rstrip("\n")


@contextmanager
def _blaming(what: str) -> Generator[None]:
    """Say of whatever a module raises where in the user's files it came from."""
    try:
        yield
    except SystemExit:
        problem = f"{what} ends the program while it is imported"
        advice = 'put what runs under `if __name__ == "__main__":`'
        raise click.ClickException(f"{problem}; {advice}") from None
    except Exception as error:  # noqa: BLE001 - it is for whoever wrote the module
        problem = f"{what} cannot be imported\n{traceback_of(error)}"
        raise click.ClickException(problem) from None


def _executed(name: str, file: Path) -> ModuleType:
    """The module of a file, under a name of its own."""
    spec = importlib.util.spec_from_file_location(name, file)
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


def _heads(name: str) -> Iterator[str]:
    """`a`, `a.b` and `a.b.c` for the last of them."""
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        yield ".".join(parts[:count])


def _is_there(name: str) -> bool:
    """Whether there is a module of that name; what it stands in is there."""
    if name in sys.modules:
        return True
    parent = name.rpartition(".")[0]
    if parent and not hasattr(importlib.import_module(parent), "__path__"):
        return False
    return importlib.util.find_spec(name) is not None


def _is_below(module: ModuleType, path: Sequence[Path]) -> bool:
    """Whether a module is the user's, in one of these folders."""
    file = _file_of(module)
    if file is None or file.suffix != ".py":  # compiled ones are imported once
        return False
    # What is installed below the folder of a project is the same for all sources.
    is_installed = {"site-packages", "dist-packages"} & {*file.parts}
    is_apart = is_installed or any(map(file.is_relative_to, (OURS, *_STANDARD)))
    return not is_apart and any(map(file.is_relative_to, path))


_STANDARD: Final = tuple(
    Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")
)


def _file_of(module: ModuleType) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).resolve() if isinstance(file, str) else None


def _chain(told: TracebackException) -> Iterator[TracebackException]:
    """An error and those that led to it, also those of a group."""
    waiting: list[TracebackException | None] = [told]
    seen = 0
    while waiting and seen < MOST:
        one = waiting.pop(0)
        if one is not None:
            seen += 1
            yield one
            waiting += [one.__cause__, one.__context__, *(one.exceptions or ())]


def _is_inner(filename: str) -> bool:
    is_import = filename.startswith("<frozen importlib")
    is_import = is_import or filename == importlib.__file__
    return is_import or Path(filename).is_relative_to(OURS)
