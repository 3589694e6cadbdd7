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
GITHUB = (TEMPLATES / "github/dot-github/workflows/flow64.yml.txt").read_text("utf-8")
GITLAB = (TEMPLATES / "gitlab/dot-gitlab-ci.yml.txt").read_text("utf-8")
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


def test_actions_are_pinned_to_commits():
    names = [step["uses"] for step in STEPS if "uses" in step]

    assert names
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", name) for name in names)


def test_no_expression_stands_in_a_script():
    assert not [step for step in STEPS if "${{" in step.get("run", "")]


def test_secrets_are_only_in_jobs_that_run_no_code_of_the_project():
    for name, job in JOBS.items():
        has_secret = "secrets." in str(job)
        assert has_secret == (name in ("plan", "deploy"))
        assert has_secret == ("environment" in job)
    for step in STEPS:
        assert "secrets." not in str(step) or "--no-code" in step["run"]


def test_rights_are_the_least():
    rights = {name: job.get("permissions") for name, job in JOBS.items()}

    assert yaml.safe_load(GITHUB)["permissions"] == {"contents": "read"}
    assert rights.pop("compare") == {"contents": "read", "pull-requests": "write"}
    assert {*rights.values()} == {None}
    for job in JOBS.values():
        assert job["steps"][0]["with"]["persist-credentials"] is False


def test_jobs_with_a_key_run_on_the_main_branch_alone():
    assert JOBS["plan"]["if"] == "github.ref == 'refs/heads/main'"
    assert (JOBS["deploy"]["needs"], JOBS["plan"]["needs"]) == ("plan", "check")


def test_gitlab_gives_no_key_to_code_of_the_project():
    jobs = yaml.safe_load(GITLAB)
    for name in ("flow64-review", "flow64-check"):
        assert "environment" not in jobs[name]
    for name in ("flow64-plan", "flow64-deploy"):
        assert "environment" in jobs[name]
        assert all("--no-code" in line for line in jobs[name]["script"])
    assert jobs["flow64-deploy"]["rules"][0]["when"] == "manual"


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

    entries = [hook["entry"] for hook in yaml.safe_load(file.read_text("utf-8"))]

    assert [main(entry.split()[1:]) for entry in entries] == [0, 0]


# -- GitHub ----------------------------------------------------------------------------


@pytest.mark.slow
def test_pull_request_is_checked_compared_and_commented_once(github):
    git(github.origin, "checkout", "-qb", "change")
    github.change('mode="PROFESSIONAL"', 'mode="PERSONAL"', SPY)
    git(github.origin, "checkout", "-q", "main")
    git(github.origin, "merge", "-q", "--no-ff", "-m", "Merge", "change")

    check = Job(github, "check")
    compare = Job(github, "compare", **PULL)
    Job(github, "compare", **PULL)

    assert (check.code, compare.code) == (0, 0), check.printed + compare.printed
    assert "SIXTYFOUR" not in (check.temp / "seen.txt").read_text("utf-8")
    assert not (compare.temp / "seen.txt").exists(), "code of the change ran"
    (comment,) = github.comments
    assert "PERSONAL" in comment["body"]
    assert comment["body"] == compare.summary


@pytest.mark.slow
def test_no_comment_is_opened_if_nothing_changes_and_none_of_others_is_edited(github):
    stranger = {"id": 1, "user": {"login": "a"}, "body": "<!-- flow64:review -->"}
    github.state.write_text(json.dumps([stranger]), "utf-8")
    git(github.origin, "commit", "-q", "--allow-empty", "-m", "Nothing")

    assert Job(github, "compare", **PULL).code == 0
    assert github.comments == [stranger]


@pytest.mark.slow
def test_hostile_folder_fails_the_comparison(github):
    shutil.rmtree(github.origin / "compiled")
    (github.origin / "compiled").symlink_to("/etc")
    github.commit("Change")

    assert Job(github, "compare", **PULL).code == 1
    assert github.comments == []


@pytest.mark.slow
def test_plan_is_deployed_exactly_or_refused(github):
    script = next(step["run"] for step in STEPS if step.get("name") == "Deploy")

    def deploy(plan):
        """Run the job with the plan that another one made."""
        work = github.checkout()
        (work.parent / "plan").mkdir()
        shutil.copy(plan.temp / "plan.json", work.parent / "plan")
        summary = str(work.parent / "summary.md")
        temp = {"RUNNER_TEMP": str(work.parent), "GITHUB_STEP_SUMMARY": summary}
        return github.run(script, work, **temp, **SECRET)

    first = Job(github, "plan", **KEY)
    assert (first.code, first.outputs) == (0, {"changes": "true"}), first.printed
    assert "compiled/leads.json" in first.summary
    assert deploy(first)[0] == 0
    assert Job(github, "plan", **KEY).outputs == {"changes": "false"}

    github.change('"Leads with an address"', '"Leads"')
    stale = Job(github, "plan", **KEY)
    github.change('"Leads"', '"People"')
    assert deploy(Job(github, "plan", **KEY))[0] == 0
    code, printed = deploy(stale)
    assert (code, "Refused" in printed) == (3, True), printed


@pytest.mark.slow
def test_jobs_stop_before_the_key_until_the_source_is_written(github):
    name = "requirements-flow64.txt"
    shutil.copy(TEMPLATES / "github" / f"{name}.txt", github.origin / name)
    github.commit("Change")

    job = Job(github, "plan", **KEY)

    assert (job.code, job.outputs) == (1, {})


# -- GitLab ----------------------------------------------------------------------------


@pytest.mark.slow
def test_gitlab_reviews_plans_and_deploys(emulator, tmp_path):
    project = Project(tmp_path, "gitlab", emulator.url)
    base = git(project.origin, "rev-parse", "HEAD")
    project.change('mode="PROFESSIONAL"', 'mode="PERSONAL"')
    jobs = yaml.safe_load(GITLAB)
    work = project.checkout()

    def run(name, **variables):
        return project.run("\n".join(jobs[name]["script"]), work, **variables)

    code, printed = run("flow64-review", CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
    assert (code, "PERSONAL" in printed) == (0, True), printed
    assert (work / "flow64-review.html").is_file()
    assert run("flow64-check")[0] == 0
    assert run("flow64-plan", **SECRET)[0] == 0
    code, printed = run("flow64-deploy", **SECRET)
    assert code == 0, printed
