"""Rules about the graph: blocks, edges, sources and ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...definition import Definition
from ...text import shortened
from ._rule import Found, name_block, rule, small_workflow


@rule(
    "graph",
    "error",
    advice="begin with a source: `Webhook(LEAD) >> ...`",
    example={
        "workflow_name": "Leads",
        "workflow_description": "",
        "workflow_definition": {"blocks": [], "edges": []},
    },
)
def no_blocks(definition: Definition) -> Iterator[Found]:
    """A workflow has no blocks; the service rejects an empty graph (documented)."""
    if not definition.blocks:
        yield Found(None, "it has no blocks")


@rule(
    "graph",
    "error",
    advice="add the block, or remove the edge",
    example=small_workflow(edge={"to_block_id": "gone"}),
)
def dangling_edge(definition: Definition) -> Iterator[Found]:
    """An edge names a block that is missing; the service rejects it (documented)."""
    if len(definition.topology.sources) == len(definition.edges):
        return
    index = definition.index
    for source, target, _ in definition.edges:
        if source not in index:
            yield _dangling(index.get(target), source)
        if target not in index:
            yield _dangling(index.get(source), target)


@rule(
    "graph",
    "error",
    advice=(
        'make a step that comes twice a block of its own: `block.again(key="second")`'
    ),
    example=("step = FindEmail()\nflow = Webhook(LEAD) >> step >> step"),
)
def self_edge(definition: Definition) -> Iterator[Found]:
    """A block feeds itself; the graph is documented as acyclic."""
    if definition.topology.is_forward:
        return
    for position, children in enumerate(definition.topology.children):
        if position in children:
            what = name_block(definition, position)
            yield Found(position, f"{what} feeds itself")


@rule(
    "graph",
    "error",
    advice=(
        'make a step that comes twice a block of its own: `block.again(key="second")`'
    ),
    example=(
        "first, second = FindEmail(), FindPhone()\n"
        "flow = Webhook(LEAD) >> first >> second >> first"
    ),
)
def cycle(definition: Definition) -> Iterator[Found]:
    """Blocks feed each other in a circle; the graph is documented as acyclic."""
    if definition.topology.is_forward:
        return
    for members in _circles(definition.topology.children):
        path = " >> ".join(name_block(definition, position) for position in members)
        first = name_block(definition, members[0])
        yield Found(members[0], f"rows run in a circle: {path} >> {first}")


def _dangling(position: int | None, block_id: str) -> Found:
    named = f"an edge names block {shortened(block_id)}"
    message = f"{named}, which is not in the definition"
    return Found(position, message)


def _circles(children: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield one cycle of each strongly connected part."""
    state = [0] * len(children)  # 0 not seen, 1 on the path, 2 done
    for start in range(len(children)):
        if state[start]:
            continue
        path, branches = [start], [iter(children[start])]
        state[start] = 1
        found = False
        while path:
            child = next(branches[-1], None)
            if child is None:
                state[path.pop()] = 2
                branches.pop()
            elif state[child] == 1:
                if child != path[-1] and not found:
                    found = True
                    yield path[path.index(child) :]
            elif state[child] == 0:
                state[child] = 1
                path.append(child)
                branches.append(iter(children[child]))
