"""Addresses: which workflows a text means, and how a live one is found."""

from __future__ import annotations

from uuid import uuid4

import pytest

from flow64.client import WorkflowInfo
from flow64.definition import DEFAULT_ENV, Definition, escape_key
from flow64.errors import ConfigError
from flow64.loading import (
    AddressError,
    LiveAddress,
    LiveWorkflow,
    Side,
    SideWorkflow,
    SourceAddress,
    describe_same_key,
    list_projects,
    load_source,
    match_live,
    parse_address,
    pick_live,
    require_project_source,
)
from tests.cli.pipelines import TWO_ENVIRONMENTS

ID = "0d0c8f8e-5a0e-4a54-bb35-4f2f2c9c7e10"


# -- From text ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("leads.py", SourceAddress("leads.py", "leads.py")),
        ("leads.py:inbound", SourceAddress("leads.py:inbound", "leads.py:inbound")),
        ("leads:inbound", SourceAddress("leads:inbound", "leads:inbound")),
        ("acme.leads:a", SourceAddress("acme.leads:a", "acme.leads:a")),
        ("acme", SourceAddress("acme", "acme")),
        ("missing.json", SourceAddress("missing.json", "missing.json")),
        ("./far/away:a", SourceAddress("./far/away:a", "./far/away:a")),
        ("far/away/", SourceAddress("far/away/", "far/away/")),
        ("inbound/us", SourceAddress("inbound/us", "leads.py:inbound/us", is_key=True)),
        ("inbound/*", SourceAddress("inbound/*", "leads.py:inbound/*", is_key=True)),
        ("growth:a", SourceAddress("growth:a", "leads.py:growth:a", is_key=True)),
        ("email", SourceAddress("email", "leads.py:email", is_key=True)),
        ("attr", SourceAddress("attr", "attr")),
        ("C:\\leads.json", SourceAddress("C:\\leads.json", "C:\\leads.json")),
        ("C:/leads.json:a", SourceAddress("C:/leads.json:a", "C:/leads.json:a")),
        ("code", SourceAddress("code", "leads.py")),
        ("code:inbound", SourceAddress("code:inbound", "leads.py:inbound")),
        ("prod", LiveAddress("prod", "prod")),
        ("prod:inbound/us", LiveAddress("prod:inbound/us", "prod", key="inbound/us")),
        (f"prod:id:{ID}", LiveAddress(f"prod:id:{ID}", "prod", id=ID)),
        (f"prod:id:{ID.upper()}", LiveAddress(f"prod:id:{ID.upper()}", "prod", id=ID)),
        (f"prod:{ID}", LiveAddress(f"prod:{ID}", "prod", id=ID)),
        ("prod:leads/*", LiveAddress("prod:leads/*", "prod", key="leads/*")),
        (
            "local:inbound",
            LiveAddress("local:inbound", "local", key="inbound"),
        ),
    ],
    ids=lambda item: item if isinstance(item, str) else "",
)
def test_address(configured, text, wanted):
    package = configured.with_name("acme")
    package.mkdir()
    (package / "leads.py").touch()

    assert parse_address(text) == wanted


@pytest.mark.parametrize("text", [ID, f"id:{ID}", ID.upper()])
def test_an_id_alone(configured, text):
    """It is in the environment that is named, or in the default one."""
    assert parse_address(text, "prod") == LiveAddress(text, "prod", id=ID)
    with pytest.raises(ConfigError):
        parse_address(text)

    configured.with_name("pyproject.toml").unlink()
    assert parse_address(text) == LiveAddress(text, "default", id=ID)


def test_a_key_alone_may_be_live(configured):
    """As for `pull`, which reads no code."""
    found = parse_address("inbound", "prod", prefers_live=True)
    code = parse_address("leads", "prod", prefers_live=True)

    assert found == LiveAddress("inbound", "prod", key="inbound")
    assert code == SourceAddress("leads", "leads")


def test_a_key_comes_before_an_installed_module(configured):
    """And code is imported only to tell them apart."""
    text = configured.read_text("utf-8").replace('key="inbound"', 'key="attr"')
    configured.write_text(text, "utf-8")
    found = load_source("attr")

    assert (found.names, found.source) == (["attr"], "leads.py:attr")
    assert found.notes == ["attr is a key of leads.py, and an installed module too"]
    with pytest.raises(AddressError, match=r"leads\.py is Python, and --no-code"):
        load_source("inbound", code=False)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("inbound", "inbound is a folder; the workflow with this key is code:inbound"),
        ("inbound.py", "inbound is a file or module; the workflow with this key is"),
    ],
)
def test_a_place_with_the_name_of_a_key(configured, place, words):
    """The place is taken, and a note says so. A key is never taken silently."""
    text = configured.read_text("utf-8")
    there = configured.with_name(place)
    if there.suffix:
        there.write_text(text.replace('key="inbound"', 'key="other"'), "utf-8")
    else:
        there.mkdir()
        there.joinpath("a.py").write_text(text, "utf-8")

    by_name = load_source("inbound")
    clear = [load_source(one).notes for one in (f"./{place}", "code:inbound")]

    assert [*by_name.notes] == [by_name.notes[0]]
    assert words in by_name.notes[0]
    assert not by_name.is_picked
    assert clear == [[], []]


@pytest.mark.parametrize(
    ("source", "file", "text"),
    [
        ("leads.py", "leads.py", 'w = Workflow("W", key = "prod")'),
        ("code", "code/inner/a.py", "w = Workflow('W', key='prod')"),
        ("json", "json/prod.json", "{}"),
    ],
)
def test_an_environment_with_the_name_of_a_key(configured, source, file, text):
    """The environment is taken, and a note says so. No code is imported for it."""
    path = configured.with_name(file.split("/")[0]).parent / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    settings = configured.with_name("pyproject.toml")
    changed = TWO_ENVIRONMENTS.replace('"leads.py"', f'"{source}"')
    settings.write_text(changed, "utf-8")

    notes = [
        describe_same_key(parse_address(one)) for one in ("prod", "staging", "prod:a")
    ]

    wanted = "prod is an environment; the workflow with this key is code:prod"
    assert notes == [wanted, None, None]


def test_a_folder_wins(configured):
    """An existing file takes precedence over an environment or `code`."""
    for name in ("prod", "code"):
        configured.with_name(name).mkdir()

    found = [parse_address(text) for text in ("prod", "prod:inbound", "code:inbound")]

    assert [type(one) for one in found] == [SourceAddress] * 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stagign", "environment or key 'stagign' (did you mean 'staging'?)"),
        ("stagign:inbound", "environment or key 'stagign' (did you mean 'staging'?)"),
        ("leadz", "key 'leadz' (did you mean 'leads.py'?)"),
        ("inbuond", "key 'inbuond' (did you mean 'inbound'?); environments are "),
        ("cod:inbound", "environment or key 'cod' (did you mean 'code'?)"),
        ("nothing of it", "environments are staging, prod, local; keys are inbound"),
        ("prod:id:12", "'12' is not the id of a workflow; `flow64 list --env prod`"),
        ("", "an address is empty"),
        ("inbound:", "nothing follows the colon of 'inbound:': is the variable set"),
        ("prod:", "nothing follows the colon of 'prod:': is the variable set"),
        ("leads.py:", "nothing follows the colon of 'leads.py:': is the variable set"),
        (":inbound", "nothing stands before the colon of ':inbound': is the variable"),
        pytest.param("x" * 5000, "environment or key 'xxxxx", id="long"),
        ("\x1b]8;;x", "environment or key '\\x1b]8;;x'"),
    ],
)
def test_no_address(configured, text, words):
    """An unknown name is a usage error, with a suggestion of any kind."""
    with pytest.raises(AddressError) as caught:
        load_source(parse_address(text))

    assert words in str(caught.value)


@pytest.mark.parametrize("pattern", ["leads/*", "*:leads"])
def test_pattern_is_no_environment(leads, pattern):
    """It means live workflows for `pull`, and is unknown elsewhere."""
    assert parse_address(pattern, prefers_live=True) == LiveAddress(
        pattern, "default", key=pattern
    )
    with pytest.raises(AddressError, match="there is no file, folder, module"):
        parse_address(pattern)


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


# -- Paths ----------------------------------------------------------------------------

PLACE = "ns:acme.example/project:growth/workflow:inbound/variant:us"


def insert_env(place, env):
    """The path of an id in an environment."""
    if env == DEFAULT_ENV:
        return place
    return place.replace("/workflow:", f"/env:{escape_key(env)}/workflow:")


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
    states = [one.state for one in KNOWN]

    assert states == [*["ours"] * 6, "copy", "foreign"]
    assert (KNOWN[0].key, KNOWN[0].env) == ("inbound", "prod")
    assert (KNOWN[6].key, KNOWN[6].env, KNOWN[6].place) == (None, None, None)


@pytest.mark.parametrize(
    ("key", "number"),
    [("inbound", 0), ("many/us", 4), ("many", 4), ("café", 5), ("cafe\u0301", 5)],
)
def test_pick(key, number):
    assert pick_live(KNOWN, LiveAddress("", "prod", key)) is KNOWN[number]


def test_match():
    """A pattern names all of ours in the environment that it matches."""
    found = [
        match_live(KNOWN, LiveAddress("", "prod", key))
        for key in ("many/*", "*n*", "inbound")
    ]

    assert found == [[KNOWN[4]], [KNOWN[0], KNOWN[4]], [KNOWN[0]]]
