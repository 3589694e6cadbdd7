"""Sinks, blocks that take rows out of a workflow, and integrations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from attrs import field, frozen

from ..definition import Hidden, Value
from ..dsl import UNSET, Flow, Passthrough, Unset
from ..endpoints import host_of
from ..text import shortened
from .catalogue import CatalogueBlock, UncheckedBlock, inferred_by_sk
from .facts import CREATE_NEW, About, Columns, Effect, Fact, named_by_sk


@frozen(eq=False, repr=False, slots=False)
class AppendToNotebook(Passthrough, CatalogueBlock):
    """Add the rows to a notebook, an existing one or a new one.

    Rows: takes any, gives the same (documented once).
    """

    kind: ClassVar[str] = "append_to_notebook"
    label: ClassVar[str] = "output"
    about: ClassVar[About] = named_by_sk(
        role="sink",
        takes="any",
        gives="same",
        effects=("writes-outside",),
        must_have=("notebook_id",),
    )

    notebook_id: Annotated[str, Fact("D1", "SK", required=True)]
    """Notebook to add to, or `CREATE_NEW` (`"__create_new__"`) for a new one. Whether
    that makes one notebook, or one in each run, is unknown. Ids belong to one
    organisation."""
    notebook_name: Annotated[str | Unset, Fact("D1", "SK")] = field(
        default=UNSET, kw_only=True
    )
    """Name of the new notebook; probably required with `CREATE_NEW`."""

    @classmethod
    def effects(cls, specs: Mapping[str, Any]) -> Sequence[Effect]:
        """Return the effects. With `CREATE_NEW`, it also makes a notebook."""
        if specs.get("notebook_id") == CREATE_NEW:
            return (*cls.about.effects, "creates-storage")
        return cls.about.effects

    @classmethod
    def effect_target(cls, specs: Mapping[str, Any], effect: Effect) -> str | None:
        """Return the notebook: a new one, or the named one."""
        if effect == "creates-storage":
            return "makes a notebook"
        notebook = specs.get("notebook_id")
        if notebook == CREATE_NEW:
            return "adds rows to it"
        return f"adds rows to notebook {_as_words(notebook)}"


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class SendSlackMessage(Passthrough, UncheckedBlock):
    """Send a message to a channel of Slack.

    Slack has to be connected first, and the connection belongs to one organisation.
    Whether it sends one message for each row or each run is not documented.

    Rows: takes any, gives the same (documented once).
    """

    kind: ClassVar[str] = "send_slack_message"
    label: ClassVar[str] = "output"
    about: ClassVar[About] = named_by_sk(
        "sink", "any", "same", effects=("writes-outside",)
    )

    @classmethod
    def effect_target(cls, specs: Mapping[str, Any], effect: Effect) -> str | None:  # noqa: ARG003 - it has one effect
        """Return Slack; the field for the channel is not documented."""
        return "sends to Slack"


@frozen(eq=False, repr=False, slots=False)
class OutgoingWebhook(Passthrough, CatalogueBlock):
    """Post the rows of a run to an address of yours, in one signed request.

    Deliveries are unsigned until the organisation has a signing secret (documented).

    Rows: takes any, gives the same (documented once).
    """

    kind: ClassVar[str] = "outgoing_webhook"
    label: ClassVar[str] = "output"
    about: ClassVar[About] = About(
        role="sink",
        takes="any",
        gives="same",
        rows="D1",
        confidence="D",
        source="PW, OUT",
        effects=("writes-outside",),
        must_have=("url",),
    )

    url: Annotated[str, Fact("D", "PW, OUT", required=True)]
    """Absolute https URL to post to (inferred from the rule for `webhook_url`)."""
    timeout_seconds: Annotated[int | Unset, Fact("D", "PW", unit="seconds")] = field(
        default=UNSET, kw_only=True
    )
    """Seconds to wait for an answer; the default is undocumented."""

    @classmethod
    def effect_target(cls, specs: Mapping[str, Any], effect: Effect) -> str | None:  # noqa: ARG003 - it has one effect
        """Return the host that rows are posted to."""
        return f"posts to {_host(specs.get('url'))}"


def _host(url: Any) -> str:
    if not isinstance(url, str):
        return _as_words(url)
    # What a backslash means differs between programs: one may end the host there.
    if not (host := host_of(url)) or "\\" in url:
        return "no address"
    site = f"{urlsplit(url).scheme}://{host}"
    # What is no name of a host could be read as words of a report.
    is_name = re.fullmatch(r"[\w.:%-]{1,253}", host)
    return site if is_name else shortened(site, 253)


def _as_words(spec: Any) -> str:
    if isinstance(spec, Value):
        return f"value {spec.name!r}"
    if isinstance(spec, Hidden):
        return "an address that is not shown"
    return "nothing" if spec is None else shortened(spec)


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
