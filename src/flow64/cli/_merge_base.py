"""A branch and the commit where it left another one, as two sides to compare."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, Final

import click
from attrs import evolve, frozen

from ..definition import Definition, ListedOrigins, Origin, drop_env, loads
from ..diagnostics import Place
from ..environments import load as load_settings
from ..errors import FlowError
from ..loading import Side, SideWorkflow, load_source, lower_leniently

TIMEOUT: Final = 600
"""Seconds to wait for the base to be loaded."""

_GIT: Final = (
    *("git", "--no-pager", "--no-optional-locks", "-c", "safe.bareRepository=explicit"),
    *("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"),
)
"""Git with options that keep it from running a program of the repository."""

_KEPT_VARIABLES: Final = (
    *("PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "GIT_CEILING_DIRECTORIES"),
    *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"),
)
"""Variables that git may see. None of them holds a credential."""

_FIXED_VARIABLES: Final = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
"""Variables that keep git from fetching, asking, and replacing objects by others."""

_PLAIN_FILES: Final = ("100644", "100755")
"""Modes of files that are not links."""


def load_merge_base(revision: str) -> tuple[Side, Side]:
    """Return the workflows of the merge base with a revision, and those of now.

    If the settings name a folder of compiled JSON, its committed files are read, and no
    code runs. Otherwise the code of the working tree is loaded here, and that of the
    base in a process of its own.

    Raises:
        click.ClickException: Git does not know the base, or it cannot be loaded.
    """
    repository = _Repository.find()
    base = repository.find_merge_base(revision)
    compiled = load_settings().compiled
    with TemporaryDirectory(prefix="flow64-") as temporary:
        folder = Path(temporary).resolve()
        if compiled is not None:
            path = repository.name(compiled)
            sides = [
                _read_compiled(repository, folder / name, commit, path)
                for name, commit in (("before", base), ("after", "HEAD"))
            ]
            return evolve(sides[0], label=revision), sides[1]
        repository.check_out(base, folder)
        after = _load_code()
        before = _load_base(repository, folder, after)
        return evolve(before, label=revision), after


# -- Git -------------------------------------------------------------------------------


@frozen
class _Repository:
    """The repository of the working folder."""

    root: Path

    @classmethod
    def find(cls) -> _Repository:
        """Return it.

        Raises:
            click.ClickException: There is none, or no git.
        """
        root = _run_git(Path.cwd(), "rev-parse", "--show-toplevel")
        if root.returncode != 0:
            raise click.ClickException("--base compares commits: there is no git here")
        return cls(Path(os.fsdecode(root.stdout.removesuffix(b"\n"))).resolve())

    def name(self, path: Path) -> str:
        """Return the path of a file of the repository, from its root.

        Raises:
            click.ClickException: It is elsewhere.
        """
        full = path.resolve()
        if not full.is_relative_to(self.root):
            raise click.ClickException(f"{path} is not in {self.root}")
        return full.relative_to(self.root).as_posix()

    def find_merge_base(self, revision: str) -> str:
        """Return the newest commit that this branch and a revision have in common.

        Raises:
            click.ClickException: Git does not know it.
        """
        wanted = f"{revision}^{{commit}}"
        resolved = _run_git(
            self.root, "rev-parse", "--verify", "--end-of-options", wanted
        )
        if resolved.returncode != 0:
            branch = revision.removeprefix("origin/")
            problem = f"git does not know {revision!r} here"
            raise click.ClickException(
                f"{problem}; fetch it: git fetch origin {branch}"
            )
        commit = resolved.stdout.decode().strip()
        common = _run_git(self.root, "merge-base", "HEAD", commit)
        if common.returncode == 0:
            return common.stdout.decode().split()[0]
        shallow = _run_git(self.root, "rev-parse", "--is-shallow-repository")
        if shallow.stdout.strip() == b"true":
            problem = "this clone is shallow, and lacks where the branch began"
            raise click.ClickException(f"{problem}; deepen it: git fetch --unshallow")
        raise click.ClickException(
            f"{revision} has no commit in common with this branch"
        )

    def check_out(self, commit: str, folder: Path, path: str = ".") -> None:
        """Write the plain files of a commit into a folder.

        Raw objects are read, so no hook and no filter of the repository runs.

        Raises:
            click.ClickException: Git cannot read them.
        """
        listed = _run_git(self.root, "ls-tree", "-r", "-z", commit, "--", path)
        if listed.returncode != 0:
            said = listed.stderr.decode(errors="replace").strip()
            raise click.ClickException(f"git cannot read {commit[:12]}: {said}")
        files: list[tuple[Path, bytes]] = []
        for entry in filter(None, listed.stdout.split(b"\0")):
            facts, _, name = entry.partition(b"\t")
            mode, _, digest = facts.split()
            place = PurePosixPath(os.fsdecode(name))
            if mode.decode() in _PLAIN_FILES and not _leads_out(place):
                files.append((folder / place, digest))
        with TemporaryFile() as wanted:
            wanted.writelines(digest + b"\n" for _, digest in files)
            wanted.seek(0)
            arguments = [*_GIT, "cat-file", "--batch"]
            with subprocess.Popen(  # noqa: S603 - git, with words of ours
                arguments,
                cwd=self.root,
                env=_make_environment(),
                stdin=wanted,
                stdout=subprocess.PIPE,
            ) as process:
                assert process.stdout is not None
                for file, digest in files:
                    size = process.stdout.readline().split()[-1]
                    if not size.isdigit():
                        problem = f"git does not have {digest.decode()} here"
                        raise click.ClickException(f"{problem}; fetch the whole clone")
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(process.stdout.read(int(size)))
                    process.stdout.read(1)


def _leads_out(place: PurePosixPath) -> bool:
    """Whether a path of a crafted commit leads out of its folder."""
    return place.is_absolute() or ".." in place.parts


def _make_environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, **_FIXED_VARIABLES}


def _run_git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 - git, with arguments that begin with words of ours
            [*_GIT, *arguments],
            cwd=folder,
            env=_make_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise click.ClickException(f"git cannot be run: {error}") from error


# -- The sides -------------------------------------------------------------------------


def _read_compiled(
    repository: _Repository, folder: Path, commit: str, path: str
) -> Side:
    """Return the compiled JSON of a commit. It may have none."""
    repository.check_out(commit, folder, path)
    if not any((folder / path).rglob("*.json")):
        return Side(path, [], is_one=False)
    try:
        loaded = load_source(str(folder / path), code=False, may_be_empty=True)
    except FlowError as error:
        problem = str(error).replace(f"{folder}/", "")
        raise click.ClickException(f"{commit[:12]}: {problem}") from error
    entries = [
        _make_entry(workflow.name, lower_leniently(workflow.workflow), folder)
        for workflow in loaded.workflows
    ]
    return Side(path, entries, is_one=False, notes=loaded.notes)


def _make_entry(name: str, definition: Definition, folder: Path) -> SideWorkflow:
    place = definition.place
    if place is not None and Path(place.file).is_relative_to(folder):
        file = Path(place.file).relative_to(folder)
        definition = evolve(definition, place=place._replace(file=str(file)))
    path = None if definition.path is None else drop_env(definition.path)
    return SideWorkflow(name, definition, path, is_live=False)


def _load_code() -> Side:
    """Return the workflows of the code as it is."""
    loaded = load_source(None, may_be_empty=True)
    entries = [
        _make_entry(workflow.name, lower_leniently(workflow.workflow), Path.cwd())
        for workflow in loaded.workflows
    ]
    return Side(loaded.source, entries, is_one=False, notes=loaded.notes)


def _load_base(repository: _Repository, folder: Path, after: Side) -> Side:
    """Load the code of a folder in a process of its own.

    Raises:
        click.ClickException: It cannot be loaded, or a module of it is not from there.
    """
    here = Path.cwd().resolve()
    inside = here.relative_to(repository.root)
    outcome = folder.with_name(f"{folder.name}.json")
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    moved = [
        str(folder / Path(path).resolve().relative_to(repository.root))
        if path and Path(path).resolve().is_relative_to(repository.root)
        else path
        for path in paths
    ]
    command = [sys.executable, "-P", "-m", "flow64.cli._load_base"]
    try:
        done = subprocess.run(  # noqa: S603 - this Python, with paths of ours
            [*command, str(repository.root), str(folder), str(outcome)],
            cwd=folder / inside,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, moved))},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
        data = json.loads(outcome.read_text("utf-8")) if outcome.exists() else {}
    except (OSError, subprocess.SubprocessError) as error:
        raise click.ClickException(f"the base cannot be loaded: {error}") from error
    finally:
        outcome.unlink(missing_ok=True)
    if "workflows" not in data:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        problem = data.get("problem") or "".join(last) or "its process ended"
        raise click.ClickException(f"the base cannot be loaded: {problem}")
    entries = [_read_entry(entry, after) for entry in data["workflows"]]
    return Side("base", entries, is_one=False)


def _read_entry(data: Any, after: Side) -> SideWorkflow:
    """Return a workflow that the process of the base has written."""
    ours = [entry.definition for entry in after.entries][:1]
    definition = evolve(
        loads(data["text"]),
        path=data["path"],
        origins=ListedOrigins(_read_origins(data["origins"])),
        allowed=frozenset(data["allowed"]),
        place=None if data["place"] is None else Place(*data["place"]),
        listed=ours[0].listed if ours else None,
        rules=ours[0].rules if ours else {},
    )
    place = None if definition.path is None else drop_env(definition.path)
    return SideWorkflow(data["name"], definition, place, is_live=False)


def _read_origins(data: Sequence[Any]) -> list[Origin]:
    return [
        Origin(path=path, allowed=tuple(allowed), extra=tuple(extra))
        for path, allowed, extra in data
    ]
