"""Targets: workflows as code, or a file, wants them in one environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from attrs import evolve

from ..definition import (
    DEFAULT_ENV,
    LOCAL,
    Definition,
    ProjectKey,
    Stamp,
    Tag,
    add_suffix,
    fingerprint,
    parse_path,
    path_of,
    require_readable,
    unbound_names,
    with_stamp,
)
from ..errors import UnboundValueError
from ..plan import Target
from ._drift import SpecFields, merge_live, sent_fields, short_fingerprint
from ._git import Git


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

    def compile_with_fingerprint(
        self, env: str | None = None, values: Mapping[str, Any] | None = None
    ) -> tuple[Definition, str]:
        """Return the definition and its unbound fingerprint."""


def target_of(
    workflow: Deployable,
    env: str,
    values: Mapping[str, Any] | None = None,
    *,
    suffix: str = "",
    git: Git,
    key: str | None = None,
    pulled: Stamp | None = None,
) -> Target:
    """Compile and check a workflow for an environment. Nothing is sent.

    Args:
        workflow: The workflow.
        env: The environment.
        values: The values of this environment.
        suffix: What the environment adds to titles.
        git: Knows the commit of its file.
        key: Its name in plans: by default its key, with its variants after slashes.
        pulled: The record of its pull.

    Raises:
        CompileError: The workflow has errors.
        UnboundValueError: The environment does not give all its values.
        ReadError: It is too large to be read back after it is written.
    """
    compiled, unbound = workflow.compile_with_fingerprint(env, values)
    definition = add_suffix(compiled, suffix)
    if names := unbound_names(definition):
        raise UnboundValueError(workflow.name, env, names, [*(values or ())])
    require_readable(definition)
    path = definition.path or path_of([("ns", LOCAL), ("pin", str(definition.id))])
    stamp = Stamp(
        path=path,
        unbound=unbound[:16],
        bound=short_fingerprint(definition),
        commit=git.commit_of(workflow.file),
        fields=sent_fields(definition),
    )
    called = key or key_of(path, getattr(workflow, "key", None)) or str(definition.id)
    return Target(called, definition, stamp, workflow.file, pulled)


def merge_target(
    target: Target, live: Definition | None, sent: SpecFields | None = None
) -> Definition:
    """Return what a write sends: the code with its stamp, merged into what is live.

    Args:
        target: The wanted workflow.
        live: What the service has. None if it has nothing.
        sent: What the last deploy set, if that is known already.
    """
    code = target.definition
    merged = merge_live(code, live, target.pulled, sent=sent)
    return evolve(merged, description=with_stamp(code.description, target.stamp))


def key_of(path: str, key: str | None = None) -> str:
    """Return the key of a workflow with its variants, such as `inbound/us`.

    Args:
        path: The path of its id.
        key: Its key, if the path has another one, as with `was=`.
    """
    found = dict[str, list[str]]()
    for tag, name in parse_path(path):
        found.setdefault(tag, []).append(name)
    own = [key] if key else found.get("workflow", [])
    return "/".join([*own, *found.get("variant", [])])


def owner_of(path: str) -> str | None:
    """Return the namespace, project and environment of a workflow's path."""
    before, found, _ = path.partition("/workflow:")
    return before if found else None


def describe_owner(path: str) -> str:
    """Describe a path, such as `workflow inbound of project growth (...)`."""
    found = dict(parse_path(path))
    words = [f"workflow {key_of(path)}" if "workflow" in found else "a workflow"]
    if "project" in found:
        words.append(f"of project {found['project']} ({found.get('ns', '')})")
    else:
        words.append("of no project")
    if "env" in found:
        words.append(f"in environment {found['env']}")
    if "pin" in found:
        words.append("by a pin")
    return " ".join(words)


def owner_path(project: ProjectKey, env: str) -> str:
    """Return the `owner_of` of a project's workflows in an environment."""
    segments: list[tuple[Tag, str]] = [
        ("ns", project.namespace),
        ("project", project.key),
    ]
    if env != DEFAULT_ENV:
        segments.append(("env", env))
    return path_of(segments)


def bases_of(
    definitions: Iterable[Definition],
) -> Callable[[str], Definition | None]:
    """Return a function that finds definitions by 16 digits of either fingerprint.

    Args:
        definitions: Definitions that may have been deployed last, values filled in.
    """
    found: dict[str, Definition] = {}
    for definition in definitions:
        for bound in (False, True):
            found.setdefault(fingerprint(definition, bound=bound)[:16], definition)
    return found.get
