"""Addresses: which workflows a text means, and how a live one is found."""

from __future__ import annotations

import json
from uuid import uuid4

import click
import pytest
from attrs import evolve

from flow64 import Client
from flow64.cli._addresses import (
    InSource,
    Known,
    Live,
    address_of,
    env_of,
    path_in,
    pick,
    place_of,
    project_of,
    project_source,
)
from flow64.cli._sources import load
from flow64.client import WorkflowInfo
from flow64.environments import load as load_settings
from flow64.environments import opened

SETTINGS = """
[tool.flow64]
source = "leads.py"

[tool.flow64.environments.staging]
endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }
api_key = { env = "SIXTYFOUR_API_KEY" }
suffix = "(staging)"

[tool.flow64.environments.prod]
endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }
api_key = { env = "SIXTYFOUR_API_KEY" }
"""
ID = "0d0c8f8e-5a0e-4a54-bb35-4f2f2c9c7e10"


@pytest.fixture
def configured(leads):
    """A project with the environments staging and prod, in the working folder."""
    leads.with_name("pyproject.toml").write_text(SETTINGS, "utf-8")
    return leads


# -- From text ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("leads.py", InSource("leads.py", "leads.py")),
        ("leads.py:inbound", InSource("leads.py:inbound", "leads.py:inbound")),
        ("leads:inbound", InSource("leads:inbound", "leads:inbound")),
        ("acme.leads:inbound", InSource("acme.leads:inbound", "acme.leads:inbound")),
        ("missing.json", InSource("missing.json", "missing.json")),
        ("far/away:inbound", InSource("far/away:inbound", "far/away:inbound")),
        ("C:\\leads.json", InSource("C:\\leads.json", "C:\\leads.json")),
        ("C:/leads.json:a", InSource("C:/leads.json:a", "C:/leads.json:a")),
        ("code", InSource("code", "leads.py")),
        ("code:inbound", InSource("code:inbound", "leads.py:inbound")),
        ("prod", Live("prod", "prod")),
        ("prod:", Live("prod:", "prod")),
        ("prod:inbound/us", Live("prod:inbound/us", "prod", key="inbound/us")),
        (f"prod:id:{ID}", Live(f"prod:id:{ID}", "prod", id=ID)),
        (f"prod:id:{ID.upper()}", Live(f"prod:id:{ID.upper()}", "prod", id=ID)),
        ("emulator:inbound", Live("emulator:inbound", "emulator", key="inbound")),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_address(configured, text, wanted):
    assert address_of(text) == wanted


def test_a_folder_wins(configured):
    """What is there under that very name is meant, and not an environment or `code`."""
    for name in ("prod", "code"):
        configured.with_name(name).mkdir()

    found = [address_of(text) for text in ("prod", "prod:inbound", "code:inbound")]

    assert [type(one) for one in found] == [InSource] * 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stagign", "environment 'stagign' (did you mean 'staging'?)"),
        ("stagign:inbound", "environment 'stagign' (did you mean 'staging'?)"),
        ("leadz", "environment 'leadz'"),
        ("nothing of it", "environments are staging, prod, emulator"),
        ("prod:id:12", "'12' is no id of a workflow; `flow64 list --env prod`"),
        ("", "an address is empty"),
        pytest.param("x" * 5000, "environment 'xxxxx", id="long"),
        ("\x1b]8;;x", "environment '\\x1b]8;;x'"),
    ],
)
def test_no_address(configured, text, words):
    """What names nothing is a usage error, with the name that is near."""
    with pytest.raises(click.UsageError) as caught:
        address_of(text)

    assert words in caught.value.format_message()


def test_without_settings(leads):
    """Any name is the one environment then, where a key stands behind it."""
    assert address_of("prod:inbound") == Live("prod:inbound", "prod", key="inbound")
    assert address_of("default") == Live("default", "default")
    with pytest.raises(click.UsageError, match="environments are default, emulator"):
        address_of("prod")
    with pytest.raises(click.UsageError, match="no source is configured"):
        address_of("code")


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("leads.py", "leads.py"),
        ("leads", "leads.py"),
        ("inner", "inner"),
        ("inner.more", "inner/more.py"),
        ("acme_elsewhere", "acme_elsewhere"),
    ],
)
def test_project_source(leads, source, wanted):
    """The source is a place or a module, as seen from the folder of its file."""
    inner = leads.with_name("inner")
    inner.mkdir()
    (inner / "more.py").write_text("", "utf-8")
    text = f'[tool.flow64]\nsource = "{source}"'
    leads.with_name("pyproject.toml").write_text(text, "utf-8")

    assert project_source() == wanted


def test_project_source_from_below(configured, monkeypatch):
    """From a folder below, the source is still where the settings say."""
    below = configured.with_name("below")
    below.mkdir()
    monkeypatch.chdir(below)

    assert project_source() == f"../{configured.name}"
    assert load(project_source()).names == ["inbound"]


# -- Paths ----------------------------------------------------------------------------

PLACE = "ns:acme.example/project:growth/workflow:inbound/variant:us"


@pytest.mark.parametrize("env", ["default", "prod", "an odd/one"])
def test_paths(env):
    """A place is the path without its environment, and gives it back."""
    path = path_in(PLACE, env)

    assert (env_of(path), place_of(path)) == (env, PLACE)
    assert project_of(path) == "ns:acme.example/project:growth"


def test_place_of_a_pinned_one():
    """The id to which a workflow is pinned is no part of its place."""
    assert place_of(f"{PLACE}/pin:{ID}") == PLACE
    assert path_in("ns:local", "prod") == "ns:local"


# -- What is live ---------------------------------------------------------------------


def info(path, workflow_id, title="Inbound"):
    stamp = f"[flow64:1 {path} {'0' * 16} {'1' * 16} - .]"
    return WorkflowInfo(id=workflow_id, name=title, description=f"For us\n{stamp}")


def pinned(key, number, env="prod", project="growth"):
    """A workflow that code of ours deployed, under an id of its own."""
    workflow_id = f"00000000-0000-4000-8000-{number:012}"
    place = f"ns:acme.example/project:{project}/workflow:{key}"
    return info(f"{path_in(place, env)}/pin:{workflow_id}", workflow_id)


KNOWN = [
    Known.of(one)
    for one in (
        pinned("inbound", 1),
        pinned("inbound", 2, env="staging"),
        pinned("twice", 3),
        pinned("twice", 4, project="other"),
        pinned("many/variant:us", 5),
        pinned("caf%C3%A9", 6),
        info("ns:acme.example/workflow:copied", ID),
        WorkflowInfo(id=str(uuid4()), name="By hand"),
    )
]


def test_known():
    """The list of workflows tells which are ours, copies of ours, or of others."""
    conditions = [one.condition for one in KNOWN]

    assert conditions == [*["ours"] * 6, "copy", "foreign"]
    assert (KNOWN[0].key, KNOWN[0].env) == ("inbound", "prod")
    assert (KNOWN[6].key, KNOWN[6].env, KNOWN[6].place) == (None, None, None)


@pytest.mark.parametrize(
    ("key", "number"),
    [("inbound", 0), ("many/us", 4), ("many", 4), ("café", 5), ("cafe\u0301", 5)],
)
def test_pick(key, number):
    assert pick(KNOWN, Live("", "prod", key)) is KNOWN[number]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("inbuond", "no workflow 'inbuond' that code of ours deployed (did you mean"),
        ("copied", "it has café, inbound, many/us, twice, twice; what others made is"),
        ("twice", "name one by its id: prod:id:00000000-0000-4000-8000-000000000003, "),
    ],
)
def test_no_pick(key, words):
    with pytest.raises(click.UsageError) as caught:
        pick(KNOWN, Live("", "prod", key))

    assert words in caught.value.format_message()


# -- In commands ----------------------------------------------------------------------


@pytest.fixture
def deployed(service, configured):
    """The workflow in staging and in prod; gives its id in prod."""
    workflow = load("leads.py").only.workflow
    for env in ("staging", "prod"):
        with opened(load_settings().environment(env)) as client:
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
        [one["job_id"] for one in json.loads(flow64("runs", text, "--json")[1])]
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
    monkeypatch.setattr("flow64.cli._display.Plain.show", lambda _, e: shown.append(e))

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
        (("prod",), "name one of them, as in prod:KEY"),
        (("leads.py", "-o", "g.png"), "g.png ends in none of .txt, .svg, .mmd"),
    ],
)
def test_graph_of_what_is_not_there(deployed, flow64, arguments, words):
    code, printed, told = flow64("graph", *arguments)

    assert (code, printed) == (64, "")
    assert words in told


@pytest.mark.parametrize(
    "command", ["check", "compile", "determinism", "plan", "review", "deploy"]
)
def test_what_works_on_code_says_what_else_to_do(configured, flow64, command):
    code, printed, told = flow64(command, "prod:inbound", "--env", "prod")

    assert (code, printed) == (64, "")
    assert "prod:inbound is what is live, and this works on code and files" in told


@pytest.mark.slow
@pytest.mark.parametrize("command", ["check", "compile", "determinism"])
def test_code_is_the_source_of_the_project(configured, flow64, command):
    code, printed, told = flow64(command, "code:inbound")

    assert (code, "holds no workflow" in printed + told) == (0, False)


def test_list_tells_whose_they_are(deployed, flow64, service):
    """A duplicate made by hand is a copy, and what nobody deployed is foreign."""
    with Client(journal=None) as client:
        live = client.workflows.get(deployed)
        for title, description in (("Copy", live.description), ("By hand", "")):
            again = evolve(live.definition, id=str(uuid4()))
            made = client.workflows.create(again)
            client.workflows.update(made.id, name=title, description=description)
    _, printed, _ = flow64("list", "--env", "prod", "--json")

    told = {
        one["name"]: (one["condition"], one["key"], one["env"])
        for one in json.loads(printed)
    }
    assert told == {
        "Inbound leads": ("ours", "inbound", "prod"),
        "Inbound leads (staging)": ("ours", "inbound", "staging"),
        "Copy": ("copy", None, None),
        "By hand": ("foreign", None, None),
    }


def test_addresses_only_read(deployed, flow64, service):
    before = len(service.requests)

    flow64("diff", "prod:inbound", "code:inbound")
    flow64("diff", "staging", "prod")
    flow64("same", "staging", "prod")

    assert {seen.method for seen in service.requests[before:]} == {"GET"}
