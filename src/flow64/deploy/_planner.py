"""Planning: what a deploy would do, told from what the service shows; reads only."""

from __future__ import annotations

import re
from collections.abc import (
    Callable,
    Container,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from itertools import count
from typing import Any, Final, TypeVar

from attrs import Factory, define, evolve, frozen

from ..analysis import effects
from ..api import (
    MOST_RUNS,
    Begin,
    Conversation,
    Emit,
    Request,
    Together,
    WorkflowInfo,
    get_workflow,
    list_runs,
    list_schedules,
    list_workflows,
    read_workflow,
)
from ..definition import (
    EMPTY,
    UNCOMMITTED,
    BoundSecret,
    Definition,
    ProjectKey,
    Stamp,
    bound_secrets,
    canonical_id,
    redact_for_display,
    redact_for_storage,
    secret_texts,
    secrets_of,
    split_stamp,
    thaw,
    walk,
    with_stamp,
)
from ..diff import (
    Change,
    LiveSetting,
    consequences,
    find_settings,
)
from ..errors import (
    TAKEN,
    AnswerError,
    ApiError,
    ArgumentError,
    FlowError,
    ForbiddenError,
    NotFoundError,
)
from ..plan import (
    ABSENT_BASE,
    Action,
    Cache,
    Consent,
    Held,
    Plan,
    Rename,
    Sighting,
    Step,
    Target,
    is_pin,
    live_of,
)
from ..redaction import Secrets
from ._activity import find_activity, group_by_workflow, is_cut
from ._block_renames import describe_lost_renames
from ._consent import describe_losses
from ._data_loss import find_losses, is_as_deployed
from ._drift import (
    Judgement,
    changes_between,
    copy_block_names,
    fields_of,
    is_known,
    judge,
    managed_fields,
    merge_live,
    prepare_for_display,
    short_fingerprint,
    spends_when_written,
)
from ._git import NOT_CHECKED, Ancestry, Git
from ._renames import find_renames
from ._target import describe_owner, key_of, owner_of, owner_path

T = TypeVar("T")

Bases = Callable[[str], Definition | None]
"""Finds a definition, values filled in, by the first 16 digits of a fingerprint."""


@frozen
class Looked:
    """One more workflow was looked at.

    Attributes:
        done: How many were by now.
        total: How many targets there are.
    """

    done: int
    total: int


def _nothing(_: str) -> Definition | None:
    return None


def _nothing_at(_: str) -> Bases:
    return _nothing


def _as_it_is(live: Definition) -> Definition:
    return live


def make_plan(
    targets: Iterable[Target],
    *,
    env: str,
    endpoint: str,
    projects: Iterable[ProjectKey] | None = None,
    create: Iterable[str] = (),
    branches: bool = False,
    prune: bool = False,
    prices: Mapping[str, float] = EMPTY,
    git: Ancestry | None = None,
    bases: Bases = _nothing,
    bases_at: Callable[[str], Bases] = _nothing_at,
    cache: Cache | None = None,
    unseen: Container[str] = (),
    cover: Callable[[Definition], Definition] = _as_it_is,
    secrets: Iterable[BoundSecret] = (),
) -> Conversation[Plan]:
    """Look at what the service has, and say what a deploy would do.

    One list tells which workflows are there and what code deployed them; each one that
    the cache does not vouch for is read. Two more lists tell what is at work with those
    that would be changed or pruned. A plan of one target alone asks for that one.

    Args:
        targets: What is wanted, each id and each key once.
        env: Name of the environment.
        endpoint: Where the client that plays this leads.
        projects: The projects whose code is here whole, so that what the service has
            beyond it is an orphan; None looks for no orphans.
        create: Keys of workflows that are new, whatever orphan they are like.
        branches: Whether workflows may be updated, and orphans deleted, that a commit
            deployed which the code does not have.
        prune: Whether orphans are deleted; pinned ones never are.
        prices: Dollars for one row by kind, in place of those that are documented.
        git: Knows the commits; None asks git.
        bases: Finds the definition that was deployed last, to say what was edited.
        bases_at: Returns a function that finds it among what a commit had, if `bases`
            does not find it. It is given the commit of the stamp, in hex.
        cache: Vouches for workflows that have not changed since they were read.
        unseen: Keys of targets whose ids nobody vouches for: they are planned as new,
            and never asked for.
        cover: Hides what may not be shown of what is live, once it was compared. The
            plan holds what it gives, so such a plan is to be read, and not applied.
        secrets: What is secret wherever it is live, whatever code says, such as the
            values of the environment that come from variables.

    Raises:
        ArgumentError: Two targets have one id or one key.
        ApiError: The service refused to show a workflow.
        TransportError: It cannot be reached.
    """
    wanted = tuple(targets)
    _require_apart(wanted)
    planner = Planner(
        targets=wanted,
        env=env,
        endpoint=endpoint,
        projects=None if projects is None else tuple(projects),
        branches=branches,
        prune=prune,
        prices=prices,
        git=Git() if git is None else git,
        bases=bases,
        bases_at=bases_at,
        cache=cache,
        unseen=unseen,
        cover=cover,
        hidden=tuple(secrets),
    )
    plan = yield from planner.counted(planner.planned(frozenset(create)))
    return evolve(
        plan, requests=planner.requests, secrets=planner.hidden, prices=prices
    )


def plan_one(
    target: Target, *, env: str, endpoint: str, secrets: Sequence[BoundSecret] = ()
) -> Conversation[Step]:
    """Plan one workflow for a deploy that follows at once, by one look at it.

    Nobody sees this plan before it is applied. So schedules and runs are not looked
    for: that look is the last one before the write.
    """

    def find_base(_: str) -> Definition:
        return target.definition  # which the planner compares with the stamp

    planner = Planner([target], env, endpoint, hidden=secrets, bases=find_base)
    return (yield from planner.step_of(target, None))


def _require_apart(targets: Sequence[Target]) -> None:
    ids: dict[str, str] = {}
    keys: set[str] = set()
    for target in targets:
        if other := ids.get(canonical_id(target.id)):
            problem = f"{other!r} and {target.key!r} have one id, {target.id}"
            raise ArgumentError("planning", f"{problem}; pin one of them elsewhere")
        if target.key in keys:
            problem = f"two workflows are called {target.key!r}"
            raise ArgumentError("planning", f"{problem}; give each a key of its own")
        ids[canonical_id(target.id)] = target.key
        keys.add(target.key)


@define
class Planner:
    """One plan on its way.

    Attributes:
        requests: How many requests were sent.
        vouched: How many workflows the cache vouched for.
        not_checked: What nobody could check.
        files: A file of each owner whose code is here, once it was asked for.
        may_list: Whether the service gives the list of workflows; None if nobody asked.
    """

    targets: Sequence[Target]
    env: str
    endpoint: str
    projects: tuple[ProjectKey, ...] | None = None
    branches: bool = False
    prune: bool = False
    prices: Mapping[str, float] = EMPTY
    git: Ancestry = Factory(Git)
    bases: Bases = _nothing
    bases_at: Callable[[str], Bases] = _nothing_at
    cache: Cache | None = None
    unseen: Container[str] = ()
    cover: Callable[[Definition], Definition] = _as_it_is
    hidden: Sequence[BoundSecret] = ()
    requests: int = 0
    vouched: int = 0
    not_checked: list[str] = Factory(list[str])
    files: dict[str | None, str] | None = None
    may_list: bool | None = None
    _secrets: Sequence[BoundSecret] | None = None
    _veil: Secrets | None = None

    @property
    def secrets(self) -> Sequence[BoundSecret]:
        """The secrets of all targets, and the hidden ones: applying knows the same."""
        if self._secrets is None:
            bound = bound_secrets(target.definition for target in self.targets)
            self._secrets = [*bound, *self.hidden]
        return self._secrets

    @property
    def veil(self) -> Secrets:
        """Over all these secrets."""
        if self._veil is None:
            self._veil = secrets_of((), self.secrets)
        return self._veil

    def counted(self, conversation: Conversation[T]) -> Conversation[T]:
        """The conversation, its requests counted, repetitions and all."""
        try:
            step = next(conversation)
            while True:
                self.requests += isinstance(step, Request)
                if isinstance(step, Together):
                    parts = [self.counted(one) for one in step.conversations]
                    step = evolve(step, conversations=parts)
                try:
                    reply: Any = yield step
                except FlowError as error:
                    step = conversation.throw(error)
                else:
                    step = conversation.send(reply)
        except StopIteration as stop:
            result: T = stop.value
            return result
        finally:
            conversation.close()

    def planned(self, create: frozenset[str]) -> Conversation[Plan]:
        """All of it."""
        listed = yield from self._listed()
        looks = count(1)
        steps: list[Step] = yield Together(
            [self._looked(target, listed, looks) for target in self.targets]
        )
        if self.may_list is None and self._is_unknown(steps[0]):
            # A wrong endpoint answers 404 to all, which only the list tells.
            yield from self._list()
        extra = () if listed is None else (yield from self._beyond(listed))
        orphans = [step for step in extra if step.may_prune]
        new = [step for step in steps if step.state == "new"]
        found = [
            evolve(rename, is_decided=rename.key in create)
            for rename in find_renames(new, orphans)
        ]
        open_ = {rename.key: rename for rename in found if not rename.is_decided}
        steps = [_undecided(step, open_.get(step.key)) for step in steps]
        steps = yield from self._touched([*steps, *extra])
        return Plan(
            env=self.env,
            endpoint=self.endpoint,
            steps=steps,
            projects=None if listed is None else self.projects,
            renames=tuple(found),
            not_checked=tuple(self.not_checked),
            vouched=self.vouched,
        )

    # -- What is there -----------------------------------------------------------------

    def _looked(
        self,
        target: Target,
        listed: Mapping[str, WorkflowInfo] | None,
        looks: Iterator[int],
    ) -> Conversation[Step]:
        """One target of many; tells that it was looked at."""
        step = yield from self.step_of(target, listed)
        yield Emit(Looked(next(looks), len(self.targets)))
        return step

    def _listed(self) -> Conversation[Mapping[str, WorkflowInfo] | None]:
        """All workflows by id; None if the list is not needed, or is refused."""
        if self.projects is None:
            self.not_checked.append(
                "orphans: not looked for, since not all code of a project is at hand"
            )
            if self._is_alone:
                return None
        return (yield from self._list())

    @property
    def _is_alone(self) -> bool:
        """Whether one workflow is planned by itself, for which no list is needed."""
        return self.projects is None and len(self.targets) == 1

    def _is_unknown(self, step: Step) -> bool:
        """Whether the service was asked for a workflow and showed none."""
        return step.live is None and step.key not in self.unseen

    def _list(self) -> Conversation[Mapping[str, WorkflowInfo] | None]:
        """All workflows by id; None if the service refuses to list them.

        Raises:
            NotFoundError: There is no such list, so the endpoint is wrong.
        """
        yield Begin()
        try:
            listed = yield from list_workflows(
                secret_texts(target.definition for target in self.targets)
            )
        except ForbiddenError as error:
            self.may_list = False
            self.not_checked.append(f"orphans and copies: {_refusal(error)}")
            return None
        self.may_list = True
        return {canonical_id(info.id): info for info in listed}

    def step_of(
        self, target: Target, listed: Mapping[str, WorkflowInfo] | None
    ) -> Conversation[Step]:
        """What becomes of one target."""
        if target.key in self.unseen:
            return _unseen(target, listed)
        sighting: Sighting | None = None
        if listed is not None:
            info = listed.get(canonical_id(target.id))
            sighting = None if info is None else self._sighting(target, info)
            if self.cache is not None and sighting is not None:
                unmanaged = self.cache.vouched(sighting)
                if unmanaged is not None:
                    self.vouched += 1
                    return _unchanged(target, unmanaged)
        yield Begin()
        try:
            live = yield from read_workflow(target.id, target.definition)
        except NotFoundError:
            return _missing(target)
        except ForbiddenError:
            if listed is None and self.may_list is None:
                yield from self._list()
            if not self.may_list:
                raise  # a key that may read nothing shows nothing about this id
            return _taken(target)
        step = self._compared(target, live)
        if (
            self.cache is not None
            and sighting is not None
            and step.state == "unchanged"
            and not step.settings
        ):
            self.cache.keep(sighting, step.unmanaged)
        return step

    def _sighting(self, target: Target, info: WorkflowInfo) -> Sighting | None:
        """What a cache may know it by; None where its time is too coarse to tell."""
        if not info.updated_at or not _FINE.search(info.updated_at):
            return None
        return Sighting(
            endpoint=self.endpoint,
            id=canonical_id(info.id),
            name=info.name,
            description=info.description,
            updated_at=info.updated_at,
            wanted=str(evolve(target.stamp, commit=None)),
        )

    # -- What of it is to be done ------------------------------------------------------

    def _compared(self, target: Target, live: Definition) -> Step:
        return self._told(self._compared_whole(target, live))

    def _told(self, step: Step) -> Step:
        """A step whose words hold no secret that is the name of something."""
        within = self.veil.redact
        return evolve(
            step,
            reasons=tuple(map(within, step.reasons)),
            lost=tuple(map(within, step.lost)),
            unmanaged=tuple(map(within, step.unmanaged)),
            spends=tuple(map(within, step.spends)),
            not_checked=tuple(map(within, step.not_checked)),
        )

    def _compared_whole(self, target: Target, live: Definition) -> Step:
        code, stamp = target.definition, target.stamp
        found = judge(code, live, stamp, target.pulled)
        as_it_is, live = live, self.cover(live)
        settings = self._settings(code, live, found)
        if found.state == "unchanged":
            step = _unchanged(target, found.unmanaged)
            return evolve(step, settings=settings, live=live_of(live))
        merge = merge_live(code, live, target.pulled, sent=found.sent)
        sent = evolve(merge, description=with_stamp(code.description, stamp))
        step = evolve(
            _step(target, found.state),
            live=live_of(live),
            sent=Held(sent),
            unmanaged=tuple(found.unmanaged),
            settings=settings,
            spends=tuple(spends_when_written(sent)),
        )
        if found.state == "converged":
            reasons = [_why_stamped(found)]
            if step.spends:
                reasons.append(
                    "this writes its description alone; whether that buys is not "
                    "documented"
                )
            return evolve(step, action="stamp", reasons=tuple(reasons))
        shown = prepare_for_display(live, code, self.hidden)
        then = merge_live(code, shown, sent=found.sent)
        step = evolve(
            step,
            changes=changes_between(shown, code, managed_fields(code, found)),
            consequences=tuple(
                consequences(shown, then, prices=self.prices, written=("after",))
            ),
            effects=str(effects(then)),
        )
        step = self._decided(step, target, live, found, as_it_is)
        if not found.is_others:
            step = evolve(
                step, reasons=(*step.reasons, *describe_lost_renames(target, as_it_is))
            )
        return _losing(step, find_losses(target, as_it_is, self.secrets, found))

    def _settings(
        self, code: Definition, live: Definition, found: Judgement
    ) -> tuple[LiveSetting, ...]:
        """The unmanaged fields that change what a run costs or does."""
        if not found.unmanaged:
            return ()
        shown = merge_live(
            code, prepare_for_display(live, code, self.hidden), sent=found.sent
        )
        return tuple(find_settings(code, shown, self.prices))

    def _decided(
        self,
        step: Step,
        target: Target,
        live: Definition,
        found: Judgement,
        as_it_is: Definition,
    ) -> Step:
        """What is to be done with a workflow that differs, and why."""
        reasons = [_why(target, found, as_it_is)]
        last = found.last
        if last is None or found.is_others:
            if found.is_others and not found.is_untouched:
                reasons.append("it was edited on the service since then")
            elif last is None and live.stamp is not None:
                reasons.append(
                    f"it carries the stamp of {live.stamp.path}, and not its own"
                )
            return evolve(
                step, action="refuse", lifted_by="force", reasons=tuple(reasons)
            )
        if last is target.pulled:
            reasons.append("the last deploy is what was recorded when it was pulled")
        doubts: list[str] = []
        if not is_known(last, found.sent):
            doubts.append(
                "fields that code set last time and sets no more: its stamp had no room"
            )
        is_behind, doubt = self._is_behind(target, last)
        doubts += doubt
        if is_behind:
            reasons.append(_not_built_on(last))
        step = evolve(step, action="update")
        if found.is_untouched:
            step = evolve(step, base="stamp")
            if is_behind and not self.branches:
                reasons[0] = _WHY["behind"]
                step = evolve(step, state="behind", action="refuse", lifted_by="behind")
        else:
            step = evolve(step, action="refuse", lifted_by="force")
            edits = self._edits(target, live, found, last)
            if edits is None:
                doubts.append(ABSENT_BASE)
            else:
                step = evolve(step, base="found", edits=edits)
        return evolve(step, reasons=tuple(reasons), not_checked=tuple(doubts))

    def _is_behind(self, target: Target, last: Stamp) -> tuple[bool, Sequence[str]]:
        """Whether newer code deployed it, and why nobody knows."""
        if last is target.pulled:
            return False, ()
        return self._is_newer(target.file, last)

    def _is_newer(self, file: str | None, last: Stamp) -> tuple[bool, Sequence[str]]:
        """Whether a stamp is of code that the code in a file is not built on."""
        about = "whether newer code deployed it"
        if last.commit is None:
            return False, (f"{about}: its stamp names no commit",)
        relation = self.git.relation(file, last.commit.removesuffix(UNCOMMITTED))
        if relation in NOT_CHECKED:
            return False, (f"{about}: {NOT_CHECKED[relation]}",)
        if relation == "ancestor" and not last.is_committed:
            return False, (_IN_NO_COMMIT,)
        return relation == "apart", ()

    def _edits(
        self, target: Target, live: Definition, found: Judgement, last: Stamp
    ) -> tuple[Change, ...] | None:
        """What was done on the service since the last deploy; None: not known."""
        base = self._base(last)
        if base is None:
            return None
        code, ours = target.definition, fields_of(base)
        names = {ref: known | ours.get(ref, _NONE) for ref, known in found.sent.items()}
        seen = redact_for_display(prepare_for_display(live, code), base, self.hidden)
        base = redact_for_display(base, seen, self.hidden)
        old, new = copy_block_names(base, code), copy_block_names(seen, code)
        return changes_between(old, new, {**ours, **names}, ())

    def _base(self, last: Stamp) -> Definition | None:
        """The definition that was deployed last; None if it is not found."""
        for find in self._finders(last):
            for mark in (last.unbound, last.bound):
                base = find(mark)
                if base is not None and short_fingerprint(base) == last.bound:
                    return base
        return None

    def _finders(self, last: Stamp) -> Iterator[Bases]:
        """What finds it, the next one only if the one before did not."""
        yield self.bases
        if last.commit is not None:
            yield self.bases_at(last.commit.removesuffix(UNCOMMITTED))

    # -- What is there beyond the code -------------------------------------------------

    def _beyond(self, listed: Mapping[str, WorkflowInfo]) -> Conversation[list[Step]]:
        """Orphans, where they are looked for, then copies."""
        ours = {canonical_id(target.id) for target in self.targets}
        paths = {target.stamp.path for target in self.targets}
        owners = {owner_path(project, self.env) for project in self.projects or ()}
        orphans: list[tuple[Stamp, WorkflowInfo]] = []
        copies: list[tuple[Stamp, WorkflowInfo]] = []
        for workflow_id, info in listed.items():
            if workflow_id in ours:
                continue
            _, stamp = split_stamp(info.description, workflow_id)
            if stamp is None:
                continue
            if stamp.is_genuine(workflow_id):
                if owner_of(stamp.path) in owners:
                    orphans.append((stamp, info))
            elif stamp.path in paths or owner_of(stamp.path) in owners:
                copies.append((stamp, info))
        # Not in the order of the list, which a service may change: keys hang on it.
        for found in (orphans, copies):
            found.sort(key=lambda one: (one[0].path, one[1].id))
        taken = {target.key for target in self.targets}
        steps: list[Step] = []
        lives: list[Definition | None] = yield Together(
            [get_workflow(info.id) for _, info in orphans]
        )
        for (stamp, info), live in zip(orphans, lives, strict=True):
            if live is not None:
                key = _called(key_of(stamp.path), info.id, taken)
                steps.append(self._orphan(key, stamp, live))
        duplicates = [
            _copy(_called(f"{key_of(stamp.path)} (copy)", info.id, taken), stamp, info)
            for stamp, info in copies
        ]
        return [
            self._told(evolve(one, name=self.veil.hide(one.name)))
            for one in (*steps, *duplicates)
        ]

    def _orphan(self, key: str, stamp: Stamp, live: Definition) -> Step:
        """A workflow that code has no more, and what its deletion needs by name."""
        reasons, doubts = [_GONE], list[str]()
        consents: list[Consent] = []
        action: Action = "none"
        file = self._file_of(stamp.path)
        is_behind, doubt = self._is_newer(file, stamp)
        if is_behind and not self.branches:
            reasons = [_WHY["behind"], _not_built_on(stamp)]
            consents.append("behind")
        elif is_behind:
            reasons.append(_not_built_on(stamp))
        elif doubt and self._takes_name(file, stamp):
            reasons.append(self._may_be_newer(file, stamp))
            consents.append("behind")
        else:
            doubts += doubt
        is_same = is_as_deployed(live, stamp)
        if is_same is None:
            doubts.append(
                "whether it was edited since: its stamp had no room for fields"
            )
        elif not is_same:
            reasons.append("it was edited on the service since it was deployed")
        gone = redact_for_storage(live, None, self.secrets).withheld
        if not is_same or gone:
            consents.append("force")
        if gone:
            reasons.append(describe_losses(gone))
        if is_pin(stamp.path):
            reasons.append("it is pinned: prune never takes it")
            consents, gone = [], ()
        elif self.prune:
            action = "refuse" if consents else "delete"
        shown = self.cover(live)
        return Step(
            key,
            str(live.id),
            shown.name,
            stamp.path,
            "orphan",
            action,
            reasons=tuple(reasons),
            live=live_of(shown),
            lifted_by=next(iter(consents), None),
            also=tuple(consents[1:]),
            lost=tuple(gone),
            not_checked=tuple(doubts),
        )

    def _takes_name(self, file: str | None, stamp: Stamp) -> bool:
        """Whether a deletion whose commit tells nothing has to be agreed to by name.

        Not where neither side is in git, since there is nothing to compare then.
        """
        if self.branches or is_pin(stamp.path):
            return False
        return stamp.commit is not None or self.git.commit_of(file) is not None

    def _may_be_newer(self, file: str | None, stamp: Stamp) -> str:
        """Why nobody knows whether newer code deployed what is to be deleted."""
        if stamp.commit is None:
            return "its stamp names no commit: to delete it, agree by name"
        commit = stamp.commit.removesuffix(UNCOMMITTED)
        match self.git.relation(file, commit):
            case "unknown":
                why, way = "is not known here", "fetch, or agree by name"
            case "no-git":
                why, way = "is known to no git here", "to delete it, agree by name"
            case _:
                return f"{_IN_NO_COMMIT}: to delete it, agree by name"
        return f"its commit {commit:.12} {why}: {way}"

    def _file_of(self, path: str) -> str | None:
        """A file of the code that an orphan was in, to ask the git that it is in.

        That is one of a workflow of the same project, else of any; the working folder
        where there is none.
        """
        if self.files is None:  # once for all orphans, which may be many
            self.files = {}
            for one in reversed(self.targets):
                if one.file is not None:
                    self.files[owner_of(one.stamp.path)] = self.files[_ANY] = one.file
        return self.files.get(owner_of(path), self.files.get(_ANY))

    # -- What is at work with it -------------------------------------------------------

    def _touched(self, steps: Sequence[Step]) -> Conversation[list[Step]]:
        """The steps, each with the schedules and runs that are at work with it."""
        ids = {canonical_id(step.id) for step in steps if _is_touched(step)}
        if not ids:
            return [*steps]
        only = next(iter(ids)) if len(ids) == 1 else None
        schedules = yield from self._asked("schedules", list_schedules(only))
        runs = yield from self._asked(
            "runs in flight", list_runs(only, status="active")
        )
        has_more = is_cut(runs)
        if has_more:
            self.not_checked.append(
                f"runs in flight beyond the newest {MOST_RUNS}, which are all that the "
                "service lists"
            )
        on, flying = group_by_workflow(schedules), group_by_workflow(runs)
        return [
            evolve(step, touched=find_activity(step.id, on, flying, has_more=has_more))
            if _is_touched(step)
            else step
            for step in steps
        ]

    def _asked(
        self, what: str, conversation: Conversation[Sequence[T]]
    ) -> Conversation[Sequence[T] | None]:
        """A list; None where the service does not give it."""
        yield Begin()
        try:
            return (yield from conversation)
        except (ApiError, AnswerError) as error:
            self.not_checked.append(f"{what}: {_refusal(error)}")
            return None


# -- Steps -----------------------------------------------------------------------------

_NONE: Final = frozenset[str]()

_ANY: Final = ""
"""Stands for the owner of a file, whoever it is."""

_FINE: Final = re.compile(r"\.\d{3,}")
"""A time that tells thousandths of a second: two edits rarely share one."""

_WHY: Final = {
    "converged": "it is what the code says, and its stamp does not say so",
    "update": "the code has changed since it was deployed",
    "drifted": "it was edited on the service since it was deployed",
    "conflict": "it was edited on the service, and the code has changed as well",
    "foreign": "no code of yours deployed it, and it is not what the code says",
    "behind": "newer code, or that of another branch, deployed it",
}
"""The first reason for each state."""

_GONE: Final = "the code has it no more"

_IN_NO_COMMIT: Final = "it was deployed from changes that were in no commit"


def _why(target: Target, found: Judgement, live: Definition) -> str:
    """The first reason: what changed, and by whom."""
    last, stamp = found.last, target.stamp
    if last is not None and found.is_others:
        other = describe_owner(last.path)
        return f"other code deployed it, and it is not what yours says: {other}"
    if last is None or last.unbound != stamp.unbound:
        return _WHY[found.state]
    if found.state == "conflict":
        return "it was edited on the service, and a value has changed as well"
    if found.state != "update" or last.bound == stamp.bound:
        return _WHY[found.state]
    names = _changed_secrets(target.definition, live)
    if not names:
        return "a value of the environment, or the suffix of its title, has changed"
    return f"{'a value has' if len(names) == 1 else 'values have'} changed: " + (
        ", ".join(names)
    )


def _changed_secrets(code: Definition, live: Definition) -> Sequence[str]:
    """Names of the secrets in whose place another text is live."""
    there = {block.id.lower(): block.specs for block in live.blocks}
    names: set[str] = set()
    for block in code.blocks:
        wanted = [*walk(block.specs)]
        if any(isinstance(item, BoundSecret) for _, item in wanted):
            old = dict(walk(there.get(block.id.lower(), EMPTY)))
            names.update(
                item.value.name
                for path, item in wanted
                if isinstance(item, BoundSecret)
                and thaw(old.get(path)) != thaw(item.content)
            )
    return sorted(names)


def _why_stamped(found: Judgement) -> str:
    """Why the stamp alone is written."""
    if found.last is not None and found.is_others:
        whose = describe_owner(found.last.path)
        return f"it is what the code says; the stamp of {whose} goes"
    if found.last is None:
        return "it is what the code says, and no code of yours deployed it"
    return _WHY["converged"]


def _not_built_on(stamp: Stamp) -> str:
    commit = f"{stamp.commit:.12}"
    return f"your code is not built on commit {commit} that deployed it"


def _losing(step: Step, places: Sequence[str]) -> Step:
    """A step that loses some text, which somebody has to agree to by name."""
    if not places:
        return step
    step = evolve(
        step, lost=tuple(places), reasons=(*step.reasons, describe_losses(places))
    )
    if step.action != "refuse":
        return evolve(step, action="refuse", lifted_by="force")
    is_named = "force" in step.consents
    return step if is_named else evolve(step, also=("force",))


def _step(target: Target, state: Any) -> Step:
    return Step(
        target.key, target.id, target.name, target.stamp.path, state, target=target
    )


def _unchanged(target: Target, unmanaged: Sequence[str]) -> Step:
    return evolve(_step(target, "unchanged"), unmanaged=tuple(unmanaged))


def _missing(target: Target) -> Step:
    """A target that is not there: created, unless it is pinned."""
    if target.is_pinned:
        why = (
            "it is pinned to a workflow that is not there, or that is not shown to you"
        )
        return evolve(_step(target, "absent"), action="refuse", reasons=(why,))
    code = target.definition
    reasons = ["there is no such workflow"]
    if code.is_key_derived:
        reasons.append(
            "its key is made of its title: another title is another workflow"
        )
    description = with_stamp(code.description, target.stamp)
    return evolve(
        _step(target, "new"),
        action="create",
        reasons=tuple(reasons),
        sent=Held(evolve(code, description=description)),
        spends=tuple(spends_when_written(code)),
        effects=str(effects(code)),
    )


def _taken(target: Target) -> Step:
    """A target that the service does not show, and has: nothing can be written."""
    if target.is_pinned:
        return _missing(target)
    return evolve(_step(target, "foreign"), action="refuse", reasons=(TAKEN,))


def _unseen(target: Target, listed: Mapping[str, WorkflowInfo] | None) -> Step:
    """A target that is new, whatever there is under its id."""
    doubt = "its id: nobody vouches for its key, so nothing was asked about it"
    if listed is not None and canonical_id(target.id) in listed:
        doubt = (
            "what is there under its id: nobody vouches for its key, so it was not read"
        )
    reasons = ("it is not known yet, so it counts as new",)
    return evolve(_missing(target), reasons=reasons, not_checked=(doubt,))


def _undecided(step: Step, rename: Rename | None) -> Step:
    """A workflow to create, which waits where it may be a renamed one."""
    if rename is None:
        return step
    why = f"it may be {rename.orphan} under another key"
    return evolve(
        step, action="refuse", lifted_by="create", reasons=(*step.reasons, why)
    )


def _copy(key: str, stamp: Stamp, info: WorkflowInfo) -> Step:
    why = "it carries the stamp of another workflow, of which it is a copy"
    return Step(key, info.id, info.name, stamp.path, "copy", reasons=(why,))


def _called(key: str, workflow_id: str, taken: set[str]) -> str:
    """A key that no step has yet, told apart by the id where it has to be."""
    names = (key, f"{key} {workflow_id[:8]}", f"{key} {workflow_id}")
    name = next(name for name in names if name not in taken)
    taken.add(name)
    return name


def _is_touched(step: Step) -> bool:
    """Whether a write would change what runs; a stamp alone does not."""
    is_update = step.live is not None and step.sent is not None
    return (is_update and step.action != "stamp") or step.may_prune


def _refusal(error: ApiError | AnswerError) -> str:
    """Why a list was not given, in a few words."""
    if isinstance(error, ApiError):
        return f"the service answered {error.status}"
    return "the service did not answer as documented"
