"""Block classes for what the built-in catalogue of flow64 lacks.

Written by `flow64 blocks generate` from the live catalogue of 2026-11-28. Do not edit
it: write facts that no schema says into `blocks.toml`, and generate it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import (
    Any,
    Final,
    Generic,
    Literal,
    NotRequired,
    TypeAlias,
    TypedDict,
    TypeVar,
)

from attrs import frozen
from flow64 import Company, Flow, Lead, Start
from flow64 import blocks as built_in
from flow64.blocks import (
    UNKNOWN_COLUMNS,
    About,
    CatalogueBlock,
    Column,
    Columns,
    FieldMap,
    Price,
)
from flow64.dsl import UNSET, Unset

SOURCE: Final = "live, 2026-11-28"
"""Where all facts below are from."""

A = TypeVar("A")


@frozen(eq=False, kw_only=True)
class BacklinksReferringDomains(built_in.BacklinksReferringDomains):
    """Find the domains that link to a company's site.

    Rows: takes COMPANY, gives COMPANY (inferred, unconfirmed). Type checkers let both
    kinds pass.
    """

    kind = "backlinks_referring_domains"
    specs_known = True

    limit: int | Unset = UNSET
    """Most domains. Default: 100. From 1 to 1000."""


@frozen(eq=False, kw_only=True)
class CompanyEnrichment(Flow[Company, Company], CatalogueBlock):
    """Research each company and add one column for each requested field.

    Rows: takes COMPANY, gives COMPANY (documented once). `LeadsToCompany` makes COMPANY
    of LEAD rows.
    """

    kind = "company_enrichment"
    about = built_in.CompanyEnrichment.about

    find_people: bool | Unset = UNSET
    """Also find people at the company. Default: false."""
    full_org_chart: bool | Unset = UNSET
    """Find as many people as possible. Default: false."""
    lead_struct: FieldMap | Unset | None = UNSET
    """Fields of each person."""
    people_focus_prompt: str | Unset | None = UNSET
    """Which people to find."""
    research_plan: str | Unset | None = UNSET
    """How to research. At most 4000 characters."""
    return_fields: FieldMap | Unset | None = UNSET
    """Columns to add, each with what to find."""
    tier: Literal["micro", "low", "medium", "high"] | Unset = UNSET
    """How deep. Default: "low"."""


@frozen(eq=False, kw_only=True)
class CompanyToLeads(built_in.CompanyToLeads):
    """Block of the kind `company_to_leads`.

    Rows: takes COMPANY, gives LEAD (documented once).
    """

    max_people: int | Unset | None = UNSET
    """Most people of a company. At least 1."""


@frozen(eq=False, kw_only=True)
class Deduplicate(built_in.Deduplicate):
    """Drop repeated rows.

    Sent without the underscore at the end: `columns_`.

    Rows: takes any, gives the same (documented once).
    """

    columns_: Sequence[str] | Unset | None = UNSET
    """By these."""


FilterOperator: TypeAlias = Literal[
    "equals",
    "not_equals",
    "contains",
    "not_contains",
    "greater",
    "less",
    "greater_or_equal",
    "in",
    "not_in",
    "is_empty",
    "is_not_empty",
    "matches",
]


class FilterFilterCondition(TypedDict):
    """One `FilterFilterCondition`."""

    column: str
    """The column to look at."""
    operator: FilterOperator
    logic: NotRequired[Literal["and", "or"] | None]
    value: NotRequired[Any]


@frozen(eq=False, kw_only=True)
class Filter(built_in.FilterBase[FilterOperator]):
    """Keep the rows that match: `Filter.where("email_status").equals("OK")`.

    Rows: takes any, gives the same (documented once).
    """

    kind = "filter"
    about = built_in.Filter.about

    filters: Sequence[FilterFilterCondition]
    """Conditions. At least 1 item."""


@frozen(eq=False, kw_only=True)
class FindEmail(Flow[Lead, Lead], CatalogueBlock):
    """Find an e-mail address for each person.

    Rows: takes LEAD, gives LEAD (documented once). `CompanyToLeads` makes LEAD of
    COMPANY rows.
    """

    kind = "find_email"
    about = built_in.FindEmail.about

    mode: Literal["PROFESSIONAL", "PERSONAL", "BOTH"] | Unset = UNSET
    """Which addresses to find. Default: "PROFESSIONAL"."""
    providers: Sequence[str] | Unset | None = UNSET
    """Providers to ask, in this order."""
    verify_emails: bool | Unset = UNSET
    """Check each address by SMTP. Default: true."""


@frozen(eq=False, kw_only=True)
class GithubFindPeople(built_in.GithubFindPeople):
    """Find people on GitHub.

    Rows: takes any, gives LEAD (inferred, unconfirmed). Type checkers let both kinds
    pass.
    """

    kind = "github_find_people"
    specs_known = True

    repository: str
    """As `owner/name`."""
    max_results: int | Unset = UNSET
    """Most people. Default: 100. At least 1."""


@frozen(eq=False, kw_only=True)
class GoogleMapsSearch(built_in.GoogleMapsSearch):
    """Find businesses on Google Maps; probably a source.

    Rows: gives COMPANY (inferred, unconfirmed). Type checkers let both kinds pass.
    """

    kind = "google_maps_search"
    specs_known = True

    query: str
    """What to look for."""
    location: str
    """Where to look."""
    radius_km: float | Unset = UNSET
    """Default: 10.0. At most 50. Above 0."""


@frozen(eq=False, kw_only=True)
class GroupBy(built_in.GroupBy):
    """Group rows by a column.

    Sent without the underscore at the end: `columns_`.

    Rows: takes any, gives the same (documented once).
    """

    kind = "group_by"
    specs_known = True

    columns_: Sequence[str]
    """Columns to group by. At least 1 item."""
    aggregate: Mapping[str, Literal["count", "first", "sum", "mean"]] | Unset = UNSET
    """By column."""


@frozen(eq=False, kw_only=True)
class HubspotImport(built_in.HubspotImport):
    """Bring rows from HubSpot.

    Rows: gives either (inferred, unconfirmed). Type checkers let both kinds pass.
    """

    kind = "hubspot_import"
    specs_known = True

    object_type: Literal["contacts", "companies"]
    """What to import."""
    list_id: str | Unset | None = UNSET
    """Only this list."""


@frozen(eq=False, kw_only=True)
class LlmOpenai(built_in.LlmOpenai):
    """Ask a model of OpenAI about each row.

    Rows: takes any, gives the same (documented once).
    """

    kind = "llm_openai"
    specs_known = True

    prompt: str
    """Prompt; `{{column}}` is replaced. At least 1 character."""
    model: Literal["gpt-5-mini"] | Unset = UNSET
    """Default: "gpt-5-mini"."""
    output_column: str | Unset = UNSET
    """Column for the reply. Default: "llm_output"."""
    temperature: float | Unset = UNSET
    """Default: 0.2. From 0 to 2."""


@frozen(eq=False, kw_only=True)
class RedditSearch(Flow[Start, Lead], CatalogueBlock):
    """Block of the kind `reddit_search`.

    Rows: gives LEAD (live).
    """

    kind = "reddit_search"
    about = About(
        role="source",
        takes="none",
        gives="LEAD",
        rows="D1",
        source=SOURCE,
        effects=["spends"],
        columns=UNKNOWN_COLUMNS,
        price=Price(0.02, "I", source=SOURCE),
    )

    query: str
    """What to look for. At least 1 character."""
    max_results: int | Unset = UNSET
    """Most authors. Default: 50. From 1 to 500."""
    since: str | Unset | None = UNSET
    """Only posts after it. Format: date-time."""
    sort: Literal["relevance", "new", "top"] | Unset = UNSET
    """Order of the posts. Default: "relevance"."""
    subreddits: Sequence[str] | Unset | None = UNSET
    """Only in these."""


@frozen(eq=False, kw_only=True)
class RemoveColumns(built_in.RemoveColumns):
    """Drop columns.

    Sent without the underscore at the end: `columns_`.

    Rows: takes any, gives the same (documented once).
    """

    kind = "remove_columns"
    specs_known = True

    columns_: Sequence[str]
    """Columns to drop. At least 1 item."""


ScoreLeadOperator: TypeAlias = Literal[
    "equals",
    "not_equals",
    "contains",
    "not_contains",
    "greater",
    "less",
    "greater_or_equal",
    "in",
    "not_in",
    "is_empty",
    "is_not_empty",
    "matches",
]


class ScoreLeadFilterCondition(TypedDict):
    """One `ScoreLeadFilterCondition`."""

    column: str
    """The column to look at."""
    operator: ScoreLeadOperator
    logic: NotRequired[Literal["and", "or"] | None]
    value: NotRequired[Any]


class ScoreLeadSignal(TypedDict):
    """One thing that raises or lowers the score."""

    column: str
    """Column that the signal reads."""
    weight: float
    """Points that it adds. From -100 to 100."""
    when: NotRequired[ScoreLeadFilterCondition | None]


@frozen(eq=False, kw_only=True)
class ScoreLead(Flow[Lead, Lead], CatalogueBlock):
    """Block of the kind `score_lead`.

    Rows: takes LEAD, gives LEAD (live).
    """

    kind = "score_lead"
    about = About(
        role="step",
        takes="LEAD",
        gives="LEAD",
        source=SOURCE,
        effects=["spends"],
        columns=Columns(
            reads=[Column("title"), Column("company")],
            adds=[Column("score", "int")],
        ),
        price=Price(0.01, "I", source=SOURCE),
    )

    signals: Sequence[ScoreLeadSignal]
    """Signals. From 1 to 20 items."""
    explain: bool | Unset | None = UNSET
    """Default: false."""
    output_column: str | Unset = UNSET
    """Column for the score. Default: "score"."""
    rubric: str | Unset = UNSET
    """What a good lead is, in words."""
    scale: Literal[5, 10, 100] | Unset = UNSET
    """The highest score. Default: 100."""


@frozen(eq=False, kw_only=True)
class ScrapeWeb(built_in.ScrapeWeb):
    """Read web pages for each row.

    Rows: takes any, gives the same (inferred, unconfirmed). Type checkers let both
    kinds pass.
    """

    kind = "scrape_web"
    specs_known = True

    url_column: str
    """Column with addresses of pages."""
    output_column: str | Unset = UNSET
    """Column for the text. Default: "page_text"."""
    render: bool | Unset = UNSET
    """Run the page's scripts. Default: false."""


@frozen(eq=False, kw_only=True)
class Search(built_in.Search[A], Generic[A]):
    """Find people or companies by a question in plain words.

    Rows: gives what `dataframe_type` says (documented once).
    """

    freshness: Literal["day", "week", "month"] | Unset | None = UNSET
    """Default: "month"."""


@frozen(eq=False, kw_only=True)
class SendSlackMessage(built_in.SendSlackMessage):
    """Send a message to a channel of Slack.

    Rows: takes any, gives the same (documented once).
    """

    kind = "send_slack_message"
    specs_known = True

    channel: str
    """`#channel`, or its id."""
    message: str
    """Text; `{{column}}` is replaced. At most 4000 characters."""
    mention: Sequence[str] | Unset | None = UNSET
    """Members to mention."""
    once_per_run: bool | Unset = UNSET
    """One message a run, not one a row. Default: false."""


@frozen(eq=False, kw_only=True)
class TiktokGetFollowing(built_in.TiktokGetFollowing):
    """Find the people that a TikTok account follows.

    Rows: takes LEAD, gives LEAD (inferred, unconfirmed). Type checkers let both kinds
    pass.
    """

    kind = "tiktok_get_following"
    specs_known = True

    handle_column: str | Unset = UNSET
    """Column with handles. Default: "tiktok_handle"."""


@frozen(eq=False, kw_only=True)
class TransformData(built_in.TransformData):
    """Change the columns of each row.

    Rows: takes any, gives the same (documented once).
    """

    kind = "transform_data"
    specs_known = True

    instructions: str
    """What to do with each row. At least 1 character."""
    keep_columns: bool | Unset = UNSET
    """Also keep the columns of the input. Default: true."""
    on_error: Literal["skip", "keep", "fail"] | Unset = UNSET
    """What to do with a row that fails. Default: "keep"."""


@frozen(eq=False, kw_only=True)
class VerifyEmail(built_in.VerifyEmail):
    """Test the e-mail address of each person.

    Rows: takes LEAD, gives LEAD (documented once). `CompanyToLeads` makes LEAD of
    COMPANY rows.
    """

    kind = "verify_email"
    specs_known = True

    email_column: str | Unset = UNSET
    """Column with addresses. Default: "email"."""


@frozen(eq=False, kw_only=True)
class XSearch(built_in.XSearch):
    """Find people on X.

    Rows: takes any, gives LEAD (inferred, unconfirmed). Type checkers let both kinds
    pass.
    """

    kind = "x_search"
    specs_known = True

    query: str
    """Search in X's own syntax."""
    max_results: int | Unset = UNSET
    """Default: 50. From 1 to 500."""


@frozen(eq=False, kw_only=True)
class YcCompanies(built_in.YcCompanies):
    """Bring companies of Y Combinator.

    Rows: takes any, gives COMPANY (inferred, unconfirmed). Type checkers let both kinds
    pass.
    """

    kind = "yc_companies"
    specs_known = True

    batches: Sequence[str] | Unset | None = UNSET
    """As W24."""
