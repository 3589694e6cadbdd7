"""What a run in the emulator costs by row: one table, to standard output.

    python benchmarks/emulator.py            1,000, 10,000 and 100,000 rows
    python benchmarks/emulator.py --quick    the first two

A six-block pipeline over an uploaded file: deduplicate, enrich, find e-mails, filter,
append to a notebook. Each size runs in a process of its own, with its store in a file,
as `flow64 serve --store` has it; the time is that of the run alone, and the memory is
the peak of the whole process. The exponent is that of the time as a power of the number
of rows: 1 where a row costs the same in a large run as in a small one.
"""

from __future__ import annotations

import json
import math
import resource
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import linear_regression, median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

SIZES = (1_000, 10_000, 100_000)
ROUNDS = {1_000: 5, 10_000: 3, 100_000: 1}

Cost = dict[str, float]
"""Seconds of a run, and peak megabytes of its process."""


# -- One size, in a process of its own -------------------------------------------------


def pipeline(handle: str) -> dict[str, Any]:
    """Six blocks over an uploaded file."""
    steps: list[tuple[str, dict[str, Any]]] = [
        ("read_csv", {"resource_handle_id": handle, "dataframe_type": "LEAD"}),
        ("deduplicate", {}),
        (
            "lead_enrichment",
            {"return_fields": {"title": "Title", "age": {"type": "int"}}},
        ),
        ("find_email", {"mode": "PROFESSIONAL"}),
        (
            "filter",
            {
                "filters": [
                    {"column": "email_status", "operator": "equals", "value": "OK"}
                ]
            },
        ),
        ("append_to_notebook", {"notebook_id": "leads"}),
    ]
    ids = [f"b1a5a5a0-0000-4000-8000-{number:012d}" for number in range(len(steps))]
    return {
        "blocks": [
            {
                "block_id": block_id,
                "sequence_number": number,
                "block_type": kind,
                "block_name": kind,
                "specs": specs,
            }
            for number, (block_id, (kind, specs)) in enumerate(
                zip(ids, steps, strict=True), 1
            )
        ],
        "edges": [
            {"from_block_id": before, "to_block_id": after}
            for before, after in pairwise(ids)
        ],
    }


def people(count: int) -> Iterator[dict[str, str]]:
    """Rows of a file."""
    return (
        {"name": f"Person {n}", "company": f"Company {n % 997}", "country": "NO"}
        for n in range(count)
    )


def run_of(count: int, folder: str) -> Cost:
    """What one run costs; called in a process of its own."""
    from flow64.client import Client
    from flow64.emulator import Emulator

    emulator = Emulator(store=Path(folder, "store"))
    store, handle = emulator.store, "file"
    transport = emulator.transport()
    with Client(
        "key", base_url="http://localhost", journal=None, transport=transport
    ) as client:
        workflow = client.workflows.create(
            {
                "workflow_name": "Six blocks",
                "workflow_description": "",
                "workflow_definition": pipeline(handle),
            }
        )
        emulator.fixtures["read_csv"] = lambda: [*people(count)]
        began = perf_counter()
        run_id = client.runs.start(workflow.id, None).id
        emulator.engine._active[run_id][0].join()
        seconds = perf_counter() - began
    run = store.runs.get(run_id)
    assert run is not None
    assert run.status == "completed", run.error
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    emulator.stop()
    return {"seconds": seconds, "megabytes": kilobytes / 1024}


def cost(count: int) -> Cost:
    """The median of some runs, each in a process of its own."""
    found = []
    for _ in range(ROUNDS[count]):
        with TemporaryDirectory() as folder:
            command = [sys.executable, __file__, str(count), folder]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        found.append(json.loads(done.stdout))
    return {
        "seconds": median(one["seconds"] for one in found),
        "megabytes": max(one["megabytes"] for one in found),
    }


# -- The table -------------------------------------------------------------------------


def measured(*, is_quick: bool = False) -> dict[int, Cost]:
    """The cost of a run at each size."""
    return {count: cost(count) for count in (SIZES[:2] if is_quick else SIZES)}


def exponent(costs: dict[int, Cost]) -> float:
    """The power of the number of rows by which the time grows."""
    return linear_regression(
        [math.log(count) for count in costs],
        [math.log(found["seconds"]) for found in costs.values()],
    ).slope


def rows(*, is_quick: bool = False) -> list[tuple[str, str]]:
    """Lines of a table: what was measured, and how much it was."""
    costs = measured(is_quick=is_quick)
    lines = [
        (
            f"run of {count:,} rows, 6 blocks",
            "{:,.0f} us a row, peak {:,.0f} MB".format(
                found["seconds"] / count * 1e6, found["megabytes"]
            ),
        )
        for count, found in costs.items()
    ]
    return [*lines, ("growth of the time", f"exponent {exponent(costs):.2f}")]


def main(arguments: list[str]) -> None:
    """Print the table, or measure one size."""
    if arguments and arguments[0].isdigit():
        count, folder = arguments
        print(json.dumps(run_of(int(count), folder)))
        return
    for what, how_much in rows(is_quick="--quick" in arguments):
        print(f"{what:<36} {how_much}")


if __name__ == "__main__":
    main(sys.argv[1:])
