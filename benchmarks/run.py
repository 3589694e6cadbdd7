"""What flow64 costs, beside what it is compared with: one table, to standard output.

    python benchmarks/run.py            everything, in about two minutes
    python benchmarks/run.py --quick    small sizes and few rounds, in some seconds

Each line has two contenders, measured in turns in the same run, so that a busy machine
slows both of them. Medians are compared. "By hand" is a program without flow64 that
writes the same dicts, `uuid.uuid5` and `json.dumps`. A fleet is what one function with
two parameters makes in a loop, one after the other. hera makes a dict of a DAG of the
same shape; it is measured at 1,000 blocks alone, since its time grows with the square.
"""

# ruff: noqa: D103 - a contender is named for what it makes

from __future__ import annotations

import csv
import gc
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from math import log
from pathlib import Path
from statistics import linear_regression, median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Annotated, Any
from uuid import uuid5

try:
    from hera.workflows import DAG, Container, Task
    from hera.workflows import Workflow as HeraWorkflow
except ModuleNotFoundError:
    HeraWorkflow = None

try:
    import polars as pl
except ModuleNotFoundError:
    pl = None

from flow64 import LEAD, Client, Flow, Project, Start, Workflow, returns
from flow64.blocks import (
    EmailMode,
    Filter,
    FindEmail,
    LeadEnrichment,
    OutgoingWebhook,
    Webhook,
)
from flow64.client import Policy
from flow64.definition import FLOW64
from flow64.deploy.git import Git
from flow64.deploy.make import make_plan
from flow64.deploy.target import target_of
from flow64.emulator import Emulator
from flow64.runs.frames import to_polars
from flow64.runs.rows import RowFile
from flow64.runs.typed import ResultRows, structure_for

Call = Callable[[], Any]
Step = tuple[str, str, str, dict[str, Any]]
"""Key, label, kind and specs of a block."""
FIELDS = {"title": "Current job title"}
URL = "https://acme.example/hook"


# -- By hand ---------------------------------------------------------------------------


def by_hand(
    key: str, title: str, steps: list[Step], edges: list[tuple[int, int]]
) -> str:
    """The JSON of blocks by key, and of edges between their positions."""
    path = f"ns:local/workflow:{key}"
    ids = [str(uuid5(FLOW64, f"{path}/block:{name}")) for name, *_ in steps]
    body = {
        "workflow_name": title,
        "workflow_description": "",
        "workflow_definition": {
            "blocks": [
                {
                    "block_id": block_id,
                    "sequence_number": number,
                    "block_type": label,
                    "block_name": kind,
                    "specs": specs,
                }
                for number, (block_id, (_, label, kind, specs)) in enumerate(
                    zip(ids, steps, strict=True), 1
                )
            ],
            "edges": [
                {"from_block_id": ids[source], "to_block_id": ids[target]}
                for source, target in edges
            ],
        },
        "id": str(uuid5(FLOW64, path)),
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")) + "\n"


def steps_by_hand(count: int) -> list[Step]:
    steps: list[Step] = [
        (
            f"k{number:06d}",
            "enrichment",
            "lead_enrichment",
            {"return_fields": {**FIELDS}},
        )
        if number % 2
        else (f"k{number:06d}", "enrichment", "find_email", {"mode": "PROFESSIONAL"})
        for number in range(count)
    ]
    steps[0] = ("k000000", "io", "webhook", {"dataframe_type": "LEAD"})
    return steps


def chain_by_hand(count: int) -> str:
    return by_hand("w", "w", steps_by_hand(count), list(pairwise(range(count))))


def wide_by_hand(count: int) -> str:
    middle = range(1, count - 1)
    edges = [(0, m) for m in middle] + [(m, count - 1) for m in middle]
    return by_hand("w", "w", steps_by_hand(count), edges)


def inbound_by_hand(region: str, mode: str) -> str:
    schema = {"email": "string", "company": "string"}
    conditions = [{"column": "email_status", "operator": "equals", "value": "OK"}]
    fields = {"title": f"Job title in {region}"}
    blocks: list[tuple[str, str, dict[str, Any]]] = [
        ("io", "webhook", {"dataframe_type": "LEAD", "input_schema": schema}),
        ("enrichment", "lead_enrichment", {"return_fields": fields}),
        ("enrichment", "find_email", {"mode": mode}),
        ("transform", "filter", {"filters": conditions}),
        ("output", "outgoing_webhook", {"url": f"{URL}/{region}"}),
    ]
    steps = [(kind, label, kind, specs) for label, kind, specs in blocks]
    return by_hand(region, f"Leads of {region}", steps, list(pairwise(range(5))))


def fleet_by_hand(count: int) -> list[str]:
    return [inbound_by_hand(*parameters) for parameters in parameters_of(count)]


# -- flow64 ----------------------------------------------------------------------------


def blocks(count: int) -> list[Any]:
    """The blocks that `steps_by_hand` writes down."""
    return [
        Webhook(LEAD, key="k000000"),
        *(
            LeadEnrichment(key=f"k{number:06d}", return_fields=FIELDS)
            if number % 2
            else FindEmail(key=f"k{number:06d}", mode="PROFESSIONAL")
            for number in range(1, count)
        ),
    ]


def chain(count: int) -> Workflow:
    flow, *others = blocks(count)
    for block in others:
        flow = flow >> block
    return Workflow("w", flow, key="w")


def wide(count: int) -> Workflow:
    first, *middle, last = blocks(count)
    return Workflow("w", first >> middle >> last, key="w")


def inbound(region: str, mode: EmailMode, project: Project | None = None) -> Workflow:
    flow: Flow[Start, Any] = (
        Webhook(LEAD, input_schema={"email": "string", "company": "string"})
        >> LeadEnrichment(return_fields={"title": f"Job title in {region}"})
        >> FindEmail(mode=mode)
        >> Filter.where("email_status").equals("OK")
        >> OutgoingWebhook(url=f"{URL}/{region}")
    )
    return Workflow(f"Leads of {region}", flow, key=region, project=project)


def parameters_of(count: int) -> Iterator[tuple[str, EmailMode]]:
    """The region and the mode of each workflow of a fleet with so many blocks."""
    modes: tuple[EmailMode, EmailMode] = ("PROFESSIONAL", "PERSONAL")
    return ((f"r{number:06d}", modes[number % 2]) for number in range(count // 5))


def fleet(count: int) -> Iterator[Workflow]:
    return (inbound(*parameters) for parameters in parameters_of(count))


def as_json(made: Any) -> Any:
    if isinstance(made, Workflow):
        return made.to_json(indent=None)
    return [workflow.to_json(indent=None) for workflow in made]


def check(made: Any) -> Any:
    return [
        workflow.check()
        for workflow in ([made] if isinstance(made, Workflow) else made)
    ]


def dag(count: int, *, is_wide: bool) -> Any:
    """The same shape with hera."""
    with HeraWorkflow(generate_name="w-", entrypoint="dag") as workflow:
        Container(name="step", image="alpine", command=["true"])
        with DAG(name="dag"):
            arguments = {"mode": "PROFESSIONAL"}
            tasks: list[Any] = [
                Task(name=f"k{number:06d}", template="step", arguments=arguments)
                for number in range(count)
            ]
            if is_wide:
                _ = tasks[0] >> tasks[1:-1] >> tasks[-1]
            else:
                for before, after in pairwise(tasks):
                    _ = before >> after
    return workflow.to_dict()


# -- The table -------------------------------------------------------------------------


def measure(*calls: Call, rounds: int = 7) -> list[float]:
    """Return the median of each contender in milliseconds, measured in turns."""
    times: dict[Call, list[float]] = {call: [] for call in calls}
    for call, seconds in [pair for _ in range(rounds) for pair in times.items()]:
        gc.collect()
        began = perf_counter()
        call()
        seconds.append(perf_counter() - began)
    return [1e3 * median(seconds) for seconds in times.values()]


def show(what: str, size: str, other: float, ours: float) -> None:
    numbers = f"{other:>10.1f}{ours:>10.1f}{ours / other:>8.2f}"
    print(f"{what:44}{size:>15}{numbers}", flush=True)


def compare(what: str, size: str, ours: Call, other: Call, *, rounds: int = 7) -> None:
    """Measure two contenders, and print their medians and the ratio."""
    show(what, size, *measure(other, ours, rounds=rounds))


SHAPES: dict[str, tuple[Callable[[int], Any], Callable[[int], Any]]] = {
    "chain": (chain, chain_by_hand),
    "wide": (wide, wide_by_hand),
    "fleet of five": (fleet, fleet_by_hand),
}


def measure_compiling(sizes: Mapping[int, int]) -> None:
    """Compile and check workflows of some sizes, each in a number of rounds.

    The growth exponent is the slope of the logarithms of time and size, over all sizes:
    1 is linear. That of the program by hand is beside it.
    """
    for name, (make, hand) in SHAPES.items():
        times: list[tuple[int, list[float]]] = []
        for size, rounds in sizes.items():
            assert as_json(make(size)) == hand(size), f"{name} is not the same text"
            by_hand, compiled, checked = medians = measure(
                lambda size=size, hand=hand: hand(size),
                lambda size=size, make=make: as_json(make(size)),
                lambda size=size, make=make: check(make(size)),
                rounds=rounds,
            )
            show(
                f"{name}: compile and JSON, by hand",
                f"{size:,} blocks",
                by_hand,
                compiled,
            )
            show(f"{name}: check, by hand", f"{size:,} blocks", by_hand, checked)
            times.append((size, medians))
        logs = [log(size) for size, _ in times]
        by_hand, compiled, checked = (
            linear_regression(logs, [*map(log, column)]).slope
            for column in zip(*(medians for _, medians in times), strict=True)
        )
        words = f"by hand {by_hand:.2f}, compile {compiled:.2f}, check {checked:.2f}"
        print(f"{f'{name}: growth exponent':44}{words}", flush=True)
        if HeraWorkflow is not None and name != "fleet of five":
            compare(
                f"{name}: compile and JSON, hera", "1,000 blocks",
                lambda make=make: as_json(make(1_000)),
                lambda name=name: dag(1_000, is_wide=name == "wide"),
            )  # fmt: skip


def measure_planning(count: int) -> None:
    """A fleet that the service does not have yet, on an emulator in this process."""
    project = Project("bench", namespace="acme.example")
    workflows = [inbound(*each, project) for each in parameters_of(count * 5)]
    hurried = Policy(requests_per_minute=None)
    with (
        Emulator() as emulator,
        Client("sk_local", base_url=emulator.url, policy=hurried) as client,
    ):

        def plan() -> Any:
            git = Git()
            targets = [target_of(each, "default", git=git) for each in workflows]
            facts = {"env": "default", "endpoint": client.endpoint}
            return make_plan(client.session, targets, **facts)

        assert len(plan().steps) == count
        compare(
            "plan of a new fleet, its check", f"{count} workflows", plan,
            lambda: check(workflows), rounds=3,
        )  # fmt: skip


@returns
class Person:
    """What the run asks for."""

    title: Annotated[str | None, "Current job title"]


def measure_running(count: int) -> None:
    """A run on an emulator, beside writing its rows to a text."""
    rows = [{"email": f"a{n}@b.example", "company": f"B{n}"} for n in range(count)]
    source = Webhook(LEAD, input_schema={"email": "string", "company": "string"})
    flow = source >> LeadEnrichment(return_fields=Person)
    project = Project("bench", namespace="acme.example")
    workflow = Workflow("Bench", flow, key="bench", project=project)

    def as_csv() -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, ["email", "company", "title"])
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()

    with Emulator() as emulator, Client("sk_local", base_url=emulator.url) as client:
        client.deploy(workflow)
        numbers = iter(range(1_000))

        def run() -> Any:
            started = client.run(workflow, rows, intent=f"bench {next(numbers)}")
            return started.wait(every=0.01, timeout=120)

        compare(
            "run on the emulator, csv.DictWriter",
            f"{count:,} rows",
            run,
            as_csv,
            rounds=3,
        )


def measure_reading(count: int) -> None:
    """A result file, read as objects."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "rows.csv")
        with path.open("w", encoding="utf-8") as file:
            file.write("email,title\n")
            file.writelines(f"p{number}@b.example,CTO\n" for number in range(count))

        def read() -> int:
            rows = ResultRows(RowFile(path, path.name, "csv", count), count, structure)
            return sum(row.value.title is not None for row in rows)

        def read_by_hand() -> int:
            with path.open(encoding="utf-8", newline="") as file:
                return sum(1 for _ in csv.DictReader(file))

        structure = structure_for(Person)
        assert read() == count
        compare(
            "typed rows of a file, csv.DictReader", f"{count:,} rows",
            read, read_by_hand, rounds=1,
        )  # fmt: skip


def measure_frames(count: int) -> None:
    """The same rows as CSV and as JSON, to a frame, beside the reader of polars."""
    with TemporaryDirectory() as folder:
        csv_file, json_file = Path(folder, "rows.csv"), Path(folder, "rows.json")
        with csv_file.open("w", encoding="utf-8") as file:
            file.write("email,title\n")
            file.writelines(f"p{number}@b.example,CTO\n" for number in range(count))
        pl.read_csv(csv_file).write_json(json_file)
        for path, options in (csv_file, ""), (json_file, ", infer_schema_length=None"):
            form = path.suffix[1:]
            beside = f"pl.read_{form}({str(path)!r}{options})"
            raw = RowFile(path, path.name, form, count)
            assert to_polars(raw).shape == (count, 2)
            compare(
                f"frame of a file, polars.read_{form}", f"{count:,} rows",
                lambda raw=raw: to_polars(raw), lambda text=beside: eval(text),
                rounds=5,
            )  # fmt: skip
            ours = f"to_polars(RowFile(Path({str(path)!r}), '', {form!r}, {count}))"
            peaks = f"{peak_of(beside)} MB{peak_of(ours):>7} MB"
            print(f"{'  the most memory, imports included':59}{peaks:>20}")


def peak_of(expression: str) -> int:
    """The most memory that a program of one expression takes, in MB (Linux)."""
    program = f"""
import polars as pl
from pathlib import Path
from flow64.runs.frames import to_polars
from flow64.runs.rows import RowFile
{expression}
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return int(done.stdout) // 1024


def main(arguments: list[str]) -> None:
    is_quick = arguments == ["--quick"]
    if arguments and not is_quick:
        sys.exit("usage: python benchmarks/run.py [--quick]")
    os.environ["FLOW64_JOURNAL"] = ""
    if HeraWorkflow is None or pl is None:
        print("hera and polars are not installed; requirements/bench.txt has them")
    print(f"{'flow64, beside':44}{'size':>15}{'beside':>10}{'flow64':>10}{'ratio':>8}")
    print(f"{'milliseconds, medians':44}")
    sizes = {100: 25, 1_000: 15, 10_000: 7, 100_000: 3}
    measure_compiling({100: 7, 1_000: 7} if is_quick else sizes)
    measure_planning(20 if is_quick else 500)
    for count in (100,) if is_quick else (10_000, 100_000):
        measure_running(count)
    measure_reading(1_000 if is_quick else 1_000_000)
    if pl is not None:
        measure_frames(1_000 if is_quick else 1_000_000)


if __name__ == "__main__":
    main(sys.argv[1:])
