"""The examples for Airflow and Dagster with the real packages, for `nox -s engines`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flow64.emulator import Emulator

EXAMPLES = Path(__file__).parents[2] / "examples" / "engines"

# The worker dies after the start, so that Airflow starts the task once more.
AIRFLOW = """
from importlib import import_module

import airflow_leads as example
from flow64 import Client

path, arguments = example.RunEnds("an id").serialize()
module, _, name = path.rpartition(".")
assert getattr(import_module(module), name)(**arguments).run_id == "an id"

def die(operator, context, event):
    example.RunWorkflow.save = save
    raise RuntimeError("the worker died")

save, example.RunWorkflow.save = example.RunWorkflow.save, die
with Client() as client:
    client.deploy(example.leads)
dag_run = example.dag.test()
(task,) = dag_run.get_task_instances()
print(dag_run.state, task.state, task.try_number)
"""

DAGSTER = """
import dagster as dg

import dagster_leads as example
from flow64 import Client

with Client() as client:
    for workflow in example.fleet.values():
        client.deploy(workflow)
for _ in range(2):
    result = dg.materialize(example.assets)
    facts = result.asset_materializations_for_node("leads__de")[0].metadata
    print(result.success, facts["rows"].value)
"""


@pytest.fixture
def service():
    with Emulator() as emulator:
        yield emulator


def run(service, folder, program, *arguments, **variables):
    """Run a program beside the examples; return what it prints."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(EXAMPLES),
        "SIXTYFOUR_API_ENDPOINT": service.url,
        "SIXTYFOUR_API_KEY": "any",
        **variables,
    }
    done = subprocess.run(
        [sys.executable, *(arguments or ("-c", program))],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout.splitlines()


def starts(service):
    return [r.path for r in service.requests if r.path.endswith("/workflows/run")]


def test_airflow(service, tmp_path):
    """A task that is tried again attaches to its run, and nothing is bought twice."""
    (tmp_path / "people.csv").write_text("full_name\nAda\nGrace\n")
    variables = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLES),
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "0",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
    }
    run(service, tmp_path, "", "-m", "airflow", "db", "migrate", **variables)

    printed = run(service, tmp_path, AIRFLOW, **variables)

    assert printed[-1] == "success success 2"
    assert len(starts(service)) == 1
    (saved,) = tmp_path.glob("leads-*.csv")
    assert len(saved.read_text().splitlines()) == 3


def test_dagster(service, tmp_path):
    """To materialize the same rows again buys nothing."""
    for region in ("de", "fr", "us"):
        (tmp_path / f"people-{region}.csv").write_text("full_name\nAda\nGrace\n")

    printed = run(service, tmp_path, DAGSTER)

    assert printed == ["True 2"] * 2
    assert len(starts(service)) == 3
    assert len([*tmp_path.glob("leads-*.csv")]) == 3
