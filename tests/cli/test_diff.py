"""`flow64 diff`: code, files and what is live, in any combination, and branches."""

from __future__ import annotations

import shutil

import pytest
from attrs import evolve

from flow64 import Client
from flow64.definition import FrozenDict
from flow64.environments import load as load_settings
from flow64.environments import open_client
from flow64.loading import load_source
from tests.cli.pipelines import OF_LEADS, SUFFIX, commit_all, git, settings

VALUES = 'values.notebook = "notebook of {0}"\nvalues.hook = {{ env = "{0}_HOOK" }}'
SETTINGS = settings(
    OF_LEADS, staging=[SUFFIX, VALUES.format("STAGING")], prod=[VALUES.format("PROD")]
)

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


@pytest.fixture
def code(leads, namespace, monkeypatch):
    """Two workflows that differ by environment, one with a secret."""
    for env in ("STAGING", "PROD"):
        monkeypatch.setenv(f"{env}_HOOK", f"https://crm.example.com/hooks/{env}")
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


# -- What is the same -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("leads:inbound", "code:inbound"),
        ("prod", "code"),
        ("staging", "code"),
        ("code:inbound", "staging:inbound"),
        ("prod:other", "staging:other"),
        ("compiled", "code"),
        ("compiled/other.json", "staging:other"),
    ],
)
def test_nothing_differs(deployed, flow64, before, after):
    """The same code is equal to what is live, despite values of environments."""
    flow64("compile", "leads.py", "-o", "compiled")

    code, printed, _ = flow64("diff", before, after, "--exit-code")

    assert (code, printed.endswith(" equal\n")) == (0, True)


def test_another_project_is_a_change(code, flow64):
    """Even if the ids of blocks stay: it would be a second workflow."""
    ours = """from flow64 import LEAD, Project, Workflow
from flow64.blocks import Webhook

webhook = Webhook(LEAD, id="11111111-1111-4111-8111-111111111111")
home = Project("growth", namespace="acme.example")
inbound = Workflow("Inbound", webhook, key="inbound", project=home)
"""
    files = code.with_name("old.py"), code.with_name("new.py")
    for file, name in zip(files, ("growth", "sales"), strict=True):
        file.write_text(ours.replace("growth", name), "utf-8")

    status, printed, _ = flow64("diff", *files, "--exit-code")

    assert (status, printed.splitlines()[0].endswith(": 1 changed")) == (2, True)
    assert 'was="acme.example/growth"' in printed


# -- Managed, and secret --------------------------------------------------------------


def test_new_schedule_is_in_the_first_lines(code, flow64):
    """It buys runs. Below, it may be cut; one that stays or is paused is no news."""
    daily, often = 'Schedule("daily", "0 1 * * *")', 'Schedule("often", "* * * * *")'
    off = 'Schedule("off", "0 2 * * *", active=False)'
    files = code.with_name("old.py"), code.with_name("new.py")
    for file, listed in zip(files, (daily, f"{daily}, {often}, {off}"), strict=True):
        text = code.read_text("utf-8").replace("import LEAD", "import LEAD, Schedule")
        text = text.replace('key="other"', f'key="other", schedules=[{listed}]')
        file.write_text(text, "utf-8")

    printed = flow64("diff", *files)[1]

    lines = [line for line in printed.splitlines() if line.startswith("spends")]
    assert lines == ["spends  other: schedule often (* * * * * UTC)"]


def test_fields_that_code_does_not_manage(deployed, flow64):
    """They are no change, and are listed if something else changes."""
    workflow = load_source("leads.py:other").only.workflow
    with Client(journal=None) as client:
        live = client.workflows.get(workflow.id("prod"))
        first, find = live.definition.blocks
        specs = FrozenDict({**find.specs, "tier": "high"})
        blocks = (first, find._replace(specs=specs))
        edited = evolve(live.definition, blocks=blocks, description=live.description)
        client.workflows.update(live.id, edited)

    code, printed, _ = flow64("diff", "prod", "code", "--exit-code")
    text = deployed.read_text("utf-8")
    deployed.write_text(text.replace("FindEmail()", "FindEmail(mode='PERSONAL')"))
    more = flow64("diff", "prod", "code")[1]

    assert (code, printed) == (0, "prod → code: 2 equal\n")
    assert "unmanaged  other: find_email.tier\n" in more


# -- Branches --------------------------------------------------------------------------

LEADS = """
from fields import FIELDS
from flow64 import LEAD, Workflow
from flow64.blocks import LeadEnrichment, Webhook

flow = Webhook(LEAD) >> LeadEnrichment(return_fields=FIELDS)
inbound = Workflow("Inbound", flow, key="inbound")
"""


@pytest.fixture
def branch(tmp_path, monkeypatch):
    """A repository whose branch asks for a field more than `main`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[tool.flow64]\nsource = "flows"\n')
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "leads.py").write_text(LEADS, "utf-8")
    fields = tmp_path / "flows" / "fields.py"
    fields.write_text('FIELDS = {"title": "Job title"}', "utf-8")
    commit_all()
    git("checkout", "-qb", "topic")
    fields.write_text('FIELDS = {"title": "Job title", "city": "City"}', "utf-8")
    git("commit", "-qam", "two")
    return tmp_path


ADDED = '+ lead_enrichment.return_fields.city: "City"'


def test_branch(branch, flow64):
    """What `main` got since the branch began is no change of the branch."""
    git("checkout", "-q", "main")
    (branch / "flows" / "more.py").write_text(LEADS.replace("inbound", "b"), "utf-8")
    commit_all()
    git("checkout", "-q", "topic")

    code, printed, _ = flow64("diff", "--base", "main", "--exit-code")

    assert code == 2
    assert printed.startswith("main → working tree: 1 changed\n")
    assert f"@@ inbound  flows/leads.py:7 @@\n{ADDED}\n" in printed


def test_branch_that_renames(branch, flow64):
    """What keeps the ids is printed; with it nothing but the field changes."""
    code = branch / "flows" / "leads.py"
    text = code.read_text("utf-8")
    code.write_text(text.replace('key="inbound"', 'key="new"'), "utf-8")
    lost = flow64("diff", "--base", "main")[1]
    code.write_text(text.replace('key="inbound"', 'key="new", was="inbound"'), "utf-8")
    kept = flow64("diff", "--base", "main")[1]
    code.with_name("fields.py").write_text('FIELDS = {"title": "Job title"}', "utf-8")
    alone = flow64("diff", "--base", "main")[1]

    assert 'to keep ids  new: was="inbound" in workflow new' in lost
    assert "@@ new: new, perhaps renamed" in lost
    assert f"@@ new (was inbound)  flows/leads.py:7 @@\n{ADDED}\n" in kept
    assert alone == "main → working tree: 1 equal\n"


def test_branch_that_moves_or_begins_a_project(branch, flow64, monkeypatch):
    """The folder is new. Its project was above, or there was none."""
    (branch / "new").mkdir()
    for name in ("pyproject.toml", "flows"):
        (branch / name).rename(branch / "new" / name)
    monkeypatch.chdir(branch / "new")
    moved = flow64("diff", "--base", "main")[1]
    git("update-ref", "-d", "HEAD")
    git("rm", "-rq", "--cached", ":/")
    git("commit", "-q", "--allow-empty", "-m", "nothing")
    git("branch", "-f", "main")
    first = flow64("diff", "--base", "main")[1]

    heads = [text.splitlines()[0] for text in (moved, first)]
    assert heads == [f"main → working tree: 1 {word}" for word in ("changed", "new")]


def test_branch_with_rows(branch, flow64, people, service):
    """The workflow that ran is found in the environment, whatever its id is there."""
    text = settings('source = "flows"', prod=['was = "old"'])
    (branch / "pyproject.toml").write_text(text, "utf-8")
    git("checkout", "-q", "main")
    flow64("deploy", "-e", "prod", "--yes")
    flow64("run", "inbound", people, "-e", "prod", "--yes")
    git("checkout", "-q", "topic")
    start = len(service.requests)

    rows = ("--rows", "latest", "-e", "prod")
    code, printed, _ = flow64("diff", "--base", "main", *rows)

    assert code == 0
    assert printed.endswith("  lead_enrichment: 2 look-ups, at most $0.20\n")
    assert {seen.method for seen in service.requests[start:]} == {"GET"}


def test_branch_that_changes_settings(branch, flow64):
    """They decide what a deploy sends, where to, and what it seems to cost."""
    (branch / "flows" / "fields.py").write_text('FIELDS = {"title": "Job title"}')
    with (branch / "pyproject.toml").open("a") as settings:
        settings.write("prices = { find_email = 0 }\n[tool.flow64.environments.prod]\n")
        settings.write('endpoint = "https://evil.example"\napi_key = { env = "K" }\n')

    code, printed, _ = flow64("diff", "--base", "main", "--exit-code")

    names = (
        "prices.find_email, environments.prod.endpoint, environments.prod.api_key.env"
    )
    assert (code, names in printed.splitlines()[1]) == (2, True), printed


def test_branch_by_a_folder_without_json(branch, flow64):
    """A path of code is refused; it would seem that nothing differs."""
    code, printed, message = flow64("diff", "--base", "main", "flows/leads.py")
    misspelled = flow64("diff", "--base", "mainx")

    assert (code, printed) == (64, "")
    assert "flows/leads.py" in message
    assert (misspelled[0], "'main'" in misspelled[2]) == (64, True)


def test_branch_by_compiled_json(branch, flow64):
    """If JSON is committed, no code runs, and no hook, filter or link is followed."""
    settings = (branch / "pyproject.toml").read_text("utf-8")
    (branch / "pyproject.toml").write_text(f'{settings}compiled = "compiled"\n')
    git("checkout", "-q", "main", "--", "flows")
    flow64("compile", "-o", "compiled")
    commit_all()
    git("branch", "-f", "main")
    git("checkout", "-q", "HEAD~", "--", "flows")
    flow64("compile", "-o", "compiled")
    (branch / "compiled" / "link.json").symlink_to("/etc/passwd")
    commit_all()
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

    (branch / "ran").unlink(missing_ok=True)
    code, printed, _ = flow64("diff", "--base", "main", "--exit-code")

    assert "root:" not in linked[1] + linked[2]
    assert (code, ADDED in printed) == (2, True)
    assert printed.startswith("main → HEAD: 1 changed\n")
    assert "@@ inbound  compiled/inbound.json:1 @@" in printed
    assert not (branch / "ran").exists()


def test_branch_whose_folder_became_a_link(branch, flow64):
    """Else both sides would be read where it leads, and be equal."""
    flow64("compile", "-o", "compiled")
    shutil.copytree("compiled", "other")
    commit_all()
    git("branch", "-f", "main")
    shutil.rmtree("compiled")
    (branch / "compiled").symlink_to("other")
    commit_all()

    code, printed, _ = flow64("diff", "--base", "main", "compiled", "--no-code")

    assert (code, printed.splitlines()[0]) == (0, "main → HEAD: 1 removed")


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
