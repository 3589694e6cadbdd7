"""Git: which commit code belongs to, what it had, and what is behind it.

A commit may come from the description of a workflow, which anyone may have written. So
git is given nothing as a commit that is not plain hex.
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

Relation: TypeAlias = Literal["ancestor", "apart", "unknown", "no-git"]
"""What a commit is to that of the code. ancestor: the code has all of it. apart: it has
something that the code lacks. unknown: this copy of the repository does not know it.
no-git: there is no repository, or no git."""

_NOT_CHECKED: Final = {
    "unknown": "its commit is not known in this copy of the repository",
    "no-git": "the code is in no git repository that can be read",
}
"""Why it is not known whether newer code deployed something."""

IN_NO_COMMIT: Final = "it was deployed from changes that were in no commit"

TIMEOUT: Final = 10
"""Seconds for one question to git."""

MOST_FILES: Final = 5_000
"""Files of one commit that are read at most."""

MOST_BYTES: Final = 64 * 2**20
"""Bytes of all these files together, at most; a file without room is left out."""

_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")

_AS_IT_IS: Final = {"GIT_NO_LAZY_FETCH": "1", "GIT_NO_REPLACE_OBJECTS": "1"}
"""Variables with which git fetches nothing, and exchanges no object for another."""

_PLAIN_FILES: Final = ("100644", "100755")
"""Modes of files that are no links."""


class Ancestry(Protocol):
    """Answers what a commit is to that of the code in a file."""

    def commit_of(self, file: str | None) -> str | None:
        """The commit that the file belongs to; None outside git."""

    def relation(self, file: str | None, commit: str) -> Relation:
        """What `commit` is to the commit that the file belongs to."""


@frozen
class Git:
    """Asks git, once for each folder and commit; made anew for each plan."""

    _heads: dict[Path, str | None] = Factory(dict[Path, str | None])
    _marks: dict[str, str] = Factory(dict[str, str])
    _tracked: dict[Path, frozenset[str]] = Factory(dict[Path, frozenset[str]])
    _relations: dict[tuple[Path, str], Relation] = Factory(
        dict[tuple[Path, str], Relation]
    )

    def commit_of(self, file: str | None) -> str | None:
        """The commit that a file belongs to; None outside git.

        With `+` behind it where a file that git tracks, wherever in the repository, is
        not as in that commit, or where git does not track the file itself: what is
        deployed then may be in no commit at all.

        Args:
            file: None for what was written in no file: the working folder counts.
        """
        found = self._head_of(_folder(file))
        if found is None or found.endswith(UNCOMMITTED) or self._is_tracked(file):
            return found
        return found + UNCOMMITTED

    def relation(self, file: str | None, commit: str) -> Relation:
        """What a commit is to the commit that the file belongs to."""
        folder = _folder(file)
        if (folder, commit) not in self._relations:
            self._relations[folder, commit] = self._asked(folder, commit)
        return self._relations[folder, commit]

    def read_files(
        self, folder: Path, commit: str, is_wanted: Callable[[PurePosixPath], bool]
    ) -> Sequence[bytes]:
        """Return the contents of files as a commit has them.

        Raw objects are read. So no hook, filter or textconv of the repository runs, and
        nothing is fetched. Without such a commit, repository or git there are none.

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
        """Whether git tracks a file; of no file nothing is untracked."""
        if file is None:
            return True
        folder = _folder(file)
        if folder not in self._tracked:
            done = ask_git(folder, "ls-files", "-z", "--", ":(glob)*")
            names = [] if done is None else done.stdout.split("\0")
            self._tracked[folder] = frozenset(map(_spelled, names))
        return _spelled(Path(file).name) in self._tracked[folder]

    def _head(self, folder: Path) -> str | None:
        done = ask_git(folder, "rev-parse", "HEAD", "--show-toplevel")
        if done is None or done.returncode != 0:
            return None
        commit, _, repository = done.stdout.partition("\n")
        if repository not in self._marks:
            # Whatever is not certainly as it was committed is marked.
            same = ask_git(folder, "diff", "--quiet", "--no-ext-diff", "HEAD")
            is_same = same is not None and same.returncode == 0
            self._marks[repository] = "" if is_same else UNCOMMITTED
        return commit + self._marks[repository]

    def _asked(self, folder: Path, commit: str) -> Relation:
        if _COMMIT.fullmatch(commit) is None:
            return "unknown"
        ours = self._head_of(folder)
        if ours is None:
            return "no-git"
        ours = ours.removesuffix(UNCOMMITTED)
        if ours == commit:
            return "ancestor"
        done = ask_git(folder, "merge-base", "--is-ancestor", commit, ours)
        if done is None:
            return "no-git"
        if done.returncode not in (0, 1):
            return "unknown"
        if done.returncode == 0:
            return "ancestor"
        # Of a shallow copy git sees no further than its end, and says no as well.
        shallow = ask_git(folder, "rev-parse", "--is-shallow-repository")
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
        return False, (IN_NO_COMMIT,)
    return relation == "apart", ()


def _folder(file: str | None) -> Path:
    return Path(file).absolute().parent if file else Path.cwd()


def _spelled(name: str) -> str:
    """A name of a file in one spelling: file systems differ in that of accents."""
    return normalize("NFC", name)


def _wanted_objects(
    listed: str, is_wanted: Callable[[PurePosixPath], bool]
) -> Iterator[str]:
    """The objects of plain files that are wanted, as many as there is room for."""
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
    """The contents of objects, each behind a line that ends in its size."""
    while answer:
        head, _, answer = answer.partition(b"\n")
        size = head.split()[-1]
        if size.isdigit():  # else it says that there is no such object
            yield answer[: int(size)]
            answer = answer[int(size) + 1 :]


def ask_git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str] | None:
    """Return the answer of git as text; None if it cannot be asked."""
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
    """What git answers to some input; None where it cannot be asked."""
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
