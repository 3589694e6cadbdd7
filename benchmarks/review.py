"""What a review costs for each workflow that changes, in each rendering: one table.

    python benchmarks/review.py            fleets to 1,600 workflows, in some minutes
    python benchmarks/review.py --quick    fleets to 400 and few rounds, in some seconds

Last come files that hold much, as a stranger may write them: many fields in one block,
many blocks, many edges. Reading and reviewing them has to grow linearly as well.

A fleet is edited in one way, so that it is shown as one change, or in each workflow in
another one, so that nothing is shared. The limit is the semantic diff with what follows
from it, which a review is made of; making the review is measured beside its renderings.
Every round measures every contender once; medians are compared. Last comes how the time
grows with the number of changes, which is to be no worse than linear.
"""

# ruff: noqa: D103 - a contender is named for what it makes

from __future__ import annotations

import gc
import json
import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import linear_regression
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from run import medians, row

from flow64 import LEAD, Project, Workflow
from flow64.blocks import FindEmail, LeadEnrichment, OutgoingWebhook, Webhook
from flow64.definition import Definition, loads
from flow64.diff import consequences, diff
from flow64.render.review import (
    Pair,
    as_data,
    as_html,
    as_markdown,
    as_text,
    review_of_diff,
)

GROWTH = Project("growth", namespace="acme.example")
SIZES = (100, 400, 1_600)
RENDERINGS: dict[str, Callable[[Any], Any]] = {
    "markdown": as_markdown,
    "text": as_text,
    "json": as_data,
    "page": as_html,
}


def workflow(key: str, **fields: str) -> Definition:
    flow = (
        Webhook(LEAD, input_schema={"email": "string", "company": "string"})
        >> LeadEnrichment(return_fields={"title": "Current job title", **fields})
        >> FindEmail()
        >> OutgoingWebhook(url=f"https://crm.acme.example/{key}")
    )
    return loads(Workflow(f"Leads {key}", flow, key=key, project=GROWTH).to_json())


def pairs(size: int, *, alike: bool) -> list[Pair]:
    """Each workflow before and after, read from JSON."""
    return [
        Pair(
            f"w/{n}",
            workflow(f"w{n}"),
            workflow(f"w{n}", seniority="How senior" if alike else f"How senior {n}"),
        )
        for n in range(size)
    ]


def written(blocks: int, fields: int, edges: int) -> str:
    """A workflow as somebody may write it, who has no code that makes it."""
    made = [
        {
            "block_id": f"b{n}",
            "sequence_number": n,
            "block_type": "io",
            "block_name": "webhook",
            "specs": {f"f{n}": n for n in range(fields)},
        }
        for n in range(blocks)
    ]
    joined = [
        {"from_block_id": f"b{n % blocks}", "to_block_id": f"b{n // blocks % blocks}"}
        for n in range(edges)
    ]
    graph = {"blocks": made, "edges": joined}
    return json.dumps({"workflow_name": "large", "workflow_definition": graph})


LARGE: dict[str, Callable[[int], str]] = {
    "fields of one block": lambda size: written(1, size, 0),
    "blocks": lambda size: written(size, 1, size - 1),
    "edges of 200 blocks": lambda size: written(200, 1, size),
}


def reviewed(text: str) -> None:
    review = review_of_diff([Pair("large", None, loads(text))])
    for render in RENDERINGS.values():
        render(review)


def compared(found: list[Pair]) -> None:
    for pair in found:
        assert pair.before is not None
        assert pair.after is not None
        list(diff(pair.before, pair.after))
        list(consequences(pair.before, pair.after))


def contenders(size: int) -> dict[str, Callable[[], Any]]:
    """The limit, and each rendering of both fleets."""
    made: dict[str, Callable[[], Any]] = {}
    for name, alike in (("alike", True), ("unlike", False)):
        found = pairs(size, alike=alike)
        made.setdefault("limit", partial(compared, found))
        made[f"{name}, made"] = partial(review_of_diff, found)
        review = review_of_diff(found)
        for rendering, render in RENDERINGS.items():
            made[f"{name}, as {rendering}"] = partial(render, review)
    return made


def main(arguments: list[str]) -> None:
    quick = arguments == ["--quick"]
    if arguments and not quick:
        sys.exit("usage: python benchmarks/review.py [--quick]")
    heads = ("each workflow, median", "fleet", "limit", "measured", "ratio", "target")
    print("{:38} {:>8} {:>10} {:>10} {:>7}  {}".format(*heads))
    sizes = SIZES[:2] if quick else SIZES
    # All sizes in each round, so that what else the machine does is in all of them.
    calls = {
        (size, name): call for size in sizes for name, call in contenders(size).items()
    }
    # Definitions that are at hand are not measured, so nobody walks through them.
    gc.freeze()
    named = {f"{size} {name}": call for (size, name), call in calls.items()}
    found = medians(named, rounds=2 if quick else 5)
    names = [name for size, name in calls if size == sizes[0] and name != "limit"]
    for size in sizes:
        limit = found[f"{size} limit"]
        for name in names:
            ours = found[f"{size} {name}"]
            each = [f"{1e6 * part / size:.0f} µs" for part in (limit, ours)]
            row(f"review, {name}", f"{size:,}", each, ours / limit, None)
    for name in names:
        times = [found[f"{size} {name}"] for size in sizes]
        logs = [[math.log(x) for x in part] for part in (sizes, times)]
        slope = linear_regression(*logs).slope
        row(f"review, {name}: growth exponent", "all", ["", ""], slope, 1.2)
    large = [size * 10 for size in sizes]
    calls_of_large = {
        f"{size} {name}": partial(reviewed, write(size))
        for size in large
        for name, write in LARGE.items()
    }
    found = medians(calls_of_large, rounds=1 if quick else 3)
    for name in LARGE:
        times = [found[f"{size} {name}"] for size in large]
        logs = [[math.log(x) for x in part] for part in (large, times)]
        slope = linear_regression(*logs).slope
        last = ["", f"{times[-1]:.2f} s"]
        row(f"{name}, read and reviewed: growth", f"{large[-1]:,}", last, slope, 1.2)


if __name__ == "__main__":
    main(sys.argv[1:])
