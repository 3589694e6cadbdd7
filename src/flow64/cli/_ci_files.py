"""The CI files of a project: complete, or short ones that refer to flow64's repository.

The templates own the steps of each job. A complete file has them. A short file has the
head of each job, and one step that hands the rest to `action.yml` of flow64's
repository. `scripts/ci.py` writes that file from the same templates.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from attrs import frozen

ACTIONS: Final = {
    "actions/attest": ("1e69f48acb82d1966a394da916b4c1698aa569d6", "4.2.2"),
    "actions/checkout": ("3d3c42e5aac5ba805825da76410c181273ba90b1", "7.0.1"),
    "actions/download-artifact": ("3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "8.0.1"),
    "actions/setup-python": ("5fda3b95a4ea91299a34e894583c3862153e4b97", "7.0.0"),
    "actions/upload-artifact": ("043fb46d1a93c77aae656e7c1c64a875d1fc6a0a", "7.0.1"),
    "pypa/gh-action-pypi-publish": (
        "dc37677b2e1c63e2034f94d8a5b11f265b73ba33",
        "1.14.2",
    ),
}
"""The commit and the release of each action that a file of ours uses."""

INCLUDED: Final = "gitlab-ci.yml"
"""The file of flow64's repository that a short `.gitlab-ci.yml` includes."""

SECRET: Final = re.compile(r"\b(\w+): (\$\{\{ secrets\.\w+ \}\})")
"""A variable of a step that is a secret of the repository."""

VARIABLE: Final = re.compile(r"vars\.FLOW64_([A-Z_]+)")
"""A variable of the repository. It is an input of the action."""

_SOURCE: Final = re.compile(
    r"git\+(?:https://|ssh://git@)(?P<host>github\.com|gitlab\.com)/"
    r"(?P<path>[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)+)"
    r"@(?P<commit>[0-9a-f]{40})(?:#subdirectory=(?P<folder>[^ ]+))?"
)


@frozen
class CiJob:
    """A job of a workflow file of GitHub.

    Attributes:
        name: Its name.
        head: Its text before its steps.
        steps: The text of each step.
    """

    name: str
    head: str
    steps: Sequence[str]


def find_action(requirement: str | None) -> str | None:
    """Return what a job `uses`, from a recorded requirement: `acme/flow64@COMMIT`.

    Returns:
        None if the requirement is not a commit of a repository on github.com.
    """
    found = _SOURCE.search(requirement or "")
    if found is None or found["host"] != "github.com" or found["path"].count("/") > 1:
        return None
    repository = found["path"].removesuffix(".git")
    folder = f"/{found['folder']}" if found["folder"] else ""
    return f"{repository}{folder}@{found['commit']}"


def find_included(requirement: str | None) -> str | None:
    """Return the address of the file that `.gitlab-ci.yml` includes.

    Returns:
        None if the requirement is not a commit of a repository on a known host.
    """
    found = _SOURCE.search(requirement or "")
    if found is None:
        return None
    repository = found["path"].removesuffix(".git")
    folder = f"{found['folder']}/" if found["folder"] else ""
    file = f"{found['commit']}/{folder}{INCLUDED}"
    if found["host"] == "github.com":
        return f"https://raw.githubusercontent.com/{repository}/{file}"
    return f"https://gitlab.com/{repository}/-/raw/{file}"


def pin_actions(text: str) -> str:
    """Add the commit of each action, and its release as a comment."""

    def pin(found: re.Match[str]) -> str:
        commit, release = ACTIONS[found[1]]
        return f"uses: {found[1]}@{commit} # v{release}"

    return re.sub(r"(?m)uses: ([a-z-]+/[a-z-]+)$", pin, text)


def find_jobs(text: str) -> Sequence[CiJob]:
    """Return the jobs of a workflow file."""
    jobs = re.split(r"(?m)^  (?=[a-z]+:$)", text.partition("\njobs:\n")[2])[1:]
    halves = [job.partition("    steps:\n") for job in jobs]
    return [
        CiJob(
            head.partition(":")[0],
            head,
            # A step, or a comment above it, after an empty line.
            re.split(r"\n\n(?=      [-#] )", steps.rstrip("\n")),
        )
        for head, _, steps in halves
    ]


def shorten_workflow(text: str, action: str) -> str:
    """Hand the steps of each job of a workflow file to an action.

    Args:
        text: The complete file.
        action: The action, as `find_action` returns it.
    """
    start = text.partition("\njobs:\n")[0]
    # Only the steps need them.
    start = re.sub(r"defaults:\n(?: .*\n)+", "", f"{start}\n").rstrip("\n")
    jobs = [f"  {job.head}{_use(job, action)}" for job in find_jobs(text)]
    return f"{start}\n\njobs:\n" + "\n".join(jobs)


def _use(job: CiJob, action: str) -> str:
    steps = "\n".join(job.steps)
    lines = ["    steps:", f"      - uses: {action}"]
    if found := re.search(r"steps\.(\w+)\.outputs", job.head):
        lines.append(f"        id: {found[1]}")
    lines += ["        with:", f"          job: {job.name}"]
    for name in dict.fromkeys(VARIABLE.findall(steps)):
        lines.append(f"          {as_input(name)}: ${{{{ vars.FLOW64_{name} }}}}")
    if secrets := dict.fromkeys(SECRET.findall(steps)):
        lines += [
            "          # Add the variables of values, as pyproject.toml names them.",
            "          secrets: |",
            *(f"            {name}={value}" for name, value in secrets),
        ]
    return "\n".join([*lines, ""])


def as_input(variable: str) -> str:
    """Return the input of the action for a variable of the repository."""
    return variable.lower().replace("_", "-")
