"""What the tests of changes share: examples, edits of them, and what is told."""

from __future__ import annotations

import runpy
from functools import cache
from pathlib import Path

from attrs import evolve

from flow64 import Project, Workflow
from flow64.definition import as_body, freeze, from_data, id_of, thaw
from flow64.diff import as_lines, consequences, diff

FOLDER = Path(__file__).parents[2] / "examples"
GROWTH = Project("growth", namespace="acme.example")


@cache
def example(name):
    """What an example defines, by name."""
    return runpy.run_path(str(FOLDER / f"{name}.py"))


def compiled(flow, *more, title="Leads", key="leads"):
    """The definition of a flow in the project of the examples."""
    return Workflow(title, flow, *more, key=key, project=GROWTH).compile()


def specs_of(definition, kind, **changes):
    """A definition in which some fields of a kind are others, as if edited in place."""
    blocks = tuple(
        block._replace(specs=freeze({**thaw(block.specs), **changes}, (), []))
        if block.kind == kind
        else block
        for block in definition.blocks
    )
    return evolve(definition, blocks=blocks)


def answer(definition, **changes):
    """What the service answers of a definition: no keys, secrets as their text."""
    body = as_body(definition, reveal=True)
    return from_data(
        {
            "id": body["id"],
            "name": body["workflow_name"],
            "description": body["workflow_description"],
            "workflow_definition": body["workflow_definition"],
            **changes,
        }
    )


def duplicated(definition, edit=lambda blocks: None):
    """A copy made in the web editor: the ids are new, keys are unknown."""
    body = as_body(definition)
    graph = body["workflow_definition"]
    for block in graph["blocks"]:
        block["block_id"] = id_of(f"copy of {block['block_id']}")
    for edge in graph["edges"]:
        for end in ("from_block_id", "to_block_id"):
            edge[end] = id_of(f"copy of {edge[end]}")
    edit({block["block_name"]: block for block in graph["blocks"]})
    return from_data({**body, "id": id_of(f"copy of {body['id']}")})


def told(before, after, **options):
    """The changes as text."""
    return text(as_lines(diff(before, after, **options)))


def followed(before, after, **options):
    """What follows from the changes as text."""
    return text(as_lines(consequences(before, after, **options)))


def text(lines):
    return "".join(f"{line}\n" for line in lines)
