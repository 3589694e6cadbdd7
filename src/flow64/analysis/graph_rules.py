"""Rules about the graph: how blocks are joined, and which rows flow between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from ..blocks import CATALOGUE, ReadCsv, Webhook
from ..definition import Definition
from ..schedules import Schedule, read_cron
from ..text import shortened
from .columns import documented_rows, row_kinds
from .rule import Fault, name_block, name_blocks, once, rule


@rule("graph", "error", of=["odd-start"])
def no_blocks(definition: Definition) -> Iterator[Fault]:
    """A workflow has no blocks; the service rejects an empty graph (documented).

    Fix: begin with a source: `Webhook(LEAD) >> ...`.

    Example:
        graph = '"workflow_definition": {"blocks": [], "edges": []}'
        text = f'{{"workflow_name": "Leads", "workflow_description": "", {graph}}}'
        workflow = Workflow.from_json(text)
    """
    if not definition.blocks:
        yield Fault(None, "it has no blocks")


@rule("graph", "error", of=["json"])
def dangling_edge(definition: Definition) -> Iterator[Fault]:
    """An edge names a block that is missing; the service rejects it (documented).

    Fix: add the block, or remove the edge.

    Example:
        flow = Webhook(LEAD) >> FindEmail()
        text = Workflow("Leads", flow, key="leads", project=growth).to_json()
        text = text.replace('to_block_id": "', 'to_block_id": "x')
        workflow = Workflow.from_json(text)
    """
    index = definition.index
    for source, target, _ in definition.edges:
        for end, other in ((source, target), (target, source)):
            if end not in index:
                message = f"an edge names block {shortened(end)}, which is not there"
                yield Fault(index.get(other), message)


@rule("graph", "error", of=["cycle"])
def cycle(definition: Definition) -> Iterator[Fault]:
    """Blocks feed each other in a circle, or a block feeds itself.

    The graph is documented as acyclic.

    Fix: make a step that comes twice a block of its own: `block.again(key="second")`.

    Example:
        first, second = FindEmail(), FindPhone()
        flow = Webhook(LEAD) >> first >> second >> first
    """
    for members in _find_circles(definition.topology.children):
        names = [name_block(definition, position) for position in members]
        path = " >> ".join([*names, names[0]])
        yield Fault(members[0], f"rows run in a circle: {path}")


def _find_circles(children: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Yield blocks that feed themselves, and one circle of each connected part."""
    seen: set[int] = set()
    for start in range(len(children)):
        # The blocks on the way from the start, each with those that are left to visit.
        path = {} if start in seen else {start: iter(children[start])}
        has_circle = False
        while path:
            last = next(reversed(path))
            seen.add(last)
            child = next(path[last], None)
            if child is None:
                del path[last]
            elif child == last:
                yield [child]
            elif child in path and not has_circle:
                has_circle = True
                way = [*path]
                yield way[way.index(child) :]
            elif child not in seen:
                path[child] = iter(children[child])


# -- Row kinds -------------------------------------------------------------------------


@rule("rows", "error", of=["both-row-kinds"])
def row_kind_mismatch(definition: Definition) -> Iterator[Fault]:
    """Rows of one kind flow into a block that takes the other (fails, documented).

    This is judged only if both kinds are documented, not inferred.

    Fix: put the converter between.

    Example:
        flow = Webhook(COMPANY) >> FindEmail()
    """
    leaving, blocks = row_kinds(definition), definition.blocks
    wanted = {kind: documented_rows(kind)[0] for kind in definition.by_kind}
    topology = definition.topology
    for source, target in zip(topology.sources, topology.targets, strict=True):
        rows, kind = leaving[source], blocks[target].kind
        wants = wanted[kind]
        if rows != wants and rows is not None and wants in _CONVERTERS:
            message = f"{rows.lower()} rows into {kind}"
            yield Fault(target, message, f"put {_CONVERTERS[wants]} between")


_CONVERTERS = {"LEAD": "CompanyToLeads()", "COMPANY": "LeadsToCompany()"}


# -- Sources ---------------------------------------------------------------------------


@rule("graph", "warning", of=["odd-start"])
def no_source(definition: Definition) -> Iterator[Fault]:
    """A block that takes rows has no input, so no rows reach it.

    A kind that may bring rows counts as a source.

    Fix: begin with a source: `Webhook(LEAD) >> ...`.

    Example:
        flow = FindEmail() >> FindPhone()
    """
    for position in _find_roots(definition):
        kind = definition.blocks[position].kind
        if not _brings_rows(kind):
            yield Fault(position, f"nothing feeds {kind}, so no rows reach it")


@rule("graph", "warning", of=["odd-start"])
def several_sources(definition: Definition) -> Iterator[Fault]:
    """Rows come from more than one block.

    It is unknown whether the service starts such a workflow, and which block gets the
    rows of a run.

    Fix: how the service starts a workflow of several sources is unknown: make one
    workflow of each, or try it with few rows first.

    Example:
        people = Search(LEAD, query="Heads of finance")
        flow = fan(Webhook(LEAD), people) >> FindEmail()
    """
    blocks = definition.blocks
    roots = [at for at in _find_roots(definition) if _brings_rows(blocks[at].kind)]
    if len(roots) > 1:
        names = name_blocks(definition, roots, 8)
        yield Fault(roots[1], f"rows come from {len(roots)} sources: {names}")


@rule("graph", "warning", of=["odd-start"])
def source_with_predecessor(definition: Definition) -> Iterator[Fault]:
    """Rows flow into a block that brings its own rows. The result is unknown.

    If no other block brings rows, none reach the blocks before it.

    Fix: begin a workflow of its own with it.

    Example:
        flow = Webhook(LEAD) >> RawBlock("read_csv")
    """
    for kind, positions in definition.by_kind.items():
        if kind in CATALOGUE and not CATALOGUE[kind].about.may_follow:
            for position in positions:
                if above := definition.topology.parents[position]:
                    feeder = name_block(definition, above[0])
                    message = f"{kind} brings its own rows, and {feeder} feeds it"
                    yield Fault(position, message)


@rule("graph", "note", "warning", of=["odd-start"])
def first_block_not_webhook(definition: Definition) -> Iterator[Fault]:
    """Sources disagree on whether the API can start a workflow with such a first block.

    One source says that only `webhook` works. The official page says that all but
    `read_csv` do, and the newest pages that `read_csv` does too, with the handle of an
    uploaded file. Such a run takes no rows: with rows it is refused. It is a warning
    for a `read_csv` without a handle.

    Fix: begin with `Webhook(...)` if rows come from your own program.

    Example:
        flow = Search(LEAD, query="Heads of finance")
    """
    for position in _find_roots(definition):
        _, kind, specs, *_ = definition.blocks[position]
        if kind == ReadCsv.kind and not specs.get("resource_handle_id"):
            message = "runs started by API need the handle of an uploaded file"
            advice = "begin with Webhook(...), or name the file in specs_override"
            yield Fault(position, message, advice, "warning")
        elif kind not in (Webhook.kind, ReadCsv.kind) and _brings_rows(kind):
            yield Fault(position, f"sources disagree on starting {kind} by API")


# -- Edges -----------------------------------------------------------------------------


@rule("graph", "warning", of=["odd-start"])
def isolated_block(definition: Definition) -> Iterator[Fault]:
    """A block is not joined to any other, so it takes no part in a run.

    Fix: join it with `>>`, or remove it.

    Example:
        flow = Webhook(LEAD) >> FindEmail()
        workflow = Workflow("Leads", flow, FindPhone(), key="leads", project=growth)
    """
    starts = {*_find_roots(definition)}
    for position in definition.topology.roots:
        if position not in starts:
            yield Fault(position, "nothing leads to it, and it leads nowhere")


@rule("graph", "warning", of=["sink"])
def sink_with_successor(definition: Definition) -> Iterator[Fault]:
    """A block follows a sink. Whether rows continue there is unknown.

    Nothing forbids it, but no example of the service does it.

    Fix: put the sink last, or at the side of the chain with `tap(...)`.

    Example:
        out = OutgoingWebhook(url="https://example.com/hook")
        flow = Webhook(LEAD) >> out >> FindEmail()
    """
    for kind, positions in definition.by_kind.items():
        if kind in CATALOGUE and CATALOGUE[kind].about.role == "sink":
            for position in positions:
                if below := definition.topology.children[position]:
                    name = name_block(definition, below[0])
                    yield Fault(position, f"{name} follows {kind}: rows may end there")


@rule("graph", "warning", of=["meeting-rows"])
def several_parents(definition: Definition) -> Iterator[Fault]:
    """Rows of several blocks flow into one. How the service merges them is unknown.

    They may be concatenated or joined, with repeated rows or missing columns. Blocks
    with the same parents are one finding.

    Fix: how the service merges them is unknown: end each branch in a block of its own,
    or try it with few rows first.

    Example:
        flow = Webhook(LEAD) >> [FindEmail(), FindPhone()] >> Deduplicate()
    """
    topology = definition.topology
    groups: dict[tuple[int, ...], list[int]] = {}
    for position, above in enumerate(topology.parents):
        if len(above) > 1:
            groups.setdefault(tuple(above), []).append(position)
    for above, below in groups.items():
        names = name_blocks(definition, above, 3)
        also = f" (and {len(below) - 1} more blocks)" if len(below) > 1 else ""
        message = f"rows of {len(above)} blocks meet here{also}: {names}"
        yield Fault(below[0], message)


@rule("graph", "warning", of=["json"])
def condition_present(definition: Definition) -> Iterator[Fault]:
    """An edge has a `condition`. It is reserved: the service does not branch yet.

    Fix: use a `Filter` on each branch.

    Example:
        flow = Webhook(LEAD) >> FindEmail()
        text = Workflow("Leads", flow, key="leads", project=growth).to_json()
        named = '"condition": "email", "to_block_id"'
        workflow = Workflow.from_json(text.replace('"to_block_id"', named))
    """
    for edge in definition.edges:
        if edge.extra.get("condition") is not None:
            message = "an edge to it has a condition, and conditions are reserved"
            yield Fault(definition.index.get(edge.target), message)


@rule("graph", "warning", of=["json"])
def wrong_sequence_number(definition: Definition) -> Iterator[Fault]:
    """A block in JSON has the `sequence_number` of another one, or one out of order.

    A run names its results by this number, and the final result is taken from the
    highest one. Sources disagree on whether the number also decides the order in which
    blocks run. Code numbers its blocks itself.

    Fix: number the blocks 1, 2, 3 in the order in which rows reach them.

    Example:
        flow = Webhook(LEAD) >> FindEmail()
        text = Workflow("Leads", flow, key="leads", project=growth).to_json()
        text = text.replace('"sequence_number": 2', '"sequence_number": 1')
        workflow = Workflow.from_json(text)
    """
    blocks, topology = definition.blocks, definition.topology
    wrong: dict[int, int] = {}
    numbers: dict[int, int] = {}
    for position, block in enumerate(blocks):
        if (first := numbers.setdefault(block.number, position)) != position:
            wrong[position] = first
    rank = {position: at for at, position in enumerate(topology.order)}
    for source, target in zip(topology.sources, topology.targets, strict=True):
        is_behind = rank[source] < rank[target]
        if is_behind and blocks[target].number < blocks[source].number:
            wrong.setdefault(target, source)
    for position, other in wrong.items():
        number, name = blocks[position].number, name_block(definition, other)
        message = f"sequence_number {shortened(number)} is not above that of {name}"
        yield Fault(position, message)


def _brings_rows(kind: str) -> bool:
    return kind not in CATALOGUE or CATALOGUE[kind].about.may_begin


@once
def _find_roots(definition: Definition) -> Sequence[int]:
    """Return blocks without inputs, except isolated ones."""
    topology = definition.topology
    feeding = set(topology.sources)
    is_alone = len(definition.blocks) == 1
    return [at for at in topology.roots if is_alone or at in feeding]


# -- Schedules -------------------------------------------------------------------------


@rule("effects", "warning", of=[Webhook])
def schedule_without_rows(definition: Definition) -> Iterator[Fault]:
    """A schedule starts a workflow that takes the rows of each run.

    A schedule has no rows. What such a run gets is not documented.

    Fix: begin with a source that has rows of its own, such as `Search`, or start the
    runs yourself, as in `flow64 run`.

    Example:
        workflow = Workflow(
            "Leads",
            Webhook(LEAD) >> FindEmail(),
            key="leads",
            project=growth,
            schedules=[Schedule("weekdays", "0 9 * * 1-5")],
        )
    """
    if definition.schedules:
        for position, _ in definition.of_kind(Webhook.kind):
            yield Fault(position, "a schedule has no rows for it")


@rule("values", "warning")
def unreadable_cron(definition: Definition) -> Iterator[Fault]:
    """A cron expression is not one that cronsim can read.

    The service may refuse it after it has stored the workflow. Without the extra `cli`,
    cronsim may be missing, and nothing is judged.

    Fix: write minute, hour, day, month and weekday, as in `0 9 * * 1-5`.

    Example:
        workflow = Workflow(
            "Leads",
            Search(LEAD, query="Heads of sales", max_results=10) >> FindEmail(),
            key="leads",
            project=growth,
            schedules=[Schedule("daily", "0 25 * * *")],
        )
    """
    for name, text in (definition.schedules or {}).items():
        cron = Schedule.from_text(name, text).cron
        if isinstance(problem := read_cron(cron, datetime.now(UTC)), str):
            message = f"schedule {shortened(name)}: cronsim cannot read it ({problem})"
            yield Fault(None, message)
