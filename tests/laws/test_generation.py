"""Laws of generated block classes: any list of blocks gives a module that imports."""

from __future__ import annotations

import sys
from types import ModuleType

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flow64 import errors
from flow64.analysis.live import LiveCatalogue
from flow64.blocks import BUILT_IN, specs_schema
from flow64.generation import write_blocks

texts = st.text(max_size=12) | st.sampled_from(
    ['"""', "\\", "'", "import os", "columns", "key", "a b", "string", "# x", "\u202e"]
)
names = st.sampled_from(["a", "b", "kind", "import", "Any", "x" * 70]) | texts
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts


def objects(inner):
    """Objects with the keywords of JSON Schema, of any shape."""
    properties = st.dictionaries(names, inner, max_size=3)
    some = st.lists(inner, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(
                ["object", "array", "string", "integer", "number", "boolean", "null"]
            )
            | inner,
            "properties": properties | inner,
            "required": st.lists(names, max_size=3) | inner,
            "items": inner,
            "additionalProperties": inner,
            "enum": st.lists(scalars, max_size=4) | inner,
            "const": scalars,
            "anyOf": some,
            "oneOf": some,
            "allOf": some,
            "$ref": st.sampled_from(["#", "#/$defs/a", "#/properties/a"]) | texts,
            "$defs": properties,
            "title": texts,
            "description": texts,
            "default": inner,
            "minimum": scalars,
            "maxItems": scalars,
            "format": texts,
        },
    )


schemas = st.recursive(scalars, objects, max_leaves=12)
kinds = st.sampled_from([*BUILT_IN, "new_kind", "new-kind"]) | texts
entries = st.fixed_dictionaries({"block_name": kinds, "specs_schema": objects(schemas)})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.lists(entries, min_size=1, max_size=3))
def test_any_list_gives_a_module(answer, own_kinds):
    """It is imported, and each class has a schema again."""
    try:
        live = LiveCatalogue.of(answer, date="2026-11-28")
    except errors.ReadError:
        return  # no entry names a kind

    made = write_blocks(live)

    module = sys.modules["generated"] = ModuleType("generated")
    exec(compile(made.text, "generated.py", "exec"), vars(module))
    for name, kind in made.kinds.items():
        cls = getattr(module, name)
        assert cls.kind == kind
        assert specs_schema(cls)["title"] == kind
