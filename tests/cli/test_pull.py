"""`flow64 pull`: what is live becomes a folder of JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, cast

import pytest
from attrs import evolve

from flow64 import COMPANY, LEAD, Client, Project, RawBlock, Workflow, value
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.client import Terms
from flow64.emulator import Switches
from flow64.loading import load_source
from tests.service.support import leads as ours

SECRET = "https://example.com/hook?key=sk_live_not_a_real_key_SENTINEL"


@pytest.fixture
def put(service):
    """Put a workflow there as the web editor does, and give its id."""

    def putting(title, url="https://example.com/hook"):
        flow = (
            Webhook(LEAD, input_schema={"email": "string"})
            >> FindEmail()
            >> OutgoingWebhook(url=url)
        )
        definition = Workflow("w", flow, key="w").compile()
        with Client(journal=None) as client:
            made = client.workflows.create(evolve(definition, id=None, name=title))
        return made.id

    return putting


def test_all(put, service, flow64):
    """F19: each is a file, with GETs and nothing else."""
    ids = {put("Inbound"), put("Outbound")}
    service.requests.clear()

    code, printed, told = flow64("pull", "prod", "--all", "-o", "live")

    assert (code, printed.splitlines()) == (
        0,
        ["live/inbound.json", "live/outbound.json"],
    )
    assert told.endswith("\n2 workflows of prod written\n")
    assert {one.method for one in service.requests} == {"GET"}
    loaded = load_source("live", code=False)
    assert {one.workflow.id("prod") for one in loaded.workflows} == ids
    assert loaded.names == ["inbound", "outbound"]
    assert not loaded.is_whole
    assert all(one.stamp_in("prod") for one in loaded.workflows)


def test_errors_that_are_stored(service, flow64):
    """The manifest allows them, block by block, so the folder converges."""
    service.switches = Switches(check_row_kinds=False)
    flow = (
        Webhook(COMPANY)
        >> FindEmail(key="a")
        >> FindEmail(key="b", mode=cast("Any", "BUSINESS"))
        >> RawBlock("append_to_notebook")
    )
    live = Workflow("Contacts", flow, key="w")._lower(None, None).definition
    with Client(journal=None) as client:
        client.workflows.create(evolve(live, id=None))
    codes = ["missing-field", "row-kind-mismatch", "unknown-word"]

    code, printed, told = flow64("pull", "--all", "-o", "live", "--json")
    again = flow64("pull", "--all", "-o", "live", "--overwrite")

    assert (code, json.loads(printed)["workflows"][0]["allow"]) == (0, codes)
    words = "contacts.json: flow64.json allows what is stored there: "
    assert f"{words}{', '.join(codes)}\n" in told
    assert again[0] == 0
    manifest = json.loads(Path("live/flow64.json").read_text("utf-8"))
    blocks = manifest["files"]["contacts.json"]["blocks"]
    ids = [block.id for block in live.blocks]
    assert blocks == {
        ids[1]: {"key": f"find_email-{ids[1][:8]}", "allow": ["row-kind-mismatch"]},
        ids[2]: {"key": f"find_email-{ids[2][:8]}", "allow": ["unknown-word"]},
        ids[3]: {"key": "append_to_notebook", "allow": ["missing-field"]},
    }
    assert flow64("compile", "live", "-o", "compiled")[0] == 0
    code, printed, told = flow64("plan", "live", "--json")
    assert code == 0, told
    assert [step["action"] for step in json.loads(printed)["workflows"]] == ["stamp"]


@pytest.mark.parametrize("form", ["prod:{id}", "prod:id:{id}", "prod:inbound"])
def test_one(put, flow64, form):
    """By id or key."""
    workflow_id = put("Inbound")
    put("Outbound")

    code, printed, told = flow64("pull", form.format(id=workflow_id), "-o", "live")

    assert (code, printed) == (0, "live/inbound.json\n")
    assert told.endswith("\n1 workflow of prod written\n")


def test_which(put, flow64):
    """Without --all or an id there is a list to choose from."""
    workflow_id = put("Inbound\x1b[31m")

    code, printed, told = flow64("pull", "prod", "-o", "live")

    assert (code, printed) == (64, "")
    assert (
        f"say --all, or name one, as in prod:{workflow_id} (Inbound\\x1b[31m)" in told
    )
    assert "\x1b" not in told
    assert not Path("live").exists()


def test_nothing_there(service, flow64):
    """An environment without workflows says so; all of none is nothing."""
    assert "prod has no workflows" in flow64("pull", "prod", "-o", "live")[2]

    code, printed, told = flow64("pull", "prod", "--all", "-o", "live")

    assert (code, printed) == (0, "")
    assert told.endswith("\n0 workflows of prod written\n")
    assert not Path("live").exists()


def test_wrong_usage(service, flow64):
    """One and all exclude each other, and a folder is needed."""
    assert flow64("pull", "prod:x", "--all", "-o", "live")[0] == 64
    assert flow64("pull", "prod", "--all")[0] == 64
    assert flow64("pull", "prod", "--env", "qa", "--all", "-o", "live")[0] == 64


@pytest.mark.parametrize("given", [["--all"], [":inbound"]])
def test_environment_as_an_option(put, flow64, given):
    """As with every other command."""
    workflow_id = put("Inbound")

    code, _, told = flow64("pull", *given, "--env", "prod", "-o", "live")

    assert code == 0
    assert told.endswith("\n1 workflow of prod written\n")
    assert load_source("live").only.workflow.id("prod") == workflow_id


def test_not_there(put, flow64):
    """An unknown name is an error, with a suggestion."""
    put("Inbound")

    code, _, told = flow64("pull", "prod:inbond", "-o", "live")

    assert code == 64
    assert "inbond was not pulled: no workflow has this name (did you mean 'in" in told


@pytest.mark.parametrize("address", ["prod:inbound", "prod --all", "prod", "leads.py"])
def test_without_a_folder_nothing_is_sent(service, leads, flow64, address):
    """A missing `-o` is said before the service is asked."""
    before = len(service.requests)

    code, printed, told = flow64("pull", *address.split())

    missing = "error: --output: it is missing: name the folder to save it in, as in -o"
    assert (code, printed, service.requests[before:]) == (64, "", [])
    assert told.splitlines()[-1].startswith(missing)


def test_address_of_nothing(service, leads, flow64):
    """An address that names nothing is said with what it may have been."""
    flow64("deploy", "leads.py", "--env", "prod", "--yes")

    none = flow64("pull", "prod:inbond", "-o", "live")
    file = flow64("pull", "./leeds.py", "-o", "live")

    assert [none[:2], file[:2]] == [(64, "")] * 2
    assert "in prod there is no workflow 'inbond'" in none[2]
    assert "(did you mean 'inbound'?)" in none[2]
    assert "no file, folder or module './leeds.py' (did you mean 'leads.py'" in file[2]


def test_a_note_about_many_files_is_one_line(service, flow64, namespace):
    """It names the files as the result does."""
    project = Project("growth", namespace=namespace)
    flow = Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail()
    with Client(env="default") as client:
        for key in "abcde":
            Workflow(key, flow, key=key, project=project).deploy(client)

    code, printed, told = flow64("pull", "default", "--all", "-o", "live/all")
    choices = flow64("pull", "default", "-o", "live")

    assert (code, printed.split()[:2]) == (0, ["live/all/a.json", "live/all/b.json"])
    files = "5 files (live/all/a.json, live/all/b.json, live/all/c.json and 2 more)"
    assert told.splitlines()[-2:] == [
        "5 workflows of default written",
        f"{files}: deployed by the code of ns:{namespace}/project:growth",
    ]
    assert "say --all, or name one, as in default:a, default:b, default:c" in choices[2]


def test_nothing_is_overwritten(put, flow64):
    """Files that are there stay as they are, unless they are to be replaced."""
    put("Inbound")
    put("Outbound")
    flow64("pull", "prod", "--all", "-o", "live")
    file = Path("live/inbound.json")
    text = file.read_text("utf-8")
    file.write_text(text.replace("Inbound", "Mine"), "utf-8")

    code, _, told = flow64("pull", "prod", "--all", "-o", "live")

    assert code == 1
    assert (
        "live/inbound.json was not written: it is there already, with 1 other file"
        in told
    )
    assert "to replace files that are there, add --overwrite" in told
    assert "Mine" in file.read_text("utf-8")
    assert flow64("pull", "prod", "--all", "-o", "live", "--overwrite")[0] == 0
    assert file.read_text("utf-8") == text


def test_keys_become_values(put, flow64):
    """F26: what looks like a key is written and shown nowhere, and listed to be set."""
    put("Inbound", SECRET)

    code, printed, told = flow64("pull", "prod", "--all", "-o", "live")

    everything = "".join(path.read_text("utf-8") for path in Path("live").iterdir())
    assert code == 0
    assert "SENTINEL" not in printed + told + everything
    assert told.splitlines()[-2:] == [
        "  [tool.flow64.environments.prod.values]",
        '  inbound_outgoing_webhook_url = { env = "INBOUND_OUTGOING_WEBHOOK_URL" }',
    ]


def test_names_of_values_stay_apart(put, flow64):
    """A second workflow that would get the same name."""
    put("Inbound", SECRET)
    other = put("Inbound", SECRET)
    file = json.loads(flow64("pull", f"prod:{other}", "-o", "live", "--json")[1])
    (first,) = file["workflows"]

    code, printed, _ = flow64("pull", "prod", "--all", "-o", "live", "--overwrite")

    names = {
        value.name
        for one in load_source("live").workflows
        for block in one.workflow.compile().blocks
        for value in block.specs.values()
        if type(value).__name__ == "Value"
    }
    assert code == 0
    assert first["values"][0]["name"] in names
    assert len(names) == 2
    assert len(printed.splitlines()) == 2


def test_names_of_files_that_stay(put, flow64, tmp_path):
    """Names of values in other files of the folder are not reused."""
    one = put("Inbound", SECRET)
    flow64("pull", f"prod:{one}", "-o", "live")
    file = Path("live/inbound.json")
    named = file.read_text("utf-8").replace("inbound_outgoing", "outbound_outgoing")
    file.write_text(named, "utf-8")
    other = put("Outbound", SECRET)

    told = flow64("pull", f"prod:{other}", "-o", "live", "--json")[1]
    name = json.loads(told)["workflows"][0]["values"][0]["name"]

    assert name.startswith("outbound_outgoing_webhook_url_")
    file.write_text("[]", "utf-8")
    assert flow64("pull", f"prod:{other}", "-o", "live", "--overwrite")[0] == 0


def test_as_data(put, flow64):
    """With --json it is data."""
    workflow_id = put("Inbound")

    found = json.loads(flow64("pull", "prod", "--all", "-o", "live", "--json")[1])

    assert found == {
        "format_version": 1,
        "env": "prod",
        "folder": "live",
        "workflows": [
            {
                "file": "inbound.json",
                "workflow_id": workflow_id,
                "name": "Inbound",
                "stamp": None,
                "allow": [],
                "values": [],
            }
        ],
        "refused": [],
        "settings": [],
    }


def test_whose_code_is_elsewhere(service, flow64, namespace):
    """A workflow that code deployed is pulled too, with a note."""
    with Client(env="prod", journal=None) as client:
        ours().deploy(client)

    code, _, told = flow64("pull", "prod", "--all", "-o", "live")

    assert code == 0
    assert "live/leads.json: deployed by the code of ns:acme.example/" in told


def test_refused(put, flow64):
    """A workflow that cannot be saved is reported, and the rest is written."""
    put("Inbound")
    put("sk_live_not_a_real_key_SENTINEL")

    code, printed, told = flow64("pull", "prod", "--all", "-o", "live", "--json")

    found = json.loads(printed)
    assert code == 1
    assert "was not pulled: a text that looks like a key is outside the specs" in told
    assert [one["file"] for one in found["workflows"]] == ["inbound.json"]
    assert len(found["refused"]) == 1
    assert "SENTINEL" not in printed + told


def test_names_stay_in_the_folder(put, flow64):
    """I5: workflows with equal titles get different names."""
    for title in ("../../x", "/etc/x", "CON", "", "x" * 300, "Twin", "twin"):
        put(title)

    code, printed, _ = flow64("pull", "prod", "--all", "-o", "a/b/live")

    files = printed.splitlines()
    assert (code, len({file.casefold() for file in files})) == (0, 7)
    assert all(Path(file).resolve().parent.name == "live" for file in files)
    assert {path.parts[0] for path in Path().rglob("*.json")} == {"a"}


SETTINGS = """
[tool.flow64.environments.prod]
endpoint = "{endpoint}"
api_key = {{ env = "SIXTYFOUR_API_KEY" }}

[tool.flow64.environments.prod.values]
crm_hook = {{ env = "PROD_CRM_HOOK" }}
account = {{ region = "eu-central-1", tokens = [{{ env = "PROD_TOKEN" }}, "x"] }}
notebook = "nb_8f2c11d0"
"""
HOOK = "https://crm.example.com/hooks/SENTINEL"


@pytest.fixture
def prod(service, monkeypatch):
    """An environment with values from variables."""
    settings = SETTINGS.format(endpoint=service.url)
    Path("pyproject.toml").write_text(settings, "utf-8")
    monkeypatch.setenv("PROD_CRM_HOOK", HOOK)
    monkeypatch.setenv("PROD_TOKEN", "token-SENTINEL")
    return service


def test_values_of_the_environment_stay_values(put, prod, flow64):
    """F26: pulled, planned, deployed and replaced, a secret is in no file."""
    workflow_id = put("Inbound", HOOK)

    code, printed, told = flow64("pull", "prod:inbound", "-o", "live", "--json")
    (one,) = json.loads(printed)["workflows"]
    planned = json.loads(flow64("plan", "live", "--env", "prod", "--json")[1])
    deployed = flow64("deploy", "live", "--env", "prod", "--yes")
    Path("live/inbound.json").write_text(
        Path("live/inbound.json").read_text("utf-8").replace('"Inbound"', '"New"'),
        "utf-8",
    )
    again = flow64("deploy", "live", "--env", "prod", "--yes")

    assert (code, deployed[0], again[0]) == (0, 0, 0)
    (value,) = one["values"]
    assert (value["name"], value["is_set"]) == ("crm_hook", True)
    assert value["where"].endswith("at /url")
    assert (
        "texts that equal values of prod are values now:\n  crm_hook: live/inbound.json"
        in told
    )
    assert [(step["workflow_id"], step["state"]) for step in planned["workflows"]] == [
        (workflow_id, "converged")
    ]
    files = [path for path in Path().rglob("*") if path.is_file()]
    assert len([path for path in files if "history" in path.parts]) == 2
    told_of = [path for path in files if "SENTINEL" in path.read_text("utf-8")]
    assert told_of == []
    assert "SENTINEL" not in printed + told + "".join(map(str, (deployed, again)))
    assert HOOK in json.dumps(prod.edit(workflow_id, name="seen"))


def test_secret_inside_of_a_text_is_refused(put, prod, flow64):
    """Also a secret deep inside a value; its plain parts are not hidden."""
    put("Inbound", f"{HOOK}/more")
    put("Token", "https://example.com/token-SENTINEL")
    put("Region", "https://example.com/eu-central-1")

    code, printed, told = flow64("pull", "prod", "--all", "-o", "live")

    assert (code, printed) == (1, "live/region.json\n")
    places = "is part of /workflow_definition/blocks/2/specs/url"
    assert told.count(places) == 2
    text = "".join(path.read_text("utf-8") for path in Path("live").iterdir())
    assert "SENTINEL" not in printed + told + text


def test_variables_that_are_not_set(put, prod, flow64, monkeypatch):
    """Without them secrets cannot be recognised, so nothing is sent."""
    put("Inbound", HOOK)
    prod.requests.clear()
    for name in ("PROD_CRM_HOOK", "PROD_TOKEN"):
        monkeypatch.delenv(name)

    code, printed, told = flow64("pull", "prod", "--all", "-o", "live")

    assert (code, printed, prod.requests) == (1, "", [])
    assert (
        "values come from variables that are not set: crm_hook (PROD_CRM_HOOK), "
        "account (PROD_TOKEN); set them"
    ) in told
    assert not Path("live").exists()


@pytest.mark.skipif(os.name == "nt", reason="modes are those of POSIX")
def test_files_are_their_owners(put, flow64):
    """They may contain secrets, so only the owner can read them."""
    put("Inbound")
    for _ in range(2):
        flow64("pull", "prod", "--all", "-o", "live", "--overwrite")
        modes = {path.stat().st_mode & 0o777 for path in Path("live").iterdir()}
        assert modes == {0o600}
        for path in Path("live").iterdir():
            path.chmod(0o644)


def test_broken_manifest(put, flow64):
    """A manifest that cannot be read is not written over."""
    put("Inbound")
    Path("live").mkdir()
    Path("live/flow64.json").write_text("{}", "utf-8")

    code, _, told = flow64("pull", "prod", "--all", "-o", "live")

    assert (code, "it is not a manifest" in told) == (1, True)
    assert [path.name for path in Path("live").iterdir()] == ["flow64.json"]


def test_values_of_a_file_are_found_again(service, flow64, tmp_path):
    """Values of a deploy with a file are only recognised with this file."""
    hook = "https://crm.acme.example/hooks/quiet-otter-plum"
    code = Workflow(
        "Leads",
        Webhook(LEAD, input_schema={"company": "string"})
        >> OutgoingWebhook(url=value("hook", secret=True)),
        key="leads",
        project=Project("growth", namespace="acme.example"),
    )
    with Client(env="default") as client:
        code.deploy(client, values={"hook": hook})
    values = tmp_path / "values.json"
    values.write_text(json.dumps({"hook": hook}), "utf-8")

    plain = flow64("pull", "default", "--all", "-o", "plain")
    told = flow64("pull", "default", "--all", "-o", "told", "--values", str(values))

    assert (plain[0], told[0]) == (0, 0)
    assert "look for secrets before you share it" in plain[2]
    assert "look for secrets" not in told[2]
    (file,) = [path for path in Path("told").iterdir() if path.name != "flow64.json"]
    assert hook not in file.read_text("utf-8")
    assert '"flow64:value": "hook"' in file.read_text("utf-8")


@pytest.mark.parametrize("command", ["pull", "code"])
def test_suffix_of_an_environment_is_no_doubt(service, flow64, tmp_path, command):
    """A title with a suffix differs from the code, and nothing was edited."""
    tmp_path.joinpath("pyproject.toml").write_text(
        "[tool.flow64.environments.default]\n"
        'endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }\n'
        'api_key = { env = "SIXTYFOUR_API_KEY" }\n'
        'suffix = "(default)"\n',
        "utf-8",
    )
    growth = Project(f"suffix-{command}", namespace="acme.example")
    hook = OutgoingWebhook(url=value("hook", secret=True))
    plain = Workflow("A", Webhook(LEAD) >> FindEmail(), key="a", project=growth)
    secret = Workflow("B", Webhook(LEAD) >> hook, key="b", project=growth)
    url = "https://crm.acme.example/hooks/quiet-otter-plum"
    with Client(env="default", terms=Terms(suffix="(default)")) as client:
        plain.deploy(client)
        secret.deploy(client, values={"hook": url})

    end = ".py" if command == "code" else ""
    found = [flow64(command, f"default:{key}", "-o", f"{key}{end}") for key in "ab"]

    doubts = ["look for secrets before you share it" in told for *_, told in found]
    assert doubts == [False, True]
    assert [code for code, *_ in found] == [0, 0]
