"""The workflow files of a new project: what they say, and that they do it.

A runner of our own plays them against an emulator, from the first push to the deploy of
a pull request of a stranger, whose code tries to read what it must not.
"""

from __future__ import annotations

import json
import re
import shutil
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
import yaml
from attrs import define

from flow64.analysis import LiveCatalogue
from flow64.cli import main
from flow64.emulator import Emulator, Fault
from flow64.manifest import read_folder
from tests.catalogue.answer import ANSWER, LATER
from tests.ci.github import GitHub, Job, git

pytestmark = pytest.mark.slow


KEY = "sk_test_not_a_real_key"
FOLDER = ".github/workflows"
NAMES = ("review", "comment", "deploy")
MARK = "<!-- flow64:review prod -->"

UNKNOWN = "say where flow64 comes from: replace this line by its requirement"
FROM = "git+https://git.acme.example/acme/flow64"
SOURCE = f"flow64[cli,emulator,schemas] @ {FROM}@{'0' * 40}"
ON_GITHUB = SOURCE.replace("git.acme.example", "github.com")

PROD = 'api_key = { env = "SIXTYFOUR_PROD_KEY" }'

SPY = '''
import atexit as _atexit, json as _json, os as _os, pathlib as _pathlib
import subprocess as _subprocess, sys as _sys

_temp = _os.environ.get("RUNNER_TEMP", "")


def _spy():
    """Write down what there is to be seen."""
    command = ["git", "config", "--list"]
    seen = _subprocess.run(command, capture_output=True, text=True).stdout
    _pathlib.Path(_temp, "seen.txt").write_text(_json.dumps({**_os.environ}) + seen)


def _lie():
    """Let what is uploaded say that it is somebody else's workflow."""
    file = _pathlib.Path("compiled/flow64.json")
    data = _json.loads(file.read_text())
    for entry in data["files"].values():
        entry["pins"] = {"prod": "%(victim)s"}
    file.write_text(_json.dumps(data))


if "/job-" in _temp:  # a job of these tests, wherever they run themselves
    _spy()
    if "compile" in _sys.argv:
        _atexit.register(_lie)
'''


@define
class Story:
    """What happened, in its order."""

    github: GitHub
    emulator: Emulator
    victim: str
    first: dict[str, Job]
    review: Job
    comment: Job
    asked: list[tuple[str, str]]
    comments: list[list[dict]]
    late: Job
    merged: dict[str, Job]


@pytest.fixture(scope="module")
def emulator():
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(scope="module", params=["complete", "short"])
def story(request, emulator, tmp_path_factory):
    """A push, a pull request of a stranger, another commit, and its merge.

    It happens with files that have their steps, and with files that use the action.
    """
    folder = tmp_path_factory.mktemp("github")
    github = GitHub(folder, {"SIXTYFOUR_PROD_KEY": KEY})
    begin(github, emulator, SOURCE if request.param == "complete" else ON_GITHUB)
    is_short = "uses: acme/flow64@" in (github.origin / file("deploy")).read_text()
    assert is_short is (request.param == "short")
    first = deployed(github, 1)

    victim = str(uuid4())
    fork = folder / "fork"
    git(folder, "clone", "-q", str(github.origin), "fork")
    change(fork, 'mode="PROFESSIONAL"', 'mode="PERSONAL"', SPY % {"victim": victim})
    commit, merge = pulled(github, fork)
    forged = {"id": 1, "user": {"login": "stranger"}, "body": f"{MARK}\nLooks fine"}
    others = [{"id": n, "user": {"login": "a"}, "body": "Hello"} for n in (2, 3)]
    github.write(comments={"7": [forged, *others]})
    review = github.play(file("review"), "review", commit=merge, run_id=2)
    emulator.requests.clear()
    comment = commented(github, commit, run_id=2)
    asked = [(one.method, one.path) for one in emulator.requests]
    comments = [github.comments(7)]

    change(fork, 'equals("OK")', 'equals("UNKNOWN")')
    newer, merge = pulled(github, fork)
    uploaded(github, fork, run_id=3)
    commented(github, newer, run_id=3)
    comments.append(github.comments(7))
    late = commented(github, commit, run_id=2)
    comments.append(github.comments(7))

    git(github.origin, "reset", "-q", "--hard", merge)
    merged = deployed(github, 4)
    return Story(
        github,
        emulator,
        victim,
        first,
        review,
        comment,
        asked,
        comments,
        late,
        merged,
    )


def file(name):
    return f"{FOLDER}/flow64-{name}.yml"


def begin(github, emulator, source=SOURCE):
    """A new project, as `flow64 init` writes it, whose service is an emulator."""
    options = ("--namespace", f"{uuid4().hex}.example", "--project", "growth")
    given = (*options, "--from", source)
    assert main(["init", str(github.origin), *given]) == 0
    settings = github.origin / "pyproject.toml"
    text = settings.read_text("utf-8")
    assert PROD in text
    endpoint = f'endpoint = "{emulator.url}"'
    settings.write_text(text.replace(PROD, f"{PROD}\n{endpoint}"), "utf-8")
    git(github.origin, "init", "-q")
    git(github.origin, "add", ".")
    git(github.origin, "commit", "-qm", "Begin")


def change(folder, old, new, more=""):
    """Change the pipeline, and commit that with its JSON."""
    path = folder / "pipelines" / "leads.py"
    text = path.read_text("utf-8")
    assert old in text
    if "value(" in new:
        text = text.replace("Project, Workflow", "Project, Workflow, value")
        text = text.replace("import Filter", "import AppendToNotebook, Filter")
    path.write_text(text.replace(old, new) + more, "utf-8")
    assert main(["compile", str(path.parent), "-o", str(folder / "compiled")]) == 0
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "Change")


def pulled(github, fork):
    """A pull request of what a fork has: its commit, and that merged into main."""
    origin = github.origin
    git(origin, "fetch", "-q", str(fork), "HEAD")
    commit = git(origin, "rev-parse", "FETCH_HEAD")
    tree = git(origin, "rev-parse", "FETCH_HEAD^{tree}")
    parents = ("-p", "HEAD", "-p", commit)
    merge = git(origin, "commit-tree", tree, *parents, "-m", "Merge")
    git(origin, "update-ref", "refs/pull/7/merge", merge)
    repository = {"full_name": "stranger/pipelines"}
    head = {"sha": commit, "ref": "main", "user": {"login": "stranger"}}
    pull = {
        "number": 7,
        "head": {**head, "repo": repository},
        "base": {"ref": "main"},
    }
    gone = {
        "number": 6,
        "head": {**head, "sha": "0" * 40, "repo": None},
        "base": {"ref": "main"},
    }
    elsewhere = {**pull, "number": 8, "base": {"ref": "old"}}
    github.write(pulls=[gone, elsewhere, pull])
    return commit, merge


def commented(github, commit, *, run_id):
    run = {
        "id": run_id,
        "event": "pull_request",
        "conclusion": "success",
        "head_sha": commit,
        "head_branch": "main",
        "head_repository": {
            "full_name": "stranger/pipelines",
            "owner": {"login": "stranger"},
        },
    }
    event = {"workflow_run": run, "repository": {"default_branch": "main"}}
    base = git(github.origin, "rev-parse", "HEAD")
    return github.play(
        file("comment"), "comment", commit=base, run_id=100 + run_id, event=event
    )


def uploaded(github, fork, *, run_id):
    """What the review of a pull request hands on."""
    shutil.copytree(fork / "compiled", github.artifact(run_id, "flow64-compiled"))


def deployed(github, run_id, between=lambda: None):
    """All jobs of a deploy; something may happen until it is approved."""
    facts = {"commit": git(github.origin, "rev-parse", "HEAD"), "run_id": run_id}
    assert github.play(file("deploy"), "check", **facts).code == 0
    plan = github.play(file("deploy"), "plan", **facts)
    between()
    needs = {"plan": {"outputs": plan.outputs}}
    deploy = github.play(file("deploy"), "deploy", needs=needs, **facts)
    return {"plan": plan, "deploy": deploy}


# -- What happens ----------------------------------------------------------------------


def test_first_push(story):
    """The first push plans, and once that is approved, deploys it."""
    plan, deploy = story.first["plan"], story.first["deploy"]

    assert (plan.code, plan.outputs) == (0, {"changes": "true"})
    assert "+ leads: will be created" in plan.summary
    assert (deploy.code, deploy.summary) == (0, "The plan was applied.\n")
    assert deploy.step("Run").code is None


def test_stranger_sees_no_secret(story):
    """Code of a pull request runs where there is no secret, and no token."""
    seen = (story.review.temp / "seen.txt").read_text("utf-8")

    assert story.review.code == 0
    assert "GITHUB_SHA" in seen
    assert KEY not in seen
    assert "token-of-the-job" not in seen
    assert "SIXTYFOUR" not in seen


def test_review(story):
    """What changes stands in the summary of that job, and its JSON is handed on."""
    assert "1 workflow will change" in story.review.summary
    assert "PERSONAL" in story.review.summary
    (lie,) = json.loads(
        (story.github.artifact(2, "flow64-compiled") / "flow64.json").read_bytes()
    )["files"].values()
    assert lie["pins"] == {"prod": story.victim}


def test_comment(story):
    """One comment says what a deploy would do; what strangers write stays theirs."""
    forged, *_, ours = story.comments[0]

    assert story.comment.code == 0
    assert len(story.comments[0]) == 4
    assert forged["body"] == f"{MARK}\nLooks fine"
    assert ours["body"].startswith(f"{MARK}\n")
    assert "PERSONAL" in ours["body"]
    assert "plan could be made" not in ours["body"]
    assert ours["body"].rstrip().endswith("</sub>")


def test_only_known_ids_are_asked_for(story):
    """The trusted job reads what the manifest of the branch names, and nothing else."""
    known = json.loads((story.github.origin / "compiled/flow64.json").read_bytes())
    assert known["files"]["leads.json"].get("pins") is None
    asked = {path for method, path in story.asked if method == "GET"}

    assert {method for method, _ in story.asked} == {"GET"}
    assert not [path for path in asked if story.victim in path]
    assert len([path for path in asked if re.search(r"[0-9a-f]{8}-", path)]) == 1


def test_strangers_code_is_not_run_there(story):
    assert not (story.comment.temp / "seen.txt").exists()


def test_same_comment(story):
    """The next commit changes that comment; there is no second one."""
    before, after = story.comments[0][-1], story.comments[1][-1]

    assert len(story.comments[1]) == len(story.comments[0])
    assert before["id"] == after["id"]
    assert before["body"] != after["body"]
    assert "UNKNOWN" in after["body"]


def test_late(story):
    """What was found out of an older commit is not said any more."""
    assert story.late.code == 0
    assert story.late.step("Plan").code is None
    assert "::notice::" in story.late.step("Find the pull request").told
    assert story.comments[2] == story.comments[1]


def test_merge(story):
    """After the merge it is deployed, and what it replaced is kept."""
    plan, deploy = story.merged["plan"], story.merged["deploy"]
    kept = story.github.artifact(4, "flow64-history")

    assert (plan.code, deploy.code) == (0, 0)
    assert "~ leads: will change" in plan.summary
    assert [*kept.rglob("*.json")]


def test_installed(story):
    """Every job installs the flow64 that the project names, and nothing else."""
    lines = (story.github.folder / "installed.txt").read_text("utf-8").splitlines()

    assert {*lines} == {
        (story.github.origin / "requirements-flow64.txt").read_text().splitlines()[-1]
    }


# -- What goes wrong -------------------------------------------------------------------


@pytest.fixture
def alone(emulator, tmp_path, monkeypatch):
    """A repository of its own, whose workflows are deployed."""
    folder = tmp_path / "github"
    folder.mkdir()
    github = GitHub(folder, {"SIXTYFOUR_PROD_KEY": KEY + uuid4().hex})
    begin(github, emulator)
    monkeypatch.setenv("SIXTYFOUR_PROD_KEY", github.secrets["SIXTYFOUR_PROD_KEY"])
    monkeypatch.setenv("FLOW64_HISTORY", str(folder / "history"))
    put(github, monkeypatch)
    yield github
    emulator.faults.clear()


def put(github, monkeypatch):
    """Deploy what there is, without the runner."""
    with monkeypatch.context() as there:
        there.chdir(github.origin)
        assert main(["deploy", "compiled", "--no-code", "--env", "prod", "--yes"]) == 0


@pytest.fixture
def fork(alone):
    """A copy of it, of which a stranger makes a pull request."""
    git(alone.folder, "clone", "-q", str(alone.origin), "fork")
    return alone.folder / "fork"


def test_stale(alone, emulator):
    """Where somebody edits it before the approval, nothing is written, and it says so.

    A run of all jobs makes a new plan; one that has nothing to do deploys nothing.
    """
    idle = deployed(alone, 2)
    assert idle["plan"].outputs == {"changes": "false"}
    assert idle["deploy"].steps == []

    change(alone.origin, 'mode="PROFESSIONAL"', 'mode="PERSONAL"')
    (leads,) = read_folder(alone.origin / "compiled").workflows
    workflow_id = leads.workflow.id("prod")
    refused = deployed(
        alone, 3, lambda: emulator.edit(workflow_id, name="Edited by hand")
    )

    assert refused["deploy"].step("Deploy").code == 3
    assert "::error title=Refused::The plan is stale" in (
        refused["deploy"].step("Deploy").told
    )
    assert refused["deploy"].step("Run").code is None
    assert emulator.store.workflows.get(workflow_id).name == "Edited by hand"


def test_sync(alone, fork):
    """A pull request of a sync says what is new, and what no longer fits it."""
    played = []
    for at, (old, new) in enumerate([(ANSWER, ANSWER), (ANSWER, LATER)]):
        for folder, answer in ((alone.origin, old), (fork, new)):
            text = LiveCatalogue.of(answer, date="2026-11-28").as_text()
            (folder / "blocks.json").write_text(text, "utf-8")
            git(folder, "add", ".")
            git(folder, "commit", "-q", "--allow-empty", "-m", "Sync")
        _, merge = pulled(alone, fork)
        played.append(alone.play(file("review"), "review", commit=merge, run_id=at))

    same, later = (one.summary for one in played)
    assert [one.code for one in played] == [0, 0]
    assert "list of blocks" not in same
    assert "```text\nnew      post_to_x\n" in later
    assert "           mode: no longer takes PERSONAL\n" in later


def test_refused(alone, emulator):
    """A plan that needs consent is not offered for an approval."""
    (leads,) = read_folder(alone.origin / "compiled").workflows
    emulator.edit(leads.workflow.id("prod"), name="Edited by hand")
    plan = played_plan(alone)

    assert (plan.code, plan.outputs) == (3, {"changes": ""})
    assert "::error title=Refused::The plan needs consent" in plan.step("Plan").told
    assert "! leads: drifted" in plan.summary


def test_conflict(alone, emulator):
    """The plan shows what somebody edited, although the JSON was compiled anew."""
    (leads,) = read_folder(alone.origin / "compiled").workflows
    emulator.edit(leads.workflow.id("prod"), name="Edited by hand")
    change(alone.origin, 'mode="PROFESSIONAL"', 'mode="PERSONAL"')
    plan = played_plan(alone)

    assert plan.code == 3
    assert "! leads: conflict" in plan.summary
    before = (
        f'~ title: last deploy "{leads.workflow.name}" · service now "Edited by hand"'
    )
    assert before in plan.summary


def played_plan(github):
    commit = git(github.origin, "rev-parse", "HEAD")
    return github.play(file("deploy"), "plan", commit=commit, run_id=1)


def two(github, monkeypatch):
    """Deploy a second workflow beside the first."""
    path = github.origin / "pipelines" / "leads.py"
    text = path.read_text("utf-8")
    second = text[text.index("leads = ") :].replace("leads", "more")
    change(github.origin, text, text + second)
    put(github, monkeypatch)
    return second


def test_orphan(alone, monkeypatch):
    """What the code has no more is left, and is no reason to ask for an approval."""
    change(alone.origin, two(alone, monkeypatch), "")
    plan = played_plan(alone)

    assert (plan.code, plan.outputs) == (0, {"changes": "false"})
    assert "more: orphan" in plan.summary


def test_no_key(alone):
    """Without its secret there is no plan."""
    alone.secrets.clear()
    plan = played_plan(alone)

    assert (plan.code, plan.outputs) == (1, {"changes": ""})
    assert "::error::No plan could be made." in plan.step("Plan").told


def test_failed_deploy_keeps_its_history(alone, emulator, monkeypatch):
    """What was replaced before it failed is kept."""
    two(alone, monkeypatch)
    change(alone.origin, 'mode="PROFESSIONAL"', 'mode="PERSONAL"')
    fault = Fault(
        "status_before", status=400, path="/workflows/update_workflow", after=1
    )
    failed = deployed(alone, 2, lambda: emulator.faults.add(fault))["deploy"]

    assert failed.code == 1
    assert "::error title=Failed::" in failed.step("Deploy").told
    assert [*alone.artifact(2, "flow64-history").rglob("*.json")]


def test_no_plan(alone, fork):
    """Where no plan can be made, the comment says so, and compares the JSON alone."""
    new = '"PROFESSIONAL") >> AppendToNotebook(notebook_id=value("::error::nobody")'
    change(fork, '"PROFESSIONAL"', new)
    commit, _ = pulled(alone, fork)
    uploaded(alone, fork, run_id=2)

    done = commented(alone, commit, run_id=2)
    (comment,) = alone.comments(7)
    lines = done.step("Plan").told.splitlines()

    assert done.code == 0
    assert comment["body"].startswith(f"{MARK}\n**No plan could be made**")
    assert "JSON alone, compared" in comment["body"]
    assert "append_to_notebook" in comment["body"]
    assert "::error::nobody" in "".join(lines)
    assert {line[:2] for line in lines} == {"| "}  # no command to the runner


def test_hostile_upload(alone, fork):
    """A folder that is refused is told of, and nothing of it is shown."""
    commit, _ = pulled(alone, fork)
    folder = alone.artifact(2, "flow64-compiled")
    folder.mkdir(parents=True)
    (folder / "leads.json").symlink_to("/etc/passwd")

    done = commented(alone, commit, run_id=2)
    (comment,) = alone.comments(7)

    assert done.code == 0
    assert comment["body"].startswith(f"{MARK}\n**No plan could be made**")
    assert "root:x" not in comment["body"] + done.step("Plan").told
    assert "it is a link, which is not followed" in done.step("Plan").told


@pytest.mark.parametrize(
    ("name", "key"), [("deploy", "check"), ("deploy", "plan"), ("deploy", "deploy")]
)
def test_source_is_not_known(name, key, alone):
    """As long as nobody says where flow64 comes from, no step gets to the key."""
    path = alone.origin / "requirements-flow64.txt"
    text = path.read_text("utf-8").replace(SOURCE, UNKNOWN)
    path.write_text(text, "utf-8")
    git(alone.origin, "commit", "-qam", "Ask")

    needs = {"plan": {"outputs": {"changes": "true"}}}
    commit = git(alone.origin, "rev-parse", "HEAD")
    job = alone.play(file(name), key, commit=commit, run_id=1, needs=needs)

    assert job.step("Install").code == 1
    assert "'say where flow64 comes from: " in job.step("Install").told
    started = [step for step in job.steps if step.code is not None]
    assert started[-1].name in {"Install", "actions/upload-artifact"}
    assert not (alone.folder / "installed.txt").exists()


def test_closed(alone, fork):
    """Where no pull request is open, nothing is planned, and nothing said."""
    commit, _ = pulled(alone, fork)
    alone.write(pulls=[])

    done = commented(alone, commit, run_id=2)

    assert (done.code, done.step("Plan").code, alone.comments(7)) == (0, None, [])


def test_run(alone, emulator):
    """A run is started once for a commit, however often its job is repeated."""
    (alone.origin / "people.csv").write_text("full_name,company\nAda,Acme\n")
    git(alone.origin, "add", ".")
    git(alone.origin, "commit", "-qm", "People")
    alone.vars.update(FLOW64_RUN="leads", FLOW64_ROWS="people.csv", FLOW64_MAX_COST="5")
    commit = git(alone.origin, "rev-parse", "HEAD")
    needs = {"plan": {"outputs": {"changes": "true"}}}
    facts = {"commit": commit, "run_id": 1, "needs": needs, "only": "Run"}

    jobs = [alone.play(file("deploy"), "deploy", **facts) for _ in range(2)]
    alone.vars["FLOW64_MAX_COST"] = ""
    refused = alone.play(file("deploy"), "deploy", **{**facts, "commit": commit})
    ids = {job.step("Run").told.split()[-1] for job in jobs}

    assert [job.code for job in jobs] == [0, 0]
    assert "it was started before" in jobs[1].step("Run").told
    assert len(ids) == 1
    assert refused.code == 3


# -- What the files say ----------------------------------------------------------------


def written(source=SOURCE):
    """The workflows that `flow64 init` writes."""
    options = ("--namespace", "acme.example", "--project", "growth", "--from", source)
    with TemporaryDirectory() as folder, redirect_stdout(StringIO()):
        assert main(["--quiet", "init", folder, *options]) == 0
        return {
            path.relative_to(folder).as_posix(): path.read_text("utf-8")
            for path in Path(folder).rglob("*.yml")
            if FOLDER in path.as_posix()
        }


FILES = written()
PARSED = {name: yaml.safe_load(FILES[f"{FOLDER}/flow64-{name}.yml"]) for name in NAMES}
SHORT = {
    name: yaml.safe_load(written(ON_GITHUB)[f"{FOLDER}/flow64-{name}.yml"])
    for name in NAMES
}
JOBS = [
    (name, key, job) for name, one in PARSED.items() for key, job in one["jobs"].items()
]


def steps(job, action):
    return [step for step in job["steps"] if step.get("uses", "").startswith(action)]


def test_files():
    assert sorted(FILES) == sorted(f"{FOLDER}/flow64-{name}.yml" for name in NAMES)


@pytest.mark.parametrize(("name", "key", "job"), JOBS)
def test_every_job(name, key, job):
    """Each has a time limit, takes all of the history, and leaves no token behind."""
    assert 0 < job["timeout-minutes"] <= 30
    for step in steps(job, "actions/checkout"):
        assert step["with"] == {"fetch-depth": 0, "persist-credentials": False}
    assert PARSED[name]["defaults"] == {"run": {"shell": "bash"}}


@pytest.mark.parametrize(("name", "key", "job"), JOBS)
def test_no_expression_in_a_script(name, key, job):
    """What GitHub fills in goes through the environment, never into a script."""
    scripts = [step["run"] for step in job["steps"] if "run" in step]

    assert scripts
    assert not [script for script in scripts if "${{" in script]


@pytest.mark.parametrize(("name", "key", "job"), JOBS)
def test_secrets_only_where_they_are_needed(name, key, job):
    """A secret is given to the one step that talks to the service."""
    told = yaml.safe_dump({**job, "steps": []}) + yaml.safe_dump(
        PARSED[name].get("env", {})
    )
    holders = {
        step.get("name") for step in job["steps"] if "secrets." in yaml.safe_dump(step)
    }

    assert "secrets." not in told
    assert (
        holders
        == {
            "review": set(),
            "comment": {"Plan"},
            "check": set(),
            "plan": {"Plan"},
            "deploy": {"Deploy", "Run"},
        }[key]
    )


def test_no_secret_beside_strangers_code():
    """The first runs on `pull_request`, may only read, and names no secret."""
    review = PARSED["review"]

    assert review[True] == {"pull_request": None}  # `on` is a truth of YAML 1.1
    assert review["permissions"] == {"contents": "read"}
    assert "permissions" not in review["jobs"]["review"]
    assert "environment" not in review["jobs"]["review"]
    assert not re.search(r"secrets|github\.token|GH_TOKEN", yaml.safe_dump(review))


def test_trusted_runs_no_code_of_the_change():
    """The second checks out its own branch, and reads what was uploaded as data."""
    comment = PARSED["comment"]
    job = comment["jobs"]["comment"]

    assert comment[True] == {
        "workflow_run": {"workflows": ["flow64 review"], "types": ["completed"]}
    }
    assert PARSED["review"]["name"] == "flow64 review"
    assert comment["permissions"] == {}
    assert job["permissions"] == {
        "actions": "read",
        "contents": "read",
        "pull-requests": "write",
    }
    assert "conclusion == 'success'" in job["if"]
    (checkout,) = steps(job, "actions/checkout")
    assert "ref" not in checkout["with"]
    assert "repository" not in checkout["with"]
    (download,) = steps(job, "actions/download-artifact")
    assert download["with"]["path"].startswith("${{ runner.temp }}/")
    commands = [
        line.strip()
        for step in job["steps"]
        for line in step.get("run", "").splitlines()
        if "flow64 review " in line
    ]
    assert len(commands) == 3 - 1
    assert all("${known[@]}" in line or "\\" in line for line in commands)
    assert "known=(--no-code --manifest compiled/flow64.json" in yaml.safe_dump(
        job, width=1000
    )


def test_one_deploy_at_a_time():
    """One group for the environment, whose deploys are never cut off."""
    deploy = PARSED["deploy"]
    env = deploy["env"]["FLOW64_ENV"]

    assert deploy["concurrency"] == {
        "group": f"flow64-{env}",
        "cancel-in-progress": False,
    }
    assert deploy["permissions"] == {"contents": "read"}
    assert deploy[True]["push"] == {"branches": ["main"]}
    assert deploy["jobs"]["check"]["if"] == "github.ref == 'refs/heads/main'"
    assert deploy["jobs"]["plan"]["needs"] == "check"
    assert deploy["jobs"]["plan"]["environment"] == "plan"
    assert deploy["jobs"]["deploy"]["environment"] == env
    assert deploy["jobs"]["deploy"]["needs"] == "plan"


def test_history_is_kept_in_any_case():
    job = PARSED["deploy"]["jobs"]["deploy"]
    (upload,) = steps(job, "actions/upload-artifact")

    assert upload["if"] == "always()"
    (deploy,) = [step for step in job["steps"] if step.get("name") == "Deploy"]
    assert upload["with"]["path"] == deploy["env"]["FLOW64_HISTORY"]


# -- The short files -------------------------------------------------------------------


def test_short_files_differ_only_in_steps():
    """Events, permissions, environments, conditions and limits are the same."""
    heads = []
    for files in (PARSED, SHORT):
        one = {name: {**file} for name, file in files.items()}
        for file in one.values():
            file.pop("defaults", None)
            file["jobs"] = {
                key: {**job, "steps": None} for key, job in file["jobs"].items()
            }
        heads.append(one)

    assert heads[0] == heads[1]


@pytest.mark.parametrize(("name", "key", "job"), JOBS)
def test_short_job_hands_secrets_to_the_action_alone(name, key, job):
    """A job uses the action once, with its own name and the secrets it had before."""
    (step,) = SHORT[name]["jobs"][key]["steps"]
    secrets = {*re.findall(r"secrets\.\w+", yaml.safe_dump(job))}

    assert step["uses"] == f"acme/flow64@{'0' * 40}"
    assert step["with"]["job"] == key
    assert "env" not in step
    assert {*re.findall(r"secrets\.\w+", yaml.safe_dump(step))} == secrets
    assert ("secrets" in step["with"]) is bool(secrets)
