"""Which environment a command works on, by `[tool.flow64]`."""

from __future__ import annotations

from pathlib import Path

import pytest

from flow64.api import Clock
from flow64.cli._service import (
    describe_credential_source,
    describe_endpoint_source,
    format_watch_command,
)
from flow64.emulator import Fault
from flow64.environments import Environment, OAuthFile, Reference

SETTINGS = """
[tool.flow64.environments.staging]
endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }
api_key = { env = "SIXTYFOUR_API_KEY" }
suffix = "(staging)"
max_rows = 1

[tool.flow64.environments.prod]
endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }
api_key = { env = "SIXTYFOUR_API_KEY" }
org_id = "org_of_somebody"
"""


@pytest.fixture
def configured(service, leads):
    leads.with_name("pyproject.toml").write_text(SETTINGS, "utf-8")


def test_of_several_environments_one_is_named(configured, leads, flow64):
    code, printed, told = flow64("deploy", "leads.py", "--yes")

    assert (code, printed) == (64, "")
    assert "several environments are configured (staging, prod)" in told


NO_ID = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("given", ["-e staging", "--env=staging"])
@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("watch abc", "`flow64 runs{}` lists the newest ones"),
        ("cancel 00000000", "`flow64 runs{}` lists the newest ones"),
        (f"pull id:{NO_ID} -o x", "flow64 list{} shows all"),
        ("restore inbound", "flow64 history{} lists what was"),
        ("run leads.py people.csv --new -y", "deploy first: flow64 deploy{}; or"),
    ],
)
def test_a_named_command_works_on_the_given_environment(
    configured, flow64, given, line, advice
):
    Path("people.csv").write_text("email\na@x.example\n", "utf-8")
    flow64("deploy", "leads.py", "-e", "staging", "--yes")
    text = Path("leads.py").read_text("utf-8")
    Path("leads.py").write_text(text.replace("Job title", "Position"), "utf-8")

    _, _, told = flow64(*line.split(), *given.split())

    assert advice.format(" -e staging") in told


EMPTY = ("-e", "")


@pytest.mark.parametrize(
    "words",
    [
        ("check", "leads.py", *EMPTY),
        ("compile", "leads.py", *EMPTY),
        ("list", *EMPTY),
        ("history", *EMPTY),
        ("run", "inbound", *EMPTY),
        ("same", "prod", ""),
    ],
)
def test_an_empty_environment_is_a_wrong_use_in_each_command(configured, flow64, words):
    code, printed, told = flow64(*words)

    assert (code, printed) == (64, "")
    assert "is empty: is the variable set that it comes from?" in told


def test_an_empty_variable_names_no_environment(configured, flow64, monkeypatch):
    monkeypatch.setenv("FLOW64_ENV", "")

    code, printed, told = flow64("list", "-e", "staging")
    none, _, advice = flow64("list")

    assert (code, printed, told) == (0, "", "there are no workflows\n")
    assert none == 64
    assert "several environments are configured" in advice


def test_a_deploy_says_that_a_variable_names_its_environment(
    configured, leads, flow64, monkeypatch
):
    """Before it asks, and only if the variable does."""
    monkeypatch.setenv("FLOW64_ENV", "staging")

    code, _, told = flow64("deploy", "leads.py")
    named = flow64("deploy", "leads.py", "-e", "staging")

    first, *_ = told.splitlines()
    assert (code, first) == (3, "environment staging, by FLOW64_ENV")
    assert "there is no terminal to ask at" in told
    assert (named[0], "FLOW64_ENV" in named[2]) == (3, False)


def test_a_command_that_follows_a_run_names_the_environment_of_the_variable(
    monkeypatch,
):
    bare = format_watch_command("0b9b", None)
    monkeypatch.setenv("FLOW64_ENV", "staging")

    assert bare == "flow64 watch 0b9b"
    assert format_watch_command("0b9b", None) == "flow64 watch 0b9b --env staging"


def test_what_is_compiled_does_not_depend_on_a_variable(
    configured, leads, flow64, monkeypatch
):
    """The same program gives the same bytes on any machine."""
    file = leads.with_name("pyproject.toml")
    before = flow64("compile", "leads.py")
    named = flow64("compile", "leads.py", "-e", "staging")
    monkeypatch.setenv("FLOW64_ENV", "staging")
    file.write_text(f'[tool.flow64]\ndefault_env = "prod"\n{SETTINGS}', "utf-8")

    after = flow64("compile", "leads.py")

    assert after == before
    assert before[1] != named[1]


def test_an_environment_says_what_differs_there(configured, leads, flow64, people):
    """The suffix is deployed, a second deploy changes nothing, and the limit holds."""
    first = flow64("deploy", "leads.py", "--yes", "--env", "staging")
    code, printed, told = flow64("deploy", "leads.py", "--yes", "--env", "staging")
    _, listed, _ = flow64("list", "--env", "staging")
    run = flow64("run", "leads.py", people, "--new", "--yes", "--env", "staging")

    assert (first[0], first[1][:13]) == (0, "done       in")
    assert (code, printed) == (0, "")
    assert "environment staging" in told
    assert "Inbound leads (staging)" in listed
    assert (run[0], "2 rows are more than --max-rows 1" in run[2]) == (3, True)


def test_a_key_of_another_organisation_writes_nothing(
    configured, service, leads, flow64
):
    flow64("deploy", "leads.py", "--yes", "--env", "staging")
    before = len(service.requests)

    code, _, told = flow64("deploy", "leads.py", "--yes", "--env", "prod")

    assert (code, "has org_id = 'org_of_somebody'" in told) == (1, True)
    asked = [seen.method for seen in service.requests[before:]]
    assert "POST" not in asked


STRANGE = """
[tool.flow64.environments.staging]
endpoint = { env = "STAGING_ENDPOINT" }
api_key = { env = "STAGING_KEY" }

[tool.flow64.environments.fixed]
endpoint = "https://127.0.0.1:1"
api_key = { env = "STAGING_KEY" }

[tool.flow64.environments.client]
endpoint = "https://127.0.0.1:1"
oauth = { client_id = "c", kid = "k", file = "key.pem" }
"""


def test_the_variable_of_the_environment_is_the_one_to_check(
    served, leads, flow64, monkeypatch
):
    """And not the one that flow64 takes where nothing is configured."""
    leads.with_name("pyproject.toml").write_text(STRANGE, "utf-8")
    monkeypatch.setenv("STAGING_ENDPOINT", served.url)
    monkeypatch.setenv("STAGING_KEY", "sk_test_not_a_real_key")
    served.faults.add(Fault("status_before", status=401))

    code, _, told = flow64("list", "--env", "staging")

    served.faults.clear()
    assert code == 1
    assert "check the credential: STAGING_KEY" in told
    assert "SIXTYFOUR" not in told


@pytest.fixture
def impatient(monkeypatch):
    """No wait takes any time."""

    async def sleep(_):
        pass

    monkeypatch.setattr("flow64.client._core.Clock", lambda: Clock(sleep=sleep))


def test_a_server_on_this_machine_that_is_not_there(
    leads, flow64, impatient, monkeypatch
):
    """It is tried once more, the advice comes once, and no key is asked for."""
    monkeypatch.delenv("SIXTYFOUR_API_KEY", raising=False)
    settings = '[tool.flow64.environments.local]\nendpoint = "http://127.0.0.1:1"\n'
    leads.with_name("pyproject.toml").write_text(settings, "utf-8")

    code, _, told = flow64("list")

    assert code == 1
    assert told.count("start it in another terminal: flow64 serve --port 1; or ") == 1
    assert told.count("trying once more in ") == 1
    assert "(2 attempts in " in told


def test_what_cannot_be_reached_is_told_with_each_attempt_and_its_source(
    leads, flow64, monkeypatch, impatient
):
    leads.with_name("pyproject.toml").write_text(STRANGE, "utf-8")
    monkeypatch.setenv("STAGING_KEY", "sk_test_not_a_real_key")

    code, _, told = flow64("list", "--env", "fixed")

    # Whatever else handles logs in this process may repeat them in words of its own.
    waits = [line for line in told.splitlines() if line.startswith("no answer from")]
    assert code == 1
    assert len(waits) == 6
    assert all("; trying again in " in line for line in waits)
    assert [line.endswith(" s, for at most 300 s in all") for line in waits] == [
        True,
        *[False] * 5,
    ]
    assert "(7 attempts in" in told
    assert told.endswith(
        "check the network and the endpoint https://127.0.0.1:1 of environment "
        "'fixed'\n"
    )


def test_a_name_without_settings_says_where_it_leads(service, leads, flow64):
    """Each time, before anything is sent: it may be misspelled."""
    told = [flow64("list", "--env", "stagng")[2] for _ in range(2)]
    plain = flow64("list")[2]

    words = (
        "no [tool.flow64] was found from here up: environment stagng is "
        f"SIXTYFOUR_API_ENDPOINT and SIXTYFOUR_API_KEY at {service.url}\n"
    )
    assert all(one.startswith(words) for one in told)
    assert "tool.flow64" not in plain


def test_settings_without_environments_are_told_as_well(service, leads, flow64):
    leads.with_name("pyproject.toml").write_text("[tool.flow64]\n", "utf-8")

    *_, told = flow64("deploy", "leads.py", "--env", "stagng", "--yes", "--quiet")

    assert told.startswith(
        "[tool.flow64] of pyproject.toml names no environment: environment stagng is "
    )


@pytest.mark.parametrize("command", ["list", "doctor"])
def test_no_key_and_no_settings(leads, flow64, monkeypatch, command):
    monkeypatch.delenv("SIXTYFOUR_API_KEY", raising=False)

    code, printed, told = flow64(command)

    words = (
        "no API key: set SIXTYFOUR_API_KEY (no [tool.flow64] was found from here up)\n"
    )
    assert (code, words in printed + told) == (1, True)


MADE_UP = "made-up key; with an api_key in pyproject.toml it sends that"

CREDENTIALS = [
    (Environment("e"), {}, "SIXTYFOUR_API_KEY"),
    (
        Environment("e"),
        {"SIXTYFOUR_OAUTH_CLIENT_ID": "c"},
        "the OAuth client of SIXTYFOUR_OAUTH_CLIENT_ID",
    ),
    (Environment("e", credential=Reference("MY_KEY")), {}, "MY_KEY"),
    (
        Environment("e", endpoint="http://127.0.0.1:6464"),
        {"SIXTYFOUR_OAUTH_CLIENT_ID": "c"},
        f"environment 'e' sends a {MADE_UP}",
    ),
    (
        Environment("e", credential=OAuthFile("c", "k", Path("key.pem"))),
        {},
        "the OAuth client whose key is in key.pem",
    ),
    (
        Environment("e", credential=OAuthFile("c", "k", Reference("PEM_FILE"))),
        {},
        "the OAuth client whose key is in the file that PEM_FILE names",
    ),
]


@pytest.mark.parametrize(("environment", "variables", "expected"), CREDENTIALS)
def test_source_of_the_credential(environment, variables, expected, monkeypatch):
    monkeypatch.delenv("SIXTYFOUR_OAUTH_CLIENT_ID", raising=False)
    for name, text in variables.items():
        monkeypatch.setenv(name, text)

    assert describe_credential_source(environment) == expected


@pytest.mark.parametrize(
    ("endpoint", "variables", "expected"),
    [
        (
            None,
            {},
            "SIXTYFOUR_API_ENDPOINT (not set, so https://api.sixtyfour.ai)",
        ),
        (
            None,
            {"SIXTYFOUR_API_BASE_URL": "https://a.example"},
            "SIXTYFOUR_API_BASE_URL",
        ),
        (Reference("MY_ENDPOINT"), {}, "MY_ENDPOINT"),
        ("https://a.example", {}, "the endpoint https://a.example of environment 'e'"),
    ],
)
def test_source_of_the_endpoint(endpoint, variables, expected, monkeypatch):
    monkeypatch.delenv("SIXTYFOUR_API_ENDPOINT", raising=False)
    for name, text in variables.items():
        monkeypatch.setenv(name, text)

    assert describe_endpoint_source(Environment("e", endpoint)) == expected


def test_the_emulator_is_always_there(leads, flow64, monkeypatch, tmp_path):
    """Without any settings, key or address."""
    monkeypatch.chdir(tmp_path)
    for name in ("API_KEY", "API_ENDPOINT"):
        monkeypatch.delenv(f"SIXTYFOUR_{name}", raising=False)

    first = flow64("deploy", "leads.py", "--yes", "--env", "emulator")
    second = flow64("deploy", "leads.py", "--yes", "--env", "emulator")

    assert (first[0], first[1][:4]) == (0, "done")
    assert (second[0], "1 of 1 unchanged" in second[2]) == (0, True)
    assert (tmp_path / ".flow64/emulator.db").is_file()
