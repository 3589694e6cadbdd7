"""What a semantic diff costs beside compiling what it compares: one table.

    python benchmarks/diff.py            everything, in about a minute
    python benchmarks/diff.py --quick    small sizes and few rounds, in some seconds

The limit is the time it takes to compile both definitions from blocks. Three pairs are
compared: the same blocks with a field edited in every tenth, the same with all ids made
anew, as a copy in the web editor has them, and two with nothing in common. What follows
from the changes (columns, cost, effects, findings) is measured beside the findings of
both. Memory is the peak that tracemalloc sees while all changes are held, beside the
peak of compiling both. Every round measures every contender once; medians are compared.
"""

# ruff: noqa: D103 - a contender is named for what it makes

from __future__ import annotations

import gc
import math
import sys
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import linear_regression
from typing import Any

from attrs import evolve

sys.path.insert(0, str(Path(__file__).parent))

from run import chain, layered, medians, row, wide

from flow64 import RawBlock, Workflow
from flow64.definition import (
    Definition,
    Edge,
    FrozenDict,
    ListedOrigins,
    Origin,
    fingerprint,
    id_of,
)
from flow64.diff import apply, consequences, diff

SHAPES: dict[str, Callable[[int], Workflow]] = {
    "chain": chain,
    "wide": wide,
    "layered": layered,
}
SIZES = (100, 1_000, 5_000)


# -- What is compared ------------------------------------------------------------------


def edited(definition: Definition) -> Definition:
    """Another mode or field in every tenth block."""
    blocks = tuple(
        block._replace(specs=FrozenDict({**block.specs, "edited": position}))
        if position % 10 == 0
        else block._replace(specs=FrozenDict(block.specs))
        for position, block in enumerate(definition.blocks)
    )
    return evolve(definition, blocks=blocks)


def copied(definition: Definition) -> Definition:
    """The same edits, all ids made anew, and no keys."""
    made = edited(definition)
    ids = {block.id: id_of(f"copy:{block.id}") for block in made.blocks}
    return evolve(
        made,
        blocks=tuple(block._replace(id=ids[block.id]) for block in made.blocks),
        edges=tuple(Edge(ids[edge.source], ids[edge.target]) for edge in made.edges),
        origins=ListedOrigins([Origin()] * len(made.blocks)),
    )


def other(definition: Definition) -> Definition:
    """As many blocks, none of which has anything to do with these."""
    first, *others = (
        RawBlock(f"kind_{position % 7}", key=f"other{position}", specs={"at": position})
        for position in range(len(definition.blocks))
    )
    flow: Any = first
    for block in others:
        flow = flow >> block
    return Workflow("other", flow).compile()


PAIRS = {"a tenth edited": edited, "copied": copied, "unrelated": other}


def compile_both(make: Callable[[int], Workflow], count: int) -> Any:
    return make(count).compile(), make(count).compile()


def check_both(before: Definition, after: Definition) -> Any:
    from flow64.analysis import findings

    # A copy, since a definition remembers what was worked out of it.
    return findings(evolve(before)), findings(evolve(after))


def all_changes(before: Definition, after: Definition) -> Any:
    return [*diff(evolve(before), evolve(after))]


def all_consequences(before: Definition, after: Definition) -> Any:
    return [*consequences(evolve(before), evolve(after))]


# -- Measuring -------------------------------------------------------------------------


def measure(shape: str, pair: str, *, quick: bool) -> None:
    make = SHAPES[shape]
    seconds: dict[int, float] = {}
    for size in SIZES[:2] if quick else SIZES:
        before = make(size).compile()
        after = PAIRS[pair](before)
        made = apply(all_changes(before, after), before)
        assert fingerprint(made) == fingerprint(after), "the diff is not whole"
        found = medians(
            {
                "compile": partial(compile_both, make, size),
                "diff": partial(all_changes, before, after),
                "check": partial(check_both, before, after),
                "consequences": partial(all_consequences, before, after),
            },
            rounds=3 if quick else 9,
            repeat=max(1, 1_000 // size),
        )
        seconds[size] = found["diff"]
        for limit, ours, target in (
            ("compile", "diff", 5.0),
            ("check", "consequences", None),
        ):
            each = [f"{1e6 * found[name] / size:.2f} µs" for name in (limit, ours)]
            ratio = found[ours] / found[limit]
            row(f"{shape}, {pair}: {ours}", f"{size:,}", each, ratio, target)
    logs = [[math.log(x) for x in part] for part in (seconds, seconds.values())]
    slope = linear_regression(*logs).slope
    row(f"{shape}, {pair}: growth exponent", "all", ["", ""], slope, 1.2)


def measure_memory(shape: str, pair: str, *, quick: bool) -> None:
    make, size = SHAPES[shape], 1_000 if quick else 5_000
    before = make(size).compile()
    after = PAIRS[pair](before)
    limit = peak(partial(compile_both, make, size))
    ours = peak(partial(all_changes, before, after))
    each = [f"{total / size:,.0f} B" for total in (limit, ours)]
    row(f"{shape}, {pair}: peak memory", f"{size:,}", each, ours / limit, 5.0)


def peak(call: Callable[[], Any]) -> int:
    """The most bytes that are held while something is worked out."""
    call()  # what is made once and kept is no part of it
    gc.collect()
    tracemalloc.start()
    kept = call()
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    del kept
    return found


def main(arguments: list[str]) -> None:
    quick = arguments == ["--quick"]
    if arguments and not quick:
        sys.exit("usage: python benchmarks/diff.py [--quick]")
    heads = ("each block, median", "blocks", "limit", "measured", "ratio", "target")
    print("{:38} {:>8} {:>10} {:>10} {:>7}  {}".format(*heads))
    for shape in SHAPES:
        for pair in PAIRS:
            measure(shape, pair, quick=quick)
    for pair in PAIRS:
        measure_memory("chain", pair, quick=quick)


if __name__ == "__main__":
    main(sys.argv[1:])
