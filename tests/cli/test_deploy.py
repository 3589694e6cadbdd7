"""`flow64 deploy`: what it shows, asks, writes and refuses."""

from __future__ import annotations

import json

import pytest

from flow64 import Client
from flow64.cli._sources import load
from flow64.emulator import Fault

TWO = """
import sys
from flow64 import LEAD, Project, Workflow
from flow64.blocks import AppendToNotebook, LeadEnrichment, Search, Webhook

growth = Project("growth", namespace="acme.example")

def made(key, *flow, **more):
    return Workflow(key, *flow, key=key, project=growth, **more)

"""

SPENDING = "buys = made('buys', Search(LEAD, query='CTOs', auto_execute=True))"


@pytest.fixture
def write(tmp_path, namespace):
    """Write a file of workflows, and give its name."""
    head = TWO.replace("acme.example", namespace)

    def written(text):
        (tmp_path / "two.py").write_text(head + text, "utf-8")
        return "two.py"

    return written


def deployed():
    """The titles of what is deployed."""
    with Client(journal=None) as client:
        return sorted(found.name for found in client.workflows.list())


@pytest.fixture
def drifted(service, leads, flow64):
    """A workflow that was edited on the service after it was deployed."""
    flow64("deploy", "leads.py", "--yes")
    workflow_id = load("leads.py").only.workflow.id()
    service.edit(workflow_id, name="Edited\x1b[31m", specs={})
    return workflow_id


def test_new(service, leads, flow64):
    """It is shown and written; what became of it is the result."""
    code, printed, told = flow64("deploy", "leads.py", "--yes")

    workflow_id = load("leads.py").only.workflow.id()
    assert (code, printed) == (0, f"done       inbound  {workflow_id}\n")
    assert told == (
        f"deploy to {service.url}, environment default\n"
        "inbound is new\n"
        "inbound is written\n"
    )
    assert deployed() == ["Inbound leads"]


def test_unchanged(service, leads, flow64):
    """Where nothing changed nothing is asked or sent."""
    flow64("deploy", "leads.py", "--yes")

    code, printed, told = flow64("deploy", "leads.py")

    assert (code, printed.startswith("unchanged  inbound")) == (0, True)
    assert "inbound is unchanged" in told


def test_update(service, leads, flow64):
    """What a write changes is shown before."""
    flow64("deploy", "leads.py", "--yes")
    leads.write_text(leads.read_text("utf-8").replace("Inbound l", "New l"), "utf-8")

    code, _, told = flow64("deploy", "leads.py", "--yes")

    assert (code, deployed()) == (0, ["New leads"])
    assert "inbound has changed in the code\n  name: 'Inbound leads' became" in told


def test_env(service, leads, flow64):
    """An environment has a workflow of its own."""
    flow64("deploy", "leads.py", "--yes")
    code, printed, told = flow64("deploy", "leads.py", "--yes", "--env", "staging")

    workflow_id = load("leads.py").only.workflow.id("staging")
    assert (code, printed) == (0, f"done       inbound  {workflow_id}\n")
    assert "environment staging" in told


def test_json(service, leads, flow64):
    """With --json it is the data of the deployment."""
    _, printed, _ = flow64("deploy", "leads.py", "--yes", "--json")

    assert json.loads(printed) == [
        {
            "workflow": "inbound",
            "workflow_id": load("leads.py").only.workflow.id(),
            "outcome": "done",
            "state": "new",
            "changes": [],
            "unmanaged": [],
            "spends": [],
            "replaced": None,
            "error": None,
        }
    ]


# -- Asking ---------------------------------------------------------------------------


@pytest.mark.usefixtures("service", "leads")
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("y\n", (0, 1)), ("n\n", (3, 0)), ("\n", (3, 0)), ("", (130, 0))],
    ids=["yes", "no", "default", "end"],
)
def test_asks(flow64, answering, answer, outcome):
    """Somebody who is there is asked; no is what nothing said means."""
    answering(answer)

    assert (flow64("deploy", "leads.py")[0], len(deployed())) == outcome


def test_nobody_to_ask(service, leads, flow64):
    """Where nobody can be asked nothing is written without --yes."""
    code, printed, told = flow64("deploy", "leads.py")

    assert (code, printed, deployed()) == (3, "", [])
    assert "inbound is new" in told
    assert told.endswith("error: nobody can be asked here; agree with --yes\n")


# -- Refusing -------------------------------------------------------------------------


def test_drifted(drifted, flow64):
    """An edit on the service is shown, and not overwritten."""
    code, printed, told = flow64("deploy", "leads.py", "--yes")

    assert (code, deployed()) == (3, ["Edited\x1b[31m"])
    assert printed.startswith("refused    inbound")
    assert "inbound was edited on the service\n  name: 'Edited\\x1b[31m' became" in told
    assert "error: inbound is refused; to overwrite it: --force inbound\n" in told
    assert "\x1b" not in told


def test_force(drifted, flow64):
    """Named, it is overwritten, and what it replaced is in the data."""
    code, printed, _ = flow64(
        "deploy", "leads.py", "--yes", "--force", "inbound", "--json"
    )

    (one,) = json.loads(printed)
    assert (code, one["outcome"], one["state"]) == (0, "done", "drifted")
    assert one["replaced"]["workflow_name"] == "Edited\x1b[31m"
    assert deployed() == ["Inbound leads"]


def test_spends(service, write, flow64):
    """What buys when it is written needs consent by name."""
    source = write(SPENDING)
    code, _, told = flow64("deploy", source, "--yes")

    assert (code, deployed()) == (3, [])
    assert "buys at creation" in told
    assert "error: buys is refused; to buy at once: --allow-spend buys\n" in told
    assert flow64("deploy", source, "--yes", "--allow-spend", "buys")[0] == 0


def test_all_or_none(service, write, flow64):
    """Where one is refused none is written; what is wrong is told of each."""
    text = f"a = made('a', Webhook(LEAD))\n{SPENDING}\n"
    source = write(text + "bad = made('', Webhook(LEAD))")

    code, printed, told = flow64("deploy", source, "--yes")

    outcomes = [line.split("  ")[0] for line in printed.splitlines()]
    assert (code, outcomes) == (1, ["not tried", "refused", "failed"])
    assert ("[invalid-key]" in told, "--allow-spend buys" in told) == (True, True)
    assert deployed() == []


def test_values(service, write, flow64, tmp_path):
    """Values that are missing are named, with the option that gives them."""
    text = "from flow64 import value\nbook = AppendToNotebook(notebook_id=value('n'))\n"
    source = write(text + "w = made('w', Webhook(LEAD) >> book)")
    (tmp_path / "values.json").write_text('{"n": "a-notebook"}', "utf-8")

    code, _, told = flow64("deploy", source, "--yes")

    assert (code, deployed()) == (1, [])
    assert "here: --values FILE" in told
    assert flow64("deploy", source, "--yes", "--values", "values.json")[0] == 0


@pytest.mark.parametrize("option", ["--force", "--allow-spend"])
def test_unknown_key(service, leads, flow64, option):
    """Consent to what is not there is a mistake of the command line."""
    code, _, told = flow64("deploy", "leads.py", "--yes", option, "inbuond")

    assert (code, deployed()) == (64, [])
    assert "there is no workflow 'inbuond' (did you mean 'inbound'?)" in told


def test_no_project(leads, write, flow64, monkeypatch):
    """An id that others may share is refused anywhere but on this machine."""
    monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", "https://api.example.com")
    monkeypatch.setenv("SIXTYFOUR_API_KEY", "sk_test_not_a_real_key")
    source = write("w = Workflow('w', Webhook(LEAD), key='w')")

    code, printed, told = flow64("deploy", source, "--yes")

    assert (code, printed) == (3, "refused    w\n")
    assert "'w' has no project" in told


def test_no_key(leads, flow64, monkeypatch):
    """Without a credential nothing is tried; no option takes one."""
    monkeypatch.delenv("SIXTYFOUR_API_KEY", raising=False)
    code, _, told = flow64("deploy", "leads.py", "--yes")

    assert (code, "set SIXTYFOUR_API_KEY" in told) == (1, True)


# -- Failing --------------------------------------------------------------------------

THREE = "w = [made(key, Webhook(LEAD)) for key in ('a', 'b', 'c')]"


def test_failed(service, write, flow64):
    """The first that fails is the last that is tried; the same line goes on."""
    source = write(THREE)
    service.faults.add(
        Fault("status_before", status=400, path="/workflows/create_workflow", after=1)
    )

    code, printed, told = flow64("deploy", source, "--yes")

    outcomes = [line.split("  ")[0] for line in printed.splitlines()]
    assert (code, outcomes) == (1, ["done", "failed", "not tried"])
    assert "error: b: POST /workflows/create_workflow answered 400" in told
    assert (flow64("deploy", source, "--yes")[0], deployed()) == (0, ["a", "b", "c"])


def test_unknown(service, write, flow64):
    """Where nobody knows whether it was written, that is an exit code of its own."""
    source = write(SPENDING)
    service.faults.add(Fault("reset_before", path="/workflows/create_workflow"))

    code, printed, told = flow64(
        "deploy", source, "--yes", "--allow-spend", "buys", "--json"
    )

    (one,) = json.loads(printed)
    assert (code, one["outcome"]) == (4, "unknown")
    assert "outcome unknown" in one["error"]
    assert "outcome unknown" in told


def test_interrupted(service, write, flow64, monkeypatch):
    """Ctrl-C says what may have been written, and what was not tried."""

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "deploy", stopped)

    code, printed, told = flow64("deploy", write(THREE), "--yes")

    outcomes = [line.split("  ")[0] for line in printed.splitlines()]
    assert (code, outcomes) == (130, ["unknown", "not tried", "not tried"])
    assert "a may have been written: deploy again, which looks first" in told


def test_overtaken(service, leads, flow64, monkeypatch):
    """What was edited between the look and the write is refused by the write."""
    flow64("deploy", "leads.py", "--yes")
    workflow_id = load("leads.py").only.workflow.id()
    leads.write_text(leads.read_text("utf-8").replace("Inbound l", "New l"), "utf-8")

    def agreeing(*_, **__):
        service.edit(workflow_id, name="Edited")

    monkeypatch.setattr("flow64.cli.deploy.agreed", agreeing)

    code, printed, _ = flow64("deploy", "leads.py")

    assert (code, printed.split("  ")[0], deployed()) == (3, "refused", ["Edited"])
