"""The CI files of `flow64 init`: their rules, and their scripts on an emulator."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flow64.cli import main
from flow64.emulator import Emulator
from tests.ci.runner import Job, Project, git

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "src/flow64/cli/_template"
GITHUB = (TEMPLATES / "github.yml").read_text("utf-8")
GITLAB = yaml.safe_load((TEMPLATES / "gitlab.yml").read_text("utf-8"))
JOBS = yaml.safe_load(GITHUB)["jobs"]
STEPS = [step for job in JOBS.values() for step in job["steps"]]
SECRET = {"SIXTYFOUR_PROD_KEY": "sk_test_not_a_real_key"}
KEY = {"secrets_SIXTYFOUR_PROD_KEY": "sk_test_not_a_real_key"}
PULL = {"github_event_pull_request_number": "7"}
SPY = """
import os, pathlib
pathlib.Path(os.environ["HOME"], "seen.txt").write_text(str({**os.environ}))
"""


@pytest.fixture
def emulator():
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def github(emulator, tmp_path):
    return Project(tmp_path, "github", emulator.url)


# -- The rules of the files ------------------------------------------------------------


def test_everything_is_pinned_and_rights_are_the_least():
    actions = [step["uses"] for step in STEPS if "uses" in step]
    installs = [step["run"] for step in STEPS if "pip" in step.get("run", "")]
    rights = {name: job.get("permissions") for name, job in JOBS.items()}

    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", name) for name in actions)
    assert all("--require-hashes" in text for text in installs)
    assert "--require-hashes" in GITLAB[".flow64"]["before_script"][0]
    source, install = GITLAB["flow64-diff"]["before_script"]
    assert source.startswith('git show "$CI_MERGE_REQUEST_DIFF_BASE_SHA:requirements')
    assert "--require-hashes" in install
    assert yaml.safe_load(GITHUB)["permissions"] == {"contents": "read"}
    assert rights.pop("diff") == {"contents": "read", "pull-requests": "write"}
    assert {*rights.values()} == {None}
    assert not [step for step in STEPS if "${{" in step.get("run", "")]
    for job in JOBS.values():
        assert job["steps"][0]["with"]["persist-credentials"] is False


def test_a_key_is_only_beside_data_on_the_main_branch():
    for name, job in JOBS.items():
        has_key = "${{ secrets" in str(job)
        assert has_key == (name in ("plan", "deploy")) == ("environment" in job)
    for step in STEPS:
        assert "${{ secrets" not in str(step) or "--no-code" in step["run"]
    assert JOBS["plan"]["if"] == "github.ref == 'refs/heads/main'"
    assert (JOBS["plan"]["needs"], JOBS["deploy"]["needs"]) == ("check", "plan")
    for name in ("flow64-check", "flow64-diff"):
        assert "environment" not in GITLAB[name]
    for name in ("flow64-plan", "flow64-deploy"):
        assert "environment" in GITLAB[name]
        assert all("--no-code" in line for line in GITLAB[name]["script"])
    assert GITLAB["flow64-deploy"]["rules"][0]["when"] == "manual"


def assert_accepted(tool, *arguments):
    done = subprocess.run(
        [Path(sys.executable).with_name(tool), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_files_fit_the_public_schemas(tmp_path):
    for forge in ("github", "gitlab"):
        main(["init", str(tmp_path / forge), "--namespace", "a.example", "--ci", forge])
    schemas = {
        "github-workflows": [
            tmp_path / "github/.github/workflows/flow64.yml",
            *(ROOT / ".github/workflows").iterdir(),
        ],
        "github-issue-forms": [*(ROOT / ".github/ISSUE_TEMPLATE").iterdir()],
        "gitlab-ci": [tmp_path / "gitlab/.gitlab-ci.yml"],
    }

    for name, files in schemas.items():
        more = ("--data-transform", "gitlab-ci") if name == "gitlab-ci" else ()
        schema = ("--builtin-schema", f"vendor.{name}")
        assert_accepted("check-jsonschema", *schema, *more, *files)
    folders = [tmp_path / "github", ROOT / ".github"]
    assert_accepted("zizmor", "--offline", "--no-progress", *folders)


@pytest.mark.slow
def test_hooks_are_valid_and_pass_in_a_new_project(tmp_path, monkeypatch):
    file = ROOT / ".pre-commit-hooks.yaml"
    assert_accepted("pre-commit", "validate-manifest", file)
    main(["init", str(tmp_path), "--namespace", "a.example"])
    monkeypatch.chdir(tmp_path)
    main(["compile", "-o", "compiled"])

    entries = [hook["entry"] for hook in yaml.safe_load(file.read_text("utf-8"))]

    assert [main(entry.split()[1:]) for entry in entries] == [0, 0]


# -- GitHub ----------------------------------------------------------------------------


@pytest.mark.slow
def test_pull_request_is_checked_compared_and_commented_once(github):
    """Also if it changes what is installed, or whether code runs."""
    stranger = {"id": 1, "user": {"login": "a"}, "body": "<!-- flow64:review -->"}
    github.state.write_text(json.dumps([stranger]), "utf-8")
    git(github.origin, "checkout", "-qb", "change")
    quiet = Job(github, "diff", **PULL)
    github.change('mode="PROFESSIONAL"', 'mode="PERSONAL"', SPY)

    check = Job(github, "check")
    diff = Job(github, "diff", **PULL)
    Job(github, "diff", **PULL)

    assert quiet.code == 0, quiet.printed
    assert (check.code, diff.code) == (0, 0), check.printed + diff.printed
    assert "SIXTYFOUR" not in (check.temp / "seen.txt").read_text("utf-8")
    assert not (diff.temp / "seen.txt").exists(), "code of the change ran"
    kept, comment = github.comments
    assert kept == stranger
    assert "PERSONAL" in comment["body"]
    assert comment["body"] == diff.summary


@pytest.mark.slow
def test_plan_is_deployed_exactly_or_refused(github):
    script = next(step["run"] for step in STEPS if step.get("name") == "Deploy")

    def deploy(plan):
        """Run the job with the plan that another one made."""
        work = github.checkout()
        (work.parent / "plan").mkdir()
        shutil.copy(plan.temp / "plan.json", work.parent / "plan")
        return github.run(script, work, RUNNER_TEMP=str(work.parent), **SECRET)

    without = Job(github, "plan", secrets_SIXTYFOUR_PROD_KEY="")
    first = Job(github, "plan", **KEY)
    done = deploy(first)
    again = Job(github, "plan", **KEY)
    github.change('"Leads with an address"', '"Leads"')
    stale = Job(github, "plan", **KEY)
    github.change('"Leads"', '"People"')
    fresh = deploy(Job(github, "plan", **KEY))

    assert (without.code, without.outputs) == (0, {})
    assert (first.code, first.outputs) == (0, {"code": "2"}), first.printed
    assert "compiled/leads.json" in first.summary
    assert (done[0], again.outputs, fresh[0]) == (0, {"code": "0"}, 0), done
    assert deploy(stale)[0] == 3


# -- GitLab ----------------------------------------------------------------------------


@pytest.mark.slow
def test_gitlab_reviews_plans_and_deploys(emulator, tmp_path):
    project = Project(tmp_path, "gitlab", emulator.url)
    base = git(project.origin, "rev-parse", "HEAD")
    project.change('mode="PROFESSIONAL"', 'mode="PERSONAL"')
    work = project.checkout()

    def run(name, **variables):
        return project.run("\n".join(GITLAB[name]["script"]), work, **variables)

    code, printed = run("flow64-diff", CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
    assert (code, "PERSONAL" in printed) == (0, True), printed
    assert (work / "flow64.html").is_file()
    assert run("flow64-check")[0] == 0
    assert run("flow64-plan", **SECRET)[0] == 0
    code, printed = run("flow64-deploy", **SECRET)
    assert code == 0, printed
