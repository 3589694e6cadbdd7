"""Addresses: which workflows a text means, and how a live one is found."""

from __future__ import annotations

from uuid import uuid4

import pytest

from flow64.client import WorkflowInfo
from flow64.definition import DEFAULT_ENV, Definition, escape_key
from flow64.environments import load
from flow64.errors import ConfigError, SourceError
from flow64.loading import (
    LiveAddress,
    LiveWorkflow,
    Side,
    SideWorkflow,
    SourceAddress,
    list_projects,
    load_source,
    parse_address,
    require_project_source,
    select_ours,
    split_source,
)

ID = "0d0c8f8e-5a0e-4a54-bb35-4f2f2c9c7e10"


# -- From text ------------------------------------------------------------------------


def place(text):
    return SourceAddress(text, *split_source(text))


def key(text, may_be_place=False):
    return SourceAddress(text, "leads.py", text, may_be_place)


def live(text, env, **one):
    return LiveAddress(text, env, **one)


@pytest.mark.parametrize(
    "wanted",
    [
        place("leads.py"),
        place("leads.py:inbound"),
        place("missing.json"),
        place("./far/away:a"),
        place("far/away/"),
        place("."),
        key("leads:inbound", may_be_place=True),
        key("acme.leads:a", may_be_place=True),
        key("acme", may_be_place=True),
        key("attr", may_be_place=True),
        key("inbound/us"),
        key("inbound/*"),
        key("growth:a"),
        key("email"),
        SourceAddress("code", "leads.py"),
        SourceAddress("code:inbound", "leads.py", "inbound"),
        live("prod", "prod"),
        live("prod:inbound/us", "prod", key="inbound/us"),
        live("prod:leads/*", "prod", key="leads/*"),
        live(f"prod:{ID.upper()}", "prod", id=ID),
        live("local:inbound", "local", key="inbound"),
    ],
    ids=lambda wanted: wanted.text,
)
def test_address(configured, wanted):
    """Three kinds: a place, a key of the source of the project, and what is live."""
    package = configured.with_name("acme")
    package.mkdir()
    (package / "leads.py").touch()

    assert parse_address(wanted.text) == wanted


@pytest.mark.parametrize("text", [ID, ID.upper()])
def test_an_id_alone(configured, text):
    """It is in the environment that is named, or in the default one."""
    assert parse_address(text, "prod") == LiveAddress(text, "prod", id=ID)
    with pytest.raises(ConfigError):
        parse_address(text)

    configured.with_name("pyproject.toml").unlink()
    assert parse_address(text) == LiveAddress(text, "default", id=ID)


def test_a_key_alone_may_be_live(configured):
    """As for `pull`, which reads no code. What exists is no key."""
    found = parse_address("inbound", "prod", prefers_live=True)
    code = parse_address("leads", "prod", prefers_live=True)

    assert found == LiveAddress("inbound", "prod", key="inbound")
    assert code == SourceAddress("leads", "leads")


@pytest.mark.parametrize("name", ["inbound", "inbound.py", "attr"])
def test_a_key_comes_before_a_place_of_its_name(configured, name):
    """Also before a module; `./inbound` is the place."""
    word = name.removesuffix(".py")
    text = configured.read_text("utf-8").replace('key="inbound"', f'key="{word}"')
    configured.write_text(text, "utf-8")
    other = text.replace(f'key="{word}"', 'key="other"')
    if name == "inbound":
        configured.with_name(name).mkdir()
        configured.with_name(name).joinpath("a.py").write_text(other, "utf-8")
    elif name != "attr":
        configured.with_name(name).write_text(other, "utf-8")

    found = load_source(word)

    assert (found.names, found.source) == ([word], "leads.py")
    if name != "attr":
        assert "other" in load_source(f"./{name}").names


def test_without_such_a_key_a_place_is_read(configured):
    """If the source of the project fails, so does this: the key may be meant.

    Without code, it is not imported.
    """
    inner = configured.with_name("compiled")
    inner.mkdir()
    body = load_source("code:inbound").only.workflow.to_json()
    (inner / "a.json").write_text(body, "utf-8")
    assert load_source("compiled").names == ["a"]
    configured.write_text("", "utf-8")
    assert load_source("compiled").names == ["a"]

    configured.write_text("1 / 0", "utf-8")

    with pytest.raises(SourceError, match="ZeroDivisionError"):
        load_source("compiled")
    assert load_source("./compiled").names == ["a"]
    assert load_source("compiled", code=False).names == ["a"]
    with pytest.raises(SourceError, match=r"leads\.py is Python, and --no-code"):
        load_source("inbound", code=False)


def test_a_place_comes_before_an_environment(configured):
    for name in ("prod", "code"):
        configured.with_name(name).mkdir()

    found = [parse_address(text) for text in ("prod", "prod:inbound", "code:inbound")]

    assert [type(one) for one in found] == [SourceAddress] * 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("stagign", "environment or key 'stagign' (did you mean 'staging'?)"),
        ("leadz.py", "or key 'leadz.py'; environments are staging, prod and local"),
        ("inbuond", "key 'inbuond' (did you mean 'inbound'?); environments are "),
        ("nothing of it", "environments are staging, prod and local; keys are inbound"),
        ("", "a part of the address '' is empty: is the variable set"),
        ("inbound:", "a part of the address 'inbound:' is empty: is the variable set"),
        (":inbound", "a part of the address ':inbound' is empty"),
        pytest.param("x" * 5000, "environment or key 'xxxxx", id="long"),
        ("\x1b]8;;x", "environment or key '\\x1b]8;;x'"),
    ],
)
def test_no_address(configured, text, words):
    """An unknown name is a usage error, with a suggestion of any kind."""
    with pytest.raises(SourceError) as caught:
        load_source(parse_address(text))

    assert words in str(caught.value)
    assert caught.value.is_usage


@pytest.mark.parametrize("pattern", ["leads/*", "*:leads"])
def test_pattern_is_no_environment(leads, pattern):
    """It means live workflows for `pull`, and is unknown elsewhere."""
    assert parse_address(pattern, prefers_live=True) == LiveAddress(
        pattern, "default", key=pattern
    )
    with pytest.raises(SourceError, match="there is no file, folder, module"):
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

    assert require_project_source(load()) == wanted


# -- Paths ----------------------------------------------------------------------------

PLACE = "ns:acme.example/project:growth/workflow:inbound/variant:us"


def insert_env(place, env):
    """The path of an id in an environment."""
    if env == DEFAULT_ENV:
        return place
    return place.replace("/workflow:", f"/env:{escape_key(env)}/workflow:")


def test_projects():
    """A side of several workflows says which projects it is about."""
    entry = SideWorkflow("inbound", Definition("", "", (), (), path=PLACE))
    side = Side("code", [entry, entry])

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
    assert (KNOWN[6].key, KNOWN[6].env) == ("", None)


@pytest.mark.parametrize(
    ("key", "number"),
    [("inbound", 0), ("many/us", 4), ("many", 4), ("café", 5), ("cafe\u0301", 5)],
)
def test_pick(key, number):
    assert select_ours(KNOWN, LiveAddress("", "prod", key)) == [KNOWN[number]]


def test_match():
    """A pattern names all of ours in the environment that it matches."""
    found = [
        select_ours(KNOWN, LiveAddress("", "prod", key))
        for key in ("many/*", "*n*", "inbound")
    ]

    assert found == [[KNOWN[4]], [KNOWN[0], KNOWN[4]], [KNOWN[0]]]
