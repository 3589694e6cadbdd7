"""Sources: blocks that bring rows into a workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, TypeVar

from attrs import field, frozen

from ..dsl import UNSET, Flow, RowKind, Start, Unset
from .catalogue import CatalogueBlock, FieldMap, columns_of
from .facts import About, Columns, Effect, Fact, named_by_sk

# The default is for a file of unknown row kind: its rows may go anywhere.
if TYPE_CHECKING:  # defaults of type variables come with Python 3.13
    from typing_extensions import TypeVar as Variable

    A = Variable("A", default=Any)
else:
    A = TypeVar("A")


@frozen(eq=False, repr=False, slots=False)
class Webhook(Flow[Start, A], CatalogueBlock, Generic[A]):
    """Take the rows that each run is started with (`webhook_payload`).

    Columns that `input_schema` does not list also pass through (documented).

    Rows: gives what `dataframe_type` says (documented).
    """

    kind: ClassVar[str] = "webhook"
    label: ClassVar[str] = "io"
    about: ClassVar[About] = About(
        role="source",
        takes="none",
        gives="dataframe_type",
        rows="D",
        confidence="D",
        source="PW, IN",
        brings="payload",
    )

    dataframe_type: Annotated[RowKind[A] | Unset, Fact("D", "PW, IN")] = UNSET
    """Row kind of everything downstream: `LEAD` or `COMPANY`. Sources disagree on
    whether it may be left out, so a finding asks for it. Without it, as in published
    JSON, the row kind is unknown."""
    input_schema: Annotated[FieldMap | Unset, Fact("D", "PW, IN")] = field(
        default=UNSET, kw_only=True
    )
    """Columns that rows bring: name to type word (`{"email": "string"}`), or to a field
    schema; its full shape is undocumented. A row that lacks a required column makes
    the run's start answer 400; whether listed columns are required is unknown."""
    webhook_input: Annotated[str | Unset, Fact("D1", "IN")] = field(
        default=UNSET, kw_only=True
    )
    """Sample rows as JSON text, for runs that are started without a payload."""

    @classmethod
    def columns(cls, specs: Mapping[str, Any]) -> Columns:
        """The declared columns; others may come in as well."""
        declared = columns_of(specs.get("input_schema"), words_are_types=True)
        return Columns(adds=declared, opens=True, declares=bool(declared))


@frozen(eq=False, repr=False, slots=False)
class ReadCsv(Flow[Start, A], CatalogueBlock, Generic[A]):
    """Take rows from an uploaded CSV file.

    Sources disagree on whether the API can start a run of it. Older pages say never.
    The newest say that each run may name a file through `specs_override`.

    Rows: gives what `dataframe_type` says (inferred, unconfirmed).
    """

    kind: ClassVar[str] = "read_csv"
    label: ClassVar[str] = "io"
    about: ClassVar[About] = About(
        role="source",
        takes="none",
        gives="dataframe_type",
        rows="I",
        confidence="D",
        source="PW, API-NEW",
        columns=Columns(opens=True),
        brings="stored",
    )

    dataframe_type: Annotated[RowKind[A] | Unset, Fact("I", "webhook")] = UNSET
    """Row kind of the file: `LEAD` or `COMPANY`. Documented only for `webhook`; the
    meaning of an unset one is unknown."""
    resource_handle_id: Annotated[str | Unset, Fact("D", "API-NEW")] = field(
        default=UNSET, kw_only=True
    )
    """Handle of the uploaded file. Runs started by API need one, as an override."""


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class ReadNotebook(Flow[Start, Any], CatalogueBlock):
    """Take rows from a notebook, which decides their row kind.

    Only the name is documented.

    Rows: gives either (inferred, unconfirmed). Type checkers let both kinds pass.
    """

    kind: ClassVar[str] = "read_notebook"
    label: ClassVar[str] = "io"
    about: ClassVar[About] = named_by_sk(
        role="source",
        takes="none",
        gives="unknown",
        rows="I",
        columns=Columns(opens=True),
        brings="stored",
    )

    notebook_id: Annotated[str | Unset, Fact("I", "append_to_notebook")] = UNSET
    """Notebook to read; it belongs to one organisation. The field's name is
    inferred."""


@frozen(eq=False, repr=False, slots=False)
class Search(Flow[Start, A], CatalogueBlock, Generic[A]):
    """Find people or companies by a question in plain words.

    A run is started with an empty payload (documented once). Code sends
    `auto_execute=False`, because true buys already when the workflow is created.

    Rows: gives what `dataframe_type` says (documented once).
    """

    kind: ClassVar[str] = "search"
    label: ClassVar[str] = "io"
    about: ClassVar[About] = named_by_sk(
        role="source",
        takes="none",
        gives="dataframe_type",
        effects=("spends",),
        columns=Columns(opens=True),
        must_have=("query",),
    )

    dataframe_type: Annotated[RowKind[A], Fact("D1", "SK", required=True)]
    """The row kind to find: `LEAD` or `COMPANY`. That it is required is inferred."""
    query: Annotated[str, Fact("D1", "SK", required=True)]
    """The question. Companies and roles by name work better than categories."""
    max_results: Annotated[int | Unset, Fact("D1", "SK", unit="rows")] = field(
        default=UNSET, kw_only=True
    )
    """Maximum rows to find. The default is undocumented; the deep-search endpoint has
    1,000, and its exports end at 5,000."""
    auto_execute: Annotated[bool | Unset, Fact("D1", "SK")] = field(
        default=False, kw_only=True
    )
    """Whether to search, and so to pay, at once when the workflow is created. The
    service's own default is undocumented, so it is sent as false unless asked for."""

    @classmethod
    def effects(cls, specs: Mapping[str, Any]) -> Sequence[Effect]:
        """Return the effects. `auto_execute` decides when the credits are spent."""
        # What an absent one means is unknown, so only a plain false is safe.
        if specs.get("auto_execute") is False:
            return cls.about.effects
        return (*cls.about.effects, "spends-on-create")

    @classmethod
    def most_rows(cls, specs: Mapping[str, Any]) -> int | None:
        """Return `max_results`. Without it, the number of rows is unknown."""
        most = specs.get("max_results")
        # Not true, which is an int, and not 0, which some services read as "all".
        return most if type(most) is int and most > 0 else None
