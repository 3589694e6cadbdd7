"""Integrations and special lists: blocks that bring rows from other services."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import frozen

from ..dsl import Flow
from ._facts import About, Columns
from ._fields import UncheckedBlock, inferred_by_sk


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class HubspotImport(Flow[Any, Any], UncheckedBlock):
    """Bring rows from HubSpot. It is probably a source, of either row kind.

    The connection to HubSpot belongs to one organisation.

    Rows: gives either (inferred, unconfirmed). Type checkers let both kinds pass.
    """

    kind: ClassVar[str] = "hubspot_import"
    label: ClassVar[str] = "io"
    about: ClassVar[About] = inferred_by_sk(
        "source", "none", "unknown", columns=Columns(opens=True), effects=()
    )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class YcBatches(Flow[Any, Any], UncheckedBlock):
    """Bring the companies of Y Combinator's batches. It is probably a source.

    Rows: gives COMPANY (inferred, unconfirmed). Type checkers let both kinds pass.
    """

    kind: ClassVar[str] = "yc_batches"
    about: ClassVar[About] = inferred_by_sk(
        "source", "none", "COMPANY", columns=Columns(opens=True)
    )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class YcCompanies(Flow[Any, Any], UncheckedBlock):
    """Bring companies of Y Combinator. Whether it takes rows is not documented.

    Rows: takes any, gives COMPANY (inferred, unconfirmed). Type checkers let both kinds
    pass.
    """

    kind: ClassVar[str] = "yc_companies"
    about: ClassVar[About] = inferred_by_sk("source", "any", "COMPANY", perhaps="step")
