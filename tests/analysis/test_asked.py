"""Which rules are asked: those that can speak of a definition of such a shape."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from flow64.analysis import all_rules
from flow64.analysis._types import field_types
from flow64.analysis.checks import _fast_path, _rule_index
from flow64.analysis.checks._rule_index import LARGEST, advice_for, shape_of
from flow64.blocks import CATALOGUE

from .support import wired

SOURCE = ("webhook", {"dataframe_type": "LEAD"})


def asked(*blocks, **changes):
    """The names of the rules that are asked of a definition of some blocks."""
    return {rule.code for rule in advice_for(wired(*blocks, **changes))}


@pytest.mark.parametrize(
    ("rule", "block"),
    [
        ("mixed-logic", ("filter", {})),
        ("unknown-kind", ("new_kind", {})),
        ("unknown-field", ("find_email", {"moode": "PERSONAL"})),
        ("wrong-field-type", ("outgoing_webhook", {"timeout_seconds": "5"})),
        ("wrong-field-type", ("filter", {"filters": ["email_status"]})),
        ("unknown-type-word", ("lead_enrichment", {})),
        ("auto-execute", ("search", {})),
    ],
)
def test_a_rule_is_rule_index_where_it_can_speak(rule, block):
    """It is not asked of a workflow that has nothing it speaks of."""
    assert rule in asked(SOURCE, block)
    assert rule not in asked(("find_phone", {}), ("verify_email", {}))


def test_all_rules_are_rule_index_that_say_nothing_of_where_they_speak():
    """A new rule is asked of every definition, until it says that it need not be."""
    names = {rule.code for rule in all_rules()}

    assert {"effects", "cost-estimate", "secret-in-specs"} < asked(SOURCE) < names


def test_workflows_of_one_shape_are_looked_up_once():
    """The texts of a fleet differ, and its shape does not."""
    fleet = [wired(SOURCE, ("outgoing_webhook", {"url": url})) for url in "ab"]

    assert advice_for(fleet[0]) is advice_for(fleet[1])


@pytest.mark.parametrize(
    "other",
    [
        wired(SOURCE, ("filter", {"filters": [1]})),
        wired(SOURCE, ("filter", {"filters": {}})),
        wired(SOURCE, ("filter", {"filter": [{}]})),
        wired(SOURCE, ("deduplicate", {"filters": [{}]})),
        wired(SOURCE, ("filter", {"filters": [{}]}), edges=[]),
        wired(SOURCE, ("filter", {"filters": [{}]}), edges=[(1, 0)]),
    ],
)
def test_other_shapes_are_told_apart(other):
    """Kinds, edges, names of specs, types of values and of the items of a list."""
    assert shape_of(other) != shape_of(wired(SOURCE, ("filter", {"filters": [{}]})))


def test_a_field_takes_no_lists_inside_a_list():
    """So a shape need not look deeper than at the items of a list."""
    types = [made for kind in CATALOGUE for made in field_types(kind).values()]

    assert not [made for made in types if made.items and made.items.items]


def test_what_is_remembered_has_a_bound(monkeypatch):
    """However many shapes there are, few are kept."""
    monkeypatch.setattr(_rule_index, "_MOST", 2)
    monkeypatch.setattr(_rule_index, "_known", {})
    for count in range(1, 6):
        asked(*[SOURCE] * count)

    assert len(_rule_index._known) <= 2


def test_the_shape_of_a_large_workflow_is_not_kept(monkeypatch):
    """It would be large itself, and hardly come a second time."""
    monkeypatch.setattr(_rule_index, "_known", {})
    asked(*[SOURCE] * (LARGEST + 1))

    assert _rule_index._known == {}


def test_kind_without_a_test_of_its_own_is_held_to_its_class(monkeypatch):
    """What the class says of words and fields is the test of a new kind."""
    about = SimpleNamespace(words={"mode": ("FAST",)}, must_have=("name",))
    new = {"new": SimpleNamespace(about=about)}
    monkeypatch.setattr(_fast_path, "CATALOGUE", new)
    is_plain = _fast_path._test_of("new")

    tried = [{"name": "a"}, {"name": "a", "mode": "FAST"}, {}, {"name": "a", "mode": 1}]
    assert [is_plain(specs) for specs in tried] == [True, True, False, False]
