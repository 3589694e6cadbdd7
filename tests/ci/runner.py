"""As much of a runner as the scripts of the CI files need: git, pip and `gh api`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from uuid import uuid4

import yaml

from flow64.cli import main

PROD = 'api_key = { env = "SIXTYFOUR_PROD_KEY" }'

GH = '''#!{python}
"""A small `gh api` for the comments of one pull request, in a file."""
import json, sys

words = sys.argv[2:]
path = next(word for word in words if word.startswith("repos/"))
file = {state!r}
comments = json.load(open(file, encoding="utf-8"))
body = next((w[len("body=@"):] for w in words if w.startswith("body=@")), None)
method = words[words.index("--method") + 1] if "--method" in words else "GET"
if body:
    body = open(body, encoding="utf-8").read()
if method == "GET":
    for comment in comments:  # as the filter of the file says
        is_ours = comment["user"]["login"] == "github-actions[bot]"
        if is_ours and comment["body"].startswith("<!-- flow64:review"):
            print(comment["id"])
elif method == "POST":
    user = dict(login="github-actions[bot]")
    comments.append(dict(id=len(comments) + 1, user=user, body=body))
else:
    comments[int(path.rpartition("/")[2]) - 1]["body"] = body
json.dump(comments, open(file, "w", encoding="utf-8"))
'''

PYTHON = """#!/bin/sh
if [ "$1 $2 $3 $4 $5 $6" = "-I -m pip install --require-hashes -r" ]; then
  if grep -q "^say where" "$7"; then echo "Invalid requirement" >&2; exit 1; fi
  exit 0
fi
exec {python} "$@"
"""

FLOW64 = """#!/bin/sh
exec {python} -m flow64 "$@"
"""


class Project:
    """A repository as `flow64 init --ci` makes it, whose service is an emulator."""

    def __init__(self, folder, forge, endpoint):
        self.folder = folder
        self.origin = folder / "origin"
        self.state = folder / "comments.json"
        self.state.write_text("[]", "utf-8")
        tools = folder / "tools"
        tools.mkdir()
        names = {"python": sys.executable, "state": str(self.state)}
        for name, text in {"gh": GH, "python": PYTHON, "flow64": FLOW64}.items():
            (tools / name).write_text(text.format(**names), "utf-8")
            (tools / name).chmod(0o755)
        options = ("--namespace", f"{uuid4().hex}.example", "--project", "growth")
        assert main(["init", str(self.origin), *options, "--ci", forge]) == 0
        settings = self.origin / "pyproject.toml"
        text = settings.read_text("utf-8")
        endpoint = f'{PROD}\nendpoint = "{endpoint}"'
        settings.write_text(text.replace(PROD, endpoint), "utf-8")
        (self.origin / "requirements-flow64.txt").write_text("flow64==0.1.0\n", "utf-8")
        git(self.origin, "init", "-q")
        self.compile()
        self.commit("Begin")

    @property
    def comments(self):
        return json.loads(self.state.read_text("utf-8"))

    def compile(self):
        folders = f"{self.origin}/pipelines", "-o", f"{self.origin}/compiled"
        assert main(["compile", *folders]) == 0

    def commit(self, message):
        git(self.origin, "add", "-A")
        git(self.origin, "commit", "-qm", message)

    def change(self, old, new, more=""):
        """Change the pipeline, and commit it with its JSON."""
        path = self.origin / "pipelines" / "leads.py"
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")
        self.compile()
        path.write_text(path.read_text("utf-8") + more, "utf-8")
        self.commit("Change")

    def checkout(self):
        """Return a new clone, in a folder of its own."""
        place = self.folder / f"job-{uuid4().hex}"
        place.mkdir()
        git(place, "clone", "-q", str(self.origin), "work")
        return place / "work"

    def run(self, script, work, **variables):
        """Let bash run a script, and return the exit code and what it printed."""
        known = {
            "PATH": f"{self.folder / 'tools'}:/usr/bin:/bin",
            "HOME": str(work.parent),
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_BASE_REF": "main",
        }
        measured = {k: v for k, v in os.environ.items() if k.startswith("COVERAGE_")}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=work,
            env={**measured, **known, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout


class Job:
    """A job of the workflow file: its scripts, run one after the other."""

    def __init__(self, project, name, **values):
        """Run the job, with texts of expressions, such as `secrets_X`."""
        file = project.origin / ".github/workflows/flow64.yml"
        job = yaml.safe_load(file.read_text("utf-8"))["jobs"][name]
        self.work = project.checkout()
        self.temp = self.work.parent
        self.values = {"github_token": "token-of-the-job", **values}
        self.outputs, self.code, self.printed = {}, 0, ""
        for step in job["steps"]:
            if "run" not in step or self.code:
                continue
            output = self.temp / "output.txt"
            output.write_text("", "utf-8")
            env = {k: self.fill(v) for k, v in step.get("env", {}).items()}
            self.code, printed = project.run(
                step["run"],
                self.work,
                GITHUB_OUTPUT=str(output),
                GITHUB_REPOSITORY="acme/pipelines",
                GITHUB_STEP_SUMMARY=str(self.temp / "summary.md"),
                GITHUB_WORKSPACE=str(self.work),
                RUNNER_TEMP=str(self.temp),
                **env,
            )
            self.printed += printed
            lines = output.read_text("utf-8").splitlines()
            self.outputs |= dict(line.split("=", 1) for line in lines)

    def fill(self, text):
        """Fill in the expressions of a text."""

        def value(match):
            name = match[1].strip()
            if name.startswith("steps."):
                return self.outputs[name.rpartition(".")[2]]
            return self.values[name.replace(".", "_")]

        return re.sub(r"\$\{\{(.+?)\}\}", value, str(text))

    @property
    def summary(self):
        return (self.temp / "summary.md").read_text("utf-8")


def git(folder, *arguments):
    """Return what git prints."""
    who = {
        f"GIT_{role}_{what}": "a@b.example"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **who},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
