"""What the tests of analysis share: small workflows, and their findings."""

from __future__ import annotations

from flow64 import Workflow
from flow64.definition import Definition, Edge, Freezer, WireBlock, id_of


def wired(*blocks, edges=None, **changes):
    """A definition wire_blocks by hand of (kind, specs) pairs, by default a chain."""
    ids = [id_of(f"block:{number}") for number in range(len(blocks))]
    wire_blocks = tuple(
        WireBlock(block_id, kind, Freezer([].append).freeze(specs), kind, number)
        for number, (block_id, (kind, specs)) in enumerate(
            zip(ids, blocks, strict=True), 1
        )
    )
    if edges is None:
        edges = [(i, i + 1) for i in range(len(blocks) - 1)]
    wire_edges = tuple(Edge(ids[source], ids[target]) for source, target in edges)
    return Definition(
        "Leads", "", wire_blocks, wire_edges, **{"id": id_of("w"), **changes}
    )


def told(flow, code, *more):
    """Severity, block and message of each finding of a code in a flow or workflow."""
    if isinstance(flow, Workflow):
        workflow = flow
    else:
        workflow = Workflow("Leads", flow, *more, key="leads")
    return [
        (f.severity, f.where, f.message) for f in workflow.check() if f.code == code
    ]
