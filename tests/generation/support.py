"""Modules of block classes: made from an answer, and imported."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location

from flow64.analysis import LiveCatalogue
from flow64.generation import BlockFacts, write_blocks

DAY = "2026-11-28"


def live(*entries):
    return LiveCatalogue.of([*entries], date=DAY)


def entry(kind, properties=None, required=(), **more):
    schema = {"type": "object", "properties": properties or {}, "required": [*required]}
    return {"block_name": kind, "specs_schema": schema | more}


def text_of(*entries, facts=None, everything=False):
    known = None if facts is None else BlockFacts(facts)
    return write_blocks(live(*entries), known, everything=everything).text


def fields_of(properties, required=(), **more):
    """The lines of the fields of a new kind, and of the types that they need."""
    text = text_of(entry("new_kind", properties, required, **more))
    head, _, body = text.partition("    about = About(")
    before = head.partition("SOURCE: Final = ")[2].partition("@frozen")[0]
    lines = [*before.splitlines()[2:], *body.partition("    )\n")[2].splitlines()]
    return "\n".join(line.strip() for line in lines if line.strip())


def load(text, folder, name="made_blocks"):
    """Import a module."""
    file = folder / f"{name}.py"
    file.write_text(text, "utf-8")
    spec = spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
