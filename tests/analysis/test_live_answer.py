"""The made-up answer has in it what it is made for."""

from __future__ import annotations

import json

from jsonschema import Draft202012Validator

from flow64.analysis.live import LiveCatalogue
from flow64.blocks import CATALOGUE
from tests.analysis.live_answer import (
    ANSWER,
    CHANGES,
    DAMAGED,
    HOSTILE,
    LATER,
    NEW,
    SECRET,
)


def test_kinds():
    """It lists all kinds of the built-in catalogue, two new ones and a hostile one."""
    listed = LiveCatalogue.of(json.loads(json.dumps(ANSWER)))

    assert len(listed.blocks) == len(ANSWER)
    assert listed.blocks.keys() == {*CATALOGUE, *NEW, HOSTILE}
    assert [p.partition(" ")[0].strip("'") for p in listed.problems] == sorted(
        DAMAGED, key=[*listed.blocks].index
    )


def test_later():
    """Some weeks later it differs as it says."""
    before, after = ({one["block_name"]: one for one in a} for a in (ANSWER, LATER))

    assert after.keys() - before.keys() == {*CHANGES["new"]}
    assert before.keys() - after.keys() == {*CHANGES["gone"]}
    differ = {kind for kind in before.keys() & after if before[kind] != after[kind]}
    assert differ == CHANGES["changed"].keys()


def test_secret():
    """A text like a key in it is kept nowhere."""
    kept = json.dumps(LiveCatalogue.of(ANSWER).as_data())

    assert SECRET in json.dumps(ANSWER)
    assert SECRET not in kept


def test_usable():
    """Each schema can be used, but for the damaged ones."""
    meta = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    schemas = [one.get("specs_schema") for one in (*ANSWER, *LATER)]

    assert [s for s in schemas if isinstance(s, dict) and not meta.is_valid(s)] == []
