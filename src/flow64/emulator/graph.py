"""Graphs as they are saved: normalise ids, check edges, infer row kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

from ..blocks import CATALOGUE, OutgoingWebhook, Webhook, facts_of
from ..definition import Definition, canonical_id, from_data, is_uuid
from ..errors import ReadError
from .document import keep_documented
from .records import JsonObject
from .switches import Switches

_ENDS: Final = ("from_block_id", "to_block_id")


def normalise_graph(graph: JsonObject) -> JsonObject:
    """Give each block a UUID and a whole number, and rewrite the edges to match."""
    new_ids: dict[str, str] = {}
    blocks = []
    for block in graph["blocks"]:
        block_id = block.get("block_id")
        if not is_uuid(block_id):
            new_id = str(uuid4())
            block_id = new_ids.setdefault(block_id, new_id) if block_id else new_id
        number = int(block["sequence_number"])  # 1.0 is an integer in JSON
        blocks.append({**block, "sequence_number": number, "block_id": block_id})
    edges = [
        {**edge, **{end: new_ids.get(edge[end], edge[end]) for end in _ENDS}}
        for edge in graph["edges"]
    ]
    return {**graph, "blocks": blocks, "edges": edges}


def apply_save_switches(graph: JsonObject, switches: Switches) -> JsonObject:
    """Change a normalised graph as the switches for saving say."""
    if switches.drop_unknown:
        graph = {
            "blocks": [keep_documented("Block", block) for block in graph["blocks"]],
            "edges": [keep_documented("WorkflowEdge", edge) for edge in graph["edges"]],
        }
    if switches.fill_defaults:
        blocks = [
            {
                **block,
                "specs": {**_list_defaults(block["block_name"]), **block["specs"]},
            }
            for block in graph["blocks"]
        ]
        graph = {**graph, "blocks": blocks}
    if switches.reorder:
        blocks = [
            {**block, "specs": dict(reversed(block["specs"].items()))}
            for block in reversed(graph["blocks"])
        ]
        graph = {**graph, "blocks": blocks, "edges": graph["edges"][::-1]}
    return graph


def to_definition(graph: JsonObject) -> Definition:
    """Convert a normalised graph, for its order and its edges by position."""
    return from_data({"name": "", "workflow_definition": graph})


def find_problems(graph: JsonObject) -> Iterator[str]:
    """Yield the reasons why a normalised graph cannot be saved."""
    blocks = graph["blocks"]
    if not blocks:
        yield "Workflow must have at least one block"
    ids = Counter(canonical_id(block["block_id"]) for block in blocks)
    repeated = [block_id for block_id, times in ids.items() if times > 1]
    yield from (f"Duplicate block_id: {block_id}" for block_id in repeated)
    existing = {block["block_id"] for block in blocks}
    ends = [edge[end] for edge in graph["edges"] for end in _ENDS]
    yield from (
        f"Edge references a block that does not exist: {end}"
        for end in ends
        if end not in existing
    )
    try:
        definition = to_definition(graph)
    except ReadError as error:
        yield f"The emulator cannot read it: {error.problem}"
        return
    if _has_cycle(definition):
        yield "Workflow graph contains a cycle"
    else:
        yield from _row_kind_mismatches(definition)
    for block in blocks:
        is_delivery = block["block_name"] == OutgoingWebhook.kind
        if is_delivery and not _is_web_address(block["specs"].get("url")):
            yield "outgoing_webhook: url must be an absolute http or https URL"


def infer_row_kinds(definition: Definition) -> Sequence[str | None]:
    """Return the row kind that each block gives; None if no document states it."""
    kinds: list[str | None] = [None] * len(definition.blocks)
    for position in definition.topology.order:
        block = definition.blocks[position]
        cls = CATALOGUE.get(block.kind)
        gives = cls.about.gives if cls and cls.about.rows in {"D", "D1"} else "unknown"
        if gives == "same":
            inputs = {kinds[at] for at in definition.topology.parents[position]}
            kinds[position] = inputs.pop() if len(inputs) == 1 else None
        elif gives == "dataframe_type":
            word = block.specs.get("dataframe_type")
            kinds[position] = word if word in ("LEAD", "COMPANY") else None
        elif gives != "unknown":
            kinds[position] = gives
    return kinds


def _list_defaults(kind: str) -> Mapping[str, Any]:
    """Return the documented or inferred defaults of spec fields."""
    cls = CATALOGUE.get(kind)
    facts = facts_of(cls) if cls else {}
    defaults = {
        name: fact.value for name, fact in facts.items() if fact.value is not None
    }
    # Frameworks write null for a field that is not set. Here only a field with no
    # effect is written so, since no document says that the service does it.
    return {**defaults, "webhook_input": None} if kind == Webhook.kind else defaults


def _has_cycle(definition: Definition) -> bool:
    place = {position: at for at, position in enumerate(definition.topology.order)}
    return any(
        place[parent] >= place[position]
        for position, parents in enumerate(definition.topology.parents)
        for parent in parents
    )


def _row_kind_mismatches(definition: Definition) -> Iterator[str]:
    kinds = infer_row_kinds(definition)
    for position, block in enumerate(definition.blocks):
        cls = CATALOGUE.get(block.kind)
        if cls is None or cls.about.rows not in {"D", "D1"}:
            continue
        takes = cls.about.takes
        for parent in definition.topology.parents[position]:
            if takes in {"LEAD", "COMPANY"} and kinds[parent] not in {None, takes}:
                source = definition.blocks[parent].kind
                gives = f"{source} gives {kinds[parent]} rows"
                yield f"{block.kind} takes {takes} rows, and {gives}"


def _is_web_address(url: object) -> bool:
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        return bool(parts and parts.scheme in {"http", "https"} and parts.hostname)
    except ValueError:
        return False
