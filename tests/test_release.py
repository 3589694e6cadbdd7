"""What `scripts/release.py` finds in packages, and what keeps it from a release."""

from __future__ import annotations

import importlib.util
import io
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

ROOT = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("release", ROOT / "scripts/release.py")
release = importlib.util.module_from_spec(spec)
spec.loader.exec_module(release)

PRIVATE = "Private :: Do Not Upload"
PROJECT = {
    "version": "1.0",
    "classifiers": ["Environment :: Console"],
    "requires-python": ">=3.11",
    "optional-dependencies": {"cli": []},
}
METADATA = """\
Metadata-Version: 2.4
Name: flow64
Version: 1.0
Requires-Python: >=3.11
Classifier: Environment :: Console
Provides-Extra: cli
Description-Content-Type: text/markdown

# flow64
"""


@pytest.fixture
def source(tmp_path):
    """A source with two files."""
    folder = tmp_path / "src"
    (folder / "flow64").mkdir(parents=True)
    for name in ("__init__.py", "py.typed"):
        (folder / "flow64" / name).touch()
    return folder


def wheel(folder, names, about=METADATA):
    path = folder / "flow64-1.0-py3-none-any.whl"
    with ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, "")
        file.writestr("flow64-1.0.dist-info/METADATA", about)
    return path


WHOLE = [
    "flow64/__init__.py",
    "flow64/py.typed",
    "flow64-1.0.dist-info/entry_points.txt",
    "flow64-1.0.dist-info/licenses/LICENSE",
]


def test_wheel(source, tmp_path):
    """A whole wheel has no problem."""
    assert [*release.check_wheel(wheel(tmp_path, WHOLE), source, PROJECT)] == []


@pytest.mark.parametrize("name", WHOLE)
def test_wheel_lacks_a_file(name, source, tmp_path):
    found = wheel(tmp_path, [one for one in WHOLE if one != name])

    (problem,) = release.check_wheel(found, source, PROJECT)

    assert problem == f"the wheel lacks {name.removeprefix('flow64-1.0.dist-info/')}"


def test_wheel_has_another_file(source, tmp_path):
    found = wheel(tmp_path, [*WHOLE, "flow64/notes.txt"])

    assert [*release.check_wheel(found, source, PROJECT)] == [
        "the wheel has flow64/notes.txt"
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("Version: 1.0", "Version: 1.1", "metadata: version is '1.1', not '1.0'"),
        (">=3.11", ">=3.9", "metadata: python is '>=3.9', not '>=3.11'"),
        ("Provides-Extra: cli\n", "", "metadata: extras is set(), not {'cli'}"),
        ("markdown", "plain", "metadata: description is 'text/plain', not"),
        ("Environment :: Console", "Other", "metadata: classifiers is {'Other'}, not"),
        ("Version: 1.0", "Version: one", "metadata: 'one' is invalid for 'version'"),
    ],
)
def test_metadata(old, new, problem):
    """Metadata that an index refuses, or that is not the project's, is a problem."""
    (found,) = release.check_metadata(METADATA.replace(old, new).encode(), PROJECT)

    assert found.startswith(problem)


def test_archive(tmp_path):
    """A build needs its files, and files of this machine are a problem."""
    path = tmp_path / "flow64-1.0.tar.gz"
    (tmp_path / "README.md").touch()
    with tarfile.open(path, "w:gz") as file:
        for name in ("PKG-INFO", "README.md", "notes.txt", "src/flow64/a.py"):
            file.addfile(tarfile.TarInfo(f"flow64-1.0/{name}"), io.BytesIO())

    assert [*release.check_archive(path, tmp_path, PROJECT)] == [
        "the archive lacks pyproject.toml",
        "the archive lacks hatch_build.py",
        "the archive lacks LICENSE",
        "the archive has notes.txt",
        "the archive has src/flow64/a.py",
    ]


@pytest.fixture
def ready(tmp_path):
    """A folder that can be released."""
    (tmp_path / "changelog.d").mkdir()
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 1.0 (2027-01-01)\n")
    return tmp_path


def lacks(root, tag="v1.0", repository="https://git.acme.example/a", **changes):
    project = {**PROJECT, **changes}
    return [*release.find_what_is_missing(root, project, tag, repository)]


def test_ready(ready):
    assert lacks(ready) == []


def test_not_ready(ready):
    """Each thing that a release lacks is named, with what to do."""
    (private,) = lacks(ready, classifiers=[PRIVATE])
    (tag,) = lacks(ready, tag="v1.1")
    (repository,) = lacks(ready, repository="")
    (ready / "changelog.d/+word.added.md").touch()
    (ready / "CHANGELOG.md").write_text("# Changelog\n\n## 1.0.1 (2027-01-01)\n")
    fragments, changelog = lacks(ready)

    assert "Private :: Do Not Upload" in private
    assert tag == "the tag is v1.1, and pyproject.toml says version 1.0"
    assert "FLOW64_REPOSITORY is not set" in repository
    assert "towncrier build --version 1.0" in fragments
    assert changelog == "CHANGELOG.md has no part about 1.0"


@pytest.mark.slow  # it needs hatchling
@pytest.mark.parametrize("repository", ["", "https://git.acme.example/acme/flow64/"])
def test_addresses(repository, tmp_path):
    """A build names the repository that it was told, and otherwise none."""
    program = "import json; from hatchling.metadata.core import ProjectMetadata as P;"
    program += "from hatchling.plugin.manager import PluginManager as M;"
    program += f"print(json.dumps(P({str(ROOT)!r}, M()).core.urls))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "FLOW64_REPOSITORY": repository},
        capture_output=True,
        text=True,
        check=True,
    )
    found = yaml.safe_load(done.stdout)

    base = repository.rstrip("/")
    assert {*found.values()} == (
        {
            base,
            f"{base}/issues",
            f"{base}/tree/main/docs",
            f"{base}/blob/main/CHANGELOG.md",
            f"{base}/blob/main/SECURITY.md",
        }
        if repository
        else set()
    )


def test_workflow():
    """Only the last job can publish. It has no code of ours, and no token."""
    text = (ROOT / ".github/workflows/release.yml").read_text("utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    rights = {name: job["permissions"] for name, job in jobs.items()}

    assert yaml.safe_load(text)["permissions"] == {}
    assert rights["check"] == rights["build"] == {"contents": "read"}
    assert rights["publish"] == {"attestations": "write", "id-token": "write"}
    assert jobs["publish"]["environment"] == "pypi"
    assert [jobs[name].get("needs") for name in jobs] == [None, "check", "build"]
    assert not [step for step in jobs["publish"]["steps"] if "run" in step]
    assert "secrets." not in text
    newest = max(re.findall(r"Python :: (3\.\d+)", str(release.read_project(ROOT))))
    assert f'python-version: "{newest}"' in text
