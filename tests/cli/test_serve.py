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
from time import monotonic, sleep

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from flow64 import Client
from flow64.cli import main
from tests.cli.support import FLOW64, ended, environment, flow64, serving

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
        "absent",
        "completed",
        ["company", "email", "linkedin_url", "title"],
    )
    assert (rest, code, "Traceback" in talk) == ("", 0, False)
    assert monotonic() - began < 60


def test_first_line_is_the_address():
    """Stdout has the address and nothing else, at once; talk goes to stderr."""
    with serving() as (process, url):
        page = httpx.get(url, trust_env=False)
        rest, talk, code = ended(process)

    assert ADDRESS.fullmatch(url)
    assert (page.status_code, rest, code) == (200, "", 0)
    assert url in talk
    assert f"SIXTYFOUR_API_ENDPOINT={url} SIXTYFOUR_API_KEY=any" in talk


@pytest.mark.parametrize(
    ("number", "wanted"),
    [(signal.SIGTERM, 0), (signal.SIGINT, 130)],
    ids=["SIGTERM", "Ctrl-C"],
)
def test_signals(number, wanted):
    """SIGTERM is the good end; Ctrl-C is said to be one that was interrupted."""
    with serving() as (process, _):
        rest, talk, code = ended(process, number)

    assert (rest, code, "Traceback" in talk) == ("", wanted, False)


def test_ends_while_somebody_waits():
    """A connection that stays open, and half a request, hold nothing up for long."""
    with serving() as (process, url):
        place = httpx.URL(url)
        with socket.create_connection((place.host, place.port)) as waiting:
            waiting.sendall(b"POST /workflows/create_workflow HTTP/1.1\r\nHost: ")
            began = monotonic()
            _, talk, code = ended(process)

    assert (code, "Traceback" in talk) == (0, False)
    assert monotonic() - began < 10


# -- Options --------------------------------------------------------------------------


def test_store_remembers(tmp_path):
    """A run that was cut short by the end goes on when it is served again."""
    store, workflow = tmp_path / "emulator.db", example("enrich_inbound_leads")
    with serving("--store", str(store), "--speed", "0.5") as (process, url):
        with Client("any", base_url=url) as client:
            workflow.deploy(client)
            run = workflow.run(ROWS, client, intent="today")
        _, talk, code = ended(process)
    assert (code, str(store) in talk, "speed=0.5" in talk) == (0, True, True)

    with serving("--store", str(store)) as (process, url):
        with Client("any", base_url=url) as client:
            found = workflow.deploy(client).state
            again = workflow.run(ROWS, client, intent="today")
            status = again.wait(every=0.02, timeout=30).status
        _, _, code = ended(process)

    assert (found, again.id, status, code) == ("unchanged", run.id, "completed", 0)


def test_fixtures_and_requests(tmp_path):
    """Files say what blocks answer, and every request is shown without its query."""
    fixtures = tmp_path / "fixtures.json"
    fixtures.write_text('{"lead_enrichment": {"title": "Countess"}}', "utf-8")
    workflow = example("enrich_inbound_leads")
    with serving("--fixtures", str(fixtures), "--verbose") as (process, url):
        with Client("any", base_url=url) as client:
            workflow.deploy(client)
            run = workflow.run(ROWS, client)
            rows = list(run.wait(every=0.02).rows())
            httpx.get(f"{url}/\x1b[31m?secret=1".replace("\x1b", "%1b"))
        _, talk, _ = ended(process)

    assert [row.raw["title"] for row in rows] == ["Countess"]
    assert re.search(
        r"^200 POST /workflows/create_workflow \(\d+ ms\)$", talk, re.MULTILINE
    )
    assert r"404 GET /\x1b[31m (" in talk
    assert "secret" not in talk


def test_a_fault_while_requests_are_shown():
    """A request that gets no answer is shown as one."""
    with serving("--verbose") as (process, url):
        fault = {"kind": "reset_before", "path": "/workflows"}
        httpx.post(f"{url}/_emulator/faults", json=fault)
        with pytest.raises(httpx.ReadError):
            httpx.get(f"{url}/workflows", headers={"x-api-key": "any"})
        _, talk, _ = ended(process)

    assert "no answer GET /workflows (" in talk
    assert "Traceback" not in talk


def test_switches():
    """A switch is set by its name, in either spelling, and read in its type."""
    given = ("foreign_status=403", "fill-defaults=yes", "rate_limit=100")
    options = [part for pair in given for part in ("--switch", pair)]
    with serving(*options) as (process, url):
        workflow = example("enrich_inbound_leads")
        with Client("one", base_url=url) as client:
            workflow.deploy(client)
        path = f"{url}/workflows/{workflow.id()}"
        answer = httpx.get(path, headers={"x-api-key": "two"})
        _, talk, _ = ended(process)

    assert answer.status_code == 403
    assert "fill_defaults=true" in talk
    assert "foreign_status=403" in talk


@pytest.mark.parametrize(
    ("text", "statuses"),
    [
        ("# ours\n\nlocal-1\nlocal-2\n", [200, 200, 401]),
        ("local-1 acme\nlocal-2 acme\n", [200, 200, 401]),
    ],
    ids=["keys", "organisations"],
)
def test_api_keys(tmp_path, text, statuses):
    """With a file of keys, no other key is accepted, and none is shown."""
    keys = tmp_path / "keys.txt"
    keys.write_text(text, "utf-8")
    with serving("--api-keys", str(keys)) as (process, url):
        found = [
            httpx.get(f"{url}/workflows", headers={"x-api-key": key}).status_code
            for key in ("local-1", "local-2", "other")
        ]
        _, talk, _ = ended(process)

    assert found == statuses
    assert f"SIXTYFOUR_API_KEY=(one of {keys})" in talk
    assert "local-1" not in talk


def test_oauth_client(tmp_path):
    """A client of OAuth is its id and the file of its public key."""
    pem = tmp_path / "client.pem"
    key = rsa.generate_private_key(65537, 2048).public_key()
    pem.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with serving("--oauth-client", f"ours={pem}") as (process, url):
        # Where tokens are given out, one that nobody gave out is refused.
        headers = {"authorization": "Bearer made-up"}
        answer = httpx.get(f"{url}/workflows", headers=headers)
        _, _, code = ended(process)

    assert (answer.status_code, code) == (401, 0)


# -- What is refused ------------------------------------------------------------------

BAD = {
    "switch": (["--switch", "sped=1"], 64, "there is no switch 'sped' (did you mean"),
    "pair": (["--switch", "speed"], 64, "'speed' is not written as NAME=VALUE"),
    "number": (["--speed", "nan"], 64, "speed is 'nan'; it takes a number"),
    "negative": (["--speed", "-1"], 64, "speed is '-1'; it takes a number"),
    "word": (["--switch", "foreign_status=500"], 64, "it takes 403 or 404"),
    "flag": (["--switch", "reorder=2"], 64, "it takes true or false"),
    "none": (["--switch", "rate_limit=x"], 64, "it takes a whole number or none"),
    "port": (["--port", "65536"], 64, "65536 is not in the range"),
    "option": (["--ports", "1"], 64, "--ports"),
    "no fixtures": (["--fixtures", "nowhere.json"], 64, "nowhere.json"),
    "fixtures": (["--fixtures", "bad.json"], 1, "bad.json"),
    "keys": (["--api-keys", "keys.txt"], 64, "keys.txt is not one key a line"),
    "binary": (["--api-keys", "store.db"], 64, "store.db is no text in UTF-8"),
    "no pem": (["--oauth-client", "us=no.pem"], 64, "no.pem cannot be read (No such"),
    "pem": (["--oauth-client", "us=keys.txt"], 1, "'us'"),
    "store": (["--store", "store.db"], 1, "it is no database of the emulator"),
    "folder": (["--store", "."], 64, "is a directory"),
    "nowhere": (["--store", "no/folder.db"], 1, "it cannot be opened"),
}


@pytest.mark.parametrize("what", BAD)
def test_refused(tmp_path, monkeypatch, capsys, what):
    """What cannot be served is one line that says why, and an exit code."""
    options, wanted, problem = BAD[what]
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_text("[", "utf-8")
    Path("keys.txt").write_text("one\ntwo words\nand three words\n", "utf-8")
    Path("store.db").write_bytes(b"\xff" * 4096)

    code = main(["serve", "--port", "0", *options])

    printed, talk = capsys.readouterr()
    assert (code, printed, talk.count("\n")) == (wanted, "", 1)
    assert talk.startswith("error: ")
    assert problem in talk


def test_port_that_is_taken():
    """A port that somebody has is one line, and names the way out."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        done = flow64("serve", "--port", port)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"error: port {port} cannot be used (Address already in use); stop what uses "
        "it, or take a free one: --port 0\n"
    )


def test_store_that_is_open(tmp_path):
    """A second emulator on one file is refused."""
    store = tmp_path / "emulator.db"
    with serving("--store", str(store)) as (_, url):
        done = flow64("serve", "--port", "0", "--store", store)

    assert ADDRESS.fullmatch(url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "another program has it open" in done.stderr


# -- Terminals ------------------------------------------------------------------------


def test_full_stdout():
    """Where the address cannot be written, nothing is served."""
    with Path("/dev/full").open("w") as full:
        done = flow64("serve", "--port", "0", stdout=full)

    assert done.returncode == 1
    assert done.stderr.startswith("error: stdout cannot be written to")
    assert done.stderr.count("\n") == 1


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


def test_closed_stderr():
    """Nobody to talk to is no reason to end."""
    command = " ".join([*FLOW64, "serve", "--port", "0", "--verbose", "2>&-"])
    process = subprocess.Popen(
        f"exec {command}", shell=True, stdout=subprocess.PIPE, text=True
    )
    with process:
        url = process.stdout.readline().strip()
        status = httpx.get(url, trust_env=False).status_code
        process.terminate()

    assert (status, process.returncode) == (200, 0)


def test_narrow_terminal():
    """On a narrow terminal that knows ASCII alone, the address stays whole."""
    reader, writer = os.openpty()
    narrow = {"TERM": "xterm", "COLUMNS": "20", "PYTHONIOENCODING": "ascii"}
    with serving(stderr=writer, env=environment(**narrow)) as (process, url):
        os.close(writer)
        talk = b""
        while b"Ctrl-C" not in talk:
            talk += os.read(reader, 65536)
        process.terminate()
        code = process.wait(timeout=30)
    os.close(reader)

    assert code == 0
    assert f"SIXTYFOUR_API_ENDPOINT={url} ".encode() in talk


def test_reader_that_leaves():
    """A reader that is gone after the first line, like `head -1`, changes nothing."""
    with serving("--verbose", stderr=subprocess.DEVNULL) as (process, url):
        process.stdout.close()
        process.stdout = None
        sleep(0.1)
        status = httpx.get(url, trust_env=False).status_code
        _, _, code = ended(process)

    assert (status, code) == (200, 0)
