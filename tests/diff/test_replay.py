"""The rows of a run are sent through a change; what is not certain is unknown."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st

from flow64 import LEAD, RawBlock, Workflow
from flow64.blocks import Deduplicate, Filter, FindEmail, LeadEnrichment, Webhook
from flow64.definition import FrozenDict
from flow64.deploy.judge import fields_of
from flow64.diff.compare import compare_definitions
from flow64.diff.replay import Recording, Replay, is_documented, judge_row, replay
from flow64.emulator.steps import OPERATORS
from flow64.errors import ResultError

START = Webhook(LEAD, input_schema={"name": "string"})
SCORE = Filter.where("score", key="fit")
ROWS = [{"name": f"n{n % 7}", "score": n} for n in range(100)]


def built(flow):
    return Workflow("w", flow, key="w").compile()


def recording(flow, *files):
    """A run of a flow that has recorded these rows behind its blocks."""
    definition = built(flow)
    return Recording("run", definition, files.__getitem__, fields_of(definition))


def replayed(ran, files, before, after):
    """What a change does: the counts of each block, or why they are unknown."""
    comparison = compare_definitions(built(before), built(after))
    passages = replay(comparison, recording(ran, *files)).passages
    return {p.block: p.unknown or (p.before, p.after) for p in passages}


def above(least):
    return [row for row in ROWS if row["score"] > least]


# -- Which rows pass ------------------------------------------------------------------

CERTAIN = [
    ("equals", "OK", "OK", True),
    ("equals", "NOT_FOUND", "OK", False),
    ("equals", None, "OK", False),
    ("equals", 1, 1.0, True),
    ("equals", True, False, False),
    ("not_equals", "NOT_FOUND", "OK", True),
    ("in", "de", ["de", "fr"], True),
    ("in", None, ["de", "fr"], False),
    ("not_in", "us", ["de", "fr"], True),
    ("contains", "Head of Sales", "Sales", True),
    ("contains", "Engineer", "Sales", False),
    ("not_contains", "Engineer", "Sales", True),
    ("greater", 81, 80, True),
    ("greater", 80, 80, False),
    ("greater", None, 80, False),
    ("less", 79.5, 80, True),
    ("is_empty", None, None, True),
    ("is_empty", "", None, True),
    ("is_empty", "x", None, False),
    ("is_not_empty", None, None, False),
    ("is_not_empty", 3, None, True),
]
OPEN = [
    ("equals", "ok", "OK"),
    ("equals", "OK ", "OK"),
    ("equals", "80", 80),
    ("equals", "80", "80.0"),
    ("equals", None, ""),
    ("equals", None, None),
    ("equals", None, 0),
    ("equals", None, "None"),
    ("equals", True, 1),
    ("equals", True, "true"),
    ("equals", ["OK"], "OK"),
    ("not_equals", None, "OK"),
    ("not_in", None, ["de"]),
    ("in", "de", "de"),
    ("in", "de", []),
    ("contains", "head of sales", "Sales"),
    ("contains", "C++ developer", "C++"),
    ("contains", ["Sales"], "Sales"),
    ("contains", None, "on"),
    ("contains", "acme-com", "acme.com"),
    ("contains", "x", ""),
    ("not_contains", None, "Sales"),
    ("greater", "81", 80),
    ("greater", True, 0),
    ("greater", None, -1),
    ("greater", float("nan"), 80),
    ("less", None, 80),
    ("less", "b", "c"),
    ("is_empty", " ", None),
    ("is_empty", "null", None),
    ("is_empty", [], None),
    ("is_empty", 0, None),
    ("is_not_empty", False, None),
]


@pytest.mark.parametrize(
    ("operator", "cell", "value", "expected"),
    [*CERTAIN, *((*case, None) for case in OPEN)],
    ids=repr,
)
def test_row_passes_if_every_reading_says_so(operator, cell, value, expected):
    condition = {"column": "c", "operator": operator, "value": value}

    assert judge_row([condition], {"c": cell}) is expected


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from([0.5, 1.0, "", " ", "a", "A", "ab", "1", "1.0", "none", "true"]),
    st.lists(st.sampled_from(["a", 1]), max_size=2),
)


WORDS = st.sampled_from([word for word in OPERATORS if word != "matches"])


@example("contains", 0, 0)
@example("equals", 1, [1])
@given(WORDS, CELLS, CELLS | st.lists(CELLS, max_size=2))
def test_certain_outcome_is_that_of_every_reading(operator, cell, value):
    """The documents allow that of the emulator, and a loose one."""
    condition = {"column": "c", "operator": operator, "value": value}

    outcome = judge_row([condition], {"c": cell})

    assert outcome in (None, OPERATORS[operator](cell, value))
    assert outcome in (None, passes_loosely(operator, cell, value))


def passes_loosely(operator, cell, value):
    """As of a service that folds case, reads numbers in texts, and null as 0."""
    if "not_" in operator:
        return not passes_loosely(operator.replace("not_", ""), cell, value)
    text, other = (str(side).strip().casefold() for side in (cell, value))
    match operator:
        case "is_empty":
            return not cell or text in ("", "none")
        case "contains":
            return other in text
        case "in":
            options = value if isinstance(value, list) else [value]
            return any(passes_loosely("equals", cell, each) for each in options)
        case "equals":
            return text == other or number(text) == number(other) is not None
    sides = number(text) or 0, number(other) or 0
    return sides[0] > sides[1] if operator == "greater" else sides[0] < sides[1]


def number(text):
    try:
        return float(text)
    except ValueError:
        return None


def test_missing_column_is_open():
    condition = {"column": "c", "operator": "equals", "value": "OK"}

    assert judge_row([condition], {"d": "OK"}) is None


def test_one_certain_no_is_enough():
    conditions = [
        {"column": "a", "operator": "equals", "value": "OK"},
        {"column": "b", "operator": "greater", "value": 80, "logic": "and"},
    ]

    assert judge_row(conditions, {"a": "ok", "b": 1}) is False


@pytest.mark.parametrize(
    "filters",
    [
        None,
        "score",
        [],
        ["score"],
        [{"column": "c", "operator": "matches", "value": "a"}],
        [{"column": "c", "operator": "Equals", "value": "a"}],
        [{"column": "c", "operator": ["equals"], "value": "a"}],
        [{"column": 3, "operator": "equals", "value": "a"}],
        [{"column": "c", "operator": "equals", "value": "a", "case": False}],
        [{"column": "c", "operator": "is_empty", "logic": "and"}],
        [{"column": "c", "operator": "is_empty"}] * 2,
        [
            {"column": "c", "operator": "is_empty"},
            {"column": "d", "operator": "is_empty", "logic": "or"},
        ],
    ],
)
def test_filter_that_no_document_explains(filters):
    assert not is_documented({"filters": filters})


# -- What a change does ---------------------------------------------------------------

RAN = START >> SCORE.greater(36) >> FindEmail()
FILES = (ROWS, above(36), above(36))


def test_threshold():
    after = START >> SCORE.greater(58) >> FindEmail()

    counts = replayed(RAN, FILES, RAN, after)

    assert counts == {"fit": (63, 41), "find_email": (63, 41)}


def test_rows_in_another_order_are_the_same():
    """A filter that passes what it passed leaves all behind it as it was."""
    files = ROWS, above(36)[::-1], above(36)

    counts = replayed(RAN, files, RAN, START >> SCORE.greater(36.5) >> FindEmail())

    assert counts == {"fit": (63, 63)}


def test_rows_at_the_place_of_a_filter_that_one_side_lacks():
    """They are those of that side, also if a filter above it changes."""
    first, second = (Filter.where("score", key=key) for key in ("a", "b"))
    both = START >> first.greater(36) >> second.greater(80)
    one = START >> first.greater(58)
    files = ROWS, above(36), above(80)

    assert replayed(both, files, both, one) == {"a": (63, 41), "b": (19, 41)}
    assert replayed(both, files, one, both) == {"a": (41, 63), "b": (41, 19)}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ((ROWS, above(35), above(35)), "do not show"),  # it ran something else
        ((ROWS, [*above(36)[1:], {"name": "x"}], above(36)), "do not show"),
        (
            ([{**row, "score": "80"} for row in ROWS], [], []),
            "100 of 100 rows pass fit (score is text, compared with 58)",
        ),
        (([{"name": "n"}] * 100, [], []), "100 of 100 rows"),
        (([*ROWS, {"name": "n"}], above(36), above(36)), "1 of 101 rows"),
        (([*ROWS, {"score": None}], above(36), above(36)), ""),
    ],
)
def test_recorded_rows_must_come_out(files, why):
    after = START >> SCORE.greater(58) >> FindEmail()

    counts = replayed(RAN, files, RAN, after)

    assert why in str(counts["fit"])
    assert bool(why) == isinstance(counts["fit"], str)


def test_file_that_cannot_be_read():
    def load(at):
        raise ResultError(f"block {at} is cut off")

    run = evolve(recording(RAN, *FILES), load=load)
    after = START >> SCORE.greater(58) >> FindEmail()

    passages = replay(compare_definitions(built(RAN), built(after)), run).passages

    assert [each.unknown for each in passages] == ["block 1 is cut off"] * 2


def test_removed_producer():
    """Its look-ups are saved; what its column decided is unknown."""
    is_ok = Filter.where("email_status").equals("OK")
    found = [{**row, "email_status": "OK"} for row in ROWS]
    ran = START >> FindEmail() >> is_ok

    counts = replayed(ran, (ROWS, found, found), ran, START >> is_ok)

    assert counts["find_email"] == (100, 0)
    assert "100 of 100 rows" in counts["filter"]


def test_other_settings_have_other_rows():
    fields = {"title": "Job title"}
    ran = START >> LeadEnrichment(return_fields=fields) >> SCORE.greater(36)
    after = START >> LeadEnrichment(return_fields={"role": "Job title"})
    after >>= SCORE.greater(36)

    counts = replayed(ran, (ROWS, ROWS, above(36)), ran, after)

    assert counts["lead_enrichment"] == (100, 100)
    assert counts["fit"] == "lead_enrichment differs from that in the run"


@pytest.mark.parametrize(
    "between", [Deduplicate(), RawBlock("new_kind"), RawBlock("group_by")]
)
def test_nothing_is_known_behind_what_gets_other_rows(between):
    ran = START >> SCORE.greater(36) >> between >> Filter.where("name").equals("n1")
    after = START >> SCORE.greater(58) >> between >> Filter.where("name").equals("n1")
    rows = [row for row in above(36) if row["name"] == "n1"]

    counts = replayed(ran, (ROWS, above(36), above(36), rows), ran, after)

    assert counts["fit"] == (63, 41)
    assert "gets fewer or other rows than in the run" in counts["filter"]


def test_filter_that_all_rows_pass_changes_nothing_behind_it():
    ran = START >> FindEmail() >> Filter.where("name").equals("n1")
    after = START >> SCORE.greater(-1) >> FindEmail()
    after >>= Filter.where("name").equals("n2")
    rows = [row for row in ROWS if row["name"] == "n1"]

    counts = replayed(ran, (ROWS, ROWS, rows), ran, after)

    assert counts["fit"] == (100, 100)
    assert counts["filter"] == (15, 14)


def test_fan_in_is_unknown():
    both = [FindEmail(key="a"), FindEmail(key="b")]
    ran = START >> both >> SCORE.greater(36)

    counts = replayed(
        ran, (ROWS, ROWS, ROWS, ROWS), ran, START >> both >> SCORE.less(9)
    )

    assert counts == {"fit": "fit differs from that in the run"}


def test_fields_that_only_the_service_set_stay():
    """A deploy keeps them, so the block is as in the run."""
    before, after = (START >> FindEmail() >> SCORE.greater(n) for n in (36, 58))
    run = recording(before, ROWS, ROWS, above(36))
    specs = FrozenDict({"verify_emails": False})
    live = run.definition.map_specs(
        lambda block: specs if block.kind == "find_email" else block.specs
    )
    fields = fields_of(live)
    managed = {**fields, live.blocks[1].id.lower(): frozenset()}
    comparison = compare_definitions(built(before), built(after))
    runs = [evolve(run, definition=live, managed=each) for each in (managed, fields)]

    (kept,), (changed,) = (replay(comparison, each).passages for each in runs)

    assert (kept.before, kept.after) == (63, 41)
    assert changed.unknown == "find_email differs from that in the run"


def test_nothing_known_of_a_run():
    unknown = Replay("run", unknown="it is failed")

    assert replay(compare_definitions(built(RAN), built(START)), unknown) is unknown
