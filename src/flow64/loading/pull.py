"""Pulling: live workflows as canonical JSON without secrets.

A text that equals a value of the environment becomes that value. A workflow with any
other text that looks like a key, or that contains a secret, is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import evolve, field, frozen

from ..analysis.check import allow_errors
from ..definition import EMPTY, Definition, FrozenDict, Value, ids, loads, pointer, thaw
from ..definition.model import WireBlock, as_body, dumps, fingerprint
from ..definition.secrets import name_secrets, secret_places, stamped_places
from ..deploy.target import key_of
from ..errors import ReadError
from ..manifest import MANIFEST, BlockEntry, Entry, Manifest, Pulled, as_text, stem_of
from ..secrets import MASK, SHORTEST, Secrets, has_key, map_json, mask, texts_in

LONGEST: Final = 80
"""Maximum characters of a key that is made from a title."""


# -- Values of the environment ---------------------------------------------------------


@frozen
class KnownValue:
    """A value of an environment.

    Attributes:
        content: Its content, as JSON data.
        secrets: The texts in it that come from variables. They make it secret.
    """

    name: str
    content: Any = field(repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)


_SHORTEST: Final = 8
"""Fewest characters of a text that is recognised by itself, if it is no secret."""

# A word such as PROFESSIONAL may be in many fields by chance.
_DISTINCTIVE: Final = re.compile(r"(?=\S*(?:\d|://|@))\S+")


def name_values(
    live: Definition, known_values: Iterable[KnownValue]
) -> tuple[Definition, Sequence[str]]:
    """Return a definition with values in place of the texts that equal them.

    A value must be recognisable: long, and if it is no secret, not a plain word. Of
    several values with one content, the first secret one is used; of plain ones none.

    Args:
        live: A definition with an id.
        known_values: The values of the environment.

    Returns:
        The definition, and the names of the values in it.
    """
    ordered = sorted(known_values, key=lambda value: (not value.secrets, value.name))
    contents = [_compact(value.content) for value in ordered]
    values: dict[str, Value] = {}
    for value, content in zip(ordered, contents, strict=True):
        texts = [text for _, text in texts_in(value.content)]
        is_secret = bool(value.secrets) or any(map(has_key, texts))
        is_clear = any(_is_clear(text, is_secret) for text in texts)
        if is_clear and (is_secret or contents.count(content) == 1):
            values.setdefault(content, Value(value.name, secret=is_secret))
    names: list[str] = []

    def name(item: Any, _: object) -> Any:
        item = values.get(_compact(thaw(item)), item) if values else item
        if type(item) is Value and item.name not in names:
            names.append(item.name)
        return item

    stamp = ids.genuine_stamp(live.stamp, live.id)
    named = name_secrets(live, stamped_places(live, stamp))

    def name_fields(block: WireBlock) -> FrozenDict:
        return FrozenDict({k: map_json(v, name) for k, v in block.specs.items()})

    return named.map_specs(name_fields), names


def _is_clear(text: str, is_secret: bool) -> bool:
    """Return True if the same live text can hardly be a coincidence."""
    if is_secret:
        return len(text) >= SHORTEST
    return len(text) >= _SHORTEST and _DISTINCTIVE.fullmatch(text) is not None


def _compact(content: Any) -> str:
    """Return JSON data as text. Unlike in Python, 1 is neither 1.0 nor True."""
    return json.dumps(content, sort_keys=True, default=repr)


def find_secret(
    definition: Definition, known_values: Iterable[KnownValue] = ()
) -> str | None:
    """Return where a text looks like a key, or contains a known secret; else None."""
    secrets = Secrets(text for value in known_values for text in value.secrets)
    places: dict[str, Any] = {
        f"{block.kind} ({block.id[:8]}) at ": thaw(block.specs)
        for block in definition.blocks
    }
    places[""] = {**as_body(definition), "schedules": {**(definition.schedules or {})}}
    for place, content in places.items():
        for path, text in texts_in(content, with_names=True):
            if has_key(text) or secrets.is_in(text):
                return place + (mask(secrets.mask(pointer(path))) or "its names")
    return None


# -- Pulling ---------------------------------------------------------------------------


@frozen
class PulledWorkflow:
    """A workflow that was pulled.

    Attributes:
        name: Its title.
        text: The content of the file.
        values: The names of the values in it.
    """

    file: str
    id: str
    name: str
    text: str = field(repr=False)
    entry: Entry = field(repr=False)
    values: Sequence[str] = ()


@frozen
class RefusedWorkflow:
    """A workflow that was not pulled, and why."""

    id: str
    name: str
    problem: str


@frozen
class Pull:
    """The pulled workflows of an environment, before anything is written.

    Attributes:
        workflows: The workflows, sorted by file name.
        refused: The workflows that cannot be saved in a file.
    """

    workflows: Sequence[PulledWorkflow]
    refused: Sequence[RefusedWorkflow] = ()

    def texts(self, before: Manifest, there: Iterable[str] = ()) -> Mapping[str, str]:
        """Return the content of each file to write, including the manifest.

        Args:
            before: The present manifest of the folder.
            there: The names of the files in the folder.
        """
        entries = {workflow.file: workflow.entry for workflow in self.workflows}
        manifest = before.update(entries, there=frozenset(there))
        texts = {workflow.file: workflow.text for workflow in self.workflows}
        return {**texts, MANIFEST: as_text(manifest)}


def make_pull(
    live: Iterable[Definition],
    env: str,
    before: Manifest | None = None,
    known_values: Sequence[KnownValue] = (),
) -> Pull:
    """Convert live workflows to files of a folder.

    Each is pinned to its id in the environment. A workflow that was pulled before keeps
    its file and its key. The result has no text of a secret.

    Args:
        live: The workflows.
        env: The environment they are from.
        before: The present manifest of the folder.
        known_values: The values of the environment.
    """
    # Sorted by id, so that workflows with the same title always get the same names.
    ordered = sorted(live, key=lambda workflow: ids.canonical_id(str(workflow.id)))
    places = _choose_files(ordered, env, before or Manifest())
    pulled: dict[str, PulledWorkflow] = {}
    refused: list[RefusedWorkflow] = []
    for workflow, (file, entry) in zip(ordered, places, strict=True):
        outcome = _convert(workflow, env, file, entry, known_values)
        if isinstance(outcome, RefusedWorkflow):
            refused.append(outcome)
        else:
            pulled[file] = outcome
    return Pull([pulled[file] for file in sorted(pulled)], refused)


def _make_key(live: Definition) -> str:
    """Return a key for a live workflow: that of its code, or one from its title."""
    stamp = ids.genuine_stamp(live.stamp, live.id)
    title = key_of(stamp.path) if stamp else live.name
    key = ids.slug(title.encode("utf-8", "ignore").decode())[:LONGEST].strip("-")
    return key or "workflow"


def _choose_files(
    live: Sequence[Definition], env: str, before: Manifest
) -> Iterator[tuple[str, Entry]]:
    """The file and the entry of each workflow. No file is that of another one."""
    pinned = {
        ids.canonical_id(pin): (file, entry)
        for file, entry in before.files.items()
        if (pin := entry.pins.get(env)) is not None
    }
    used = {file.casefold() for file in before.files}
    for workflow in live:
        workflow_id = ids.canonical_id(str(workflow.id))
        if workflow_id in pinned:
            yield pinned[workflow_id]
            continue
        key = _make_key(workflow)
        while (file := f"{stem_of([key])}.json").casefold() in used:
            key = f"{key}-{workflow_id[:8]}"
        used.add(file.casefold())
        path = ids.path_of([("workflow", key)])
        yield file, Entry(key, path, pins={env: workflow_id})


def _convert(
    live: Definition,
    env: str,
    file: str,
    entry: Entry,
    known_values: Sequence[KnownValue],
) -> PulledWorkflow | RefusedWorkflow:
    """Convert one workflow to a file, or say why that is not possible."""
    workflow_id = ids.canonical_id(str(live.id))
    named, values = name_values(live, known_values)
    # Other keys of the answer are not part of the body that creates the workflow.
    written = evolve(named, id=workflow_id, extra=EMPTY, is_answer=False)
    text = dumps(written)
    if (problem := _find_problem(written, text, known_values)) is not None:
        secrets = Secrets(text for value in known_values for text in value.secrets)
        title = MASK if secrets.is_in(live.name) else mask(live.name)
        return RefusedWorkflow(workflow_id, title, problem)
    refs = ids.block_refs(block.id for block in live.blocks)
    pulled = Pulled(
        env,
        fingerprint(written)[:16],
        fingerprint(name_secrets(live, secret_places(written)))[:16],
        {refs[block.id]: tuple(sorted(block.specs)) for block in live.blocks},
    )
    allowed, _ = allow_errors(written)
    blocks = {**entry.blocks, **dict(_allowing_entries(allowed, entry))}
    planned = live.schedules or EMPTY
    entry = evolve(entry, env=env, pulled=pulled, blocks=blocks, schedules=planned)
    return PulledWorkflow(file, workflow_id, live.name, text, entry, values)


def _allowing_entries(
    definition: Definition, entry: Entry
) -> Iterator[tuple[str, BlockEntry]]:
    """Yield an entry for each block that allows an error, by the block's id."""
    for at, block in enumerate(definition.blocks):
        if allow := definition.origins[at].allowed:
            block_id = ids.canonical_id(block.id)
            is_alone = len(definition.by_kind[block.kind]) == 1
            key = block.kind if is_alone else f"{block.kind}-{block_id[:8]}"
            before = entry.blocks.get(block_id, BlockEntry(key))
            codes = tuple(sorted({*before.allow, *allow}))
            yield block_id, evolve(before, allow=codes)


def _find_problem(
    written: Definition, text: str, known_values: Sequence[KnownValue]
) -> str | None:
    """Return why a workflow cannot be saved in a file; None if it can."""
    if not ids.is_uuid(written.id):
        return "its id is not a UUID, so nothing can be pinned to it"
    if (place := find_secret(written, known_values)) is not None:
        return (
            f"{place} holds what looks like a key, or a secret value; let the whole "
            "text there be a value: NAME = { env = "
            '"VARIABLE" } under values of the environment in pyproject.toml'
        )
    try:
        is_same = loads(text.encode()) == written
    except (ReadError, UnicodeEncodeError):
        is_same = False
    return None if is_same else "flow64 cannot write and read all of it as JSON"
