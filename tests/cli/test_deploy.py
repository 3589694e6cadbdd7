"""`flow64 deploy`: what it shows, asks, writes and refuses."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from flow64 import Client, errors
from flow64.cli._execution import Execution
from flow64.deploy import Agreement
from flow64.plan import Plan
from tests.cli.pipelines import (
    SPENDING,
    deployed,
    five,
    id_of,
    known,
    methods,
    our_branch,
    outcomes,
    retitled,
    their_branch,
    written,
)
from tests.cli.support import FLOW64
from tests.service.mishaps import Fault, stored_otherwise

CREATE = "/workflows/create_workflow"


@pytest.fixture
def drifted(service, leads, flow64):
    """A workflow that was edited on the service after it was deployed; its id."""
    flow64("deploy", "leads.py", "--yes")
    workflow_id = id_of("leads.py")
    service.edit(workflow_id, name="Edited\x1b[31m", specs={})
    return workflow_id


def test_new(service, leads, flow64):
    """The plan is shown and carried out; what became of it is the result."""
    planned, *_ = flow64("plan", "leads.py")[1].partition("next: ")

    code, printed, told = flow64("deploy", "leads.py", "--yes")

    assert (code, printed) == (0, f"done       inbound  {id_of('leads.py')}\n")
    assert told == f"{planned}1 of 1: create inbound\n1 created\n"
    assert deployed() == ["Inbound leads"]


def test_unchanged(service, leads, flow64):
    """Without changes, nothing is asked or written."""
    flow64("deploy", "leads.py", "--yes")
    before = len(service.requests)

    code, printed, told = flow64("deploy", "leads.py")

    assert (code, printed, told.count("\n")) == (0, "", 1)
    assert told.endswith("(2 requests): nothing changes (1 of 1 unchanged)\n")
    assert set(methods(service, before)) == {"GET"}


def test_update(service, leads, flow64, tmp_path):
    """The changes are shown first, and the old version is saved."""
    flow64("deploy", "leads.py", "--yes")
    retitled(leads)

    code, _, told = flow64("deploy", "leads.py", "--yes")

    assert (code, deployed()) == (0, ["New leads"])
    assert '~ title: "Inbound leads" → "New leads"' in told
    (saved,) = (tmp_path / ".flow64/history").glob("*.json")
    place = saved.relative_to(Path.cwd())
    assert f"the old version of inbound is in {place}\n" in told
    assert saved.stat().st_mode & 0o777 == 0o600


def test_json(service, leads, flow64):
    """With --json it is the data of the plan, and of what became of it."""
    _, printed, _ = flow64("deploy", "leads.py", "--yes", "--json")

    data = json.loads(printed)
    plan = data.pop("plan")
    assert data == {
        "format_version": 1,
        "env": "default",
        "endpoint": service.url,
        "workflows": [
            {
                "key": "inbound",
                "workflow_id": id_of("leads.py"),
                "state": "new",
                "outcome": "done",
                "done": "create",
                "saved": None,
                "withheld": [],
                "error": None,
            }
        ],
        "problems": [],
        "resume": "",
        "error": None,
    }
    assert [step["state"] for step in plan["workflows"]] == ["new"]


# -- Asking ---------------------------------------------------------------------------


@pytest.mark.usefixtures("service", "leads")
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("y\n", (0, 1)), ("n\n", (3, 0)), ("\n", (3, 0)), ("", (130, 0))],
    ids=["yes", "no", "default", "end"],
)
def test_asks(flow64, answering, answer, outcome):
    """At a terminal it asks, and no answer means no."""
    answering(answer)

    assert (flow64("deploy", "leads.py")[0], len(deployed())) == outcome


def test_nobody_to_ask(service, leads, flow64):
    """Without a terminal nothing is written without --yes."""
    code, printed, told = flow64("deploy", "leads.py")

    assert (code, outcomes(printed), deployed()) == (3, [], [])
    assert "+ inbound: will be created" in told
    assert told.endswith("error: there is no terminal to ask at; agree with --yes\n")


# -- Refusing -------------------------------------------------------------------------


def test_drifted(drifted, service, flow64):
    """F15: their edit and ours apart, and the three ways out; nothing is written."""
    before = len(service.requests)

    code, printed, told = flow64("deploy", "leads.py", "--yes")

    assert (code, outcomes(printed), deployed()) == (3, ["refused"], ["Edited\x1b[31m"])
    assert (
        "! inbound: drifted: was edited on the service since the last deploy; this"
        in told
    )
    assert (
        'would change:\n        ~ title: last deploy "Inbound leads" · service now '
        '"Edited'
    ) in told
    assert (
        "to allow it, add --force inbound, or skip it with --skip-drifted;" in printed
    )
    assert printed.endswith("your code: flow64 pull default:inbound -o FOLDER\n")
    assert told.endswith("error: the plan was refused, and nothing was written\n")
    assert "\x1b" not in told
    assert set(methods(service, before)) == {"GET"}


def test_force(drifted, flow64):
    """Named, it is overwritten, and what it replaced is saved."""
    code, printed, _ = flow64(
        "deploy", "leads.py", "--yes", "--force", "inbound", "--json"
    )

    (one,) = json.loads(printed)["workflows"]
    assert (code, one["outcome"], one["state"]) == (0, "done", "drifted")
    kept = json.loads(Path(one["saved"]).read_text("utf-8"))
    assert kept["definition"]["workflow_name"] == "Edited\x1b[31m"
    assert deployed() == ["Inbound leads"]


def test_skip_drifted(service, write, flow64):
    """The rest is deployed, and skipped workflows are listed."""
    flow64("deploy", write(five()), "--yes")
    service.edit(
        json.loads(flow64("plan", "two.py", "--json")[1])["workflows"][2][
            "workflow_id"
        ],
        name="By hand",
    )

    code, printed, told = flow64(
        "deploy", write(five("two")), "--yes", "--skip-drifted"
    )

    assert (code, outcomes(printed)) == (0, [*["done"] * 4, "skipped"])
    assert deployed() == ["By hand", "a two", "b two", "d two", "e two"]
    assert "4 updated, 1 skipped\n" in told


def test_spends(service, write, flow64):
    """A workflow that buys when it is written needs consent by name."""
    source = write(SPENDING)
    code, printed, _ = flow64("deploy", source, "--yes")

    assert (code, deployed()) == (3, [])
    assert "buys at creation; to allow it, add --allow-spend buys\n" in printed
    assert flow64("deploy", source, "--yes", "--allow-spend", "buys")[0] == 0


PROD = """
[tool.flow64.environments.prod]
endpoint = { env = 'SIXTYFOUR_API_ENDPOINT' }
api_key = { env = 'SIXTYFOUR_API_KEY' }
"""


@pytest.fixture
def behind(service, leads, flow64):
    """A workflow that was deployed from an unknown branch."""
    leads.with_name("pyproject.toml").write_text(PROD, "utf-8")
    their_branch("leads.py")
    retitled(leads, "Their leads")
    flow64("deploy", "leads.py", "--yes")
    our_branch("leads.py")
    retitled(leads, "Our leads")


@pytest.mark.parametrize(
    ("option", "wanted"),
    [
        ([], (3, ["refused"], "Their leads")),
        (["--force", "inbound"], (3, ["refused"], "Their leads")),
        (["--allow-behind", "inbound"], (0, ["done"], "Our leads")),
        (["--skip-drifted"], (0, ["skipped"], "Their leads")),
    ],
    ids=["nothing", "force", "allow-behind", "skip"],
)
def test_behind(behind, flow64, option, wanted):
    """A deploy of newer code is not reverted without consent."""
    code, printed, _ = flow64("deploy", "leads.py", "--yes", *option)

    assert (code, outcomes(printed), *deployed()) == wanted
    assert ("to allow it, add --allow-behind inbound, or" in printed) == (code == 3)


def test_errors_come_before_all_else(service, write, flow64):
    """All of them; not even a look is sent."""
    before = len(service.requests)
    text = "a = made('a', Webhook(LEAD))\nbad = made('', Webhook(LEAD))"

    code, printed, told = flow64("deploy", write(text), "--yes")

    assert (code, outcomes(printed)) == (1, ["not tried", "failed"])
    assert ("[invalid-key]" in told, methods(service, before)) == (True, [])


CONSENTS = ("--force", "--allow-spend", "--allow-behind", "--create")


@pytest.mark.parametrize("option", CONSENTS)
def test_unknown_key(service, leads, flow64, option):
    """Consent to what is not there is a mistake, and no plan is shown."""
    code, _, told = flow64("deploy", "leads.py", "--yes", option, "inbuond")

    assert (code, deployed(), "plan for" in told) == (64, [], False)
    assert "there is no workflow 'inbuond' (did you mean 'inbound'?)" in told


@pytest.mark.parametrize("option", CONSENTS)
def test_no_consent_is_given_by_a_pattern(service, flow64, tmp_path, namespace, option):
    """It would agree for workflows that nobody has looked at."""
    source = written(tmp_path, namespace, five())

    code, _, told = flow64("deploy", source, "--yes", option, "*")

    assert (code, deployed()) == (64, [])
    assert "there is no workflow '*'" in told


def test_no_project(leads, write, flow64, monkeypatch):
    """An id that others may share is refused anywhere but on this machine."""
    monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", "https://api.example.com")
    monkeypatch.setenv("SIXTYFOUR_API_KEY", "sk_test_not_a_real_key")
    source = write("w = Workflow('w', Webhook(LEAD), key='w')")

    code, printed, told = flow64("deploy", source, "--yes")

    assert (code, printed) == (3, "refused    w\n")
    assert "'w' has no project" in told


def test_a_history_that_cannot_be_written(service, leads, flow64, tmp_path):
    """F24, L6: no save, no write."""
    flow64("deploy", "leads.py", "--yes")
    retitled(leads)
    folder = tmp_path / ".flow64/history"
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("in the way", "utf-8")

    code, printed, told = flow64("deploy", "leads.py", "--yes")

    assert (code, outcomes(printed), deployed()) == (1, [], ["Inbound leads"])
    assert "the history" in told


def test_secret_that_would_be_lost(service, write, flow64, tmp_path):
    """Its option is named, and nothing of Python; a secret from before is ours."""
    flow = "Webhook(LEAD) >> OutgoingWebhook(url=value('hook', secret=True))"
    source = write(f"w = made('w', {flow})")
    codes = []
    for hook in ("one", "two", "three"):
        if hook == "three":
            specs = {"outgoing_webhook": {"url": "https://example.com/by-hand"}}
            service.edit(id_of(source), specs=specs)
        data = {"hook": f"https://crm.example.com/hooks/not-real-{hook}"}
        (tmp_path / "values.json").write_text(json.dumps(data), "utf-8")
        code, told, _ = flow64("deploy", source, "--yes", "--values", "values.json")
        codes.append(code)

    assert codes == [0, 0, 3]
    assert "to allow it, add --force w, or skip it with --skip-drifted" in told
    assert "/workflow_definition/blocks/1/specs/url cannot be saved" in told


# -- Renames and pruning --------------------------------------------------------------

TWO = ["Inbound leads"]


@pytest.fixture
def renamed(service, leads, flow64):
    """A workflow with a new key and a new title."""
    flow64("deploy", "leads.py", "--yes")
    leads.write_text(leads.read_text("utf-8").replace('"inbound"', '"other"'), "utf-8")
    retitled(leads, "Other")
    return service


def test_a_renamed_key_is_refused_until_it_is_decided(renamed, flow64):
    code, printed, told = flow64("deploy", "leads.py", "--yes")
    created, *_ = flow64("deploy", "leads.py", "--yes", "--create", "other")

    assert (code, outcomes(printed), created) == (3, ["refused"], 0)
    assert 'was="inbound"' in told
    assert "to allow it, add --create other\n" in printed
    assert deployed() == ["Inbound leads", "Other"]


@pytest.mark.parametrize(
    ("prune", "code"),
    [
        ("--prune", 3),
        ("--prune=0", 3),
        ("--prune=2", 3),
        ("--prune=1", 0),
        ("--prune=x", 64),
    ],
)
def test_prune_takes_its_number(renamed, flow64, prune, code):
    """F17: without a terminal to type it at, the number must be right."""
    arguments = ("deploy", "leads.py", "--yes", "--create", "other", prune)
    found, printed, told = flow64(*arguments)

    wanted = ["Inbound leads"] if code else ["Other"]
    assert (found, deployed()) == (code, wanted)
    assert ("--prune=1" in told) == (code == 3)
    assert outcomes(printed) == {0: ["done"] * 2, 3: ["refused"], 64: []}[code]
    assert ("1 created, 1 deleted\n" in told) == (code == 0)


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [("1\ny\n", (0, ["Other"])), ("2\n", (3, TWO)), ("\n", (3, TWO))],
    ids=["right", "wrong", "nothing"],
)
def test_prune_is_typed_by_somebody_who_is_there(
    renamed, flow64, answering, typed, wanted
):
    answering(typed)

    found, _, told = flow64("deploy", "leads.py", "--create", "other", "--prune")

    assert (found, deployed()) == wanted
    assert "1 workflow would be deleted; type that number" in told


@pytest.mark.parametrize(
    "part",
    [["leads.py:other"], ["leads.py", "--select", "*"], ["leads.py", "--changed"]],
)
def test_prune_needs_the_whole_project(renamed, flow64, part):
    """A selection never deletes, even one of everything."""
    deploy = flow64("deploy", *part, "--yes", "--create", "other", "--prune=1")
    plan = flow64("plan", *part, "--prune")

    assert (deploy[0], plan[0], deployed()) == (64, 64, ["Inbound leads"])
    assert "pruning needs the project loaded whole; leave out --select" in deploy[2]


def test_prune_never_takes_what_is_at_work(renamed, flow64, served):
    """F17: with an active schedule nothing is deleted; copies never are."""
    with Client(journal=None) as client:
        (info,) = client.workflows.list()
        client.schedules.create(info.id, cron_expression="0 9 * * *", name="daily")
    served.copy(info.id)

    code, printed, told = flow64(
        "deploy", "leads.py", "--yes", "--create", "other", "--prune=1"
    )

    assert (code, len(deployed())) == (3, 2)
    assert "refused    inbound  schedule daily is active" in printed
    assert told.endswith("error: prune was refused, so these stay: inbound\n")


def test_prune_takes_nothing_that_is_not_an_orphan_of_here(service, leads, flow64):
    """F17: no copy, no other environment, no pinned import; and there it says so."""
    flow64("deploy", "leads.py", "--yes")
    flow64("deploy", "leads.py", "--yes", "--env", "staging")
    copied = service.copy(id_of("leads.py"))
    flow64("pull", f"default:{copied}", "-o", "live")
    flow64("deploy", "live", "--yes")
    leads.write_text(leads.read_text("utf-8").replace('"inbound"', '"other"'), "utf-8")
    retitled(leads, "Other")
    before = len(deployed())

    code, _, told = flow64(
        "deploy", "leads.py", "--yes", "--create", "other", "--prune=1"
    )

    assert (code, before, len(deployed())) == (0, 3, 3)
    assert "1 created, 1 deleted\n" in told
    assert id_of("leads.py") in flow64("list")[1]
    assert copied in flow64("list")[1]


# -- Failing --------------------------------------------------------------------------


def test_failed(service, write, flow64):
    """F14: the third fails; what came before is done, and a re-run goes on there."""
    source = write(five())
    service.faults.add(Fault("status_before", status=400, path=CREATE, after=2))

    code, printed, told = flow64("deploy", source, "--yes", "--json", "--parallel=1")

    data = json.loads(printed)
    found = [one["outcome"] for one in data["workflows"]]
    assert (code, found) == (1, ["done", "done", "failed", "not tried", "not tried"])
    assert "error: c: POST /workflows/create_workflow answered 400" in told
    assert "2 created, 1 failed, 2 not tried\n" in told
    assert data["resume"].startswith("deploy again")
    before = len(service.requests)
    code, printed, _ = flow64("deploy", source, "--yes")
    assert (code, outcomes(printed)) == (0, ["done"] * 3)
    assert methods(service, before).count("POST") == 3
    assert len(deployed()) == 5


def test_unknown(service, write, flow64):
    """An unknown outcome has its own exit code."""
    source = write(SPENDING)
    service.faults.add(Fault("reset_before", path=CREATE))

    code, printed, told = flow64(
        "deploy", source, "--yes", "--allow-spend", "buys", "--json"
    )

    (one,) = json.loads(printed)["workflows"]
    assert (code, one["outcome"]) == (4, "unknown")
    assert "outcome unknown" in one["error"]
    assert "outcome unknown" in told


def test_what_is_stored_is_not_what_was_sent(service, leads, flow64):
    """F10: it failed, and the next plan shows it again."""
    service.faults.add(stored_otherwise(service, "other_name"))

    code, printed, told = flow64("deploy", "leads.py", "--yes")

    assert (code, outcomes(printed)) == (1, ["failed"])
    assert "Renamed" in told
    assert flow64("plan", "leads.py", "--exit-code")[0] == 2


def test_overtaken(service, leads, flow64, monkeypatch):
    """An edit during the question is found by the read before the write."""
    flow64("deploy", "leads.py", "--yes")
    workflow_id = id_of("leads.py")
    retitled(leads)
    monkeypatch.setattr(
        "flow64.cli._apply_plan.confirm",
        lambda *_, **__: service.edit(workflow_id, name="Edited"),
    )

    code, printed, told = flow64("deploy", "leads.py")

    assert (code, outcomes(printed), deployed()) == (3, ["refused"], ["Edited"])
    assert "their edit:" in told
    assert "our change:" in told


def test_edited_while_others_are_written(service, write, flow64, monkeypatch):
    """The look right before each write finds it; what was done before stays done."""
    flow64("deploy", write(five()), "--yes")
    third = json.loads(flow64("plan", "two.py", "--json")[1])["workflows"][2][
        "workflow_id"
    ]
    source = write(five("two"))

    def told(text, *_):
        if text.startswith("2 of 5"):
            service.edit(third, name="By hand")

    monkeypatch.setattr("flow64.cli._execution.print_message", told)

    code, printed, _ = flow64("deploy", source, "--yes", "--parallel=1")

    wanted = ["done", "done", "not tried", "not tried", "refused"]
    assert (code, outcomes(printed)) == (1, wanted)
    assert deployed() == ["By hand", "a two", "b two", "d one", "e one"]


def test_a_key_of_another_organisation(service, leads, flow64, tmp_path):
    """It ends where the first answer names another one, which may be a write's."""
    settings = f"{PROD}org_id = 'org_of_somebody'\n"
    (tmp_path / "pyproject.toml").write_text(settings, "utf-8")

    code, printed, told = flow64("deploy", "leads.py", "--yes")

    # There was no workflow before, so that only the answer of the write could tell.
    assert (code, outcomes(printed)) == (4, ["unknown"])
    assert "has org_id = 'org_of_somebody'" in told
    assert "inbound may have been written: deploy again, which looks first" in told


# -- Saved plans ----------------------------------------------------------------------


@pytest.fixture
def saved(service, leads, flow64, tmp_path):
    """A plan that updates what is there."""
    flow64("deploy", "leads.py", "--yes")
    retitled(leads)
    flow64("plan", "leads.py", "-o", "plan.json")
    return tmp_path / "plan.json"


def test_saved_plan_is_applied_exactly_once(saved, leads, service, flow64):
    """F16: also if the code has changed since."""
    retitled(leads, "Later")
    leads.write_text(leads.read_text("utf-8").replace("New leads", "Later"), "utf-8")

    code, printed, told = flow64("deploy", "--plan", saved, "--yes")

    assert (code, outcomes(printed), deployed()) == (0, ["done"], ["New leads"])
    assert '~ title: "Inbound leads" → "New leads"' in told
    before = len(service.requests)
    code, printed, told = flow64("deploy", "--plan", saved, "--yes", "--json")
    assert (code, "it was applied already" in told) == (3, True)
    assert "it was applied already" in json.loads(printed)["problems"][0]
    assert set(methods(service, before)) == {"GET"}


def edited(saved, leads, monkeypatch):
    saved.write_text(saved.read_text("utf-8").replace("New leads", "Bad leads"))
    return []


def another_release(saved, leads, monkeypatch):
    text = saved.read_text("utf-8")
    saved.write_text(re.sub(r'"flow64": "[^"]+"', '"flow64": "99.0"', text))
    return []


def another_environment(saved, leads, monkeypatch):
    return ["--env", "staging"]


def another_endpoint(saved, leads, monkeypatch):
    monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", "http://127.0.0.1:9")
    return []


def another_project(saved, leads, monkeypatch):
    text = leads.read_text("utf-8").replace('Project("growth"', 'Project("sales"')
    leads.write_text(text, "utf-8")
    return ["leads.py"]


def no_plan(saved, leads, monkeypatch):
    saved.write_text("{}", "utf-8")
    return []


@pytest.fixture
def spoilt(saved, leads, monkeypatch, request):
    """A plan for something else; returns the output of applying it."""
    return ["--plan", saved, "--yes", *request.param(saved, leads, monkeypatch)]


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        (edited, "it was edited since it was made"),
        (another_release, "it was made by flow64 '99.0'"),
        (another_environment, "it was made for environment 'default'"),
        (another_endpoint, "and this is http://127.0.0.1:9"),
        (another_project, "project:sales"),
        (no_plan, "it is not a saved plan"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
    indirect=["spoilt"],
)
def test_saved_plan_for_something_else(service, flow64, spoilt, words):
    """F16: refused before any write."""
    before = len(service.requests)

    code, printed, told = flow64("deploy", *spoilt)

    assert (code, printed, words in told) == (3, "", True)
    assert "POST" not in methods(service, before)


@pytest.mark.parametrize("event", ["edited", "deleted", "created"])
def test_saved_plan_that_went_stale(saved, leads, service, flow64, event):
    """F15: both edits apart, and the ways out; nothing is written."""
    workflow_id = id_of("leads.py")
    if event == "edited":
        service.edit(workflow_id, name="By hand")
    else:
        with Client(journal=None) as client:
            client.workflows.delete(workflow_id)
    if event == "created":
        flow64("plan", "leads.py", "-o", "plan.json")
        flow64("deploy", "leads.py", "--yes")
        service.edit(workflow_id, name="By hand")
    before = len(service.requests)

    code, printed, told = flow64("deploy", "--plan", saved, "--yes")

    assert (code, printed, f"was {event} since" in told) == (3, "", True)
    assert "--force inbound" in told
    assert "--skip-drifted" in told
    if event == "edited":
        assert 'their edit:\n    ~ title: "Inbound leads" → "By hand"' in told
        assert 'our change:\n    ~ title: "Inbound leads" → "New leads"' in told
    assert "POST" not in methods(service, before)


# -- Ctrl-C ---------------------------------------------------------------------------


def begun(*arguments):
    """A deploy in a process of its own."""
    return subprocess.Popen(
        [*FLOW64, "deploy", "two.py", "--yes", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=known(),
    )


def reached(service, path, before, count=1):
    """Wait until something was asked so often."""
    ends = time.monotonic() + 20
    while time.monotonic() < ends:
        found = [seen for seen in service.requests[before:] if seen.path == path]
        if len(found) >= count:
            return
        time.sleep(0.01)
    raise AssertionError(path)


@pytest.mark.slow
def test_first_interrupt_ends_the_write_that_is_under_way(service, write):
    """F20: it is finished and recorded; what is left was not tried."""
    write(five())
    before = len(service.requests)
    service.faults.add(Fault("hang_after", path=CREATE, seconds=0.5, times=1))
    process = begun()
    reached(service, CREATE, before)
    process.send_signal(signal.SIGINT)

    printed, told = process.communicate(timeout=30)

    assert process.returncode == 130
    assert outcomes(printed) == ["done", *["not tried"] * 4]
    assert "stopping after what is under way; Ctrl-C again stops at once\n" in told
    assert "1 created, 4 not tried\n" in told
    assert "deploy again: what is done by then is not written again\n" in told
    assert deployed() == ["a one"]


@pytest.mark.slow
def test_second_interrupt_stops_at_once(service, write):
    """F20: writes that were under way may have been done, and are listed."""
    write(five())
    before = len(service.requests)
    service.faults.add(Fault("hang_after", path=CREATE, seconds=20, times=1))
    process = begun("--json")
    reached(service, CREATE, before)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)

    printed, told = process.communicate(timeout=10)

    found = [one["outcome"] for one in json.loads(printed)["workflows"]]
    assert (process.returncode, found) == (130, ["unknown", *["not tried"] * 4])
    assert "a may have been written: deploy again, which looks first\n" in told


STALE = errors.StalePlanError("c", "ID", "edited", [], [])
LOST = errors.OutcomeUnknownError("deploying 'd'", "reset")
TAKEN = errors.StateRefusedError("f", "ID", "foreign", [])
UNSEEN = errors.VerificationError("e", "ID", ["name"])


@pytest.mark.parametrize(
    ("failures", "code"),
    [
        ([STALE], 3),
        ([STALE, UNSEEN], 1),
        ([UNSEEN, LOST, STALE], 4),
        ([STALE, STALE], 3),
        ([TAKEN], 3),
        ([TAKEN, UNSEEN], 1),
        ([UNSEEN, TAKEN], 1),
    ],
)
def test_exit_code_of_several_failures(failures, code, capsys):
    """An unknown outcome counts most; refused means that nothing was written."""
    execution = Execution(Plan("default", "http://127.0.0.1:1", []), Agreement())

    for number, error in enumerate(failures):
        execution.record_failure(str(number), error)
    execution.finish(was_stopped=True)

    assert execution.code == code
    assert capsys.readouterr().err.count("error: ") == len(failures)


# -- Terminals ------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["1", "2"])
def test_closed_stream(service, write, closed):
    """T2: with a closed stdout the work is done, and the exit code is right."""
    write(five())
    done = subprocess.run(
        f"{' '.join(FLOW64)} deploy two.py --yes {closed}>&-",
        shell=True,
        env=known(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert len(deployed()) == 5
