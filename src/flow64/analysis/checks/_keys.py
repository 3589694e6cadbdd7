"""Rules about keys and ids."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote

from ...definition import LOCAL, Definition, Origin, is_uuid
from ...text import shortened
from ._rule import Found, rule, small_workflow


@rule(
    "keys",
    "error",
    advice=(
        'give one of them another key with `key="second"`, or put it into a '
        'scope with `.scoped("name")`'
    ),
    example='flow = Webhook(LEAD) >> FindEmail(key="find") >> FindPhone(key="find")',
)
def duplicate_key(definition: Definition) -> Iterator[Found]:
    """Two blocks of one scope have the same key, and so the same id.

    Edges name ids, so ids are unique.
    """
    for first, second in _twins(definition):
        a, b = definition.origins[first], definition.origins[second]
        if _are_default(a, b):
            continue
        what = f"id {shortened(definition.blocks[second].id)}"
        if a.key and b.key and _compose(a.key) == _compose(b.key):
            what = f"key {shortened(b.key)}"
        also = f" and at {a.place}" if a.place else ""
        yield Found(second, f"{what} is used twice, here{also}")


@rule(
    "keys",
    "error",
    advice=(
        'name the one that is new with `key="second"`, so that the other keeps its id, '
        'or put it into a scope with `.scoped("name")`'
    ),
    example="flow = Webhook(LEAD) >> FindEmail() >> FindEmail()",
)
def ambiguous_default_key(definition: Definition) -> Iterator[Found]:
    """Two blocks of one scope have no key, so both get the id of their kind.

    A counter would distinguish them, but inserting a block would change the ids of all
    later ones. So a person has to name them.
    """
    for first, second in _twins(definition):
        a, b = definition.origins[first], definition.origins[second]
        if _are_default(a, b):
            also = f" and at {a.place}" if a.place else ""
            message = f"two blocks of kind {shortened(b.key)} have no key, here{also}"
            yield Found(second, message)


@rule(
    "keys",
    "note",
    advice='name the workflow: `Workflow(..., key="inbound")`',
    example='workflow = Workflow("Leads", Webhook(LEAD))',
)
def key_from_title(definition: Definition) -> Iterator[Found]:
    """The workflow's key is made from its title, and its ids from its key.

    Renaming the title will then make another workflow, and leave the old one behind.
    """
    if definition.is_key_derived:
        message = "its key is made from its title, so a new title is a new workflow"
        yield Found(None, message)


@rule(
    "keys",
    "warning",
    advice=(
        'write a domain or a repository of yours: `namespace="acme.example"`. This '
        "changes all ids; if workflows are deployed under the old name, keep it and "
        "silence this code"
    ),
    example=(
        'project = Project("growth", namespace="Acme Inc")\n'
        'workflow = Workflow("Leads", Webhook(LEAD), key="leads", project=project)'
    ),
)
def vague_namespace(definition: Definition) -> Iterator[Found]:
    """The namespace of the project is not a domain or a repository.

    Ids are computed from it. Others may choose the same name, and get the same ids.
    """
    path = definition.path or ""
    if not path.startswith("ns:") or _CLEAR_NAMESPACE.match(path):
        return
    name = unquote(path[3:].partition("/")[0])
    is_judged = name not in (LOCAL, "")  # empty if it is not a key, which is an error
    if is_judged and (not _MARK.search(name) or re.search(r"\s", name)):
        message = f"namespace is {shortened(name)}, which is not a domain or repository"
        yield Found(None, f"{message}, so others may have the same one")


# The plain shape of nearly every one; the others are taken apart.
_CLEAR_NAMESPACE: Final = re.compile(r"ns:[a-z0-9-]+\.[a-z0-9.-]+/")
_MARK: Final = re.compile(r"\S[./]\S")


@rule(
    "keys",
    "warning",
    advice="leave `id` out, or write the UUID of the workflow",
    example=small_workflow(id="leads"),
)
def workflow_id_not_uuid(definition: Definition) -> Iterator[Found]:
    """The workflow's id is not a UUID, and the service requires one (documented).

    It may refuse another id, or replace it.
    """
    if definition.id is not None and not is_uuid(definition.id):
        message = f"the workflow's id {shortened(definition.id)} is not a UUID"
        yield Found(None, message)


def _are_default(a: Origin, b: Origin) -> bool:
    # Two kinds share no default key; such blocks were pinned to one id.
    return a.is_default and b.is_default and a.key == b.key


def _compose(key: str) -> str:
    # A broken key, which is a finding of its own, may be anything.
    return normalize("NFC", str(key))


def _twins(definition: Definition) -> Iterator[tuple[int, int]]:
    """Yield each block with a repeated id, after the first block with that id."""
    if len(definition.index) == len(definition.blocks):
        return
    for position, block in enumerate(definition.blocks):
        first = definition.index[block.id]
        if first != position:
            yield first, position
