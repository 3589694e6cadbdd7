"""Texts of variables are never shown, also if code no longer uses them."""

from __future__ import annotations

import json

import pytest
from attrs import evolve

from flow64 import Client
from flow64.definition import FrozenDict
from flow64.environments import load as load_settings
from flow64.environments import open_client
from flow64.loading import load_source

SENTINEL = "https://hooks.example.com/sentinel-of-hook"
OTHER = "https://new.example/in"

SETTINGS = """
[tool.flow64.environments.prod]
endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }
api_key = { env = "SIXTYFOUR_API_KEY" }
values.hook = { env = "HDR_TOKEN" }

[tool.flow64.environments.staging]
endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }
api_key = { env = "SIXTYFOUR_API_KEY" }
"""

CODE = """
from flow64 import LEAD, Project, Workflow, value
from flow64.blocks import OutgoingWebhook, Webhook

growth = Project("growth", namespace="acme.example")
inbound = Workflow(
    "Inbound",
    Webhook(LEAD, input_schema={"email": "string"})
    >> OutgoingWebhook(url=value("hook", secret=True)),
    key="inbound",
    project=growth,
)
"""

FORMS = ("text", "markdown", "json", "html")


@pytest.fixture
def moved(service, leads, namespace, flow64, monkeypatch):
    """Code that no longer uses a secret, which is still live."""
    monkeypatch.setattr("flow64.deploy._saved_plan.ROUNDS", 1)
    monkeypatch.setenv("HDR_TOKEN", SENTINEL)
    leads.with_name("pyproject.toml").write_text(SETTINGS, "utf-8")
    code = CODE.replace("acme.example", namespace)
    leads.write_text(code, "utf-8")
    for env in ("prod", "staging"):
        values = leads.with_name("values.json")
        values.write_text('{"hook": "https://staging.example/in"}', "utf-8")
        given = ("--values", values) if env == "staging" else ()
        assert flow64("deploy", leads, "--env", env, "--yes", *given)[0] == 0
    code = code.replace('value("hook", secret=True)', repr(OTHER))
    leads.write_text(code, "utf-8")
    return leads


@pytest.fixture
def edit():
    """Change what is live in prod by hand."""

    def edited(title="Inbound", **specs):
        workflow_id = load_source("leads.py").only.workflow.id("prod")
        with Client(journal=None) as client:
            live = client.workflows.get(workflow_id).definition
            blocks = tuple(
                block._replace(specs=FrozenDict({**block.specs, **specs}))
                if block.kind == "outgoing_webhook"
                else block
                for block in live.blocks
            )
            stamped = client.workflows.get(workflow_id).description
            client.workflows.update(
                workflow_id,
                evolve(live, name=title, blocks=blocks, description=stamped),
            )

    return edited


@pytest.fixture
def told(moved, flow64, tmp_path):
    return lambda: all_that_is_told(flow64, moved, tmp_path)


def all_that_is_told(flow64, leads, tmp_path):
    """The output of each reading command, and the file of a plan, by name."""
    commands = {
        "plan": ("plan", leads, "--env", "prod", "-o", tmp_path / "it.plan"),
        "plan as data": ("plan", leads, "--env", "prod", "--json"),
        "verbose plan": ("--verbose", "plan", leads, "--env", "prod"),
        "diff": ("diff", "prod", leads),
        "two environments": ("diff", "prod", "staging"),
        "run": ("run", leads, "people.csv", "--env", "prod", "--yes", "--new"),
        "deploy, refused": ("deploy", leads, "--env", "prod"),
        **{
            f"diff as {form}": ("diff", leads, "prod", "--format", form)
            for form in FORMS
        },
    }
    (tmp_path / "people.csv").write_text("email\na@acme.example\n", "utf-8")
    told = {name: "".join(flow64(*args)[1:]) for name, args in commands.items()}
    told["the file"] = (tmp_path / "it.plan").read_text("utf-8")
    return told


def leaks(told):
    return [name for name, text in told.items() if "sentinel-of-hook" in text]


def test_named_no_more(moved, flow64, tmp_path):
    """It is masked in all output, and the deploy works."""
    told = all_that_is_told(flow64, moved, tmp_path)

    assert leaks(told) == []
    silent = [name for name, text in told.items() if OTHER not in text]
    assert silent == ["two environments", "run"]
    assert "url: secret hook differs" in told["two environments"]
    assert f'url: secret "hook" → "{OTHER}"' in told["plan"]
    code, *printed = flow64("deploy", "--plan", tmp_path / "it.plan", "--yes", moved)
    assert (code, leads_of(printed)) == (0, False)
    assert flow64("plan", moved, "--env", "prod", "--exit-code")[0] == 0


def test_deploy_from_code(moved, flow64, tmp_path):
    with open_client(load_settings().environment("prod")) as client:
        done = load_source(str(moved)).only.workflow.deploy(client)

    assert done.state == "update"
    assert "sentinel" not in "".join(done.changes) + repr(done.replaced)
    kept = [path.read_text("utf-8") for path in tmp_path.rglob("*.json")]
    assert kept
    assert not leads_of(kept)


def leads_of(texts):
    """Whether the sentinel is in any of them."""
    return "sentinel-of-hook" in "".join(texts)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("title", "specs"),
    [
        (f"See {SENTINEL}", {}),
        ("Inbound", {"note": f"or {SENTINEL}"}),
        ("Inbound", {"note": {"deep": [SENTINEL]}}),
        ("Inbound", {"payload": {SENTINEL: 1}}),
    ],
)
def test_pasted(told, edit, title, specs):
    """Also if it was written into a title, or a field that code does not set."""
    edit(title, **specs)

    assert leaks(told()) == []


def test_plan_and_apply_agree(moved, flow64, edit):
    """The plan says what cannot be saved."""
    moved.write_text(
        moved.read_text("utf-8").replace(
            "OutgoingWebhook(url=", "OutgoingWebhook(timeout_seconds=9, url="
        ),
        "utf-8",
    )
    edit(f"See {SENTINEL}")
    _, printed, _ = flow64("plan", moved, "--env", "prod", "--json")
    step = json.loads(printed)["workflows"][0]

    assert step["lost"] == ["/workflow_name"]
    assert (step["action"], step["lifted_by"]) == ("refuse", "force")


@pytest.mark.parametrize(
    ("text", "said"),
    [("https://hooks.example.com/rotated", "is another than"), (None, "HDR_TOKEN")],
)
def test_another_by_now(moved, flow64, monkeypatch, text, said):
    """A plan that names a hidden secret is not applied without it."""
    assert flow64("plan", moved, "--env", "prod", "-o", "it.plan")[0] == 0
    monkeypatch.delenv("HDR_TOKEN")
    if text is not None:
        monkeypatch.setenv("HDR_TOKEN", text)
    code, *told = flow64("deploy", "--plan", "it.plan", "--yes", moved)

    assert (code != 0, leads_of(told)) == (True, False)
    assert said.replace("HDR_TOKEN", "secret value hook") in "".join(told)


def test_restored_over(moved, flow64, edit):
    """A live secret stays hidden when an older definition is restored."""
    assert flow64("deploy", moved, "--env", "prod", "--yes")[0] == 0
    edit(title=f"Inbound {SENTINEL}", note=f"see {SENTINEL}")

    printed = flow64("restore", "inbound", "--env", "prod", "--json")

    assert "sentinel-of-hook" not in "".join(printed[1:])
    assert "update" in "".join(printed[1:])


KEYLIKE = "sk_live_not_a_real_key_0123456789"

VIEWS = {
    "graph": ("graph", "prod:inbound"),
    "graph, mermaid": ("graph", "prod:inbound", "--format", "mermaid"),
    "graph, svg": ("graph", "prod:inbound", "--format", "svg"),
    "list": ("list", "--env", "prod"),
    "list as data": ("list", "--env", "prod", "--json"),
    "runs": ("runs", "prod:inbound"),
    "runs as data": ("runs", "prod:inbound", "--json"),
    "diff": ("diff", "leads.py", "prod"),
    "diff as data": ("diff", "prod", "leads.py", "--format", "json"),
    "diff of two": ("diff", "staging", "prod", "--format", "json"),
    "same": ("same", "staging", "prod"),
    "same as data": ("same", "staging", "prod", "--json"),
    "code": ("code", "prod:inbound"),
    "code as data": ("code", "prod:inbound", "--json"),
    "pull": ("pull", "inbound", "--env", "prod", "-o", "pulled"),
    "pull as data": ("pull", "inbound", "--env", "prod", "-o", "more", "--json"),
    "plan": ("plan", "leads.py", "--env", "prod"),
    "verbose list": ("--verbose", "list", "--env", "prod"),
}


@pytest.mark.slow
@pytest.mark.parametrize("title", ["Inbound", f"x {SENTINEL}", f"x {KEYLIKE}", KEYLIKE])
def test_no_view_of_what_is_live_shows_a_secret(moved, edit, flow64, title):
    """Neither a value of the environment nor what looks like a key, whole or cut."""
    edit(title=title, url=SENTINEL, more=[SENTINEL, KEYLIKE, {"a": f"x {KEYLIKE}"}])

    told = {name: "".join(flow64(*args)[1:]) for name, args in VIEWS.items()}

    beginnings = (SENTINEL[:32], KEYLIKE[:12])
    assert [n for n, text in told.items() if any(b in text for b in beginnings)] == []
    assert "<hook>" in told["graph"]
    assert '"***"' in told["graph"]


@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_excerpt_of_source_shows_no_key(leads, flow64, form):
    """The caret still stands under the block."""
    text = leads.read_text("utf-8").replace(
        "growth = Project",
        f'odd = Webhook(LEAD, extra={{"a": "{KEYLIKE}"}})\ngrowth = Project',
    )
    text += 'other = Workflow("Other", odd >> Webhook(LEAD, key="b"), key="other")\n'
    leads.write_text(text, "utf-8")

    _, *told = flow64("check", f"{leads}:other", "--format", form)

    assert "secret-in-specs" in told[0]
    assert KEYLIKE[:12] not in "".join(told)
    if form == "text":
        shown = '{"a": "' + "*" * len(KEYLIKE) + '"}'
        assert shown in told[0]
