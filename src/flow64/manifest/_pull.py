"""Pulling: live workflows as canonical JSON, without the secrets that stand in them.

What equals a value of the environment becomes that value, and what looks like a key a
new one. A text that merely contains a secret can be neither: it is not written.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import Factory, define, evolve, field, frozen

from ..api import Session, WorkflowInfo, get_workflow, list_workflows
from ..definition import (
    EMPTY,
    VALUE_KEY,
    Definition,
    FrozenDict,
    Path,
    Value,
    WireBlock,
    as_body,
    block_refs,
    canonical_id,
    digest,
    dumps,
    fingerprint,
    is_uuid,
    loads,
    path_of,
    pointer,
    slug,
    split_stamp,
)
from ..deploy import key_of
from ..errors import PullError, ReadError, did_you_mean
from ..redaction import MASK, has_key, map_json_beside, redact_keys, texts_in
from ._known import Known, KnownValues
from ._model import Entry, Manifest, Pulled
from ._names import MANIFEST, stem_of
from ._write import as_text

LONGEST: Final = 80
"""Characters of the longest key that a title gives."""


@frozen
class Secret:
    """What stood in a workflow, and is a value now; what it was is nowhere.

    Attributes:
        name: The name of the value.
        file: The file that it stands in.
        where: Its block, and its place in the specs.
        is_set: Whether it is a value that the environment has; else it looked like a
            key, and is to be set.
    """

    name: str
    file: str
    where: str
    is_set: bool = False


@frozen
class Taken:
    """A workflow that was pulled.

    Attributes:
        file: The name of its file.
        id: Its id.
        name: Its title.
        text: The content of the file.
        entry: What the manifest says of it.
        secrets: The values that stand for what equals them, or looked like a key.
        stamped: The path of the code that deployed it; None where none of flow64 did.
        may_tell: Whether its code had values that were not found again, so that their
            text, some of it secret perhaps, may stand in the file.
    """

    file: str
    id: str
    name: str
    text: str = field(repr=False)
    entry: Entry = field(repr=False)
    secrets: tuple[Secret, ...] = ()
    stamped: str | None = None
    may_tell: bool = False


@frozen
class Refused:
    """A workflow that was not pulled, and why."""

    id: str
    name: str
    problem: str


@frozen
class Pull:
    """What a pull found, before anything is written.

    Attributes:
        env: The environment.
        taken: The workflows, by the names of their files.
        refused: Those that no file can hold.
    """

    env: str
    taken: tuple[Taken, ...]
    refused: tuple[Refused, ...] = ()

    @property
    def secrets(self) -> Sequence[Secret]:
        """All values that are to be set."""
        return [secret for secret in self._values if not secret.is_set]

    @property
    def known(self) -> Sequence[Secret]:
        """All values that the environment has, each once in a workflow."""
        return [secret for secret in self._values if secret.is_set]

    @property
    def _values(self) -> Sequence[Secret]:
        return [secret for one in self.taken for secret in one.secrets]

    @property
    def setting_lines(self) -> Sequence[str]:
        """The lines of pyproject.toml that take the values from variables."""
        return setting_lines(self.env, self.secrets)

    def texts(self, before: Manifest, there: Iterable[str] = ()) -> Mapping[str, str]:
        """What is to be written, the manifest too, by the name of its file.

        Args:
            before: The manifest of the folder.
            there: The names of the files that are there.
        """
        made = {one.file: one.entry for one in self.taken}
        manifest = before.updated(made, there=frozenset(there))
        files = {one.file: one.text for one in self.taken}
        return {**files, MANIFEST: as_text(manifest)}


def setting_lines(env: str, secrets: Iterable[Secret]) -> Sequence[str]:
    """The lines of pyproject.toml that take values from variables."""
    names = sorted({secret.name for secret in secrets})
    if not names:
        return []
    named = env if _BARE.fullmatch(env) else json.dumps(env)
    return [
        f"[tool.flow64.environments.{named}.values]",
        *(f'{name} = {{ env = "{name.upper()}" }}' for name in names),
    ]


def without_secrets(
    definition: Definition, file: str, used: set[str], known: Iterable[Known] = ()
) -> tuple[Definition, tuple[Secret, ...]]:
    """A definition with values in the place of secrets, and these.

    Args:
        definition: Any, with an id.
        file: What the names of new values begin with.
        used: Names of values that mean something else, folded; gets those of its own.
        known: The values of the environment; see `known_of`.
    """
    values = KnownValues.of(known)
    used |= {name.casefold() for name in values.names}
    secrets = _Secrets(file, canonical_id(str(definition.id)), used, values)
    blocks = tuple(
        block._replace(specs=secrets.specs(block)) for block in definition.blocks
    )
    used |= {secret.name.casefold() for secret in secrets.found}
    return evolve(definition, blocks=blocks), tuple(secrets.found)


def shows_secret(definition: Definition, known: Iterable[Known] = ()) -> bool:
    """Whether any text of a definition looks like a key, or has a known one in it."""
    data = as_body(definition)
    if KnownValues.of(known).secrets.find(data) is not None:
        return True
    return _holds_key(data)


async def read_workflows(
    session: Session, wanted: str | None = None
) -> Sequence[Definition]:
    """Read live workflows. Only GET requests are sent.

    Args:
        wanted: An id, or the key or title of one workflow; None takes all.

    Raises:
        PullError: There is none, or there are several.
        ApiError: The service refused to show them.
    """
    if is_uuid(wanted):
        ids = [str(wanted)]
    else:
        listed = await list_workflows(session)
        ids = [one.id for one in listed] if wanted is None else [_id_of(wanted, listed)]
    found: list[Definition] = []
    for workflow_id in ids:
        session.begin()
        live = await get_workflow(session, workflow_id)
        if live is not None:
            found.append(live)
        elif wanted is not None:
            problem = "it is not there, or is not shown to you; flow64 list shows all"
            raise PullError(wanted, problem)
    return found


def taken(
    found: Iterable[Definition],
    env: str,
    before: Manifest | None = None,
    names: Iterable[str] = (),
    known: Iterable[Known] = (),
) -> Pull:
    """Live workflows as the files of a folder.

    Each is pinned to its id in the environment. What was pulled into the folder before
    keeps its file and its key. No text of a secret is in what is given.

    Args:
        found: The workflows.
        env: The environment they are from.
        before: The manifest of the folder; None where it has none.
        names: Names of values that other files of the folder use.
        known: The values of the environment; see `known_of`.
    """
    values = KnownValues.of(known)
    # By id and not as listed, so that twins are always named alike.
    live = sorted(found, key=lambda one: canonical_id(str(one.id)))
    used = {name.casefold() for name in (*names, *values.names)}
    named = _named(live, env, before or Manifest())
    outcomes = [
        _taken(one, env, file, entry, used=used, values=values)
        for one, (file, entry) in zip(live, named, strict=True)
    ]
    made = [one for one in outcomes if isinstance(one, Taken)]
    return Pull(
        env,
        tuple(sorted(made, key=lambda one: one.file)),
        tuple(one for one in outcomes if isinstance(one, Refused)),
    )


# -- Which ----------------------------------------------------------------------------


def _id_of(wanted: str, listed: Sequence[WorkflowInfo]) -> str:
    """The id of the workflow of a key or title."""
    called = [
        (one.id, {_key(one.name, one.description, one.id), one.name}) for one in listed
    ]
    ids = [workflow_id for workflow_id, names in called if wanted in names]
    if len(ids) == 1:
        return ids[0]
    if ids:
        problem = f"{len(ids)} are called so; name one by its id: {', '.join(ids)}"
        raise PullError(wanted, problem)
    near = did_you_mean(wanted, [name for _, names in called for name in names])
    raise PullError(wanted, f"no workflow is called so{near}; flow64 list shows all")


def _key(name: str, description: str, workflow_id: str) -> str:
    """The key of a live workflow: from the code that deployed it, or its title."""
    stamp = split_stamp(description, workflow_id)[1]
    is_ours = stamp is not None and stamp.is_genuine(workflow_id)
    title = key_of(stamp.path) if stamp is not None and is_ours else name
    key = slug(title.encode("utf-8", "ignore").decode())[:LONGEST].strip("-")
    return key or "workflow"


def _named(
    live: Sequence[Definition], env: str, before: Manifest
) -> Iterator[tuple[str, Entry]]:
    """The file and the entry of each; no file is that of another workflow."""
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
    stamp = live.stamp
    return _key(live.name, "" if stamp is None else str(stamp), str(live.id))


# -- What of it is written ------------------------------------------------------------

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_GAPS: Final = re.compile(r"[^A-Za-z0-9]+")


def _taken(
    live: Definition,
    env: str,
    file: str,
    entry: Entry,
    *,
    used: set[str],
    values: KnownValues,
) -> Taken | Refused:
    """One workflow as a file, or why it is none."""
    workflow_id = canonical_id(str(live.id))
    secrets = _Secrets(file, workflow_id, used, values)
    # What an answer says beside the workflow is no part of what creates it.
    written = evolve(
        live,
        id=workflow_id,
        extra=EMPTY,
        is_answer=False,
        blocks=tuple(
            block._replace(specs=secrets.specs(block)) for block in live.blocks
        ),
    )
    text = dumps(written)
    if (problem := _problem(written, text, values)) is not None:
        name = MASK if values.secrets.is_in(live.name) else redact_keys(live.name)
        return Refused(workflow_id, name, problem)
    used |= {secret.name.casefold() for secret in secrets.found}
    refs = block_refs(block.id for block in live.blocks)
    pulled = Pulled(
        env,
        fingerprint(written)[:16],
        fingerprint(live, bound=True)[:16],
        {refs[block.id]: frozenset(block.specs) for block in live.blocks},
    )
    stamp = live.stamp
    is_ours = stamp is not None and stamp.is_genuine(workflow_id)
    return Taken(
        file,
        workflow_id,
        live.name,
        text,
        evolve(entry, env=env, pulled=pulled),
        tuple(secrets.found),
        stamp.path if stamp is not None and is_ours else None,
        stamp is not None and stamp.unbound not in (stamp.bound, pulled.unbound),
    )


def _problem(written: Definition, text: str, values: KnownValues) -> str | None:
    """Why a workflow cannot be written as a file; None where it can."""
    if not is_uuid(written.id):
        return "its id is not a UUID, so nothing can be pinned to it"
    if (path := values.secrets.find(as_body(written))) is not None:
        place = redact_keys(pointer(path)) or "its names"
        return (
            f"the text of a secret value of the environment is part of {place}, and a "
            "value stands for a whole text; make a value of all of it, or take it out "
            "there, and pull again"
        )
    if _holds_key(as_body(written)):
        return (
            "what looks like a key stands where no value can stand for it, beside the "
            "specs or in the name of one; take it out there, and pull again"
        )
    try:
        is_same = loads(text.encode()) == written
    except (ReadError, UnicodeEncodeError):
        is_same = False
    return None if is_same else "no JSON that flow64 reads can hold all of it"


@define
class _Secrets:
    """Puts values in the place of what looks like a key in one workflow.

    Attributes:
        file: The name of its file.
        workflow_id: Its id.
        used: Names of values that mean something else, folded.
        known: The values of the environment.
        found: What was replaced.
    """

    file: str
    workflow_id: str
    used: set[str]
    known: KnownValues = field(repr=False)
    found: list[Secret] = Factory(list[Secret])
    _values: dict[str, Value] = field(factory=dict[str, Value], repr=False)

    def specs(self, block: WireBlock) -> FrozenDict:
        """Return the specs of a block, with values in the place of secrets."""

        def name(item: Any, _: Any, path: Path) -> Any:
            if (known := self.known.value_of(item)) is not None:
                if all(known.name != one.name for one in self.found):
                    self._note(known.name, block, path, is_set=True)
                return known
            if isinstance(item, str) and has_key(item):
                return self._value(item, block, path)
            # A name cannot be a value, nor can what is spelled like one be written.
            if isinstance(item, dict) and (
                VALUE_KEY in item or any(map(has_key, item))
            ):
                return self._value(repr(item), block, path)
            return item

        return FrozenDict(
            {
                field: map_json_beside(item, None, name, (field,))
                for field, item in block.specs.items()
            }
        )

    def _value(self, text: str, block: WireBlock, path: Path) -> Value:
        """The value for a text: the same one wherever the workflow has the text."""
        if text not in self._values:
            ours = {secret.name.casefold() for secret in self.found}
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
        self.found.append(Secret(name, self.file, where, is_set))


def _holds_key(data: Any) -> bool:
    """Return True if any text, or name, looks like a key: see `secret-in-specs`."""
    return any(has_key(text) for _, text in texts_in(data, with_names=True))
