"""Rules about the graph: how blocks are joined, and which rows flow between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...blocks import CATALOGUE, ReadCsv, Webhook
from ...definition import Definition
from ...text import shortened
from ..columns import once
from ..rows import input_rows, row_kinds
from .rule import Found, name_block, name_blocks, rule, small_workflow


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


# -- Row kinds -------------------------------------------------------------------------


@rule(
    "rows",
    "error",
    advice="put the converter between",
    example="flow = Webhook(COMPANY) >> FindEmail()",
)
def row_kind_mismatch(definition: Definition) -> Iterator[Found]:
    """Rows of one kind flow into a block that takes the other (fails, documented).

    This is judged only if both kinds are documented, not inferred.
    """
    kinds = row_kinds(definition)
    blocks, topology = definition.blocks, definition.topology
    for source, target in zip(topology.sources, topology.targets, strict=True):
        given, kind = kinds[source], blocks[target].kind
        if given is None or (wants := input_rows(kind)) is None or given == wants:
            continue
        yield Found(
            target,
            f"{given.lower()} rows flow into {kind}, which takes {wants.lower()} rows",
            f"put {_CONVERTERS[wants]} between",
        )


_CONVERTERS = {"LEAD": "CompanyToLeads()", "COMPANY": "LeadsToCompany()"}


# -- Advice ----------------------------------------------------------------------------


@rule(
    "graph",
    "warning",
    advice="begin with a source: `Webhook(LEAD) >> ...`",
    example="flow = FindEmail() >> FindPhone()",
)
def no_source(definition: Definition) -> Iterator[Found]:
    """A block that takes rows has no input, so no rows reach it.

    A kind that may bring rows counts as a source.
    """
    for position in _roots(definition):
        kind = definition.blocks[position].kind
        if kind in CATALOGUE and not CATALOGUE[kind].about.may_begin:
            message = f"nothing feeds {kind}, so no rows reach it"
            yield Found(position, message)


@rule(
    "graph",
    "warning",
    advice="make one workflow of each source, or try it with few rows first",
    example=(
        'people = Search(LEAD, query="Heads of finance")\n'
        "flow = fan(Webhook(LEAD), people) >> FindEmail()"
    ),
)
def several_sources(definition: Definition) -> Iterator[Found]:
    """Rows come from more than one block.

    It is unknown whether the service starts such a workflow, and which block gets the
    rows of a run.
    """
    blocks = definition.blocks
    found = [p for p in _roots(definition) if _brings_rows(blocks[p].kind)]
    if len(found) > 1:
        names = name_blocks(definition, found, 8)
        message = f"rows come from {len(found)} sources: {names}"
        yield Found(found[1], message, _ONE_SOURCE)


_ONE_SOURCE = (
    "how the service starts a workflow of several sources is unknown: "
    "make one workflow of each, or try it with few rows first"
)


@rule(
    "graph",
    "warning",
    advice="begin a workflow of its own with it",
    example='flow = Webhook(LEAD) >> RawBlock("read_csv")',
)
def source_with_predecessor(definition: Definition) -> Iterator[Found]:
    """Rows flow into a block that brings its own rows. The result is unknown.

    If no other block brings rows, none reach the blocks before it.
    """
    kinds = [kind for kind in definition.by_kind if _only_begins(kind)]
    if not kinds:
        return
    blocks, parents = definition.blocks, definition.topology.parents
    for position, block in definition.of_kind(*kinds):
        if parents[position]:
            above = name_block(definition, parents[position][0])
            message = f"{block.kind} brings its own rows, and {above} feeds it"
            is_only = not any(_brings_rows(blocks[p].kind) for p in _roots(definition))
            advice = f"begin with {block.kind}, before the blocks that take its rows"
            yield Found(position, message, advice if is_only else None)


@rule(
    "graph",
    "warning",
    advice="join it with `>>`, or remove it",
    example=(
        "flow = Webhook(LEAD) >> FindEmail()\n"
        'workflow = Workflow("Leads", flow, FindPhone(), key="leads")'
    ),
)
def isolated_block(definition: Definition) -> Iterator[Found]:
    """A block is not joined to any other, so it takes no part in a run."""
    for position in _find_isolated_blocks(definition):
        message = "nothing leads to it, and it leads nowhere"
        yield Found(position, message)


@rule(
    "graph",
    "warning",
    advice="put the sink last, or at the side of the chain with `tap(...)`",
    example=(
        'out = OutgoingWebhook(url="https://example.com/hook")\n'
        "flow = Webhook(LEAD) >> out >> FindEmail()"
    ),
)
def sink_with_successor(definition: Definition) -> Iterator[Found]:
    """A block follows a sink. Whether rows continue there is unknown.

    Nothing forbids it, but no example of the service does it.
    """
    kinds = [kind for kind in definition.by_kind if _is_sink(kind)]
    if not kinds:
        return
    children = definition.topology.children
    for position, block in definition.of_kind(*kinds):
        if children[position]:
            below = name_block(definition, children[position][0])
            message = f"{below} follows {block.kind}, and whether rows go on is unknown"
            yield Found(position, message)


@rule(
    "graph",
    "warning",
    advice="end each branch in a block of its own, or try it with few rows first",
    example="flow = Webhook(LEAD) >> [FindEmail(), FindPhone()] >> Deduplicate()",
)
def several_parents(definition: Definition) -> Iterator[Found]:
    """Rows of several blocks flow into one. How the service merges them is unknown.

    They may be concatenated or joined, with repeated rows or missing columns. Blocks
    with the same parents are one finding.
    """
    topology = definition.topology
    if len(topology.targets) == len(set(topology.targets)):
        return
    meeting: dict[tuple[int, ...], list[int]] = {}
    for position, above in enumerate(topology.parents):
        if len(above) > 1:
            meeting.setdefault(tuple(above), []).append(position)
    for above, below in meeting.items():
        names = name_blocks(definition, above, 3)
        also = f" (and {len(below) - 1} more blocks)" if len(below) > 1 else ""
        message = f"rows of {len(above)} blocks meet here{also}: {names}"
        yield Found(below[0], message, _MERGING)


_MERGING = (
    "how the service merges them is unknown: end each branch in a block of its own, "
    "or try it with few rows first"
)


@rule(
    "graph",
    "warning",
    advice="use a `Filter` on each branch",
    example=small_workflow(edge={"condition": "email"}),
)
def condition_present(definition: Definition) -> Iterator[Found]:
    """An edge has a `condition`. It is reserved: the service does not branch yet."""
    for edge in definition.edges:
        if edge.extra and edge.condition is not None:
            position = definition.index.get(edge.target)
            message = "an edge to it has a condition, and conditions are reserved"
            yield Found(position, message)


@rule(
    "graph",
    "warning",
    advice="number the blocks 1, 2, 3 in the order in which rows reach them",
    example=small_workflow(number=1),
)
def duplicate_sequence_number(definition: Definition) -> Iterator[Found]:
    """Two blocks of a workflow in JSON have the same `sequence_number`.

    A run names its results by this number, and the final result is taken from the
    highest one. Whether the service refuses equal numbers is unknown. Code numbers its
    blocks itself.
    """
    numbers: dict[int, int] = {}
    for position, block in enumerate(definition.blocks):
        first = numbers.setdefault(block.number, position)
        if first != position:
            number = f"sequence_number {shortened(block.number)}"
            other = name_block(definition, first)
            yield Found(position, f"{number} is also that of {other}; {_FINAL}")


@rule(
    "graph",
    "warning",
    advice="number the blocks 1, 2, 3 in the order in which rows reach them",
    example=small_workflow(number=0),
)
def sequence_against_edges(definition: Definition) -> Iterator[Found]:
    """A block in JSON has a `sequence_number` not above that of a block before it.

    The final result of a run is taken from the highest number. So it would be that of
    an earlier block. Sources disagree on whether the number also decides the order in
    which blocks run.
    """
    blocks, topology = definition.blocks, definition.topology
    rank = {position: at for at, position in enumerate(topology.order)}
    reported = set()
    for source, target in zip(topology.sources, topology.targets, strict=True):
        above, number = blocks[source].number, blocks[target].number
        is_circle = rank[source] >= rank[target]
        if number <= above and not is_circle and target not in reported:
            reported.add(target)
            fed_by = f"{name_block(definition, source)} with number {shortened(above)}"
            message = f"sequence_number {shortened(number)} follows {fed_by}"
            yield Found(target, f"{message}; {_FINAL}")


_FINAL = "the final result is taken from the highest number"


@rule(
    "graph",
    "note",
    advice="begin with `Webhook(...)` if rows come from your own program",
    example='flow = Search(LEAD, query="Heads of finance")',
)
def first_block_not_webhook(definition: Definition) -> Iterator[Found]:
    """Sources disagree on whether the API can start a workflow with such a first block.

    One source says that only `webhook` works. The official page says that all but
    `read_csv` do, and the newest pages that `read_csv` does too.
    """
    for position in _roots(definition):
        kind = definition.blocks[position].kind
        if kind not in (Webhook.kind, ReadCsv.kind) and _brings_rows(kind):
            message = (
                f"it begins with {kind}, and sources disagree on starting it by API"
            )
            yield Found(position, message, _READINGS)


_READINGS = (
    "webhook alone works (one source), all but read_csv work (the official page), "
    "read_csv works too with an uploaded handle (the newest pages); such a run takes "
    "no rows, and any rows that are sent with it answer 400"
)


@rule(
    "graph",
    "warning",
    advice=(
        "begin with `Webhook(...)`, or name an uploaded file in each run's "
        "`specs_override`"
    ),
    example="flow = ReadCsv(LEAD) >> FindEmail()",
)
def read_csv_source(definition: Definition) -> Iterator[Found]:
    """A workflow that begins with `read_csv` needs a file to be started by API.

    The file is uploaded before. Older pages say that it cannot be started at all.
    """
    for position, block in definition.of_kind(ReadCsv.kind):
        if not block.specs.get("resource_handle_id"):
            message = "runs started by API need the handle of an uploaded file"
            yield Found(position, message)


def _brings_rows(kind: str) -> bool:
    return kind not in CATALOGUE or CATALOGUE[kind].about.may_begin


def _only_begins(kind: str) -> bool:
    return kind in CATALOGUE and not CATALOGUE[kind].about.may_follow


def _is_sink(kind: str) -> bool:
    return kind in CATALOGUE and CATALOGUE[kind].about.role == "sink"


def _find_isolated_blocks(definition: Definition) -> Sequence[int]:
    if len(definition.blocks) < 2:
        return []
    topology = definition.topology
    if not topology.sources:
        return range(len(definition.blocks))
    feeds = set(topology.sources)
    return [position for position in topology.roots if position not in feeds]


@once
def _roots(definition: Definition) -> Sequence[int]:
    """Return blocks without inputs, except isolated ones."""
    alone = set(_find_isolated_blocks(definition))
    return [p for p in definition.topology.roots if p not in alone]
