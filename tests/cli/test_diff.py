"""`flow64 diff`: code, files and what is live, in any combination."""

from __future__ import annotations

import json
import subprocess

import pytest
from attrs import evolve

from flow64 import Client
from flow64.definition import FrozenDict
from flow64.environments import load as load_settings
from flow64.environments import open_client
from flow64.loading import load_source
from tests.cli.support import FLOW64, environment

pytestmark = pytest.mark.unmeasured

SETTINGS = """
[tool.flow64]
source = "leads.py"
prices = { lead_enrichment = 1.0 }

[tool.flow64.environments.staging]
endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }
api_key = { env = "SIXTYFOUR_API_KEY" }
suffix = "(staging)"
values.notebook = "notebook of staging"
values.hook = { env = "STAGING_HOOK" }

[tool.flow64.environments.prod]
endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }
api_key = { env = "SIXTYFOUR_API_KEY" }
values.notebook = "notebook of prod"
values.hook = { env = "PROD_HOOK" }
"""

CODE = """
from flow64 import LEAD, Project, Workflow, value
from flow64.blocks import FindEmail, LeadEnrichment, OutgoingWebhook, Webhook

growth = Project("growth", namespace="acme.example")
rows = Webhook(LEAD, input_schema={"email": "string"})
inbound = Workflow(
    "Inbound",
    rows >> LeadEnrichment(
        return_fields={"title": "Job title"},
        research_plan=value("notebook"),
    ) >> OutgoingWebhook(url=value("hook", secret=True)),
    key="inbound",
    project=growth,
)
other = Workflow("Other", rows >> FindEmail(), key="other", project=growth)
"""

HOOKS = {
    "STAGING_HOOK": "https://crm.example.com/hooks/sentinel-of-staging",
    "PROD_HOOK": "https://crm.example.com/hooks/sentinel-of-prod",
}


@pytest.fixture
def code(leads, namespace, monkeypatch):
    """Two workflows that differ by environment, one with a secret."""
    for name, text in HOOKS.items():
        monkeypatch.setenv(name, text)
    leads.with_name("pyproject.toml").write_text(SETTINGS, "utf-8")
    leads.write_text(CODE.replace("acme.example", namespace), "utf-8")
    return leads


@pytest.fixture
def deployed(service, code):
    """Both workflows in staging and in prod."""
    for env in ("staging", "prod"):
        deploy(code, env)
    return code


def deploy(source, env):
    """Deploy all workflows of a source to an environment."""
    with open_client(load_settings().environment(env)) as client:
        for one in load_source(str(source)).workflows:
            one.workflow.deploy(client)


@pytest.fixture
def edit():
    """Change the specs of a live block by hand."""

    def edited(key, env, kind, **specs):
        workflow = load_source(f"leads.py:{key}").only.workflow
        with Client(journal=None) as client:
            live = client.workflows.get(workflow.id(env))
            blocks = tuple(
                block._replace(specs=FrozenDict({**block.specs, **specs}))
                if block.kind == kind
                else block
                for block in live.definition.blocks
            )
            definition = evolve(
                live.definition, blocks=blocks, description=live.description
            )
            client.workflows.update(str(live.id), definition)

    return edited


def change(file, *pairs):
    text = file.read_text("utf-8")
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, "utf-8")


# -- What is the same -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("code", "leads.py"),
        ("leads:inbound", "code:inbound"),
        ("code", "prod"),
        ("prod", "code"),
        ("staging", "code"),
        ("code:inbound", "staging:inbound"),
        ("staging", "prod"),
        ("prod:inbound", "staging:inbound"),
        ("prod:other", "leads.py:other"),
        ("compiled", "code"),
        ("compiled", "prod"),
        ("compiled/other.json", "staging:other"),
    ],
)
def test_nothing_differs(deployed, flow64, before, after):
    """The same code is equal everywhere, despite values of environments."""
    flow64("compile", "leads.py", "-o", "compiled")

    code, printed, told = flow64("diff", before, after, "--exit-code")

    assert (code, printed) == (0, "")
    assert told.startswith("nothing differs (")


# -- What differs ---------------------------------------------------------------------


def test_added_removed_renamed(code, flow64):
    """A workflow with a key renamed by `was=` is matched; others are new or gone."""
    path = code.with_name("now.py")
    path.write_text(code.read_text("utf-8"), "utf-8")
    change(path, ('key="inbound"', 'key="leads", was="inbound"'))
    change(path, ('key="other"', 'key="another"'))

    code_, printed, told = flow64("diff", "leads.py", "now.py", "--exit-code")

    assert (code_, told) == (2, "1 added, 1 removed, 1 changed\n")
    assert printed == (
        "+ another: added\n"
        "    Other\n"
        "    2 blocks\n"
        "    what follows:\n"
        "        ~ cost per 1,000 input rows: at most $0 → $50 (+$50)\n"
        "        side effects\n"
        "            + find_email costs credits in each run\n"
        "~ leads: changed\n"
        "    Inbound\n"
        "    key: inbound → leads (was=)\n"
        "- other: removed\n"
        "    Other\n"
        "    2 blocks\n"
        "    what follows:\n"
        "        ~ cost per 1,000 input rows: at most $50 → $0 (-$50)\n"
        "        side effects\n"
        "            ~ find_email no longer costs credits in each run\n"
    )


def test_json(deployed, flow64):
    """With --json every workflow is there, and each change is data."""
    change(deployed, (">> FindEmail()", ">> FindEmail(mode='PERSONAL')"))

    _, printed, _ = flow64("diff", "prod", "code", "--json")

    data = json.loads(printed)
    same, changed = data["workflows"]
    assert (data["before"], data["after"], data["differs"]) == ("prod", "code", True)
    assert (same["key"], same["outcome"], same["changes"]) == ("inbound", "same", [])
    assert (changed["key"], changed["outcome"]) == ("other", "changed")
    assert [one["change"] for one in changed["changes"]] == ["field-added"]
    assert changed["before"]["workflow_id"] == changed["after"]["workflow_id"]
    assert (changed["before"]["is_live"], changed["after"]["is_live"]) == (True, False)


# -- Managed, and secret --------------------------------------------------------------


def test_fields_that_code_does_not_manage(deployed, edit, flow64):
    """They are listed apart, and only count with `--strict`."""
    edit("other", "prod", "find_email", tier="high")

    usual = flow64("diff", "code", "prod", "--exit-code")
    strict = flow64("diff", "code", "prod", "--exit-code", "--strict")

    assert usual[0] == 0
    assert usual[1] == (
        "· other: same\n"
        "    Other\n"
        "    not managed by code:\n"
        "        block find_email\n"
        '            ? tier: "high" is not managed\n'
    )
    assert (strict[0], '+ tier: "high"' in strict[1]) == (2, True)


@pytest.mark.parametrize(
    "sides",
    [
        ("code", "prod"),
        ("prod", "code"),
        ("staging", "prod"),
        ("prod", "staging"),
        ("prod:inbound", "compiled/inbound.json"),
    ],
    ids="-".join,
)
@pytest.mark.parametrize("option", ["--json", "--strict"])
def test_secrets_are_not_shown(deployed, edit, flow64, sides, option):
    """Also if they are equal, or if another text was written there."""
    flow64("compile", "leads.py", "-o", "compiled")
    edit("inbound", "prod", "outgoing_webhook", url="https://evil.example/sentinel-x")

    code, printed, told = flow64("diff", *sides, option, "--exit-code")

    assert code == 2
    if "staging" not in sides:
        assert "sentinel" not in printed + told
    assert "sentinel-of" not in printed + told


@pytest.mark.parametrize("option", ["--json", "--strict"])
def test_environments_without_their_secrets(
    deployed, edit, flow64, monkeypatch, option
):
    """If it is unknown which texts are secret, no difference is shown."""
    for name in HOOKS:
        monkeypatch.delenv(name)

    code, printed, told = flow64("diff", "staging", "prod", option, "--exit-code")

    assert code == 2
    assert "sentinel" not in printed + told
    assert "secrets that are unknown here: set STAGING_HOOK, PROD_HOOK, or" in told
    if option == "--json":
        data = json.loads(printed)
        assert data["hidden_for"] == [*HOOKS]
        assert ["changes" in one for one in data["workflows"]] == [False, False]
    else:
        assert printed == "~ inbound: changed\n    Inbound\n"


def test_without_running_code(deployed, flow64):
    """With --no-code a change is compared from its JSON alone."""
    change(deployed, (">> FindEmail()", ">> FindEmail(mode='PERSONAL')"))
    flow64("compile", "leads.py", "-o", "compiled")
    deployed.write_text("raise SystemError", "utf-8")

    code, printed, _ = flow64("diff", "prod", "compiled", "--no-code", "--exit-code")
    refused = flow64("diff", "prod", "code", "--no-code")

    assert (code, '+ mode: "PERSONAL"' in printed) == (2, True)
    assert refused[:2] == (64, "")


# -- T1, T2, T3 -----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("way", ["narrow", "closed"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["diff", "leads.py", "now.py"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_on_any_terminal(code, arguments, way):
    """Without UTF-8, 20 columns wide, or with stdout closed: never a traceback."""
    path = code.with_name("now.py")
    path.write_text(code.read_text("utf-8"), "utf-8")
    change(path, ('"Other"', '"Other é"'))
    narrow = {"LC_ALL": "C", "PYTHONUTF8": "0", "COLUMNS": "20", "NO_COLOR": "1"}
    redirect = {"narrow": "", "closed": ">&-"}[way]

    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirect}', "sh", *FLOW64, *arguments],
        capture_output=True,
        check=False,
        env=environment(**narrow),
        cwd=code.parent,
    )

    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    assert bool(done.stdout) == (way == "narrow")
    if arguments[0] == "diff" and way == "narrow":
        assert b'title: "Other" -> "Other \\xe9"' in done.stdout


# -- Fleets ---------------------------------------------------------------------------

FLEET = """
from flow64 import LEAD, Project, Workflow
from flow64.blocks import FindEmail, Webhook

growth = Project("growth", namespace="acme.example")
more = {}
made = [
    Workflow(
        f"Leads {name}",
        Webhook(LEAD) >> FindEmail(**FIELDS, **more.get(name, {})),
        key=name,
        project=growth,
    )
    for name in ("de", "fr", "jp", "us")
]
"""


@pytest.fixture
def fleets(tmp_path, monkeypatch):
    """Two versions of a fleet: all have another mode, and one has one field more."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.py").write_text(FLEET.replace("**FIELDS, ", ""), "utf-8")
    new = FLEET.replace("**FIELDS", 'mode="PERSONAL"')
    extra = "more = {'jp': {'verify_emails': True}}"
    (tmp_path / "new.py").write_text(new.replace("more = {}", extra), "utf-8")
    return tmp_path


def test_workflows_that_differ_alike(fleets, flow64):
    """They are shown once, and another one by its difference from them."""
    code, printed, told = flow64("diff", "old.py", "new.py")

    assert (code, told) == (0, "4 changed\n")
    assert printed == (
        "~ de and 2 more: changed\n"
        "    de, fr, us\n"
        "    what changes:\n"
        "        block find_email\n"
        '            + mode: "PERSONAL"\n'
        "    what follows:\n"
        "        output columns\n"
        "            + personal_email\n"
        "        ~ cost per 1,000 input rows: at most $50 → $200 (+$150)\n"
        "~ jp: changed\n"
        "    like de and 2 more\n"
        "    and also:\n"
        "        block find_email\n"
        "            + verify_emails: true\n"
        "    what also follows:\n"
        "        findings\n"
        "            + note unconfirmed-facts: it uses what no document confirms: "
        "find_email.verify_emails\n"
    )
