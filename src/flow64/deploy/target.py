"""Targets: workflows as code, or a file, wants them in one environment."""

from __future__ import annotations

import itertools
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from attrs import evolve, field, frozen

from ..definition import (
    DEFAULT_ENV,
    EMPTY,
    LOCAL,
    Definition,
    ProjectKey,
    Stamp,
    Tag,
    Values,
    add_suffix,
    block_refs,
    fingerprint,
    is_shared_path,
    list_sent,
    parse_path,
    path_of,
    secret_names,
    secrets_in,
    unbound_names,
)
from ..errors import ConsentError, DeployError
from ..text import did_you_mean, join_words, printable
from .git import Git


@runtime_checkable
class Deployable(Protocol):
    """A workflow that a target is made of, such as a `Workflow`."""

    @property
    def name(self) -> str:
        """The title."""

    @property
    def file(self) -> str | None:
        """The file that it was written in. None if not known."""

    def compile(
        self, env: str | None = None, values: Mapping[str, Any] | None = None
    ) -> Definition:
        """Return the definition for an environment."""


@frozen
class Target:
    """A workflow as code, or a file, defines it for one environment.

    Attributes:
        key: Its key, followed by its variants after slashes.
        definition: The definition, with the plain values of the environment filled in.
        stamp: The stamp that a deploy leaves.
        file: Its file, if that is known.
        pulled: The record of its pull, in the form of a stamp. It is used if the
            service has no genuine stamp yet.
    """

    key: str
    definition: Definition
    stamp: Stamp
    file: str | None = None
    pulled: Stamp | None = None

    @property
    def id(self) -> str:
        """The workflow's id."""
        return str(self.definition.id)

    @property
    def name(self) -> str:
        """The title."""
        return self.definition.name

    @property
    def is_pinned(self) -> bool:
        """Whether it is an imported workflow, which is never created or pruned."""
        return is_pin(self.stamp.path)


@frozen
class Ready:
    """A workflow that is compiled for one environment, and checked.

    Attributes:
        name: Its title in the code, for errors.
        env: The environment.
        target: What is wanted there.
        values: The values of the environment, to fill in secrets.
    """

    name: str
    env: str
    target: Target
    values: Values = field(factory=Values, repr=False)

    @property
    def definition(self) -> Definition:
        """The definition to deploy. Secrets are names in it."""
        return self.target.definition

    @property
    def command(self) -> str:
        """The command that deploys it."""
        return shlex.join(["flow64", "deploy", self.target.key, "-e", self.env])

    @property
    def stamp(self) -> Stamp:
        """The stamp that a deploy leaves."""
        return self.target.stamp

    @property
    def id(self) -> str:
        """The workflow's id."""
        return self.target.id


def target_of(
    workflow: Deployable,
    env: str,
    values: Mapping[str, Any] | None = None,
    *,
    suffix: str = "",
    schedules: bool = True,
    git: Git | None = None,
    key: str | None = None,
    pulled: Stamp | None = None,
) -> Target:
    """Compile and check a workflow for an environment. Nothing is sent.

    Args:
        workflow: The workflow.
        env: The environment.
        values: The values of this environment. Secrets stay names.
        suffix: What the environment adds to titles.
        schedules: Whether the environment takes schedules.
        git: Knows the commit of its file.
        key: Its name in plans: by default its key, with its variants after slashes.
        pulled: The record of its pull.

    Raises:
        CompileError: The workflow has errors.
        DeployError: The environment does not give all its plain values.
    """
    compiled = workflow.compile(env)
    unbound = fingerprint(compiled)
    if unbound_names(compiled) or secret_names(compiled):
        compiled = workflow.compile(env, values)
    definition = without_schedules(add_suffix(compiled, suffix), schedules=schedules)
    if names := unbound_names(definition):
        raise unset_error(workflow.name, env, names, values or ())
    path = definition.path or path_of([("ns", LOCAL), ("pin", str(definition.id))])
    refs = block_refs(block.id for block in definition.blocks)
    stamp = Stamp(
        path=path,
        unbound=unbound[:16],
        bound=fingerprint(definition)[:16],
        commit=(git or Git()).commit_of(workflow.file),
        sent={
            refs[block.id]: list_sent(block.specs, secrets_in(block.specs))
            for block in definition.blocks
        },
    )
    names = [name for tag, name in definition.present if tag in ("workflow", "variant")]
    own = key or "/".join(names) or key_of(path)
    return Target(own or str(definition.id), definition, stamp, workflow.file, pulled)


def without_schedules(definition: Definition, *, schedules: bool) -> Definition:
    """Return what an environment gets, which may take no schedules."""
    if schedules or not definition.schedules:
        return definition
    return evolve(definition, schedules=EMPTY)


def unset_error(
    title: str, env: str, names: Sequence[str], known_names: Iterable[str]
) -> DeployError:
    """Return the error of values that an environment does not give.

    Args:
        title: The workflow.
        env: The environment.
        names: The values that are missing.
        known_names: Names of the values that it gives. No content of one is shown.
    """
    unused = [name for name in known_names if name not in names]
    missing = ", ".join(f"{name}{did_you_mean(name, unused)}" for name in names)
    gives = f"; it gives {join_words(unused, 20)}" if unused else ""
    table = ", ".join(f'"{name}": ...' for name in names)
    return DeployError(
        f"{title!r} needs values that environment {env!r} does not give: "
        f"{missing}{printable(gives)}",
        hint=f"pass values={{{table}}}",
        option='to set it: values.NAME = { env = "VARIABLE" } in the table of the '
        "environment in pyproject.toml",
        names=names,
    )


def prepare(
    workflow: Deployable,
    env: str,
    values: Mapping[str, Any] | None = None,
    suffix: str = "",
    *,
    schedules: bool = True,
) -> Ready:
    """Compile a workflow for an environment, before anything is sent; see `target_of`.

    Raises:
        DeployError: The environment does not give all its values.
    """
    values = values if isinstance(values, Values) else Values(values)
    target = target_of(workflow, env, values, suffix=suffix, schedules=schedules)
    return Ready(workflow.name, env, target, values)


def require_namespace(
    target: Target, title: str, endpoint: str, *, is_local: bool
) -> None:
    """Refuse an id that other users may have too, unless the service is local.

    Raises:
        ConsentError: Its id is in the namespace `local`.
    """
    is_shared = is_shared_path(target.stamp.path) and not target.is_pinned
    if is_shared and not is_local:
        raise ConsentError(
            f"{title!r} has no project, so another user's workflow could have the same "
            f"id at {endpoint}, and it is not deployed",
            hint='give it one: Workflow(..., project=Project("growth", '
            'namespace="your-domain.example"))',
        )


# -- Paths -----------------------------------------------------------------------------


def is_pin(path: str) -> bool:
    """Return True for the path of an imported workflow, which ends in its id."""
    return path.startswith("pin:") or "/pin:" in path


def key_of(path: str) -> str:
    """Return the key of a workflow by the path of its id, such as `inbound/us`."""
    names = [name for tag, name in parse_path(path) if tag in ("workflow", "variant")]
    return "/".join(names)


def owner_of(path: str) -> str | None:
    """Return the namespace, project and environment of a workflow's path."""
    owner, separator, _ = path.partition("/workflow:")
    return owner if separator else None


def owner_paths(projects: Iterable[ProjectKey], envs: Iterable[str]) -> set[str]:
    """Return each `owner_of` of the workflows of projects, by present and old names."""
    pairs = {pair for p in projects for pair in ((p.namespace, p.key), p.old)}
    owners: set[str] = set()
    for (namespace, key), env in itertools.product(pairs, envs):
        segments: list[tuple[Tag, str]] = [("ns", namespace), ("project", key)]
        segments += [("env", env)] * (env != DEFAULT_ENV)
        owners.add(path_of(segments))
    return owners


def describe_owner(path: str) -> str:
    """Describe a path, such as `growth (acme.example) in staging`."""
    segments = dict(parse_path(path))
    words = segments.get("project", "no project")
    if "project" in segments:
        words += f" ({segments.get('ns', '')})"
    return words + (f" in {segments['env']}" if "env" in segments else "")
