"""Code with generated classes: the module is audited, loaded and imported from."""

from __future__ import annotations

import sys

import pytest

from flow64 import LEAD, RawBlock, Workflow, errors
from flow64.blocks import Filter, Webhook
from flow64.compiler import as_code, lift
from flow64.definition import fingerprint
from flow64.loading import load_classes
from tests.catalogue.answer import ANSWER, HOSTILE
from tests.generation.support import load, text_of

pytestmark = pytest.mark.usefixtures("own_kinds")


@pytest.fixture
def module(tmp_path):
    """The module of the made-up answer, saved."""
    file = tmp_path / "blocks.py"
    file.write_text(text_of(*ANSWER), "utf-8")
    return file


def code_of(definition, own):
    return as_code([lift(definition, own=own)], own).text


def test_load(module):
    """All classes of the module are known by kind, and the module is not imported."""
    own = load_classes(module)

    assert own.module == "blocks"
    assert own.by_kind["score_lead"].__name__ == "ScoreLead"
    assert own.by_kind["find_email"].__name__ == "FindEmail"
    assert HOSTILE in own.by_kind
    assert not [name for name in sys.modules if name == "blocks"]


@pytest.mark.parametrize("line", ["import os", "open('x', 'w')", "# edited", "("])
def test_edited_module(module, line):
    """A module with anything else in it is not executed."""
    module.write_text(module.read_text("utf-8") + f"\n{line}\n", "utf-8")

    with pytest.raises(errors.ReadError, match="run flow64 blocks generate -o"):
        load_classes(module)


def test_code(module, tmp_path):
    """Code is written with the classes, and makes the same workflow."""
    flow = (
        Webhook(LEAD)
        >> RawBlock("score_lead", specs={"signals": [], "scale": 10})
        >> RawBlock("score_lead", key="incomplete", specs={"scale": 10})
        >> RawBlock("find_email", specs={"mode": "PROFESSIONAL"})
        >> RawBlock("group_by", specs={"columns": ["a"], "aggregate": {}})
        >> Filter.where("score").greater(5).and_("size").compare("greater_or_equal", 1)
        >> RawBlock("search", specs={"query": "a", "dataframe_type": "LEAD"})
        >> RawBlock(HOSTILE, specs={"import": "os"})
    )
    definition = Workflow("Scored", flow, key="scored").compile()
    own = load_classes(module)

    text = code_of(definition, own)

    assert "from blocks import Filter, FindEmail, GroupBy, ScoreLead" in text
    load(module.read_text("utf-8"), tmp_path, "blocks")
    try:
        made = load(text, tmp_path, "made_code").scored
    finally:
        del sys.modules["blocks"]
    assert fingerprint(made.compile()) == fingerprint(definition)


def test_filter_of_ones_own(tmp_path):
    """With a class for each kind, all of them are imported from the module."""
    file = tmp_path / "blocks.py"
    file.write_text(text_of(*ANSWER, everything=True), "utf-8")
    flow = Webhook(LEAD) >> Filter.where("score").greater(5)

    text = code_of(Workflow("Kept", flow).compile(), load_classes(file))

    assert "from blocks import Filter, Webhook" in text
    assert "Webhook(dataframe_type=LEAD) >> Filter.where" in text
