"""Live workflows: which code deployed them, and how addresses name them."""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterable, Sequence
from typing import Literal, TypeAlias

from attrs import frozen

from ..api.calls import WorkflowInfo
from ..client import Client
from ..definition import (
    DEFAULT_ENV,
    canonical_id,
    drop_env,
    environment_in,
    parse_path,
    path_of,
    split_stamp,
)
from ..deploy.target import key_of
from ..errors import FlowError, did_you_mean
from ..text import clipped, join_first, shortened
from ._addresses import ID, LiveAddress, SourceAddress
from ._errors import AddressError
from ._selection import is_glob, matches, suggest_keys
from ._source_names import CODE, MOST_NAMES, find_project_source, list_names
from ._sources import Loaded, load_source

LiveState: TypeAlias = Literal["ours", "copy", "foreign"]
"""ours: our code deployed it. copy: it has the stamp of another one, as after
"duplicate" in the web editor. foreign: it has no stamp."""


@frozen
class LiveWorkflow:
    """A workflow of the service, as far as the list of workflows describes it.

    Attributes:
        state: Whether our code deployed it.
        path: The path that its id was made from, if our code deployed it.
    """

    id: str
    title: str
    state: LiveState
    path: str | None = None

    @classmethod
    def of(cls, info: WorkflowInfo) -> LiveWorkflow:
        """Describe a workflow of the list."""
        stamp = split_stamp(info.description, info.id)[1]
        if stamp is None:
            return cls(info.id, info.name, "foreign")
        if not stamp.is_genuine(info.id):
            return cls(info.id, info.name, "copy")
        return cls(info.id, info.name, "ours", stamp.path)

    @property
    def key(self) -> str | None:
        """Its key, and its variants after slashes; None if its path has none."""
        return key_of(self.path) or None if self.path else None

    @property
    def env(self) -> str | None:
        """The environment that it was deployed to."""
        return environment_in(self.path) if self.path else None

    @property
    def place(self) -> str | None:
        """Its path without the environment, which is the same in each of them."""
        return drop_env(self.path) if self.path else None


def list_live(client: Client) -> Sequence[LiveWorkflow]:
    """Return the workflows of the organisation, by one request."""
    return [*map(LiveWorkflow.of, client.workflows.list())]


def select_ours(known: Iterable[LiveWorkflow], env: str) -> Sequence[LiveWorkflow]:
    """Return the workflows that our code deployed to an environment."""
    return [one for one in known if one.state == "ours" and one.env == env]


def match_live(
    known: Sequence[LiveWorkflow],
    address: LiveAddress,
    own: Container[str] | None = None,
) -> Sequence[LiveWorkflow]:
    """Return the live workflows that an address names by a key, or by a pattern.

    Args:
        known: All live workflows.
        address: The address, with a key.
        own: Namespaces and projects that a key means, if workflows of several have it.
            If None, those of the project's code, which is imported only then.

    Raises:
        AddressError: There is none, or several have the key.
    """
    ours = select_ours(known, address.env)
    wanted = unicodedata.normalize("NFC", address.key or "")
    found = [one for one in ours if one.key == wanted]
    if not found and is_glob(wanted):
        found = [one for one in ours if one.key and matches(wanted, one.key)]
        if found:
            return found
    found = found or [one for one in ours if (one.key or "").split("/")[0] == wanted]
    if len({project_path(one.path or "") for one in found}) > 1:
        own = _find_own_projects(code=address.code) if own is None else own
        mine = [one for one in found if project_path(one.path or "") in own]
        found = mine or found
    if len(found) == 1:
        return found
    if found:
        ways = join_first(found, MOST_NAMES, _describe_way)
        problem = f"{len(found)} workflows in {address.env} have the key {wanted!r}"
        raise AddressError(f"{problem}; name one by its id: {ways}")
    keys = sorted(one.key for one in ours if one.key)
    near = did_you_mean(wanted, suggest_keys(keys))
    there = f"it has {list_names(keys)}" if keys else "it has none of ours"
    advice = f"for a workflow of others, write {address.env}:{ID}UUID"
    raise AddressError(
        f"in {address.env} there is no workflow {shortened(wanted)} that our code "
        f"deployed{near}; {there}; {advice}"
    )


def _find_own_projects(*, code: bool) -> Container[str]:
    """Return the namespaces and projects of the project's source, if it can be read."""
    try:
        source = find_project_source()
        if source is None:
            return ()
        projects = load_source(SourceAddress(CODE, source), code=code).projects
    except FlowError:
        return ()
    return {path_of([("ns", one.namespace), ("project", one.key)]) for one in projects}


def _describe_way(one: LiveWorkflow) -> str:
    """Return the address of one of our workflows by its id, and its project."""
    segments = parse_path(one.path or "")
    owners = [name for tag, name in segments if tag in ("ns", "project")]
    return f"{one.env}:{ID}{one.id} ({clipped('/'.join(owners))})"


def pick_live(known: Sequence[LiveWorkflow], address: LiveAddress) -> LiveWorkflow:
    """Return the one live workflow that an address names by its key.

    Raises:
        AddressError: There is none, or there are several.
    """
    found = match_live(known, address)
    if len(found) > 1:
        names = list_names([f"{address.env}:{one.key}" for one in found])
        problem = f"{address.text} means {len(found)} workflows"
        raise AddressError(f"{problem}; name one of them: {names}")
    return found[0]


def select_changed(loaded: Loaded, client: Client) -> Loaded:
    """Keep the workflows that have other code than at their last deploy.

    One request lists what is deployed. A workflow that is new, or that our code did not
    deploy, differs. Edits on the service, and the values of an environment, do not
    count.

    Args:
        loaded: The source.
        client: A client of the environment.
    """
    stamps = {
        canonical_id(info.id): stamp.unbound
        for info in client.workflows.list()
        if (stamp := split_stamp(info.description, info.id)[1]) is not None
        and stamp.is_genuine(info.id)
    }
    env = client.env or DEFAULT_ENV
    return loaded.keep(
        [
            one
            for one in loaded.workflows
            if one.workflow.fingerprint()[:16] != stamps.get(one.find_id(env))
        ]
    )


# -- Paths of ids ---------------------------------------------------------------------


def project_path(place: str) -> str:
    """Return the namespace and project of a path, in its spelling."""
    kept = [s for s in place.split("/") if s.startswith(("ns:", "project:"))]
    return "/".join(kept)
