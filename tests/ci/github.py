"""As much of GitHub as workflow files need: a runner, artifacts, and its API by `gh`.

Steps with `run` are carried out by bash, with the variables that GitHub sets and no
others. The few actions of others are played: check out, install Python, hand on files.
For `acme/flow64`, the steps of our own `action.yml` are carried out.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from attrs import define, field, frozen

ACTION = yaml.safe_load((Path(__file__).parents[2] / "action.yml").read_text("utf-8"))

GH = '''#!{python}
"""A small `gh api`: pull requests and comments in a file, these in pages of two."""
import json, os, sys
from urllib.parse import parse_qsl, urlsplit

STATE = {state!r}
assert os.environ["GH_TOKEN"] == "token-of-the-job"
words = sys.argv[1:]
assert words.pop(0) == "api"
method, fields, path, flags = "GET", dict(), None, set()
while words:
    word = words.pop(0)
    if word == "--method":
        method = words.pop(0)
    elif word in ("-f", "-F"):
        name, _, text = words.pop(0).partition("=")
        if word == "-F" and text.startswith("@"):
            text = open(text[1:], encoding="utf-8").read()
        fields[name] = text
    elif word.startswith("--"):
        flags.add(word)
    else:
        path = word
data = json.load(open(STATE, encoding="utf-8"))
data["calls"].append([method, path])
parts = path.split("/")
assert parts[:3] == ["repos", "acme", "pipelines"], path
match [method, *parts[3:]]:
    case ["GET", "pulls"]:
        owner, _, branch = fields["head"].partition(":")
        assert fields["state"] == "open"
        found = [
            pull
            for pull in data["pulls"]
            if (pull["head"]["user"]["login"], pull["head"]["ref"]) == (owner, branch)
        ]
    case ["GET", "issues", number, "comments"]:
        assert "--paginate" in flags
        found = data["comments"].get(number, [])
    case ["POST", "issues", number, "comments"]:
        made = data["comments"].setdefault(number, [])
        user = dict(login="github-actions[bot]", type="Bot")
        ids = [one["id"] for many in data["comments"].values() for one in many]
        made.append(dict(id=max(ids, default=0) + 1, user=user, body=fields["body"]))
        found = None
    case ["PATCH", "issues", "comments", number]:
        (found,) = [
            one
            for many in data["comments"].values()
            for one in many
            if one["id"] == int(number)
        ]
        found["body"], found = fields["body"], None
    case _:
        sys.exit("gh: 404")
json.dump(data, open(STATE, "w", encoding="utf-8"))
if "--silent" not in flags:
    size = 2 if "--paginate" in flags else 100
    pages = [found[at : at + size] for at in range(0, len(found), size)] or [[]]
    print("".join(map(json.dumps, pages)))
'''

PYTHON = """#!/bin/sh
if [ "$1 $2 $3 $4 $5" = "-I -m pip install -r" ]; then
  exec {python} -I {tools}/pip "$6"
fi
exec {python} "$@"
"""

PIP = '''#!{python}
"""As much of pip as takes a requirements file: it writes down what is asked for."""
import sys

from packaging.requirements import InvalidRequirement, Requirement

for line in open(sys.argv[1], encoding="utf-8").read().splitlines():
    if line and not line.startswith("#"):
        try:
            Requirement(line)
        except InvalidRequirement:
            sys.exit(f"ERROR: Invalid requirement: {{line!r}}")
        with open({installed!r}, "a", encoding="utf-8") as file:
            print(line, file=file)
'''

FLOW64 = """#!/bin/sh
exec {python} -m flow64 "$@"
"""


@frozen
class Step:
    """What became of a step.

    Attributes:
        name: What it is called, or the action that it uses, without its commit.
        code: How it ended; None where it was left out.
        told: What it wrote.
    """

    name: str
    code: int | None
    told: str = ""


@frozen
class Job:
    """What became of a job.

    Attributes:
        steps: Its steps.
        outputs: What it hands on.
        summary: Its summary, as Markdown.
        temp: Its folder for temporary files.
    """

    steps: list[Step]
    outputs: dict[str, str]
    summary: str
    temp: Path

    @property
    def code(self):
        """How it ended."""
        return next((step.code for step in self.steps if step.code), 0)

    def step(self, name):
        (found,) = [step for step in self.steps if step.name == name]
        return found


@define
class GitHub:
    """A repository `acme/pipelines`, and a runner.

    Attributes:
        folder: Where all of it is.
        secrets: The secrets of the repository.
        vars: Its variables.
    """

    folder: Path
    secrets: dict[str, str] = field(factory=dict)
    vars: dict[str, str] = field(factory=dict)
    jobs: int = 0

    def __attrs_post_init__(self):
        tools = self.folder / "tools"
        tools.mkdir()
        (self.folder / "home").mkdir()
        (self.folder / "artifacts").mkdir()
        names = {
            "python": sys.executable,
            "state": str(self.state),
            "installed": str(self.folder / "installed.txt"),
            "tools": str(tools),
        }
        self.state.write_text('{"pulls": [], "comments": {}, "calls": []}', "utf-8")
        programs = {"gh": GH, "python": PYTHON, "pip": PIP, "flow64": FLOW64}
        for name, text in programs.items():
            (tools / name).write_text(text.format(**names), "utf-8")
            (tools / name).chmod(0o755)

    @property
    def state(self):
        return self.folder / "state.json"

    @property
    def origin(self):
        return self.folder / "origin"

    def artifact(self, run_id, name):
        return self.folder / "artifacts" / str(run_id) / name

    def data(self):
        return json.loads(self.state.read_text("utf-8"))

    def comments(self, number):
        return self.data()["comments"].get(str(number), [])

    def write(self, **changes):
        self.state.write_text(json.dumps({**self.data(), **changes}), "utf-8")

    # -- A workflow --------------------------------------------------------------------

    def play(self, file, job, *, commit, run_id, event=None, needs=None, only=None):
        """Let a job of a workflow file run, and give what became of it.

        Args:
            file: The workflow file.
            job: The key of the job.
            commit: What is checked out, and what it is about.
            run_id: Of the whole workflow.
            event: What has set it off.
            needs: What the jobs before it have handed on.
            only: The step that is run, once the commit is checked out; None for all.
        """
        workflow = yaml.safe_load((self.origin / file).read_text("utf-8"))
        self.jobs += 1
        place = self.folder / f"job-{self.jobs}"
        for name in ("temp", "work"):
            (place / name).mkdir(parents=True)
        github = {
            "event": event or {},
            "ref": "refs/heads/main",
            "token": "token-of-the-job",
        }
        told = {
            "github": github,
            "needs": needs or {},
            "runner": {"temp": str(place / "temp")},
            "secrets": self.secrets,
            "steps": {},
            "vars": self.vars,
        }
        playing = _Playing(self, place, told, str(run_id), commit)
        found = dict(workflow["jobs"][job])
        if only is not None:
            wanted = ("actions/checkout", only)
            found["steps"] = [
                step for step in found["steps"] if _name_of(step) in wanted
            ]
        return playing.job(workflow, found)


@define
class _Playing:
    github: GitHub
    place: Path
    told: dict
    run_id: str
    commit: str
    has_failed: bool = False

    @property
    def work(self):
        return self.place / "work"

    def job(self, workflow, job):
        """All steps of a job, of which those after a failed one are left out."""
        given = {**workflow.get("env", {}), **job.get("env", {})}
        is_wanted = self.judged(job.get("if", "true"))
        steps = [
            played
            for step in (job["steps"] if is_wanted else [])
            for played in self.steps(step, given)
        ]
        summary = self.place / "summary.md"
        return Job(
            steps,
            {name: self.filled(text) for name, text in job.get("outputs", {}).items()},
            summary.read_text("utf-8") if summary.exists() else "",
            self.place / "temp",
        )

    def steps(self, step, given):
        """A step, or those of our own action."""
        if not step.get("uses", "").startswith("acme/flow64@"):
            return [self.step(step, given)]
        options = {k: self.filled(v) for k, v in step["with"].items()}
        assert options.keys() <= ACTION["inputs"].keys()
        defaults = {k: v.get("default") for k, v in ACTION["inputs"].items()}
        # An action sees neither the secrets nor the variables of the repository.
        known = {name: self.told[name] for name in ("github", "runner")}
        told = {**known, "inputs": defaults | options, "steps": {}}
        inner = _Playing(self.github, self.place, told, self.run_id, self.commit)
        wanted = [
            one
            for one in ACTION["runs"]["steps"]
            if "inputs.job ==" not in one.get("if", "")
            or inner.holds(one["if"].partition("&&")[0])
        ]
        played = [inner.step(one, given) for one in wanted]
        self.has_failed = self.has_failed or inner.has_failed
        if "id" in step:
            outputs = {
                name: inner.filled(output["value"])
                for name, output in ACTION["outputs"].items()
            }
            self.told["steps"][step["id"]] = {"outputs": outputs}
        return played

    def step(self, step, given):
        name = _name_of(step)
        condition = str(step.get("if", "true"))
        is_left = self.has_failed and "always()" not in condition
        if is_left or not self.judged(condition):
            return Step(name, None)
        if "uses" in step:
            options = {k: self.filled(v) for k, v in step.get("with", {}).items()}
            code, told = self.use(step["uses"], options)
        else:
            env = {k: self.filled(v) for k, v in (given | step.get("env", {})).items()}
            code, told = self.run(step, env)
        self.has_failed = self.has_failed or code != 0
        return Step(name, code, told)

    def run(self, step, env):
        """Let bash do it, as GitHub does."""
        script = self.place / "script.sh"
        script.write_text(step["run"], "utf-8")
        output = self.place / "output.txt"
        output.write_text("", "utf-8")
        known = {
            "PATH": f"{self.github.folder / 'tools'}:/usr/bin:/bin",
            "HOME": str(self.github.folder / "home"),
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_OUTPUT": str(output),
            "GITHUB_REPOSITORY": "acme/pipelines",
            "GITHUB_SHA": self.commit,
            "GITHUB_STEP_SUMMARY": str(self.place / "summary.md"),
            "GITHUB_WORKSPACE": str(self.work),
            "RUNNER_TEMP": str(self.place / "temp"),
        }
        # Of this very test run, measured with everything else.
        measured = {k: v for k, v in os.environ.items() if k.startswith("COVERAGE_")}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.work,
            env={**measured, **known, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        lines = output.read_text("utf-8").splitlines()
        outputs = dict(line.split("=", 1) for line in lines)
        if "id" in step:
            self.told["steps"][step["id"]] = {"outputs": outputs}
        return done.returncode, done.stdout

    def use(self, action, options):
        """Play an action."""
        match action.partition("@")[0]:
            case "actions/checkout":
                assert options.keys() == {"fetch-depth", "persist-credentials"}
                git(self.place, "clone", "-q", str(self.github.origin), "work")
                git(self.work, "fetch", "-q", "origin", self.commit)
                git(self.work, "checkout", "-q", "--detach", self.commit)
            case "actions/setup-python":
                pass
            case "actions/upload-artifact":
                return self.upload(options)
            case "actions/download-artifact":
                run_id = options.get("run-id", self.run_id)
                source = self.github.artifact(run_id, options["name"])
                shutil.copytree(source, options["path"], symlinks=True)
            case _:
                raise AssertionError(action)
        return 0, ""

    def upload(self, options):
        given = self.work / options["path"]
        folder, pattern = (given, "*") if given.is_dir() else (given.parent, given.name)
        found = [*folder.glob(pattern)]
        if not found:
            return int(options["if-no-files-found"] == "error"), "nothing was found"
        target = self.github.artifact(self.run_id, options["name"])
        for path in found:
            target.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, target / path.name, symlinks=True)
            else:
                shutil.copy2(path, target / path.name, follow_symlinks=False)
        return 0, ""

    # -- Expressions -------------------------------------------------------------------

    def filled(self, text):
        """A text with its expressions filled in."""
        shown = str(text).lower() if isinstance(text, bool) else str(text)
        return re.sub(r"\$\{\{(.+?)\}\}", lambda found: self.value(found[1]), shown)

    def judged(self, condition):
        return all(map(self.holds, str(condition).split("&&")))

    def holds(self, condition):
        words = condition.strip()
        if words.lower() in ("always()", "true"):
            return True
        one, sign, other = re.fullmatch(r"(.+?) (==|!=) (.+)", words).groups()
        return (self.value(one) == self.value(other)) is (sign == "==")

    def value(self, words):
        """What a path of names stands for; nothing where there is no such thing."""
        words = words.strip()
        if literal := re.fullmatch(r"'([^']*)'", words):
            return literal[1]
        found = self.told
        for name in words.split("."):
            found = found.get(name, {}) if isinstance(found, dict) else {}
        return "" if found == {} else str(found)


def _name_of(step):
    return step.get("name") or step["uses"].partition("@")[0]


def git(folder, *arguments):
    """What git says."""
    names = {f"GIT_{who}_{what}": "a@b.example" for who, what in _WHO}
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **names},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


_WHO = [(a, b) for a in ("AUTHOR", "COMMITTER") for b in ("NAME", "EMAIL")]
