"""What flow64 costs beside writing the dicts by hand: one table, to standard output.

    python benchmarks/run.py            everything, in about three minutes
    python benchmarks/run.py --quick    small sizes and few rounds, in some seconds

The limit is a program without flow64: the same dicts written down, `uuid.uuid5`, and
`json.dumps` without an indent. flow64 makes the same text from scratch, its blocks
included. Every round measures every contender once, so that a busy machine slows all of
them; medians over the rounds are compared. The garbage collector is left on. Memory is
the peak that tracemalloc sees in a process of its own. hera, where it is installed,
makes a dict of a DAG of the same shape, and at small sizes alone: its time grows with
the square of the width. A fleet is compiled one workflow after the other: the ratio of
its peaks is the share of the further text that they grow by.
"""

# ruff: noqa: D103 - a contender is named for what it makes

from __future__ import annotations

import gc
import json
import math
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise, product
from statistics import linear_regression, median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from uuid import uuid5

try:
    from hera.workflows import DAG, Container, Task
    from hera.workflows import Workflow as HeraWorkflow

    HAS_HERA = True
except ModuleNotFoundError:
    HAS_HERA = False

from flow64 import LEAD, Flow, Workflow
from flow64.blocks import Filter, FindEmail, LeadEnrichment, OutgoingWebhook, Webhook
from flow64.definition import FLOW64

PATH = "ns:local/workflow:w"
URL = "https://acme.example/hook"
LAYERS, GROUP = 100, 10


# -- The limit: by hand ----------------------------------------------------------------


def by_hand(keys: list[str], sources: Sequence[int], targets: Sequence[int]) -> str:
    """The create body of blocks by key; sources and targets are positions of edges."""
    ids = [str(uuid5(FLOW64, f"{PATH}/block:{key}")) for key in keys]
    blocks = [
        {
            "block_id": block_id,
            "sequence_number": number,
            "block_type": "enrichment",
            "block_name": "find_email",
            "specs": {"mode": "PROFESSIONAL"},
        }
        if number % 2
        else {
            "block_id": block_id,
            "sequence_number": number,
            "block_type": "enrichment",
            "block_name": "lead_enrichment",
            "specs": {"return_fields": {"title": "Current job title"}},
        }
        for number, block_id in enumerate(ids, 1)
    ]
    blocks[0] |= {
        "block_type": "io",
        "block_name": "webhook",
        "specs": {"dataframe_type": "LEAD"},
    }
    edges = [
        {"from_block_id": ids[source], "to_block_id": ids[target]}
        for source, target in zip(sources, targets, strict=True)
    ]
    return as_text("w", blocks, edges, PATH)


def as_text(name: str, blocks: list[Any], edges: list[Any], path: str) -> str:
    body = {
        "workflow_name": name,
        "workflow_description": "",
        "workflow_definition": {"blocks": blocks, "edges": edges},
        "id": str(uuid5(FLOW64, path)),
    }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")) + "\n"


def chain_by_hand(count: int) -> str:
    keys = [f"k{i:06d}" for i in range(count)]
    return by_hand(keys, range(count - 1), range(1, count))


def wide_by_hand(count: int) -> str:
    keys = [f"k{i:06d}" for i in range(count)]
    middle = range(1, count - 1)
    sources = [0] * len(middle) + [*middle]
    targets = [*middle] + [count - 1] * len(middle)
    return by_hand(keys, sources, targets)


def layered_by_hand(count: int) -> str:
    keys = [f"k{i:06d}" for i in range(count)]
    layers = [range(1 + i, 1 + i + GROUP) for i in range(0, count - 1, GROUP)]
    pairs = [(0, i) for i in layers[0]]
    for before, after in pairwise(layers):
        pairs += product(before, after)
    sources, targets = zip(*pairs, strict=True)
    return by_hand(keys, sources, targets)


def fleet_by_hand(count: int) -> int:
    return sum(len(one_by_hand(i)) for i in range(count // 5))


def one_by_hand(number: int) -> str:
    region, mode = f"r{number:06d}", ("PROFESSIONAL", "PERSONAL")[number % 2]
    prefix = f"ns:local/workflow:{region}"
    steps: list[tuple[str, str, dict[str, Any]]] = [
        (
            "io",
            "webhook",
            {
                "dataframe_type": "LEAD",
                "input_schema": {"email": "string", "company": "string"},
            },
        ),
        (
            "enrichment",
            "lead_enrichment",
            {"return_fields": {"title": f"Job title in {region}"}},
        ),
        ("enrichment", "find_email", {"mode": mode}),
        (
            "transform",
            "filter",
            {
                "filters": [
                    {"column": "email_status", "operator": "equals", "value": "OK"}
                ]
            },
        ),
        ("output", "outgoing_webhook", {"url": f"{URL}/{region}"}),
    ]
    ids = [str(uuid5(FLOW64, f"{prefix}/block:{kind}")) for _, kind, _ in steps]
    blocks = [
        {
            "block_id": ids[i],
            "sequence_number": i + 1,
            "block_type": label,
            "block_name": kind,
            "specs": specs,
        }
        for i, (label, kind, specs) in enumerate(steps)
    ]
    edges = [
        {"from_block_id": source, "to_block_id": target}
        for source, target in pairwise(ids)
    ]
    return as_text(f"Leads of {region}", blocks, edges, prefix)


# -- flow64 ----------------------------------------------------------------------------


def blocks_of(count: int) -> list[Any]:
    """The blocks that `by_hand` writes down."""
    return [
        Webhook(LEAD, key="k000000"),
        *(
            LeadEnrichment(
                key=f"k{i:06d}", return_fields={"title": "Current job title"}
            )
            if i % 2
            else FindEmail(key=f"k{i:06d}", mode="PROFESSIONAL")
            for i in range(1, count)
        ),
    ]


def chain(count: int) -> Workflow:
    first, *others = blocks_of(count)
    flow = first
    for block in others:
        flow = flow >> block
    return Workflow("w", flow)


def chain_from_the_end(count: int) -> Workflow:
    *others, last = blocks_of(count)
    flow = last
    for block in reversed(others):
        flow = block >> flow
    return Workflow("w", flow)


def wide(count: int) -> Workflow:
    first, *middle, last = blocks_of(count)
    return Workflow("w", first >> middle >> last)


def layered(count: int) -> Workflow:
    first, *others = blocks_of(count)
    flow = first
    for i in range(0, len(others), GROUP):
        flow = flow >> others[i : i + GROUP]
    return Workflow("w", flow)


def fleet(count: int) -> Iterator[Workflow]:
    for number in range(count // 5):
        yield one(f"r{number:06d}", ("PROFESSIONAL", "PERSONAL")[number % 2])


def one(region: str, mode: Any) -> Workflow:
    flow: Flow[Any, Any] = (
        Webhook(LEAD, input_schema={"email": "string", "company": "string"})
        >> LeadEnrichment(return_fields={"title": f"Job title in {region}"})
        >> FindEmail(mode=mode)
        >> Filter.where("email_status").equals("OK")
        >> OutgoingWebhook(url=f"{URL}/{region}")
    )
    return Workflow(f"Leads of {region}", flow, key=region)


def to_json(make: Callable[[int], Any], count: int) -> Any:
    if make is fleet:
        return sum(len(workflow.to_json(indent=None)) for workflow in fleet(count))
    return make(count).to_json(indent=None)


def check(make: Callable[[int], Any], count: int) -> Any:
    if make is fleet:
        return sum(len(workflow.check()) for workflow in fleet(count))
    return make(count).check()


# -- hera ------------------------------------------------------------------------------


def hera(make: Callable[[int], Any], count: int) -> Any:
    """A DAG of the same shape, to a dict."""
    with HeraWorkflow(generate_name="w-", entrypoint="dag") as workflow:
        Container(name="step", image="alpine", command=["true"])
        with DAG(name="dag"):
            arguments = {"mode": "PROFESSIONAL"}
            tasks: list[Any] = [
                Task(name=f"k{i:06d}", template="step", arguments=arguments)
                for i in range(count)
            ]
            if make is wide:
                _ = tasks[0] >> tasks[1:-1] >> tasks[-1]
            else:
                for before, after in pairwise(tasks):
                    _ = before >> after
    return workflow.to_dict()


# -- Measuring -------------------------------------------------------------------------

SHAPES: dict[
    str, tuple[Callable[[int], Any], Callable[[int], Any], tuple[int, ...]]
] = {
    "chain, left-nested": (chain, chain_by_hand, (100, 1_000, 10_000, 100_000)),
    "chain, right-nested": (
        chain_from_the_end,
        chain_by_hand,
        (100, 1_000, 10_000, 100_000),
    ),
    "wide": (wide, wide_by_hand, (100, 1_000, 10_000, 100_000)),
    "layered": (layered, layered_by_hand, (LAYERS * GROUP + 1,)),
    "fleet of five": (fleet, fleet_by_hand, (500, 5_000, 50_000)),
}
UNTOUCHED = ("httpx", "cattrs", "rich")
PIPELINE = (
    "from flow64 import LEAD, Project, Workflow\n"
    "from flow64.blocks import Filter, FindEmail, Webhook"
)
"""What the file of a pipeline begins with."""


def medians(
    contenders: dict[str, Callable[[], Any]], rounds: int, repeat: int = 1
) -> dict[str, float]:
    """The median seconds of each contender; every round has each of them once."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            gc.collect()
            started = perf_counter()
            for _ in range(repeat):
                call()
            times[name].append((perf_counter() - started) / repeat)
    return {name: median(found) for name, found in times.items()}


def row(
    what: str, size: str, each: Sequence[str], ratio: float, target: float | None
) -> None:
    limit, ours = each
    verdict = ""
    if target is not None:
        verdict = f"<= {target:<5g} {'pass' if ratio <= target else 'FAIL'}"
    print(
        f"{what:38} {size:>8} {limit:>10} {ours:>10} {ratio:7.2f}  {verdict}".rstrip()
    )
    sys.stdout.flush()


def measure_shape(name: str, *, quick: bool) -> None:
    make, hand, sizes = SHAPES[name]
    seconds: dict[int, float] = {}
    for size in sizes:
        if quick and size > 10_000:
            continue
        assert to_json(make, size) == hand(size), f"{name} is not the same text"
        contenders: dict[str, Callable[[], Any]] = {
            "limit": partial(hand, size),
            "compile + JSON": partial(to_json, make, size),
            "check()": partial(check, make, size),
        }
        if HAS_HERA and size <= 1_000 and make in (chain, wide):
            contenders["hera to a dict"] = partial(hera, make, size)
        rounds = 3 if quick else 15 if size <= 1_000 else 9 if size <= 10_000 else 5
        found = medians(contenders, rounds, repeat=max(1, 2_000 // size))
        limit = found.pop("limit")
        seconds[size] = found["compile + JSON"]
        most = 1.75 if size == 100_000 else 1.5
        for what, time in found.items():
            target = {"compile + JSON": most, "check()": 3.0}.get(what)
            each = [f"{1e6 * total / size:.2f} µs" for total in (limit, time)]
            row(f"{name}: {what}", f"{size:,}", each, time / limit, target)
    if len(seconds) > 1:
        logs = [[math.log(x) for x in part] for part in (seconds, seconds.values())]
        target = 1.15 if name != "fleet of five" else None
        slope = linear_regression(*logs).slope
        row(f"{name}: growth exponent", "all", ["", ""], slope, target)


def measure_memory(*, quick: bool) -> None:
    size = 1_000 if quick else 20_000
    for name in ("chain, left-nested", "wide"):
        limit, ours = (peak(name, side, size) for side in ("limit", "flow64"))
        each = [f"{total / size:,.0f} B" for total in (limit, ours)]
        row(f"{name}: peak memory", f"{size:,}", each, ours / limit, 1.5)
    # Each text is dropped, so more of them need no more memory; caches have a bound.
    few, many = 25_000, 50_000
    small, large = (peak("fleet of five", "flow64", count) for count in (few, many))
    share = (large - small) / (fleet_by_hand(many) - fleet_by_hand(few))
    each = [f"{total / 1e3:,.0f} kB" for total in (small, large)]
    row("fleet of five: peak of half, of all", f"{many:,}", each, share, 0.1)


def peak(name: str, side: str, size: int) -> int:
    """The peak of what one contender allocates, in a process of its own."""
    command = [sys.executable, __file__, "--peak", name, side, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout)


def print_peak(name: str, side: str, size: int) -> None:
    make, hand, _ = SHAPES[name]
    call = hand if side == "limit" else partial(to_json, make)
    call(10)  # what is made once and kept is no part of it
    gc.collect()
    tracemalloc.start()
    call(size)
    print(tracemalloc.get_traced_memory()[1])


def measure_import(*, quick: bool) -> None:
    """Processes of an installed package, whose byte code is there already.

    A pipeline is measured by what its file imports: each name is loaded when it is
    asked for, so `import flow64` alone would say little.
    """
    environment = {
        name: text
        for name, text in os.environ.items()
        if name != "PYTHONDONTWRITEBYTECODE"
    }
    with TemporaryDirectory() as folder:

        def run(*arguments: str) -> str:
            command = [sys.executable, "-X", f"pycache_prefix={folder}", *arguments]
            done = subprocess.run(
                command, capture_output=True, text=True, check=True, env=environment
            )
            return done.stdout

        contenders: dict[str, Callable[[], Any]] = {
            "attrs": partial(run, "-c", "import attrs"),
            "pipeline": partial(run, "-c", PIPELINE),
            "click": partial(run, "-c", "import click"),
            "help": partial(run, "-m", "flow64", "--help"),
        }
        for call in contenders.values():
            call()
        found = medians(contenders, rounds=5 if quick else 21)
        code = f"{PIPELINE}\nimport sys\nprint(*sys.modules.keys() & {{*{UNTOUCHED}}})"
        loaded = run("-c", code).split()
    for what, limit, ours, target in (
        ("imports of attrs, of a pipeline", "attrs", "pipeline", 2.5),
        ("import click, flow64 --help", "click", "help", 2.0),
    ):
        each = [f"{1e3 * found[name]:.0f} ms" for name in (limit, ours)]
        row(what, "", each, found[ours] / found[limit], target)
    row(f"of {', '.join(UNTOUCHED)} it loads", "", ["", ""], len(loaded), 0)


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--peak"]:
        name, side, size = arguments[1:]
        print_peak(name, side, int(size))
        return
    quick = arguments == ["--quick"]
    if arguments and not quick:
        sys.exit("usage: python benchmarks/run.py [--quick]")
    if not HAS_HERA:
        print("hera is not installed: no rows of it (requirements/bench.txt has it)")
    heads = ("each block, median", "blocks", "limit", "measured", "ratio", "target")
    print("{:38} {:>8} {:>10} {:>10} {:>7}  {}".format(*heads))
    for name in SHAPES:
        measure_shape(name, quick=quick)
    measure_memory(quick=quick)
    measure_import(quick=quick)


if __name__ == "__main__":
    main(sys.argv[1:])
