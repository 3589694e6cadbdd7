"""What a client is made with."""

from __future__ import annotations

from pathlib import Path

import pytest

from flow64.client import AsyncClient, Client, Policy
from flow64.errors import ArgumentError, ConfigError, MissingExtraError
from flow64.runs import Journal
from tests.service.credentials import frames, oauth, pem


def setting(monkeypatch, **variables):
    for name, text in variables.items():
        monkeypatch.setenv(f"SIXTYFOUR_{name}", text)


def made(**given):
    """The settings of a client with a key."""
    return Client("k", **{"journal": None, **given})._settings


def credential(**given):
    """The credential of a client."""
    return Client(journal=None, **given)._settings.channel.credential


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_two_credentials_are_refused(kind):
    """And no frame of ours holds the key by then."""
    with pytest.raises(ConfigError, match="either api_key= or oauth=") as caught:
        kind("sk_SENTINEL", oauth=oauth(), journal=None)

    assert "SENTINEL" not in frames(caught.value)


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("given", ["sk_SENTINEL", object(), pem])
def test_oauth_takes_a_source_of_tokens(kind, given):
    with pytest.raises(ConfigError, match=r"oauth= takes an OAuth\(") as caught:
        kind(oauth=given, journal=None)

    assert "SENTINEL" not in str(caught.value)


def test_given_credential_beats_the_environment(monkeypatch):
    """Whichever of the two is given, and whatever stands there."""
    setting(monkeypatch, API_KEY="sk_environment", OAUTH_CLIENT_ID="other")
    source = oauth()

    given = credential(api_key="sk_given"), credential(oauth=source)

    assert given[0].header() == {"x-api-key": "sk_given"}
    assert given[1].source is source


def test_environment_gives_a_key_or_an_oauth_client(monkeypatch):
    setting(monkeypatch, API_KEY="sk_environment")
    assert credential().header() == {"x-api-key": "sk_environment"}

    setting(monkeypatch, API_KEY="", OAUTH_CLIENT_ID="from-env")
    setting(monkeypatch, OAUTH_KEY_ID="key-9", OAUTH_KEY=pem())
    assert repr(credential().source) == "OAuth('from-env')"


def test_both_in_the_environment_are_refused(monkeypatch):
    """Nobody guesses which one is meant."""
    setting(monkeypatch, API_KEY="sk_SENTINEL", OAUTH_CLIENT_ID="client-1")

    for kind in (Client, AsyncClient):
        with pytest.raises(ConfigError, match=r"API_KEY and SIXTYFOUR_OAUTH") as caught:
            kind(journal=None)
        assert "SENTINEL" not in frames(caught.value)


def test_policy_and_hosts_are_judged():
    with pytest.raises(ConfigError, match=r"policy=Policy\("):
        made(policy={"timeout": 3})
    with pytest.raises(ConfigError, match=r"hosts=\['files.example'\]"):
        made(hosts="files.example")

    channel = made(policy=Policy(timeout=3), hosts=["Files.Example"]).channel

    assert channel.policy == Policy(timeout=3)
    assert channel.hosts == {"files.example"}
    assert made().channel.hosts is None


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("given", "policy"),
    [
        ({"timeout": 10}, Policy(timeout=10)),
        ({"max_retries": 0}, Policy(retries=0)),
        (
            {"timeout": 5, "max_retries": 1, "policy": Policy(deadline=9, timeout=3)},
            Policy(deadline=9, timeout=5, retries=1),
        ),
    ],
)
def test_timeout_and_retries_replace_those_of_the_policy(kind, given, policy):
    """They are what most people set."""
    assert kind("k", journal=None, **given).policy == policy


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"timeout": 0}, "Policy(timeout=0) is not a number of seconds above 0"),
        ({"max_retries": -1}, "Policy(retries=-1) is not a count from 0 up"),
    ],
)
def test_timeout_that_cannot_be_used(given, problem):
    with pytest.raises(ConfigError) as caught:
        made(**given)
    assert str(caught.value) == problem


def test_http_is_allowed_by_name():
    found = made(base_url="http://emulator:6464", allow_http=True)

    assert (found.channel.endpoint, found.channel.is_local) == (
        "http://emulator:6464",
        False,
    )


@pytest.mark.parametrize(
    ("given", "variable", "place"),
    [
        ({}, None, Path(".flow64/runs.jsonl")),
        ({}, "elsewhere/runs.jsonl", Path("elsewhere/runs.jsonl")),
        ({}, "", None),
        ({"journal": None}, "elsewhere", None),
        ({"journal": "here.jsonl"}, "elsewhere", Path("here.jsonl")),
        ({"journal": Path("here.jsonl")}, None, Path("here.jsonl")),
    ],
)
def test_journal_is_the_first_that_is_given(given, variable, place, monkeypatch):
    """Argument, FLOW64_JOURNAL, the working folder; None, or nothing, is none."""
    if variable is not None:
        monkeypatch.setenv("FLOW64_JOURNAL", variable)

    journal = Client("k", **given)._settings.journal

    assert (journal and journal.path) == place


def test_journal_may_be_one_already():
    journal = Journal(Path("here.jsonl"))

    assert made(journal=journal).journal is journal
    with pytest.raises(ConfigError, match="write a path, or None"):
        made(journal=3)


def test_missing_extra_is_named(monkeypatch):
    """With the line that installs it; no frame holds the key."""
    monkeypatch.setitem(__import__("sys").modules, "jwt", None)

    with pytest.raises(MissingExtraError, match=r"the extra oauth") as caught:
        oauth()
    assert pem().splitlines()[1] not in frames(caught.value)


@pytest.mark.parametrize(
    ("of_client", "given", "env"),
    [
        (None, None, "default"),
        (None, "staging", "staging"),
        ("staging", None, "staging"),
        ("staging", "staging", "staging"),
    ],
)
def test_environment_is_that_of_the_call_or_the_client(of_client, given, env):
    assert made(env=of_client).env_of("deploy", given) == env


def test_client_of_another_environment_is_refused():
    with pytest.raises(ArgumentError, match="this client is for 'staging'"):
        made(env="staging").env_of("deploy", "prod")
