"""Discovery and AI: blocks that find people and companies, or ask a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, NotRequired, TypedDict

from attrs import frozen

from ..dsl import UNSET, Company, Flow, Lead, Passthrough, Unset
from .catalogue import (
    CatalogueBlock,
    FieldMap,
    UncheckedBlock,
    columns_of,
    inferred_by_sk,
)
from .facts import UNKNOWN_COLUMNS, About, Columns, Fact, named_by_sk


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class CompanyToLeads(Flow[Company, Lead], CatalogueBlock):
    """Make one row of each person that `CompanyEnrichment(find_people=True)` found.

    The number of rows is known only after it has run. No example sets a field of it.

    Rows: takes COMPANY, gives LEAD (documented once).
    """

    kind: ClassVar[str] = "company_to_leads"
    about: ClassVar[About] = named_by_sk(
        role="converter", takes="COMPANY", gives="LEAD", columns=UNKNOWN_COLUMNS
    )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class LeadsToCompany(Flow[Lead, Company], UncheckedBlock):
    """Turn rows about people into rows about their companies. How is not documented.

    Rows: takes LEAD, gives COMPANY (documented once).
    """

    kind: ClassVar[str] = "leads_to_company"
    label: ClassVar[str] = "transform"
    about: ClassVar[About] = named_by_sk(
        "converter", "LEAD", "COMPANY", columns=UNKNOWN_COLUMNS
    )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class GithubFindPeople(Flow[Any, Any], UncheckedBlock):
    """Find people on GitHub. Whether it takes rows is not documented.

    Rows: takes any, gives LEAD (inferred, unconfirmed). Type checkers let both kinds
    pass.
    """

    kind: ClassVar[str] = "github_find_people"
    about: ClassVar[About] = inferred_by_sk("source", "any", "LEAD", perhaps="step")


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class GoogleMapsSearch(Flow[Any, Any], UncheckedBlock):
    """Find businesses on Google Maps; probably a source.

    Rows: gives COMPANY (inferred, unconfirmed). Type checkers let both kinds pass.
    """

    kind: ClassVar[str] = "google_maps_search"
    about: ClassVar[About] = inferred_by_sk("source", "none", "COMPANY", perhaps="step")


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class ScrapeWeb(Flow[Any, Any], UncheckedBlock):
    """Read web pages for each row. Nothing more is documented.

    Rows: takes any, gives the same (inferred, unconfirmed). Type checkers let both
    kinds pass.
    """

    kind: ClassVar[str] = "scrape_web"
    about: ClassVar[About] = inferred_by_sk(
        "step", "any", "same", columns=Columns(opens=True)
    )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class BacklinksReferringDomains(Flow[Any, Any], UncheckedBlock):
    """Find the domains that link to a company's site.

    Whether they become rows or columns, and whether it may be a source, is unknown.

    Rows: takes COMPANY, gives COMPANY (inferred, unconfirmed). Type checkers let both
    kinds pass.
    """

    kind: ClassVar[str] = "backlinks_referring_domains"
    about: ClassVar[About] = inferred_by_sk(
        "step", "COMPANY", "COMPANY", perhaps="source"
    )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class FindSubdomains(Flow[Any, Any], UncheckedBlock):
    """Find the subdomains of a company's site.

    Whether they become rows or columns, and whether it may be a source, is unknown.

    Rows: takes COMPANY, gives COMPANY (inferred, unconfirmed). Type checkers let both
    kinds pass.
    """

    kind: ClassVar[str] = "find_subdomains"
    about: ClassVar[About] = inferred_by_sk(
        "step", "COMPANY", "COMPANY", perhaps="source"
    )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class XSearch(Flow[Any, Any], UncheckedBlock):
    """Find people on X. Whether it takes rows is not documented.

    Rows: takes any, gives LEAD (inferred, unconfirmed). Type checkers let both kinds
    pass.
    """

    kind: ClassVar[str] = "x_search"
    about: ClassVar[About] = inferred_by_sk("source", "any", "LEAD", perhaps="step")


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class TiktokGetFollowing(Flow[Any, Any], UncheckedBlock):
    """Find the people that a TikTok account follows. Which one is not documented.

    Rows: takes LEAD, gives LEAD (inferred, unconfirmed). Type checkers let both kinds
    pass.
    """

    kind: ClassVar[str] = "tiktok_get_following"
    about: ClassVar[About] = inferred_by_sk("source", "LEAD", "LEAD", perhaps="step")


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class KaggleLeaderboard(Flow[Any, Any], UncheckedBlock):
    """Bring the people of a leaderboard on Kaggle. It is probably a source.

    Rows: gives LEAD (inferred, unconfirmed). Type checkers let both kinds pass.
    """

    kind: ClassVar[str] = "kaggle_leaderboard"
    about: ClassVar[About] = inferred_by_sk(
        "source", "none", "LEAD", columns=Columns(opens=True)
    )


class Criterion(TypedDict):
    """One criterion of `qa_agent`. It is inferred from the endpoint.

    Attributes:
        criteria_name: Its name.
        description: The condition that a row must meet, in words.
        weight: Its weight, by default 1.0.
        threshold: The least score that meets it. Sources disagree on the scale.
    """

    criteria_name: str
    description: str
    weight: NotRequired[float]
    threshold: NotRequired[float]


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class LlmOpenai(Passthrough, UncheckedBlock):
    """Ask a model of OpenAI about each row. Nothing more is documented.

    Rows: takes any, gives the same (documented once).
    """

    kind: ClassVar[str] = "llm_openai"
    label: ClassVar[str] = "enrichment"
    about: ClassVar[About] = named_by_sk(
        "step", "any", "same", effects=("may-spend",), columns=Columns(opens=True)
    )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class QaAgent(Flow[Any, Any], CatalogueBlock):
    """Judge each row by criteria. All its fields are inferred from the endpoint.

    Rows: takes any, gives the same (inferred, unconfirmed). Type checkers let both
    kinds pass.
    """

    kind: ClassVar[str] = "qa_agent"
    label: ClassVar[str] = "enrichment"
    about: ClassVar[About] = named_by_sk(
        role="step", takes="any", gives="same", rows="I", effects=("may-spend",)
    )

    qualification_criteria: Annotated[
        Sequence[Criterion] | Unset, Fact("I", "endpoint")
    ] = UNSET
    """Criteria to judge by; the endpoint requires them."""
    references: Annotated[
        Sequence[Mapping[str, str]] | Unset, Fact("I", "endpoint", default="[]")
    ] = UNSET
    """Further material to judge by."""
    struct: Annotated[FieldMap | Unset, Fact("I", "endpoint", default="null")] = UNSET
    """Further fields to find: name to description, without types; they probably become
    columns."""
    max_tool_calls: Annotated[
        int | Unset, Fact("I", "endpoint", default="10", unit="calls")
    ] = UNSET
    """Maximum look-ups for each row; the endpoint takes 1 to 50."""

    @classmethod
    def columns(cls, specs: Mapping[str, Any]) -> Columns:
        """Probably one for each field of `struct`, and others with unknown names."""
        return Columns(adds=columns_of(specs.get("struct"), confidence="I"), opens=True)


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class ResearchAgent(Flow[Any, Any], CatalogueBlock):
    """Research each row. All its fields are inferred from a hidden endpoint.

    Rows: takes any, gives the same (inferred, unconfirmed). Type checkers let both
    kinds pass.
    """

    kind: ClassVar[str] = "research_agent"
    label: ClassVar[str] = "enrichment"
    about: ClassVar[About] = About(
        role="step",
        takes="any",
        gives="same",
        rows="I",
        confidence="D",
        source="SK, API-NEW",
        effects=("may-spend",),
    )

    struct: Annotated[FieldMap | Unset, Fact("I", "endpoint")] = UNSET
    """Fields to find: name to description, or to `{description, type}`."""
    research_plan: Annotated[str | Unset, Fact("I", "endpoint")] = UNSET
    """Instructions for the research, in words."""
    max_iterations: Annotated[
        int | Unset, Fact("I", "endpoint", default="2", unit="rounds")
    ] = UNSET
    """Maximum rounds of research for each row."""

    @classmethod
    def columns(cls, specs: Mapping[str, Any]) -> Columns:
        """Probably one for each field of `struct`, and others with unknown names."""
        return Columns(adds=columns_of(specs.get("struct"), confidence="I"), opens=True)


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class TransformData(Passthrough, UncheckedBlock):
    """Change the columns of each row. How to describe the change is not documented.

    Of its fields only the name of `output_schema` is known.

    Rows: takes any, gives the same (documented once).
    """

    kind: ClassVar[str] = "transform_data"
    label: ClassVar[str] = "transform"
    about: ClassVar[About] = About(
        role="step",
        takes="any",
        gives="same",
        rows="D1",
        confidence="D",
        source="SK, API-NEW",
        effects=("may-spend",),
        columns=UNKNOWN_COLUMNS,
    )

    output_schema: Annotated[FieldMap | Unset, Fact("D1", "NB, DM")] = UNSET
    """Columns that it makes: name to description, or to `{description, type}`. The name
    is documented once; that it is a field map is inferred."""

    @classmethod
    def columns(cls, specs: Mapping[str, Any]) -> Columns:
        """Probably one for each field of `output_schema`, and others; some may go."""
        added = columns_of(specs.get("output_schema"), confidence="I")
        return Columns(adds=added, opens=True, resets=True)
