"""Git: the commit of a file, the files of a commit, and whether one contains another.

A commit may come from the description of a workflow, which anyone can write. So only
plain hex is given to git as a commit.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final, Literal, Protocol, TypeAlias
from unicodedata import normalize

from attrs import Factory, frozen

from ..definition import EMPTY, UNCOMMITTED, Stamp
from ..plan import DIRTY_TREE

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

MOST_FILES: Final = 5_000
"""Most files of one commit to read."""

MOST_BYTES: Final = 64 * 2**20
"""Most bytes of all these files together. Files without room are left out."""

_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")

_AS_IT_IS: Final = {"GIT_NO_LAZY_FETCH": "1", "GIT_NO_REPLACE_OBJECTS": "1"}
"""Variables that keep git from fetching, and from replacing objects by others."""

_PLAIN_FILES: Final = ("100644", "100755")
"""Modes of files that are not links."""


class Ancestry(Protocol):
    """Knows how commits relate to the commit of a file."""

    def commit_of(self, file: str | None) -> str | None:
        """Return the commit of a file. None outside git."""

    def relation(self, file: str | None, commit: str) -> Relation:
        """Return how a commit relates to the commit of a file."""


@frozen
class Git:
    """Asks git once for each folder and commit. Make a new one for each plan."""

    _heads: dict[Path, str | None] = Factory(dict[Path, str | None])
    _marks: dict[str, str] = Factory(dict[str, str])
    _tracked: dict[Path, frozenset[str]] = Factory(dict[Path, frozenset[str]])
    _relations: dict[tuple[Path, str], Relation] = Factory(
        dict[tuple[Path, str], Relation]
    )

    def commit_of(self, file: str | None) -> str | None:
        """Return the commit of a file. None outside git.

        A `+` follows if the working tree is dirty, or if git does not track the file:
        then no commit may have the deployed code.

        Args:
            file: The file. None, for code without a file, takes the working folder.
        """
        found = self._head_of(_folder(file))
        if found is None or found.endswith(UNCOMMITTED) or self._is_tracked(file):
            return found
        return found + UNCOMMITTED

    def relation(self, file: str | None, commit: str) -> Relation:
        """Return how a commit relates to the commit of a file."""
        folder = _folder(file)
        if (folder, commit) not in self._relations:
            self._relations[folder, commit] = self._find_relation(folder, commit)
        return self._relations[folder, commit]

    def read_files(
        self, folder: Path, commit: str, is_wanted: Callable[[PurePosixPath], bool]
    ) -> Sequence[bytes]:
        """Return the contents of files as a commit has them.

        Raw objects are read. So no hook, filter or textconv of the repository runs, and
        nothing is fetched. Without this commit, repository or git, the result is empty.

        Args:
            folder: The folder that they are below.
            commit: The commit, in hex.
            is_wanted: Return True for the path of a file to read, seen from the folder.
        """
        if _COMMIT.fullmatch(commit) is None:
            return []
        listed = _run(folder, ["ls-tree", "-r", "-z", "-l", commit], env=_AS_IT_IS)
        if listed is None or listed.returncode != 0:
            return []
        text = listed.stdout.decode("utf-8", "surrogateescape")
        found = [*_wanted_objects(text, is_wanted)]
        given = "".join(f"{one}\n" for one in found).encode()
        asked = ["cat-file", "--batch"]
        done = _run(folder, asked, given, _AS_IT_IS) if found else None
        return [] if done is None else [*_contents(done.stdout)]

    def _head_of(self, folder: Path) -> str | None:
        if folder not in self._heads:
            self._heads[folder] = self._head(folder)
        return self._heads[folder]

    def _is_tracked(self, file: str | None) -> bool:
        """Return True if git tracks a file. None counts as tracked."""
        if file is None:
            return True
        folder = _folder(file)
        if folder not in self._tracked:
            done = run_git(folder, "ls-files", "-z", "--", ":(glob)*")
            names = [] if done is None else done.stdout.split("\0")
            self._tracked[folder] = frozenset(map(_normalize, names))
        return _normalize(Path(file).name) in self._tracked[folder]

    def _head(self, folder: Path) -> str | None:
        done = run_git(folder, "rev-parse", "HEAD", "--show-toplevel")
        if done is None or done.returncode != 0:
            return None
        commit, _, repository = done.stdout.partition("\n")
        if repository not in self._marks:
            # If it is not certain that the tree is clean, the commit is marked.
            same = run_git(folder, "diff", "--quiet", "--no-ext-diff", "HEAD")
            is_same = same is not None and same.returncode == 0
            self._marks[repository] = "" if is_same else UNCOMMITTED
        return commit + self._marks[repository]

    def _find_relation(self, folder: Path, commit: str) -> Relation:
        if _COMMIT.fullmatch(commit) is None:
            return "unknown"
        ours = self._head_of(folder)
        if ours is None:
            return "no-git"
        ours = ours.removesuffix(UNCOMMITTED)
        if ours == commit:
            return "ancestor"
        done = run_git(folder, "merge-base", "--is-ancestor", commit, ours)
        if done is None:
            return "no-git"
        if done.returncode not in (0, 1):
            return "unknown"
        if done.returncode == 0:
            return "ancestor"
        # In a shallow copy, git also answers no for commits that it does not have.
        shallow = run_git(folder, "rev-parse", "--is-shallow-repository")
        is_whole = shallow is not None and shallow.stdout.strip() == "false"
        return "apart" if is_whole else "unknown"


def check_ancestry(
    git: Ancestry, file: str | None, stamp: Stamp
) -> tuple[bool, Sequence[str]]:
    """Return whether newer code left a stamp, and why that is not known if it is not.

    Args:
        git: Knows the commits.
        file: A file of the code.
        stamp: The stamp of a deploy.
    """
    about = "whether newer code deployed it"
    if stamp.commit is None:
        return False, (f"{about}: its stamp names no commit",)
    relation = git.relation(file, stamp.commit.removesuffix(UNCOMMITTED))
    if relation in _NOT_CHECKED:
        return False, (f"{about}: {_NOT_CHECKED[relation]}",)
    if relation == "ancestor" and not stamp.is_committed:
        return False, (DIRTY_TREE,)
    return relation == "apart", ()


def _folder(file: str | None) -> Path:
    return Path(file).absolute().parent if file else Path.cwd()


def _normalize(name: str) -> str:
    """Normalize the name of a file: file systems spell accents differently."""
    return normalize("NFC", name)


def _wanted_objects(
    listed: str, is_wanted: Callable[[PurePosixPath], bool]
) -> Iterator[str]:
    """Yield the objects of the wanted plain files, up to the limits."""
    count, room = 0, MOST_BYTES
    for entry in filter(None, listed.split("\0")):
        facts, _, name = entry.partition("\t")
        mode, _, found, size = facts.split()
        if mode not in _PLAIN_FILES or not is_wanted(PurePosixPath(name)):
            continue
        if size.isdecimal() and int(size) <= room and count < MOST_FILES:
            count, room = count + 1, room - int(size)
            yield found


def _contents(answer: bytes) -> Iterator[bytes]:
    """Yield the contents of objects. Each follows a line that ends in its size."""
    while answer:
        head, _, answer = answer.partition(b"\n")
        size = head.split()[-1]
        if size.isdigit():  # else it says that there is no such object
            yield answer[: int(size)]
            answer = answer[int(size) + 1 :]


def run_git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str] | None:
    """Run git, and return its answer as text. None if it cannot be run."""
    done = _run(folder, arguments)
    if done is None:
        return None
    text = done.stdout.decode("utf-8", "surrogateescape")
    return subprocess.CompletedProcess(done.args, done.returncode, text)


def _run(
    folder: Path,
    arguments: Sequence[str],
    given: bytes = b"",
    env: Mapping[str, str] = EMPTY,
) -> subprocess.CompletedProcess[bytes] | None:
    """Run git with an input. None if it cannot be run."""
    try:
        return subprocess.run(  # noqa: S603 - git's own words, and a commit in hex
            ["git", *arguments],  # noqa: S607 - whichever git the user has
            cwd=folder,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0", **env},
            input=given,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
