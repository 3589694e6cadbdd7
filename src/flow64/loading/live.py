"""Live workflows: which code deployed them, how addresses name them, and comparing."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from attrs import evolve, frozen

from ..analysis.live import LiveCatalogue
from ..definition.ids import (
    DEFAULT_ENV,
    drop_env,
    environment_in,
    genuine_stamp,
    split_stamp,
)
from ..definition.model import Definition
from ..definition.secrets import Values, add_suffix, hide_secrets, stamped_places
from ..deploy.target import key_of, without_schedules
from ..environments import Environment
from ..errors import AnswerError, ApiError, SourceError
from ..schedules import list_if_shown, put_schedules
from ..secrets import mask
from ..text import did_you_mean, shortened
from ..workflow import Workflow
from .addresses import (
    LiveAddress,
    SourceAddress,
    is_pattern,
    list_names,
    matches,
)
from .reading import SourceWorkflow
from .sources import Loaded, find_saved_catalogue, load_source, lower

if TYPE_CHECKING:  # the client loads httpx, which nothing needs that sends nothing
    from ..api.calls import WorkflowInfo
    from ..client import Client

LiveState: TypeAlias = Literal["ours", "copy", "foreign"]
"""ours: our code deployed it. copy: it has the stamp of another one, as after
"duplicate" in the web editor. foreign: it has no stamp."""


@frozen
class LiveWorkflow:
    """A workflow of the service, as far as the list of workflows describes it.

    Attributes:
        state: Whether our code deployed it.
        path: The path that its id was made from, if our code deployed it.
        env: The environment that it was deployed to.
    """

    id: str
    title: str
    state: LiveState
    path: str | None = None
    env: str | None = None

    @classmethod
    def of(cls, info: WorkflowInfo, client: Client | None = None) -> LiveWorkflow:
        """Describe a workflow of the list of a client."""
        stamp = split_stamp(info.description, info.id)[1]
        own = genuine_stamp(stamp, info.id)
        state: LiveState = "ours" if own else "copy" if stamp else "foreign"
        env = environment_in(own.path) if own else None
        if client is not None and env == client.terms.was is not None:
            env = client.env
        return cls(info.id, info.name, state, own.path if own else None, env)

    @property
    def key(self) -> str | None:
        """Its key, and its variants after slashes; None if its path has none."""
        return key_of(self.path) or None if self.path else None


def list_live(client: Client) -> Sequence[LiveWorkflow]:
    """Return the workflows of the organisation, by one request."""
    return [LiveWorkflow.of(info, client) for info in client.workflows.list()]


def select_ours(workflows: Iterable[LiveWorkflow], env: str) -> Sequence[LiveWorkflow]:
    """Return the workflows that our code deployed to an environment."""
    return [workflow for workflow in workflows if workflow.env == env]


def match_live(
    workflows: Sequence[LiveWorkflow], address: LiveAddress
) -> Sequence[LiveWorkflow]:
    """Return the live workflows that an address names by a key, or by a pattern.

    Args:
        workflows: All live workflows.
        address: The address, with a key.

    Raises:
        SourceError: There is none, or several have the key.
    """
    ours = select_ours(workflows, address.env)
    wanted = unicodedata.normalize("NFC", address.key or "")
    named = [item for item in ours if item.key == wanted]
    if not named and is_pattern(wanted):
        named = [item for item in ours if item.key and matches(wanted, item.key)]
        if named:
            return named
    named = named or [item for item in ours if (item.key or "").split("/")[0] == wanted]
    if len(named) == 1:
        return named
    if named:
        ways = list_names([f"{address.env}:{item.id}" for item in named])
        problem = f"{len(named)} workflows in {address.env} have the key {wanted!r}"
        raise SourceError(f"{problem}; name one by its id: {ways}", is_usage=True)
    keys = sorted(item.key for item in ours if item.key)
    held = f"it has {list_names(keys)}" if keys else "it has none of ours"
    raise SourceError(
        f"in {address.env} there is no workflow {shortened(wanted)} that our code "
        f"deployed{did_you_mean(wanted, keys)}; {held}; for one of others, write "
        f"{address.env}:UUID",
        is_usage=True,
    )


def project_path(path: str | None) -> str:
    """Return the namespace and project of a path, in its spelling."""
    kept = [s for s in (path or "").split("/") if s.startswith(("ns:", "project:"))]
    return "/".join(kept)


# -- Sides of a comparison -------------------------------------------------------------


@frozen
class SideWorkflow:
    """A workflow of a side.

    Attributes:
        key: Its key; for a live workflow without one, its title.
        is_live: Whether it was read from the service.
    """

    key: str
    definition: Definition
    is_live: bool = False

    @property
    def place(self) -> str | None:
        """Its path without the environment; None if it has none, as JSON."""
        path = self.definition.path
        if self.is_live:
            stamp = genuine_stamp(self.definition.stamp, self.definition.id)
            path = stamp.path if stamp else None
        return drop_env(path) if path else None


@frozen
class Side:
    """The workflows that an address means.

    Attributes:
        label: The address.
        is_one: Whether the address means one workflow.
        is_part: Whether the address picks workflows of those that are there.
        env: The environment in which they are live; None for code and files.
    """

    label: str
    entries: Sequence[SideWorkflow]
    is_one: bool
    is_part: bool = False
    env: str | None = None


def load_source_side(
    address: SourceAddress,
    environment: Environment | None = None,
    values: Mapping[str, Any] | None = None,
    *,
    code: bool = True,
) -> Side:
    """Compile the workflows of a source.

    Args:
        address: The source.
        environment: The environment to compile for. With None it is `default`, without
            values.
        values: The values to fill in.
        code: Whether modules may be imported. If not, only JSON is read.

    Raises:
        SourceError: There is no such source, or it is code that must not run.
        CompileError: A workflow cannot be compiled.
    """
    is_folder = address.key is None and Path(address.place).is_dir()
    loaded = load_source(address, code=code, may_be_empty=is_folder)
    entries = [_compile(workflow, environment, values) for workflow in loaded.workflows]
    # A folder means all that it has, so that what comes beside its only one is shown.
    is_one = len(loaded.workflows) == 1 and not is_folder
    return Side(address.text, entries, is_one, is_one or loaded.is_picked)


def load_live_side(
    client: Client, address: LiveAddress, projects: frozenset[str] | None = None
) -> Side:
    """Read live workflows, by requests that only read.

    The saved list of blocks of `[tool.flow64]` judges them, if there is one.

    Args:
        client: A client of the environment.
        address: The workflows.
        projects: Namespaces and projects to which to limit an address of a whole
            environment; None for no limit.

    Raises:
        SourceError: There is no such workflow.
    """
    if address.id is not None:
        ids = [address.id]
    else:
        live = list_live(client)
        chosen = select_ours(live, address.env)
        if address.key is not None:
            chosen = match_live(live, address)
        elif projects is not None:
            chosen = [item for item in chosen if project_path(item.path) in projects]
        ids = [item.id for item in chosen]
    listed = find_saved_catalogue()
    # A workflow that was deleted meanwhile is left out.
    read = [_read(client, workflow_id, listed) for workflow_id in ids]
    lives = list_if_shown(client.schedules.list)
    entries = [
        evolve(entry, definition=put_schedules(entry.definition, lives))
        for entry in read
        if entry is not None
    ]
    if address.id is not None and not entries:
        problem = f"{address.env} has no workflow {address.id}"
        advice = f"`flow64 list --env {address.env}` shows the ids"
        raise SourceError(f"{problem}; {advice}", is_usage=True)
    is_one = not address.is_env and len(ids) == 1
    return Side(address.text, entries, is_one, not address.is_env, address.env)


def load_live_definition(client: Client, address: LiveAddress) -> Definition:
    """Read the one live workflow at an address.

    Raises:
        SourceError: There is none, or the address means several.
    """
    entries = load_live_side(client, address).entries
    if len(entries) == 1:
        return entries[0].definition
    names = list_names([f"{address.env}:{entry.key}" for entry in entries])
    problem = f"{address.text} means {len(entries)} workflows"
    raise SourceError(f"{problem}; name one of them: {names}", is_usage=True)


def load_live(client: Client, address: LiveAddress, values: Values) -> Loaded:
    """Read live workflows as a source, with secrets redacted.

    Args:
        client: A client of the environment.
        address: The workflows.
        values: The values of the environment. Secret ones are hidden.

    Raises:
        SourceError: There is no such workflow.
    """
    side = load_live_side(client, address)
    workflows: list[SourceWorkflow] = []
    for entry in side.entries:
        live = entry.definition
        stamp = genuine_stamp(live.stamp, live.id)
        shown = hide_secrets(live, stamped_places(live, stamp), values)
        name = mask(shown.name if entry.key == live.name else entry.key)
        workflow = Workflow.from_definition(shown)
        workflows.append(SourceWorkflow(name, workflow, side.label, ""))
    return Loaded(side.label, workflows, (), is_picked=True)


def list_projects(side: Side) -> frozenset[str] | None:
    """Return the projects that a side is about; None if it does not say."""
    places = [entry.place for entry in side.entries]
    if side.is_part or None in places:
        return None
    return frozenset(project_path(place) for place in places if place)


def _compile(
    workflow: SourceWorkflow,
    environment: Environment | None,
    values: Mapping[str, Any] | None,
) -> SideWorkflow:
    environment = environment or Environment(DEFAULT_ENV)
    definition = lower(workflow.workflow, environment.key, values)
    definition = without_schedules(definition, schedules=environment.schedules)
    return SideWorkflow(workflow.name, add_suffix(definition, environment.suffix))


def _read(
    client: Client, workflow_id: str, listed: LiveCatalogue | None
) -> SideWorkflow | None:
    try:
        answer = client.workflows.get(workflow_id).definition
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        return None
    if answer is None:
        raise AnswerError(f"the answer of workflow {workflow_id} has no definition")
    live = SideWorkflow("", evolve(answer, listed=listed), is_live=True)
    key = key_of(live.place) if live.place else ""
    return evolve(live, key=key or answer.name or str(answer.id))
