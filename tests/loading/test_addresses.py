"""Addresses: which workflows a text means, and how a live one is found."""

from __future__ import annotations

from uuid import uuid4

import pytest

from flow64.client import WorkflowInfo
from flow64.definition import Definition
from flow64.loading import (
    AddressError,
    LiveAddress,
    LiveWorkflow,
    Side,
    SideWorkflow,
    SourceAddress,
    insert_env,
    list_projects,
    load_source,
    parse_address,
    pick_live,
    require_project_source,
)

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
        ("leads.py", SourceAddress("leads.py", "leads.py")),
        ("leads.py:inbound", SourceAddress("leads.py:inbound", "leads.py:inbound")),
        ("leads:inbound", SourceAddress("leads:inbound", "leads:inbound")),
        (
            "acme.leads:inbound",
            SourceAddress("acme.leads:inbound", "acme.leads:inbound"),
        ),
        ("missing.json", SourceAddress("missing.json", "missing.json")),
        ("far/away:inbound", SourceAddress("far/away:inbound", "far/away:inbound")),
        ("C:\\leads.json", SourceAddress("C:\\leads.json", "C:\\leads.json")),
        ("C:/leads.json:a", SourceAddress("C:/leads.json:a", "C:/leads.json:a")),
        ("code", SourceAddress("code", "leads.py")),
        ("code:inbound", SourceAddress("code:inbound", "leads.py:inbound")),
        ("prod", LiveAddress("prod", "prod")),
        ("prod:", LiveAddress("prod:", "prod")),
        ("prod:inbound/us", LiveAddress("prod:inbound/us", "prod", key="inbound/us")),
        (f"prod:id:{ID}", LiveAddress(f"prod:id:{ID}", "prod", id=ID)),
        (f"prod:id:{ID.upper()}", LiveAddress(f"prod:id:{ID.upper()}", "prod", id=ID)),
        (
            "emulator:inbound",
            LiveAddress("emulator:inbound", "emulator", key="inbound"),
        ),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_address(configured, text, wanted):
    assert parse_address(text) == wanted


def test_a_folder_wins(configured):
    """An existing file takes precedence over an environment or `code`."""
    for name in ("prod", "code"):
        configured.with_name(name).mkdir()

    found = [parse_address(text) for text in ("prod", "prod:inbound", "code:inbound")]

    assert [type(one) for one in found] == [SourceAddress] * 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stagign", "environment 'stagign' (did you mean 'staging'?)"),
        ("stagign:inbound", "environment 'stagign' (did you mean 'staging'?)"),
        ("leadz", "environment 'leadz'"),
        ("nothing of it", "environments are staging, prod, emulator"),
        ("prod:id:12", "'12' is not the id of a workflow; `flow64 list --env prod`"),
        ("", "an address is empty"),
        pytest.param("x" * 5000, "environment 'xxxxx", id="long"),
        ("\x1b]8;;x", "environment '\\x1b]8;;x'"),
    ],
)
def test_no_address(configured, text, words):
    """An unknown name is a usage error, with a suggestion."""
    with pytest.raises(AddressError) as caught:
        parse_address(text)

    assert words in str(caught.value)


def test_without_settings(leads):
    """Any name is the one environment then, where a key stands behind it."""
    assert parse_address("prod:inbound") == LiveAddress(
        "prod:inbound", "prod", key="inbound"
    )
    assert parse_address("default") == LiveAddress("default", "default")
    with pytest.raises(AddressError, match="environments are default, emulator"):
        parse_address("prod")
    with pytest.raises(AddressError, match="no source is configured"):
        parse_address("code")


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

    assert require_project_source() == wanted


def test_project_source_from_below(configured, monkeypatch):
    """From a folder below, the source is still where the settings say."""
    below = configured.with_name("below")
    below.mkdir()
    monkeypatch.chdir(below)

    assert require_project_source() == f"../{configured.name}"
    assert load_source(require_project_source()).names == ["inbound"]


# -- Paths ----------------------------------------------------------------------------

PLACE = "ns:acme.example/project:growth/workflow:inbound/variant:us"


@pytest.mark.parametrize("env", ["default", "prod", "an odd/one"])
def test_paths(env):
    """A place is the path without its environment and its pin."""
    for pin in ("", f"/pin:{ID}"):
        path = insert_env(PLACE, env) + pin
        workflow = LiveWorkflow(ID, "Inbound", "ours", path)

        assert (workflow.env, workflow.place) == (env, PLACE)
    assert insert_env("ns:local", "prod") == "ns:local"


def test_projects():
    """A side of several workflows says which projects it is about."""
    entry = SideWorkflow("inbound", Definition("", "", (), ()), PLACE, is_live=False)
    side = Side("code", [entry, entry], is_one=False)

    assert list_projects(side) == {"ns:acme.example/project:growth"}


# -- What is live ---------------------------------------------------------------------


def info(path, workflow_id, title="Inbound"):
    stamp = f"[flow64:1 {path} {'0' * 16} {'1' * 16} - .]"
    return WorkflowInfo(id=workflow_id, name=title, description=f"For us\n{stamp}")


def pinned(key, number, env="prod", project="growth"):
    """A workflow that our code deployed, under an id of its own."""
    workflow_id = f"00000000-0000-4000-8000-{number:012}"
    place = f"ns:acme.example/project:{project}/workflow:{key}"
    return info(f"{insert_env(place, env)}/pin:{workflow_id}", workflow_id)


KNOWN = [
    LiveWorkflow.of(one)
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
    assert pick_live(KNOWN, LiveAddress("", "prod", key)) is KNOWN[number]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("inbuond", "no workflow 'inbuond' that our code deployed (did you mean"),
        (
            "copied",
            "it has café, inbound, many/us, twice, twice; for a workflow of others",
        ),
        ("twice", "name one by its id: prod:id:00000000-0000-4000-8000-000000000003, "),
    ],
)
def test_no_pick(key, words):
    with pytest.raises(AddressError) as caught:
        pick_live(KNOWN, LiveAddress("", "prod", key))

    assert words in str(caught.value)
