"""Saved plans: a file that says what will be done, and that is done or refused.

In the place of a secret it holds the name of its value and a slow, salted digest, so
that a deploy can tell whether the value is still the same. The digest at its end finds
every edit of the file. It does not prove who made it: whoever can write the file can
compute it anew, so that a plan is to be kept where only those can write who may deploy.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import pbkdf2_hmac, sha256
from hmac import new as hmac
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from attrs import define, evolve, field, frozen

from ..api import Begin, Conversation, Together, get_workflow
from ..definition import (
    BoundSecret,
    Definition,
    ProjectKey,
    Stamp,
    as_body,
    bind,
    bound_secrets,
    from_data,
    redact_for_storage,
    rfc8785,
    secret_values,
    split_stamp,
    thaw,
    unbound_names,
    with_stamp,
)
from ..diff import as_lines
from ..errors import ReadError, SavedPlanError, StalePlanError, shortened
from ..files import Unusable, read_whole, write_whole
from ..plan import Held, Plan, Step, Target, digest_of, is_pin, live_of
from ._activity import fetch_activity
from ._apply import PARALLEL, Summary, apply_plan, code_of, edits_of
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
from ._target import owner_of, owner_path

FORMAT: Final = 1
"""Schema of the file."""

LARGEST: Final = 256 * 2**20
"""Bytes of the largest file that is read."""

ROUNDS: Final = 100_000
"""Of PBKDF2 for the digest of a secret, so that guesses take long."""


def save_plan(
    plan: Plan,
    path: Path,
    *,
    organisation: str | None = None,
) -> None:
    """Write a plan to a file, for its owner alone.

    Args:
        plan: What was planned.
        path: Where to; a plan that is there, or an empty file, is replaced, and nothing
            else is.
        organisation: The organisation that it was made for, where that is known.

    Raises:
        SavedPlanError: It cannot be written; what was there is as it was.
    """
    _require_replaceable(path)
    seal = _Seal(secrets.token_bytes(16))
    hidden = _in_use(plan)
    known = [*bound_secrets(filter(None, map(code_of, plan.steps))), *hidden]
    data = {
        "flow64:plan": FORMAT,
        "flow64": version("flow64"),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "env": plan.env,
        "endpoint": plan.endpoint,
        "organisation": organisation,
        "projects": None
        if plan.projects is None
        else [[one.namespace, one.key] for one in plan.projects],
        "salt": seal.salt.hex(),
        "hidden": [[one.value.name, seal.secret(one.content)] for one in hidden],
        "steps": [_step_data(step, seal, known) for step in plan.steps],
    }
    try:
        write_whole(path, _text(data))
    except FileNotFoundError:
        raise _unsaved(path, "there is no such folder") from None
    except Unusable as error:
        raise _unsaved(path, f"it cannot be written: {error}") from None


@frozen
class SavedPlan:
    """A plan as its file has it; what it says was not compared with anything yet.

    Attributes:
        path: The file.
        env: The environment it was made for.
        endpoint: Base URL of the service it was made for.
        organisation: The organisation, where that was known.
        projects: Whose orphans were looked for; None where they were not.
        made_at: When it was made.
        salt: Of its digests.
        steps: Its steps, as data.
        hidden: Names and digests of secrets that are live and that no code binds.
    """

    path: Path
    env: str
    endpoint: str
    organisation: str | None
    projects: tuple[ProjectKey, ...] | None
    made_at: str
    salt: bytes = field(repr=False)
    steps: Sequence[Mapping[str, Any]] = field(repr=False)
    hidden: Sequence[tuple[str, str]] = field(default=(), repr=False)

    @property
    def owners(self) -> frozenset[str]:
        """Namespace, project and environment of its workflows, as paths spell them.

        Pinned ones belong to none.
        """
        paths = (step["path"] for step in self.steps)
        found = (owner_of(path) for path in paths if not is_pin(path))
        return frozenset(one for one in found if one is not None)

    def refuse(self, problem: str) -> SavedPlanError:
        """The error of this plan."""
        return SavedPlanError(str(self.path), problem)


def load_plan(path: Path) -> SavedPlan:
    """Read a saved plan.

    Raises:
        SavedPlanError: It cannot be read, was edited, or was made by another release.
    """
    try:
        content = read_whole(path, LARGEST)
    except FileNotFoundError:
        raise SavedPlanError(str(path), "there is no such file") from None
    except Unusable as error:
        raise SavedPlanError(str(path), f"it cannot be read: {error}") from None
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise SavedPlanError(str(path), "it is no JSON") from None
    if not isinstance(data, dict) or "flow64:plan" not in data:
        raise SavedPlanError(str(path), "it is no saved plan")
    made_by, ours = data.get("flow64"), version("flow64")
    if made_by != ours:
        problem = f"it was made by flow64 {shortened(made_by)}, and this is {ours}"
        raise SavedPlanError(str(path), problem)
    if data["flow64:plan"] != FORMAT:
        raise SavedPlanError(str(path), "it is of a form that this flow64 cannot read")
    data.pop("digest", None)
    if _as_written(data) != content:
        raise SavedPlanError(str(path), "it was edited since it was made")
    try:
        return _read(path, data)
    except (KeyError, TypeError, ValueError):
        problem = "it is of a form that this flow64 cannot read"
        raise SavedPlanError(str(path), problem) from None


def _as_written(data: Mapping[str, Any]) -> bytes | None:
    """The file that data would be; None of what no plan holds."""
    try:
        return _text(data)
    except (ValueError, RecursionError):  # such as a number that is none
        return None


def _read(path: Path, data: Mapping[str, Any]) -> SavedPlan:
    projects = data["projects"]
    for step in data["steps"]:
        _bare(step, None)
    return SavedPlan(
        path,
        data["env"],
        data["endpoint"],
        data["organisation"],
        None
        if projects is None
        else tuple(ProjectKey(key, namespace) for namespace, key in projects),
        data["made_at"],
        bytes.fromhex(data["salt"]),
        data["steps"],
        [(name, digest) for name, digest in data["hidden"]],
    )


def apply_saved_plan(
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
) -> Conversation[Summary]:
    """Carry out a saved plan exactly; see `apply_plan`.

    Args:
        saved: The plan.
        agreed: What somebody agreed to.
        env: The environment that is meant.
        endpoint: Where the client that plays this leads.
        history: Where what is replaced is saved.
        values: What values stand for in this environment, secrets among them.
        hidden: Names of values that are secret whatever code says.
        project: The project that is meant; None takes the one of the plan.
        organisation: The organisation that is meant; None takes the one of the plan.
        stopped: Asked before each step: whether to begin no more of them.
        parallel: Workflows that are written at a time, at most.

    Raises:
        SavedPlanError: It is for something else, or was applied before.
        StalePlanError: Something was changed since it was planned.
    """
    if agreed.prune is not None and not any(
        step["state"] == "orphan" and step["action"] != "none" for step in saved.steps
    ):
        raise saved.refuse("it deletes nothing, and a number of deletions was given")
    plan = yield from reopen_plan(
        saved,
        env=env,
        endpoint=endpoint,
        values=values,
        secrets=secret_values(values, hidden),
        project=project,
        organisation=organisation,
    )
    return (
        yield from apply_plan(
            plan,
            agreed,
            history=history,
            endpoint=endpoint,
            values=values,
            hidden=hidden,
            stopped=stopped,
            is_checked=True,
            parallel=parallel,
        )
    )


def reopen_plan(
    saved: SavedPlan,
    *,
    env: str,
    endpoint: str,
    values: Mapping[str, Any] | None = None,
    secrets: Sequence[BoundSecret] = (),
    project: ProjectKey | None = None,
    organisation: str | None = None,
) -> Conversation[Plan]:
    """The plan of a file, once all that it touches was seen to be as it was planned.

    Args:
        saved: The plan.
        env: The environment that is meant.
        endpoint: Where the client that plays this leads.
        values: What values stand for in this environment, secrets among them.
        secrets: What is secret wherever it is live, as it was given to `make_plan`.
        project: The project that is meant; None takes the one of the plan.
        organisation: The organisation that is meant; None takes the one of the plan.

    Raises:
        SavedPlanError: It is for something else, or was applied before.
        StalePlanError: Something was changed since it was planned.
    """
    _require_meant(saved, env, endpoint, project, organisation)
    reader = _Reader(saved, _Seal(saved.salt), values or {})
    targets = [reader.target(step) for step in saved.steps]
    bound = bound_secrets(target.definition for target in targets if target)
    known = [*bound, *reader.hidden(secrets)]
    steps: list[Step] = []
    done: list[str] = []
    stale: list[StalePlanError] = []
    found: list[Definition | None] = yield Together(
        [
            get_workflow(one["id"], target.definition if target else None)
            for one, target in zip(saved.steps, targets, strict=True)
            if _is_work(one)
        ]
    )
    lives = iter(found)
    for data, target in zip(saved.steps, targets, strict=True):
        step = _bare(data, target)
        if not _is_work(data):
            steps.append(step)
            continue
        live = next(lives)
        if reader.is_planned(data, target, live, known):
            step = _full(step, live, secrets)
            if step.state == "orphan":
                yield Begin()
                step = evolve(step, touched=(yield from fetch_activity(step.id)))
            steps.append(step)
        elif _is_done(step, live):
            done.append(step.key)
        else:
            told = [*known, *secrets]
            stale.append(reader.stale(data, target, live, told))
    if stale:
        raise evolve(stale[0], others=[error.workflow for error in stale[1:]])
    if done:
        left = [step.key for step in steps if step.action != "none"]
        raise saved.refuse(_applied(done, left))
    return Plan(saved.env, saved.endpoint, steps, saved.projects, secrets=secrets)


def _is_work(data: Mapping[str, Any]) -> bool:
    """Whether a step does anything."""
    return bool(data["action"] != "none")


def _require_meant(
    saved: SavedPlan,
    env: str,
    endpoint: str,
    project: ProjectKey | None,
    organisation: str | None,
) -> None:
    """Refuse a plan that was made for something else."""
    if saved.env != env:
        raise saved.refuse(
            f"it was made for environment {saved.env!r}, and this is {env!r}"
        )
    if saved.endpoint != endpoint:
        raise saved.refuse(f"it was made for {saved.endpoint}, and this is {endpoint}")
    if None not in (saved.organisation, organisation) and (
        saved.organisation != organisation
    ):
        raise saved.refuse(
            f"it was made for organisation {saved.organisation}, and this is "
            f"{organisation}"
        )
    if project is not None and (others := saved.owners - _owners(project, env)):
        raise saved.refuse(
            f"it was made for {', '.join(sorted(others))}, and this is "
            f"{', '.join(sorted(_owners(project, env)))}"
        )


def _owners(project: ProjectKey, env: str) -> frozenset[str]:
    return frozenset({owner_path(project, env)})


def _applied(done: Sequence[str], left: Sequence[str]) -> str:
    if not left:
        return "it was applied already"
    return (
        f"it was applied in part: {', '.join(done)} {_is(done)} done already, and "
        f"{', '.join(left)} {_is(left)} not"
    )


def _is(keys: Sequence[str]) -> str:
    return "is" if len(keys) == 1 else "are"


# -- Where it is saved -----------------------------------------------------------------


def _require_replaceable(path: Path) -> None:
    """Refuse to replace a file of somebody's that is no plan.

    Raises:
        SavedPlanError: It is one, or cannot be looked into.
    """
    if path.is_symlink() or path.is_dir():
        return  # which is refused where it would be written, in words of its own
    try:
        content = read_whole(path, LARGEST)
    except FileNotFoundError:
        return
    except Unusable as error:
        raise _unsaved(path, f"it cannot be written: {error}") from None
    if content and not _is_plan(content):
        raise _unsaved(path, "what is there is no saved plan, and is not replaced")


def _is_plan(content: bytes) -> bool:
    """Whether a file is a plan of whatever release, edited or not."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and "flow64:plan" in data


def _unsaved(path: Path, problem: str) -> SavedPlanError:
    return SavedPlanError(str(path), problem, is_new=True)


# -- Steps as data ---------------------------------------------------------------------


@define
class _Seal:
    """Digests with the salt of one plan."""

    salt: bytes
    _known: dict[bytes, str] = field(factory=dict[bytes, str])

    def secret(self, content: Any) -> str:
        """Of a secret: slow, so that guesses are."""
        data = rfc8785(thaw(content))
        if data not in self._known:
            made = pbkdf2_hmac("sha256", data, self.salt, ROUNDS)
            self._known[data] = made.hex()
        return self._known[data]

    def live(
        self,
        live: Definition,
        code: Definition | None,
        known: Iterable[BoundSecret],
    ) -> str:
        """Of what is live, secrets by name, and what cannot be kept by its digest."""
        found = redact_for_storage(live, code, known, stand_in=self.secret)
        text = digest_of(found.definition)
        return hmac(self.salt, text.encode(), sha256).hexdigest()


def _step_data(
    step: Step, seal: _Seal, known: Iterable[BoundSecret]
) -> Mapping[str, Any]:
    data: dict[str, Any] = {
        "key": step.key,
        "id": step.id,
        "name": step.name,
        "path": step.path,
        "state": step.state,
        "action": step.action,
        "reasons": list(step.reasons),
        "lifted_by": step.lifted_by,
        "also": list(step.also),
        "lost": list(step.lost),
        "spends": list(step.spends),
        "effects": step.effects,
        "changes": [*as_lines(step.changes)],
        "edits": [*as_lines(step.edits)],
        "live": None,
        "target": None,
    }
    if step.action == "none":
        return data
    code = code_of(step)
    if step.live is not None:
        live = step.live.definition
        found = redact_for_storage(live, code, known)
        data["live"] = {
            "digest": seal.live(live, code, known),
            "definition": as_body(_stamped(found.definition)),
        }
    if step.target is not None:
        target = step.target
        data["target"] = {
            "stamp": str(target.stamp),
            "file": target.file,
            "pulled": str(target.pulled) if target.pulled else None,
            "secrets": {
                item.value.name: seal.secret(item.content)
                for item in bound_secrets([target.definition])
            },
            "definition": as_body(target.definition),
        }
    return data


def _in_use(plan: Plan) -> Sequence[BoundSecret]:
    """The hidden secrets that anything live holds."""
    lives = [
        step.live.definition for step in plan.steps if step.live and not _is_idle(step)
    ]
    plain = [redact_for_storage(live) for live in lives]
    return [
        item
        for item in plan.secrets
        if any(
            redact_for_storage(live, None, [item]) != without
            for live, without in zip(lives, plain, strict=True)
        )
    ]


def _is_idle(step: Step) -> bool:
    return step.action == "none"


def _stamped(definition: Definition) -> Definition:
    if definition.stamp is None:
        return definition
    text = with_stamp(definition.description, definition.stamp)
    return evolve(definition, description=text)


def _text(data: Mapping[str, Any]) -> bytes:
    """The one text of a plan, with the digest of all the rest at its end."""
    whole = {**data, "digest": sha256(rfc8785(data)).hexdigest()}
    return (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode()


# -- Steps from data -------------------------------------------------------------------


@frozen
class _Reader:
    """Reads the steps of one file."""

    saved: SavedPlan
    seal: _Seal
    values: Mapping[str, Any]

    def target(self, data: Mapping[str, Any]) -> Target | None:
        """What is wanted, its secrets filled in."""
        found = data["target"]
        if found is None:
            return None
        unbound = self._definition(found["definition"])
        given = found["secrets"].keys() & self.values.keys()
        secret = {name: self.values[name] for name in given}
        definition = bind(unbound, secret, [])
        if lacking := unbound_names(definition):
            raise self.saved.refuse(
                f"{data['key']} needs the secret values {', '.join(lacking)}"
            )
        for item in bound_secrets([definition]):
            name = item.value.name
            if self.seal.secret(item.content) != found["secrets"][name]:
                raise self.saved.refuse(
                    f"the secret value {name!r} is another than when it was made"
                )
        stamp = _stamp(found["stamp"])
        assert stamp is not None, "a file that was not edited has its stamps"
        pulled = _stamp(found["pulled"] or "")
        return Target(data["key"], definition, stamp, found["file"], pulled)

    def hidden(self, secrets: Sequence[BoundSecret]) -> Sequence[BoundSecret]:
        """The secrets that the plan names although no code binds them.

        Raises:
            SavedPlanError: One of them is not at hand, or another by now.
        """
        found: list[BoundSecret] = []
        for name, digest in self.saved.hidden:
            same = [item for item in secrets if item.value.name == name]
            if not same:
                raise self.saved.refuse(f"it needs the secret value {name}")
            same = [one for one in same if self.seal.secret(one.content) == digest]
            if not same:
                raise self.saved.refuse(
                    f"the secret value {name!r} is another than when it was made"
                )
            found += same[:1]
        return found

    def _definition(self, body: Any) -> Definition:
        try:
            return from_data(body, source=str(self.saved.path))
        except ReadError as error:  # as only a service could have answered it
            raise self.saved.refuse(str(error)) from None

    def is_planned(
        self,
        data: Mapping[str, Any],
        target: Target | None,
        live: Definition | None,
        known: Iterable[BoundSecret],
    ) -> bool:
        """Whether what is live is what the plan was made on."""
        if live is None or data["live"] is None:
            return live is None and data["live"] is None
        code = target.definition if target else None
        sealed: str = data["live"]["digest"]
        return self.seal.live(live, code, known) == sealed

    def stale(
        self,
        data: Mapping[str, Any],
        target: Target | None,
        live: Definition | None,
        known: Iterable[BoundSecret],
    ) -> StalePlanError:
        """The error of a step that is not as it was planned."""
        edits: list[str] = []
        if live is None or data["live"] is None:
            event = "deleted" if live is None else "created"
        else:
            old = self._definition(data["live"]["definition"])
            code = target.definition if target else None
            event, edits = "edited", edits_of(old, live, code, known)
        return StalePlanError(data["key"], data["id"], event, edits, data["changes"])


def _stamp(text: str) -> Stamp | None:
    _, stamp = split_stamp(text)
    return stamp


def _bare(data: Mapping[str, Any], target: Target | None) -> Step:
    """A step without what is live."""
    return Step(
        data["key"],
        data["id"],
        data["name"],
        data["path"],
        data["state"],
        action=data["action"],
        reasons=tuple(data["reasons"]),
        target=target,
        lifted_by=data["lifted_by"],
        also=tuple(data["also"]),
        lost=tuple(data["lost"]),
        spends=tuple(data["spends"]),
        effects=data["effects"],
    )


def _full(step: Step, live: Definition | None, secrets: Sequence[BoundSecret]) -> Step:
    """A step with what is live, and with what it sends."""
    made = evolve(step, live=None if live is None else live_of(live))
    if step.target is None:
        return made
    target = step.target
    code, stamp = target.definition, target.stamp
    sent = evolve(
        merge_live(code, live, target.pulled),
        description=with_stamp(code.description, stamp),
    )
    made = evolve(made, sent=Held(sent), spends=tuple(spends_when_written(sent)))
    if live is None:
        return made
    found = judge(code, live, stamp, target.pulled)
    shown = prepare_for_display(live, code, secrets)
    return evolve(
        made, changes=changes_between(shown, code, managed_fields(code, found))
    )


def _is_done(step: Step, live: Definition | None) -> bool:
    """Whether what is live is what the step would leave there."""
    if step.target is None:
        return live is None
    code, stamp = step.target.definition, step.target.stamp
    if live is None or live.stamp != stamp:
        return False
    return short_fingerprint(keep_fields(live, fields_of(code))) == stamp.bound
