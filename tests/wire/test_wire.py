"""Bytes, ids, fingerprints, stamps and idempotency keys are wire formats.

`python -m tests.wire.test_wire` writes `wire.json` from the code. A change of it is a
decision: deployed workflows get other ids, or look edited.
"""

from __future__ import annotations

import hashlib
import json
import re
import runpy
from pathlib import Path
from uuid import UUID

import pytest

from flow64 import Schedule, Workflow
from flow64.definition import id_of, retry_key, run_key
from flow64.schedules import make_stamp, split_stamp
from flow64.testing import make_client, open_emulator
from tests.wire.workflows import ODD_WORKFLOWS, VALUES

EXAMPLES = Path(__file__).parents[2] / "examples"
GOLDEN = Path(__file__).with_name("wire.json")
ENVIRONMENTS = ("default", "staging")
COMMIT = re.compile(r"(?<= )([0-9a-f]{40}\+?|-)(?= )")


def workflows_of(example: Path) -> dict[str, Workflow]:
    """Return the workflows of a module, by file and id."""
    names = runpy.run_path(str(example), run_name="example")
    values = [*names.values()]
    values += [
        item for value in values if isinstance(value, dict) for item in value.values()
    ]
    workflows = {value.id(): value for value in values if isinstance(value, Workflow)}
    return {f"{example.stem} {key}": workflow for key, workflow in workflows.items()}


def describe(workflow: Workflow, *, whole: bool) -> dict[str, object]:
    """Return what the wire has of a workflow, in two environments."""
    described: dict[str, object] = {"fingerprint": workflow.fingerprint()}
    for env in ENVIRONMENTS:
        text = workflow.to_json(env, indent=None)
        digest = hashlib.sha256(workflow.to_json(env).encode()).hexdigest()
        short = whole and len(text) < 10_000
        described[env] = {"sha256": digest} | (
            {"body": json.loads(text)} if short else {}
        )
    return described


def describe_all() -> dict[str, object]:
    """Return what the wire has of all workflows."""
    examples = sorted(path.with_suffix(".py") for path in EXAMPLES.glob("*.json"))
    table: dict[str, object] = {}
    for example in examples:
        for name, workflow in workflows_of(example).items():
            table[name] = describe(workflow, whole=False)
    for name, workflow in ODD_WORKFLOWS.items():
        table[name] = describe(workflow, whole=True)
    return table


def describe_stamps() -> dict[str, str]:
    """Return the last line of each deployed description, without its commit."""
    stamps = {}
    with open_emulator() as emulator, make_client(emulator) as client:
        for name, workflow in ODD_WORKFLOWS.items():
            workflow.deploy(client, env="staging", values=VALUES)
            live = client.workflows.get(workflow.id("staging"))
            stamps[name] = COMMIT.sub("-", live.description.splitlines()[-1])
    return stamps


SCHEDULES = [
    Schedule("weekdays", "0 9 * * 1-5", timezone="Europe/Berlin"),
    Schedule("é / %2F", "*/15 0 1 2 3", active=False),
]


def describe_schedules() -> dict[str, str]:
    """Return the stamp of each schedule by its text."""
    paths = ["ns:acme.example/project:growth/env:prod/workflow:inbound"]
    paths.append("ns:local/pin:6b1d7c1e-4c1f-4f0a-9a55-0d9b1f1f2a01")
    return {
        f"{path} {schedule.text}": make_stamp(path, schedule.name, schedule.text)
        for path in paths
        for schedule in SCHEDULES
    }


def describe_keys() -> list[str]:
    """Return the idempotency keys of runs and of retries."""
    body = hashlib.sha256(b"[]").hexdigest()
    ids = [ODD_WORKFLOWS["plain"].id(), "6B1D7C1E-4C1F-4F0A-9A55-0D9B1F1F2A01"]
    keys = [
        run_key(env=env, workflow_id=workflow_id, intent=intent, body_digest=body)
        for env in ENVIRONMENTS
        for workflow_id in ids
        for intent in ("2026-W48", "é / %2F")
    ]
    return [
        *map(str, keys),
        str(retry_key(keys[0], "r1")),
        str(retry_key(UUID(ids[1]), ids[1])),
    ]


def describe_wire() -> dict[str, object]:
    """Return everything that must not change."""
    return {
        "workflows": describe_all(),
        "stamps": describe_stamps(),
        "keys": describe_keys(),
        "schedules": describe_schedules(),
    }


@pytest.fixture(scope="module")
def golden() -> dict[str, object]:
    return json.loads(GOLDEN.read_text("utf-8"))


def test_bytes_ids_and_fingerprints(golden):
    """Of every example and of odd workflows, in two environments."""
    assert describe_all() == golden["workflows"]


def test_stamps(golden):
    """They are read back, also by later releases."""
    assert describe_stamps() == golden["stamps"]


def test_stamps_of_schedules(golden):
    """They tell what a deploy wrote from what people made."""
    assert describe_schedules() == golden["schedules"]
    for stamp in golden["schedules"].values():
        path, _, _ = stamp.removeprefix("[flow64:schedule:1 ").partition("/schedule:")
        workflow_id = path.partition("pin:")[2] or id_of(path)
        above, read, name, sent = split_stamp(f"Text\n{stamp}", workflow_id)
        assert (above, read) == ("Text", stamp)
        assert name in {schedule.name for schedule in SCHEDULES}
        assert sent == stamp[-17:-1]


def test_idempotency_keys(golden):
    """The service knows a run by its key."""
    assert describe_keys() == golden["keys"]


if __name__ == "__main__":
    text = json.dumps(describe_wire(), indent=1, ensure_ascii=True)
    GOLDEN.write_text(text + "\n", "utf-8")
