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
from ._records import JsonObject
from ._switches import Switches

_GRAPH_KEYS: Final = frozenset({"blocks", "edges"})
_BLOCK_KEYS: Final = frozenset(
    {"block_id", "sequence_number", "block_type", "block_name", "specs"}
)
_EDGE_KEYS: Final = frozenset({"from_block_id", "to_block_id", "condition"})


def normalise_graph(graph: JsonObject, switches: Switches) -> JsonObject:
    """Give each block a UUID and a whole number, and rewrite the edges to match."""
    new_ids: dict[str, str] = {}
    blocks = []
    for block in graph["blocks"]:
        block_id = block.get("block_id")
        is_kept = switches.keep_block_ids and bool(block_id)
        if not is_kept and not is_uuid(block_id):
            made = str(uuid4())
            block_id = made if block_id is None else new_ids.setdefault(block_id, made)
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
            "blocks": [_keep_keys(_BLOCK_KEYS, block) for block in graph["blocks"]],
            "edges": [_keep_keys(_EDGE_KEYS, edge) for edge in graph["edges"]],
        }
    if switches.fill_defaults:
        blocks = [
            {
                **block,
                "specs": {**list_defaults(block["block_name"]), **block["specs"]},
            }
            for block in graph["blocks"]
        ]
        graph = {**graph, "blocks": blocks}
    return _reverse_order(graph) if switches.reorder else graph


def to_definition(graph: JsonObject) -> Definition:
    """Convert a normalised graph, for its order and its edges by position."""
    return from_data({"name": "", "workflow_definition": graph})


def find_problems(graph: JsonObject, switches: Switches) -> Iterator[str]:
    """Yield the reasons why a normalised graph cannot be saved."""
    blocks = graph["blocks"]
    ids = [canonical_id(block["block_id"]) for block in blocks]
    if not blocks:
        yield "Workflow must have at least one block"
    yield from (
        f"Duplicate block_id: {block_id}"
        for block_id, times in Counter(ids).items()
        if times > 1
    )
    numbers = Counter(block["sequence_number"] for block in blocks)
    if switches.refuse_same_numbers:
        yield from (
            f"Duplicate sequence_number: {number}"
            for number, times in numbers.items()
            if times > 1
        )
    if switches.refuse_condition:
        yield from (
            "Edge conditions are not supported"
            for edge in graph["edges"]
            if edge.get("condition") is not None
        )
    known = {block["block_id"] for block in blocks}
    yield from (
        f"Edge references a block that does not exist: {edge[end]}"
        for edge in graph["edges"]
        for end in _ENDS
        if edge[end] not in known
    )
    try:
        definition = to_definition(graph)
    except ReadError as error:
        yield f"The emulator cannot read it: {error.problem}"
        return
    if not _is_acyclic(definition):
        yield "Workflow graph contains a cycle"
    elif switches.check_row_kinds:
        yield from _row_kind_mismatches(definition, switches)
    for block in blocks:
        if block["block_name"] == OutgoingWebhook.kind:
            url = block["specs"].get("url")
            if not _is_web_address(url):
                yield "outgoing_webhook: url must be an absolute http or https URL"


def infer_row_kinds(
    definition: Definition, untyped: str | None = None
) -> Sequence[str | None]:
    """Return the row kind that each block gives; None if no document states it.

    Args:
        untyped: The row kind of a source without `dataframe_type`.
    """
    kinds: list[str | None] = [None] * len(definition.blocks)
    for position in definition.topology.order:
        block = definition.blocks[position]
        cls = CATALOGUE.get(block.kind)
        gives = cls.about.gives if cls and cls.about.rows in {"D", "D1"} else "unknown"
        parents = definition.topology.parents[position]
        match gives:
            case "same":
                found = {kinds[parent] for parent in parents}
                kinds[position] = found.pop() if len(found) == 1 else None
            case "dataframe_type":
                word = block.specs.get("dataframe_type", untyped)
                kinds[position] = word if word in ("LEAD", "COMPANY") else None
            case "LEAD" | "COMPANY":
                kinds[position] = gives
            case _:
                pass
    return kinds


def list_defaults(kind: str) -> Mapping[str, Any]:
    """Return the documented or inferred defaults of spec fields."""
    cls = CATALOGUE.get(kind)
    facts = facts_of(cls) if cls else {}
    found = {name: fact.value for name, fact in facts.items() if fact.value is not None}
    # Frameworks write null for a field that is not set. Here only a field with no
    # effect is written so, since no document says that the service does it.
    return {**found, "webhook_input": None} if kind == Webhook.kind else found


_ENDS: Final = ("from_block_id", "to_block_id")


def _keep_keys(keys: frozenset[str], data: JsonObject) -> JsonObject:
    return {key: data[key] for key in data if key in keys}


def _reverse_order(graph: JsonObject) -> JsonObject:
    """Reverse the graph, so that its order certainly changes."""
    blocks = [
        {**block, "specs": dict(reversed(block["specs"].items()))}
        for block in reversed(graph["blocks"])
    ]
    return {**graph, "blocks": blocks, "edges": graph["edges"][::-1]}


def _is_acyclic(definition: Definition) -> bool:
    place = {position: at for at, position in enumerate(definition.topology.order)}
    return all(
        place[parent] < place[position]
        for position, parents in enumerate(definition.topology.parents)
        for parent in parents
    )


def _row_kind_mismatches(definition: Definition, switches: Switches) -> Iterator[str]:
    untyped = "LEAD" if switches.untyped_gives_leads else None
    kinds = infer_row_kinds(definition, untyped)
    for position, block in enumerate(definition.blocks):
        cls = CATALOGUE.get(block.kind)
        if cls is None or cls.about.rows not in {"D", "D1"}:
            continue
        takes = cls.about.takes
        for parent in definition.topology.parents[position]:
            if takes in {"LEAD", "COMPANY"} and kinds[parent] not in {None, takes}:
                source = definition.blocks[parent].kind
                yield (
                    f"{block.kind} takes {takes} rows, and {source} gives "
                    f"{kinds[parent]} rows"
                )


def _is_web_address(url: object) -> bool:
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        return bool(parts and parts.scheme in {"http", "https"} and parts.hostname)
    except ValueError:
        return False
