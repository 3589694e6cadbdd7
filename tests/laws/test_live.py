"""Laws of live catalogues: whatever they hold, a check ends, and errors stay."""

from __future__ import annotations

import runpy
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow64.analysis import LiveCatalogue, findings
from flow64.blocks import CATALOGUE
from flow64.emulator import Emulator
from flow64.errors import ReadError
from tests.emulator.support import in_process
from tests.laws.test_analysis import any_definitions
from tests.strategies import json_objects, json_values, keys, scalars

FOLDER = Path(__file__).parents[2] / "examples"
# The demo has no workflow to judge: it talks to an emulator.
EXAMPLES = sorted(path for path in FOLDER.glob("*.py") if path.stem != "demo")
NEW = {"schema-mismatch", "unusable-schema", "unlisted-kind"}

words = st.sampled_from(
    ["string", "integer", "object", "array", "null", "number", "boolean"]
)
names = st.sampled_from(["url", "mode", "filters", "dataframe_type", "return_fields"])


def keywords(inner):
    """A schema with some keywords, each of which holds what it may."""
    several = st.lists(inner, min_size=1, max_size=2)
    by_name = st.dictionaries(names | keys, inner, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": words | st.lists(words, min_size=1, unique=True),
            "enum": st.lists(scalars, min_size=1, max_size=3),
            "const": scalars,
            "required": st.lists(names, unique=True),
            "properties": by_name,
            "patternProperties": st.dictionaries(st.sampled_from(["^u", "a+$"]), inner),
            "additionalProperties": inner,
            "unevaluatedProperties": inner,
            "propertyNames": inner,
            "items": inner,
            "contains": inner,
            "uniqueItems": st.booleans(),
            "pattern": st.sampled_from(["^a", "a+", "(a+)+"]),
            "minimum": st.integers(),
            "maxLength": st.integers(0, 9),
            "not": inner,
            "allOf": several,
            "anyOf": several,
            "oneOf": several,
            "if": inner,
            "then": inner,
            "else": inner,
            "$ref": st.sampled_from(["#", "#/properties/url", "https://a.example/x"]),
        },
    )


schemas = st.recursive(st.booleans() | st.just({}), keywords, max_leaves=10)
objects = schemas.filter(lambda schema: isinstance(schema, dict)) | json_objects


@st.composite
def catalogues(draw):
    """Live catalogues of known kinds and others, with sound schemas and any others."""
    kinds = draw(st.lists(st.sampled_from([*CATALOGUE, "new_kind"]), unique=True))
    return LiveCatalogue.of(
        [{"block_name": kind, "specs_schema": draw(objects)} for kind in kinds]
    )


@given(any_definitions, catalogues())
def test_any_catalogue_is_asked(definition, blocks):
    """Nothing raises, and what stops a compile also stops it without."""
    found = findings(definition, blocks)
    errors = [f for f in findings(definition) if f.severity == "error"]

    assert found == findings(definition, blocks)
    assert all(f in errors for f in found if f.severity == "error")
    assert {f.severity for f in found if f.code in NEW} <= {"warning"}


@given(any_definitions)
def test_a_catalogue_that_says_nothing_changes_nothing(definition):
    """Kinds that are listed without a word about their specs are judged as before."""
    kinds = sorted({block.kind for block in definition.blocks if block.kind})
    blocks = LiveCatalogue.of(
        [{"block_name": kind, "specs_schema": {}} for kind in kinds]
    )
    hidden = {"unknown-kind", *NEW}

    found = findings(definition, blocks)

    assert [f for f in found if f.code not in hidden] == [
        f for f in findings(definition) if f.code not in hidden
    ]
    assert {f.code for f in found} & NEW <= {"unlisted-kind"}


@given(json_values())
def test_data_is_an_answer_or_refused(data):
    """One error for whatever is no answer."""
    with suppress(ReadError):
        assert len(LiveCatalogue.of(data).blocks) == len(data)


@pytest.fixture(scope="module")
def answer():
    """What the emulator answers, asked over its own transport."""
    emulator = Emulator()
    with in_process(emulator, base_url="http://localhost") as http:
        yield http.get("/workflows/blocks", headers={"x-api-key": "any"}).json()
    emulator.stop()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_answer_of_the_emulator_accepts_every_example(path, answer):
    """No new warning, but for the kinds that the emulator does not have."""
    module = runpy.run_path(str(path))
    found = module.get("workflows") or {"": module["workflow"]}
    workflows = [*found.values()]
    blocks = LiveCatalogue.of(answer)

    for workflow in workflows:
        unknown = {b.kind for b in workflow.compile().blocks} - {*CATALOGUE}
        new = [f for f in workflow.check(blocks=blocks) if f.code in NEW]
        assert {f.code for f in new} <= {"unlisted-kind"}
        assert len(new) == len(unknown)
    assert workflows
