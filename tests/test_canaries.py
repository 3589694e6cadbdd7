"""No output of ours has a secret in it: a canary each goes through everything.

The canaries are an API key, an OAuth client's private key and what it signs and gets
for it, a secret value of the settings, and a value that code marks as secret. They go
through every command and every call, with a log at DEBUG and errors that repeat them.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import html
import io
import json
import logging
import pickle
import traceback
from pathlib import Path
from urllib.parse import quote

import pytest
import rich.console
import rich.traceback

from flow64 import AsyncClient, Client
from flow64.api.network import Policy
from flow64.cli import COMMANDS, main
from flow64.client import topics
from flow64.client.client import Terms
from flow64.definition import Values
from flow64.emulator import Emulator, Fault
from flow64.errors import FlowError
from tests.service.credentials import KID, NAME, known, pem
from tests.service.support import leads, secret_leads

WORD = "SENTINEL"
KEY = f'{WORD}"key<0>&/+%41={WORD}'
HOOK = f'https://hooks.example.com/{WORD}-hook<1>&"+%42=é\\x/{WORD}'
TOKEN = f"{WORD}~token_{WORD}"
CANARIES = {"key": (KEY, HOOK), "oauth": (f"sk_oauth_{TOKEN}", HOOK)}


def forms_of(word):
    """How a word may be written where it is not plain."""
    yield word.casefold()
    yield word.encode().hex()
    for before, mixed in enumerate((0, 2, 3)):
        text = base64.b64encode(bytes(before) + word.encode()).decode().rstrip("=")
        yield text[mixed:-1]


MARKS = [*forms_of(WORD), *pem().splitlines()[1:-1]]


def leaks(text, more=()):
    """Which canary is in a text, and around what."""
    folded = text.casefold()
    found = [mark for mark in [*MARKS, *more] if mark.casefold() in folded]
    return [
        text[max(at - 80, 0) : at + 80]
        for mark in found[:1]
        for at in [folded.index(mark.casefold())]
    ]


def echoes(canaries):
    """Answers that repeat canaries in each spelling, one for each shape of a body."""
    spelled = [
        form
        for text in canaries
        for form in (
            text,
            quote(text),
            quote(text, safe=""),
            html.escape(text),
            json.dumps(text),
            text.encode().hex(),
            base64.b64encode(text.encode()).decode(),
            base64.urlsafe_b64encode(b"x" + text.encode()).decode(),
        )
    ]
    fields = [{"loc": ["body", text], "msg": text} for text in canaries]
    return {
        400: json.dumps({"error": {"message": " ".join(spelled)}}),
        401: json.dumps({"detail": " ".join(spelled)}),
        422: json.dumps({"detail": fields}),
    }


@pytest.fixture
def signed(monkeypatch):
    """What is signed with the private key."""
    import jwt

    encode, texts = jwt.encode, []

    def record(*arguments, **options):
        texts.append(encode(*arguments, **options))
        return texts[-1]

    monkeypatch.setattr("jwt.encode", record)
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: TOKEN)
    return texts


# -- Commands --------------------------------------------------------------------------

SETTINGS = """
[tool.flow64]
source = "leads.py"

[tool.flow64.environments.prod]
endpoint = {{ env = "SIXTYFOUR_API_ENDPOINT" }}
{credential}
values = {{ hook = {{ env = "HOOK" }}, marked = {{ env = "HOOK" }} }}
"""
CREDENTIALS = {
    "key": 'api_key = { env = "SIXTYFOUR_API_KEY" }',
    "oauth": (
        f'oauth = {{ client_id = "{NAME}", kid = "{KID}", '
        'file = { env = "KEY_FILE" } }'
    ),
}
PIPELINE = """
from flow64 import LEAD, Project, Workflow, value
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook

growth = Project("growth", namespace="acme.example")
flow = (
    Webhook(LEAD, input_schema={"email": "string"})
    >> FindEmail(extra={"note": {"deep": [value("marked", secret=True)]}})
    >> OutgoingWebhook(url=value("hook"))
)
inbound = Workflow("Inbound", flow, key="inbound", project=growth)
"""
FORMS = [f"--format {form}" for form in ("text", "markdown", "html", "json")]
EVERY = {
    "init": ["new --namespace acme.example"],
    "check": ["", "--json", "--format github", "--format sarif"],
    "compile": ["-o compiled", "-o -"],
    "graph": ["prod:inbound", "-o graph.svg", "--format mermaid"],
    "blocks": ["outgoing_webhook"],
    "plan": [*FORMS, "--rows RUN --json", "-o plan.json"],
    "deploy": ["--plan plan.json --yes --force inbound", "--yes --json"],
    "blocks sync": [""],
    "blocks generate": [""],
    "list": ["", "--json"],
    "run": ["inbound rows.json --yes -o -", "prod:inbound --dry-run"],
    "runs": ["", "--json"],
    "watch": ["RUN", "RUN --json"],
    "results": ["RUN -o files --overwrite"],
    "cancel": ["RUN"],
    "diff": ["prod code --rows latest", *(f"prod code {form}" for form in FORMS)],
    "code": ["prod:inbound", "prod:inbound -o pulled.py --overwrite"],
    "pull": ["prod:inbound -o live --overwrite"],
    "restore": ["", "--json", "inbound 2 --yes"],
    "doctor": ["", "--json"],
    "determinism": [""],
}
"""Each command, with its arguments. `serve` has no credential and no value."""

LOCAL = {"init", "check", "compile", "graph", "blocks", "determinism"}
ONLINE = {name: lines[-1:] for name, lines in EVERY.items() if name not in LOCAL}


def test_every_command_is_here():
    assert EVERY.keys() == {*COMMANDS} - {"serve"}


@pytest.fixture(params=["key", pytest.param("oauth", marks=pytest.mark.slow)])
def project(request, tmp_path, monkeypatch):
    """A folder with a project, and the service where its workflow is live."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    settings = SETTINGS.format(credential=CREDENTIALS[request.param])
    Path("pyproject.toml").write_text(settings, "utf-8")
    Path("leads.py").write_text(PIPELINE, "utf-8")
    Path("rows.json").write_text('[{"email": "ada@example.com"}]', "utf-8")
    (tmp_path / "key.pem").write_text(pem(), "utf-8")
    (tmp_path / "key.pem").chmod(0o600)
    clients = [known(org_id="org-1")]
    with Emulator(api_keys={KEY: "org-1"}, oauth_clients=clients) as emulator:
        monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", emulator.url)
        monkeypatch.setenv("FLOW64_LOG", "DEBUG")
        monkeypatch.setenv("HOOK", HOOK)
        for name in ("FLOW64_HISTORY", "FLOW64_JOURNAL"):  # those of the folder
            monkeypatch.delenv(name, raising=False)
        if request.param == "key":
            monkeypatch.setenv("SIXTYFOUR_API_KEY", KEY)
        else:
            monkeypatch.setenv("KEY_FILE", str(tmp_path / "key.pem"))
        emulator.name = request.param
        yield emulator


def run_all(capsys, run_id, commands=EVERY):
    """Run commands, and return what each printed, with its exit code."""
    outputs = []
    for command, lines in commands.items():
        for line in lines:
            words = f"{command} -v {line}".replace("RUN", run_id).split()
            code = main(words)
            outputs.append((words, code, "\n".join(capsys.readouterr())))
    return outputs


def assert_hidden(outputs, signed):
    """Nothing that was printed or written has a canary in it."""
    files = [path for path in Path().rglob("*") if path.is_file()]
    assert any("history" in path.parts for path in files)
    written = [(path, path.read_text("utf-8", errors="replace")) for path in files]
    texts = [(line, text) for line, _, text in outputs] + written
    found = [(name, leaks(text, signed)) for name, text in texts]
    assert [(name, leak) for name, leak in found if leak] == []


def test_no_command_shows_a_canary(project, signed, capsys, caplog):
    """Not even if it was pasted elsewhere, and if each answer is an error with it."""
    caplog.set_level(logging.DEBUG)
    main(["deploy", "--yes"])
    main(["run", "inbound", "rows.json", "--yes", "--no-wait"])
    Path("leads.py").write_text(PIPELINE.replace('"Inbound"', '"Leads"'), "utf-8")
    capsys.readouterr()
    main(["runs", "--json"])
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    outputs = run_all(capsys, run["run_id"])
    pasted = {"find_email": {"more": [f"see {HOOK}", {quote(HOOK, safe=""): 1}]}}
    project.edit(run["workflow_id"], name=f"By {HOOK}", specs=pasted)

    outputs += run_all(capsys, run["run_id"])
    done = {line[0] for line, code, _ in outputs if code == 0}
    for status, body in echoes(CANARIES[project.name]).items():
        fault = {"times": None, "path": "/workflows*", "status": status, "body": body}
        project.faults.add(Fault("status_before", **fault))
        outputs += run_all(capsys, run["run_id"], ONLINE)
        project.faults.clear()

    assert done == {command.split()[0] for command in EVERY}
    assert_hidden([*outputs, ("log", 0, caplog.text)], signed)


# -- Calls -----------------------------------------------------------------------------

WORKFLOW = secret_leads()
ID = WORKFLOW.id()
VALUES = {"hook": HOOK}
ROWS = [{"email": "ada@example.com"}]
CALLS = {
    "balance": lambda c: c.balance(),
    "blocks": lambda c: c.blocks(),
    "plan": lambda c: c.plan(WORKFLOW, values=VALUES),
    "deploy": lambda c: c.deploy(WORKFLOW, values=VALUES),
    "run": lambda c: c.run(WORKFLOW, ROWS, values=VALUES),
    "run_batches": lambda c: c.run_batches(WORKFLOW, ROWS, size=1, values=VALUES),
    "workflows.create": lambda c: c.workflows.create(OTHER.compile()),
    "workflows.get": lambda c: c.workflows.get(ID),
    "workflows.list": lambda c: c.workflows.list(),
    "workflows.update": lambda c: c.workflows.update(ID, WORKFLOW.compile()),
    "workflows.delete": lambda c: c.workflows.delete(OTHER.id()),
    "runs.start": lambda c: c.runs.start(ID, ROWS),
    "runs.list": lambda c: c.runs.list(),
    "runs.get": lambda c: c.runs.get("1"),
    "runs.status": lambda c: c.runs.status("1"),
    "runs.cancel": lambda c: c.runs.cancel("1"),
    "runs.download_links": lambda c: c.runs.download_links("1"),
    "schedules.create": lambda c: c.schedules.create(ID, "daily", "0 9 * * *"),
    "schedules.get": lambda c: c.schedules.get("1"),
    "schedules.list": lambda c: c.schedules.list(),
    "schedules.update": lambda c: c.schedules.update("1", name="later"),
    "schedules.delete": lambda c: c.schedules.delete("1"),
    "signing_secrets.create": lambda c: c.signing_secrets.create(),
    "signing_secrets.get": lambda c: c.signing_secrets.get(),
    "signing_secrets.roll": lambda c: c.signing_secrets.roll(),
    "signing_secrets.delete": lambda c: c.signing_secrets.delete(),
}
OTHER = leads("Other", key="other")
TERMS = Terms(values=Values(VALUES, hidden=VALUES))
TOPICS = {
    "workflows": topics.Workflows,
    "runs": topics.Runs,
    "schedules": topics.Schedules,
    "signing_secrets": topics.SigningSecrets,
}
NOT_SENT = {"close", "make_launch"}


def test_every_call_is_here():
    def names(kind):
        return {name for name in vars(kind) if not name.startswith("_")}

    calls = names(Client) - NOT_SENT
    for topic, kind in TOPICS.items():
        calls |= {f"{topic}.{name}" for name in names(kind)}

    assert CALLS.keys() == calls


def shown(result):
    """A result or an error in each form that people print, log or send."""
    yield from (str(result), repr(result), f"{copy.copy(result)!r}")
    if not isinstance(result, BaseException):
        return
    chain = traceback.TracebackException.from_exception(result, capture_locals=True)
    yield "".join(chain.format())
    file = io.StringIO()
    facts = (type(result), result, result.__traceback__)
    console = rich.console.Console(file=file, width=200)
    console.print(rich.traceback.Traceback.from_exception(*facts, show_locals=True))
    yield file.getvalue()
    yield pickle.dumps(result).decode("latin-1")
    yield json.dumps(vars(result), default=str)


def outcome_of(call, client):
    """What a call gives, or the error that ends it."""
    try:
        result = call(client)
        return next(result) if hasattr(result, "__next__") else result
    except FlowError as error:
        return error


async def async_outcome_of(call, client):
    try:
        result = call(client)
        return await (anext(result) if hasattr(result, "__anext__") else result)
    except FlowError as error:
        return error


async def async_outcomes(**facts):
    async with AsyncClient(KEY, **facts) as client:
        return [await async_outcome_of(call, client) for call in CALLS.values()]


@pytest.mark.parametrize("body", [None, 422])
def test_no_call_shows_a_canary(body, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("FLOW64_HISTORY", str(tmp_path / "history"))
    with Emulator(api_keys={KEY: "org-1"}) as emulator:
        facts = {"base_url": emulator.url, "journal": tmp_path / "runs.jsonl"}
        facts |= {"terms": TERMS, "policy": Policy(requests_per_minute=None)}
        with Client(KEY, **facts) as client:
            client.deploy(WORKFLOW)
            if body is not None:
                echo = {"status": body, "body": echoes(CANARIES["key"])[body]}
                emulator.faults.add(Fault("status_before", times=None, **echo))
            results = [outcome_of(call, client) for call in CALLS.values()]
            texts = [repr(client), repr(client.terms), repr(client.session)]
        results += asyncio.run(async_outcomes(**facts))

    texts += [text for result in results for text in shown(result)]
    texts += [caplog.text, *(p.read_text() for p in tmp_path.rglob("*.json*"))]
    assert [leaks(text) for text in texts if leaks(text)] == []
    assert (body is None) == (sum(isinstance(r, FlowError) for r in results) < 20)
