"""Saved plans: a file that says what a deploy will do.

In place of a secret, the file holds the name of its value and a slow, salted digest. So
a deploy can tell whether the value is still the same. The digest at the end of the file
shows every edit. It does not prove who made the file: anyone who can write the file can
compute the digest again. Keep plans where only people who may deploy can write.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import pbkdf2_hmac, sha256
from hmac import new as hmac
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen

from ..definition import (
    BoundSecret,
    Definition,
    ProjectKey,
    as_body,
    bound_secrets,
    load_json,
    redact_for_storage,
    rfc8785,
    thaw,
)
from ..diff import as_lines
from ..errors import SavedPlanError, shortened
from ..files import Unusable, read_whole, write_whole
from ..plan import Plan, Step, Target, digest_of, is_pin
from ._apply import code_of
from ._drift import with_own_stamp
from ._target import owner_of

FORMAT: Final = 1
"""Schema of the file."""

LARGEST: Final = 256 * 2**20
"""Largest file to read, in bytes."""

ROUNDS: Final = 100_000
"""Rounds of PBKDF2 for the digest of a secret, so that guesses take long."""


def save_plan(plan: Plan, path: Path, *, organisation: str | None = None) -> None:
    """Write a plan to a file that only its owner can read.

    Args:
        plan: The plan.
        path: The file. Only another plan or an empty file is replaced.
        organisation: The organisation that it was made for, if that is known.

    Raises:
        SavedPlanError: The file cannot be written. Its content has not changed.
    """
    _require_replaceable(path)
    try:
        write_whole(path, _text(saved_plan_data(plan, organisation=organisation)))
    except FileNotFoundError:
        raise _save_error(path, "there is no such folder") from None
    except Unusable as error:
        raise _save_error(path, f"it cannot be written: {error}") from None


def saved_plan_data(
    plan: Plan, *, organisation: str | None = None
) -> Mapping[str, Any]:
    """Return what a file says of a plan, without the digest of it."""
    digests = PlanDigests(secrets.token_bytes(16))
    hidden = _secrets_in_use(plan)
    known = [*bound_secrets(filter(None, map(code_of, plan.steps))), *hidden]
    return {
        "flow64:plan": FORMAT,
        "flow64": version("flow64"),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "env": plan.env,
        "endpoint": plan.endpoint,
        "organisation": organisation,
        "projects": None
        if plan.projects is None
        else [[one.namespace, one.key] for one in plan.projects],
        "salt": digests.salt.hex(),
        "hidden": [[one.value.name, digests.of_secret(one.content)] for one in hidden],
        "steps": [_step_data(step, digests, known) for step in plan.steps],
    }


@frozen
class SavedPlan:
    """The content of a saved plan. It was not compared with the service yet.

    Attributes:
        path: The file.
        env: The environment that it was made for.
        endpoint: Base URL of the service that it was made for.
        organisation: The organisation that it was made for. None if not known.
        projects: The projects that were loaded whole. None if orphans were not looked
            for.
        made_at: When it was made.
        salt: The salt of its digests.
        steps: Its steps, as data.
        hidden: Names and digests of secrets that are live and not in the code.
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

        Pinned workflows have none.
        """
        paths = (step["path"] for step in self.steps)
        found = (owner_of(path) for path in paths if not is_pin(path))
        return frozenset(one for one in found if one is not None)

    def refuse(self, problem: str) -> SavedPlanError:
        """Return an error about this file."""
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
    data = _parse(content)
    if data is None:
        raise SavedPlanError(str(path), "it is not a saved plan")
    made_by, ours = data.get("flow64"), version("flow64")
    if made_by != ours:
        problem = f"it was made by flow64 {shortened(made_by)}, and this is {ours}"
        raise SavedPlanError(str(path), problem)
    unreadable = SavedPlanError(
        str(path), "it is of a form that this flow64 cannot read"
    )
    if data["flow64:plan"] != FORMAT:
        raise unreadable
    data.pop("digest", None)
    if not _is_unedited(data, content):
        raise SavedPlanError(str(path), "it was edited since it was made")
    try:
        return _read(path, data)
    except (KeyError, TypeError, ValueError):
        raise unreadable from None


def _parse(content: bytes) -> dict[str, Any] | None:
    """Return the data of a plan of any release, edited or not; None for other files."""
    data = load_json(content)
    return data if isinstance(data, dict) and "flow64:plan" in data else None


def _is_unedited(data: Mapping[str, Any], content: bytes) -> bool:
    try:
        return _text(data) == content
    except (ValueError, RecursionError):  # such as NaN, which no plan holds
        return False


def _read(path: Path, data: Mapping[str, Any]) -> SavedPlan:
    projects = data["projects"]
    for step in data["steps"]:
        step_from_data(step, None)
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


def _require_replaceable(path: Path) -> None:
    """Refuse to replace a file that is not a plan.

    Raises:
        SavedPlanError: It is one, or cannot be read.
    """
    if path.is_symlink() or path.is_dir():
        return  # writing refuses these, and says why
    try:
        content = read_whole(path, LARGEST)
    except FileNotFoundError:
        return
    except Unusable as error:
        raise _save_error(path, f"it cannot be written: {error}") from None
    if content and _parse(content) is None:
        raise _save_error(
            path, "the file there is not a saved plan, and is not replaced"
        )


def _save_error(path: Path, problem: str) -> SavedPlanError:
    return SavedPlanError(str(path), problem, is_new=True)


# -- Data ------------------------------------------------------------------------------


@define
class PlanDigests:
    """Computes digests with the salt of one plan."""

    salt: bytes
    _known: dict[bytes, str] = field(factory=dict[bytes, str])

    def of_secret(self, content: Any) -> str:
        """Return the digest of a secret. It is slow, so that guesses are slow."""
        data = rfc8785(thaw(content))
        if data not in self._known:
            made = pbkdf2_hmac("sha256", data, self.salt, ROUNDS)
            self._known[data] = made.hex()
        return self._known[data]

    def of_live(
        self, live: Definition, code: Definition | None, known: Iterable[BoundSecret]
    ) -> str:
        """Return the digest of a live definition.

        Secrets take part by their names, and texts that cannot be stored by their
        digests.
        """
        found = redact_for_storage(live, code, known, stand_in=self.of_secret)
        text = digest_of(found.definition)
        return hmac(self.salt, text.encode(), sha256).hexdigest()


_PLAIN: Final = (
    "key",
    "id",
    "name",
    "path",
    "state",
    "action",
    "reasons",
    "lifted_by",
    "also",
    "lost",
    "spends",
    "effects",
)
"""Attributes of a step that are data as they are."""


def _step_data(
    step: Step, digests: PlanDigests, known: Iterable[BoundSecret]
) -> Mapping[str, Any]:
    data: dict[str, Any] = {
        **{name: getattr(step, name) for name in _PLAIN},
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
        stored = redact_for_storage(live, code, known).definition
        data["live"] = {
            "digest": digests.of_live(live, code, known),
            "definition": as_body(with_own_stamp(stored)),
        }
    if step.target is not None:
        target = step.target
        data["target"] = {
            "stamp": str(target.stamp),
            "file": target.file,
            "pulled": str(target.pulled) if target.pulled else None,
            "secrets": {
                item.value.name: digests.of_secret(item.content)
                for item in bound_secrets([target.definition])
            },
            "definition": as_body(target.definition),
        }
    return data


def step_from_data(data: Mapping[str, Any], target: Target | None) -> Step:
    """Return a step of a saved plan, without what is live."""
    facts: dict[str, Any] = {
        name: tuple(item) if isinstance(item := data[name], list) else item
        for name in _PLAIN
    }
    return Step(**facts, target=target)


def _secrets_in_use(plan: Plan) -> Sequence[BoundSecret]:
    """Return the hidden secrets that something live holds."""
    lives = [
        step.live.definition
        for step in plan.steps
        if step.live and step.action != "none"
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


def _text(data: Mapping[str, Any]) -> bytes:
    """Return the text of a plan, with the digest of everything else at its end."""
    whole = {**data, "digest": sha256(rfc8785(data)).hexdigest()}
    return (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode()
