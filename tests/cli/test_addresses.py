"""Addresses in commands: live workflows are run, drawn and listed."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from attrs import evolve

from flow64 import Client
from flow64.environments import load as load_settings
from flow64.environments import open_client
from flow64.loading import load_source
from tests.cli.pipelines import TWO_ENVIRONMENTS

ID = "0d0c8f8e-5a0e-4a54-bb35-4f2f2c9c7e10"


# -- In commands ----------------------------------------------------------------------


@pytest.fixture
def deployed(service, configured):
    """The workflow in staging and in prod; gives its id in prod."""
    workflow = load_source("leads.py").only.workflow
    for env in ("staging", "prod"):
        with open_client(load_settings().environment(env)) as client:
            workflow.deploy(client)
    return workflow.id("prod")


def test_run_what_is_live(deployed, people, flow64, service):
    """Its rows go to the workflow of that environment, and no code is read."""
    options = ["--new", "--yes", "--every", "0.01"]
    people.with_name("leads.py").write_text("raise SystemError", "utf-8")

    by_key = flow64("run", "prod:inbound", people, *options)
    by_id = flow64("run", f"prod:id:{deployed}", people, *options, "--json")

    assert (by_key[0], by_id[0]) == (0, 0)
    assert json.loads(by_id[1])["workflow_id"] == deployed
    by_key, by_id, everywhere = (
        [one["run_id"] for one in json.loads(flow64("runs", text, "--json")[1])["runs"]]
        for text in ("prod:inbound", f"prod:id:{deployed}", "prod")
    )
    assert by_key == by_id == everywhere
    assert len(by_key) == 2


def test_run_refuses_two_environments(deployed, people, flow64):
    said = flow64("run", "prod:inbound", people, "--new", "--env", "staging")
    every = flow64("run", "prod", people, "--new", "--yes")

    assert (said[0], "leave out --env staging" in said[2]) == (64, True)
    assert (every[0], "name one of them, as in prod:KEY" in every[2]) == (64, True)


def test_run_on_a_terminal_calls_live_blocks_by_their_kind(
    deployed, people, flow64, monkeypatch
):
    """Their ids tell people nothing, and no code is at hand."""
    shown = []
    monkeypatch.setattr("flow64.runs.EventLines.format", lambda _, e: shown.append(e))

    flow64("run", "prod:inbound", people, "--new", "--yes", "--every", "0.01")

    names = {event.name for event in shown if hasattr(event, "name")}
    assert names == {"webhook", "lead_enrichment"}


def test_graph_draws_code_and_what_is_live(deployed, flow64, service):
    """By the same addresses as elsewhere; of what is live by reads alone."""
    before = len(service.requests)
    code = flow64("graph", "code:inbound", "--json")
    live = flow64("graph", "prod:inbound", "--json")
    compared = flow64("graph", "code:inbound", "--against", f"prod:id:{deployed}")

    kinds = [
        [block["kind"] for block in json.loads(printed)["blocks"]]
        for _, printed, _ in (code, live)
    ]
    assert kinds == [["webhook", "lead_enrichment"]] * 2
    assert compared[0] == 0
    assert {one.method for one in service.requests[before:]} == {"GET"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("code:inbund",), "did you mean 'inbound'"),
        (("leads.py", "--env", "stagng"), "did you mean 'staging'"),
        (("prod:inbound", "--env", "staging"), "leave out --env staging"),
        (("prod", "--changed"), "--changed is about code, and prod is live"),
        (("leads.py", "-o", "g.png"), "g.png ends in none of .txt, .svg, .mmd"),
    ],
)
def test_graph_of_what_is_not_there(deployed, flow64, arguments, words):
    code, printed, told = flow64("graph", *arguments)

    assert (code, printed) == (64, "")
    assert words in told


@pytest.mark.parametrize(
    "command", ["compile", "determinism", "plan", "review", "deploy"]
)
def test_what_works_on_code_says_what_else_to_do(configured, flow64, command):
    code, printed, told = flow64(command, "prod:inbound", "--env", "prod")

    assert (code, printed) == (64, "")
    assert "prod:inbound is live, and this command needs code or files" in told


@pytest.mark.slow
@pytest.mark.parametrize("command", ["check", "compile", "determinism"])
def test_code_is_the_source_of_the_project(configured, flow64, command):
    code, printed, told = flow64(command, "code:inbound")

    assert (code, "holds no workflow" in printed + told) == (0, False)


@pytest.mark.parametrize("command", ["compile", "graph", "plan", "review", "deploy"])
def test_key_alone_is_one_of_the_code(service, configured, flow64, command):
    """`flow64 plan inbound`: people name what they wrote."""
    options = ["--env", "prod", "--yes"] if command == "deploy" else ["--env", "prod"]
    code, printed, told = flow64(command, "inbound", *options)

    assert (code, "nbound" in printed) == (0, True), told


@pytest.mark.parametrize(
    "command",
    ["check", "compile", "graph", "plan", "review", "deploy", "run", "code", "runs"],
)
def test_empty_address(configured, flow64, command):
    """It comes from a variable that is not set, and means nothing, least of all all."""
    code, printed, told = flow64(command, "", "--env", "prod")

    assert (code, printed) == (64, "")
    assert "an address is empty: is the variable set that it comes from?" in told


def test_check_of_a_key_and_of_what_is_live(deployed, flow64):
    """All in one language: a key, an id, an environment, one key of it."""
    found = [
        flow64("check", text, "--json", "--env", "prod")
        for text in ("inbound", deployed, "prod", "prod:inbound", f"prod:{deployed}")
    ]

    assert [code for code, *_ in found] == [0] * 5
    assert {
        tuple((one["key"], one["code"]) for one in json.loads(printed)["findings"])
        for _, printed, _ in found
    } == {(("inbound", "effects"), ("inbound", "cost-estimate"))}


def test_check_of_what_is_live_shows_no_secret(service, configured, flow64):
    """Values of the environment that come from variables are redacted."""
    settings = configured.with_name("pyproject.toml")
    more = 'values = { hook = { env = "FLOW64_TEST_HOOK" } }\n'
    settings.write_text(TWO_ENVIRONMENTS + more, "utf-8")
    text = configured.read_text("utf-8").replace("LEAD, P", "LEAD, value, P")
    text = text.replace('"Job title"', 'value("hook", secret=True)')
    configured.write_text(text, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOW64_TEST_HOOK", "not_a_real_key_but_secret")
        deployed, *_ = flow64("deploy", "-e", "prod", "--yes")
        shown = [
            flow64(*words, "prod:inbound") for words in (["check"], ["graph", "--json"])
        ]

    assert [deployed, *(code for code, *_ in shown)] == [0, 0, 0]
    assert "not_a_real_key_but_secret" not in str(shown)


def test_run_of_a_key_and_of_an_id(deployed, people, flow64, service):
    """A key alone runs what the code says, an id alone what is live."""
    options = ["--env", "prod", "--new", "--yes", "--every", "0.01", "--json"]
    found = [flow64("run", text, people, *options) for text in ("inbound", deployed)]

    assert [code for code, *_ in found] == [0, 0]
    assert [json.loads(one[1])["workflow_id"] for one in found] == [deployed] * 2
    listed = [
        len(json.loads(flow64("runs", text, "-e", "prod", "--json")[1])["runs"])
        for text in ("inbound", deployed)
    ]
    assert listed == [2, 2]


def test_code_and_diff_of_a_key_and_of_an_id(deployed, flow64):
    code = flow64("code", deployed, "-e", "prod")
    diff = flow64("diff", deployed, "inbound", "-e", "prod", "--exit-code")

    assert (code[0], "Workflow(" in code[1]) == (0, True)
    assert (diff[0], "nothing differs" in diff[2]) == (0, True)


def test_title_of_what_is_live_shows_no_secret(service, configured, flow64):
    """Other people write titles: with values of the environment, and with escapes."""
    settings = configured.with_name("pyproject.toml")
    settings.write_text(
        TWO_ENVIRONMENTS + 'values = { hook = { env = "HOOK" } }\n', "utf-8"
    )
    secret = "not_a_real_key_but_secret"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOK", secret)
        flow64("deploy", "-e", "prod", "--yes")
        with Client(journal=None) as client:
            (info,) = client.workflows.list()
            title = f"\x1b[31m {secret}"
            client.workflows.update(info.id, name=title, description="by hand")
        words = [["check"], ["check", "--json"], ["graph"], ["graph", "--json"]]
        shown = [flow64(*one, info.id, "-e", "prod") for one in words]

    assert [code for code, *_ in shown] == [0] * 4
    assert secret not in str(shown)
    assert "\x1b" not in "".join(printed + told for _, printed, told in shown)


@pytest.mark.parametrize("command", ["diff", "code", "graph"])
def test_environment_with_the_name_of_a_key(deployed, configured, flow64, command):
    """The environment is taken, and it is said how to write the key."""
    text = configured.read_text("utf-8")
    configured.write_text(text.replace('key="inbound"', 'key="prod"'), "utf-8")
    more = ["staging"] if command == "diff" else []

    code, _, told = flow64(command, "prod", *more)

    assert code == 0
    assert "prod is an environment; the workflow with this key is code:prod" in told


def test_folder_with_the_name_of_a_key(service, configured, flow64):
    """A deploy takes the folder, and says so before it asks."""
    folder = configured.with_name("inbound")
    folder.mkdir()
    text = configured.read_text("utf-8").replace('key="inbound"', 'key="other"')
    (folder / "more.py").write_text(text, "utf-8")

    code, printed, told = flow64("deploy", "inbound", "-e", "prod", "--dry-run")

    assert (code, "+ other:" in printed) == (0, True)
    assert "inbound is a folder; the workflow with this key is code:inbound" in told


def test_list_tells_whose_they_are(deployed, flow64, service):
    """A duplicate made by hand is a copy; a workflow without a stamp is foreign."""
    with Client(journal=None) as client:
        live = client.workflows.get(deployed)
        for title, description in (("Copy", live.description), ("By hand", "")):
            again = evolve(live.definition, id=str(uuid4()))
            made = client.workflows.create(again)
            client.workflows.update(made.id, name=title, description=description)
    _, printed, _ = flow64("list", "--env", "prod", "--json")

    told = {
        one["name"]: (one["state"], one["key"], one["env"])
        for one in json.loads(printed)["workflows"]
    }
    assert told == {
        "Inbound leads": ("ours", "inbound", "prod"),
        "Inbound leads (staging)": ("ours", "inbound", "staging"),
        "Copy": ("copy", None, None),
        "By hand": ("foreign", None, None),
    }
    assert [*told] == ["Inbound leads", "Inbound leads (staging)", "By hand", "Copy"]


def test_addresses_only_read(deployed, flow64, service):
    before = len(service.requests)

    flow64("diff", "prod:inbound", "code:inbound")
    flow64("diff", "staging", "prod")
    flow64("same", "staging", "prod")

    assert {seen.method for seen in service.requests[before:]} == {"GET"}
