"""Rules about keys, ids and codes, and about secrets that stand in specs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote

from ...definition import (
    LOCAL,
    Definition,
    Origin,
    is_shared_path,
    is_uuid,
    pointer,
    walk,
)
from ...secrets import KEY_MARKS, KEY_SHAPES, mask
from ...text import did_you_mean, shortened
from .rule import Found, rule, small_workflow, texts


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
    "warning",
    advice=(
        'write `Workflow(..., project=Project("growth", namespace="your-domain.example"'
        "))`"
    ),
    example='workflow = Workflow("Leads", Webhook(LEAD), key="leads")',
)
def no_project(definition: Definition) -> Iterator[Found]:
    """The workflow has no project, so its ids are also those of others with its key.

    Without one, it can only be deployed to this machine.
    """
    is_pinned = "/pin:" in (definition.path or "")
    if is_shared_path(definition.path or "") and not is_pinned:
        message = "it has no project, so everybody with this key has the same ids"
        yield Found(None, message)


@rule(
    "keys",
    "warning",
    advice='write `"workflow_description": ""`, or a text',
    example=small_workflow(workflow_description=None),
)
def missing_description(definition: Definition) -> Iterator[Found]:
    """A workflow in JSON has no `workflow_description`, which a create requires."""
    if not definition.is_described:
        yield Found(None, "it has no workflow_description, and an empty one is sent")


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


@rule(
    "facts",
    "warning",
    advice=("write the code that a finding shows; leave out one that no longer exists"),
    example='flow = Webhook(LEAD) >> FindEmail(allow=["no-sources"])',
)
def unknown_allow(definition: Definition) -> Iterator[Found]:
    """`allow=` names a code that no finding has, so it silences nothing.

    It may be misspelt, or the code of another release.
    """
    origins = enumerate(definition.origins.origins)
    silenced: list[tuple[int | None, str]] = [
        (None, code) for code in sorted(definition.allowed)
    ]
    silenced += [(at, code) for at, origin in origins for code in origin.allowed]
    known = _all_codes() if silenced else frozenset()
    for position, code in silenced:
        if code not in known:
            near = did_you_mean(code, known)
            message = f"allow names {shortened(code)}, which no finding has{near}"
            yield Found(position, message)


def _all_codes() -> frozenset[str]:
    from ..reference import pages_by_code  # noqa: PLC0415 - this rule is one of them

    return frozenset(pages_by_code())


@rule(
    "values",
    "warning",
    advice=(
        'write `value("name", secret=True)`, which is filled in when it is '
        "deployed, and revoke the secret if others saw it"
    ),
    example=(
        'specs = {"token": "sk_live_" + "0123456789abcdef"}\n'
        'flow = Webhook(LEAD) >> RawBlock("new_kind", specs=specs)'
    ),
)
def secret_in_specs(definition: Definition) -> Iterator[Found]:
    """A spec holds a text that looks like a key, a token or a private key.

    Everyone with access to the workflow or its history could read it.
    """
    text = "\n".join(texts([block.specs for block in definition.blocks]))
    if not any(mark in text for mark in KEY_MARKS):
        return
    for position, block in enumerate(definition.blocks):
        for path, item in walk(block.specs):
            if isinstance(item, str) and (name := _secret(item)):
                where = mask(pointer(path))
                message = f"specs{where} looks like {name} ({item[:3]}***)"
                yield Found(position, message)


def _secret(text: str) -> str | None:
    return next((n for n, shape in KEY_SHAPES.items() if shape.search(text)), None)
