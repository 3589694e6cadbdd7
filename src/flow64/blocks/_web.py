"""Web: blocks that read pages, and facts about domains."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import frozen

from ..dsl import Flow
from ._facts import UNKNOWN_COLUMNS, About, Columns, named_by_sk
from ._fields import UncheckedBlock


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class ScrapeWeb(Flow[Any, Any], UncheckedBlock):
    """Read web pages for each row. Nothing more is documented.

    Rows: takes any, gives the same (inferred, unconfirmed). Type checkers let both
    kinds pass.
    """

    kind: ClassVar[str] = "scrape_web"
    label: ClassVar[str] = "signal"
    about: ClassVar[About] = named_by_sk(
        role="step",
        takes="any",
        gives="same",
        rows="I",
        effects=("may-spend",),
        columns=Columns(opens=True),
    )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class BacklinksReferringDomains(Flow[Any, Any], UncheckedBlock):
    """Find the domains that link to a company's site.

    Whether they become rows or columns, and whether it may be a source, is unknown.

    Rows: takes COMPANY, gives COMPANY (inferred, unconfirmed). Type checkers let both
    kinds pass.
    """

    kind: ClassVar[str] = "backlinks_referring_domains"
    label: ClassVar[str] = "signal"
    about: ClassVar[About] = named_by_sk(
        role="step",
        takes="COMPANY",
        gives="COMPANY",
        rows="I",
        effects=("may-spend",),
        perhaps="source",
        columns=UNKNOWN_COLUMNS,
    )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class FindSubdomains(Flow[Any, Any], UncheckedBlock):
    """Find the subdomains of a company's site.

    Whether they become rows or columns, and whether it may be a source, is unknown.

    Rows: takes COMPANY, gives COMPANY (inferred, unconfirmed). Type checkers let both
    kinds pass.
    """

    kind: ClassVar[str] = "find_subdomains"
    label: ClassVar[str] = "signal"
    about: ClassVar[About] = named_by_sk(
        role="step",
        takes="COMPANY",
        gives="COMPANY",
        rows="I",
        effects=("may-spend",),
        perhaps="source",
        columns=UNKNOWN_COLUMNS,
    )
