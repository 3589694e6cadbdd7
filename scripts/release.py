"""Build what a release publishes, and check it. Nothing is published.

`make release` does this for the code as it is, and lists what a release still lacks.
With `TAG`, as in the release workflow, a package that is not ready is an error.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any
from zipfile import ZipFile

from packaging.metadata import Metadata

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
ENVIRONMENT = ROOT / ".nox/release"
PINS = ROOT / "requirements/dev.txt"


def main(tag: str, repository: str) -> int:
    """Build and check the packages.

    Args:
        tag: The tag of the release; empty if there is none yet.
        repository: The address of the repository; empty if it is unknown.

    Returns:
        The exit code.
    """
    project = read_project(ROOT)
    version = project["version"]
    say(f"the changelog of {version}")
    run("towncrier", "build", "--draft", "--version", version)
    say("building dist/")
    shutil.rmtree(DIST, ignore_errors=True)
    pinned = {**os.environ, "UV_CONSTRAINT": str(PINS)}
    run("build", "--installer=uv", "--outdir", str(DIST), env=pinned)
    (wheel,), (archive,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
    say("checking what is in the packages")
    problems = [
        *check_wheel(wheel, ROOT / "src", project),
        *check_archive(archive, ROOT, project),
    ]
    say("installing the wheel where nothing else is")
    problems += check_installed(wheel, version)
    lacks = list(find_what_is_missing(ROOT, project, tag, repository))
    for problem in problems:
        say(f"wrong: {problem}")
    for lack in lacks:
        say(f"not ready to publish: {lack}")
    if problems or (tag and lacks):
        return 1
    say(f"{'not published' if lacks else 'ready to publish'}: {wheel.name}")
    return 0


def read_project(root: Path) -> Mapping[str, Any]:
    text = (root / "pyproject.toml").read_text("utf-8")
    project: Mapping[str, Any] = tomllib.loads(text)["project"]
    return project


def check_wheel(wheel: Path, source: Path, project: Mapping[str, Any]) -> Iterator[str]:
    """Compare the files of a wheel with those of the source, and read its metadata."""
    info = f"flow64-{project['version']}.dist-info"
    with ZipFile(wheel) as file:
        names = {*file.namelist()}
        about = file.read(f"{info}/METADATA")
    packed = {name for name in names if not name.startswith(f"{info}/")}
    wanted = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    yield from (f"the wheel lacks {name}" for name in sorted(wanted - packed))
    yield from (f"the wheel has {name}" for name in sorted(packed - wanted))
    for name in ("entry_points.txt", "licenses/LICENSE"):
        if f"{info}/{name}" not in names:
            yield f"the wheel lacks {name}"
    yield from check_metadata(about, project)


def check_metadata(about: bytes, project: Mapping[str, Any]) -> Iterator[str]:
    """Read metadata as an index does, and compare it with the project."""
    try:
        found = Metadata.from_email(about, validate=True)
    except ExceptionGroup as group:
        yield from (f"metadata: {error}" for error in group.exceptions)
        return
    facts = {
        "version": (str(found.version), project["version"]),
        "classifiers": ({*found.classifiers}, {*project["classifiers"]}),
        "python": (str(found.requires_python), project["requires-python"]),
        "extras": (
            {*(found.provides_extra or [])},
            {*project["optional-dependencies"]},
        ),
        "description": (found.description_content_type, "text/markdown"),
    }
    for name, (is_there, is_wanted) in facts.items():
        if is_there != is_wanted:
            yield f"metadata: {name} is {is_there!r}, not {is_wanted!r}"


def check_archive(
    archive: Path, root: Path, project: Mapping[str, Any]
) -> Iterator[str]:
    """Look for what a build from the archive needs, and for what must not be there."""
    top = f"flow64-{project['version']}"
    with tarfile.open(archive) as file:
        paths = [PurePosixPath(name) for name in file.getnames()]
    names = {path.relative_to(top).as_posix() for path in paths if path.parts[1:]}
    for name in (
        "pyproject.toml",
        "hatch_build.py",
        "README.md",
        "LICENSE",
        "PKG-INFO",
    ):
        if name not in names:
            yield f"the archive lacks {name}"
    if not any(name.startswith("src/flow64/") for name in names):
        yield "the archive lacks src/flow64"
    yield from (
        f"the archive has {name}"
        for name in sorted(names - {"PKG-INFO"})
        if "__pycache__" in name or not (root / name).exists()
    )


def check_installed(wheel: Path, version: str) -> Iterator[str]:
    """Install a wheel into an environment of its own, and ask for its version."""
    runner = ENVIRONMENT / "bin/python"
    run("uv", "venv", "--quiet", "--clear", "--no-project", str(ENVIRONMENT))
    install = ("--quiet", "--python", str(runner), "--constraints", str(PINS))
    run("uv", "pip", "install", *install, f"flow64[cli] @ {wheel.as_uri()}")
    command = [str(runner.with_name("flow64")), "--version"]
    done = subprocess.run(
        command, cwd=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or version not in done.stdout:
        yield f"flow64 --version printed {done.stdout + done.stderr!r}"


def find_what_is_missing(
    root: Path, project: Mapping[str, Any], tag: str, repository: str
) -> Iterator[str]:
    """Find what keeps a build from being published."""
    version = project["version"]
    if tag and tag != f"v{version}":
        yield f"the tag is {tag}, and pyproject.toml says version {version}"
    for line in project["classifiers"]:
        if line.startswith("Private ::"):
            yield (
                f"pyproject.toml has the classifier {line!r}, which no index takes. "
                "Without it, `flow64 init` names the release of an index"
            )
    if not repository:
        yield "FLOW64_REPOSITORY is not set, so the package names no repository"
    if any((root / "changelog.d").glob("*.*.md")):
        yield f"run `towncrier build --version {version}`, and commit the changelog"
    headings = rf"(?m)^## {re.escape(version)} "
    if not re.search(headings, (root / "CHANGELOG.md").read_text("utf-8")):
        yield f"CHANGELOG.md has no part about {version}"


def run(module: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
    command: Sequence[str] = [sys.executable, "-m", module, *arguments]
    subprocess.run(command, cwd=ROOT, env=env, check=True)


def say(text: str) -> None:
    print(f"==> {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(os.environ.get("TAG", ""), os.environ.get("FLOW64_REPOSITORY", "")))
