"""`[tool.flow64]`: what it may contain, how it is read, and its mistakes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow64 import LEAD, Project, Workflow, value
from flow64.blocks import OutgoingWebhook, Webhook
from flow64.definition import add_suffix, fingerprint
from flow64.endpoints import DEFAULT_ENDPOINT
from flow64.environments import (
    EMULATOR,
    Environment,
    OAuthFile,
    Reference,
    Settings,
    load,
)
from flow64.errors import ConfigError

# ruff: noqa: E501 - the words of a mistake stand here as they are shown

KEY = 'api_key = { env = "STAGING_KEY" }\n'
STAGING = f"[tool.flow64.environments.staging]\n{KEY}"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder that commands are called in, and that no other one is above."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    return tmp_path


def written(folder, text, name="pyproject.toml"):
    """The settings of a file."""
    (folder / name).write_text(text, "utf-8")
    return load(folder)


# -- What is read ---------------------------------------------------------------------


EVERYTHING = """
[tool.flow64]
source = "pipelines"
history = "kept/history"
journal = "kept/runs.jsonl"
prices = { find_email = 0.04, new_kind = 1 }
rules = { isolated-block = "ignore" }

[tool.flow64.environments.staging]
endpoint = "https://staging.example.com"
api_key = { env = "STAGING_KEY" }
org_id = "org_1"
suffix = "(staging)"
schedules = false
max_rows = 50
max_cost = 2
values.notebook = "nb_1"
values.hook = { env = "STAGING_HOOK" }
values.deep = { list = [1, { token = { env = "STAGING_TOKEN" } }], flag = true }

[tool.flow64.environments.prod]
allow_http = true
endpoint = "http://next.example.com"
org_id = { env = "PROD_ORG" }
oauth = { client_id = "client_1", kid = { env = "KID" }, file = "prod.pem", audience = "aud" }

[tool.flow64.environments.local]
values = { notebook = "nb_0" }
max_rows = 10
"""


def test_everything_that_a_file_may_say(project):
    settings = written(project, EVERYTHING)

    common = {
        "journal": project / "kept/runs.jsonl",
        "history": project / "kept/history",
        "prices": {"find_email": 0.04, "new_kind": 1},
    }
    assert settings == Settings(
        folder=project,
        file=project / "pyproject.toml",
        source="pipelines",
        environments={
            "staging": Environment(
                "staging",
                endpoint="https://staging.example.com",
                api_key=Reference("STAGING_KEY"),
                org_id="org_1",
                values={
                    "notebook": "nb_1",
                    "hook": Reference("STAGING_HOOK"),
                    "deep": {
                        "list": [1, {"token": Reference("STAGING_TOKEN")}],
                        "flag": True,
                    },
                },
                suffix="(staging)",
                schedules=False,
                max_rows=50,
                max_cost=2,
                **common,
            ),
            "prod": Environment(
                "prod",
                endpoint="http://next.example.com",
                oauth=OAuthFile(
                    "client_1", Reference("KID"), project / "prod.pem", "aud"
                ),
                org_id=Reference("PROD_ORG"),
                allow_http=True,
                **common,
            ),
            "local": Environment(
                "local",
                values={"notebook": "nb_0"},
                max_rows=10,
                **common,
                store=project / ".flow64/emulator.db",
            ),
        },
        **common,
        rules={"isolated-block": "ignore"},
    )


def test_what_a_file_leaves_out(project):
    """The default endpoint is the service, also if variables are set."""
    settings = written(project, STAGING)

    assert settings.environments == {
        "staging": Environment(
            "staging",
            endpoint=DEFAULT_ENDPOINT,
            api_key=Reference("STAGING_KEY"),
            journal=project / ".flow64/runs.jsonl",
            history=project / ".flow64/history",
        ),
        EMULATOR: Environment(
            EMULATOR,
            journal=project / ".flow64/runs.jsonl",
            history=project / ".flow64/history",
            store=project / ".flow64/emulator.db",
        ),
    }
    assert (settings.source, settings.prices, settings.rules) == (None, {}, {})
    assert settings.history == project / ".flow64/history"


def test_what_is_remembered_lies_where_the_file_says_everywhere(project):
    """Also for undeclared environments, and from any folder below."""
    written(
        project,
        '[tool.flow64]\njournal = "keep/runs.jsonl"\nhistory = "keep/history"\n',
    )
    (project / "below").mkdir()

    found = load(project / "below").environments

    assert {(one.journal, one.history) for one in found.values()} == {
        (project / "keep/runs.jsonl", project / "keep/history")
    }
    assert found.keys() == {"default", EMULATOR}


@pytest.mark.parametrize("text", [None, "", "[tool.other]\n", "tool = 5\n"])
def test_without_settings_the_variables_are_the_environment(project, text):
    if text is not None:
        (project / "pyproject.toml").write_text(text, "utf-8")

    settings = load()

    assert (settings.file, settings.folder) == (None, project)
    assert settings.environment().is_of_variables
    assert settings.environment("staging").name == "staging"
    assert settings.environment(EMULATOR).store == project / ".flow64/emulator.db"


def test_a_section_without_environments_is_the_same(project):
    """But for where it remembers: below the file, from wherever it is used.

    And that of the emulator is none that has to be told from others.
    """
    settings = written(project, "[tool.flow64.environments.local]\nmax_rows = 1\n")

    assert settings.environment() == Environment(
        "default",
        journal=project / ".flow64/runs.jsonl",
        history=project / ".flow64/history",
    )
    assert settings.environment(EMULATOR).max_rows == 1


def test_the_next_file_upwards_counts(project):
    """One without a section of ours is passed over."""
    inner = project / "a" / "b"
    inner.mkdir(parents=True)
    (project / "a" / "pyproject.toml").write_text("[project]\nname = 'a'\n", "utf-8")
    written(project, STAGING)

    settings = load(inner)

    assert settings.file == project / "pyproject.toml"
    assert settings.environment().name == "staging"


def test_what_of_an_oauth_client_a_variable_may_say(project):
    """All of it, as for a runner that keeps the file elsewhere."""
    settings = written(
        project,
        """
[tool.flow64.environments.prod]
endpoint = { env = "ENDPOINT" }
oauth.client_id = { env = "CLIENT" }
oauth.kid = { env = "KID" }
oauth.file = { env = "PEM_FILE" }
oauth.audience = { env = "AUDIENCE" }
""",
    )

    found = settings.environment()
    names = ("CLIENT", "KID", "PEM_FILE", "AUDIENCE")
    assert found.credential == OAuthFile(*map(Reference, names))
    assert found.endpoint == Reference("ENDPOINT")


@pytest.mark.parametrize(
    ("endpoint", "is_keyless"),
    [
        ("http://127.0.0.1:6464", True),
        ("https://localhost:8443/a", True),
        ("http://[::1]:6464", True),
        ("https://localhost.example.com", False),
        ("https://127.0.0.1.example.com", False),
    ],
)
def test_only_this_machine_needs_no_key(project, endpoint, is_keyless):
    text = f'[tool.flow64.environments.here]\nendpoint = "{endpoint}"\n'
    if not is_keyless:
        with pytest.raises(ConfigError, match="a credential is missing"):
            written(project, text)
    else:
        here = written(project, text).environment()
        assert (here.is_keyless, here.is_of_variables) == (True, False)


# -- Which environment is meant -------------------------------------------------------


def two(project):
    return written(project, STAGING + STAGING.replace("staging", "prod"))


def test_the_only_environment_needs_no_name(project):
    assert written(project, STAGING).environment().name == "staging"


def test_of_several_one_is_named(project):
    settings = two(project)

    with pytest.raises(ConfigError) as caught:
        settings.environment()

    assert "several environments are configured (staging, prod)" in str(caught.value)
    assert settings.environment("prod").name == "prod"


def test_unknown_name(project):
    with pytest.raises(ConfigError) as caught:
        two(project).environment("prd")

    assert str(caught.value) == (
        "there is no environment 'prd' (did you mean 'prod'?); there are staging, prod, local"
    )


DEFAULT = '[tool.flow64]\ndefault_env = "prod"\n'


def test_the_order_of_what_names_the_environment(project, monkeypatch):
    """The name, the variable, the setting; an empty variable is as good as none."""
    settings = written(project, DEFAULT + STAGING + STAGING.replace("staging", "prod"))
    by_setting = settings.environment().name
    monkeypatch.setenv("FLOW64_ENV", "")
    empty = settings.environment().name
    monkeypatch.setenv("FLOW64_ENV", "staging")

    assert (by_setting, empty) == ("prod", "prod")
    assert settings.environment().name == "staging"
    assert settings.environment("local").name == "local"


def test_an_empty_name_is_no_name(project, monkeypatch):
    """A job whose variable is not set must not deploy somewhere else."""
    monkeypatch.setenv("FLOW64_ENV", "prod")
    settings = two(project)

    with pytest.raises(ConfigError, match="no environment ''"):
        settings.environment("")


# -- What is wrong --------------------------------------------------------------------

WRONG = {
    "[tool]\nflow64 = 5\n": [""],
    "[[tool.flow64]]\nsource = 'x'\n": [""],
    "[tool.flow64]\nsurce = 1\nsource = true\nrules = 'x'\nhistory = 1\n": [
        *(".source", ".history", ".rules", "")
    ],
    "[tool.flow64]\ndefault_env = 'prd'\n[tool.flow64.environments.prod]\napi_key = { env = 'K' }\n": [
        ".default_env"
    ],
    "[tool.flow64]\nrules = { late-filter = 1 }\n": [".rules.late-filter"],
    "[tool.flow64]\nrules = { late-filtre = 'note' }\n": [".rules.late-filtre"],
    "[tool.flow64.prices]\nfind_email = -1\nsearch = 'x'\nwebhook = nan\nfilter = inf\n": [
        *(".prices.find_email", ".prices.search", ".prices.webhook", ".prices.filter")
    ],
    "[tool.flow64]\nprices = []\nenvironments = []\n": [".environments", ".prices"],
    "[tool.flow64.environments]\nstaging = 2026-11-24\n": [".environments.staging"],
    f"{STAGING}max_rows = true\nmax_cost = 'x'\nallow_http = 1\nendpoint = ''\n": [
        *(".environments.staging.endpoint", ".environments.staging.max_rows"),
        *(".environments.staging.max_cost", ".environments.staging.allow_http"),
    ],
    f"{STAGING}[tool.flow64.environments.staging.oauth]\nclient = 'x'\nfile = 1\n": [
        *(".environments.staging.oauth.client_id", ".environments.staging.oauth.kid"),
        *(".environments.staging.oauth.file", ".environments.staging.oauth"),
    ],
    "[tool.flow64.environments.prod]\nendpoint = 'https://x'\n": [".environments.prod"],
    f"{STAGING}values.x.env = 5\n": [".environments.staging.values.x"],
    # Two with the same ids, and one of whose name --prune would delete.
    STAGING + STAGING.replace("staging]", "b]\nwas = 'staging'"): [".environments.b"],
    STAGING.replace("staging]", "'\u00e9']")
    + STAGING.replace("staging]", "'e\u0301']"): [".environments.e\u0301"],
    STAGING.replace("staging]", "staging]\nwas = 'stage'")
    + STAGING.replace("staging]", "b]\nwas = 'staging'"): [".environments.staging"],
    '[tool.flow64.environments."a\\n::error::b"]\napi_key = 1\n': [
        r".environments['a\n::error::b'].api_key"
    ],
}


@pytest.mark.parametrize(("text", "places"), WRONG.items(), ids=range(len(WRONG)))
def test_all_mistakes_are_one_error(project, text, places):
    with pytest.raises(ConfigError) as caught:
        written(project, text)

    first, *mistakes = str(caught.value).split("\n")
    assert first == "pyproject.toml cannot be used:"
    assert [line.partition(":")[0] for line in mistakes] == [
        f"  tool.flow64{place}".partition(":")[0] for place in places
    ]


def test_a_wrong_key_gets_the_nearest(project):
    with pytest.raises(ConfigError, match=r"surce is not a key here .*'source'"):
        written(project, "[tool.flow64]\nsurce = 1\n")
    with pytest.raises(ConfigError, match=r"folder is not a key here$"):
        written(project, "[tool.flow64]\nfolder = 1\n")


@pytest.mark.parametrize(
    "line",
    [
        "api_key = 'sk_live_SENTINEL0123456789'",
        "api_key = { env = 'sk_live_SENTINEL0123456789' }",
        "api_key = { env = 'SENTINEL-1' }",
        "values.hook = 'sk_live_SENTINEL0123456789'",
        "values.hook = [{ a = 'Bearer sk_live_SENTINEL0123456789' }]",
        "values.hook = { sk_live_SENTINEL0123456789 = 1 }",
        "suffix = 'sk_live_SENTINEL0123456789'",
        "sk_live_SENTINEL0123456789 = 1",
        "values = 'SENTINEL'",
        "max_rows = 'SENTINEL'",
        "[tool.flow64.rules]\nlate-filter = 'SENTINEL'",
        "key = sk_live_SENTINEL",
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_shown(project, line):
    key = "" if line.startswith("api_key") else KEY
    with pytest.raises(ConfigError) as caught:
        written(project, f"[tool.flow64.environments.staging]\n{key}{line}\n")

    assert "SENTINEL" not in str(caught.value)


def test_a_file_that_cannot_be_read(project):
    (project / "pyproject.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"pyproject\.toml cannot be read"):
        load()


# -- What is read when it is needed ---------------------------------------------------


def test_values_are_read_when_they_are_asked_for(monkeypatch):
    """So a workflow needs the variables of its own values alone."""
    monkeypatch.setenv("HOOK", "https://hooks.example.com/SENTINEL")
    monkeypatch.delenv("TOKEN", raising=False)
    values = {
        "hook": Reference("HOOK"),
        "deep": {"list": [Reference("HOOK"), 1]},
        "token": Reference("TOKEN"),
    }
    bound = Environment("staging", values=values).bound

    assert bound["hook"] == "https://hooks.example.com/SENTINEL"
    assert bound["deep"] == {"list": ["https://hooks.example.com/SENTINEL", 1]}
    assert (len(bound), list(bound)) == (3, ["hook", "deep", "token"])
    assert "SENTINEL" not in repr(bound)
    with pytest.raises(ConfigError) as caught:
        bound["token"]
    assert str(caught.value) == (
        "environment 'staging' takes values.token from the variable TOKEN, which is not set; set it, or name another one"
    )


# -- Laws: what depends on an environment ---------------------------------------------


def inbound():
    flow = Webhook(LEAD) >> OutgoingWebhook(url=value("hook", secret=True))
    return Workflow(
        "Inbound", flow, project=Project("growth", namespace="acme.example")
    )


NAMES = st.text(min_size=1, max_size=8).filter(
    lambda text: text.strip() and text.isprintable() and not text.startswith("\ud800")
)


@given(env=st.sampled_from(["staging", "prod"]), suffix=NAMES)
def test_the_suffix_changes_the_bound_name_and_nothing_else(env, suffix):
    """No id depends on it, and the unbound fingerprint is that of every environment."""
    workflow = inbound()
    values = {"hook": "https://hooks.example.com/x"}

    plain = workflow.compile(env, values)
    made = add_suffix(workflow.compile(env, values), suffix)

    assert made.name == f"Inbound {suffix}"
    assert (made.id, made.path, made.blocks) == (plain.id, plain.path, plain.blocks)
    assert fingerprint(made) != fingerprint(plain)
    assert workflow.fingerprint() == fingerprint(workflow.compile(env))
    assert workflow.compile("other").id != made.id


@pytest.mark.parametrize(
    ("title", "suffix", "expected"),
    [
        ("Inbound", "", "Inbound"),
        ("Inbound", "(staging)", "Inbound (staging)"),
        ("Inbound (staging)", "(staging)", "Inbound (staging)"),
        ("(staging)", "(staging)", "(staging)"),
        ("Not(staging)", "(staging)", "Not(staging) (staging)"),
    ],
)
def test_a_title_has_its_suffix_once(title, suffix, expected):
    """Also for a workflow that was read from the service with it."""
    workflow = Workflow(title, Webhook(LEAD), key="inbound")

    assert add_suffix(workflow.compile("staging"), suffix).name == expected


@pytest.mark.parametrize("name", ["staging", "default", "caf\u00e9"])
def test_ids_depend_on_the_name_of_an_environment_alone(project, name):
    """Also with other settings."""
    sections = [
        f'[tool.flow64.environments."{name}"]\n{KEY}',
        f'[tool.flow64.environments."{name}"]\n{KEY}suffix = "x"\nvalues.hook = "https://hooks.example.com/y"\n',
    ]
    found = set()
    for section in sections:
        env = written(project, section).environment()
        made = add_suffix(inbound().compile(env.name, env.bound), env.suffix)
        found.add((made.id, tuple(block.id for block in made.blocks)))

    assert len(found) == 1
