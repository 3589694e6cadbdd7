"""Pulling: live workflows as canonical JSON without secrets.

A text that equals a value of the environment becomes that value. A text that looks like
a key becomes a new value. A text that only contains a secret can be neither, so the
workflow is refused.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import Factory, define, evolve, field, frozen

from ..analysis.check import allow_errors
from ..api.calls import WorkflowInfo, get_workflow, list_workflows
from ..api.session import Session
from ..definition import (
    EMPTY,
    VALUE_KEY,
    Definition,
    FrozenDict,
    Path,
    Stamp,
    Value,
    WireBlock,
    as_body,
    block_refs,
    canonical_id,
    digest,
    dumps,
    fingerprint,
    genuine_stamp,
    is_uuid,
    loads,
    name_secrets,
    path_of,
    pointer,
    secret_places,
    slug,
    split_stamp,
    stamped_places,
)
from ..deploy.judge import fields_of_last_deploy, keep_fields
from ..deploy.target import key_of
from ..errors import PullError, ReadError, did_you_mean
from ..secrets import MASK, has_key, map_json, mask, texts_in
from ._known import Known, KnownValues
from ._model import BlockEntry, Entry, Manifest, Pulled
from ._names import MANIFEST, stem_of
from ._write import as_text

LONGEST: Final = 80
"""Maximum characters of a key that is made from a title."""


@frozen
class ReplacedText:
    """A text of a workflow that was replaced by a value. The text is not kept.

    Attributes:
        name: The name of the value.
        where: The block, and the place in its specs.
        is_set: Whether the environment has the value. If not, the text looked like a
            key, and the value must be set.
    """

    name: str
    file: str
    where: str
    is_set: bool = False


@frozen
class PulledWorkflow:
    """A workflow that was pulled.

    Attributes:
        name: Its title.
        text: The content of the file.
        values: The texts that were replaced by values.
        stamped: The path of the code that deployed it, if it was deployed by flow64.
        may_tell: Whether the file may contain secrets: its code had values that were
            not found in it.
        accepted: Codes of errors that its entry allows, since the service has stored
            them.
    """

    file: str
    id: str
    name: str
    text: str = field(repr=False)
    entry: Entry = field(repr=False)
    values: tuple[ReplacedText, ...] = ()
    stamped: str | None = None
    may_tell: bool = False
    accepted: tuple[str, ...] = ()


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

    env: str
    workflows: tuple[PulledWorkflow, ...]
    refused: tuple[RefusedWorkflow, ...] = ()

    @property
    def unset(self) -> Sequence[ReplacedText]:
        """The values that must be set."""
        return [v for one in self.workflows for v in one.values if not v.is_set]

    @property
    def known(self) -> Sequence[ReplacedText]:
        """The values that the environment has, each once in a workflow."""
        return [v for one in self.workflows for v in one.values if v.is_set]

    @property
    def setting_lines(self) -> Sequence[str]:
        """The lines of pyproject.toml that take the values from variables."""
        return setting_lines(self.env, self.unset)

    def texts(self, before: Manifest, there: Iterable[str] = ()) -> Mapping[str, str]:
        """Return the content of each file to write, including the manifest.

        Args:
            before: The present manifest of the folder.
            there: The names of the files in the folder.
        """
        made = {one.file: one.entry for one in self.workflows}
        manifest = before.update(made, there=frozenset(there))
        files = {one.file: one.text for one in self.workflows}
        return {**files, MANIFEST: as_text(manifest)}


def setting_lines(env: str, values: Iterable[ReplacedText]) -> Sequence[str]:
    """Return the lines of pyproject.toml that take values from variables."""
    names = sorted({one.name for one in values})
    if not names:
        return []
    named = env if _BARE.fullmatch(env) else json.dumps(env)
    return [
        f"[tool.flow64.environments.{named}.values]",
        *(f'{name} = {{ env = "{name.upper()}" }}' for name in names),
    ]


def replace_secrets(
    definition: Definition, file: str, used: set[str], known: Iterable[Known] = ()
) -> tuple[Definition, tuple[ReplacedText, ...]]:
    """Replace the secrets of a definition by values.

    Args:
        definition: A definition with an id.
        file: The prefix of the names of new values.
        used: Names that new values must not have, in lower case. The names of new
            values are added.
        known: The values of the environment.
    """
    values = KnownValues.of(known)
    used |= {name.casefold() for name in values.names}
    replacer = _Replacer(file, canonical_id(str(definition.id)), used, values)
    blocks = replacer.replace_all(_name_stamped(definition).blocks)
    made = evolve(definition, blocks=blocks)
    return made, tuple(replacer.found)


def _name_stamped(live: Definition) -> Definition:
    """Return a live definition with the secrets that its stamp names."""
    return name_secrets(live, stamped_places(live, genuine_stamp(live.stamp, live.id)))


def has_secret(definition: Definition, known: Iterable[Known] = ()) -> bool:
    """Return True if a text looks like a key, or contains a known secret."""
    data = as_body(definition)
    if KnownValues.of(known).secrets.find(data) is not None:
        return True
    return _holds_key(data)


def fetch_workflows(
    session: Session, wanted: str | None = None
) -> Sequence[Definition]:
    """Read live workflows.

    Args:
        wanted: An id, or the key or title of one workflow; None for all.

    Raises:
        PullError: No workflow, or more than one, has this name.
        ApiError: The service refused a request.
    """
    if is_uuid(wanted):
        ids = [str(wanted)]
    else:
        listed = list_workflows(session)
        ids = (
            [one.id for one in listed] if wanted is None else [_find_id(wanted, listed)]
        )
    found: list[Definition] = []
    for workflow_id in ids:
        live = get_workflow(session, workflow_id)
        if live is not None:
            found.append(live)
        elif wanted is not None:
            problem = "it is not there, or is not shown to you; flow64 list shows all"
            raise PullError(wanted, problem)
    return found


def make_pull(
    found: Iterable[Definition],
    env: str,
    before: Manifest | None = None,
    names: Iterable[str] = (),
    known: Iterable[Known] = (),
    *,
    suffix: str = "",
) -> Pull:
    """Convert live workflows to files of a folder.

    Each is pinned to its id in the environment. A workflow that was pulled before keeps
    its file and its key. The result has no text of a secret.

    Args:
        found: The workflows.
        env: The environment they are from.
        before: The present manifest of the folder.
        names: Names of values that other files of the folder use.
        known: The values of the environment.
        suffix: The suffix that the environment adds to titles.
    """
    values = KnownValues.of(known)
    # Sorted by id, so that workflows with the same title always get the same names.
    live = sorted(found, key=lambda one: canonical_id(str(one.id)))
    used = {name.casefold() for name in (*names, *values.names)}
    files = _choose_files(live, env, before or Manifest())
    outcomes = [
        _convert(one, env, file, entry, used=used, values=values, suffix=suffix)
        for one, (file, entry) in zip(live, files, strict=True)
    ]
    made = [one for one in outcomes if isinstance(one, PulledWorkflow)]
    return Pull(
        env,
        tuple(sorted(made, key=lambda one: one.file)),
        tuple(one for one in outcomes if isinstance(one, RefusedWorkflow)),
    )


# -- Names ----------------------------------------------------------------------------


def _find_id(wanted: str, listed: Sequence[WorkflowInfo]) -> str:
    """Return the id of the workflow with a key or title."""
    keys = [_key_of_listed(one) for one in listed]
    named = zip(listed, keys, strict=True)
    ids = [one.id for one, key in named if wanted in (key, one.name)]
    if len(ids) == 1:
        return ids[0]
    if ids:
        problem = f"{len(ids)} have this name; name one by its id: {', '.join(ids)}"
        raise PullError(wanted, problem)
    # A title may hold a secret; a key is made of plain words.
    near = did_you_mean(wanted, keys)
    raise PullError(wanted, f"no workflow has this name{near}; flow64 list shows all")


def _key_of_listed(info: WorkflowInfo) -> str:
    return _make_key(info.name, split_stamp(info.description, info.id)[1], info.id)


def _make_key(name: str, stamp: Stamp | None, workflow_id: str | None) -> str:
    """Return a key for a live workflow: that of its code, or one from its title."""
    own = genuine_stamp(stamp, workflow_id)
    title = key_of(own.path) if own else name
    key = slug(title.encode("utf-8", "ignore").decode())[:LONGEST].strip("-")
    return key or "workflow"


def _choose_files(
    live: Sequence[Definition], env: str, before: Manifest
) -> Iterator[tuple[str, Entry]]:
    """The file and the entry of each workflow. No file is that of another one."""
    known = {
        pinned.lower(): (file, entry)
        for file, entry in before.files.items()
        if (pinned := entry.pins.get(env)) is not None
    }
    fresh = [one for one in live if str(one.id).lower() not in known]
    bases = Counter(_key_of(one).casefold() for one in fresh)
    used = {file.casefold() for file in before.files}
    for one in live:
        workflow_id = canonical_id(str(one.id))
        if workflow_id.lower() in known:
            yield known[workflow_id.lower()]
            continue
        key = _key_of(one)
        if bases[key.casefold()] > 1:
            key = f"{key}-{workflow_id[:8]}"
        while (file := f"{stem_of([key])}.json").casefold() in used:
            key = f"{key}-{workflow_id[:8]}"
        used.add(file.casefold())
        yield file, Entry(key, path_of([("workflow", key)]), pins={env: workflow_id})


def _key_of(live: Definition) -> str:
    return _make_key(live.name, live.stamp, live.id)


# -- Content --------------------------------------------------------------------------

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_GAPS: Final = re.compile(r"[^A-Za-z0-9]+")


def _convert(
    live: Definition,
    env: str,
    file: str,
    entry: Entry,
    *,
    used: set[str],
    values: KnownValues,
    suffix: str,
) -> PulledWorkflow | RefusedWorkflow:
    """Convert one workflow to a file, or say why that is not possible."""
    workflow_id = canonical_id(str(live.id))
    names = {*used}
    replacer = _Replacer(file, workflow_id, names, values)
    # Other keys of the answer are not part of the body that creates the workflow.
    written = evolve(
        live,
        id=workflow_id,
        extra=EMPTY,
        is_answer=False,
        blocks=replacer.replace_all(_name_stamped(live).blocks),
    )
    text = dumps(written)
    if (problem := _find_problem(written, text, values)) is not None:
        name = MASK if values.secrets.is_in(live.name) else mask(live.name)
        return RefusedWorkflow(workflow_id, name, problem)
    used |= names
    refs = block_refs(block.id for block in live.blocks)
    pulled = Pulled(
        env,
        fingerprint(written)[:16],
        fingerprint(name_secrets(live, secret_places(written)))[:16],
        {refs[block.id]: frozenset(block.specs) for block in live.blocks},
    )
    allowed, accepted = allow_errors(written)
    blocks = {**entry.blocks, **dict(_allowing_entries(allowed, entry))}
    own = genuine_stamp(live.stamp, workflow_id)
    return PulledWorkflow(
        file,
        workflow_id,
        live.name,
        text,
        evolve(entry, env=env, pulled=pulled, blocks=blocks),
        tuple(replacer.found),
        own.path if own else None,
        may_hold_values(live, written, suffix),
        tuple(accepted),
    )


def may_hold_values(live: Definition, written: Definition, suffix: str = "") -> bool:
    """Return True if values of the code may stand in a definition as plain texts.

    Args:
        live: The live definition.
        written: The same with values in place of known texts.
        suffix: The suffix of its title that the code does not have.
    """
    stamp = live.stamp
    if stamp is None or stamp.unbound == stamp.bound:
        return False
    name = written.name.removesuffix(f" {suffix}") if suffix else written.name
    # The code does not have the fields that somebody else set.
    fields = fields_of_last_deploy(live, stamp, stamped_places(live, stamp))
    seen = evolve(keep_fields(written, fields), name=name)
    return stamp.unbound != fingerprint(seen)[:16]


def _allowing_entries(
    definition: Definition, entry: Entry
) -> Iterator[tuple[str, BlockEntry]]:
    """Yield an entry for each block that allows an error, by the block's id."""
    for at, block in enumerate(definition.blocks):
        if allow := definition.origins[at].allowed:
            block_id = canonical_id(block.id)
            is_alone = len(definition.by_kind[block.kind]) == 1
            key = block.kind if is_alone else f"{block.kind}-{block_id[:8]}"
            known = entry.blocks.get(block_id, BlockEntry(key))
            codes = tuple(sorted({*known.allow, *allow}))
            yield block_id, evolve(known, allow=codes)


def _find_problem(written: Definition, text: str, values: KnownValues) -> str | None:
    """Return why a workflow cannot be saved in a file; None if it can."""
    if not is_uuid(written.id):
        return "its id is not a UUID, so nothing can be pinned to it"
    if (path := values.secrets.find(as_body(written))) is not None:
        place = mask(pointer(path)) or "its names"
        return (
            f"a secret value of the environment is part of {place}, and a value can "
            "only replace a whole text; make the whole text a value, or "
            "remove the secret there, and pull again"
        )
    if _holds_key(as_body(written)):
        return (
            "a text that looks like a key is outside the specs, or in the name of a "
            "spec, and no value can replace it there; remove it, and pull again"
        )
    try:
        is_same = loads(text.encode()) == written
    except (ReadError, UnicodeEncodeError):
        is_same = False
    return None if is_same else "flow64 cannot write and read all of it as JSON"


@define
class _Replacer:
    """Replaces secrets in one workflow by values.

    Attributes:
        used: Names that new values must not have, in lower case.
        known: The values of the environment.
        found: The replaced texts.
    """

    file: str
    workflow_id: str
    used: set[str]
    known: KnownValues = field(repr=False)
    found: list[ReplacedText] = Factory(list[ReplacedText])
    _values: dict[str, Value] = field(factory=dict[str, Value], repr=False)

    def replace_all(self, blocks: Sequence[WireBlock]) -> tuple[WireBlock, ...]:
        """Replace the secrets of all blocks, and add the new names to `used`."""
        made = tuple(block._replace(specs=self._specs(block)) for block in blocks)
        self.used |= {one.name.casefold() for one in self.found}
        return made

    def _specs(self, block: WireBlock) -> FrozenDict:
        def name(item: Any, path: Path) -> Any:
            if type(item) is Value:  # by the stamp
                if all(item.name != one.name for one in self.found):
                    is_set = item.name in self.known.names
                    self._note(item.name, block, path, is_set=is_set)
                return item
            if (known := self.known.value_of(item)) is not None:
                if all(known.name != one.name for one in self.found):
                    self._note(known.name, block, path, is_set=True)
                return known
            if isinstance(item, str) and has_key(item):
                return self._value(item, block, path)
            # A name cannot be a value, and an object that looks like one cannot be
            # written. So the whole object becomes a value.
            if isinstance(item, dict) and (
                VALUE_KEY in item or any(map(has_key, item))
            ):
                return self._value(repr(item), block, path)
            return item

        return FrozenDict(
            {
                field: map_json(item, name, (field,))
                for field, item in block.specs.items()
            }
        )

    def _value(self, text: str, block: WireBlock, path: Path) -> Value:
        """Return the value for a text, the same one for each occurrence."""
        if text not in self._values:
            ours = {one.name.casefold() for one in self.found}
            words = (self.file.removesuffix(".json"), block.kind, *path)
            name = _GAPS.sub("_", "_".join(map(str, words))).strip("_").lower()
            name = name if name[:1].isalpha() else f"workflow_{name}"
            place = [self.workflow_id, block.id, pointer(path)]
            if len(name) > LONGEST or name in self.used | ours:
                name = f"{name[:LONGEST]}_{digest(place)[:8]}"
            self._values[text] = Value(name, secret=True)
            self._note(name, block, path)
        return self._values[text]

    def _note(
        self, name: str, block: WireBlock, path: Path, *, is_set: bool = False
    ) -> None:
        where = f"{block.kind} ({block.id[:8]}) at {pointer(path)}"
        self.found.append(ReplacedText(name, self.file, where, is_set))


def _holds_key(data: Any) -> bool:
    """Return True if a text or a name looks like a key: see `secret-in-specs`."""
    return any(has_key(text) for _, text in texts_in(data, with_names=True))
