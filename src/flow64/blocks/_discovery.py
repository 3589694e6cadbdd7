"""Discovery: blocks that find people and companies, on the web and elsewhere."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import frozen

from ..dsl import Company, Flow, Lead
from ._facts import UNKNOWN_COLUMNS, About, CatalogueBlock, Columns, named_by_sk
from ._fields import UncheckedBlock, inferred_by_sk


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
