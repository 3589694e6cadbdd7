"""The install source: what a new project says of where flow64 comes from."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

import flow64 as package
from tests.ci.github import git
from tests.cli.support import environment

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GIT = "git+https://git.acme.example/acme/flow64"
SSH = "git+ssh://git@git.acme.example/acme/flow64.git"
STOP = "say where flow64 comes from: "
BEGIN = ("init", "--namespace", "acme.example")
PRIVATE = "Classifier: Private :: Do Not Upload\n"


@pytest.fixture(autouse=True)
def apart(tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Let flow64 be installed in some way, as its dist-info tells it."""

    def install(direct_url=None, installer="pip", classifier=""):
        folder = tmp_path / "site" / "flow64-0.1.0.dist-info"
        folder.mkdir(parents=True)
        python = "Classifier: Programming Language :: Python :: 3.13\n"
        about = "Metadata-Version: 2.4\nName: flow64\nVersion: 0.1.0\n"
        (folder / "METADATA").write_text(about + python + classifier, "utf-8")
        if installer is not None:
            (folder / "INSTALLER").write_text(installer, "utf-8")
        if direct_url is not None:
            is_text = isinstance(direct_url, str)
            text = direct_url if is_text else json.dumps(direct_url)
            (folder / "direct_url.json").write_text(text, "utf-8")
        monkeypatch.syspath_prepend(tmp_path / "site")

    return install


@pytest.fixture
def clone(tmp_path):
    """A clone of flow64 with its last commit on its remote."""
    folder = tmp_path / "clone"
    (folder / "src").mkdir(parents=True)
    (folder / "pyproject.toml").write_text('[project]\nname = "flow64"\n', "utf-8")
    committed(folder, "https://git.acme.example/acme/flow64.git")
    return folder


def committed(folder, remote):
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "Begin")
    git(folder, "remote", "add", "origin", remote)
    git(folder, "update-ref", "refs/remotes/origin/main", "HEAD")


def editable(folder):
    return {"url": folder.as_uri(), "dir_info": {"editable": True}}


def lines():
    """The content of the requirements file."""
    text = Path("requirements-flow64.txt").read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def last(told):
    return told.rstrip("\n").split("\n")[-1]


# -- What this flow64 was installed from -----------------------------------------------


def test_index(flow64, installed):
    """Only a release that an index gave is named by its version alone."""
    installed()

    code, _, told = flow64(*BEGIN)

    assert code == 0
    assert lines() == ["flow64[cli,emulator,schemas]==0.1.0"]
    assert (
        last(told)
        == "requirements-flow64.txt installs flow64[cli,emulator,schemas]==0.1.0"
    )


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (
            {"classifier": PRIVATE},
            "this flow64 is a build that no index has",
        ),
        ({"installer": None}, "it is unknown how this flow64 was installed"),
        (
            {"direct_url": {"url": "file:///tmp/f.whl", "archive_info": {}}},
            "this flow64 was installed from a path of this machine",
        ),
        (
            {
                "direct_url": {
                    "url": "file:///tmp/clone",
                    "vcs_info": {"vcs": "git", "commit_id": COMMIT},
                }
            },
            "this flow64 was installed from a path of this machine",
        ),
        (
            {"direct_url": {"url": "file:///nowhere", "dir_info": {}}},
            "this flow64 was installed from a folder that is not a clone",
        ),
        (
            {
                "direct_url": {
                    "url": "https://files.acme.example/f.whl?signature=abc",
                    "archive_info": {},
                }
            },
            "this flow64 was installed from an address that cannot be written down",
        ),
        (
            {
                "direct_url": {
                    "url": "https://git.acme.example/acme/flow64",
                    "vcs_info": {"vcs": "git", "commit_id": COMMIT},
                    "subdirectory": ["py"],
                }
            },
            "this flow64 was installed from an address that cannot be written down",
        ),
        ({"direct_url": "{"}, "it is unknown how this flow64 was installed"),
        ({"direct_url": "[]"}, "it is unknown how this flow64 was installed"),
        ({"direct_url": {"url": 1}}, "it is unknown how this flow64 was installed"),
    ],
)
def test_unknown(facts, reason, flow64, installed, tmp_path):
    """Otherwise it succeeds, says so at its end, and the jobs stop."""
    installed(**facts)

    code, _, told = flow64(*BEGIN)

    assert code == 0
    assert len(lines()) == 1
    assert lines()[0].startswith(STOP)
    assert last(told).startswith(STOP)
    assert reason in last(told)
    assert "--from" not in lines()[0]  # pip would take that for an option
    assert_names_no_place()


def assert_names_no_place():
    """No file names a path of this machine, or a credential."""
    for path in Path().rglob("*"):
        if path.is_file():
            text = path.read_text("utf-8")
            assert "file:" not in text, path
            assert str(Path.cwd().parent) not in text, path
            assert "secret" not in re.sub(r"secrets?\b", "", text), path


@pytest.mark.parametrize(
    ("url", "requirement"),
    [
        (
            "https://git.acme.example/acme/flow64.git",
            f"flow64[cli,emulator,schemas] @ {GIT}.git@{COMMIT}",
        ),
        (
            "https://me:hidden_secret@git.acme.example/acme/flow64",
            f"flow64[cli,emulator,schemas] @ {GIT}@{COMMIT}",
        ),
        (
            "ssh://git:hidden_secret@git.acme.example:2222/acme/flow64",
            f"flow64[cli,emulator,schemas] @ git+ssh://git@git.acme.example:2222/acme/flow64@{COMMIT}",
        ),
    ],
)
def test_git(url, requirement, flow64, installed):
    """A flow64 from a repository is named by that and its commit, with no password."""
    installed({"url": url, "vcs_info": {"vcs": "git", "commit_id": COMMIT}})

    code, _, told = flow64(*BEGIN)

    assert (code, lines()) == (0, [requirement])
    assert last(told) == f"requirements-flow64.txt installs {requirement}"
    assert_names_no_place()


def test_git_folder(flow64, installed):
    """A folder of a repository stays one."""
    facts = {"vcs_info": {"vcs": "git", "commit_id": COMMIT}, "subdirectory": "py"}
    installed({"url": "https://git.acme.example/acme/flow64", **facts})

    flow64(*BEGIN)

    assert lines() == [f"flow64[cli,emulator,schemas] @ {GIT}@{COMMIT}#subdirectory=py"]


def test_archive(flow64, installed):
    """A file that was downloaded is named with its hash."""
    url = "https://files.acme.example/flow64-0.1.0-py3-none-any.whl"
    installed({"url": url, "archive_info": {"hashes": {"sha256": "ab" * 32}}})

    flow64(*BEGIN)

    assert lines() == [f"flow64[cli,emulator,schemas] @ {url}#sha256={'ab' * 32}"]


def test_archive_without_hash(flow64, installed):
    """An address without a hash is used, with a warning."""
    url = "https://files.acme.example/flow64-0.1.0-py3-none-any.whl"
    installed({"url": url, "archive_info": {}})

    told = flow64(*BEGIN)[2]

    assert lines() == [f"flow64[cli,emulator,schemas] @ {url}"]
    assert "is not pinned" in last(told)
    assert "#sha256=" in last(told)


@pytest.mark.parametrize(
    ("remote", "base"),
    [
        ("https://git.acme.example/acme/flow64.git", f"{GIT}.git"),
        ("https://hidden_secret@git.acme.example/acme/flow64", GIT),
        (
            "git@git.acme.example:acme/flow64.git",
            "git+ssh://git@git.acme.example/acme/flow64.git",
        ),
        (
            "git.acme.example:acme/flow64/",
            "git+ssh://git.acme.example/acme/flow64",
        ),
        ("ssh://git@git.acme.example/~a/f", "git+ssh://git@git.acme.example/~a/f"),
    ],
)
def test_clone(remote, base, flow64, installed, clone):
    """A flow64 in a clone is named by the remote of that and its commit."""
    git(clone, "remote", "set-url", "origin", remote)
    installed(editable(clone))

    code, _, told = flow64(*BEGIN)

    requirement = (
        f"flow64[cli,emulator,schemas] @ {base}@{git(clone, 'rev-parse', 'HEAD')}"
    )
    assert (code, lines()) == (0, [requirement])
    assert last(told) == f"requirements-flow64.txt installs {requirement}"
    assert_names_no_place()


@pytest.mark.parametrize(
    "remote",
    [
        "/srv/git/flow64",
        "../flow64",
        "file:///srv/git/flow64",
        "C:/git/flow64",
        "http://git.acme.example/acme/flow64",
        "git://git.acme.example/acme/flow64",
        "https://localhost/acme/flow64",
        "https://127.0.0.1:3000/acme/flow64",
        "git@work:acme/flow64.git",  # a name of one machine's ~/.ssh/config
        "https://git.acme.example/acme/flow64?token=hidden_secret",
        "https://git.acme.example/a b",
        "https://git.acme.example/$(id)",
        "https://git.acme.example/a;b",
        "https://git.acme.example/a@main",
        "https://[::1/a",
        "https://git.acme.example:port/a",
    ],
)
def test_remote_of_nobody_else(remote, flow64, installed, clone):
    """A remote that other machines do not reach safely is not named."""
    git(clone, "remote", "set-url", "origin", remote)
    installed(editable(clone))

    told = flow64(*BEGIN)[2]

    assert lines()[0].startswith(STOP)
    assert "the clone of this flow64 has no remote that the jobs can reach" in last(
        told
    )
    assert remote not in told
    assert_names_no_place()


def test_remote_missing(flow64, installed, clone):
    git(clone, "remote", "remove", "origin")
    installed(editable(clone))

    told = flow64(*BEGIN)[2]

    assert lines()[0].startswith(STOP)
    assert "is on no remote that its clone knows" in last(told)


def test_commit_not_pushed(flow64, installed, clone):
    """A commit that its remote does not have is not named."""
    (clone / "more.txt").write_text("more", "utf-8")
    git(clone, "add", ".")
    git(clone, "commit", "-qm", "More")
    installed(editable(clone))

    told = flow64(*BEGIN)[2]

    assert lines()[0].startswith(STOP)
    commit = git(clone, "rev-parse", "--short=12", "HEAD")
    assert f"commit {commit} of this flow64 is on no remote" in last(told)
    assert "git push" in last(told)


def test_other_remote(flow64, installed, clone):
    """Among several remotes, one with the commit is used."""
    git(clone, "update-ref", "-d", "refs/remotes/origin/main")
    git(clone, "remote", "add", "fork", "https://git.acme.example/fork/flow64")
    git(clone, "update-ref", "refs/remotes/fork/main", "HEAD")
    installed(editable(clone))

    flow64(*BEGIN)

    commit = git(clone, "rev-parse", "HEAD")
    assert lines() == [
        f"flow64[cli,emulator,schemas] @ git+https://git.acme.example/fork/flow64@{commit}"
    ]


def test_dirty_clone(flow64, installed, clone):
    """For changed code its commit is used, with a warning."""
    (clone / "pyproject.toml").write_text('[project]\nname = "flow64" #\n', "utf-8")
    installed(editable(clone))

    told = flow64(*BEGIN)[2]

    commit = git(clone, "rev-parse", "HEAD")
    assert lines() == [f"flow64[cli,emulator,schemas] @ {GIT}.git@{commit}"]
    assert "this flow64 differs from that commit" in last(told)


def test_copy_of_a_clone(flow64, installed, clone):
    """A copy that was installed from a clone is compared with what is there now."""
    (clone / "src/flow64").symlink_to(Path(package.__file__).parent)
    installed({"url": clone.as_uri(), "dir_info": {}})

    told = flow64(*BEGIN)[2]

    assert lines() == [
        f"flow64[cli,emulator,schemas] @ {GIT}.git@{git(clone, 'rev-parse', 'HEAD')}"
    ]
    assert last(told) == f"requirements-flow64.txt installs {lines()[0]}"


def test_old_copy_of_a_clone(flow64, installed, clone):
    """A clone with newer commits gives a warning."""
    installed({"url": clone.as_uri(), "dir_info": {}})

    told = flow64(*BEGIN)[2]

    assert lines() == [
        f"flow64[cli,emulator,schemas] @ {GIT}.git@{git(clone, 'rev-parse', 'HEAD')}"
    ]
    assert "this flow64 differs from that commit" in last(told)


def test_folder_of_a_larger_clone(flow64, installed, tmp_path):
    """A flow64 inside of another repository is named with its folder."""
    inner = tmp_path / "large/vendor/flow64"
    inner.mkdir(parents=True)
    (inner / "pyproject.toml").write_text('[project]\nname = "flow64"\n', "utf-8")
    committed(tmp_path / "large", "https://git.acme.example/acme/large")
    installed(editable(inner))

    flow64(*BEGIN)

    commit = git(inner, "rev-parse", "HEAD")
    url = "git+https://git.acme.example/acme/large"
    assert lines() == [
        f"flow64[cli,emulator,schemas] @ {url}@{commit}#subdirectory=vendor/flow64"
    ]


@pytest.mark.parametrize("text", ['[project]\nname = "other"\n', "[", ""])
def test_clone_of_something_else(text, flow64, installed, clone):
    """A repository that merely lies around the folder is not named."""
    (clone / "pyproject.toml").write_text(text, "utf-8")
    git(clone, "add", ".")
    git(clone, "commit", "-qm", "Other")
    git(clone, "update-ref", "refs/remotes/origin/main", "HEAD")
    installed(editable(clone))

    told = flow64(*BEGIN)[2]

    assert lines()[0].startswith(STOP)
    assert "from a folder that is not a clone" in last(told)


def test_copy_inside_of_another_repository(flow64, installed, clone):
    """A folder that its repository does not track is not a clone."""
    inner = clone / "unpacked"
    inner.mkdir()
    shutil.copy(clone / "pyproject.toml", inner)
    installed(editable(inner))

    told = flow64(*BEGIN)[2]

    assert lines()[0].startswith(STOP)
    assert "from a folder that is not a clone" in last(told)


# -- What is said by --from ------------------------------------------------------------

ARCHIVE = "https://files.acme.example/flow64-0.1.0.tar.gz"


@pytest.mark.parametrize(
    ("given", "requirement"),
    [
        ("0.1.0", "flow64[cli,emulator,schemas]==0.1.0"),
        (
            "1!2.0rc1.post2.dev3+acme.1",
            "flow64[cli,emulator,schemas]==1!2.0rc1.post2.dev3+acme.1",
        ),
        ("flow64==0.1.0", "flow64[cli,emulator,schemas]==0.1.0"),
        ("Flow64 [oauth] == 0.1.0", "flow64[cli,emulator,oauth,schemas]==0.1.0"),
        (f"{GIT}@{COMMIT}", f"flow64[cli,emulator,schemas] @ {GIT}@{COMMIT}"),
        (
            f"flow64[cli] @ {GIT}@{COMMIT}",
            f"flow64[cli,emulator,schemas] @ {GIT}@{COMMIT}",
        ),
        (f"flow64@{GIT}@{COMMIT}", f"flow64[cli,emulator,schemas] @ {GIT}@{COMMIT}"),
        (
            f"{SSH}@{COMMIT}#subdirectory=a/b",
            f"flow64[cli,emulator,schemas] @ {SSH}@{COMMIT}#subdirectory=a/b",
        ),
        (
            f"{ARCHIVE}#sha256={'ab' * 32}",
            f"flow64[cli,emulator,schemas] @ {ARCHIVE}#sha256={'ab' * 32}",
        ),
    ],
)
def test_from(given, requirement, flow64):
    """A requirement is taken as pip takes it, a version and an address as well."""
    code, _, told = flow64(*BEGIN, "--from", given)

    assert (code, lines()) == (0, [requirement])
    assert f"requirements-flow64.txt installs {requirement}" in last(told)
    assert "not pinned" not in told


@pytest.mark.parametrize(
    ("given", "requirement", "advice"),
    [
        ("flow64", "flow64[cli,emulator,schemas]", "==VERSION"),
        ("flow64>=0.1,<1", "flow64[cli,emulator,schemas]>=0.1,<1", "==VERSION"),
        ("flow64 == 0.1.*", "flow64[cli,emulator,schemas]==0.1.*", "==VERSION"),
        (GIT, f"flow64[cli,emulator,schemas] @ {GIT}", "@COMMIT"),
        (f"{GIT}@main", f"flow64[cli,emulator,schemas] @ {GIT}@main", "@COMMIT"),
        (f"{GIT}@0123456", f"flow64[cli,emulator,schemas] @ {GIT}@0123456", "@COMMIT"),
        (ARCHIVE, f"flow64[cli,emulator,schemas] @ {ARCHIVE}", "#sha256=HASH"),
    ],
)
def test_from_is_not_pinned(given, requirement, advice, flow64):
    """A source without a pin is accepted with a warning."""
    code, _, told = flow64(*BEGIN, "--from", given)

    assert (code, lines()) == (0, [requirement])
    assert "it is not pinned" in last(told)
    assert advice in last(told)


def test_from_an_index(flow64):
    """A name of an index gives a warning that anyone may claim it."""
    told = flow64(*BEGIN, "--from", "0.1.0")[2]

    assert "make sure that the index of the jobs has flow64" in last(told)


@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        ".",
        "..",
        "./flow64",
        "../flow64",
        "/srv/flow64",
        "~/flow64",
        "C:\\flow64",
        "C:/flow64",
        "flow64-0.1.0-py3-none-any.whl",
        "file:///srv/flow64",
        "git+file:///srv/flow64",
        "flow64 @ file:///srv/flow64",
        "flow64 @ ./flow64",
        "-e .",
        "-r other.txt",
        "--index-url=https://evil.example",
        "other",
        "flwo64==0.1.0",
        "other @ https://files.acme.example/other.whl",
        "flow64[cli",
        "flow64[a b]",
        "flow64==",
        "flow64==0.1.0; python_version > '3'",
        "latest",
        "http://files.acme.example/flow64.tar.gz",
        "git+http://git.acme.example/acme/flow64",
        "git://git.acme.example/acme/flow64",
        "ssh://git@git.acme.example/acme/flow64",
        "git@git.acme.example:acme/flow64",
        "git+https://localhost/acme/flow64",
        "git+https://127.0.0.1/acme/flow64",
        "git+https://me:hidden_secret@git.acme.example/acme/flow64",
        "git+https://hidden_secret@git.acme.example/acme/flow64",
        "https://me@files.acme.example/flow64.whl",
        "git+ssh://git:hidden_secret@git.acme.example/acme/flow64",
        "https://files.acme.example/flow64.whl?token=hidden_secret",
        f"{GIT}@",
        f"{GIT}@--upload-pack=x",
        f"{GIT}@a@b",
        f"{GIT}#egg=other",
        f"{GIT}#subdirectory=../..",
        f"{GIT}#subdirectory=/etc",
        f"{ARCHIVE}#sha256=ab",
        f"{GIT}\nevil",
        f"{GIT}\r\nevil",
        f"{GIT}@main\n",
        f"{GIT} --index-url https://evil.example",
        f"{GIT} evil",
        f"{GIT} # comment",
        f"{GIT}$(id)",
        f"{GIT}`id`",
        f"{GIT}${{HOME}}",
        f'{GIT}"; id; "',
        f"{GIT}'",
        f"{GIT}\\",
        f"{GIT}\x00",
        f"{GIT}\u2028",
        f"{GIT}é",
        f"{GIT}${{{{ secrets.SIXTYFOUR_PROD_KEY }}}}",
        "0.1.0\n",
        "\u0660.\u0661",
        "0.1.0 evil",
    ],
)
def test_bad_from(given, flow64):
    """An invalid source, or one that only works here, is a wrong command line."""
    code, printed, told = flow64(*BEGIN, "--from", given)

    assert (code, printed) == (64, "")
    assert "--from" in told
    assert "git+https://git.acme.example/acme/flow64@COMMIT" in told
    assert "hidden_secret" not in told
    assert [*Path().iterdir()] == []


# -- What the jobs and pip make of it --------------------------------------------------


def pip(*arguments):
    """The output and exit code of pip, without an index."""
    command = ("install", "--dry-run", "--no-index", "--no-deps", "--ignore-installed")
    done = subprocess.run(
        [sys.executable, "-I", "-m", "pip", *command, *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_pip_stops(flow64, installed):
    """Without a known source, nothing can be installed from the file."""
    installed(classifier=PRIVATE)
    flow64(*BEGIN)

    code, told = pip("-r", "requirements-flow64.txt")

    assert code == 1
    assert f"ERROR: Invalid requirement: '{STOP}" in told


def wheel(folder, version, extra):
    """A wheel that is called flow64, with nothing in it."""
    folder.mkdir()
    path = folder / f"flow64-{version}-py3-none-any.whl"
    info = f"flow64-{version}.dist-info"
    about = f"Metadata-Version: 2.1\nName: flow64\nVersion: {version}\n{extra}"
    kind = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{info}/METADATA", about)
        file.writestr(f"{info}/WHEEL", kind)
        file.writestr(f"{info}/RECORD", "")
    return path


@pytest.mark.slow
def test_nobody_can_claim_the_name(flow64, tmp_path):
    """Even if the name is claimed on an index, the named source is installed."""
    extras = "Provides-Extra: cli\nProvides-Extra: emulator\n"
    ours = wheel(tmp_path / "ours", "0.1.0", extras)
    theirs = wheel(tmp_path / "theirs", "99.0", extras)
    flow64(*BEGIN, "--from", f"{GIT}@{COMMIT}")
    file = Path("requirements-flow64.txt")
    text = file.read_text("utf-8").replace(f"{GIT}@{COMMIT}", ours.as_uri())
    file.write_text(text, "utf-8")

    code, told = pip("--find-links", str(theirs.parent), "-r", str(file))

    assert code == 0, told
    assert "flow64-99.0" not in told  # not even looked at
    assert "Would install flow64-0.1.0\n" in told


def test_source_stands_once(flow64):
    """One file says where flow64 comes from; the jobs and the tests install from it."""
    flow64(*BEGIN, "--from", f"{GIT}@{COMMIT}")

    texts = {
        str(path): path.read_text("utf-8")
        for path in sorted(Path().rglob("*"))
        if path.is_file()
    }
    installs = [
        step["run"]
        for name, text in texts.items()
        if name.startswith(".github/")
        for job in yaml.safe_load(text)["jobs"].values()
        for step in job["steps"]
        if "install" in step.get("run", "")
    ]

    assert [name for name in texts if COMMIT in texts[name]] == [
        "requirements-flow64.txt"
    ]
    assert installs == ["python -I -m pip install -r requirements-flow64.txt"] * 5
    assert "flow64[" not in "".join(
        text for name, text in texts.items() if name != "requirements-flow64.txt"
    )
