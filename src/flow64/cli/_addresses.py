"""Addresses: one way to say which workflows a command means, wherever they are.

    leads.json, pipelines/:inbound   a source: a file, a folder or a module, and a key
    code, code:inbound               the source of the project, by [tool.flow64]
    prod, prod:inbound               what is live in an environment, and is of our code
    prod:id:UUID                     a live workflow by its id, whoever made it

What is there as a file or folder of that very name wins over an environment.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import unquote

import click
from attrs import field, frozen

from ..api import WorkflowInfo, get_workflow
from ..client import Client
from ..definition import (
    DEFAULT_ENV,
    EMPTY,
    Definition,
    canonical_id,
    escaped,
    is_uuid,
    split_stamp,
    suffixed,
)
from ..deploy import key_of
from ..environments import EMULATOR, Environment, Settings
from ..environments import load as load_settings
from ..errors import ConfigError, did_you_mean, shortened
from ._faulty import made_of
from ._sources import Loaded, Sourced, configured, listed, load, parted

CODE: Final = "code"
"""Stands for the source that `[tool.flow64]` names."""

ID: Final = "id:"
"""Stands before an id, where else a key stands."""

HELP: Final = (
    "A file, folder or module, with :KEY for one workflow of it; code or code:KEY for "
    "the source of the project; ENV or ENV:KEY for what is live in an environment; "
    "ENV:id:UUID. A file or folder of that very name wins over an environment."
)
"""What an address is, for the help of commands."""


@frozen
class InSource:
    """Workflows in code, or in files.

    Attributes:
        text: The address as it was given.
        source: The source, and a key behind it, as `_sources.load` takes them.
    """

    text: str
    source: str


@frozen
class Live:
    """Workflows that are on the service.

    Attributes:
        text: The address as it was given.
        env: The environment.
        key: The key of the one that is meant, or None.
        id: Its id instead, or None.
    """

    text: str
    env: str
    key: str | None = None
    id: str | None = None


Address: TypeAlias = InSource | Live

Condition: TypeAlias = Literal["ours", "copy", "foreign"]
"""ours: code of ours deployed it. copy: it carries the stamp of another one, as after
"duplicate" in the web editor. foreign: it carries none."""


@frozen
class Known:
    """A workflow of the service, as far as the list of workflows tells.

    Attributes:
        id: Its id.
        title: Its title.
        condition: Whether code of ours deployed it.
        path: The path of that code, which ids are made of; None where there is none.
    """

    id: str
    title: str
    condition: Condition
    path: str | None = None

    @classmethod
    def of(cls, info: WorkflowInfo) -> Known:
        """What is known of a workflow of the list."""
        stamp = split_stamp(info.description, info.id)[1]
        if stamp is None:
            return cls(info.id, info.name, "foreign")
        if not stamp.is_genuine(info.id):
            return cls(info.id, info.name, "copy")
        return cls(info.id, info.name, "ours", stamp.path)

    @property
    def key(self) -> str | None:
        """Its key, with its variants behind slashes; None where its path says none."""
        return key_of(self.path) or None if self.path else None

    @property
    def env(self) -> str | None:
        """The environment that it was deployed to."""
        return env_of(self.path) if self.path else None

    @property
    def place(self) -> str | None:
        """Its path without the environment: the same wherever it is deployed."""
        return place_of(self.path) if self.path else None


# -- From text to an address ----------------------------------------------------------


def address_of(text: str) -> Address:
    """What an address means.

    Raises:
        click.UsageError: It names nothing that is there.
        SettingsError: `pyproject.toml` has mistakes.
    """
    if not text.strip():
        raise _wrong("an address is empty: is the variable set that it comes from?")
    if _exists(lambda: Path(parted(text)[0])) or _is_drive(text):
        return InSource(text, text)
    head, _, rest = text.partition(":")
    settings = load_settings()
    if head == CODE:
        source = project_source()
        return InSource(text, f"{source}:{rest}" if rest else source)
    if head in settings.environments:
        return _live(text, head, rest)
    if _is_source(head):
        return InSource(text, text)
    if rest and _takes_any(settings):
        return _live(text, head, rest)
    names = [name for name in settings.environments if name != EMULATOR]
    near = did_you_mean(head, [*names, EMULATOR, CODE, *_beside()])
    there = f"environments are {listed([*names, EMULATOR])}"
    raise _wrong(
        f"there is no file, folder, module or environment {shortened(head)}{near}; "
        f"{there}"
    )


def require_env(address: Live, env: str | None) -> str:
    """The environment of an address, which `--env` may say again.

    Raises:
        click.UsageError: It says another one.
    """
    if env not in (None, address.env):
        raise _wrong(f"{address.text} is in {address.env}: leave out --env {env}")
    return address.env


def project_source() -> str:
    """The source that the settings name, as seen from the working folder.

    Raises:
        click.UsageError: They name none.
    """
    if (source := configured()) is not None:
        return source
    advice = 'write source = "pipelines" under [tool.flow64] of pyproject.toml'
    raise _wrong(f"no source is configured, so {CODE!r} names nothing; {advice}")


def _live(text: str, env: str, rest: str) -> Live:
    if not rest.startswith(ID):
        return Live(text, env, key=rest or None)
    given = rest.removeprefix(ID)
    if not is_uuid(given):
        problem = f"{shortened(given)} is no id of a workflow"
        raise _wrong(f"{problem}; `flow64 list --env {env}` shows them")
    return Live(text, env, id=canonical_id(given))


def _exists(named: Callable[[], Path]) -> bool:
    """Whether a path is there; one that no system takes, for its length, is not."""
    try:
        return named().exists()
    except OSError:
        return False


def _is_drive(text: str) -> bool:
    r"""Whether it is a path that begins with the letter of a drive: `C:\leads.json`."""
    return re.match(r"[A-Za-z]:[\\/]", text) is not None


def _is_source(head: str) -> bool:
    """Whether it can only be a path or a module; nothing of the user is imported."""
    if Path(head).suffix in (".py", ".json") or any(sign in head for sign in r"/\."):
        return True
    if not head.isidentifier():
        return False
    if _exists(lambda: Path(f"{head}.py")):
        return True
    try:
        return find_spec(head) is not None
    except (ImportError, ValueError):
        return False


def _takes_any(settings: Settings) -> bool:
    """Whether nothing is configured, so that any name is the one environment."""
    names = settings.environments.keys() - {EMULATOR}
    return names == {DEFAULT_ENV} and (
        settings.environments[DEFAULT_ENV].credential is None
    )


def _beside() -> Sequence[str]:
    try:
        return sorted(entry.name for entry in Path.cwd().iterdir())
    except OSError:
        return []


# -- Paths ----------------------------------------------------------------------------


def env_of(path: str) -> str:
    """The environment that a path of an id names."""
    for tag, name in _segments(path):
        if tag == "env":
            return name
    return DEFAULT_ENV


def place_of(path: str) -> str:
    """A path without its environment and pin: what is the same everywhere.

    >>> place_of("ns:acme.example/project:growth/env:prod/workflow:inbound")
    'ns:acme.example/project:growth/workflow:inbound'
    """
    kept = [s for s in path.split("/") if not s.startswith(("env:", "pin:"))]
    return "/".join(kept)


def path_in(place: str, env: str) -> str:
    """The path of an id in an environment; the other way round than `place_of`.

    >>> path_in("ns:acme.example/project:growth/workflow:inbound", "prod")
    'ns:acme.example/project:growth/env:prod/workflow:inbound'
    """
    owner, found, rest = place.partition("/workflow:")
    if env == DEFAULT_ENV or not found:
        return place
    return f"{owner}/env:{escaped(env)}/workflow:{rest}"


def project_of(place: str) -> str:
    """Namespace and project of a path, as it spells them."""
    kept = [s for s in place.split("/") if s.startswith(("ns:", "project:"))]
    return "/".join(kept)


def _segments(path: str) -> Iterator[tuple[str, str]]:
    for segment in path.split("/"):
        tag, _, name = segment.partition(":")
        yield tag, unquote(name)


# -- What is live ---------------------------------------------------------------------


def known_in(client: Client) -> Sequence[Known]:
    """The workflows of the organisation, by one request."""
    return [*map(Known.of, client.workflows.list())]


def ours_in(known: Iterable[Known], env: str) -> Sequence[Known]:
    """Those that code of ours deployed to an environment."""
    return [one for one in known if one.condition == "ours" and one.env == env]


def pick(known: Iterable[Known], address: Live) -> Known:
    """The one live workflow that an address names by its key.

    Raises:
        click.UsageError: There is none, or there are several.
    """
    ours = ours_in(known, address.env)
    wanted = unicodedata.normalize("NFC", address.key or "")
    found = [one for one in ours if one.key == wanted]
    found = found or [one for one in ours if (one.key or "").split("/")[0] == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        ways = listed([f"{address.env}:{ID}{one.id}" for one in found])
        problem = f"{len(found)} workflows in {address.env} have the key {wanted!r}"
        raise _wrong(f"{problem}; name one by its id: {ways}")
    keys = [one.key for one in ours if one.key]
    near = did_you_mean(wanted, keys)
    there = f"it has {listed(sorted(keys))}" if keys else "it has none of ours"
    advice = f"what others made is named as {address.env}:{ID}UUID"
    raise _wrong(
        f"in {address.env} there is no workflow {shortened(wanted)} that code of ours "
        f"deployed{near}; {there}; {advice}"
    )


# -- Sides ----------------------------------------------------------------------------


@frozen
class Entry:
    """A workflow that an address means.

    Attributes:
        key: What it is called.
        definition: What it is.
        place: Its path without the environment; None for what has none, such as JSON.
        is_live: Whether it is what the service has.
    """

    key: str
    definition: Definition
    place: str | None
    is_live: bool


@frozen
class Side:
    """What an address means: one workflow, or several.

    Attributes:
        label: The address.
        entries: Its workflows.
        is_one: Whether it means one workflow, and not all that are there.
        env: The environment in which they are live; None for code and files.
        omitted: How many that are live there are of other projects.
        values: What values stand for where they are live.
        unset: Variables of these that are not set here.
    """

    label: str
    entries: Sequence[Entry]
    is_one: bool
    env: str | None = None
    omitted: int = 0
    values: Mapping[str, Any] = field(default=EMPTY, repr=False)
    unset: Sequence[str] = ()


def source_side(
    address: InSource,
    environment: Environment | None = None,
    values: Mapping[str, Any] | None = None,
    *,
    code: bool = True,
) -> Side:
    """The workflows of a source, compiled.

    Args:
        address: Which.
        environment: The environment for which; None compiles for `default`, without
            values.
        values: What values stand for.
        code: Whether modules may be imported; else only JSON is read.

    Raises:
        click.UsageError: There is no such source, or it is code that must not run.
        CompileError: A workflow cannot be compiled.
    """
    loaded = load(address.source, code=code)
    entries = [_compiled(one, environment, values) for one in loaded.workflows]
    return Side(address.text, entries, is_one=_is_one(loaded))


def live_side(
    client: Client,
    address: Live,
    projects: frozenset[str] | None = None,
) -> Side:
    """What is live, by requests that only read.

    Args:
        client: Of the environment.
        address: Which.
        projects: Namespaces and projects of which all is meant; None means every one.

    Raises:
        click.UsageError: There is no such workflow.
    """
    if address.id is not None:
        entry = _read(client, address.id)
        if entry is None:
            problem = f"{address.env} has no workflow {address.id}"
            raise _wrong(f"{problem}; `flow64 list --env {address.env}` shows them")
        return Side(address.text, [entry], is_one=True, env=address.env)
    known = known_in(client)
    if address.key is not None:
        chosen, omitted = [pick(known, address)], 0
    else:
        ours = ours_in(known, address.env)
        chosen = [
            one
            for one in ours
            if projects is None or project_of(one.path or "") in projects
        ]
        omitted = len(ours) - len(chosen)
    # One that is deleted meanwhile is not there.
    found = [_read(client, one.id) for one in chosen]
    entries = [entry for entry in found if entry is not None]
    return Side(
        address.text, entries, address.key is not None, address.env, omitted=omitted
    )


def definition_of(client: Client, address: Live) -> Definition:
    """The one workflow that is live under an address.

    Raises:
        click.UsageError: There is no such workflow, or it means all that are there.
    """
    if address.key is None and address.id is None:
        problem = f"{address.text} means all workflows of an environment"
        raise _wrong(f"{problem}; name one of them, as in {address.text}:KEY")
    return live_side(client, address).entries[0].definition


def projects_of(side: Side) -> frozenset[str] | None:
    """The projects that a side is about; None where it does not say."""
    places = [entry.place for entry in side.entries]
    if side.is_one or None in places:
        return None
    return frozenset(project_of(place) for place in places if place)


def values_of(environment: Environment) -> Mapping[str, Any]:
    """What values stand for, without those whose variables are not set here.

    To compare takes no secret that is not at hand.
    """
    found: dict[str, Any] = {}
    for name in environment.values:
        with suppress(ConfigError):
            found[name] = environment.bound[name]
    return found


def _compiled(
    one: Sourced, environment: Environment | None, values: Mapping[str, Any] | None
) -> Entry:
    workflow = one.workflow
    env = DEFAULT_ENV if environment is None else environment.name
    definition = made_of(workflow, env, values)
    if environment is not None:
        definition = suffixed(definition, environment.suffix)
    place = None if definition.path is None else place_of(definition.path)
    return Entry(one.name, definition, place, is_live=False)


def _read(client: Client, workflow_id: str) -> Entry | None:
    live = client.play(get_workflow(workflow_id))
    if live is None:
        return None
    stamp = live.stamp
    is_ours = stamp is not None and stamp.is_genuine(live.id or "")
    path = stamp.path if stamp is not None and is_ours else None
    key = key_of(path) if path else ""
    place = place_of(path) if path else None
    return Entry(key or live.name or str(live.id), live, place, is_live=True)


def _is_one(loaded: Loaded) -> bool:
    return loaded.is_picked or len(loaded.workflows) == 1


def _wrong(problem: str) -> click.UsageError:
    return click.UsageError(problem, click.get_current_context(silent=True))
