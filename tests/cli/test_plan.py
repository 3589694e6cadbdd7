"""`flow64 plan`: every state, what it prints and saves, and that it only reads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from inline_snapshot import snapshot

from flow64.emulator import Fault, Switches
from tests.cli.pipelines import (
    SPENDING,
    deployed,
    id_of,
    known,
    methods,
    our_branch,
    retitled,
    their_branch,
)
from tests.cli.support import flow64 as started


@pytest.fixture
def there(service, leads, flow64):
    """The workflow of `leads.py`, deployed; gives its id."""
    flow64("deploy", "leads.py", "--yes")
    return id_of("leads.py")


def test_new(service, leads, flow64):
    code, printed, told = flow64("plan", "leads.py")

    assert (code, told) == (0, "")
    shown = printed.replace(service.url, "URL").replace(id_of("leads.py"), "ID")
    assert shown == snapshot("""\
plan for environment default at URL (2 requests)
asked of you: agree to the change, and at most $100 per 1,000 input rows
what changes: 1 workflow will be created (inbound)
breaks or is lost: nothing that flow64 can see
cost per 1,000 input rows:
    at most $100, if every row reaches every block
    the deploy itself spends nothing
not checked: what the blocks return (a plan starts no run)

+ inbound: will be created
    Inbound leads (ID)
    it is not on the service yet
    what follows:
        output columns
            + email: string
            + title
            + unknown columns
    blocks: webhook, lead_enrichment
    costs credits in each run: lead_enrichment
    cost per 1,000 input rows: at most $100
    in leads.py

next: to deploy it (--yes: without asking):
    flow64 deploy leads.py --env default --yes
""")


def test_json(there, leads, flow64):
    """The data of the plan, which has no more facts than its text."""
    retitled(leads)

    code, printed, told = flow64("plan", "leads.py", "--json")

    data = json.loads(printed)
    (step,) = data["workflows"]
    assert (code, told, data["is_empty"]) == (0, "", False)
    assert (step["key"], step["state"], step["action"]) == (
        "inbound",
        "update",
        "update",
    )
    assert [change["change"] for change in step["changes"]] == ["title-changed"]


# -- States ---------------------------------------------------------------------------


def new(flow64, service, leads):
    return ["leads.py"]


def unchanged(flow64, service, leads):
    flow64("deploy", "leads.py", "--yes")
    return ["leads.py"]


def update(flow64, service, leads):
    flow64("deploy", "leads.py", "--yes")
    retitled(leads)
    return ["leads.py"]


def drifted(flow64, service, leads):
    flow64("deploy", "leads.py", "--yes")
    service.edit(id_of("leads.py"), name="By hand")
    return ["leads.py"]


def conflict(flow64, service, leads):
    flow64("deploy", "leads.py", "--yes")
    service.edit(id_of("leads.py"), name="By hand")
    retitled(leads)
    return ["leads.py"]


def converged(flow64, service, leads):
    flow64("deploy", "leads.py", "--yes")
    service.edit(id_of("leads.py"), name="New leads")
    retitled(leads)
    return ["leads.py"]


def foreign(flow64, service, leads):
    flow64("deploy", "leads.py", "--yes")
    service.edit(id_of("leads.py"), description="Another text", name="By hand")
    return ["leads.py"]


def absent(flow64, service, leads):
    pin = "id='11111111-1111-4111-8111-111111111111'"
    text = leads.read_text("utf-8").replace('key="inbound"', f'key="inbound", {pin}')
    leads.write_text(text, "utf-8")
    return ["leads.py"]


def behind(flow64, service, leads):
    """A colleague deployed from a branch that ours does not know."""
    their_branch("leads.py")
    retitled(leads, "Their leads")
    flow64("deploy", "leads.py", "--yes")
    our_branch("leads.py")
    return ["leads.py"]


def orphan(flow64, service, leads):
    flow64("deploy", "leads.py", "--yes")
    leads.write_text(leads.read_text("utf-8").replace('"inbound"', '"other"'), "utf-8")
    return ["leads.py", "--create", "other"]


def copy(flow64, service, leads):
    flow64("deploy", "leads.py", "--yes")
    service.copy(id_of("leads.py"))
    return ["leads.py"]


@pytest.fixture
def arranged(flow64, service, leads, request):
    """A state of code and service; returns the output of a plan."""
    return request.param(flow64, service, leads)


@pytest.mark.parametrize(
    ("arranged", "states", "code"),
    [
        (new, ["new"], 2),
        (unchanged, ["unchanged"], 0),
        (update, ["update"], 2),
        (drifted, ["drifted"], 2),
        (conflict, ["conflict"], 2),
        (converged, ["converged"], 2),
        (foreign, ["foreign"], 2),
        (absent, ["absent"], 2),
        (behind, ["behind"], 2),
        (orphan, ["new", "orphan"], 2),
        (copy, ["unchanged", "copy"], 0),
    ],
    ids=lambda value: getattr(value, "__name__", None),
    indirect=["arranged"],
)
def test_every_state_is_named_and_is_told_by_reading(
    service, flow64, arranged, states, code
):
    """F22, F19: also those that would be refused end with 2, and only if asked."""
    before = len(service.requests)

    plain, text, _ = flow64("plan", *arranged)
    asked, printed, _ = flow64("plan", *arranged, "--exit-code", "--json")

    assert [step["state"] for step in json.loads(printed)["workflows"]] == states
    assert (plain, asked) == (0, code)
    plain_words = {"new": "will be", "update": "will change"}
    plain_words["converged"] = "will only get its stamp"
    shown = [plain_words.get(word, word) for word in states if word != "unchanged"]
    assert [word for word in shown if f": {word}" not in text] == []
    assert set(methods(service, before)) == {"GET"}


# -- Their edit and ours --------------------------------------------------------------


@pytest.mark.parametrize("where", ["nowhere", "json", "below", "history"])
def test_their_edit_is_told_where_what_was_deployed_is_found(
    there, leads, service, flow64, where
):
    """In committed JSON, or in the history: else the plan says that it is not."""
    if where in ("json", "below"):
        folder = {"json": leads.parent, "below": leads.parent / "made/compiled"}[where]
        flow64("compile", "leads.py", "-o", folder)
        (folder / "broken.json").write_text("{", "utf-8")
    if where == "history":
        retitled(leads, "Between")
        flow64("deploy", "leads.py", "--yes")
        flow64("restore", "inbound", "--yes")
    service.edit(there, name="By hand")
    retitled(leads)

    _, printed, _ = flow64("plan", "leads.py", "--json")

    (step,) = json.loads(printed)["workflows"]
    base = None if where == "nowhere" else "found"
    assert (step["state"], step["base"], len(step["edits"])) == (
        "conflict",
        base,
        0 if base is None else 1,
    )
    doubt = "cannot show the edit: the last deployed version was not found"
    assert (doubt in step["not_checked"]) == (base is None)


# -- A wrong endpoint, and another organisation ----------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "leads.py"],
        ["plan", "leads.py:inbound"],
        ["deploy", "leads.py", "--yes"],
        ["deploy", "leads.py:inbound", "--yes"],
        ["list"],
    ],
    ids=" ".join,
)
def test_wrong_path_of_the_endpoint(service, leads, flow64, monkeypatch, arguments):
    """Each read answers 404 there, so nothing is known of what is new."""
    monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", f"{service.url}/v1")
    before = len(service.requests)

    code, printed, told = flow64(*arguments)

    assert (code, printed) == (1, "")
    assert {*methods(service, before)} <= {"GET"}
    assert (
        "GET /workflows answered 404: Not Found; every service has this list, so the "
        "path of the endpoint is probably wrong: check SIXTYFOUR_API_ENDPOINT, such as "
        "https://api.sixtyfour.ai without a path\n"
    ) in told


REMEDY = "ive the other organisation an environment of its own in pyproject.toml"


@pytest.fixture
def theirs(there, monkeypatch):
    """The workflow of `leads.py`, seen with the key of another organisation."""
    monkeypatch.setenv("SIXTYFOUR_API_KEY", f"sk_test_not_a_real_key_{uuid4().hex}")
    return there


@pytest.mark.parametrize("source", ["leads.py", "leads.py:inbound"])
def test_id_that_another_organisation_has(service, theirs, flow64, source):
    """An answer of 403 says that the id is taken; nothing is offered that fails."""
    path = "/workflows/????????-*"
    fault = Fault("status_before", status=403, method="GET", path=path, times=None)
    service.faults.add(fault)
    before = len(service.requests)

    code, printed, told = flow64("plan", source)
    dry = flow64("deploy", source, "--dry-run", "--force", "inbound")
    deployed_ = flow64("deploy", source, "--yes", "--force", "inbound")
    skipped = flow64("deploy", source, "--yes", "--skip-drifted")
    flow64("plan", source, "-o", "plan.json")
    saved = flow64("deploy", "--plan", "plan.json", "--yes")

    assert (code, told) == (0, "")
    assert "! inbound: foreign: was not deployed by this code; this stops" in printed
    assert "its id is taken by a workflow that this key may not see" in printed
    assert REMEDY in printed
    assert "--force" not in printed + dry[1]
    assert (deployed_[0], skipped[0], saved[0]) == (3, 0, 3)
    assert REMEDY in saved[2]
    assert "--force" not in saved[2]
    assert "flow64 pull" not in deployed_[2] + saved[2]
    assert {*methods(service, before)} == {"GET"}


def test_new_id_that_is_asked_for(service, there, leads, flow64):
    """Workflows that are not in the list are requested by id, once each."""
    leads.write_text(
        leads.read_text("utf-8")
        + 'more = Workflow("More", flow, key="more", project=growth)\n',
        "utf-8",
    )
    before = len(service.requests)

    _, printed, _ = flow64("plan", "leads.py", "--create", "more")

    assert "+ more: will be created" in printed
    assert [seen.path for seen in service.requests[before:]].count(
        f"/workflows/{there}"
    ) == 1
    assert len(service.requests) - before == 3


# -- Options --------------------------------------------------------------------------


def test_prune(there, leads, write, flow64):
    """Deletions are listed, and nothing is deleted."""
    leads.write_text(leads.read_text("utf-8").replace('"inbound"', '"other"'), "utf-8")

    _, printed, _ = flow64("plan", "leads.py", "--prune", "--create", "other")

    assert (
        "- inbound: orphan: is on the service and no longer in the code; will be del"
        in printed
    )
    assert deployed() == ["Inbound leads"]


def test_a_renamed_key_asks_to_be_decided(there, leads, flow64):
    leads.write_text(leads.read_text("utf-8").replace('"inbound"', '"other"'), "utf-8")

    _, printed, _ = flow64("plan", "leads.py")

    assert 'was="inbound"' in printed
    assert (
        "! inbound → other: may be a rename, or a second workflow; this stops the "
        "deploy of all workflows: choose an option below"
    ) in printed


def test_saved(service, leads, flow64, tmp_path):
    code, printed, told = flow64("plan", "leads.py", "-o", "plan.json")

    assert (code, "1 workflow will be created" in printed) == (0, True)
    assert "flow64 deploy" not in printed  # of two commands, one would apply no plan
    assert told == "saved; to apply it: flow64 deploy --plan plan.json\n"
    assert (tmp_path / "plan.json").stat().st_mode & 0o777 == 0o600


def test_where_it_cannot_be_saved(service, leads, flow64):
    code, printed, told = flow64("plan", "leads.py", "-o", "nowhere/plan.json")

    assert (code, printed) == (1, "")
    assert "there is no such folder" in told


# -- Errors ---------------------------------------------------------------------------


@pytest.mark.parametrize("option", [[], ["--exit-code"]])
def test_workflows_with_errors(service, write, flow64, option):
    """All are listed, nothing is sent, and the exit code is 1."""
    source = write(
        "bad = made('', Webhook(LEAD))\n"
        "w = made('w', Webhook(LEAD) >> OutgoingWebhook(url='no address'))"
    )

    before = len(service.requests)

    code, printed, told = flow64("plan", source, *option)

    assert (code, printed, methods(service, before)) == (1, "", [])
    assert ("[invalid-key]" in told, told.count("error: ")) == (True, 2)


def test_no_project(leads, write, flow64, monkeypatch):
    """Never 3, which comes only from commands that write."""
    monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", "https://api.example.com")
    monkeypatch.setenv("SIXTYFOUR_API_KEY", "sk_test_not_a_real_key")
    source = write("w = Workflow('w', Webhook(LEAD), key='w')")

    code, _, told = flow64("plan", source)

    assert (code, "'w' has no project" in told) == (1, True)


def test_what_spends_is_said(service, write, flow64):
    _, printed, _ = flow64("plan", write(SPENDING))

    assert "spends as soon as it is written: search buys at creation" in printed


# -- Terminals ------------------------------------------------------------------------

HOSTILE = "x\x1b]8;;http://evil\x07\x9b31m\r\u202e[/][link=x]"


def test_hostile_names_are_escaped_and_exact_in_data(there, service, flow64):
    """T1."""
    service.edit(there, name=HOSTILE)

    _, text, told = flow64("plan", "leads.py")
    _, printed, _ = flow64("plan", "leads.py", "--json")

    assert not {"\x1b", "\x9b", "\r", "\u202e", "\x07"} & set(text + told)
    (step,) = json.loads(printed)["workflows"]
    assert step["edits"][0]["after"] == HOSTILE


@pytest.mark.slow
@pytest.mark.parametrize(
    "more",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"NO_COLOR": "1", "COLUMNS": "20", "TERM": "xterm"},
    ],
    ids=["locale", "narrow"],
)
def test_any_terminal(service, leads, more):
    """T2: data on stdout, nothing but talk on stderr, no traceback."""
    retitled(leads, "Ünïcode leads")
    done = started("plan", "leads.py", env=known(**more), text=False)

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"+ inbound: will be created" in done.stdout


@pytest.mark.slow
def test_closed_stdout(service, leads):
    """T2: the exit code still tells."""
    done = subprocess.run(
        f'"{sys.executable}" -m flow64 plan leads.py --exit-code >&-',
        shell=True,
        env=known(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (2, "")


# -- Without code ---------------------------------------------------------------------


@pytest.mark.parametrize("command", [["plan"], ["deploy", "--yes"]])
def test_no_code(service, leads, flow64, tmp_path, command):
    """Compiled JSON has the ids of its code, and no module is imported."""
    flow64("compile", "leads.py", "-o", "compiled")
    workflow_id = id_of("leads.py")
    canary = tmp_path / "compiled/canary.py"
    canary.write_text("raise SystemExit('a module was imported')", "utf-8")

    code, printed, _ = flow64(*command, "compiled", "--no-code")

    assert (code, workflow_id in printed) == (0, True)


def test_what_was_pulled_is_known_by_what_was_recorded(service, leads, flow64):
    """It was not deployed by code, and its first deploy only writes a stamp."""
    flow64("deploy", "leads.py", "--yes")
    workflow_id = service.copy(id_of("leads.py"))
    flow64("pull", f"default:{workflow_id}", "-o", "live")
    equal = json.loads(flow64("plan", "live", "--json")[1])["workflows"]
    service.edit(workflow_id, name="By hand")
    edited = json.loads(flow64("plan", "live", "--json")[1])["workflows"]

    assert [(one["state"], one["action"]) for one in equal] == [("converged", "stamp")]
    assert [(one["state"], one["base"]) for one in edited] == [("drifted", "found")]


def test_file_that_is_no_plan_is_not_replaced(service, leads, flow64):
    """A plan that cannot be saved has an error of its own."""
    Path("precious.txt").write_text("precious", "utf-8")

    code, printed, told = flow64("plan", "leads.py", "-o", "precious.txt")
    nowhere = flow64("plan", "leads.py", "-o", "none/x.json")

    assert (code, printed) == (1, "")
    assert (
        "the plan was not saved in precious.txt: the file there is not a saved" in told
    )
    assert Path("precious.txt").read_text("utf-8") == "precious"
    assert "the plan was not saved in none/x.json: there is no such" in nowhere[2]


BY_HAND = "w = made('plain', Webhook(LEAD) >> FindEmail())"


@pytest.fixture
def dearer(write, service, flow64):
    """A deployed workflow with a mode set by hand; returns its id."""
    flow64("deploy", write(BY_HAND), "--yes")
    workflow_id = id_of("two.py")
    service.edit(workflow_id, specs={"find_email": {"mode": "PERSONAL"}})
    return workflow_id


def test_dearer_setting_by_hand_is_a_change(dearer, flow64, write):
    """It counts until the code says it; other fields never do."""
    plain = flow64("plan", "two.py")
    asked = flow64("plan", "two.py", "--exit-code")

    assert (plain[0], asked[0]) == (0, 2)
    for text in (plain[1], asked[1]):
        assert 'find_email.mode is "PERSONAL"; default: PROFESSIONAL' in text
        assert "$50 → $200 (+$150)" in text
        assert "FindEmail(mode='PERSONAL')" in text
        assert f"flow64 code default:id:{dearer}" in text
    assert "rows: unchanged" not in plain[1]

    write(BY_HAND.replace("FindEmail()", "FindEmail(mode='PERSONAL')"))
    assert "settings" not in flow64("plan", "two.py")[1]
    flow64("deploy", "two.py", "--yes")
    assert flow64("plan", "two.py", "--exit-code")[0] == 0


def test_defaults_that_the_service_fills_in_are_no_change(service, write, flow64):
    """They are listed, and do not count."""
    service.switches = Switches(fill_defaults=True)
    flow64("deploy", write(BY_HAND), "--yes")

    code, printed, _ = flow64("plan", "two.py", "--exit-code")

    assert code == 0
    assert "left as it is, not set by code: " in printed
