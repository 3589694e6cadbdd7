"""Git: the commit of a file, and whether one commit contains another.

A commit may come from the description of a workflow, which anyone can write. So only
plain hex is given to git as a commit.

A folder of JSON may come from a stranger and be a repository too, with programs in its
configuration. So git runs only in the folder of `pyproject.toml` or of the code, takes
no folder for a repository without `.git`, and sees no credential.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile
from typing import Final, Literal, TypeAlias
from unicodedata import normalize

from attrs import field, frozen

from ..definition import UNCOMMITTED, Stamp
from ..errors import FlowError
from ..text import did_you_mean

Relation: TypeAlias = Literal["ancestor", "apart", "unknown", "no-git"]
"""How a commit relates to that of the code. ancestor: the code contains it. apart: it
has something that the code lacks. unknown: this copy of the repository does not know
it. no-git: there is no repository, or no git."""

_NOT_CHECKED: Final = {
    "unknown": "its commit is not known in this copy of the repository",
    "no-git": "the code is in no git repository that can be read",
}
"""Why it is not known whether newer code deployed something."""

TIMEOUT: Final = 10
"""Seconds to wait for one answer of git."""

_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")

_OPTIONS: Final = (
    "--no-pager",
    "--no-optional-locks",
    *("-c", "safe.bareRepository=explicit"),
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
)
"""Options that keep git from running a program of the repository."""

_KEPT_VARIABLES: Final = (
    *("PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "GIT_CEILING_DIRECTORIES"),
    *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"),
)
"""Variables that git may see. None of them holds a credential."""

_FIXED_VARIABLES: Final = {
    "LC_ALL": "C",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
}
"""Variables that keep git from fetching, asking, and replacing objects by others."""

_CODE: Final = (".py", ".ipynb", ".toml")
"""Suffixes of code and settings. JSON may come from a stranger."""


_TEXTS: Final = re.compile(r"""["']([^"'\n\\{}]{1,64})["']""")


@frozen
class Git:
    """Asks git each question once. Make a new one for each plan."""

    _answers: dict[tuple[Path, tuple[str, ...]], tuple[int, str]] = field(factory=dict)

    def commit_of(self, file: str | None) -> str | None:
        """Return the commit of a file. None outside git.

        A `+` follows if the working tree is dirty, or if git does not track the file:
        then no commit may have the deployed code.

        Args:
            file: The file. None, for code without a file, takes the project's folder.
        """
        folder = _folder(file)
        head = folder and self._find_head(folder)
        if not folder or not head:
            return None
        commit, root = head
        # If it is not certain that the tree is clean, the commit is marked.
        # Git would run in a submodule to ask whether it is clean inside.
        options = ("--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")
        is_dirty, _ = self._ask(root, "diff", "--quiet", *options, "HEAD")
        is_committed = not is_dirty and self._is_tracked(folder, file)
        return commit if is_committed else commit + UNCOMMITTED

    def relation(self, file: str | None, commit: str) -> Relation:
        """Return how a commit relates to the commit of a file."""
        folder = _folder(file)
        head = folder and self._find_head(folder)
        if not folder or not head:
            return "no-git"
        if _COMMIT.fullmatch(commit) is None:
            return "unknown"
        is_other, _ = self._ask(folder, "merge-base", "--is-ancestor", commit, head[0])
        if is_other not in (0, 1):
            return "unknown"
        if not is_other:
            return "ancestor"
        # In a shallow copy, git also answers no for commits that it does not have.
        shallow = self._ask(folder, "rev-parse", "--is-shallow-repository")
        return "apart" if shallow == (0, "false\n") else "unknown"

    def list_texts(self, file: str | None, commit: str) -> Iterable[str]:
        """Return the short texts in quotes of a file of code at a commit."""
        folder = _folder(file)
        if file is None or folder is None or _COMMIT.fullmatch(commit) is None:
            return []
        blob = f"{commit}:./{Path(file).name}"
        return _TEXTS.findall(self._ask(folder, "cat-file", "blob", blob)[1])

    def _find_head(self, folder: Path) -> tuple[str, Path] | None:
        """Return the commit of a folder, and the root of its repository."""
        code, text = self._ask(folder, "rev-parse", "HEAD", "--show-toplevel")
        commit, _, root = text.removesuffix("\n").partition("\n")
        return None if code else (commit, Path(root))

    def _is_tracked(self, folder: Path, file: str | None) -> bool:
        """Return True if git tracks a file. None counts as tracked."""
        if file is None:
            return True
        names = self._ask(folder, "ls-files", "-z")[1]
        path = os.path.relpath(Path(file).absolute(), folder)
        # File systems spell accents differently.
        return normalize("NFC", f"\0{path}\0") in normalize("NFC", f"\0{names}")

    def _ask(self, folder: Path, *arguments: str) -> tuple[int, str]:
        if (folder, arguments) not in self._answers:
            self._answers[folder, arguments] = run_git(folder, *arguments)
        return self._answers[folder, arguments]


def check_ancestry(
    git: Git, file: str | None, stamp: Stamp, *, is_local: bool = False
) -> tuple[bool, Sequence[str]]:
    """Return whether newer code left a stamp, and why that is not known if it is not.

    Args:
        git: Knows the commits.
        file: A file of the code.
        stamp: The stamp of a deploy.
        is_local: Whether it was deployed to this machine: then code outside git, or
            from before its first commit, is nothing to be told.
    """
    about = "whether live comes from newer code"
    if stamp.commit is None and (is_local or git.commit_of(file) is None):
        return False, ()  # neither side is in git, or nothing is at stake
    if stamp.commit is None:
        return False, (f"{about}: its stamp names no commit",)
    relation = git.relation(file, stamp.commit.removesuffix(UNCOMMITTED))
    if relation in _NOT_CHECKED:
        return False, (f"{about}: {_NOT_CHECKED[relation]}",)
    if relation == "ancestor" and stamp.commit.endswith(UNCOMMITTED):
        return False, (f"{about}: it was deployed from a dirty working tree",)
    return relation == "apart", ()


def _folder(file: str | None) -> Path | None:
    """Return the folder to ask git in: of the code, else of `pyproject.toml`."""
    if file is not None and Path(file).suffix in _CODE:
        return Path(file).absolute().parent
    here = Path.cwd()
    folders = (here, *here.parents)
    return next((path for path in folders if (path / "pyproject.toml").is_file()), None)


def _make_environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, **_FIXED_VARIABLES}


def run_git(folder: Path, *arguments: str) -> tuple[int, str]:
    """Return the exit code of git, -1 if it cannot be run, and what it prints."""
    try:
        answer = subprocess.run(  # noqa: S603 - git's own words, and a commit in hex
            ["git", *_OPTIONS, *arguments],  # noqa: S607 - whichever git the user has
            cwd=folder,
            env=_make_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return -1, ""
    return answer.returncode, answer.stdout


# -- Files of another commit -----------------------------------------------------------

_PLAIN_FILES: Final = ("100644", "100755")
"""Modes of files that are not links."""


@frozen
class Repository:
    """A repository. The files of a commit are read as data."""

    root: Path

    @classmethod
    def of(cls, folder: Path) -> Repository:
        """Return the repository of a folder.

        Raises:
            FlowError: The folder has no repository, or git is missing.
        """
        code, root = run_git(folder, "rev-parse", "--show-toplevel")
        if code:
            raise FlowError("a revision needs git, and there is no repository here")
        return cls(Path(root.removesuffix("\n")).resolve())

    def name(self, path: Path) -> str:
        """Return the path of a file of the repository, from its root.

        A link is not followed: in another commit, there may be a file in its place.

        Raises:
            FlowError: It is elsewhere.
        """
        full = Path(os.path.normpath(path.absolute()))
        if not full.is_relative_to(self.root):
            raise FlowError(f"{path} is not in {self.root}")
        return full.relative_to(self.root).as_posix()

    def find_merge_base(self, revision: str) -> str:
        """Return the newest commit that this branch and a revision have in common.

        Raises:
            FlowError: Git does not know it.
        """
        wanted = f"{revision}^{{commit}}"
        commit = self._ask("rev-parse", "--verify", "--end-of-options", wanted)
        if commit is None:
            problem = f"git does not know {revision!r} here"
            raise FlowError(problem, hint=self._advise(revision), is_usage=True)
        if base := self._ask("merge-base", "HEAD", commit):
            return base.split()[0]
        if self._ask("rev-parse", "--is-shallow-repository") == "true":
            problem = "this clone is shallow, and lacks where the branch began"
            raise FlowError(problem, hint="deepen it: git fetch --unshallow")
        raise FlowError(f"{revision} has no commit in common with this branch")

    def check_out(self, commit: str, folder: Path, path: str = ".") -> None:
        """Write the plain files of a commit into a folder.

        Raw objects are read, so no hook and no filter of the repository runs.

        Raises:
            FlowError: Git cannot read them.
        """
        listed = self._ask("ls-tree", "-r", "-z", commit, "--", path)
        if listed is None:
            raise FlowError(f"git cannot read {commit[:12]}")
        files: list[tuple[Path, str]] = []
        for entry in filter(None, listed.split("\0")):
            facts, _, name = entry.partition("\t")
            mode, _, digest = facts.split()
            place = PurePosixPath(name)
            leads_out = place.is_absolute() or ".." in place.parts  # a crafted commit
            if mode in _PLAIN_FILES and not leads_out:
                files.append((folder / place, digest))
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile() as wanted:
            wanted.writelines(f"{digest}\n".encode() for _, digest in files)
            wanted.seek(0)
            with subprocess.Popen(  # noqa: S603 - git, with words of ours
                ["git", *_OPTIONS, "cat-file", "--batch"],  # noqa: S607 - see above
                cwd=self.root,
                env=_make_environment(),
                stdin=wanted,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            ) as process:
                assert process.stdout is not None
                for file, digest in files:
                    *_, size = process.stdout.readline().split() or [b""]
                    length = int(size) + 1 if size.isdigit() else 0  # with a line feed
                    content = process.stdout.read(length)
                    if not length or len(content) < length:
                        problem = f"git cannot read {digest} here"
                        raise FlowError(problem, hint="fetch the whole clone")
                    try:
                        file.parent.mkdir(parents=True, exist_ok=True)
                        file.write_bytes(content[:-1])
                    except OSError as error:
                        problem = f"a file of {commit[:12]} cannot be written here"
                        raise FlowError(f"{problem} ({error.strerror})") from error

    def _advise(self, revision: str) -> str:
        """Return what to write for a revision that git does not know."""
        names = (self._ask("for-each-ref", "--format=%(refname:short)") or "").split()
        if near := did_you_mean(revision, names):
            return near.strip(" ()")
        remote = (self._ask("remote") or "").split("\n")[0]
        branch = revision.removeprefix(f"{remote}/")
        return f"fetch it: git fetch {remote} {branch}" if remote else ""

    def _ask(self, *arguments: str) -> str | None:
        """Return what git answers; None if it refuses."""
        code, text = run_git(self.root, *arguments)
        return None if code else text.rstrip("\n")
