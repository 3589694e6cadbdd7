"""From an environment to what is deployed and run there, over two organisations."""

from __future__ import annotations

import asyncio
import re
from contextlib import closing

import pytest

from flow64 import LEAD, Project, Workflow, value
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.emulator import Emulator
from flow64.emulator.store import Store
from flow64.environments import (
    EMULATOR,
    Environment,
    OAuthFile,
    Reference,
    async_client_for,
    load,
    open_client,
)
from flow64.errors import (
    BudgetError,
    ConfigError,
)
from tests.service.credentials import pem

HOOK = "https://hooks.example.com/SENTINEL"


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("HOOK", HOOK)
    monkeypatch.setenv("STAGING_KEY", "key-of-a")
    monkeypatch.setenv("PROD_KEY", "key-of-b")
    return tmp_path


@pytest.fixture
def emulator():
    keys = {"key-of-a": "org_a", "key-of-b": "org_b"}
    with Emulator(api_keys=keys) as made:
        yield made


@pytest.fixture
def settings(project, emulator):
    """Staging and prod: two organisations of one service."""
    project.joinpath("pyproject.toml").write_text(
        f"""
[tool.flow64]
prices = {{ find_email = 0.5 }}

[tool.flow64.environments.staging]
endpoint = "{emulator.url}"
api_key = {{ env = "STAGING_KEY" }}
org_id = "org_a"
suffix = "(staging)"
values = {{ hook = {{ env = "HOOK" }} }}
max_rows = 2

[tool.flow64.environments.prod]
endpoint = "{emulator.url}"
api_key = {{ env = "PROD_KEY" }}
org_id = "org_b"
values = {{ hook = "https://hooks.example.com/prod" }}
""",
        "utf-8",
    )
    return load()


def inbound(title="Inbound", description=""):
    flow = (
        Webhook(LEAD, input_schema={"full_name": "string"})
        >> FindEmail()
        >> OutgoingWebhook(url=value("hook", secret=True))
    )
    project = Project("growth", namespace="acme.example")
    return Workflow(
        title, flow, key="inbound", project=project, description=description
    )


def rows(count):
    return [{"full_name": f"Ada {number}"} for number in range(count)]


def posted(emulator):
    return [seen.path for seen in emulator.requests if seen.method == "POST"]


# -- A client of an environment -------------------------------------------------------


def test_an_environment_says_all_that_a_client_needs(settings, emulator):
    """Name, values and suffix, for deploys and for runs."""
    with open_client(settings.environment("staging")) as client:
        done = client.deploy(inbound())
        again = client.deploy(inbound())
        run = client.run(inbound(), rows(2))
        title = client.workflows.get(done.id).name
        live = client.workflows.get(done.id).definition

    assert (done.id, done.state) == (inbound().id("staging"), "new")
    assert (again.state, title) == ("unchanged", "Inbound (staging)")
    assert live.blocks[-1].specs["url"] == HOOK
    assert run.workflow_id == done.id


def test_limits_hold_unless_a_call_says_otherwise(settings):
    with open_client(settings.environment("staging")) as client:
        client.deploy(inbound())
        with pytest.raises(BudgetError, match="more rows than max_rows=2"):
            client.run(inbound(), rows(3))
        with pytest.raises(BudgetError, match="more rows than max_rows=0"):
            client.run(inbound(), rows(1), max_rows=0)
        with pytest.raises(BudgetError, match="max_rows=2"):
            list(client.run_batches(inbound(), rows(3), intent="a", size=2))
        with pytest.raises(BudgetError, match=r"\$1 by known prices"):
            client.run(inbound(), rows(2), max_cost=0.2)
        assert client.run(inbound(), rows(3), max_rows=3).id


def test_values_of_a_call_stand_in_place_of_those_of_the_environment(settings):
    with open_client(settings.environment("staging")) as client:
        done = client.deploy(inbound(), values={"hook": "https://other.example.com/"})
        live = client.workflows.get(done.id).definition

    assert live.blocks[-1].specs["url"] == "https://other.example.com/"


def test_another_environment_is_refused(settings):
    with (
        open_client(settings.environment("prod")) as client,
        pytest.raises(TypeError, match="this client is for 'prod'"),
    ):
        client.deploy(inbound(), env="staging")


def test_the_same_with_await(settings, emulator):
    async def deployed():
        async with async_client_for(settings.environment("staging")) as client:
            done = await client.deploy(inbound())
            return done, (await client.workflows.get(done.id)).name

    done, title = asyncio.run(deployed())

    assert (done.state, title) == ("new", "Inbound (staging)")


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        (
            Environment("a", api_key=Reference("NOT_THERE")),
            "environment 'a' takes api_key from the variable NOT_THERE, which",
        ),
        (
            Environment("a", org_id=Reference("NOT_THERE")),
            "environment 'a' takes org_id from the variable NOT_THERE, which",
        ),
        (
            Environment("a", endpoint=Reference("HOOK_HTTP")),
            "would let the key travel in the clear",
        ),
        (
            Environment("a", oauth=OAuthFile("c", "k", Reference("NOT_THERE"))),
            "environment 'a' takes oauth.file from the variable NOT_THERE, which",
        ),
    ],
)
def test_what_a_variable_does_not_say(project, monkeypatch, environment, words):
    monkeypatch.setenv("HOOK_HTTP", "http://example.com")
    monkeypatch.setenv("SIXTYFOUR_API_KEY", "k")
    with pytest.raises(ConfigError, match=words):
        open_client(environment).__enter__()


@pytest.mark.parametrize("audience", [None, "aud", Reference("AUDIENCE")])
def test_an_oauth_client(project, monkeypatch, audience):
    """Its key is in a file, and no API key is in the variables."""
    (project / "key.pem").write_text(pem(), "utf-8")
    (project / "key.pem").chmod(0o600)
    monkeypatch.setenv("SIXTYFOUR_API_KEY", "k")
    monkeypatch.setenv("AUDIENCE", "aud")
    oauth = OAuthFile("client_1", "kid_1", project / "key.pem", audience)

    with open_client(Environment("a", oauth=oauth)) as client:
        source = client.session.auth

    assert (source.client_id, source._kid) == ("client_1", "kid_1")
    assert source._audience == (None if audience is None else "aud")


def test_two_credentials_are_none(project):
    (project / "key.pem").write_text(pem(), "utf-8")
    (project / "key.pem").chmod(0o600)
    oauth = OAuthFile("client_1", "kid_1", project / "key.pem")
    environment = Environment("a", api_key=Reference("HOOK"), oauth=oauth)

    with pytest.raises(ConfigError, match="both an API key and OAuth"):
        open_client(environment).__enter__()


def test_without_settings_the_variables_say_where(project, emulator, monkeypatch):
    monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", emulator.url)
    monkeypatch.setenv("SIXTYFOUR_API_KEY", "key-of-a")
    with open_client(load().environment()) as client:
        done = client.deploy(inbound(), values={"hook": HOOK})

    assert done.id == inbound().id()


def test_runs_are_remembered_with_the_project(settings, project, monkeypatch):
    """Unless a variable says where."""
    monkeypatch.delenv("FLOW64_JOURNAL", raising=False)
    with open_client(settings.environment("prod")) as client:
        assert client.journal.path == project / ".flow64/runs.jsonl"

    monkeypatch.setenv("FLOW64_JOURNAL", str(project / "elsewhere.jsonl"))
    with open_client(settings.environment("prod")) as client:
        assert client.journal.path == project / "elsewhere.jsonl"


LOCAL = """
[tool.flow64.environments.local]
endpoint = "{url}"
"""


def test_a_server_on_this_machine_gets_no_key_of_yours(project, monkeypatch):
    """A made-up key is sent, also if the variables have a key or an OAuth client."""
    monkeypatch.setenv("SIXTYFOUR_API_KEY", "sk_live_not_a_real_key")
    monkeypatch.setenv("SIXTYFOUR_OAUTH_CLIENT_ID", "client")
    with Emulator(api_keys={"local": "org_here"}) as emulator:
        (project / "pyproject.toml").write_text(LOCAL.format(url=emulator.url), "utf-8")
        with open_client(load().environment()) as client:
            client.deploy(inbound(), values={"hook": HOOK})

    assert {seen.org_id for seen in emulator.requests} == {"org_here"}
    assert len(emulator.requests) > 1


# -- The emulator ---------------------------------------------------------------------


def test_the_emulator_is_always_there(project):
    """It is started when it is needed, and remembers in the project."""
    environment = load().environment(EMULATOR)
    with open_client(environment) as client:
        first = client.deploy(inbound(), values={"hook": HOOK})
    with open_client(environment) as client:
        second = client.deploy(inbound(), values={"hook": HOOK})
        run = client.run(inbound(), rows(1), values={"hook": HOOK})
        (found,) = run.wait(every=0.01).rows()

    assert (first.state, second.state) == ("new", "unchanged")
    assert first.id == inbound().id("local")
    assert found.raw["full_name"] == "Ada 0"
    assert (project / ".flow64/.gitignore").read_text("utf-8") == "*\n"


def test_title_may_speak_of_the_emulator(project):
    """The key of the emulator is not redacted in titles."""
    with open_client(load().environment(EMULATOR)) as client:
        growth = Project("growth", namespace="acme.example")
        flow = Webhook(LEAD) >> FindEmail()
        client.deploy(Workflow("Try the emulator", flow, key="try", project=growth))
        (found,) = client.workflows.list()

    assert found.name == "Try the emulator"


def test_only_one_process_has_the_emulator(project):
    environment = load().environment(EMULATOR)
    with (
        open_client(environment),
        pytest.raises(ConfigError),
        open_client(environment),
    ):
        pass  # pragma: no cover - it is not entered


@pytest.fixture
def store(project):
    """The store of the emulator, in a folder that is there."""
    path = load().environment(EMULATOR).store
    path.parent.mkdir()
    return path


def test_an_emulator_that_is_served_is_used(project, store, caplog):
    """Plans and the journal recognise it: its endpoint is that of any emulator."""
    caplog.set_level("INFO", "flow64")
    environment = load().environment(EMULATOR)
    with Emulator(store=store) as served:
        with open_client(environment) as client:
            first = client.deploy(inbound(), values={"hook": HOOK}).state
            run = client.run(inbound(), rows(1), values={"hook": HOOK})
            (found,) = run.wait(every=0.01).rows()
            place = client.place
        seen = len(served.requests)
    with open_client(environment) as client:
        second = client.deploy(inbound(), values={"hook": HOOK}).state
        assert client.place == place

    assert (first, second) == ("new", "unchanged")
    assert re.fullmatch("http://127.0.0.1/emulator-[0-9a-f]{12}", place)
    assert (found.raw["full_name"], seen > 3) == ("Ada 0", True)
    assert f"{store} is served at {served_at(caplog)}" in caplog.text


def test_an_emulator_that_does_not_answer_is_named(project, store):
    """As while its process is ending."""
    with closing(Store(store)) as other:
        other.note_address("http://127.0.0.1:1")
        with pytest.raises(ConfigError) as caught:
            open_client(load().environment(EMULATOR)).__enter__()

    assert "the emulator at http://127.0.0.1:1" in str(caught.value)
    assert "does not answer; try again" in str(caught.value)


def served_at(caplog):
    return re.search(r"http://127\.0\.0\.1:\d+", caplog.text)[0]


@pytest.mark.parametrize(
    "note",
    [
        "1 http://api.example.com:80",
        "1 http://127.0.0.1:80@api.example.com",
        "1 http://127.0.0.1:1/redirect",
        "1 https://127.0.0.1:1",
        "\u0661",
    ],
)
def test_no_other_machine_is_believed_to_serve_a_store(store, note):
    """The file beside a store may be a stranger's."""
    store.with_name(f"{store.name}.lock").write_text(note, "utf-8")
    with open_client(load().environment(EMULATOR)):
        store.with_name(f"{store.name}.lock").write_text(note, "utf-8")
        with pytest.raises(ConfigError) as caught:
            Store(store, patience=0)

    assert caught.value.url is None


def test_a_damaged_store_is_not_looked_for_elsewhere(store):
    store.write_bytes(b"not a database" * 100)
    store.with_name(f"{store.name}.lock").write_text("1 http://127.0.0.1:1", "utf-8")

    with pytest.raises(ConfigError, match="not a database"):
        open_client(load().environment(EMULATOR)).__enter__()


def test_for_await_the_emulator_has_to_be_started(project):
    with pytest.raises(ConfigError, match="has to be started"):
        async_client_for(load().environment(EMULATOR))


def test_no_room_for_the_emulator(project):
    (project / ".flow64").write_text("a file", "utf-8")
    with (
        pytest.raises(ConfigError, match="cannot be made"),
        open_client(load().environment(EMULATOR)),
    ):
        pass  # pragma: no cover - it is not entered


# -- Whose key it is ------------------------------------------------------------------


def swapped(monkeypatch):
    """The key of one organisation under the name of the other."""
    monkeypatch.setenv("PROD_KEY", "key-of-a")


def test_a_key_of_another_organisation_writes_nothing(settings, emulator, monkeypatch):
    """A deployed workflow names its organisation, and so does an empty list."""
    swapped(monkeypatch)
    with open_client(settings.environment("staging")) as client:
        client.deploy(inbound())
    before = posted(emulator)

    with open_client(settings.environment("prod")) as client:
        with pytest.raises(ConfigError) as caught:
            client.deploy(inbound())
        with pytest.raises(ConfigError):
            client.workflows.get(inbound().id("staging"))

    assert posted(emulator) == before
    assert "'org_a', and org_id of the environment is 'org_b'" in str(caught.value)


def test_the_same_of_an_async_client(settings, emulator, monkeypatch):
    swapped(monkeypatch)
    with open_client(settings.environment("staging")) as client:
        client.deploy(inbound())
    before = posted(emulator)

    async def deployed():
        async with async_client_for(settings.environment("prod")) as client:
            await client.deploy(inbound())

    with pytest.raises(ConfigError):
        asyncio.run(deployed())
    assert posted(emulator) == before


def test_an_empty_organisation_names_nobody(settings, emulator):
    """So the first workflow is created after one look at the list."""
    with open_client(settings.environment("prod")) as client:
        assert client.deploy(inbound()).state == "new"
        asked = [seen.path for seen in emulator.requests]
        client.deploy(inbound(description="more"))

    assert "/workflows" in asked
    assert "/workflows" in [seen.path for seen in emulator.requests]
