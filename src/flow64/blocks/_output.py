"""Sinks: blocks that take rows out of a workflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from attrs import frozen

from ..dsl import UNSET, Passthrough, Unset
from ._facts import About, CatalogueBlock, Effect, Fact
from ._fields import UncheckedBlock
from ._words import CREATE_NEW


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class AppendToNotebook(Passthrough, CatalogueBlock):
    """Add the rows to a notebook, an existing one or a new one."""

    kind: ClassVar[str] = "append_to_notebook"
    label: ClassVar[str] = "output"
    about: ClassVar[About] = About(
        role="sink",
        takes="any",
        gives="same",
        rows="D1",
        confidence="D1",
        source="SK",
        effects=("writes-outside",),
    )

    notebook_id: Annotated[str, Fact("D1", "SK", required=True)]
    """Notebook to add to, or `CREATE_NEW` (`"__create_new__"`) for a new one. Whether
    that makes one notebook, or one at each run, is unknown. Ids belong to one
    organisation."""
    notebook_name: Annotated[str | Unset, Fact("D1", "SK")] = UNSET
    """Name of the new notebook; probably required with `CREATE_NEW`."""

    @classmethod
    def effects(cls, specs: Mapping[str, Any]) -> Sequence[Effect]:
        """The rows stay; with `CREATE_NEW` the notebook is new as well."""
        if specs.get("notebook_id") == CREATE_NEW:
            return (*cls.about.effects, "creates-storage")
        return cls.about.effects


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class OutgoingWebhook(Passthrough, CatalogueBlock):
    """Send what a run found to an address of yours, in one signed request.

    Deliveries are unsigned until the organisation has a signing secret (documented).
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
    )

    url: Annotated[str, Fact("D", "PW, OUT", required=True)]
    """Where to post: absolute, https (inferred from the rule for `webhook_url`)."""
    timeout_seconds: Annotated[int | Unset, Fact("D", "PW", unit="seconds")] = UNSET
    """How long the service waits for an answer; the default is undocumented."""


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class SendSlackMessage(Passthrough, UncheckedBlock):
    """Send a message to a channel of Slack.

    Slack has to be connected first, and the connection belongs to one organisation.
    Whether it sends one message a row or one a run is not documented.
    """

    kind: ClassVar[str] = "send_slack_message"
    label: ClassVar[str] = "output"
    about: ClassVar[About] = About(
        role="sink",
        takes="any",
        gives="same",
        rows="D1",
        confidence="D1",
        source="SK",
        effects=("writes-outside",),
        specs_known=False,
    )
