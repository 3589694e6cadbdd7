"""The identity of a workflow: its paths by environment, its pins, and their faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeGuard

from ..definition import (
    DEFAULT_ENV,
    EMPTY,
    LOCAL,
    ProjectKey,
    Tag,
    canonical_id,
    escape_key,
    id_of,
    is_plain,
    is_uuid,
    path_of,
    read_old_path,
    slug,
    write_old_path,
)
from ..diagnostics import Finding, Place
from ..text import shortened

MAX_KEY: Final = 512
"""Characters of the longest key."""


def is_key(key: Any) -> TypeGuard[str]:
    """Return True if a value can be a key: text of 1 to 512 characters of Unicode."""
    return as_segment(key) is not None


def as_segment(key: Any) -> str | None:
    """Return a key as it stands in paths; None if it cannot be a key."""
    if type(key) is str and 0 < len(key) <= MAX_KEY and is_plain(key):
        return escape_key(key)
    return None


class Identity(NamedTuple):
    """The keys of a workflow, from which its path in each environment is made.

    Attributes:
        name: The title.
        description: The description, without a stamp.
        key: The workflow's key, or None for the slug of its title.
        was: The path below the project that it had before, which its ids are computed
            from: its key, and its variants after slashes.
        project: The owner of its ids, or None for the namespace `local`.
        segments: Axes and variants, as (tag, key) pairs.
        id: Pins the workflow to an imported one in the environment `default`.
        pins: `{"workflow": {environment: id}, "blocks": {key path: id}}`.
        place: The place where the workflow was written.
    """

    name: str
    description: str = ""
    key: str | None = None
    was: str | None = None
    project: ProjectKey | None = None
    segments: Sequence[tuple[Tag, str]] = ()
    id: str | None = None
    pins: Mapping[str, Mapping[str, str]] = EMPTY
    place: Place | None = None

    @property
    def shown_key(self) -> str:
        """The key, given or derived from the title."""
        if self.key is not None:
            return self.key
        return slug(self.name) if isinstance(self.name, str) else ""

    @property
    def below(self) -> list[tuple[Tag, str]]:
        """The path below the project, as (tag, key) pairs: the old one, if it has one.

        Its present keys do not count then.
        """
        if isinstance(self.was, str):
            return read_old_path(self.was)
        return [("workflow", self.shown_key), *self.segments]

    @property
    def present(self) -> Sequence[tuple[Tag, str]]:
        """What it is called now: its project, key and variant, as (tag, key) pairs."""
        below: list[tuple[Tag, str]] = [("workflow", self.shown_key), *self.segments]
        return [("project", self.project.key), *below] if self.project else below

    def varied(
        self, segments: Sequence[tuple[Tag, str]], was: str | None = None
    ) -> Identity:
        """Return the identity with further segments; see `Workflow.varied`."""
        if was is None and self.was is not None:
            was = write_old_path([*self.below, *segments])
        return self._replace(segments=(*self.segments, *segments), was=was)

    def segments_in(self, env: str) -> list[tuple[Tag, str]]:
        """Return the path of the workflow in an environment, as (tag, key) pairs."""
        owner: list[tuple[Tag, str]] = [("ns", LOCAL)]
        if self.project is not None:
            namespace, key = self.project.old
            owner = [("ns", namespace), ("project", key)]
        if env != DEFAULT_ENV:
            owner.append(("env", env))
        return [*owner, *self.below]

    def path(self, env: str = DEFAULT_ENV) -> str:
        """Return the path of the workflow in an environment."""
        # Faulty keys are findings, and what stands for them is not used further.
        segments = self.segments_in(env)
        return "/".join([f"{tag}:{as_segment(key) or ''}" for tag, key in segments])

    def pinned_id(self, env: str = DEFAULT_ENV) -> str | None:
        """Return the id of the imported workflow in an environment, if any."""
        if env == DEFAULT_ENV and self.id is not None:
            return self.id
        pinned = self.pins.get("workflow", EMPTY)
        return pinned.get(env) if isinstance(env, str) else None

    def id_and_path(self, env: str = DEFAULT_ENV) -> tuple[str, str]:
        """Return the id in an environment, and the path that makes or pins it."""
        path, pinned = self.path(env), self.pinned_id(env)
        if pinned is None or not is_uuid(pinned):
            return id_of(path), path
        pin = canonical_id(str(pinned))
        return pin, f"{path}/{path_of([('pin', pin)])}"

    def findings(self, env: str = DEFAULT_ENV) -> list[Finding]:
        """Return findings about keys, title and pins."""
        return [
            Finding(code, "keys", "error", message, advice, place=self.place)
            for code, message, advice in self._faults(env)
        ]

    def _faults(self, env: str) -> Iterator[tuple[str, str, str]]:
        for what, text in (("name", self.name), ("description", self.description)):
            if type(text) is not str or not is_plain(text):
                message = f"{what} {shortened(text)} is not Unicode text"
                yield "invalid-name", message, f"write {what} as a plain str"
        if self.key is None and not self.shown_key:
            message = f"the title {shortened(self.name)} gives no key"
            advice = 'name it yourself: Workflow(..., key="leads")'
            yield "key-needed", message, advice
        for what, key in self._keys(env):
            if as_segment(key) is None and (key is not None or what != "key"):
                message = f"{what} {shortened(key)} is not a key"
                advice = f"keys are plain str of 1 to {MAX_KEY} characters"
                yield "invalid-key", message, advice
        if (p := self.project) is not None and LOCAL in (p.namespace, p.old[0]):
            message = f"the namespace {LOCAL!r} is that of workflows without a project"
            advice = 'name a domain or repository of yours: namespace="acme.example"'
            yield "invalid-key", message, advice
        if not self.pins and self.id is None:
            return
        if unknown := self.pins.keys() - {"workflow", "blocks"}:
            message = f"pins has {', '.join(sorted(map(str, unknown)))}"
            yield "unknown-pin", message, "pins has the parts workflow and blocks"
        pinned = self.pinned_id(env)
        if pinned is not None and not is_uuid(pinned):
            advice = "pin the UUID of the imported workflow"
            yield "invalid-id", f"id {shortened(pinned)} is not a UUID", advice

    def _keys(self, env: str) -> list[tuple[str, Any]]:
        keys: list[tuple[str, Any]] = [("env", env), ("key", self.key), *self.segments]
        if self.was is not None:
            below = self.below if isinstance(self.was, str) else [("was", self.was)]
            keys += [("was", key) for _, key in below]
        if (project := self.project) is not None:
            keys += [("project key", project.key), ("namespace", project.namespace)]
            what = f"in was={shortened(project.was)}, NAMESPACE/KEY of the project,"
            keys += [(what, name) for name in project.old if project.was is not None]
        return keys
