"""Schemathesis, a stranger's tool, from the document."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from flow64.emulator import Emulator, OAuthClient
from flow64.emulator.operations import DOCUMENT
from tests.emulator.support import LEADS, create, start, wait

pytestmark = pytest.mark.slow


ROOT = Path(__file__).parents[2]

CONFIGURATION = """
seed = 64
[generation]
max-examples = 15
with-security-parameters = false  # both credentials at once are refused
[checks]
positive_data_acceptance.enabled = false  # a graph and a cron expression say no schema
[parameters]
workflow_id = "{workflow_id}"
run_id = "{run_id}"
job_id = "{run_id}"
schedule_id = "{schedule_id}"
[[operations]]  # what is asked for elsewhere is not to be deleted
include-name = "POST /workflows/delete_workflow"
parameters = {{ workflow_id = "{nothing}" }}
[[operations]]
include-name = "DELETE /schedules/{{schedule_id}}"
parameters = {{ schedule_id = "{nothing}" }}
"""


@cache
def signing_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def fuzz(tmp_path):
    """Run Schemathesis, and give the statuses of each operation."""
    public = signing_key().public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    emulator = Emulator(
        api_keys=["key"],
        oauth_clients=[OAuthClient(client_id="fuzzing", public_key_pem=pem)],
    ).start()
    client = httpx.Client(base_url=emulator.url, headers={"x-api-key": "key"})
    workflow_id = create(client, LEADS)
    run_id = start(client, workflow_id, []).json()["job_id"]
    wait(client, run_id)
    body = {"workflow_id": workflow_id, "name": "n", "cron_expression": "0 9 * * 1"}
    schedule_id = client.post("/schedules", json=body).json()["id"]
    (tmp_path / "schemathesis.toml").write_text(
        CONFIGURATION.format(
            workflow_id=workflow_id,
            run_id=run_id,
            schedule_id=schedule_id,
            nothing=uuid4(),
        )
    )
    secret = signing_key().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )

    def fuzzing(document):
        (tmp_path / "openapi.json").write_text(json.dumps(document))
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli"),
                *("--config-file", "schemathesis.toml"),
                *("run", "openapi.json", "--url", emulator.url),
                *("--header", "x-api-key: key"),
                *("--report", "har", "--report-har-path", "out.har"),
            ],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "SCHEMATHESIS_HOOKS": "tests.emulator.fuzzing",
                "FUZZ_URL": emulator.url,
                "FUZZ_WORKFLOW": workflow_id,
                "FUZZ_KEY": "key",
                "FUZZ_SIGNING_KEY": secret.decode(),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "No issues found" in done.stdout, done.stdout
        assert "WARNINGS" not in done.stdout, done.stdout
        return statuses(tmp_path / "out.har", document)

    yield fuzzing
    client.close()
    emulator.stop()


def statuses(report, document):
    """The statuses that each operation answered."""
    patterns = {
        template: re.compile(re.sub(r"\{[^}]+\}", "[^/]+", template))
        for template in sorted(document["paths"], key=lambda path: path.count("{"))
    }
    found = {
        (template, method): set()
        for template, item in document["paths"].items()
        for method in item
    }
    for entry in json.loads(report.read_text())["log"]["entries"]:
        request = entry["request"]
        path = "/" + request["url"].partition("?")[0].split("/", 3)[3]
        key = next((t for t in patterns if patterns[t].fullmatch(path)), "")
        if (key, request["method"].lower()) in found:
            found[key, request["method"].lower()].add(entry["response"]["status"])
    return found


def without_success(found):
    return [
        operation
        for operation, answers in found.items()
        if not any(200 <= status < 300 for status in answers)
    ]


def test_nothing_is_found(fuzz):
    """No check fails, and every operation has a success."""
    found = fuzz(DOCUMENT)

    assert without_success(found) == []
    assert len(found) == 23
