"""Classes of one's own: what they declare counts like a fact of the catalogue."""

from __future__ import annotations

import re
from itertools import count
from types import new_class
from typing import Any, Literal  # noqa: F401 - named in an annotation

import pytest
from attrs import evolve, field, frozen

from flow64 import (
    COMPANY,
    LEAD,
    Client,
    Flow,
    Lead,
    Project,
    RawBlock,
    Workflow,
    errors,
)
from flow64.analysis.check import findings
from flow64.analysis.columns import lineage
from flow64.analysis.costs import cost, effects
from flow64.blocks import (
    CATALOGUE,
    About,
    CatalogueBlock,
    Column,
    Columns,
    Filter,
    FindEmail,
    LlmOpenai,
    Price,
    SendSlackMessage,
    Webhook,
    facts_of,
    is_built_in,
)
from flow64.compiler.code import as_code
from flow64.compiler.lifting import lift
from flow64.dsl import UNSET, Unset
from flow64.emulator import Emulator
from tests.analysis.support import told, wired

pytestmark = pytest.mark.usefixtures("own_kinds")

STEP = About(role="step", takes="LEAD", gives="LEAD")
BASES = (Flow[Lead, Lead], CatalogueBlock)
BUILT_IN = [kind for kind, cls in CATALOGUE.items() if is_built_in(cls)]


def make_class(name="ScoreLead", *, bases=BASES, **members):
    """A class of one's own with these members."""
    return frozen(eq=False, kw_only=True)(
        new_class(name, bases, exec_body=lambda namespace: namespace.update(members))
    )


def score_lead():
    @frozen(eq=False, kw_only=True)
    class ScoreLead(Flow[Lead, Lead], CatalogueBlock):
        """Score each lead."""

        kind = "score_lead"
        about = About(
            role="step",
            takes="LEAD",
            gives="LEAD",
            effects=["spends"],
            price=Price(0.02),
            columns=Columns(reads=[Column("company")], adds=[Column("score", "int")]),
        )

        model: str
        limit: int | Unset = UNSET

    return ScoreLead


# -- What it declares -----------------------------------------------------------------


def test_class_joins_the_catalogue():
    """It is found by its kind, and its fields need no facts of their own."""
    cls = score_lead()

    assert CATALOGUE["score_lead"] is cls
    assert [*CATALOGUE] == [*BUILT_IN, "score_lead"]
    facts = facts_of(cls)
    assert [*facts] == ["model", "limit"]
    assert (facts["model"].required, facts["limit"].required) == (True, False)
    assert {fact.source for fact in facts.values()} == {"its class"}


def test_what_is_known_follows_the_class():
    """Row kinds, columns, price and effects; also if the kind was asked for before."""
    made = wired(
        ("webhook", {"dataframe_type": "LEAD", "input_schema": {"name": "str"}}),
        ("score_lead", {"model": "fit-2"}),
    )
    before = findings(made)

    score_lead()
    again = wired(*((block.kind, block.specs) for block in made.blocks))

    assert "unknown-kind" in {finding.code for finding in before}
    assert "unknown-kind" not in {finding.code for finding in findings(again)}
    assert lineage(again)[-1].columns["score"].type == "int"
    assert str(cost(again)).endswith("at most $20")
    assert str(effects(again)) == "costs credits in each run: score_lead"


@pytest.mark.parametrize(
    ("code", "flow", "message"),
    [
        (
            "row-kind-mismatch",
            lambda cls: Webhook(COMPANY) >> RawBlock("score_lead"),
            "company rows into score_lead",
        ),
        (
            "undeclared-column",
            lambda cls: Webhook(LEAD, input_schema={"a": "str"}) >> cls(model="m"),
            "it reads the column 'company', which no block before it declares or adds",
        ),
        (
            "late-filter",
            lambda cls: (
                Webhook(LEAD, input_schema={"company": "str", "city": "str"})
                >> cls(model="m")
                >> Filter.where("city").equals("Oslo")
            ),
            "the filter reads nothing that score_lead (FILE) adds",
        ),
        (
            "wrong-field-type",
            lambda cls: Webhook(LEAD) >> cls(model="m", limit="3"),
            "limit is '3', where a whole number is wanted",
        ),
        (
            "unknown-field",
            lambda cls: Webhook(LEAD) >> cls(model="m", extra={"limitt": 3}),
            "score_lead has no field 'limitt' that is known (did you mean 'limit'?)",
        ),
    ],
)
def test_rules_judge_it(code, flow, message):
    """A class that declares facts is judged by them."""
    found = told(flow(score_lead()), code)

    assert [re.sub(r"[\w./-]+:\d+", "FILE", text) for *_, text in found] == [message]


@pytest.mark.parametrize("hint", ["str | None", "Literal['a', 'b'] | None"])
def test_null_fits_a_field_that_has_none(hint):
    """Its class is the document; a field without None is warned about."""
    make_class(
        kind="own_kind",
        about=STEP,
        __module__=__name__,
        __annotations__={"note": hint, "model": hint.removesuffix(" | None")},
        note=None,
    )

    flow = Webhook(LEAD) >> CATALOGUE["own_kind"](model=None)

    (finding,) = told(flow, "wrong-field-type")
    assert finding[2].startswith("model is null")


def test_default_of_a_factory_is_sent():
    """As in any attrs class."""
    make_class(
        kind="own_kind",
        about=STEP,
        __module__=__name__,
        __annotations__={"tags": "list[str]"},
        tags=field(factory=list),
    )

    flow = Webhook(LEAD) >> CATALOGUE["own_kind"]()

    assert Workflow("Leads", flow).compile().blocks[1].specs == {"tags": []}


def test_class_takes_the_place_of_a_kind_without_known_fields():
    """Of the built-in class only the name of the kind was known."""
    replaced = make_class(
        "Slack",
        kind=SendSlackMessage.kind,
        about=SendSlackMessage.about,
        __annotations__={"channel": str},
    )

    assert CATALOGUE["send_slack_message"] is replaced
    assert [*CATALOGUE] == BUILT_IN
    flow = Webhook(LEAD) >> replaced(channel="#sales")
    assert Workflow("Slack", flow).compile().blocks[1].specs == {"channel": "#sales"}


def test_class_defined_again_replaces_the_first():
    """A notebook cell, or a module, may run twice."""
    codes = []
    for kind in (str, int):
        members = {
            "kind": "score_lead",
            "about": STEP,
            "__annotations__": {"model": kind},
        }
        cls = make_class(**members)
        assert CATALOGUE["score_lead"] is cls
        workflow = Workflow("w", Webhook(LEAD) >> cls(model="m"))
        codes.append({finding.code for finding in workflow.check()})

    assert codes[1] - codes[0] == {"wrong-field-type"}


def test_base_and_variant_have_no_kind_of_their_own():
    """A class without `kind` changes nothing in the catalogue."""
    make_class("Base", about=STEP)
    make_class("Variant", bases=(LlmOpenai,))

    assert [*CATALOGUE] == BUILT_IN
    assert CATALOGUE["llm_openai"] is LlmOpenai


def test_block_without_a_kind_is_refused():
    """It would be sent with an empty name. Its subclasses have one."""
    base = make_class("Base", about=STEP)
    inner = make_class(bases=(base,), kind="own_kind")

    assert inner().block_name == "own_kind"
    with pytest.raises(errors.BuildError, match='kind = "new_kind"'):
        base()


def test_code_of_it_is_a_raw_block():
    """Generated code imports what flow64 has, and no module of yours."""
    project = Project("growth", namespace="acme.example")
    flow = Webhook(LEAD) >> score_lead()(model="m")
    made = Workflow("Scored", flow, key="scored", project=project).compile()

    source = as_code([lift(made)]).text

    assert "RawBlock('score_lead', specs={'model': 'm'})" in source


def test_it_runs():
    """It is deployed and run like any other block."""
    project = Project("growth", namespace="acme.example")
    flow = Webhook(LEAD) >> score_lead()(model="m")
    workflow = Workflow("Scored", flow, key="scored", project=project)
    with (
        Emulator() as there,
        Client("sk_test_not_a_real_key", base_url=there.url) as client,
    ):
        client.deploy(workflow)
        rows = client.run(workflow, [{"company": "Acme"}]).wait(every=0.01).rows()

        assert [sorted(row.raw) for row in rows] == [["company", "score"]]


# -- Classes that are refused ---------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"kind": "", "about": STEP}, "kind is ''; write kind = \"new_kind\""),
        ({"kind": 5, "about": STEP}, 'kind is 5; write kind = "new_kind"'),
        (
            {"kind": "new_kind"},
            (
                "it has no about; write "
                'about = About(role="step", takes="LEAD", gives="LEAD")'
            ),
        ),
        (
            {"kind": "find_email", "about": STEP},
            (
                "flow64 has FindEmail for 'find_email'; use that class, and extra= "
                "for fields that it does not know"
            ),
        ),
    ],
)
def test_refused(members: dict[str, Any], problem):
    """The message says what to write instead."""
    with pytest.raises(errors.BuildError) as caught:
        make_class(**members)

    assert str(caught.value).splitlines()[0] == f"ScoreLead: {problem}"
    assert [*CATALOGUE] == BUILT_IN


@pytest.mark.parametrize(
    "make",
    [
        lambda: Price(-5),
        lambda: Price("0.02"),
        lambda: Price(float("nan")),
        lambda: evolve(STEP, effects=["spend"]),
        lambda: evolve(STEP, effects="spends"),
    ],
    ids=count(),
)
def test_slip_about_money_is_refused(make):
    """What is spent would not be shown."""
    with pytest.raises((TypeError, ValueError, errors.BuildError)):
        make()


def test_class_that_compares_by_value_is_refused():
    """Two equal blocks are two steps."""
    with pytest.raises(TypeError) as caught:
        frozen(new_class("Score", (Flow[Lead, Lead], CatalogueBlock)))

    assert str(caught.value) == (
        "Score compares by value, and two equal blocks are two steps; "
        "write @attrs.frozen(eq=False, kw_only=True) above the class"
    )


def test_class_without_decorator_is_explained():
    """Its fields are not known, so any use of them fails."""

    class Score(Flow[Lead, Lead], CatalogueBlock):
        model: str

    with pytest.raises(errors.BuildError) as caught:
        Score(model="m")

    assert "write @attrs.frozen(" in str(caught.value)


def test_variant_of_a_built_in_class():
    """A class with the facts of a built-in one leaves it in its place."""
    variant = make_class(
        "OtherEmail", kind="find_email", about=FindEmail.about, mode=UNSET
    )

    flow = Webhook(LEAD) >> variant()

    assert CATALOGUE["find_email"] is FindEmail
    assert Workflow("W", flow).compile().blocks[1].kind == "find_email"
