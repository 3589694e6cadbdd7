"""A project without workflows: its orphans on the service are found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.pipelines import deployed

PROJECT = """
from flow64 import Project

growth = Project("growth", namespace="acme.example")
"""


@pytest.fixture
def left(service, leads, flow64, namespace):
    """A project on the service with one workflow that is no longer in the code."""
    flow64("deploy", "leads.py", "--yes")
    leads.write_text(PROJECT.replace("acme.example", namespace), "utf-8")
    return leads


def test_plan_finds_the_orphan(left, flow64):
    code, printed, told = flow64("plan", "leads.py", "--exit-code", "--format", "json")

    (step,) = json.loads(printed)["workflows"]
    assert (code, told, step["state"]) == (2, "", "orphan")


def test_deploy_prunes_it_by_its_number(left, flow64):
    refused = flow64("deploy", "leads.py", "--yes", "--prune=0")
    code, *_ = flow64("deploy", "leads.py", "--yes", "--prune=1")

    assert (refused[0], code, deployed()) == (3, 0, [])


def test_deploy_without_pruning_leaves_it(left, flow64):
    code, printed, _ = flow64("deploy", "leads.py", "--yes")

    assert (code, printed, deployed()) == (0, "", ["Inbound leads"])


def test_check_finds_a_flow_that_is_in_no_workflow(left, flow64):
    """It was forgotten more likely than kept, and the check would pass."""
    flow = (
        "from flow64 import LEAD\nfrom flow64.blocks import Webhook\nx = Webhook(LEAD)"
    )
    left.write_text(f"{left.read_text('utf-8')}\n{flow}\n", "utf-8")

    code, printed, _ = flow64("check", "leads.py")

    assert code == 1
    assert printed.startswith(
        "leads.py:1 error[no-workflow] leads.py has the flow x, but no Workflow: write "
    )
    assert flow64("plan", "leads.py")[0] == 0


def test_folder_of_code_is_not_read_as_json(left, flow64):
    """JSON that was compiled before is not one of its workflows."""
    flow64("compile", "leads.py", "-o", ".")
    Path("old.json").write_text(Path("flow64.json").read_text("utf-8"), "utf-8")

    code, printed, _ = flow64("plan", ".", "--format", "json")

    assert (code, [one["state"] for one in json.loads(printed)["workflows"]]) == (
        0,
        ["orphan"],
    )
