"""Sides of a comparison: the definitions that an address means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen

from ..analysis import LiveCatalogue
from ..api import get_workflow
from ..client import Client
from ..definition import DEFAULT_ENV, EMPTY, Definition, add_suffix, drop_env
from ..deploy import key_of
from ..environments import Environment
from ._addresses import LiveAddress, SourceAddress
from ._collect import SourceWorkflow
from ._errors import AddressError
from ._live import list_live, pick_live, project_path, select_ours
from ._lower import lower
from ._source_names import find_saved_catalogue
from ._sources import load_source


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
        is_one: Whether the address means one workflow, and not all that are there.
        env: The environment in which they are live; None for code and files.
        omitted: The number of live workflows of other projects.
        values: The values of the environment in which they are live.
        unset: Variables of the values that are not set here.
        notes: What was noticed in a source, for people.
    """

    label: str
    entries: Sequence[SideWorkflow]
    is_one: bool
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
    loaded = load_source(address.source, code=code)
    entries = [_compile(one, environment, values) for one in loaded.workflows]
    is_one = loaded.is_picked or len(loaded.workflows) == 1
    return Side(address.text, entries, is_one, notes=loaded.notes)


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
        AddressError: There is no such workflow.
    """
    listed = find_saved_catalogue()
    if address.id is not None:
        entry = _read(client, address.id, listed)
        if entry is None:
            problem = f"{address.env} has no workflow {address.id}"
            advice = f"`flow64 list --env {address.env}` shows the ids"
            raise AddressError(f"{problem}; {advice}")
        return Side(address.text, [entry], is_one=True, env=address.env)
    known = list_live(client)
    if address.key is not None:
        chosen, omitted = [pick_live(known, address)], 0
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
    return Side(
        address.text, entries, address.key is not None, address.env, omitted=omitted
    )


def load_live_definition(client: Client, address: LiveAddress) -> Definition:
    """Read the one live workflow at an address.

    Raises:
        AddressError: There is none, or the address means a whole environment.
    """
    if address.key is None and address.id is None:
        problem = f"{address.text} means all workflows of an environment"
        advice = f"name one of them, as in {address.text}:KEY"
        raise AddressError(f"{problem}; {advice}")
    return load_live_side(client, address).entries[0].definition


def list_projects(side: Side) -> frozenset[str] | None:
    """Return the projects that a side is about; None if it does not say."""
    places = [entry.place for entry in side.entries]
    if side.is_one or None in places:
        return None
    return frozenset(project_path(place) for place in places if place)


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
    found = client.call(get_workflow, workflow_id)
    if found is None:
        return None
    live = evolve(found, listed=listed)
    stamp = live.stamp
    is_ours = stamp is not None and stamp.is_genuine(live.id or "")
    path = stamp.path if stamp is not None and is_ours else None
    key = key_of(path) if path else ""
    place = drop_env(path) if path else None
    return SideWorkflow(key or live.name or str(live.id), live, place, is_live=True)
