"""What holds for every kind. docs/catalogue.md has the facts of each, as a golden file.

`make golden` writes that page from the classes, and `tests/test_docs.py` compares it.
"""

from __future__ import annotations

import inspect
import re
import typing
from pathlib import Path

import attrs
import pytest

from flow64 import blocks
from flow64.blocks import (
    CATALOGUE,
    CONFIDENCE,
    OLD_NAMES,
    CatalogueBlock,
    Fact,
    FilterBase,
    FilterOperator,
    TransformData,
    describe_kind,
    facts_of,
    field_docs,
)
from flow64.dsl import RESERVED, Company, Flow, Lead, Passthrough, Start, Unset
from flow64.errors import BuildError

PAGE = (Path(__file__).parents[2] / "docs" / "catalogue.md").read_text("utf-8")
TAGS = re.findall(r"^\| ([^|]+) \|", PAGE.partition("| tag |")[2], re.MULTILINE)
SOURCES = {tag for cell in TAGS for tag in cell.split(", ")}

every_class = pytest.mark.parametrize("cls", CATALOGUE.values(), ids=CATALOGUE)


@every_class
def test_a_class_is_named_for_its_kind(cls):
    """The name is the kind in CapWords."""
    assert cls.__name__ == "".join(word.capitalize() for word in cls.kind.split("_"))


@every_class
def test_every_field_has_its_fact_and_its_docstring(cls):
    """Nothing about a block goes unsaid, and no fact is about a reserved name."""
    facts = facts_of(cls)

    assert list(cls.spec_names) == list(facts)
    assert not set(facts) & set(RESERVED)
    assert all(isinstance(fact, Fact) and fact.source for fact in facts.values())
    assert set(facts) <= {name for name, text in field_docs(cls).items() if text}


@every_class
def test_every_source_is_explained(cls):
    """The table of sources at the end of the page of the catalogue has it."""
    facts = [cls.about, *facts_of(cls).values(), cls.price({})]
    sources = [fact.source for fact in facts if fact is not None]
    tags = {tag for source in sources for tag in source.split(", ")}

    assert tags - SOURCES - {*CATALOGUE} == set()


@every_class
def test_every_class_has_a_docstring_of_its_own(cls):
    """The docs page of a kind begins with what its class says."""
    first = inspect.cleandoc(vars(cls)["__doc__"]).splitlines()[0]

    assert first.endswith((".", "`."))


@every_class
def test_docstrings_end_with_the_rows(cls):
    """An editor shows the docstring, so it says which rows a block takes and gives."""
    about = cls.about
    words = {
        "any": "any",
        "same": "the same",
        "unknown": "either",
        "dataframe_type": "what `dataframe_type` says",
    }
    takes, gives = (words.get(w, w) for w in (about.takes, about.gives))
    takes = "" if takes == "none" else f"takes {takes}, "
    text = f"Rows: {takes}gives {gives} ({CONFIDENCE[about.rows]})."
    others = {"LEAD": "COMPANY", "COMPANY": "LEAD"}
    if about.rows in ("I", "U") and about.gives != "dataframe_type":
        text += " Type checkers let both kinds pass."
    elif about.role == "step" and about.takes in others:
        converter = {"LEAD": "CompanyToLeads", "COMPANY": "LeadsToCompany"}[takes[6:-2]]
        text += f" `{converter}` makes {about.takes} of {others[about.takes]} rows."

    paragraphs = inspect.cleandoc(cls.__doc__).split("\n\n")
    assert " ".join(paragraphs[-1].split()) == text
    assert describe_kind(cls) == "\n\n".join(paragraphs[:-1])


@every_class
def test_required_arguments_come_first(cls):
    """A signature begins with what has to be written."""
    parameters = inspect.signature(cls).parameters.values()

    is_optional = [p.default is not inspect.Parameter.empty for p in parameters]

    assert is_optional == sorted(is_optional)


def test_words_are_written_where_they_are_used():
    """An editor shows the alias of a Literal by its name, so fields have the words."""
    hints = {
        cls: typing.get_type_hints(cls)
        for cls in (blocks.FindEmail, blocks.LeadEnrichment, blocks.CompanyEnrichment)
    }

    assert hints[blocks.FindEmail]["mode"] == blocks.EmailMode | Unset
    assert hints[blocks.LeadEnrichment]["tier"] == blocks.Tier | Unset
    assert hints[blocks.CompanyEnrichment]["tier"] == blocks.CompanyTier | Unset


@every_class
def test_every_argument_has_a_docstring(cls):
    """An editor shows it for the name of an argument."""
    names = {a.name for a in attrs.fields(cls) if a.init}
    assert names <= field_docs(cls).keys()


@every_class
def test_what_is_required_of_a_person_is_required_by_the_service(cls):
    """An argument without default is a required field, and the other way round."""
    without_default = {
        a.name for a in attrs.fields(cls) if a.init and a.default is attrs.NOTHING
    }

    facts = facts_of(cls)
    assert without_default == {n for n, fact in facts.items() if fact.required}
    assert all(facts[name].confidence[0] == "D" for name in cls.about.must_have)


@every_class
def test_specs_go_whole_where_no_field_is_known(cls):
    """`specs={...}` and named fields exclude each other, but for one name."""
    named = ("output_schema",) if cls is TransformData else ()
    assert cls.specs_known is ("specs" not in cls.spec_names)
    assert cls.specs_known or [*cls.spec_names] == ["specs", *named]


@every_class
def test_row_kinds_are_types_only_where_they_are_documented(cls):
    """What is inferred stops nobody's editor: it is `Flow[Any, Any]`, or a source."""
    about = cls.about
    base = cls.__orig_bases__[0] if "__orig_bases__" in vars(cls) else cls.__bases__[0]
    rows = {"LEAD": Lead, "COMPANY": Company, "none": Start}

    if about.rows in ("I", "U"):
        assert base not in (Flow[Lead, Lead], Flow[Company, Company], Passthrough)
    elif about.gives == "same":
        assert base is Passthrough or base == FilterBase[FilterOperator]
    elif about.gives == "dataframe_type":
        assert base.__origin__ is Flow
        assert base.__args__[0] is Start
    else:
        assert base == Flow[rows[about.takes], rows[about.gives]]


@pytest.mark.parametrize(
    ("kind", "begins", "follows"),
    [
        ("webhook", True, False),
        ("find_email", False, True),
        ("company_to_leads", False, True),
        ("outgoing_webhook", False, True),
        ("github_find_people", True, True),
        ("find_subdomains", True, True),
    ],
)
def test_where_a_block_may_stand(kind, begins, follows):
    """Some blocks may be a source or a step, as far as anybody knows."""
    about = CATALOGUE[kind].about

    assert (about.may_begin, about.may_follow) == (begins, follows)


def test_nothing_changes_the_catalogue():
    """It is shared by everything in a process."""
    with pytest.raises(TypeError):
        CATALOGUE["webhook"] = None


def test_old_names_lead_to_known_kinds():
    """Names of older pages are no kinds, but are known."""
    assert OLD_NAMES == {
        "enrich_lead": "lead_enrichment",
        "enrich_company": "company_enrichment",
    }
    assert set(OLD_NAMES.values()) < set(CATALOGUE)


def test_confidence_has_words():
    """Each mark reads as a phrase."""
    assert set(CONFIDENCE) == {"D", "D1", "I", "U"}


def test_every_class_is_public():
    """`from flow64.blocks import ...` reaches every class of the catalogue."""
    public = [getattr(blocks, name) for name in blocks.__all__]

    assert [cls.__name__ for cls in CATALOGUE.values() if cls not in public] == []


def test_a_block_says_what_it_does_whatever_its_specs():
    """A class that overrides nothing repeats what `about` says."""
    scrape = CATALOGUE["scrape_web"]

    assert scrape.columns({}) == scrape.about.columns
    assert scrape.effects({}) == scrape.about.effects
    assert scrape.price({}) is None
    assert issubclass(scrape, CatalogueBlock)


def test_a_wrong_argument_is_named_at_once():
    """Blocks share the mechanism that explains a wrong call."""
    with pytest.raises(BuildError, match="mode"):
        blocks.FindEmail(mod="PERSONAL")


def test_unset_is_the_only_default_of_an_optional_field():
    """Nothing is sent that nobody wrote, but for what keeps a search from buying."""
    sent = {
        f"{kind}.{a.name}": a.default
        for kind, cls in CATALOGUE.items()
        for a in attrs.fields(cls)
        if a.name in cls.spec_names
        and a.name != "specs"
        and a.default is not attrs.NOTHING
        and not isinstance(a.default, Unset)
    }

    assert sent == {"search.auto_execute": False}
