"""`flow64 serve`, started as people and programs start it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import httpx
import pytest

from flow64.cli import main
from flow64.cli._serve_options import read_keys
from tests.catalogue.answer import ANSWER
from tests.cli.support import FLOW64, ended, environment, flow64, serving
from tests.service.credentials import public

pytestmark = pytest.mark.slow

PROGRAM = """
from flow64 import LEAD, Project, Workflow
from flow64.blocks import FindEmail, Webhook

growth = Project("growth", namespace="acme.example")
flow = Webhook(LEAD) >> FindEmail()
inbound = Workflow("Inbound leads", flow, key="inbound", project=growth)

if __name__ == "__main__":
    print(inbound.deploy().state)
    run = inbound.run([{"email": "ada@example.com"}], intent="today")
    print(run.wait(every=0.01).status, [row.raw["email"] for row in run.rows()])
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with one workflow."""
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("leads.py").write_text(PROGRAM, "utf-8")
    return tmp_path


def test_program_deploys_and_runs_by_two_variables(project):
    with serving("--verbose") as (process, url):
        variables = {"SIXTYFOUR_API_ENDPOINT": url, "SIXTYFOUR_API_KEY": "any"}
        done = subprocess.run(
            [sys.executable, "leads.py"],
            capture_output=True,
            text=True,
            check=True,
            env=environment(**variables, FLOW64_JOURNAL=""),
        )
        stdout, stderr, code = ended(process)

    assert done.stdout == "new\ncompleted ['ada@example.com']\n"
    assert (stdout, code) == ("", 0)
    assert "200 POST /workflows/run (" in stderr


def test_one_emulator_of_a_project(project):
    """`-e local` uses it while it is served, and its store afterwards."""
    store = project / ".flow64/emulator.db"
    first = flow64("deploy", "leads.py", "-e", "local", "--yes")
    with serving("--store", store) as (process, url):
        second = flow64("plan", "leads.py", "-e", "local")
        page = httpx.get(f"{url}/_emulator/state", trust_env=False).json()
        ended(process)
    third = flow64("plan", "leads.py", "-e", "local")

    assert first.returncode == 0, first.stderr
    assert [item["name"] for item in page["workflows"]] == ["Inbound leads"]
    for plan in (second, third):
        assert "1 unchanged" in plan.stdout + plan.stderr


def test_store_is_that_of_the_project(project):
    command = [*FLOW64, "serve", "--port", "0"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.readline()
    stderr = ended(process)[1]

    assert f"store     {project / '.flow64/emulator.db'}" in stderr
    assert "flow64 deploy -e local" in stderr


def test_store_that_another_process_serves(project):
    with serving("--store", "here.db") as (process, url):
        second = flow64("serve", "--port", "0", "--store", "here.db")

    assert second.returncode == 1
    assert f"process {process.pid} has it open, which serves it at {url}" in (
        second.stderr
    )


@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 0), ("SIGINT", 130)])
def test_signal_ends_it_while_somebody_waits(number, code):
    with serving() as (process, url):
        fault = {"kind": "slow", "seconds": 60}
        httpx.post(f"{url}/_emulator/faults", json=fault, trust_env=False)
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{url}/workflows", timeout=0.2, trust_env=False)
        assert ended(process, getattr(signal, number))[2] == code


def test_options(project):
    """Files say what blocks answer and who may ask."""
    project.joinpath("find_email.json").write_text(
        json.dumps({"find_email": {"email": "set@example.com"}}), "utf-8"
    )
    project.joinpath("blocks.json").write_text(json.dumps(ANSWER), "utf-8")
    project.joinpath("keys").write_text("# ours\nkey_a org_a\nkey_b\n", "utf-8")
    project.joinpath("key.pem").write_text(public(), "utf-8")
    options = (
        "--fixtures", "find_email.json", "--blocks", "blocks.json",
        "--api-keys", "keys", "--oauth-client", "client_1=key.pem",
        "--switch", "speed=0.5", "--switch", "fill-defaults=true",
    )  # fmt: skip
    with serving(*options) as (process, url):
        refused = httpx.get(f"{url}/workflows", headers={"x-api-key": "no"})
        blocks = httpx.get(f"{url}/workflows/blocks", headers={"x-api-key": "key_a"})
        switches = httpx.get(f"{url}/_emulator/state").json()["switches"]
        stderr = ended(process)[1]

    assert (refused.status_code, blocks.json()) == (401, ANSWER)
    assert (switches["speed"], switches["fill_defaults"]) == (0.5, True)
    assert "switches  speed=0.5, fill_defaults=true" in stderr
    assert read_keys(project / "keys")["key_a"] == "org_a"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--switch", "sped=1"], "there is no switch 'sped' (did you mean 'speed'?)"),
        (["--switch", "speed"], "'speed' is not written as NAME=VALUE"),
        (["--switch", "speed=fast"], "'fast' is not float"),
        (["--api-keys", "empty"], "empty has no key"),
        (["--allow-host", "http://a.example"], "is not a host"),
    ],
)
def test_wrong_option(project, capsys, options, words):
    project.joinpath("empty").write_text("", "utf-8")

    code = main(["serve", "--port", "0", "--store", ":memory:", *options])

    assert code in {1, 64}
    assert words in " ".join(capsys.readouterr().err.split())


def test_closed_stdout_ends_nothing(project):
    """Whoever reads the address may stop reading."""
    with serving() as (process, url):
        process.stdout.close()
        status = httpx.get(f"{url}/_emulator/health", trust_env=False).json()["status"]

    assert status == "ok"
