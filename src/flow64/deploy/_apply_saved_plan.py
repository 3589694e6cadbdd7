"""Apply a saved plan: exactly as it was saved, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from attrs import evolve, field, frozen

from ..analysis import effects
from ..api import threads
from ..api.calls import get_workflow
from ..api.session import Session
from ..definition import (
    BoundSecret,
    Definition,
    ProjectKey,
    Stamp,
    bind,
    bound_secrets,
    from_data,
    secret_texts,
    secret_values,
    split_stamp,
    unbound_names,
)
from ..diff import consequences
from ..errors import ReadError, StalePlanError
from ..plan import Held, Plan, Step, Target, live_of
from ._activity import fetch_activity
from ._apply import (
    PARALLEL,
    Done,
    Failed,
    Summary,
    Writing,
    apply_plan,
    stale_error,
)
from ._consent import NOTHING, Agreement
from ._drift import (
    changes_between,
    fields_of,
    judge,
    keep_fields,
    managed_fields,
    merge_live,
    prepare_for_display,
    short_fingerprint,
    spends_when_written,
)
from ._history import History
from ._saved_plan import PlanDigests, SavedPlan, step_from_data
from ._target import merge_target, owner_path


def apply_saved_plan(
    session: Session,
    saved: SavedPlan,
    agreed: Agreement = NOTHING,
    *,
    env: str,
    endpoint: str,
    history: History,
    values: Mapping[str, Any] | None = None,
    hidden: Collection[str] = (),
    project: ProjectKey | None = None,
    organisation: str | None = None,
    stopped: Callable[[], bool] = lambda: False,
    parallel: int = PARALLEL,
    emit: Callable[[Writing | Done | Failed], None] = lambda _: None,
) -> Summary:
    """Apply a saved plan; see `apply_plan`.

    Args:
        session: Sends the requests.
        saved: The plan.
        agreed: What was agreed to by name.
        env: The environment that is meant.
        endpoint: Base URL of the client.
        history: Where replaced workflows are saved.
        values: The values of this environment, secrets among them.
        hidden: Names of values that are always secret.
        project: The project that is meant. None takes the one of the plan.
        organisation: The organisation that is meant. None takes the one of the plan.
        stopped: Called before each step. True stops before this step.
        parallel: How many workflows are written at a time, at most.
        emit: See `apply_plan`.

    Raises:
        SavedPlanError: It is for something else, or was applied before.
        StalePlanError: Something was changed since it was planned.
    """
    if agreed.prune is not None and not any(
        step["state"] == "orphan" and step["action"] != "none" for step in saved.steps
    ):
        raise saved.refuse("it deletes nothing, and a number of deletions was given")
    plan = reopen_plan(
        session,
        saved,
        env=env,
        endpoint=endpoint,
        values=values,
        secrets=secret_values(values, hidden),
        project=project,
        organisation=organisation,
    )
    return apply_plan(
        session,
        plan,
        agreed,
        history=history,
        endpoint=endpoint,
        values=values,
        hidden=hidden,
        stopped=stopped,
        is_checked=True,
        parallel=parallel,
        emit=emit,
    )


def reopen_plan(
    session: Session,
    saved: SavedPlan,
    *,
    env: str,
    endpoint: str,
    values: Mapping[str, Any] | None = None,
    secrets: Sequence[BoundSecret] = (),
    project: ProjectKey | None = None,
    organisation: str | None = None,
) -> Plan:
    """Return the plan of a file, if everything that it changes is as it was planned.

    Args:
        session: Sends the requests.
        saved: The plan.
        env: The environment that is meant.
        endpoint: Base URL of the client.
        values: The values of this environment, secrets among them.
        secrets: The secrets that were given to `make_plan`.
        project: The project that is meant. None takes the one of the plan.
        organisation: The organisation that is meant. None takes the one of the plan.

    Raises:
        SavedPlanError: It is for something else, or was applied before.
        StalePlanError: Something was changed since it was planned.
    """
    _require_match(saved, env, endpoint, project, organisation)
    reader = _StepReader(saved, PlanDigests(saved.salt), values or {})
    del values  # an error from here on may show the locals of its frames
    targets = [reader.read_target(step) for step in saved.steps]
    bound = bound_secrets(target.definition for target in targets if target)
    known = [*bound, *reader.find_hidden(secrets)]
    steps: list[Step] = []
    done: list[str] = []
    stale: list[StalePlanError] = []
    session.secrets.add(secret_texts([], known))
    found = threads.gather(
        [
            partial(get_workflow, session, step["id"])
            for step in saved.steps
            if step["action"] != "none"
        ]
    )
    lives = iter(found)
    for data, target in zip(saved.steps, targets, strict=True):
        step = step_from_data(data, target)
        if step.action == "none":
            steps.append(step)
            continue
        live = next(lives)
        if reader.is_planned(data, target, live, known):
            step = _with_live(step, live, secrets)
            if step.state == "orphan":
                step = evolve(step, touched=fetch_activity(session, step.id))
            steps.append(step)
        elif _is_done(step, live):
            done.append(step.key)
        else:
            old = reader.read_live(data)
            more = [*known, *secrets]
            stale.append(stale_error(step, old, live, more, data["changes"]))
    if stale:
        raise evolve(stale[0], others=[error.workflow for error in stale[1:]])
    if done:
        left = [step.key for step in steps if step.action != "none"]
        raise saved.refuse(_describe_progress(done, left))
    return Plan(saved.env, saved.endpoint, steps, saved.projects, secrets=secrets)


def _require_match(
    saved: SavedPlan,
    env: str,
    endpoint: str,
    project: ProjectKey | None,
    organisation: str | None,
) -> None:
    """Refuse a plan that was made for something else."""
    pairs = [
        ("environment ", repr(saved.env), repr(env)),
        ("", saved.endpoint, endpoint),
    ]
    if None not in (saved.organisation, organisation):
        pairs.append(("organisation ", str(saved.organisation), str(organisation)))
    if project is not None:
        ours = owner_path(project, env)
        others = sorted(saved.owners - {ours})
        pairs.append(("", ", ".join(others) or ours, ours))
    for what, planned, meant in pairs:
        if planned != meant:
            raise saved.refuse(f"it was made for {what}{planned}, and this is {meant}")


def _describe_progress(done: Sequence[str], left: Sequence[str]) -> str:
    if not left:
        return "it was applied already"
    are_done, are_left = ("is" if len(keys) == 1 else "are" for keys in (done, left))
    return (
        f"it was applied in part: {', '.join(done)} {are_done} done already, and "
        f"{', '.join(left)} {are_left} not"
    )


@frozen
class _StepReader:
    """Reads the steps of one file."""

    saved: SavedPlan
    digests: PlanDigests
    values: Mapping[str, Any] = field(repr=False)

    def read_target(self, data: Mapping[str, Any]) -> Target | None:
        """Return the wanted workflow of a step, with its secrets filled in."""
        found = data["target"]
        if found is None:
            return None
        unbound = self._read_definition(found["definition"])
        given = found["secrets"].keys() & self.values.keys()
        definition = bind(unbound, {name: self.values[name] for name in given}, [])
        if lacking := unbound_names(definition):
            raise self.saved.refuse(
                f"{data['key']} needs the secret values {', '.join(lacking)}"
            )
        for item in bound_secrets([definition]):
            self._require_same(item, found["secrets"][item.value.name])
        stamp = _stamp(found["stamp"])
        assert stamp is not None, "a file that was not edited has its stamps"
        pulled = _stamp(found["pulled"] or "")
        return Target(data["key"], definition, stamp, found["file"], pulled)

    def find_hidden(self, secrets: Sequence[BoundSecret]) -> Sequence[BoundSecret]:
        """Return the secrets that the plan names although no code binds them.

        Raises:
            SavedPlanError: One of them is not given, or has another value.
        """
        found: list[BoundSecret] = []
        for name, digest in self.saved.hidden:
            given = [item for item in secrets if item.value.name == name]
            if not given:
                raise self.saved.refuse(f"it needs the secret value {name}")
            digests = self.digests
            same = [one for one in given if digests.of_secret(one.content) == digest]
            self._require_same((same or given)[0], digest)
            found += same[:1]
        return found

    def _require_same(self, item: BoundSecret, digest: str) -> None:
        if self.digests.of_secret(item.content) != digest:
            raise self.saved.refuse(
                f"the secret value {item.value.name!r} is another than when it was made"
            )

    def _read_definition(self, body: Any) -> Definition:
        try:
            return from_data(body, source=str(self.saved.path))
        except ReadError as error:  # only a strange answer of the service is so
            raise self.saved.refuse(str(error)) from None

    def read_live(self, data: Mapping[str, Any]) -> Definition | None:
        """Return what was live when it was planned, as it was stored."""
        live = data["live"]
        return None if live is None else self._read_definition(live["definition"])

    def is_planned(
        self,
        data: Mapping[str, Any],
        target: Target | None,
        live: Definition | None,
        known: Iterable[BoundSecret],
    ) -> bool:
        """Return True if what is live is what the plan was made on."""
        if live is None or data["live"] is None:
            return live is None and data["live"] is None
        code = target.definition if target else None
        digest: str = data["live"]["digest"]
        return self.digests.of_live(live, code, known) == digest


def _stamp(text: str) -> Stamp | None:
    _, stamp = split_stamp(text)
    return stamp


def _with_live(
    step: Step, live: Definition | None, secrets: Sequence[BoundSecret]
) -> Step:
    """Add what is live, what the step sends and changes, and what follows from that."""
    target = step.target
    step = evolve(step, live=None if live is None else live_of(live))
    if target is None:
        return step
    sent = merge_target(target, live)
    step = evolve(step, sent=Held(sent), spends=tuple(spends_when_written(sent)))
    if live is None:
        return step
    code = target.definition
    found = judge(code, live, target.stamp, target.pulled)
    shown = prepare_for_display(live, code, secrets)
    then = merge_live(code, shown, sent=found.sent)
    return evolve(
        step,
        changes=changes_between(shown, code, managed_fields(code, found.sent)),
        consequences=tuple(consequences(shown, then, written=("after",))),
        effects=str(effects(then)),
    )


def _is_done(step: Step, live: Definition | None) -> bool:
    """Return True if what is live is what the step would leave there."""
    if step.target is None:
        return live is None
    code, stamp = step.target.definition, step.target.stamp
    if live is None or live.stamp != stamp:
        return False
    return short_fingerprint(keep_fields(live, fields_of(code))) == stamp.bound
