"""Write `action.yml` and `gitlab-ci.yml` from the templates of `flow64 init`.

A job of a project has either the steps of a template, or one step that uses the action.
`tests/ci/test_files.py` fails if the written files differ from the templates.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from flow64.cli._ci_files import (
    INCLUDED,
    SECRET,
    VARIABLE,
    CiJob,
    as_input,
    find_jobs,
    pin_actions,
)

ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "src/flow64/cli/_template"
WORKFLOWS = TEMPLATES / "dot-github/workflows"
NAMES = ("review", "comment", "deploy")

INPUTS = {
    "job": "The job: {jobs}.",
    "secrets": "The key, and the values of the environment: one NAME=TEXT a line. Only "
    "the steps that talk to the service get them.",
    "python-version": "The Python that the job runs on.",
    "run": "The key of a workflow to run after a deploy. A run spends.",
    "rows": "The file that has the rows of this run.",
    "max-cost": "The cost limit of this run, in dollars.",
}
OUTPUTS = {"changes": "Whether the plan has anything to do: true or false."}

ACTION = """\
# Written by scripts/ci.py from the templates of `flow64 init`. Change these.
name: flow64
description: The jobs of a flow64 project. `flow64 init` writes the files that use it.

inputs:
{inputs}
outputs:
{outputs}
runs:
  using: composite
  steps:
{steps}"""

REFUSE_OTHERS = """\
    - name: Refuse an unknown job
      shell: bash
      env:
        JOB: ${{{{ inputs.job }}}}
      run: |
        case "$JOB" in
          {pattern}) ;;
          *)
            echo "::error::job must be one of: {jobs}"
            exit 64
            ;;
        esac
"""

READ_SECRETS = """\
      run: |
        while IFS= read -r line; do
          if [[ "$line" =~ ^[A-Za-z_][A-Za-z0-9_]*= ]]; then
            export "$line"
          elif [ -n "$line" ]; then
            echo "::error::secrets must be one NAME=TEXT a line"
            exit 64
          fi
        done <<< "$SECRETS"
        unset SECRETS line
"""


def main() -> None:
    for name, text in write().items():
        (ROOT / name).write_text(text, "utf-8")


def write() -> Mapping[str, str]:
    """Return the text of each file."""
    workflows = [
        (WORKFLOWS / f"flow64-{name}.yml.txt").read_text("utf-8") for name in NAMES
    ]
    gitlab = (TEMPLATES / "dot-gitlab-ci.yml.txt").read_text("utf-8")
    return {
        "action.yml": make_action(workflows),
        INCLUDED: gitlab.replace("@PYTHON@", newest_python()),
    }


def newest_python() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = "\n".join(project["classifiers"])
    minors = re.findall(r":: Python :: 3\.(\d+)", lines)
    return f"3.{max(map(int, minors))}"


def make_action(workflows: Sequence[str]) -> str:
    """Return the action that has the steps of all jobs of some workflow files."""
    jobs = [job for text in workflows for job in find_jobs(text)]
    names = ", ".join(job.name for job in jobs)
    first = REFUSE_OTHERS.format(jobs=names, pattern=names.replace(", ", "|"))
    text = ACTION.format(
        inputs="".join(describe_inputs(names)),
        outputs="".join(describe_outputs(jobs)),
        steps="\n".join([first, *make_steps(jobs)]),
    )
    return pin_actions(text)


def describe_inputs(jobs: str) -> Iterator[str]:
    for name, text in INPUTS.items():
        more = "    required: true\n" if name == "job" else '    default: ""\n'
        if name == "python-version":
            more = f'    default: "{newest_python()}"\n'
        yield f'  {name}:\n    description: "{text.format(jobs=jobs)}"\n{more}'


def describe_outputs(jobs: Sequence[CiJob]) -> Iterator[str]:
    for job in jobs:
        for name, value in re.findall(
            r"      (\w+): (\$\{\{ steps\..+ \}\})\n", job.head
        ):
            yield f"  {name}:\n    description: {OUTPUTS[name]!r}\n    value: {value}\n"


def make_steps(jobs: Sequence[CiJob]) -> Iterator[str]:
    """Return the steps that begin each job, then those of one job each."""
    shared = len(find_shared(jobs))
    for step in jobs[0].steps[:shared]:
        yield make_step(step, None)
    for job in jobs:
        for step in job.steps[shared:]:
            yield make_step(step, job.name)


def find_shared(jobs: Sequence[CiJob]) -> Sequence[str]:
    shared = []
    for steps in zip(*(job.steps for job in jobs), strict=False):
        if len({*steps}) > 1:
            break
        shared.append(steps[0])
    return shared


def make_step(step: str, job: str | None) -> str:
    """Return a step of the action.

    Args:
        step: The step of a template.
        job: The only job that has it; None if all have it.
    """
    text = re.sub("(?m)^  ", "", step) + "\n"
    text = text.replace("@PYTHON@", "${{ inputs.python-version }}")
    if SECRET.search(text):
        text = re.sub(r"(?m)^ +# Add the variables .*\n", "", text)
        text = SECRET.sub("SECRETS: ${{ inputs.secrets }}", text)
        text = text.replace("      run: |\n", READ_SECRETS)
    text = VARIABLE.sub(lambda found: f"inputs.{as_input(found[1])}", text)
    text = text.replace("      run: ", "      shell: bash\n      run: ")
    if job is None:
        return text
    condition = f"inputs.job == '{job}'"
    if found := re.search(r"(?m)^      if: (.+)\n", text):
        text = text.replace(found[0], "")
        condition = f"{condition} && {found[1]}"
    return re.sub(r"(?m)^(    - .+\n)", rf"\1      if: {condition}\n", text, count=1)


if __name__ == "__main__":
    main()
