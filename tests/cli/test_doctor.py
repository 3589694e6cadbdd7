"""`flow64 doctor`: what is set up and answered, as a report that can be shared."""

from __future__ import annotations

import json
import os
import re
import socket
from uuid import uuid4

import pytest

from flow64 import Client, Project, Workflow
from flow64.api import Session
from flow64.blocks import FindEmail, Webhook
from flow64.doctor import examine
from flow64.dsl import LEAD
from flow64.emulator import Fault, Switches

SENTINEL = "SENTINEL"


@pytest.fixture(autouse=True)
def plain(monkeypatch, tmp_path):
    """No variable of this machine takes part."""
    for name in (*os.environ,):
        if name.upper().endswith("_PROXY") or name.startswith("SSL_CERT"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("FLOW64_HISTORY", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def pyproject(tmp_path):
    def write(**environment):
        if not any(key.startswith(("api_key", "oauth")) for key in environment):
            environment["api_key"] = {"env": "SIXTYFOUR_API_KEY"}
            environment["endpoint"] = {"env": "SIXTYFOUR_API_ENDPOINT"}
        lines = [f"{key} = {json.dumps(value)}" for key, value in environment.items()]
        text = "\n".join(["[tool.flow64.environments.prod]", *lines])
        text = text.replace('{"env": ', "{ env = ")
        (tmp_path / "pyproject.toml").write_text(text, "utf-8")

    return write


def deployed(name=SENTINEL):
    workflow = Workflow(
        name,
        Webhook(LEAD) >> FindEmail(),
        key="sentinel-key",
        project=Project(
            "sentinel-project", namespace=f"sentinel-{uuid4().hex}.example"
        ),
        description=f"{SENTINEL} ada@sentinel.example",
    )
    with Client(journal=None) as client:
        client.deploy(workflow)
        client.run(workflow, [{"email": "row@sentinel.example"}], intent="i").wait(
            every=0.01
        )
        return workflow.id(), client.workflows.list()[0].org_id


def report(flow64, *options):
    code, printed, told = flow64("doctor", "--json", *options)
    return code, json.loads(printed), told


def test_well(service, flow64):
    """A good setup is reported as such, with a verdict on each assumption."""
    code, found, told = report(flow64)

    assert (code, found["problems"]) == (0, [])
    assert told.splitlines()[-1] == "nothing is wrong"
    assert found["credential"] == "accepted"
    assert found["credits"] == 1_000_000
    assert abs(found["skew"]) <= 2
    assert found["versions"].keys() == {"flow64", "python", "system"}
    assert found["endpoint"].startswith("127.0.0.1:")
    assert {one["verdict"] for one in found["assumptions"]} == {
        "confirmed",
        "not seen",
    }


def test_text(service, flow64):
    """As text it has the same, line by line."""
    code, printed, _ = flow64("doctor")

    lines = printed.splitlines()
    assert code == 0
    assert "credential  it is accepted" in lines
    assert "balance     1,000,000.00 credits" in lines
    assert "variables   set: SIXTYFOUR_API_ENDPOINT, SIXTYFOUR_API_KEY" in lines
    assert "            GET /workflows · 200" in lines
    confirmed = [line for line in lines if line.startswith("  confirmed    D  ")]
    assert confirmed[0].endswith(
        "missing-workflow: A workflow that does not exist answers 404."
    )


def test_reads_alone(service, flow64):
    """Nothing is written or started: all that the emulator was asked are reads."""
    deployed()
    before = service_state()

    report(flow64)

    assert service_state() == before


def service_state():
    with Client(journal=None) as client:
        workflows = [(one.id, one.updated_at) for one in client.workflows.list()]
        return workflows, [one.job_id for one in client.runs.list()]


def test_methods(service, flow64, monkeypatch):
    """All requests are GET, without a body."""
    sent = []

    exchange = Session.exchange

    async def record(self, request):
        sent.append((request.method, request.body, request.form))
        return await exchange(self, request)

    monkeypatch.setattr(Session, "exchange", record)

    assert report(flow64)[0] == 0
    assert len(sent) == 13
    assert {*sent} == {("GET", None, None)}


def test_shared(service, flow64, monkeypatch, tmp_path, pyproject):
    """No form of the report has secrets or private data."""
    key = os.environ["SIXTYFOUR_API_KEY"]
    workflow_id, org_id = deployed()
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{SENTINEL}@proxy.example:8080")
    monkeypatch.setenv("FLOW64_ANYTHING", SENTINEL)
    monkeypatch.setenv("HOOK", f"https://hooks.example/{SENTINEL}")
    pyproject(org_id="org_of_somebody_else", **{"values.hook": {"env": "HOOK"}})

    told = ""
    for options in ([], ["--json"], ["-o", "report.txt"], ["--json", "-o", "r.json"]):
        told += "".join(map(str, flow64("doctor", *options)))
    told += (tmp_path / "report.txt").read_text("utf-8")
    told += (tmp_path / "r.json").read_text("utf-8")

    for secret in (
        *(key, workflow_id, org_id, SENTINEL, "sentinel", "sentinel-key"),
        *("somebody_else", "ada@", "row@", "user:", str(tmp_path)),
    ):
        assert secret not in told
    assert "proxy.example" in told
    assert "org_of_s…" in told
    assert "FLOW64_ANYTHING" in told
    assert '"HOOK": true' in told


@pytest.mark.parametrize("expected", [True, False])
def test_organisation(expected, service, flow64, pyproject):
    """The organisation of the key is compared with the expected one."""
    _, org_id = deployed()
    pyproject(org_id=org_id if expected else "org_of_prod_1")

    done, found, _ = report(flow64)

    assert (done, found["is_expected"]) == (0 if expected else 1, expected)
    assert found["organisations"] == [f"{org_id[:8]}…"]
    problems = "".join(found["problems"])
    assert ("org_of…" in problems) == (not expected)
    printed = flow64("doctor")[1]
    assert f"{org_id[:8]}… ({'the' if expected else 'not the'} expected" in printed


def test_contradicted(service, flow64):
    """A contradiction is reported first, and is nothing wrong with the setup."""
    service.switches = Switches(fill_defaults=True)
    deployed()

    code, printed, _ = flow64("doctor")

    lines = printed.splitlines()
    first = lines[lines.index("assumptions") + 1]
    assert code == 0
    assert first.startswith("  contradicted U   spec-defaults: Saving writes no defa")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "the credential: it is refused (401): missing, wrong, or expired"),
        (403, "the credential: it is accepted, but may not do this (403)"),
        (429, "the credential: there were too many requests (429)"),
        (
            503,
            "the credential: the answer is not from the service (it answered 503)",
        ),
    ],
)
def test_not_accepted(status, said, service, flow64):
    """The state of the key is explained."""
    service.faults.add(Fault("status_before", status=status, times=2))

    code, found, told = report(flow64)

    assert code == 1
    assert found["problems"][0].startswith(said)
    assert len(found["asked"]) == 1
    assert told.endswith("1 thing is wrong\n")
    assert "wrong       " in flow64("doctor")[1]


def test_nobody(flow64, monkeypatch):
    """A missing answer is reported; DNS is not blamed for a host with an address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("SIXTYFOUR_API_KEY", "sk_test_not_a_real_key")

    code, found, _ = report(flow64)

    assert code == 1
    assert found["credential"] == "unreachable"
    (problem,) = found["problems"]
    assert problem.startswith("the credential: no answer came (no answer from 127.")
    assert problem.endswith(
        "): start it in another terminal with flow64 serve, or use -e emulator, which "
        "needs no server"
    )


def test_no_address(flow64, monkeypatch):
    """A host without an address is reported, unless there is a proxy."""
    monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", "https://nobody.invalid")
    monkeypatch.setenv("SIXTYFOUR_API_KEY", "sk_test_not_a_real_key")
    monkeypatch.setattr(socket, "getaddrinfo", no_address)

    found = report(flow64)[1]

    assert found["problems"][-1] == (
        "no address was found for nobody.invalid: check its spelling, and DNS"
    )


def no_address(*_args, **_options):
    raise socket.gaierror(-2, "Name or service not known")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "no API key: set SIXTYFOUR_API_KEY"),
        ({"SIXTYFOUR_API_KEY": "two words"}, "the API key is empty, or has spaces"),
        (
            {"SIXTYFOUR_API_KEY": "k", "SIXTYFOUR_API_ENDPOINT": "http://a.example"},
            "the endpoint http://a.example",
        ),
        (
            {"SIXTYFOUR_API_KEY": "k", "SIXTYFOUR_API_ENDPOINT": "http://[::1"},
            "the endpoint given by SIXTYFOUR_API_ENDPOINT is not a URL",
        ),
    ],
)
def test_not_set_up(variables, said, flow64, monkeypatch):
    """A missing variable is a problem, and the rest is still reported."""
    for name in ("SIXTYFOUR_API_KEY", "SIXTYFOUR_API_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    code, found, _ = report(flow64)

    assert code == 1
    assert found["problems"][0].startswith(said)
    assert found["assumptions"] == []
    assert found["credential"] is None
    assert "credential" not in flow64("doctor")[1].replace("the credential", "")


def test_environments(service, flow64, pyproject, monkeypatch):
    """Each environment is listed with the name of its credential, and if it is set."""
    monkeypatch.delenv("PROD_KEY", raising=False)
    pyproject(api_key={"env": "PROD_KEY"}, endpoint={"env": "PROD_URL"}, org_id="o" * 9)

    code, found, _ = report(flow64)

    prod, emulator = found["environments"]
    assert code == 1
    assert prod == {
        "name": "prod",
        "endpoint": "of PROD_URL",
        "credential": "the key of PROD_KEY (not set)",
        "expects": True,
    }
    assert (emulator["endpoint"], emulator["credential"]) == ("the emulator", "any")
    assert (found["file"], found["env"]) == ("pyproject.toml", "prod")
    assert found["variables"]["PROD_KEY"] is False
    assert "PROD_URL" in found["problems"][0]


def test_oauth(service, flow64, pyproject):
    """An OAuth client is called one, and no file or id of it is shown."""
    pyproject(
        endpoint="https://api.example:8443/v1",
        **{
            "oauth.client_id": SENTINEL,
            "oauth.kid": SENTINEL,
            "oauth.file": f"{SENTINEL}.pem",
        },
    )

    _, found, _ = report(flow64)

    prod = found["environments"][0]
    assert prod["credential"] == "an OAuth client"
    assert prod["endpoint"] == "api.example:8443"


def test_oauth_of_variables(service, flow64, monkeypatch):
    """So is one that the variables name."""
    monkeypatch.setenv("SIXTYFOUR_OAUTH_CLIENT_ID", SENTINEL)

    _, found, _ = report(flow64)

    told = found["environments"][0]["credential"]
    assert told == "the OAuth client of the variables"


def test_emulator(flow64):
    """The environment that is always there can be looked at too."""
    code, found, _ = report(flow64, "--env", "emulator")

    assert (code, found["credential"], found["endpoint"]) == (0, "accepted", None)
    assert "emulator · the emulator" in flow64("doctor", "--env", "emulator")[1]


def test_clock(service, flow64, monkeypatch):
    """A clock that is far from that of the service is a problem."""
    monkeypatch.setattr(
        "flow64.doctor._diagnosis.examine",
        lambda session: examine(session, lambda: 1000.0),
    )

    code, found, _ = report(flow64)

    assert code == 1
    assert "s ahead of ours: set the clock of this machine" in found["problems"][0]
    assert re.search(
        r"the service is [\d,]+ s ahead of this machine", flow64("doctor")[1]
    )


def test_clock_behind(service, flow64, monkeypatch):
    """Also one that is far ahead of it."""
    monkeypatch.setattr(
        "flow64.doctor._diagnosis.examine",
        lambda session: examine(session, lambda: 1e10),
    )

    assert "s behind ours" in report(flow64)[1]["problems"][0]


def test_places(service, flow64, tmp_path, monkeypatch):
    """Places that cannot be written are found without writing."""
    (tmp_path / "file").write_text("", "utf-8")
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("FLOW64_JOURNAL", "folder")
    monkeypatch.setenv("FLOW64_HISTORY", str(tmp_path / "file" / "history"))

    code, found, _ = report(flow64)

    journal, history, cache = found["places"]
    assert code == 1
    assert journal["problem"] == "it is a folder, and a file is needed"
    assert history["path"] == "file/history"
    assert history["problem"] == "file is not a folder"
    assert (cache["path"], cache["problem"]) == (".flow64/cache", None)
    assert len(found["problems"]) == 2
    assert "files       journal of runs: folder · it is a folder" in flow64("doctor")[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_no_journal(service, flow64, monkeypatch, tmp_path):
    """An empty variable turns the journal off; a file that is there is looked at."""
    monkeypatch.setenv("FLOW64_JOURNAL", "")
    assert report(flow64)[1]["places"][0]["path"] is None
    assert "journal of runs: nowhere" in flow64("doctor")[1]

    (tmp_path / "runs.jsonl").write_text("", "utf-8")
    monkeypatch.setenv("FLOW64_JOURNAL", "runs.jsonl")
    assert report(flow64)[1]["places"][0]["problem"] is None


def test_rights(service, flow64, monkeypatch, tmp_path):
    """Whether something may be written is asked of the system."""
    (tmp_path / "runs.jsonl").write_text("", "utf-8")
    monkeypatch.setenv("FLOW64_JOURNAL", "runs.jsonl")
    monkeypatch.setattr(os, "access", lambda *_: False)

    problems = [place["problem"] for place in report(flow64)[1]["places"]]

    assert problems == ["it may not be written"] * 3


def test_proxies(service, flow64, monkeypatch):
    """Proxies are named by variable and host; of NO_PROXY, how many it names."""
    monkeypatch.setenv("HTTP_PROXY", "proxy.example:3128")
    monkeypatch.setenv("https_proxy", "http://[broken")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1, localhost")

    found = report(flow64)[1]["proxies"]

    assert found == {
        "https_proxy": "no host",
        "HTTP_PROXY": "proxy.example",
        "NO_PROXY": "2 hosts",
    }
    assert "HTTP_PROXY (proxy.example)" in flow64("doctor")[1]


@pytest.fixture
def listed(tmp_path):
    """A project that names its saved list of blocks, which `write` writes."""
    (tmp_path / "pyproject.toml").write_text('[tool.flow64]\nblocks = "blocks.json"\n')

    def write(text):
        (tmp_path / "blocks.json").write_text(text, "utf-8")

    return write


def blocks_line(flow64):
    lines = flow64("doctor")[1].splitlines()
    return next(line[12:] for line in lines if line.startswith("blocks"))


def test_no_saved_list(service, flow64):
    """It says that the project has no saved list of blocks, and how to get one."""
    assert report(flow64)[1]["blocks"] is None
    assert blocks_line(flow64) == (
        "no saved list: flow64 blocks sync saves the service's own"
    )


def test_before_the_first_sync(service, flow64, listed):
    assert blocks_line(flow64) == (
        "blocks.json · not there yet: flow64 blocks sync writes it"
    )


def test_saved_list(service, flow64, listed):
    """It says from which day the saved list is, and whether it is still current."""
    flow64("blocks", "sync")

    found = report(flow64)[1]["blocks"]

    date, kinds = found["date"], found["kinds"]
    assert found == {
        "file": "blocks.json",
        "date": date,
        "kinds": kinds,
        "differing": 0,
        "problem": None,
    }
    assert blocks_line(flow64) == (
        f"blocks.json of {date} · {kinds} kinds · the service lists the same"
    )


def test_outdated_list(service, flow64, listed):
    listed('{"date": "2026-01-02", "blocks": [{"block_name": "score_lead"}]}')

    line = blocks_line(flow64)

    count = report(flow64)[1]["blocks"]["differing"]
    assert count > 1
    assert line == (
        f"blocks.json of 2026-01-02 · 1 kind · the service's list differs in {count} "
        "kinds: run flow64 blocks sync"
    )


def test_saved_list_without_an_answer(service, flow64, listed):
    listed('{"date": "2026-01-02", "blocks": [{"block_name": "score_lead"}]}')
    service.faults.add(Fault("status_before", path="/workflows/blocks", status=404))

    assert blocks_line(flow64).endswith("the service's list was not seen")


@pytest.mark.parametrize("text", ["[1", "7"])
def test_damaged_list(text, service, flow64, listed):
    """A saved list that cannot be used is something wrong with the setup."""
    listed(text)

    code, found, _ = report(flow64)

    assert code == 1
    (problem,) = found["problems"]
    assert problem == (
        "the saved list of blocks (blocks.json) cannot be used: it is not a list of "
        "blocks; flow64 blocks sync fetches it again"
    )
    assert blocks_line(flow64) == "blocks.json · cannot be used"


def test_unreadable_list(service, flow64, listed, tmp_path):
    (tmp_path / "blocks.json").mkdir()

    assert "Is a directory" in report(flow64)[1]["blocks"]["problem"]


def test_no_file(service, flow64):
    """A file that cannot be written ends it with 1."""
    code, printed, told = flow64("doctor", "-o", "no/such/folder/report.txt")

    assert (code, printed) == (1, "")
    assert "cannot be written" in told


def test_report(service, flow64, tmp_path):
    """`--report` writes what the service lists beside what flow64 assumes."""
    code, _, told = flow64("doctor", "--report", "report.json")

    found = json.loads((tmp_path / "report.json").read_text("utf-8"))
    counts = found["verdicts"]
    assert code == 0
    assert found["flow64_report"] == 1
    assert found["kinds"]["find_email"]["listed"] == "confirmed"
    assert counts["contradicted"] == 0
    assert counts["confirmed"] > 150
    assert f"assumptions and fields: {counts['confirmed']} confirmed, 0 contr" in told


def test_report_is_shared(service, flow64, tmp_path, pyproject):
    """The report has nothing of a workflow, and no name or id of anything."""
    workflow_id, org_id = deployed()
    pyproject(org_id=org_id)

    flow64("doctor", "--report", "report.json", "--env", "prod")

    text = (tmp_path / "report.json").read_text("utf-8")
    key = os.environ["SIXTYFOUR_API_KEY"]
    for secret in (key, workflow_id, org_id[:8], SENTINEL, "sentinel", "127.", "prod"):
        assert secret not in text


def test_report_without_a_service(flow64, monkeypatch, tmp_path):
    """If the service did not answer, nothing of it was seen."""
    monkeypatch.delenv("SIXTYFOUR_API_KEY", raising=False)

    code, _, _ = flow64("doctor", "--report", "report.json")

    found = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert code == 1
    assert {*found["verdicts"].items()} >= {("confirmed", 0), ("contradicted", 0)}
    assert found["asked"] == []


@pytest.mark.parametrize(
    "fault", [{"status": 200, "body": "[1]"}, {"status": 200, "body": "<"}, {}]
)
def test_report_of_an_odd_list(fault, service, flow64, tmp_path):
    """If the list of blocks is none, nothing of it was seen."""
    service.faults.add(Fault("status_before", path="/workflows/blocks", **fault))

    flow64("doctor", "--report", "report.json")

    found = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert found["kinds"]["find_email"]["listed"] == "not seen"


def test_report_of_a_new_kind(service, flow64, tmp_path):
    """A kind that flow64 does not know has no verdict; one that is gone has one."""
    body = json.dumps([{"block_name": "score_lead", "specs_schema": {}}])
    service.faults.add(
        Fault("status_before", path="/workflows/blocks", status=200, body=body)
    )

    flow64("doctor", "--report", "report.json")

    found = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert found["kinds"]["find_email"]["listed"] == "contradicted"
    assert found["kinds"]["score_lead"] == {"schema": "yes", "fields": {}}
    assert found["verdicts"]["contradicted"] > 30
