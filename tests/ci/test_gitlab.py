"""The jobs of GitLab CI, carried out against an emulator."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from flow64.cli import main
from tests.ci.github import GitHub, git

pytestmark = pytest.mark.slow

FILE = yaml.safe_load((Path(__file__).parents[2] / "gitlab-ci.yml").read_text("utf-8"))
KEY = "sk_test_not_a_real_key"
SOURCE = f"git+https://git.acme.example/acme/flow64@{'0' * 40}"
PROD = 'api_key = { env = "SIXTYFOUR_PROD_KEY" }'
JOBS = {
    "merge_request_event": {"flow64-review", "flow64-review-plan"},
    "push": {"flow64-check", "flow64-plan", "flow64-deploy"},
}


def merged(name):
    """A job with what it extends."""
    job = FILE[name]
    base = merged(job["extends"]) if "extends" in job else {}
    variables = {**base.get("variables", {}), **job.get("variables", {})}
    return {**base, **job, "variables": variables}


class GitLab:
    """A project, a runner, and the artifacts of its jobs."""

    def __init__(self, folder, endpoint):
        self.tools = GitHub(folder).folder / "tools"
        self.origin = folder / "origin"
        self.kept = folder / "artifacts"
        self.kept.mkdir(exist_ok=True)
        options = ("--namespace", f"{uuid4().hex}.example", "--project", "growth")
        given = (*options, "--ci", "gitlab", "--from", SOURCE)
        assert main(["init", str(self.origin), *given]) == 0
        settings = self.origin / "pyproject.toml"
        text = settings.read_text("utf-8")
        assert PROD in text
        text = text.replace(PROD, f'{PROD}\nendpoint = "{endpoint}"')
        settings.write_text(text, "utf-8")
        git(self.origin, "init", "-q")
        git(self.origin, "add", ".")
        git(self.origin, "commit", "-qm", "Begin")
        self.first = git(self.origin, "rev-parse", "HEAD")

    def change(self, old, new):
        path = self.origin / "pipelines" / "leads.py"
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
        compiled = str(self.origin / "compiled")
        assert main(["compile", str(path.parent), "-o", compiled]) == 0
        git(self.origin, "commit", "-qam", "Change")

    def play(self, name, *, key=""):
        """Carry out a job, and give its exit code and what it printed."""
        job = merged(name)
        place = self.kept.parent / f"builds-{uuid4().hex}"
        place.mkdir()
        git(place, "clone", "-q", str(self.origin), "work")
        work = place / "work"
        for needed in job.get("needs", []):
            for path in FILE[needed].get("artifacts", {}).get("paths", []):
                shutil.copy(self.kept / path, work)
        measured = {k: v for k, v in os.environ.items() if k.startswith("COVERAGE_")}
        known = {
            "PATH": f"{self.tools}:/usr/bin:/bin",
            "HOME": str(place),
            "LANG": "C.UTF-8",
            "CI": "true",
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": self.first,
        }
        secret = {"SIXTYFOUR_PROD_KEY": key} if key else {}
        script = "\n".join([*job["before_script"], *job["script"]])
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=work,
            env={**measured, **known, **job["variables"], **secret},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        artifacts = job.get("artifacts", {})
        paths = artifacts.get("paths", [])
        for path in [*paths, *artifacts.get("reports", {}).values()]:
            if (work / path).is_dir():
                shutil.copytree(work / path, self.kept / path, dirs_exist_ok=True)
            elif (work / path).exists():
                shutil.copy(work / path, self.kept / path)
        return done.returncode, done.stdout


@pytest.fixture
def gitlab(emulator, tmp_path):
    return GitLab(tmp_path, emulator.url)


def test_rules():
    """Merge requests and the default branch have their own jobs."""
    found = {name: merged(name) for name in FILE if not name.startswith(".")}
    merge = {
        name
        for name, job in found.items()
        if "merge_request_event" in job["rules"][0]["if"]
    }

    assert merge == JOBS["merge_request_event"]
    assert {*found} - merge == JOBS["push"]
    for name in JOBS["push"]:
        (rule,) = found[name]["rules"]
        assert "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH" in rule["if"]
    assert found["flow64-deploy"]["rules"][0]["when"] == "manual"


def test_environments():
    """Jobs that run code of the project have no environment, and so no key."""
    jobs = [name for name in FILE if not name.startswith(".")]
    places = {name: merged(name).get("environment", {}).get("name") for name in jobs}

    assert places == {
        "flow64-review": None,
        "flow64-review-plan": "flow64-plan",
        "flow64-check": None,
        "flow64-plan": "flow64-plan",
        "flow64-deploy": "prod",
    }
    for name, place in places.items():
        commands = [line for line in merged(name)["script"] if "flow64 " in line]
        is_data = ["--no-code" in one or "known" in one for one in commands]
        assert all(is_data) or place is None
    assert FILE["flow64-deploy"]["resource_group"] == "flow64-$FLOW64_ENV"
    assert merged("flow64-deploy")["interruptible"] is False


def test_merge_request(gitlab, emulator):
    """It is checked and compared without a key, and planned only if there is one."""
    gitlab.change('mode="PROFESSIONAL"', 'mode="PERSONAL"')

    code, told = gitlab.play("flow64-review")
    without, reason = gitlab.play("flow64-review-plan")
    asked = len(emulator.requests)
    planned, plan = gitlab.play("flow64-review-plan", key=KEY)

    assert (code, without, planned, asked) == (0, 0, 0, 0), told + plan
    assert "PERSONAL" in told
    assert "PERSONAL" in (gitlab.kept / "flow64-review.html").read_text("utf-8")
    report = json.loads((gitlab.kept / "gl-code-quality-report.json").read_bytes())
    assert {one["location"]["path"] for one in report} == {"pipelines/leads.py"}
    assert "has no key" in reason
    assert "leads" in plan
    assert (gitlab.kept / "flow64-plan.html").exists()
    assert {one.method for one in emulator.requests} == {"GET"}


def test_merge_request_with_old_json(gitlab):
    """JSON that is not what the code says fails the review."""
    path = gitlab.origin / "pipelines" / "leads.py"
    text = path.read_text("utf-8").replace('"PROFESSIONAL"', '"PERSONAL"')
    path.write_text(text, "utf-8")
    git(gitlab.origin, "commit", "-qam", "Forget the JSON")

    code, told = gitlab.play("flow64-review")

    assert code == 1
    assert "compiled/leads.json" in told


def test_deploy(gitlab, emulator):
    """The plan is applied as it was saved; a stale one is refused."""
    assert gitlab.play("flow64-check")[0] == 0
    assert gitlab.play("flow64-plan", key=KEY)[0] == 0
    code, told = gitlab.play("flow64-deploy", key=KEY)
    again, refused = gitlab.play("flow64-deploy", key=KEY)

    written = [one for one in emulator.requests if one.method != "GET"]
    assert code == 0, told
    assert (again, len(written)) == (3, 1), refused
    saved = json.loads((gitlab.kept / "flow64-plan.json").read_bytes())
    assert KEY not in json.dumps(saved)
