"""`flow64 serve`, started as people, programs and containers start it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from flow64.cli.serve import PORT
from tests.cli.support import FLOW64, ended, flow64, serving

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROGRAM = """
from flow64 import LEAD, Project, Workflow
from flow64.blocks import FindEmail, Webhook

growth = Project("growth", namespace="acme.example")
flow = Webhook(LEAD) >> FindEmail()
inbound = Workflow("Inbound leads", flow, key="inbound", project=growth)
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with one workflow."""
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("leads.py").write_text(PROGRAM, "utf-8")
    return tmp_path


def test_one_emulator_of_a_project(project):
    """`-e local` uses it while it is served, and its store afterwards."""
    first = flow64("deploy", "leads.py", "-e", "local", "--yes")
    process = subprocess.Popen(
        [*FLOW64, "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    url = process.stdout.readline().strip()
    plans = [flow64("plan", "leads.py", "-e", "local")]
    page = httpx.get(f"{url}/_emulator/state", trust_env=False).json()
    second = flow64("serve", "--port", "0", "--store", ".flow64/emulator.db")
    ended(process)
    plans.append(flow64("plan", "leads.py", "-e", "local"))

    assert first.returncode == 0, first.stderr
    assert [item["name"] for item in page["workflows"]] == ["Inbound leads"]
    assert all("1 unchanged" in plan.stdout for plan in plans)
    assert (second.returncode, url in second.stderr) == (1, True)


@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 0), ("SIGINT", 130)])
def test_signal_ends_it_while_somebody_waits(number, code):
    with serving() as (process, url):
        fault = {"kind": "slow", "seconds": 60}
        httpx.post(f"{url}/_emulator/faults", json=fault, trust_env=False)
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{url}/workflows", timeout=0.2, trust_env=False)
        assert ended(process, getattr(signal, number))[2] == code


# -- The image -------------------------------------------------------------------------


def test_image_is_not_root_and_starts_a_healthy_service():
    """What it starts is started here: it answers to `emulator`."""
    text = ROOT.joinpath("Dockerfile").read_text("utf-8").replace("\\\n", " ")
    image = [line.split(None, 1) for line in text.splitlines() if line[:1].isalpha()]
    texts, names = dict(image), [name for name, _ in image]
    command = [*json.loads(texts["ENTRYPOINT"]), *json.loads(texts["CMD"])]

    assert int(texts["USER"]) > 0
    assert not {"RUN", "COPY", "ADD"} & {*names[names.index("USER") :]}
    assert (command[:2], texts["EXPOSE"]) == (["flow64", "serve"], str(PORT))
    with serving(*command[2:], "--port", "0") as (process, url):
        port = url.rpartition(":")[2]
        python, *check = json.loads(texts["HEALTHCHECK"].partition("CMD")[2])
        check = [part.replace(f":{PORT}", f":{port}") for part in check]
        healthy = subprocess.run([sys.executable, *check], check=False)
        _, told, code = ended(process)

    assert (python, healthy.returncode, code) == ("python", 0, 0)
    assert f"http://emulator:{port} " in told
