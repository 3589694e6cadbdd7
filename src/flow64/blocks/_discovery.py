"""Discovery: blocks that find people and companies, and turn one into the other."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import frozen

from ..dsl import Company, Flow, Lead
from ._facts import UNKNOWN_COLUMNS, About, CatalogueBlock, named_by_sk
from ._fields import UncheckedBlock


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
    about: ClassVar[About] = named_by_sk(
        role="converter", takes="LEAD", gives="COMPANY", columns=UNKNOWN_COLUMNS
    )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class GithubFindPeople(Flow[Any, Any], UncheckedBlock):
    """Find people on GitHub. Whether it takes rows is not documented.

    Rows: takes any, gives LEAD (inferred, unconfirmed). Type checkers let both kinds
    pass.
    """

    kind: ClassVar[str] = "github_find_people"
    label: ClassVar[str] = "signal"
    about: ClassVar[About] = named_by_sk(
        role="source",
        takes="any",
        gives="LEAD",
        rows="I",
        effects=("may-spend",),
        perhaps="step",
        columns=UNKNOWN_COLUMNS,
    )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class GoogleMapsSearch(Flow[Any, Any], UncheckedBlock):
    """Find businesses on Google Maps; probably a source.

    Rows: gives COMPANY (inferred, unconfirmed). Type checkers let both kinds pass.
    """

    kind: ClassVar[str] = "google_maps_search"
    label: ClassVar[str] = "signal"
    about: ClassVar[About] = named_by_sk(
        role="source",
        takes="none",
        gives="COMPANY",
        rows="I",
        effects=("may-spend",),
        perhaps="step",
        columns=UNKNOWN_COLUMNS,
    )
