"""`flow64 run` while the answer to its start is lost: one purchase, and its rows."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from flow64.emulator import Emulator
from tests.service.fault_server import LOST, Drop, FaultServer, answered

pytestmark = pytest.mark.slow

CODE = """
from flow64 import LEAD, Project, Workflow
from flow64.blocks import FindEmail, Webhook

flow = Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail()
growth = Project("growth", namespace="acme.example")
inbound = Workflow("Leads", flow, key="inbound", project=growth)
"""


@pytest.mark.parametrize("fault", [LOST, Drop(), answered(500), answered(429)])
def test_command_buys_once(fault, tmp_path):
    """The same command again attaches, and says so."""
    (tmp_path / "leads.py").write_text(CODE)
    (tmp_path / "people.csv").write_text("email\nada@acme.example\nada@acme.example\n")

    def flow64(*words):
        done = subprocess.run(
            [sys.executable, "-m", "flow64", *words],
            cwd=tmp_path,
            env={
                **os.environ,
                "SIXTYFOUR_API_KEY": "sk_test_not_a_real_key",
                "SIXTYFOUR_API_ENDPOINT": server.url,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip(), done.stderr

    with Emulator() as emulator, FaultServer(emulator) as server:
        flow64("deploy", "leads.py", "--yes")
        server.on("POST", "/workflows/run", fault)
        run = "run", "leads.py", "people.csv", "--yes"
        first, shown = flow64(*run)
        again, said = flow64(*run, "-o", "rows.csv")
        flow64("results", first, "-o", "same.csv")
        bought = [stored.id for stored in emulator.store.runs.all()]

    assert bought == [first] == [again]
    assert "2 rows, 1 occurs twice, at most $0.10" in shown
    assert f"flow64 results {first[:8]} -o rows.csv" in shown
    assert "Nothing bought; --new buys again" in said
    rows = (tmp_path / "rows.csv").read_text().splitlines()
    assert (len(rows), rows[0].split(",")[0]) == (3, "email")
    assert (tmp_path / "same.csv").exists()
