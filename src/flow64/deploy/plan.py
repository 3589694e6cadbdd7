"""A plan: what a deploy would do to each workflow, and which consent it needs."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import cattrs
from attrs import evolve, field, frozen

from ..definition import EMPTY, Definition, digest, load_json, rfc8785
from ..diagnostics import as_card, as_change_lines
from ..diff.advice import Advice
from ..errors import ConsentError, StalePlanError, list_lines
from ..files import Unusable, read_whole
from ..report import lines, writers
from ..report.lines import Report
from ..report.report import make_report
from ..schedules import Spending
from ..tables import add_class, read_text
from ..text import printable
from .judge import SpecFields, State, content_of, list_purchases
from .schedules import ScheduleWrite, Timetable
from .target import Target

Action: TypeAlias = Literal["none", "create", "update", "stamp", "schedule", "delete"]
"""What applying does. `stamp` writes the description alone, `schedule` schedules."""

Need: TypeAlias = Literal["force", "create", "allow_spend", "prune"]
"""A consent. `force` overwrites or deletes what others made, edited or deployed from
newer code. `create` says that a workflow is new, although it might be a rename.
`allow_spend` buys as soon as it is written. `prune` deletes what code has no more."""

FORMAT: Final = 1
"""Schema of saved plans."""

LARGEST: Final = 256 * 2**20
"""Largest saved plan to read, in bytes."""


@frozen
class Step:
    """One workflow of a plan.

    Attributes:
        key: Its key.
        id: Its id.
        state: Its state.
        action: What applying does, once what it needs is agreed to.
        needs: The consents that it needs.
        note: Why it is in this state, in a few words.
        refusal: Why nothing can be written, with any consent. Empty if it can.
        advice: What to write in the code, so that it or its blocks keep their ids.
        target: The workflow in the code. None without code.
        restored: The definition from the history that is written as it is.
        before: What is live, without secrets.
        after: What is live after it was applied, without secrets.
        base: The definition that was deployed last, if it is known.
        sent: The spec fields that the last deploy set: those that code drops go.
        unmanaged: Live fields that code does not set. They stay as they are.
        counts: Whether one of these changes what a run costs or does.
        not_checked: What could not be checked.
        seal: Tells whether something else is live now. It is worth nothing elsewhere.
        updated_at: When it was last changed, as the service says.
        timetable: Its schedules; None if code says nothing of them, or they cannot be
            read.
        spends: Runs that start by themselves once it is applied.
    """

    key: str
    id: str
    state: State
    action: Action = "none"
    needs: tuple[Need, ...] = ()
    note: str = ""
    refusal: str = ""
    advice: tuple[Advice, ...] = ()
    target: Target | None = field(default=None, repr=False)
    restored: Definition | None = field(default=None, repr=False)
    before: Definition | None = field(default=None, repr=False)
    after: Definition | None = field(default=None, repr=False)
    base: Definition | None = field(default=None, repr=False)
    sent: SpecFields = field(default=EMPTY, repr=False)
    unmanaged: tuple[str, ...] = ()
    counts: bool = False
    not_checked: tuple[str, ...] = ()
    seal: str = field(default="", repr=False, eq=False)
    updated_at: str | None = None
    timetable: Timetable | None = field(default=None, repr=False)
    spends: tuple[Spending, ...] = ()

    @property
    def name(self) -> str:
        """The title."""
        definition = self.after or self.before
        return "" if definition is None else definition.name

    @property
    def code(self) -> Definition | None:
        """What is wanted, with its stamp. None if nothing is."""
        if self.target is None:
            return self.restored
        return evolve(self.target.definition, stamp=self.target.stamp)

    @property
    def purchases(self) -> Sequence[str]:
        """The blocks that buy as soon as it is written."""
        return [] if self.after is None else list_purchases(self.after)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do or to decide."""
        return self.action == "none" and not self.refusal

    @property
    def schedules(self) -> Sequence[ScheduleWrite]:
        """The writes of its schedules."""
        return () if self.timetable is None else self.timetable.writes

    @property
    def texts(self) -> Mapping[str, str]:
        """The schedules that are wanted."""
        return {**((self.after and self.after.schedules) or {})}

    @property
    def bound(self) -> str:
        """The bound fingerprint of what is wanted, as in a stamp; empty for nothing."""
        stamp = self.code and self.code.stamp
        return stamp.bound if stamp else ""

    def as_subject(self) -> lines.Subject:
        """Return what a report says of it."""
        texts = {**NEEDS}
        if self.action == "delete":
            texts["force"] = "--force {keys} to delete"
        needs = [texts[need] for need in self.needs if need in texts]
        if self.refusal:
            needs.append(f"{{keys}}: {self.refusal}")
        code = self.target.definition if self.target else None
        before = self.before and self.before.schedules
        is_same = not self.schedules or before == self.texts
        is_stamp = self.action in ("stamp", "schedule") and is_same
        return lines.Subject(
            self.key,
            self.before,
            self.after,
            self.state,
            "stamp alone" if self.state == "update" and is_stamp else self.note,
            str((code and code.place) or ""),
            needs=needs,
            not_checked=self.not_checked,
            unmanaged=self.unmanaged,
            base=self.base,
            spends=self.spends,
            advice=self.advice,
        )


NEEDS: Final[Mapping[Need, str]] = {
    "force": "--force {keys} to overwrite what is live, or --skip-drifted to leave it",
    "create": "--create {keys} to create a second one beside the old one",
    "allow_spend": "--allow-spend {keys} to buy when it is written",
}
"""What a report says of each consent."""


@frozen
class Plan:
    """The steps of a deploy, before it is applied.

    Attributes:
        env: Name of the environment in ids, history and runs.
        endpoint: The endpoint of the service.
        steps: One for each target in order, then orphans.
        label: The name of the environment now; empty for `env`.
        is_whole: Whether orphans were looked for.
        organisation: The organisation that it is for, if that is known.
        prices: Dollars for one row by kind, in place of the documented ones.
        not_checked: What could not be checked of the whole.
        unset: Names of the secrets that are not known here, so were not compared.
        record: Reads the rows of a run, for the report.
    """

    env: str
    endpoint: str
    steps: tuple[Step, ...] = field(converter=tuple[Step, ...])
    label: str = ""
    is_whole: bool = False
    organisation: str | None = None
    prices: Mapping[str, float] = field(default=EMPTY, repr=False, eq=False)
    not_checked: tuple[str, ...] = ()
    unset: Sequence[str] = ()
    record: lines.RecordingReader | None = field(default=None, repr=False, eq=False)

    @property
    def is_empty(self) -> bool:
        """Whether a deploy would do nothing, and there is nothing to decide."""
        return all(step.is_idle for step in self.steps)

    @property
    def has_changes(self) -> bool:
        """Whether it is not empty, or a live field of no code counts for a run."""
        return not self.is_empty or any(step.counts for step in self.steps)

    @property
    def orphans(self) -> Sequence[Step]:
        """The workflows that `prune` deletes."""
        return [step for step in self.steps if step.action == "delete"]

    @cached_property
    def report(self) -> Report:
        """The changes, as lines and as data."""
        count = len(self.orphans)
        return make_report(
            [step.as_subject() for step in self.steps],
            label=self.label or self.env,
            prices=self.prices,
            needs=[f"--prune={count} to delete what code has no more"] * bool(count),
            not_checked=self.not_checked,
            notes=[*self._list_notes()],
            record=self.record,
        )

    def _list_notes(self) -> Iterable[str]:
        for step in self.steps:
            names = ", ".join(step.unmanaged)
            others = step.timetable.others if step.timetable else ()
            if others and step.state == "unchanged":
                yield f"made by hand: {step.key}: schedule {', '.join(others)}"
            if step.counts and step.state == "unchanged":
                yield (
                    f"set on the service alone, and changes what a run costs or does: "
                    f"{step.key}: {names}"
                )

    def __str__(self) -> str:
        return writers.as_text(self.report).rstrip("\n")

    def _repr_html_(self) -> str:
        return as_card("Plan", as_change_lines(str(self).splitlines()))

    # -- Saved plans -------------------------------------------------------------------

    @property
    def code_digest(self) -> str:
        """SHA-256 of what is wanted where. It is the same after it was applied."""
        return digest(self._describe_request())

    @property
    def digest(self) -> str:
        """SHA-256 of what is wanted, what is live, and what would be done.

        It has no commit and no time, so a plan that was made in a pull request can be
        applied after the merge.
        """
        steps = [
            {
                "key": step.key,
                "state": step.state,
                "action": step.action,
                "needs": [*step.needs],
                "refusal": step.refusal,
                "schedules": [*map(repr, step.schedules)],
                "live": None
                if step.before is None
                else [digest(content_of(step.before)), step.updated_at],
            }
            for step in self.steps
            if not step.is_idle
        ]
        return digest({**self._describe_request(), "steps": steps})

    def _describe_request(self) -> dict[str, Any]:
        return {
            "endpoint": self.endpoint,
            "organisation": self.organisation,
            "env": self.env,
            "is_whole": self.is_whole,
            "prices": {**self.prices},
            "wanted": [
                [step.key, step.id, step.bound, step.texts]
                for step in self.steps
                if step.action != "delete"
            ],
        }

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data: the report, and what applying it later needs."""
        return {
            "flow64:plan": FORMAT,
            **self.report.data,
            "env": self.env,
            "endpoint": self.endpoint,
            "digest": None if self.unset else self.digest,
            "code_digest": self.code_digest,
            "actions": {step.key: step.action for step in self.steps},
        }


# -- Consent ---------------------------------------------------------------------------


@frozen
class Consents:
    """Consents, by the keys of workflows.

    Attributes:
        force: Workflows that may be overwritten or deleted although others made or
            edited them, or deployed them from newer code.
        create: Workflows that are new although they might be renamed ones.
        allow_spend: Workflows that may buy as soon as they are written.
        prune: How many orphans to delete. None deletes none.
        skip_drifted: Leave those that need `force`, and deploy the others.
    """

    force: Collection[str] = ()
    create: Collection[str] = ()
    allow_spend: Collection[str] = ()
    prune: int | None = None
    skip_drifted: bool = False

    def lacks(self, step: Step) -> Sequence[Need]:
        """Return the consents that a step needs and that were not given."""
        needs = [need for need in step.needs if need != "prune"]
        return [need for need in needs if step.key not in getattr(self, need)]

    def skips(self, step: Step) -> bool:
        """Return True if a step is left alone."""
        if step.action == "delete":
            return self.prune is None
        return self.skip_drifted and "force" in self.lacks(step)


NONE: Final = Consents()


def as_option(need: Need) -> str:
    """Return the option of `flow64 deploy` for a consent."""
    return f"--{need.replace('_', '-')}"


def consent_error(problems: Sequence[str]) -> ConsentError:
    """Return the error of a plan that needs more than was agreed to."""
    return ConsentError(
        f"the plan was refused, and nothing was written:{list_lines(problems)}",
        problems=problems,
    )


def stale_error(
    keys: Sequence[str], event: str, edits: Sequence[str]
) -> StalePlanError:
    """Return the error of workflows that changed after the plan was made."""
    return StalePlanError(
        f"{', '.join(map(printable, keys))}: {event} since the plan was made, so "
        f"nothing more was written; make a new plan{list_lines(edits)}",
        event=event,
        edits=edits,
    )


# -- Live state ------------------------------------------------------------------------

_SEAL_KEY: Final = secrets.token_bytes(32)


def seal_of(live: Definition | None) -> str:
    """Return a digest of all that a write would replace, with secrets in it.

    Its key is that of this process, so it tells nothing elsewhere.
    """
    if live is None:
        return ""
    return hmac.digest(_SEAL_KEY, rfc8785(content_of(live)), "sha256").hex()


# -- Files -----------------------------------------------------------------------------


@frozen
class SavedPlan:
    """The facts of a saved plan: how it was made, and its digests."""

    env: str
    endpoint: str
    digest: str
    code_digest: str
    source: Mapping[str, Any]
    path: Path = Path()

    def require_same(self, plan: Plan) -> bool:
        """Return True if a plan that was made now is this one; False if it was applied.

        Raises:
            StalePlanError: It is another one.
        """
        if plan.endpoint != self.endpoint or plan.env != self.env:
            ours = f"{plan.env} at {plan.endpoint}"
            problem = f"it is for {self.env} at {self.endpoint}, and this is {ours}"
            raise _refusal(self.path, problem)
        if plan.digest == self.digest:
            return True
        if plan.is_empty and plan.code_digest == self.code_digest:
            return False
        what = "the service" if plan.code_digest == self.code_digest else "the code"
        raise _refusal(self.path, f"{what} has changed since it was made")


def _refusal(path: Path, problem: str) -> StalePlanError:
    return StalePlanError(
        f"the plan {printable(str(path))} is not applied: {printable(problem)}",
        hint="make a new one: flow64 plan -o FILE.json",
    )


def load_plan(path: Path) -> SavedPlan:
    """Read a saved plan: the JSON of `flow64 plan`.

    Raises:
        StalePlanError: It cannot be read, or is not a plan.
    """
    try:
        data = load_json(read_whole(path, LARGEST))
    except FileNotFoundError:
        raise _refusal(path, "there is no such file") from None
    except Unusable as error:
        raise _refusal(path, f"it cannot be read: {error}") from None
    if not isinstance(data, dict) or data.get("flow64:plan") != FORMAT:
        raise _refusal(path, "it is not a plan that this release can read")
    try:
        return evolve(_converter.structure(data, SavedPlan), path=path)
    except cattrs.BaseValidationError:
        problem = "it lacks something, or was made without all secrets"
        raise _refusal(path, problem) from None


_converter: Final = cattrs.Converter()
_converter.register_structure_hook(str, read_text)
add_class(_converter, SavedPlan, "path")


def as_json(plan: Plan, source: Mapping[str, Any]) -> str:
    """Return a plan as the text of a file.

    Args:
        plan: The plan.
        source: How it was made, so that it can be made again.
    """
    data = {**plan.as_data(), "source": {**source}}
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
