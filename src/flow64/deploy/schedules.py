"""Schedules of a plan: how they stand to the code, and the writes that settle them.

The service has no key against a second schedule, and each one buys whenever it is due.
So a create is sent once. Before each write and after it, the schedules of the workflow
are listed and judged again: what is then left to do tells whether it was applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from attrs import define, evolve, field, frozen

from ..analysis.costs import A_RUN, cost
from ..api import answers, calls
from ..api.session import Session
from ..definition import EMPTY, Definition, canonical_id
from ..errors import ApiError
from ..schedules import (
    Schedule,
    Spending,
    as_name,
    find_times,
    list_if_shown,
    make_stamp,
    sent_digest,
    split_stamp,
    text_of,
)
from ..text import printable

if TYPE_CHECKING:
    from .plan import Step

Texts: TypeAlias = Mapping[str, tuple[str, str]]
"""The text and the stamp of schedules, by their names."""

Lives: TypeAlias = Mapping[str, Sequence[answers.Schedule]]
"""The schedules of the service, by the id of their workflow."""


def list_all(session: Session, workflow_id: str | None = None) -> Lives:
    """Return the schedules of all workflows, or of one, by one request."""
    lives: dict[str, list[answers.Schedule]] = {}
    for live in calls.list_schedules(session, workflow_id):
        lives.setdefault(canonical_id(live.workflow_id), []).append(live)
    return lives


# -- How they stand to the code --------------------------------------------------------


@frozen
class ScheduleWrite:
    """A write.

    Attributes:
        name: The name in the code.
        live: What it replaces. None creates one.
        text: What is wanted. Empty deletes.
        description: The description, with the stamp.
        is_twin: It deletes a second one, which another deploy made at the same moment.
    """

    name: str
    live: answers.Schedule | None = None
    text: str = ""
    description: str = ""
    is_twin: bool = False

    @property
    def what(self) -> str:
        """Its name, for messages."""
        return f"schedule {printable(self.name)}"


@define
class Timetable:
    """The schedules of a workflow: what is wanted, and what the service has.

    Attributes:
        writes: What settles the difference, in order.
        before: The text of each live one that our code deployed, or that has its name.
        saved: The same with the stamps, for the history.
        others: Names of those that people made.
        edits: What people did to ours, which needs a consent, by name.
        conflicts: Names of those that were edited on both sides.
    """

    workflow_id: str
    wanted: Texts
    writes: list[ScheduleWrite] = field(factory=list)
    before: dict[str, str] = field(factory=dict)
    saved: dict[str, tuple[str, str]] = field(factory=dict)
    others: list[str] = field(factory=list)
    edits: dict[str, str] = field(factory=dict)
    conflicts: list[str] = field(factory=list)

    @classmethod
    def of(cls, workflow_id: str, wanted: Texts, lives: Lives) -> Timetable:
        """Compare what is wanted with what is live."""
        table = cls(workflow_id, wanted)
        by_name: dict[str, list[_Live]] = {}
        own = lives.get(canonical_id(workflow_id), ())
        for live in sorted(own, key=lambda live: live.id):
            item = _Live.of(live, workflow_id)
            by_name.setdefault(item.name, []).append(item)
        for name, items in by_name.items():
            table._judge_name(name, items)
        table.writes.extend(
            ScheduleWrite(name, None, *wanted[name])
            for name in wanted
            if name not in table.before
        )
        return table

    def judge(self, lives: Lives) -> list[ScheduleWrite]:
        """Return the writes that are left."""
        return Timetable.of(self.workflow_id, self.wanted, lives).writes

    def look(self, session: Session) -> list[ScheduleWrite]:
        """Return the writes that are left, by what the service has now."""
        return self.judge(list_all(session, self.workflow_id))

    def _judge_name(self, name: str, items: Sequence[_Live]) -> None:
        """Judge the live schedules that have a name, or a stamp with it."""
        ours = sorted((i for i in items if i.stamp), key=lambda item: not item.has_name)
        # Others that have the stamp are copies that people made.
        chosen = [item for item in ours if not item.is_edited] or ours[:1]
        if not chosen and name in self.wanted:
            chosen = [*items[:1]]
        self.others.extend(item.live.name for item in items if item not in chosen)
        for item in chosen[1:]:
            self.before[f"{name} (twice)"] = text_of(item.live)
            self.writes.append(ScheduleWrite(name, item.live, is_twin=True))
        for item in chosen[:1]:
            self._judge(name, item)

    def _judge(self, name: str, item: _Live) -> None:
        """Judge the live schedule that is, or becomes, the one of a name."""
        live_text, (text, stamp) = text_of(item.live), self.wanted.get(name, ("", ""))
        self.before[name] = live_text
        self.saved[name] = live_text, item.stamp
        is_equal = item.has_name and live_text == text
        if not is_equal or item.stamp != stamp:
            description = f"{item.above}\n{stamp}".strip() if text else ""
            self.writes.append(ScheduleWrite(name, item.live, text, description))
        if not is_equal and item.is_edited:
            what = "edited on the service" if item.stamp else "made by hand"
            what = what if item.has_name else f"now called {item.live.name}"
            self.edits[name] = f"schedule {name}: {what}"
            if item.stamp and text and item.sent != sent_digest(text):
                self.conflicts.append(name)


@frozen
class _Live:
    """A live schedule, with what its stamp says.

    Attributes:
        name: The name in the stamp, or its own one.
        above: Its description without the stamp.
        stamp: The stamp. Empty if no deploy of the workflow left one.
        sent: The digest in the stamp.
    """

    live: answers.Schedule
    name: str
    above: str
    stamp: str = ""
    sent: str = ""

    @classmethod
    def of(cls, live: answers.Schedule, workflow_id: str) -> _Live:
        above, stamp, name, sent = split_stamp(live.description, workflow_id)
        return cls(live, name or as_name(live.name), above, stamp, sent)

    @property
    def has_name(self) -> bool:
        return self.name == as_name(self.live.name)

    @property
    def is_edited(self) -> bool:
        return not self.has_name or self.sent != sent_digest(text_of(self.live))


# -- Planning --------------------------------------------------------------------------


def list_for(session: Session, steps: Sequence[Step]) -> Lives | ApiError:
    """List what a plan needs. A new workflow may have some of an earlier one."""
    return list_if_shown(partial(list_all, session)) if steps else {}


def plan(
    session: Session,
    step: Step,
    lives: Lives | ApiError,
    prices: Mapping[str, float],
    now: datetime,
    *,
    wanted: Texts | None = None,
) -> Step:
    """Return a step with what is to be done to the schedules of its workflow.

    Args:
        session: Hides secrets in the names that people gave.
        step: The step of the workflow.
        lives: The schedules of the service, or why it does not show them.
        prices: Dollars for one row by kind, in place of the documented ones.
        now: The time from which due times are counted.
        wanted: The schedules that are wanted; by default those of its code.
    """
    if isinstance(lives, ApiError):
        if not step.texts:
            return step
        refusal = f"the list of schedules answered {lives.status}; {_ENTERPRISE}"
        return evolve(step, action="none", needs=(), refusal=refusal)
    if wanted is None:
        if step.target is not None and step.target.definition.schedules is None:
            return step
        path = step.target.stamp.path if step.target else ""
        items = step.texts.items()
        wanted = {name: (text, make_stamp(path, name, text)) for name, text in items}
    table = Timetable.of(step.id, wanted, lives)
    edits = {name: session.mask(edit) for name, edit in table.edits.items()}
    others = [*map(session.mask, table.others)]
    table = evolve(table, edits=edits, others=others)
    before = step.before and evolve(step.before, schedules=table.before)
    unmanaged = (*step.unmanaged, *(f"schedule {name}" for name in table.others))
    step = evolve(step, timetable=table, before=before, unmanaged=unmanaged)
    if table.writes:
        step = _add_writes(step, table)
    if step.action == "none" or step.after is None:
        return step
    spends = list_spending(step.after, prices, now, table.before)
    return evolve(step, spends=tuple(spends))


def _add_writes(step: Step, table: Timetable) -> Step:
    """Return a step with its state, and with what it needs, given its schedules."""
    if step.state == "unchanged":
        step = evolve(step, state="update", action="schedule")
    elif step.before is None and table.before:
        words = f"left by an earlier one: schedule {', '.join(table.before)}"
        step = evolve(step, note="; ".join(filter(None, [step.note, words])))
    if not table.edits:
        return step
    state, base = step.state, step.base
    if state == "update" and step.before is not None:
        # Only what was edited is shown with both sides.
        texts = {n: text for n, text in table.before.items() if n not in table.edits}
        base = evolve(step.before, schedules=texts)
    if state in ("update", "drifted"):
        state = "conflict" if table.conflicts else "drifted"
    needs = [need for need in step.needs if need != "force"]
    note = "; ".join(filter(None, [step.note, *table.edits.values()]))
    return evolve(step, state=state, base=base, needs=("force", *needs), note=note)


_ENTERPRISE: Final = "one source says that only the Enterprise plan has schedules"


# -- What they spend -------------------------------------------------------------------


def list_spending(
    definition: Definition,
    prices: Mapping[str, float],
    now: datetime,
    before: Mapping[str, str] = EMPTY,
) -> Iterator[Spending]:
    """Yield when each active schedule is due, and the most that its runs may cost.

    Args:
        definition: What is live once a plan was applied.
        prices: Dollars for one row by kind, in place of the documented ones.
        now: The time from which due times are counted.
        before: The texts of the schedules that are live now.
    """
    estimate = cost(definition, prices=prices)
    each = estimate.dollars if estimate.is_whole and estimate.unit == A_RUN else None
    for name, text in (definition.schedules or {}).items():
        schedule = Schedule.from_text(name, text)
        if schedule.active:
            due, unknown, runs = find_times(schedule, now)
            old = Schedule.from_text(name, before[name]) if name in before else None
            runs_before = find_times(old, now)[2] if old and old.active else 0
            # JSON has no infinity.
            dollars = None if runs is None or each is None else min(runs * each, 1e308)
            yield Spending(name, text, due, unknown, runs, dollars, each, runs_before)
