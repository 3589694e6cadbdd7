"""Enrichment: blocks that add facts about each row, for credits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, Literal

from attrs import field, frozen

from ..dsl import UNSET, Company, Flow, Lead, Unset
from .catalogue import CatalogueBlock, FieldMap, UncheckedBlock, columns_of
from .facts import About, Column, Columns, Fact, Price, named_by_sk


@frozen(eq=False, repr=False, slots=False)
class CompanyEnrichment(Flow[Company, Company], CatalogueBlock):
    """Research each company and add one column for each requested field.

    With `find_people` it also finds people there, and `company_to_leads` makes rows of
    them. Examples bring the columns `company_name` and `website`. Which columns it
    reads is unknown.

    Rows: takes COMPANY, gives COMPANY (documented once). `LeadsToCompany` makes COMPANY
    of LEAD rows.
    """

    kind: ClassVar[str] = "company_enrichment"
    label: ClassVar[str] = "enrichment"
    about: ClassVar[About] = About(
        role="step",
        takes="COMPANY",
        gives="COMPANY",
        rows="D1",
        confidence="D",
        source="PW, SK, API-NEW",
        effects=("spends",),
    )

    return_fields: Annotated[FieldMap, Fact("D1", "SK", required=True)]
    """Fields to find: name to description, or to `{description, type}`; becomes
    columns. That it is required is inferred."""
    find_people: Annotated[bool | Unset, Fact("D1", "SK", default="false")] = field(
        default=UNSET, kw_only=True
    )
    """Whether to find people at each company; `company_to_leads` needs it."""
    people_focus_prompt: Annotated[str | Unset, Fact("D1", "SK")] = field(
        default=UNSET, kw_only=True
    )
    """The people to look for, in words; used with `find_people`."""
    lead_struct: Annotated[FieldMap | Unset, Fact("I", "company endpoint")] = field(
        default=UNSET, kw_only=True
    )
    """Fields to find about each person."""
    full_org_chart: Annotated[
        bool | Unset, Fact("I", "company endpoint", default="false")
    ] = field(default=UNSET, kw_only=True)
    """Whether to look for all people in the organisation."""
    research_plan: Annotated[str | Unset, Fact("I", "company endpoint")] = field(
        default=UNSET, kw_only=True
    )
    """Instructions for the research, in words."""
    tier: Annotated[
        Literal["micro", "low", "medium", "high"] | Unset,
        Fact("I", "company endpoint", default="low"),
    ] = field(default=UNSET, kw_only=True)
    """Depth of the research. `high` may need an enterprise plan."""

    @classmethod
    def columns(cls, specs: Mapping[str, Any]) -> Columns:
        """One column for each requested field.

        It is unknown where the people are stored, so with `find_people` there may be
        others.
        """
        return Columns(
            adds=columns_of(specs.get("return_fields"), confidence="D1"),
            opens=specs.get("find_people", False) is not False,
        )

    @classmethod
    def price(cls, specs: Mapping[str, Any]) -> Price | None:
        """Return the price of the low tier. No source says what people cost."""
        people = (specs.get(name, False) for name in ("find_people", "full_org_chart"))
        return None if any(asked is not False for asked in people) else _low_tier(specs)


@frozen(eq=False, repr=False, slots=False)
class LeadEnrichment(Flow[Lead, Lead], CatalogueBlock):
    """Research each person and add one column for each requested field.

    Rows: takes LEAD, gives LEAD (documented once). `CompanyToLeads` makes LEAD of
    COMPANY rows.
    """

    kind: ClassVar[str] = "lead_enrichment"
    label: ClassVar[str] = "enrichment"
    about: ClassVar[About] = About(
        role="step",
        takes="LEAD",
        gives="LEAD",
        rows="D1",
        confidence="D",
        source="PW, SK, API-NEW",
        effects=("spends",),
    )

    return_fields: Annotated[FieldMap, Fact("D", "PW, SK", required=True)]
    """Fields to find: name to description, or to `{description, type}`; becomes
    columns. That it is required is inferred."""
    tier: Annotated[
        Literal["micro", "scout", "low", "medium", "high", "xhigh"] | Unset,
        Fact("I", "people endpoint", default="low"),
    ] = field(default=UNSET, kw_only=True)
    """Depth of the research. `high` may need an enterprise plan."""
    research_plan: Annotated[str | Unset, Fact("I", "people endpoint")] = field(
        default=UNSET, kw_only=True
    )
    """Instructions for the research, in words."""
    max_iterations: Annotated[
        int | Unset, Fact("I", "people endpoint", unit="rounds")
    ] = field(default=UNSET, kw_only=True)
    """Maximum rounds of research for each row; a weak analogy."""

    @classmethod
    def columns(cls, specs: Mapping[str, Any]) -> Columns:
        """One column for each requested field."""
        return Columns(adds=columns_of(specs.get("return_fields")))

    @classmethod
    def price(cls, specs: Mapping[str, Any]) -> Price | None:
        """Return the price of the low tier. No source states others."""
        return _low_tier(specs)


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class LinkedinEnrichment(Flow[Any, Any], CatalogueBlock):
    """Add facts from LinkedIn about each person, perhaps also about each company.

    The name is documented. Its fields and row kinds are inferred from the endpoint.

    Rows: takes any, gives the same (inferred, unconfirmed). Type checkers let both
    kinds pass.
    """

    kind: ClassVar[str] = "linkedin_enrichment"
    label: ClassVar[str] = "enrichment"
    about: ClassVar[About] = About(
        role="step",
        takes="any",
        gives="same",
        rows="I",
        confidence="D",
        source="API-NEW",
        effects=("may-spend",),
    )

    return_fields: Annotated[FieldMap | Unset, Fact("I", "API-NEW")] = UNSET
    """Fields to find: name to description, or to `{description, type}`. Likely, since
    the service's field generator names this block."""

    @classmethod
    def columns(cls, specs: Mapping[str, Any]) -> Columns:
        """Reads `linkedin_url`, adds the requested fields, maybe more (inferred)."""
        return Columns(
            reads=[Column("linkedin_url", "str", "I")],
            adds=columns_of(specs.get("return_fields"), confidence="I"),
            opens=True,
        )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class FindEmail(Flow[Lead, Lead], CatalogueBlock):
    """Find an e-mail address for each person.

    A row should have a name and a company, or a LinkedIn URL. Which columns it reads is
    not documented. Of the words in `email_status`, sources agree only on `OK`.

    Rows: takes LEAD, gives LEAD (documented once). `CompanyToLeads` makes LEAD of
    COMPANY rows.
    """

    kind: ClassVar[str] = "find_email"
    label: ClassVar[str] = "enrichment"
    about: ClassVar[About] = named_by_sk(
        role="step",
        takes="LEAD",
        gives="LEAD",
        effects=("spends",),
        column_words={
            "email_status": {
                "FE": ("OK", "UNKNOWN", "NOT_FOUND"),
                "SK": ("OK", "CATCH_ALL", "RISKY", "INVALID"),
            }
        },
    )

    mode: Annotated[
        Literal["PROFESSIONAL", "PERSONAL"] | Unset,
        Fact("D", "SK, endpoint", default="PROFESSIONAL"),
    ] = UNSET
    """The kind of address to find, in upper case."""
    verify_emails: Annotated[bool | Unset, Fact("I", "endpoint", default="true")] = (
        UNSET
    )
    """Whether to test each address over SMTP."""
    providers: Annotated[
        Sequence[str] | Unset, Fact("I", "endpoint", default="null")
    ] = UNSET
    """Providers, in the order in which to ask them; their ids are unknown."""

    @classmethod
    def columns(cls, specs: Mapping[str, Any]) -> Columns:
        """`email`, `email_status`; in personal mode probably `personal_email` too."""
        is_personal = _mode(specs) == "PERSONAL"
        return _PERSONAL_COLUMNS if is_personal else _EMAIL_COLUMNS

    @classmethod
    def price(cls, specs: Mapping[str, Any]) -> Price | None:
        """Return the price of the mode. A personal address that a row has is free."""
        match _mode(specs):
            case "PROFESSIONAL":
                return _PROFESSIONAL
            case "PERSONAL":
                return _PERSONAL
            case _:
                return None


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class FindPhone(Flow[Lead, Lead], CatalogueBlock):
    """Find a phone number for each person. No example sets a field of it.

    Rows: takes LEAD, gives LEAD (documented once). `CompanyToLeads` makes LEAD of
    COMPANY rows.
    """

    kind: ClassVar[str] = "find_phone"
    label: ClassVar[str] = "enrichment"
    about: ClassVar[About] = named_by_sk(
        role="step",
        takes="LEAD",
        gives="LEAD",
        effects=("spends",),
        columns=Columns(adds=[Column("phone", None, "I")]),
        price=Price(0.30, "D1", "SK"),
    )

    providers: Annotated[Sequence[str] | Unset, Fact("I", "endpoint")] = UNSET
    """Providers, in the order in which to ask them; their ids are unknown."""


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class VerifyEmail(Flow[Lead, Lead], UncheckedBlock):
    """Test the e-mail address of each person. Nothing more is documented.

    Rows: takes LEAD, gives LEAD (documented once). `CompanyToLeads` makes LEAD of
    COMPANY rows.
    """

    kind: ClassVar[str] = "verify_email"
    label: ClassVar[str] = "enrichment"
    about: ClassVar[About] = named_by_sk(
        "step",
        "LEAD",
        "LEAD",
        effects=("may-spend",),
        columns=Columns(reads=[Column("email", None, "I")], opens=True),
    )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class ReverseEmail(Flow[Lead, Lead], CatalogueBlock):
    """Find the owner of each e-mail address: name, company, title and LinkedIn.

    The names of the columns that it adds are not documented.

    Rows: takes LEAD, gives LEAD (documented once). `CompanyToLeads` makes LEAD of
    COMPANY rows.
    """

    kind: ClassVar[str] = "reverse_email"
    label: ClassVar[str] = "enrichment"
    about: ClassVar[About] = named_by_sk(
        role="step",
        takes="LEAD",
        gives="LEAD",
        effects=("may-spend",),
        columns=Columns(reads=[Column("email", None, "I")], opens=True),
    )

    providers: Annotated[Sequence[str] | Unset, Fact("I", "endpoint")] = UNSET
    """Providers, in the order in which to ask them; their ids are unknown."""


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class ReversePhone(Flow[Lead, Lead], CatalogueBlock):
    """Find the owner of each phone number: name, company, title and LinkedIn.

    The names of the columns that it adds are not documented.

    Rows: takes LEAD, gives LEAD (documented once). `CompanyToLeads` makes LEAD of
    COMPANY rows.
    """

    kind: ClassVar[str] = "reverse_phone"
    label: ClassVar[str] = "enrichment"
    about: ClassVar[About] = named_by_sk(
        role="step",
        takes="LEAD",
        gives="LEAD",
        effects=("may-spend",),
        columns=Columns(reads=[Column("phone", None, "I")], opens=True),
    )

    providers: Annotated[Sequence[str] | Unset, Fact("I", "endpoint")] = UNSET
    """Providers, in the order in which to ask them; their ids are unknown."""


def _mode(specs: Mapping[str, Any]) -> Any:
    """Return the mode in upper case: newer pages write `Personal`."""
    mode = specs.get("mode", "PROFESSIONAL")
    return mode.upper() if isinstance(mode, str) else mode


def _low_tier(specs: Mapping[str, Any]) -> Price | None:
    """Return the only price of an enrichment that sources state, for each row."""
    return _LOW_TIER if specs.get("tier", "low") == "low" else None


_LOW_TIER: Final = Price(0.10, "D1", "older pages")
_PROFESSIONAL: Final = Price(0.05, "D", "FE, SK")
_PERSONAL: Final = Price(0.20, "D1", "FE")
_EMAIL_COLUMNS: Final = Columns(
    adds=(Column("email", None, "D1"), Column("email_status", "str", "D1"))
)
_PERSONAL_COLUMNS: Final = Columns(
    adds=(*_EMAIL_COLUMNS.adds, Column("personal_email", None, "I"))
)
