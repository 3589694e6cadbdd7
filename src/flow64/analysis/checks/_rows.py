"""Rules about row kinds: LEAD and COMPANY along the edges."""

from __future__ import annotations

from collections.abc import Iterator

from ...definition import Definition
from .._row_kinds import input_rows, row_kinds
from ._rule import Found, rule


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
    wanted = [input_rows(block.kind) for block in blocks]
    for source, target in zip(topology.sources, topology.targets, strict=True):
        given, wants = kinds[source], wanted[target]
        if given is None or wants is None or given == wants:
            continue
        kind = blocks[target].kind
        yield Found(
            target,
            f"{given.lower()} rows flow into {kind}, which takes {wants.lower()} rows",
            f"put {_CONVERTERS[wants]} between",
        )


_CONVERTERS = {"LEAD": "CompanyToLeads()", "COMPANY": "LeadsToCompany()"}
