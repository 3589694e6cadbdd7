"""What pictures cost beside reading what they show: one table.

    python benchmarks/render.py            everything, in about a minute
    python benchmarks/render.py --quick    small sizes and few rounds, in some seconds

The limit is the time it takes to read the definition's own JSON back, checked and
frozen. Measured are the layout alone, the whole SVG of one definition, and the Mermaid,
the text and the SVG of what differs between two of which every tenth block was edited;
the diff itself is part of these. Every round measures every contender once; medians are
compared. The growth exponent is that of time over the number of blocks; the garbage
collector is left on, and without it the exponent is 1.0.
"""

# ruff: noqa: D103 - a contender is named for what it makes

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import linear_regression
from typing import Any

from attrs import evolve

sys.path.insert(0, str(Path(__file__).parent))

from diff import edited
from run import chain, layered, medians, row, wide

from flow64 import Workflow
from flow64.definition import Definition, dumps, loads
from flow64.layout import lay_out
from flow64.render import (
    draw_mermaid_changes,
    draw_svg,
    draw_svg_changes,
    draw_text_changes,
)
from flow64.render import graph_of as as_graph

SHAPES: dict[str, Callable[[int], Workflow]] = {
    "chain": chain,
    "wide": wide,
    "layered": layered,
}
SIZES = (250, 1_000, 5_000)


def only_layout(definition: Definition) -> Any:
    graph = as_graph(evolve(definition))
    edges = [(link.source, link.target) for link in graph.links]
    return lay_out([(160, 40)] * len(graph.nodes), edges)


def picture(definition: Definition) -> str:
    # A copy, since a definition remembers what was worked out of it.
    return draw_svg(evolve(definition))


def compared(draw: Callable[..., str], before: Definition, after: Definition) -> str:
    return draw(evolve(before), evolve(after))


def measure(shape: str, *, quick: bool) -> None:
    make = SHAPES[shape]
    seconds: dict[str, dict[int, float]] = {}
    for size in SIZES[:2] if quick else SIZES:
        before = make(size).compile()
        after = edited(before)
        contenders: dict[str, Callable[[], Any]] = {
            "limit": partial(loads, dumps(before)),
            "layout": partial(only_layout, before),
            "SVG": partial(picture, before),
            "changes, Mermaid": partial(compared, draw_mermaid_changes, before, after),
            "changes, text": partial(compared, draw_text_changes, before, after),
            "changes, SVG": partial(compared, draw_svg_changes, before, after),
        }
        found = medians(contenders, rounds=3 if quick else 5)
        for name, taken in found.items():
            seconds.setdefault(name, {})[size] = taken
            if name != "limit":
                each = [
                    f"{1e6 * found[what] / size:.1f} µs" for what in ("limit", name)
                ]
                ratio = taken / found["limit"]
                row(f"{shape}: {name}", f"{size:,}", each, ratio, None)
    for name, taken in seconds.items():
        if name != "limit":
            logs = [[math.log(x) for x in part] for part in (taken, taken.values())]
            slope = linear_regression(*logs).slope
            row(f"{shape}: {name}, growth exponent", "all", ["", ""], slope, 1.3)


def main(arguments: list[str]) -> None:
    quick = arguments == ["--quick"]
    if arguments and not quick:
        sys.exit("usage: python benchmarks/render.py [--quick]")
    heads = ("each block, median", "blocks", "limit", "measured", "ratio", "target")
    print("{:38} {:>8} {:>10} {:>10} {:>7}  {}".format(*heads))
    for shape in SHAPES:
        measure(shape, quick=quick)


if __name__ == "__main__":
    main(sys.argv[1:])
