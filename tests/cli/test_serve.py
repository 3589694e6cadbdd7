"""`flow64 serve`, started as people and programs start it."""

from __future__ import annotations

import json
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from flow64 import Client
from flow64.cli import main
from flow64.cli._serve_options import read_keys
from flow64.emulator import Store
from flow64.http import httpx
from tests.catalogue.answer import ANSWER
from tests.cli.support import FLOW64, ended, environment, flow64, serving

pytestmark = pytest.mark.slow


EXAMPLES = Path(__file__).parent.parent.parent / "examples"
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
ROWS = [{"email": "ada@example.com", "company": "Acme"}]


def example(name):
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))["workflow"]


# -- From the first line to the last --------------------------------------------------

PROGRAM = """
import json, runpy, sys
workflow = runpy.run_path(sys.argv[1])["workflow"]
print(workflow.deploy().state)
run = workflow.run([{"email": "ada@example.com", "company": "Acme"}], intent="today")
print(run.wait(every=0.01).status)
print(json.dumps([row.raw for row in run.rows()]))
"""


def test_from_start_to_end():
    """E10: serve, deploy, run, watch and download, by the environment alone."""
    began = monotonic()
    with serving() as (process, url):
        variables = {"SIXTYFOUR_API_ENDPOINT": url, "SIXTYFOUR_API_KEY": "any"}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(EXAMPLES / "enrich_inbound_leads.py")],
            env=environment(**variables),
            capture_output=True,
            text=True,
            check=False,
        )
        rest, talk, code = ended(process)

    state, status, rows = done.stdout.splitlines()
    assert (state, status, sorted(json.loads(rows)[0])) == (
        "new",
        "completed",
        ["company", "email", "linkedin_url", "title"],
    )
    assert (rest, code, "Traceback" in talk) == ("", 0, False)
    assert monotonic() - began < 60


def test_ends_while_somebody_waits():
    """Half a request holds nothing up for long; Ctrl-C has a code of its own."""
    with serving() as (process, url):
        place = httpx.URL(url)
        with socket.create_connection((place.host, place.port)) as waiting:
            waiting.sendall(b"POST /workflows/create_workflow HTTP/1.1\r\nHost: ")
            began = monotonic()
            rest, talk, code = ended(process, signal.SIGINT)

    assert (rest, code, "Traceback" in talk) == ("", 130, False)
    assert monotonic() - began < 10


# -- Options --------------------------------------------------------------------------


def test_store_remembers(tmp_path, capsys):
    """A run that was cut short by the end goes on when it is served again.

    No second emulator gets the file meanwhile.
    """
    store, workflow = tmp_path / "emulator.db", example("enrich_inbound_leads")
    with serving("--store", str(store), "--speed", "0.5") as (process, url):
        with Client("any", base_url=url) as client:
            workflow.deploy(client)
            run = workflow.run(ROWS, client, intent="today")
        _, talk, code = ended(process)
    assert (code, str(store) in talk, "speed=0.5" in talk) == (0, True, True)

    with serving("--store", str(store)) as (process, url):
        second = main(["serve", "--port", "0", "--store", str(store)])
        with Client("any", base_url=url) as client:
            found = workflow.deploy(client).state
            again = workflow.run(ROWS, client, intent="today")
            status = again.wait(every=0.02, timeout=30).status
        _, _, code = ended(process)

    assert (found, again.id, status, code) == ("unchanged", run.id, "completed", 0)
    assert second == 1
    assert "another program has it open" in capsys.readouterr().err


def keys(folder):
    (folder / "keys").write_text("not_a_real_key\n", "utf-8")
    return folder


NEW_KINDS = """
from flow64 import Project, RawBlock, Workflow
growth = Project("growth", namespace="acme.example")
found = RawBlock("reddit_search", specs={"query": "a"}) >> RawBlock("score_lead")
workflow = Workflow("Reddit", found, key="reddit", project=growth)
"""


def test_blocks(tmp_path):
    """A list of blocks is answered as it is, and its kinds do what it says of them."""
    (tmp_path / "answer.json").write_text(json.dumps(ANSWER), "utf-8")
    (tmp_path / "reddit.py").write_text(NEW_KINDS, "utf-8")
    settings = '[tool.flow64]\nblocks = "blocks.json"\n'
    (tmp_path / "pyproject.toml").write_text(settings, "utf-8")
    options = ("--blocks", "answer.json", "--switch", "unknown_kind_fails=yes")
    with serving(*options, cwd=tmp_path) as (process, url):
        with Client("any", base_url=url, journal=None) as client:
            live = client.blocks()
        there = {"SIXTYFOUR_API_ENDPOINT": url, "SIXTYFOUR_API_KEY": "any"}
        saved = [
            flow64("blocks", "sync", "--json", cwd=tmp_path, env=environment(**there))
            for _ in range(2)
        ]
        run = ("run", "reddit.py", "--yes", "--intent", "1", "--allow-unpriced")
        deployed = flow64(
            "deploy", "reddit.py", "-y", cwd=tmp_path, env=environment(**there)
        )
        done = flow64(*run, "--json", cwd=tmp_path, env=environment(**there))
        ended(process)

    assert len(live.blocks) == len(ANSWER)
    assert [json.loads(one.stdout)["is_written"] for one in saved] == [True, False]
    assert "reddit_search $0.02, score_lead $0.01 a row" in deployed.stderr
    assert (deployed.returncode, done.returncode) == (0, 0)


@pytest.fixture
def files(tmp_path):
    """Files that options name: fixtures, keys, and the public key of a client."""
    (tmp_path / "fixtures.json").write_text(
        '{"lead_enrichment": {"title": "Countess"}}', "utf-8"
    )
    (tmp_path / "keys.txt").write_text(
        "local-1 acme\nlocal-2 acme\nlocal-3 b\n", "utf-8"
    )
    key = rsa.generate_private_key(65537, 2048).public_key()
    (tmp_path / "client.pem").write_bytes(
        key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    return tmp_path


def test_options(files):
    """Files say what blocks answer and who may ask; switches are read in their types.

    With `--verbose` every request is shown, without its query.
    """
    pairs = ("foreign_status=403", "fill-defaults=yes", "rate_limit=100")
    options = [part for pair in pairs for part in ("--switch", pair)]
    options += ["--fixtures", files / "fixtures.json", "--api-keys", files / "keys.txt"]
    options += ["--oauth-client", f"ours={files / 'client.pem'}", "--verbose"]
    workflow = example("enrich_inbound_leads")
    with serving(*map(str, options)) as (process, url):
        with Client("local-1", base_url=url) as client:
            workflow.deploy(client)
            run = workflow.run(ROWS, client)
            rows = list(run.wait(every=0.02).rows())
        path = f"{url}/workflows/{workflow.id()}"
        headers = [
            *({"x-api-key": key} for key in ("local-2", "local-3", "other")),
            # Where tokens are given out, one that nobody gave out is refused.
            {"authorization": "Bearer made-up"},
        ]
        statuses = [httpx.get(path, headers=sent).status_code for sent in headers]
        httpx.get(f"{url}/%1b[31m?secret=1")
        httpx.post(f"{url}/_emulator/faults", json={"kind": "reset_before"})
        with pytest.raises(httpx.ReadError):
            httpx.get(f"{url}/workflows")
        _, talk, _ = ended(process)

    assert [row.raw["title"] for row in rows] == ["Countess"]
    assert statuses == [200, 403, 401, 401]
    assert "foreign_status=403" in talk
    assert "fill_defaults=true" in talk
    assert f"SIXTYFOUR_API_KEY=(one of {files / 'keys.txt'})" in talk
    assert "local-1" not in talk
    assert re.search(
        r"^200 POST /workflows/create_workflow \(\d+ ms\)$", talk, re.MULTILINE
    )
    assert r"404 GET /\x1b[31m (" in talk
    assert "secret" not in talk
    assert "no answer GET /workflows (" in talk
    assert "Traceback" not in talk


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("# ours\n\nlocal-1\nlocal-2\n", ["local-1", "local-2"]),
        ("local-1 acme\nlocal-1 acme\n", {"local-1": "acme"}),
    ],
    ids=["keys", "organisations"],
)
def test_api_keys(tmp_path, text, keys):
    """A file has keys alone, or each with its organisation, and comments."""
    path = tmp_path / "keys.txt"
    path.write_text(text, "utf-8")

    assert read_keys(path) == keys


# -- What is refused ------------------------------------------------------------------

BAD = {
    "switch": (["--switch", "sped=1"], 64, "there is no switch 'sped' (did you mean"),
    "pair": (["--switch", "speed"], 64, "'speed' is not written as NAME=VALUE"),
    "number": (["--speed", "nan"], 64, "speed is 'nan'; it takes a number (0 or more)"),
    "infinite": (["--speed", "inf"], 64, "it takes a number (0 or more)"),
    "huge": (["--switch", f"list_runs_late=-{'9' * 400}"], 64, "a whole number (0"),
    "negative": (["--speed", "-1"], 64, "speed is '-1'; it takes a number (0 or more)"),
    "word": (["--switch", "foreign_status=500"], 64, "it takes 403 or 404"),
    "flag": (["--switch", "reorder=2"], 64, "it takes true or false"),
    "credits": (["--switch", "credits=-5"], 64, "a number (0 or more) or null"),
    "none": (["--switch", "rate_limit=x"], 64, "a whole number (0 or more) or null"),
    "port": (["--port", "65536"], 64, "65536 is not in the range from 0 to 65535"),
    "long port": (
        ["--port", "00000099999999"],
        64,
        "99999999 is not in the range from 0",
    ),
    "no port": (["--port", "abc"], 64, "'abc' is not a whole number from 0 to 65535"),
    "address": (["--host", "http://a.example"], 64, "did you mean 'a.example'"),
    "no address": (["--host", ""], 64, "'' is not a host; write its name or"),
    "name": (["--allow-name", "*"], 64, "'*' is not a host; write its name or"),
    "option": (["--ports", "1"], 64, "--ports"),
    "host": (["--allow-host", "https://a.example:1/x"], 64, "did you mean 'a.example'"),
    "no fixtures": (["--fixtures", "nowhere.json"], 64, "nowhere.json"),
    "fixtures": (["--fixtures", "bad.json"], 64, "bad.json"),
    "keys": (["--api-keys", "keys.txt"], 64, "keys.txt is not one key a line"),
    "two": (["--api-keys", "two.txt"], 64, "two organisations, in lines 1 and 3"),
    "binary": (["--api-keys", "store.db"], 64, "store.db is not text in UTF-8"),
    "client": (["--oauth-client", "foo"], 64, "'foo' is not written as ID=FILE"),
    "no pem": (["--oauth-client", "us=no.pem"], 64, "no.pem cannot be read (No such"),
    "pem": (["--oauth-client", "us=keys.txt"], 64, "the public_key_pem of the OAuth"),
    "store": (["--store", "store.db"], 1, "it is not a database of the emulator"),
    "damaged": (["--store", "damaged.db"], 1, "it is damaged"),
    "folder": (["--store", "."], 64, "is a directory"),
    "nowhere": (["--store", "no/folder.db"], 1, "it cannot be opened"),
}


@pytest.fixture(scope="module")
def damaged(tmp_path_factory):
    """A store with a broken page, for which SQLite has long errors."""
    path = tmp_path_factory.mktemp("damaged") / "emulator.db"
    Store(path).close()
    content = path.read_bytes()
    return content[:-4096] + b"\x0d" * 4096


@pytest.mark.parametrize("what", BAD)
def test_refused(tmp_path, monkeypatch, capsys, damaged, what):
    """If it cannot be served, one line says why, with an exit code."""
    options, wanted, problem = BAD[what]
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_text("[", "utf-8")
    Path("keys.txt").write_text("one\ntwo words\nand three words\n", "utf-8")
    Path("two.txt").write_text("k1 a\nk2 a\nk1 b\n", "utf-8")
    Path("store.db").write_bytes(b"\xff" * 4096)
    Path("damaged.db").write_bytes(damaged)

    code = main(["serve", "--port", "0", *options])

    printed, talk = capsys.readouterr()
    assert (code, printed, talk.count("\n")) == (wanted, "", 1)
    assert talk.startswith("error: ")
    assert problem in talk


def test_port_that_is_taken():
    """A port in use is one line, with advice."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        done = flow64("serve", "--port", port)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: port {port} cannot be used (Address already in use); stop what uses "
        "it, or take a free one: --port 0\n"
    )


# -- Terminals ------------------------------------------------------------------------


def test_closed_stdout(tmp_path):
    """Without a stdout it is served all the same; the address is on stderr too."""
    command = " ".join([*FLOW64, "serve", "--port", "0", ">&-"])
    process = subprocess.Popen(
        f"exec {command}", shell=True, stderr=subprocess.PIPE, text=True
    )
    with process:
        found = next(filter(None, map(ADDRESS.search, process.stderr)))
        status = httpx.get(found[0], trust_env=False).status_code
        process.terminate()
        talk = process.stderr.read()

    assert (status, process.returncode, "Traceback" in talk) == (200, 0, False)


def test_narrow_terminal():
    """On a narrow terminal that knows ASCII alone, the address stays whole.

    A reader that is gone after the first line, like `head -1`, changes nothing.
    """
    reader, writer = os.openpty()
    narrow = {"TERM": "xterm", "COLUMNS": "20", "PYTHONIOENCODING": "ascii"}
    with serving(stderr=writer, env=environment(**narrow)) as (process, url):
        os.close(writer)
        process.stdout.close()
        process.stdout = None
        talk = b""
        while b"Ctrl-C" not in talk:
            talk += os.read(reader, 65536)
        status = httpx.get(url, trust_env=False).status_code
        process.terminate()
        code = process.wait(timeout=30)
    os.close(reader)

    assert (status, code) == (200, 0)
    assert f"SIXTYFOUR_API_ENDPOINT={url}\r\n".encode() in talk
