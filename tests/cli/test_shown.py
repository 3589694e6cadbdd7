"""Plans of many workflows: equal changes are shown once."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.unmeasured

MANY = """
from flow64 import LEAD, Project, Workflow
from flow64.blocks import FindEmail, LeadEnrichment, Webhook

growth = Project("growth", namespace="acme.example")


def made(key, title="Job title"):
    fields = {"title": title}
    flow = Webhook(LEAD) >> LeadEnrichment(return_fields=fields)
    return Workflow(f"Leads {key}", flow, key=key, project=growth)


all_of_them = [made(f"n{number:02}") for number in range(12)]
"""


@pytest.fixture
def many(service, tmp_path, namespace):
    """Twelve workflows that are alike."""
    path = tmp_path / "many.py"
    path.write_text(MANY.replace("acme.example", namespace), "utf-8")
    return path


def retitled(path):
    path.write_text(path.read_text("utf-8").replace("Job title", "Role"), "utf-8")


def test_plan_of_many_is_short(many, flow64, service):
    code, printed, told = flow64("plan", "many.py")

    lines = printed.splitlines()
    assert (code, told) == (0, "")
    took = "(13 requests)"
    assert lines[0] == f"plan for environment default at {service.url} {took}"
    assert lines[2] == "what changes: 12 workflows will be created"
    assert len(lines) < 30
    assert "n00, n01, n02" in printed
    assert "n11" in printed


def test_change_of_many_is_said_once(many, flow64):
    flow64("deploy", "many.py", "--yes")
    retitled(many)

    *_, printed, _ = flow64("plan", "many.py")
    *_, in_full, _ = flow64("plan", "many.py", "--verbose")

    assert printed.count("Role") == 2
    assert in_full.count("Role") == 13  # the first lines say it once


def test_deploy_of_many_is_told_in_short(many, flow64):
    """The result names each; on the way not each has lines of its own."""
    _, first, created = flow64("deploy", "many.py", "--yes")
    retitled(many)
    code, printed, told = flow64("deploy", "many.py", "--yes")

    assert code == 0
    assert (first.count("\n"), printed.count("\n")) == (12, 12)
    assert created.count(" of 12: create ") == told.count(" of 12: update ") == 1
    assert told.count("Role") == 2
    history = str(Path(".flow64", "history"))
    assert f"\nthe old versions of 12 workflows are in {history}" in told
    assert told.count("the old version") == 1


def test_deploy_tells_all_where_that_is_asked_for(many, flow64):
    *_, told = flow64("deploy", "many.py", "--yes", "--verbose")

    assert told.count(" of 12: create ") == 12


def test_what_was_agreed_to_tells_workflows_apart(many, flow64):
    """A workflow that spends is shown with what allows it, apart from the others."""
    path = many.read_text("utf-8")
    bought = "Search(query='x', dataframe_type='LEAD', auto_execute=True)"
    path = path.replace("Webhook(LEAD) >> Lead", f"{bought} >> Lead")
    many.write_text(path.replace("import FindEmail,", "import Search,"), "utf-8")

    *_, told = flow64("deploy", "many.py", "--yes", "--allow-spend", "n03")

    assert "+ n03: will be created" in told
    assert "and 10 more: will be created" in told
    assert "; as --allow-spend allows\n" in told
    assert "; to allow it, add --allow-spend KEY\n" in told
