"""Live workflows: which code deployed them, how addresses name them, and comparing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from unicodedata import normalize

from attrs import evolve, frozen

from ..definition import Definition, ids
from ..definition.secrets import Values, add_suffix, hide_secrets, stamped_places
from ..deploy.target import key_of, without_schedules
from ..environments import Environment
from ..environments import load as load_settings
from ..errors import AnswerError, ApiError, SourceError
from ..schedules import list_if_shown, put_schedules
from ..secrets import mask
from ..workflow import Workflow
from . import addresses
from .addresses import EVERYTHING, LiveAddress, Selection, SourceAddress
from .reading import SourceWorkflow
from .sources import Loaded, load_source, lower, with_settings

if TYPE_CHECKING:  # the client loads httpx, which nothing needs that sends nothing
    from ..api.answers import WorkflowInfo
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
        stamp = ids.split_stamp(info.description, info.id)[1]
        own = ids.genuine_stamp(stamp, info.id)
        state: LiveState = "ours" if own else "copy" if stamp else "foreign"
        env = ids.environment_in(own.path) if own else None
        if client is not None and env == client.terms.was is not None:
            env = client.env
        return cls(info.id, info.name, state, own.path if own else None, env)

    @property
    def name(self) -> str:
        """Its key, and its variants after slashes; empty if its path has none."""
        return key_of(self.path) if self.path else ""

    @property
    def key(self) -> str:
        """Its key alone."""
        return self.name.partition("/")[0]


def fetch_live(
    client: Client,
    address: LiveAddress,
    selection: Selection = EVERYTHING,
    projects: frozenset[str] | None = None,
) -> Sequence[Definition]:
    """Read the live workflows that an address and a selection mean.

    Args:
        client: A client of the environment.
        address: The workflows. An environment means those that our code deployed there.
        selection: Patterns of their keys.
        projects: Projects and ids to which to limit an environment; None for no limit.

    Raises:
        SourceError: There is no such workflow, or several have the key.
    """
    if address.id is not None:
        if definitions := read_live(client, [address.id]):
            return definitions
        problem = f"{address.env} has no workflow {address.id}"
        advice = f"`flow64 list --env {address.env}` shows the ids"
        raise SourceError(f"{problem}; {advice}", is_usage=True)
    live = [LiveWorkflow.of(info, client) for info in client.workflows.list()]
    ours = selection.pick(address.env, select_ours(live, address))
    if address.is_env and projects is not None:
        kept = {item.id for item in ours if project_path(item.path) in projects}
        # People may have made an imported one, or it has the stamp of another project.
        ours = [i for i in live if i.id in kept or ids.canonical_id(i.id) in projects]
    return read_live(client, [item.id for item in ours])


def select_ours(
    workflows: Iterable[LiveWorkflow], address: LiveAddress
) -> Sequence[LiveWorkflow]:
    """Return the workflows of our code in an environment, or those of a key in it.

    Raises:
        SourceError: None has the key, or several.
    """
    ours = [workflow for workflow in workflows if workflow.env == address.env]
    if address.key is None:
        return ours
    key = normalize("NFC", address.key)
    if picked := addresses.pick_key(key, ours, lambda item: f"{address.env}:{item.id}"):
        return picked
    names = sorted(item.name for item in ours if item.name)
    problem = addresses.describe_no_match(address.env, address.key, names)
    advice = f"for one that your code did not deploy, write {address.env}:UUID"
    raise SourceError(f"{problem}; {advice}", is_usage=True)


def read_live(
    client: Client, workflow_ids: Iterable[str] | None = None
) -> Sequence[Definition]:
    """Read live workflows with their schedules; None reads all of the organisation.

    Those that are gone are left out.
    """
    definitions: list[Definition] = []
    if workflow_ids is None:
        workflow_ids = [workflow.id for workflow in client.workflows.list()]
    for workflow_id in workflow_ids:
        try:
            definition = client.workflows.get(workflow_id).definition
        except ApiError as error:
            if error.status not in (403, 404):
                raise
            continue
        if definition is None:
            problem = f"the answer of workflow {workflow_id} has no definition"
            raise AnswerError(problem)
        definitions.append(definition)
    schedules = list_if_shown(client.schedules.list)
    return [put_schedules(definition, schedules) for definition in definitions]


def load_live(
    client: Client,
    address: LiveAddress,
    projects: frozenset[str] | None = None,
    values: Values | None = None,
) -> Loaded:
    """Read live workflows as a source.

    Args:
        client: A client of the environment.
        address: The workflows.
        projects: See `fetch_live`.
        values: The values of the environment. Without them no secret is hidden.

    Raises:
        SourceError: There is no such workflow, or several have the key.
    """
    workflows: list[SourceWorkflow] = []
    for live in fetch_live(client, address, projects=projects):
        stamp = ids.genuine_stamp(live.stamp, live.id)
        shown = live
        if values is not None:
            shown = hide_secrets(live, stamped_places(live, stamp), values)
        name = (key_of(stamp.path) if stamp else "") or shown.name or str(live.id)
        workflow = Workflow.from_definition(shown)
        workflows.append(SourceWorkflow(mask(name), workflow, address.text, ""))
    judged = with_settings(workflows, load_settings())
    return Loaded(address.text, judged, (), is_picked=not address.is_env)


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
            stamp = ids.genuine_stamp(self.definition.stamp, self.definition.id)
            path = stamp.path if stamp else None
        return ids.drop_env(path) if path else None


@frozen
class Side:
    """The workflows that an address means.

    Attributes:
        label: The address.
        is_part: Whether the address picks workflows of those that are there.
        env: The environment in which they are live; None for code and files.
    """

    label: str
    entries: Sequence[SideWorkflow]
    is_part: bool = False
    env: str | None = None

    @property
    def is_one(self) -> bool:
        """Whether the address means one workflow."""
        return self.is_part and len(self.entries) == 1


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
    environment = environment or Environment(ids.DEFAULT_ENV)
    entries: list[SideWorkflow] = []
    for workflow in loaded.workflows:
        definition = lower(workflow.workflow, environment.key, values)
        definition = without_schedules(definition, schedules=environment.schedules)
        definition = add_suffix(definition, environment.suffix)
        entries.append(SideWorkflow(workflow.name, definition))
    # A folder means all that it has, so that what comes beside its only one is shown.
    is_part = loaded.is_picked or (len(entries) == 1 and not is_folder)
    return Side(address.text, entries, is_part)


def load_live_side(
    client: Client, address: LiveAddress, projects: frozenset[str] | None = None
) -> Side:
    """Read live workflows, by requests that only read; see `load_live`."""
    loaded = load_live(client, address, projects)
    entries = [
        SideWorkflow(entry.name, entry.workflow.lower().definition, is_live=True)
        for entry in loaded.workflows
    ]
    return Side(address.text, entries, loaded.is_picked, address.env)


def remove_suffix(definition: Definition, suffix: str) -> Definition:
    """Return a live definition without the name suffix of its environment."""
    ending = f" {suffix}" if suffix else ""
    return evolve(definition, name=definition.name.removesuffix(ending))


def list_projects(side: Side) -> frozenset[str] | None:
    """Return the projects and ids that a side is about; None if it does not say."""
    places = [entry.place for entry in side.entries]
    if side.is_part or None in places:
        return None
    named = filter(None, (entry.definition.id for entry in side.entries))
    return frozenset({*map(project_path, places), *map(ids.canonical_id, named)})
