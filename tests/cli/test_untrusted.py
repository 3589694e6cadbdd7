"""Untrusted JSON, read with the trusted manifest of its target branch."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from uuid import uuid4

import pytest

from flow64 import LEAD, Client, Workflow
from flow64.blocks import CATALOGUE, FindEmail, Webhook
from flow64.manifest import read_folder
from tests.service.support import specs_of

SECRET = "https://crm.acme.example/hooks/s3ntinel-of-a-secret"
PLAIN = "https://s3ntinel-that-is-no-secret.example/hook"
SHOWN = "https://shown.acme.example/hook"

SETTINGS = f"""
[tool.flow64.environments.prod]
endpoint = {{ env = "SIXTYFOUR_API_ENDPOINT" }}
api_key = {{ env = "SIXTYFOUR_API_KEY" }}
values.crm_hook = {{ env = "CRM_HOOK" }}
values.plain = "{PLAIN}"
values.shown = "{SHOWN}"
values.not_set = {{ env = "NEVER_SET" }}
"""

PIPELINES = """
from flow64 import LEAD, Project, Workflow, value
from flow64.blocks import FindEmail, LeadEnrichment, OutgoingWebhook, Webhook

growth = Project("growth", namespace="acme.example")
source = Webhook(LEAD, input_schema={"full_name": "string"})
inbound = Workflow(
    "Inbound",
    source >> FindEmail() >> OutgoingWebhook(url=value("crm_hook", secret=True)),
    key="inbound",
    project=growth,
)
other = Workflow(
    "Other",
    Webhook(LEAD, input_schema={"email": "string"})
    >> LeadEnrichment(return_fields={"title": "Job title"})
    >> OutgoingWebhook(url=value("shown")),
    key="other",
    project=growth,
)
"""


@pytest.fixture
def project(service, tmp_path, monkeypatch, namespace, flow64):
    """A branch with two deployed workflows, and a change of it in `head`."""
    monkeypatch.setenv("CRM_HOOK", SECRET)
    code = PIPELINES.replace('acme.example")', f'{namespace}")')
    (tmp_path / "pyproject.toml").write_text(SETTINGS, "utf-8")
    (tmp_path / "pipelines.py").write_text(code, "utf-8")
    assert flow64("compile", "pipelines.py", "-o", "base")[0] == 0
    assert flow64("compile", "pipelines.py", "-o", "head")[0] == 0
    assert flow64("deploy", "base", "--env", "prod", "--yes")[0] == 0
    service.requests.clear()
    return tmp_path


@pytest.fixture
def change(project):
    """Change the JSON of a file in `head`, or add one like it."""

    def changed(name, edit, *, of=None):
        data = json.loads((project / "head" / (of or name)).read_text("utf-8"))
        edit(data)
        (project / "head" / name).write_text(json.dumps(data), "utf-8")

    return changed


TRUSTED = ("--no-code", "--env", "prod", "--manifest", "base/flow64.json")


def ids(project):
    """The ids that the manifest of the branch makes, by the key."""
    found = read_folder(project / "base").workflows
    return {one.name: one.workflow.id("prod") for one in found}


def fetched(service):
    """The ids of the workflows that were asked for, and nothing was written."""
    assert {seen.method for seen in service.requests} <= {"GET"}
    paths = [seen.path.strip("/").split("/") for seen in service.requests]
    known = {("workflows",), ("workflows", "runs"), ("workflows", "schedules")}
    return {
        path[-1]
        for path in paths
        if path[0] == "workflows" and tuple(path[:2]) not in known
    }


def states(printed):
    return {step["key"]: step["state"] for step in json.loads(printed)["workflows"]}


# -- Whose ids are asked for -----------------------------------------------------------


def test_same(project, service, flow64):
    """Unchanged workflows have the fingerprints of the branch."""
    code, printed, _ = flow64("plan", "head", *TRUSTED, "--exit-code", "--json")

    assert code == 0
    assert states(printed) == {"inbound": "unchanged", "other": "unchanged"}
    assert fetched(service) == {*ids(project).values()}


def test_own_manifest_is_not_read(project, service, change, flow64):
    """Namespace, paths and pins come from the branch, not from the folder."""
    victim = str(uuid4())
    file = project / "head" / "flow64.json"
    data = json.loads(file.read_text("utf-8"))
    for entry in data["files"].values():
        entry["namespace"], entry["pins"] = "victim.example", {"prod": victim}
        entry["path"] = "workflow:victim"
    file.write_text(json.dumps(data), "utf-8")
    change("other.json", lambda data: specs_of(data, "lead_enrichment").update(x=1))

    code, printed, _ = flow64("plan", "head", *TRUSTED, "--json")

    assert (code, states(printed)) == (0, {"inbound": "unchanged", "other": "update"})
    assert fetched(service) == {*ids(project).values()}

    file.write_text("[" * 100_000, "utf-8")
    assert flow64("plan", "head", *TRUSTED)[0] == 0
    file.unlink()
    assert flow64("plan", "head", *TRUSTED)[0] == 0


def test_new(project, service, change, flow64):
    """A workflow that the branch does not have is new, and its id is not requested."""
    theirs = somebody_elses(service)
    change("mine.json", lambda data: data.update(id=theirs), of="inbound.json")

    code, printed, _ = flow64("plan", "head", *TRUSTED, "--json")

    step = next(one for one in json.loads(printed)["workflows"] if one["key"] == "mine")
    assert (code, step["state"], step["action"]) == (0, "new", "create")
    assert "nothing was asked about it" in printed
    assert fetched(service) == {*ids(project).values()}
    assert theirs not in printed


def somebody_elses(service):
    """The id of another workflow of the same organisation."""
    source = Webhook(LEAD, input_schema={"full_name": "string"})
    theirs = Workflow("Theirs", source >> FindEmail(), id=str(uuid4()))
    with Client(base_url=service.url, journal=None) as client:
        made = client.workflows.create(theirs.compile())
    service.requests.clear()
    return made.id


def test_key_of_another(project, service, flow64):
    """A name that would give the id of what is there is planned without a look."""
    (project / "base" / "other.json").unlink()
    file = project / "base" / "flow64.json"
    data = json.loads(file.read_text("utf-8"))
    del data["files"]["other.json"]
    theirs = ids_of(project / "head")["other"]
    file.write_text(json.dumps(data), "utf-8")

    code, printed, _ = flow64("plan", "head", *TRUSTED, "--json")

    assert (code, states(printed)) == (0, {"inbound": "unchanged", "other": "new"})
    assert "its key is not trusted, so it was not read" in printed
    assert theirs not in fetched(service)


def ids_of(folder):
    return {one.name: one.workflow.id("prod") for one in read_folder(folder).workflows}


def test_other_id(project, service, change, flow64):
    """An id that its entry does not make is refused, and not asked for."""
    change("other.json", lambda data: data.update(id=str(uuid4())))

    code, printed, told = flow64("plan", "head", *TRUSTED)

    assert (code, printed) == (1, "")
    assert "nothing is asked about that id" in told
    assert service.requests == []


def test_without_id(project, change, flow64):
    """A file that names no id has that of its entry."""
    change("other.json", lambda data: data.pop("id"))
    code, printed, _ = flow64("plan", "head", *TRUSTED, "--json")

    assert (code, states(printed)["other"]) == (0, "unchanged")


def test_gone(project, service, flow64):
    """A workflow that the change removes is an orphan."""
    (project / "head" / "other.json").unlink()
    code, printed, _ = flow64("plan", "head", *TRUSTED, "--json")

    assert (code, states(printed)) == (0, {"inbound": "unchanged", "other": "orphan"})
    assert fetched(service) == {*ids(project).values()}


def test_all_gone(project, flow64):
    """A folder that holds nothing any more leaves orphans alone."""
    for path in (project / "head").iterdir():
        path.unlink()
    code, printed, _ = flow64("plan", "head", *TRUSTED, "--json")

    assert (code, states(printed)) == (0, {"inbound": "orphan", "other": "orphan"})


def test_renamed(project, service, flow64):
    """A new one that is like an orphan may be a renamed one."""
    data = json.loads((project / "head" / "other.json").read_text("utf-8"))
    (project / "head" / "other.json").unlink()
    data["id"] = str(uuid4())
    (project / "head" / "better.json").write_text(json.dumps(data), "utf-8")

    code, printed, _ = flow64("plan", "head", *TRUSTED, "--json")

    rename = json.loads(printed)["renames"][0]
    assert code == 0
    assert (rename["key"], rename["orphan"], rename["was"]) == (
        "better",
        "other",
        "other",
    )
    assert fetched(service) == {*ids(project).values()}


def test_moved(project, service, flow64):
    """With `was=` a workflow keeps the id that the branch makes, in another file."""
    (project / "head" / "other.json").rename(project / "head" / "better.json")
    code, printed, told = flow64("plan", "head", *TRUSTED, "--json")

    assert (code, states(printed)["other"]) == (0, "unchanged")
    assert "better.json has the id of other.json" in told
    assert fetched(service) == {*ids(project).values()}


def test_taken(project, service, change, flow64):
    """A new file cannot take the place of a workflow by its name."""
    manifest = project / "base" / "flow64.json"
    manifest.write_text(
        manifest.read_text("utf-8").replace('"other.json"', '"first.json"'), "utf-8"
    )
    (project / "base" / "other.json").rename(project / "base" / "first.json")
    change("first.json", lambda data: None, of="other.json")

    code, _, told = flow64("plan", "head", *TRUSTED)

    assert (code, "by its name it would be the workflow of" in told) == (1, True)
    assert service.requests == []


def test_variant(project, change, flow64):
    """The name of a file gives a variant too; one that gives no key is a key."""
    change("mine@us.json", lambda data: None, of="inbound.json")
    change("flow64@@0123.json", lambda data: None, of="inbound.json")
    _, printed, _ = flow64("plan", "head", *TRUSTED, "--json")

    assert {"mine/us", "flow64@@0123"} <= states(printed).keys()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("head", "--manifest", "base/flow64.json"), "add --no-code"),
        (("head/other.json", "--no-code", "--manifest", "base/flow64.json"), "folder"),
        (("--no-code", "--manifest", "base/flow64.json"), "a folder of JSON"),
        (("head", *TRUSTED, "-o", "plan.json"), "is only for reading"),
        (("head", "--no-code", "--manifest", "base/none.json"), "does not exist"),
    ],
)
def test_usage(project, service, arguments, problem, flow64):
    code, _, told = flow64("plan", *arguments)

    assert (code, problem in told, service.requests) == (64, True, [])


def test_no_manifest(project, service, flow64):
    """Any other file is not a manifest."""
    arguments = ("--no-code", "--env", "prod", "--manifest", "base/other.json")
    code, _, told = flow64("plan", "head", *arguments)

    assert (code, "name the flow64.json of the trusted" in told) == (1, True)
    assert service.requests == []


def test_review(project, service, change, flow64):
    """A review reads by the same rules, and names files as the branch does."""
    change("other.json", lambda data: specs_of(data, "lead_enrichment").update(x=1))
    code, printed, _ = flow64("review", "head", *TRUSTED, "--format", "markdown")

    assert code == 0
    assert "`base/other.json`" in printed
    assert fetched(service) == {*ids(project).values()}


def test_offline_review(project, service, flow64):
    """Two folders are compared with the head read by those rules, too."""
    (project / "head" / "flow64.json").write_text("{", "utf-8")
    folders = ("--base", "base", "--head", "head")
    code, printed, _ = flow64("review", *folders, "--manifest", "base/flow64.json")

    assert (code, printed.startswith("what changes: nothing")) == (0, True)
    assert service.requests == []


# -- Folders that mean ill -------------------------------------------------------------


def link(folder):
    (folder / "link.json").symlink_to(folder.parent / "pyproject.toml")


def link_to_folder(folder):
    (folder / "link").symlink_to(folder.parent)


def large(folder):
    with (folder / "large.json").open("wb") as file:
        file.truncate(300 * 2**20)


def large_together(folder):
    for number in range(3):
        with (folder / f"{number}.json").open("wb") as file:
            file.truncate(30 * 2**20)


def many(folder):
    for number in range(5_000):
        os.mkdir(folder / str(number))  # noqa: PTH102 - of thousands


def line_break(folder):
    (folder / "a\n::error::b.json").write_text("{}", "utf-8")


def no_text(folder):
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.json")).write_text("{}", "utf-8")


def pipe(folder):
    os.mkfifo(folder / "pipe.json")


def many_values(folder):
    text = '{"a":[' + "1," * 15_000_000 + "1]}"
    (folder / "many.json").write_text(text, "utf-8")


def many_edges(folder):
    edge = {"from_block_id": "a", "to_block_id": "b"}
    graph = {"blocks": [], "edges": [edge] * 50_001}
    data = {"workflow_name": "x", "workflow_definition": graph}
    (folder / "many.json").write_text(json.dumps(data), "utf-8")


def many_values_together(folder):
    for number in range(3):
        text = '{"a":[' + "1," * 400_000 + "1]}"
        (folder / f"{number}.json").write_text(text, "utf-8")


def deep(folder):
    (folder / "deep.json").write_text("[" * 100_000, "utf-8")


def no_json(folder):
    (folder / "no.json").write_bytes(b"\x1f\x8b" * 10)


def no_workflow(folder):
    (folder / "no.json").write_text('{"a": 1e999}', "utf-8")


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (link, "it is a link, which is not followed"),
        (link_to_folder, "it is a link, which is not followed"),
        (large, "it is larger than 32 MiB"),
        (large_together, "its files are larger than 64 MiB together"),
        (many, "it holds more than 5,000 files"),
        (many_values, "its files hold more than 1,000,000 JSON values together"),
        (many_values_together, "hold more than 1,000,000 JSON values together"),
        (many_edges, "it has 50,001 edges, and at most 50,000 are read"),
        (line_break, "its name has invisible characters"),
        (no_text, "its name has invisible characters"),
        (pipe, "it is not a plain file"),
        (deep, "nests deeper than"),
        (no_json, "no.json"),
        (no_workflow, "no.json"),
    ],
)
def test_hostile(project, service, make, problem, flow64):
    """Refused at once, with the limit; nothing is asked, and nothing is shown."""
    make(project / "head")
    began = time.monotonic()
    code, printed, told = flow64("plan", "head", *TRUSTED)

    assert (code, printed, service.requests) == (1, "", [])
    assert problem in told
    assert "\n::" not in told
    assert "values.plain" not in told
    assert time.monotonic() - began < 2


def test_folder_is_a_link(project, service, flow64):
    (project / "link").symlink_to(project / "head")

    assert flow64("plan", "link", *TRUSTED)[0] == 1
    assert service.requests == []


def test_unreadable(project, service, flow64, monkeypatch):
    """A file that goes while it is read is refused as well."""

    def gone(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("flow64.loading._untrusted.content_of", gone)
    code, _, told = flow64("plan", "head", *TRUSTED)

    assert (code, "it cannot be read: Permission denied" in told) == (1, True)


def test_what_else_is_there(project, flow64):
    """Other files, and folders, are left alone; code is not run."""
    (project / "head" / "canary.py").write_text("raise SystemExit('run')", "utf-8")
    (project / "head" / ".hidden.json").write_text("{", "utf-8")
    (project / "head" / "inner").mkdir()
    (project / "head" / "inner" / "a.json").write_text("{", "utf-8")
    (project / "head" / ".git").mkdir()
    (project / "head" / ".git" / "config").write_text("[core]\nbad", "utf-8")

    assert flow64("plan", "head", *TRUSTED, "--exit-code")[0] == 0


# -- Values ----------------------------------------------------------------------------

FORMATS = [
    ("plan", "head", *TRUSTED),
    ("plan", "head", *TRUSTED, "--json"),
    *(
        ("review", "head", *TRUSTED, "--format", form)
        for form in ("text", "markdown", "json", "html")
    ),
]


def told_by_all(flow64):
    """The output of all forms of a plan, on stdout and stderr."""
    found = [flow64(*arguments) for arguments in FORMATS]
    return {code for code, _, _ in found}, "".join(a + b for _, a, b in found)


def sentinels(told):
    """The values in a text that must not be there."""
    parts = (SECRET, PLAIN, "s3ntinel", json.dumps(SECRET)[1:-1])
    return [part for part in parts if part in told]


def value(name):
    return {"flow64:value": name}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["crm_hook", "plain"])
@pytest.mark.parametrize("is_new", [False, True])
def test_values_in_any_place(project, change, name, is_new, flow64):
    """A value is not shown, in any place that names it."""

    def spread(data):
        graph = data["workflow_definition"]
        for number, (kind, block) in enumerate(sorted(CATALOGUE.items())):
            fields = block.spec_names or ("anything",)
            graph["blocks"].append(
                {
                    "block_id": str(uuid4()),
                    "sequence_number": 10 + number,
                    "block_type": "",
                    "block_name": kind,
                    "specs": {field: value(name) for field in fields},
                }
            )
        specs_of(data, "lead_enrichment")["return_fields"] = value(name)
        specs_of(data, "lead_enrichment")["list"] = [value(name), {"a": value(name)}]

    change("mine.json" if is_new else "other.json", spread, of="other.json")
    codes, told = told_by_all(flow64)

    assert (codes, sentinels(told)) == ({0}, [])
    assert told.count(name) > 10


def test_value_in_place_of_a_shown_one(project, change, flow64):
    """A value that the branch shows is shown, and one put into its place is not."""

    def put(url):
        change(
            "other.json",
            lambda data: specs_of(data, "outgoing_webhook").update(url=url),
        )
        return told_by_all(flow64)

    codes, told = put("https://x.example")
    assert (codes, sentinels(told)) == ({0}, [])
    assert SHOWN in told

    codes, told = put(value("crm_hook"))
    assert (codes, sentinels(told)) == ({0}, [])
    assert "crm_hook" in told


def test_literal_in_place_of_a_secret(project, change, flow64):
    """A live secret is not shown when a change puts text in its place."""
    change(
        "inbound.json",
        lambda data: specs_of(data, "outgoing_webhook").update(url="https://x.example"),
    )
    codes, told = told_by_all(flow64)

    assert (codes, sentinels(told)) == ({0}, [])
    assert "https://x.example" in told


@pytest.mark.parametrize("form", ["text", "markdown", "json", "html"])
def test_literal_in_place_of_a_secret_in_a_review(project, change, flow64, form):
    """The new text of the change is shown in each format."""
    change(
        "inbound.json",
        lambda data: specs_of(data, "outgoing_webhook").update(
            url="https://evil.example/x"
        ),
    )
    code, printed, _ = flow64("review", "head", *TRUSTED, "--format", form)

    assert (code, sentinels(printed)) == (0, [])
    assert "https://evil.example/x" in printed
    assert "posts to https://evil.example" in printed
    assert "nothing differs" not in printed


def test_secret_taken_out(project, change, flow64):
    """It is also hidden if the field, or the whole block, is removed."""
    change(
        "inbound.json",
        lambda data: specs_of(data, "outgoing_webhook").pop("url"),
    )
    assert sentinels(told_by_all(flow64)[1]) == []

    def without(data):
        graph = data["workflow_definition"]
        last = graph["blocks"].pop()
        assert last["block_name"] == "outgoing_webhook"
        graph["edges"] = [
            edge for edge in graph["edges"] if edge["to_block_id"] != last["block_id"]
        ]

    change("inbound.json", without)
    assert sentinels(told_by_all(flow64)[1]) == []


def test_secret_that_was_changed(project, change, flow64, monkeypatch):
    """An older secret, which no value is any more, is masked by its place."""
    monkeypatch.setenv("CRM_HOOK", "https://crm.acme.example/hooks/a-new-one")
    change(
        "inbound.json",
        lambda data: specs_of(data, "outgoing_webhook").update(url="https://x.example"),
    )
    codes, told = told_by_all(flow64)

    assert (codes, sentinels(told)) == ({0}, [])
    assert "a-new-one" not in told


def test_secret_elsewhere(project, service, change, flow64):
    """A secret in another place on the service is masked there."""
    inbound, other = ids(project)["inbound"], ids(project)["other"]
    service.edit(inbound, name=f"See {SECRET}")
    service.edit(other, name=f"See {PLAIN}")
    codes, told = told_by_all(flow64)

    assert (codes, sentinels(told)) == ({0}, [])
    assert "drifted" in told


def test_orphan(project, service, flow64):
    """It is also masked in workflows that the change removes."""
    (project / "head" / "other.json").unlink()
    service.edit(ids(project)["other"], name=f"See {SECRET}")
    codes, told = told_by_all(flow64)

    assert (codes, sentinels(told)) == ({0}, [])
    assert "orphan" in told


def test_base_of_an_edit(project, service, change, flow64):
    """What was deployed last is taken from the branch, and never from the change.

    Else a copy of it with a text in the place of the secret would show that.
    """

    def plainly(data):
        specs_of(data, "outgoing_webhook")["url"] = value("crm_hook")

    (project / "head" / "deep").mkdir()
    change("deep/copy.json", plainly, of="inbound.json")
    change(
        "inbound.json",
        lambda data: specs_of(data, "outgoing_webhook").update(url="https://x.example"),
    )
    newer = project / "base" / "inbound.json"  # than what is deployed
    data = json.loads(newer.read_text("utf-8"))
    specs_of(data, "outgoing_webhook")["timeout_seconds"] = 9
    newer.write_text(json.dumps(data), "utf-8")
    specs_of(data, "outgoing_webhook")["url"] = "https://elsewhere.example"
    graph = data["workflow_definition"]
    service.edit(ids(project)["inbound"], definition=graph)
    codes, told = told_by_all(flow64)

    assert (codes, sentinels(told)) == ({0}, [])
    assert "conflict" in told


def test_unknown_value(project, change, flow64):
    """A value that the environment has not is named."""
    change(
        "other.json",
        lambda data: specs_of(data, "outgoing_webhook").update(url=value("nobody")),
    )
    code, printed, told = flow64("plan", "head", *TRUSTED)

    assert (code, printed) == (1, "")
    assert "nobody" in told


def test_value_that_is_not_set(project, change, flow64):
    """A value with an unset variable is named, and no other one is read."""
    change(
        "other.json",
        lambda data: specs_of(data, "outgoing_webhook").update(url=value("not_set")),
    )
    codes, told = told_by_all(flow64)

    assert (codes, sentinels(told)) == ({1}, [])
    assert "NEVER_SET" in told
