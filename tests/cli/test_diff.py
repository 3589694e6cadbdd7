"""`flow64 diff`: code, files and what is live, in any combination, and branches."""

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
            one.workflow.deploy(client, create=True)


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
        ("prod:other", "staging:other"),
        ("prod:other", "leads.py:other"),
        ("compiled", "code"),
        ("compiled", "prod"),
        ("compiled/other.json", "staging:other"),
    ],
)
def test_nothing_differs(deployed, flow64, before, after):
    """The same code is equal to what is live, despite values of environments."""
    flow64("compile", "leads.py", "-o", "compiled")

    code, printed, _ = flow64("diff", before, after, "--exit-code")

    assert (code, printed.endswith(" equal\n")) == (0, True)


# -- What differs ---------------------------------------------------------------------


def test_code_against_what_is_live(deployed, flow64):
    """Changes, and what follows from them, with the prices of the project."""
    change(deployed, (">> FindEmail()", ">> FindEmail(mode='PERSONAL')"))
    change(deployed, ('{"title": "Job title"}', '{"role": "Their role"}'))

    code, printed, _ = flow64("diff", "prod", "code", "--exit-code")

    assert code == 2
    assert printed == (
        "prod: 2 changed\n"
        "cost  at most $1,000 (inbound), $50 → $200 (other) per 1,000 rows; together "
        "$1,050 → $1,200\n"
        "\n"
        "@@ inbound  leads.py:7 @@\n"
        '+ lead_enrichment.return_fields.role: "Their role"\n'
        '- lead_enrichment.return_fields.title: "Job title"\n'
        "+ output role → value 'hook'\n"
        "- output title\n"
        "\n"
        "@@ other  leads.py:16 @@\n"
        '! find_email.mode: unset (default PROFESSIONAL) → "PERSONAL"\n'
        "+ output personal_email\n"
    )


def test_one_against_all(deployed, flow64):
    """If one side is one workflow, only its partner is compared."""
    code, printed, told = flow64("diff", "code:other", "prod", "--exit-code")

    assert (code, printed) == (0, "code:other: 1 equal\n")
    assert told == "other side: 1 other, not compared\n"


def test_a_faulty_workflow_is_compared(deployed, flow64):
    """A new error is the first thing that is said."""
    flow64("compile", "leads.py", "-o", "compiled")
    file = deployed.with_name("compiled") / "other.json"
    data = json.loads(file.read_text("utf-8"))
    data["workflow_definition"]["edges"].append(
        {"from_block_id": "nowhere", "to_block_id": "none"}
    )
    file.write_text(json.dumps(data), "utf-8")

    code, printed, _ = flow64("diff", "code:other", file, "--exit-code")

    assert code == 2
    assert printed.splitlines()[1].startswith("breaks ")


# -- Managed, and secret --------------------------------------------------------------


def test_fields_that_code_does_not_manage(deployed, edit, flow64):
    """They are no change, and are listed if something else changes."""
    edit("other", "prod", "find_email", tier="high")

    code, printed, _ = flow64("diff", "prod", "code", "--exit-code")
    change(deployed, (">> FindEmail()", ">> FindEmail(mode='PERSONAL')"))
    more = flow64("diff", "prod", "code")[1]

    assert (code, printed) == (0, "prod: 2 equal\n")
    assert "unmanaged  other: find_email.tier\n" in more


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["code"], "name two sides"),
        (["code", "stagign"], "did you mean 'staging'?"),
        (["code", "prod:none"], "no workflow 'none'"),
        (["code", "prod", "--env", "prd"], "there is no environment 'prd'"),
        (["missing.json", "prod"], "there is no file"),
        (["code", "prod", "--base", "main"], "--base"),
    ],
)
def test_mistakes(deployed, flow64, arguments, words):
    found = flow64("diff", *arguments)

    assert (found[0], found[1]) == (64, "")
    assert words in found[2]


# -- Branches --------------------------------------------------------------------------

LEADS = """
from fields import FIELDS
from flow64 import LEAD, Workflow
from flow64.blocks import LeadEnrichment, Webhook

flow = Webhook(LEAD) >> LeadEnrichment(return_fields=FIELDS)
inbound = Workflow("Inbound", flow, key="inbound")
"""


def git(*arguments):
    names = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *names, *arguments], check=True, capture_output=True)


@pytest.fixture
def branch(tmp_path, monkeypatch):
    """A repository whose branch asks for a field more than `main`."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q", "-b", "main")
    settings = '[tool.flow64]\nsource = "flows"\n'
    (tmp_path / "pyproject.toml").write_text(settings, "utf-8")
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "leads.py").write_text(LEADS, "utf-8")
    fields = tmp_path / "flows" / "fields.py"
    fields.write_text('FIELDS = {"title": "Job title"}', "utf-8")
    git("add", ".")
    git("commit", "-qm", "one")
    git("checkout", "-qb", "topic")
    fields.write_text('FIELDS = {"title": "Job title", "city": "City"}', "utf-8")
    git("commit", "-qam", "two")
    return tmp_path


ADDED = '+ lead_enrichment.return_fields.city: "City"'


def test_branch(branch, flow64):
    """What `main` got since the branch began is no change of the branch."""
    git("checkout", "-q", "main")
    (branch / "flows" / "more.py").write_text(LEADS.replace("inbound", "b"), "utf-8")
    git("add", ".")
    git("commit", "-qm", "three")
    git("checkout", "-q", "topic")

    code, printed, _ = flow64("diff", "--base", "main", "--exit-code")

    assert code == 2
    assert printed.startswith("main: 1 changed\n")
    assert f"@@ inbound  flows/leads.py:7 @@\n{ADDED}\n" in printed
    assert subprocess.run(
        ["git", "status", "--porcelain"], check=True, capture_output=True
    ).stdout in (b"", b"?? .flow64/\n")


def test_branch_by_compiled_json(branch, flow64):
    """If JSON is committed, no code runs, and no hook, filter or link is followed."""
    settings = (branch / "pyproject.toml").read_text("utf-8")
    (branch / "pyproject.toml").write_text(f'{settings}compiled = "compiled"\n')
    git("checkout", "-q", "main", "--", "flows")
    flow64("compile", "-o", "compiled")
    git("add", ".")
    git("commit", "-qm", "three")
    git("branch", "-f", "main")
    git("checkout", "-q", "HEAD~", "--", "flows")
    flow64("compile", "-o", "compiled")
    (branch / "compiled" / "link.json").symlink_to("/etc/passwd")
    git("add", ".")
    git("commit", "-qm", "four")
    (branch / ".git" / "hooks").mkdir(exist_ok=True)
    (branch / ".gitattributes").write_text("* filter=evil")
    git("config", "filter.evil.smudge", f"touch {branch / 'ran'}; cat")
    hook = branch / ".git" / "hooks" / "post-index-change"
    hook.write_text(f"#!/bin/sh\ntouch {branch / 'ran'}\n")
    hook.chmod(0o755)
    (branch / "flows" / "leads.py").write_text("raise SystemError", "utf-8")
    linked = flow64("diff", "--base", "main")
    git("rm", "-q", "--cached", "compiled/link.json")
    git("commit", "-qm", "five")

    hook.chmod(0o755)
    (branch / "ran").unlink(missing_ok=True)
    code, printed, _ = flow64("diff", "--base", "main", "--exit-code")

    assert "root:" not in linked[1] + linked[2]
    assert (code, ADDED in printed) == (2, True)
    assert "@@ inbound  compiled/inbound.json:1 @@" in printed
    assert not (branch / "ran").exists()


def test_branch_with_an_editable_install(branch, flow64, monkeypatch):
    """Code of the working tree would be compared with itself."""
    module = branch / "src" / "shared"
    module.mkdir(parents=True)
    (module / "__init__.py").write_text("FIELDS = {}", "utf-8")
    site = branch / "site"
    site.mkdir()
    install = f"import sys; sys.path.append({str(branch / 'src')!r})"
    (site / "sitecustomize.py").write_text(install, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.syspath_prepend(branch / "src")
    leads = (branch / "flows" / "leads.py").read_text("utf-8")
    (branch / "flows" / "leads.py").write_text(f"import shared\n{leads}", "utf-8")
    git("add", "flows", "src", "site")
    git("commit", "-qm", "three")
    git("branch", "-f", "main")

    code, _, told = flow64("diff", "--base", "main")

    assert code == 1
    assert "src/shared/__init__.py of the working tree was loaded in its place" in told
