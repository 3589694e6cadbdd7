"""Sides of a comparison: the definitions that an address means."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from ..analysis.live import LiveCatalogue
from ..api.calls import get_workflow
from ..client import Client
from ..definition import (
    DEFAULT_ENV,
    EMPTY,
    Definition,
    Values,
    add_suffix,
    drop_env,
    genuine_stamp,
    hide_secrets,
    stamped_places,
)
from ..deploy.target import key_of
from ..environments import Environment
from ..secrets import mask
from ..workflow import Workflow
from ._addresses import LiveAddress, SourceAddress
from ._collect import SourceWorkflow
from ._errors import AddressError
from ._live import list_live, match_live, pick_live, project_path, select_ours
from ._lower import lower
from ._source_names import find_saved_catalogue
from ._sources import Loaded, load_source


@frozen
class SideWorkflow:
    """A workflow of a side.

    Attributes:
        key: Its key; for a live workflow without one, its title.
        place: Its path without the environment; None if it has none, as JSON.
    """

    key: str
    definition: Definition
    place: str | None
    is_live: bool


@frozen
class Side:
    """The workflows that an address means.

    Attributes:
        label: The address.
        is_one: Whether the address means one workflow.
        is_part: Whether the address picks workflows of those that are there.
        env: The environment in which they are live; None for code and files.
        omitted: The number of live workflows of other projects.
        values: The values of the environment in which they are live.
        unset: Variables of the values that are not set here.
        notes: What was noticed in a source, for people.
    """

    label: str
    entries: Sequence[SideWorkflow]
    is_one: bool
    is_part: bool = False
    env: str | None = None
    omitted: int = 0
    values: Mapping[str, Any] = field(default=EMPTY, repr=False)
    unset: Sequence[str] = ()
    notes: Sequence[str] = ()


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
        AddressError: There is no such source, or it is code that must not run.
        CompileError: A workflow cannot be compiled.
    """
    folder = Path(address.source)
    is_folder = address.content is None and folder.is_dir()
    if is_folder and not code and not any(folder.iterdir()):
        return Side(address.text, [], is_one=False)  # all of the other side is new
    loaded = load_source(address, code=code, may_be_empty=is_folder)
    entries = [_compile(one, environment, values) for one in loaded.workflows]
    # A folder means all that it has, so that what comes beside its only one is shown.
    is_one = len(loaded.workflows) == 1 and not is_folder
    is_part = is_one or loaded.is_picked
    return Side(address.text, entries, is_one, is_part, notes=loaded.notes)


def load_live_side(
    client: Client,
    address: LiveAddress,
    projects: frozenset[str] | None = None,
    own: Container[str] | None = None,
) -> Side:
    """Read live workflows, by requests that only read.

    The saved list of blocks of `[tool.flow64]` judges them, if there is one.

    Args:
        client: A client of the environment.
        address: The workflows.
        projects: Namespaces and projects to which to limit an address of a whole
            environment; None for no limit.
        own: Namespaces and projects that a key means: see `match_live`.

    Raises:
        AddressError: There is no such workflow.
    """
    listed = find_saved_catalogue()
    if address.id is not None:
        entry = _read(client, address.id, listed)
        if entry is None:
            problem = f"{address.env} has no workflow {address.id}"
            advice = f"`flow64 list --env {address.env}` shows the ids"
            raise AddressError(f"{problem}; {advice}")
        return Side(address.text, [entry], True, True, address.env)
    known = list_live(client)
    omitted = 0
    if address.key is not None:
        chosen = match_live(known, address, own)
    else:
        ours = select_ours(known, address.env)
        chosen = [
            one
            for one in ours
            if projects is None or project_path(one.path or "") in projects
        ]
        omitted = len(ours) - len(chosen)
    # A workflow that was deleted meanwhile is left out.
    found = [_read(client, one.id, listed) for one in chosen]
    entries = [entry for entry in found if entry is not None]
    is_part = address.key is not None
    is_one = is_part and len(chosen) == 1
    return Side(address.text, entries, is_one, is_part, address.env, omitted=omitted)


def load_live_definition(client: Client, address: LiveAddress) -> Definition:
    """Read the one live workflow at an address.

    Raises:
        AddressError: There is none, or the address means several.
    """
    if address.is_env:
        problem = f"{address.text} means all workflows of an environment"
        advice = f"name one of them, as in {address.env}:KEY"
        raise AddressError(f"{problem}; {advice}")
    if address.key is not None:
        found = pick_live(list_live(client), address)
        address = LiveAddress(address.text, address.env, id=found.id)
    return load_live_side(client, address).entries[0].definition


def load_live(client: Client, address: LiveAddress, values: Values) -> Loaded:
    """Read live workflows as a source, with secrets redacted.

    Args:
        client: A client of the environment.
        address: The workflows.
        values: The values of the environment. Secret ones are hidden.

    Raises:
        AddressError: There is no such workflow.
    """
    side = load_live_side(client, address)
    found: list[SourceWorkflow] = []
    for entry in side.entries:
        shown = hide_live(entry.definition, values)
        is_title = entry.key == entry.definition.name
        name = mask(shown.name if is_title else entry.key)
        workflow = Workflow.from_definition(shown)
        found.append(SourceWorkflow(name, workflow, side.label, ""))
    return Loaded(side.label, found, (), is_picked=True, is_code=False)


def hide_live(live: Definition, values: Values) -> Definition:
    """Return a live definition without secrets, by its stamp and the environment."""
    stamp = genuine_stamp(live.stamp, live.id)
    return hide_secrets(live, stamped_places(live, stamp), values)


def list_projects(side: Side) -> frozenset[str] | None:
    """Return the projects that a side is about; None if it does not say."""
    places = [entry.place for entry in side.entries]
    return None if side.is_part or None in places else list_owners(side)


def list_owners(side: Side) -> frozenset[str]:
    """Return the namespaces and projects of the workflows of a side."""
    return frozenset(project_path(one.place) for one in side.entries if one.place)


def _compile(
    one: SourceWorkflow,
    environment: Environment | None,
    values: Mapping[str, Any] | None,
) -> SideWorkflow:
    env = DEFAULT_ENV if environment is None else environment.name
    definition = lower(one.workflow, env, values)
    if environment is not None:
        definition = add_suffix(definition, environment.suffix)
    place = None if definition.path is None else drop_env(definition.path)
    return SideWorkflow(one.name, definition, place, is_live=False)


def _read(
    client: Client, workflow_id: str, listed: LiveCatalogue | None
) -> SideWorkflow | None:
    found = get_workflow(client.session, workflow_id)
    if found is None:
        return None
    live = evolve(found, listed=listed)
    stamp = genuine_stamp(live.stamp, live.id)
    path = stamp.path if stamp else None
    key = key_of(path) if path else ""
    place = drop_env(path) if path else None
    return SideWorkflow(key or live.name or str(live.id), live, place, is_live=True)
