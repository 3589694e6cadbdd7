"""New kinds of a live catalogue: what an entry says beside its schema is used."""

from __future__ import annotations

import json

import pytest
from attrs import evolve, frozen

from flow64 import COMPANY, LEAD, Project, RawBlock, Workflow, errors
from flow64.analysis import LiveCatalogue, cost, effects, estimate_cost, lineage
from flow64.blocks import CATALOGUE, FindEmail, FindPhone, Price, ScrapeWeb, Webhook
from flow64.cli import main
from tests.analysis.support import told, wired

pytestmark = pytest.mark.usefixtures("own_kinds")


def live(**extra):
    """A list with one new kind, of which it says more than a schema."""
    entry = {"block_name": "score_lead", "specs_schema": {"type": "object"}, **extra}
    other = {"block_name": "webhook", "specs_schema": {"type": "object"}}
    return LiveCatalogue.of([entry, other], date="2026-11-28")


def learned(**extra):
    """The class that a project learns from a list."""
    Project("growth", namespace="acme.example", blocks=live(**extra))
    return CATALOGUE.get("score_lead")


@pytest.mark.parametrize(
    ("extra", "facts"),
    [
        (
            {"input_type": "LEAD", "output_type": "LEAD", "price_per_row": 0.02},
            ("step", "LEAD", "LEAD", "D1", ("spends",), 0.02),
        ),
        (
            {"takes": "none", "gives": "company", "category": "Input", "price": 0},
            ("source", "none", "COMPANY", "D1", ("may-spend",), None),
        ),
        (
            {"category": "Output"},
            ("sink", "any", "unknown", "U", ("may-spend",), None),
        ),
        (
            {"takes": 5, "gives": "rows", "price": "cheap", "category": None},
            ("step", "any", "unknown", "U", ("may-spend",), None),
        ),
        (
            {"takes": "none", "price": True, "cost_per_row": -1},
            ("source", "none", "unknown", "U", ("may-spend",), None),
        ),
    ],
)
def test_entry_says_more_than_a_schema(extra, facts):
    """Row kinds, price and category are used; odd ones are passed over."""
    about = learned(**extra).about

    price = about.price and about.price.dollars
    found = (about.role, about.takes, about.gives, about.rows, about.effects, price)
    assert found == facts
    assert about.source == "the live catalogue of 2026-11-28"


def test_nothing_is_learned_from_a_schema_alone():
    """A kind of which only the schema is known is used as before."""
    assert learned(owner="team") is None


def learn_price(kind, price):
    """Learn the price of a known kind, and return the class."""
    entry = {"block_name": kind, "specs_schema": {}, "price_per_row": price}
    listed = LiveCatalogue.of([entry], date="2026-11-28")
    Project("p", namespace="acme.example", blocks=listed)
    return CATALOGUE[kind]


SOURCE = "price_per_row of the live catalogue of 2026-11-28"


@pytest.mark.parametrize(
    ("kind", "price", "source", "acts"),
    [
        ("find_phone", 0.25, f"{SOURCE}, in place of $0.30", ["spends"]),
        ("scrape_web", 0.01, SOURCE, ["spends"]),
        ("send_slack_message", 0.5, SOURCE, ["spends", "writes-outside"]),
    ],
)
def test_price_of_a_known_kind(kind, price, source, acts):
    """The newer price counts. It is unconfirmed, since its key is a guess."""
    block = learn_price(kind, price)

    assert block.price({}) == Price(price, "I", source)
    assert [*block.effects({})] == acts
    made = wired(("webhook", {"dataframe_type": "LEAD"}), (kind, {}))
    found = cost(made)
    assert (found.dollars, found.is_whole) == (1000 * price, True)
    assert str(found).endswith(f"unconfirmed prices: {kind} ({source})")
    assert {one.effect for one in effects(made).touches} == {*acts}
    estimate = estimate_cost(made, {})
    assert estimate.describe().endswith(f" (unconfirmed price: {kind})")
    assert estimate.as_data()["unconfirmed"] == {kind: source}
    own = estimate_cost(made, {kind: 2.0})
    assert (own.dollars, own.as_data()["unconfirmed"]) == (2000, {})


@pytest.mark.parametrize("kind", ["find_phone", "scrape_web"])
def test_price_of_nothing_is_not_used(kind):
    """It may mean that the kind is free, or that rows are not what it is priced by."""
    before = CATALOGUE[kind].price({}), CATALOGUE[kind].effects({})

    block = learn_price(kind, 0)

    assert (block.price({}), block.effects({})) == before


def test_same_price_of_a_known_kind():
    """It confirms ours, and a later list may state it again."""
    ours = FindPhone.price({})

    assert learn_price("find_phone", 0.25).price({}) != ours
    assert learn_price("find_phone", 0.3).price({}) is ours


def test_price_that_depends_on_specs():
    """One number cannot say for which specs it is."""
    block = learn_price("find_email", 9)

    assert block is FindEmail
    assert block.price({"mode": "PERSONAL"}).dollars == 0.2
    assert block.effects({}) is block.about.effects


def test_price_of_ones_own():
    """A class of the user's with a price keeps it; one without takes the listed one."""
    learn_price("scrape_web", 0.01)

    @frozen(eq=False, kw_only=True)
    class Own(ScrapeWeb):
        kind = "scrape_web"
        specs_known = True

    assert CATALOGUE["scrape_web"].price({}).dollars == 0.01

    @frozen(eq=False, kw_only=True)
    class Priced(ScrapeWeb):
        kind = "scrape_web"
        about = evolve(ScrapeWeb.about, price=Price(0.5))

    assert CATALOGUE["scrape_web"].price({}).dollars == 0.5


def test_what_is_learned_takes_part():
    """Row kinds refuse, prices count, and the class is for raw blocks."""
    learned(input_type="LEAD", output_type="LEAD", price_per_row=0.02)
    made = wired(("webhook", {"dataframe_type": "LEAD"}), ("score_lead", {"a": 1}))

    assert [stage.rows for stage in lineage(made)] == ["LEAD", "LEAD"]
    assert str(cost(made)).startswith("1,000 input rows may cost up to $20 ")
    assert str(effects(made)) == "costs credits in each run: score_lead"
    flow = Webhook(COMPANY) >> RawBlock("score_lead")
    assert [one[0] for one in told(flow, "row-kind-mismatch")] == ["error"]


def test_name_of_a_kind_may_be_anything():
    """It names no class then."""
    entry = {"block_name": "über-score 2!", "specs_schema": {}, "takes": "LEAD"}
    Project("p", namespace="acme.example", blocks=LiveCatalogue.of([entry]))

    assert CATALOGUE["über-score 2!"].__name__ == "Listed"


@pytest.mark.parametrize(
    "make",
    [
        lambda given: Project("p", namespace="acme.example", blocks=given),
        Workflow("L", Webhook(LEAD)).with_blocks,
    ],
)
def test_only_a_catalogue_is_taken(make):
    """A path, or an answer, has to be read first."""
    with pytest.raises(errors.ArgumentError, match=r"LiveCatalogue\.read\(path\)"):
        make("blocks.json")


# -- In the project of a user ----------------------------------------------------------

PIPELINE = """
from flow64 import LEAD, Project, RawBlock, Workflow
from flow64.blocks import Webhook

growth = Project("growth", namespace="acme.example")
flow = Webhook(LEAD) >> RawBlock("score_lead", specs={"model": 3})
scored = Workflow("Scored", flow, key="scored", project=growth)
"""
SCHEMA = {"type": "object", "properties": {"model": {"type": "string"}}}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project that names a saved list of blocks."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leads.py").write_text(PIPELINE, "utf-8")
    settings = '[tool.flow64]\nsource = "leads.py"\nblocks = "blocks.json"\n'
    (tmp_path / "pyproject.toml").write_text(settings, "utf-8")
    kinds = [("score_lead", SCHEMA), ("webhook", {"type": "object"})]
    data = [{"block_name": kind, "specs_schema": schema} for kind, schema in kinds]
    text = json.dumps({"date": "2026-11-28", "blocks": data})
    (tmp_path / "blocks.json").write_text(text, "utf-8")
    return tmp_path


def test_saved_list_takes_part_in_commands(project, capsys):
    """`check` judges by it and says its day; `compile` believes it too."""
    assert main(["check"]) == 0
    found = capsys.readouterr().out

    assert "model is a whole number, where the live schema wants text" in found
    assert "write what the live catalogue of 2026-11-28 takes" in found
    assert "unknown-kind" not in found
    assert main(["compile", "-o", "flows"]) == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "blocks: blocks.json cannot be read: Is a directory"),
        ("[5]", "none of its entries can be used"),
        ("{", "not valid JSON"),
    ],
)
def test_saved_list_that_cannot_be_used(project, capsys, text, problem):
    """The message says which file, and how to get it again."""
    file = project / "blocks.json"
    if text is None:
        file.unlink()
        file.mkdir()
    else:
        file.write_text(text, "utf-8")

    code = main(["check"])
    told = capsys.readouterr().err

    assert code != 0
    assert problem in told
    assert "flow64 blocks sync fetches it again" in told


def test_before_the_first_sync(project, capsys):
    """A list that is not there yet is no mistake: `init` names it."""
    (project / "blocks.json").unlink()

    assert main(["check"]) == 0
    assert "'score_lead' is not in the catalogue" in capsys.readouterr().out
