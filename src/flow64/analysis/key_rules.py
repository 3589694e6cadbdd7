"""Rules about keys, ids and codes, and about secrets that stand in specs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from unicodedata import normalize
from urllib.parse import unquote

from ..definition import LOCAL, Definition, is_shared_path, is_uuid, pointer, walk
from ..secrets import KEY_MARKS, KEY_SHAPES, mask
from ..text import did_you_mean, shortened
from .rule import Fault, rule


@rule("keys", "error")
def duplicate_key(definition: Definition) -> Iterator[Fault]:
    """Two blocks of one scope have the same key, and so the same id.

    Edges name ids, so ids are unique.

    Fix: give one of them another key with `key="second"`, or put it into a scope with
    `.scoped("name")`.

    Example:
        flow = Webhook(LEAD) >> FindEmail(key="find") >> FindPhone(key="find")
    """
    for position, other, is_default in _find_twins(definition):
        if not is_default:
            first, second = definition.origins[other], definition.origins[position]
            what = f"id {shortened(definition.blocks[position].id)}"
            # A broken key, which is a finding of its own, may be anything.
            keys = {normalize("NFC", str(key)) for key in (first.key, second.key)}
            if first.key and len(keys) == 1:
                what = f"key {shortened(second.key)}"
            also = f" and at {first.place}" if first.place else ""
            yield Fault(position, f"{what} is used twice, here{also}")


@rule("keys", "error")
def ambiguous_default_key(definition: Definition) -> Iterator[Fault]:
    """Two blocks of one scope have no key, so both get the id of their kind.

    A counter would distinguish them, but inserting a block would change the ids of all
    later ones. So a person has to name them.

    Fix: name the one that is new with `key="second"`, so that the other keeps its id,
    or put it into a scope with `.scoped("name")`.

    Example:
        flow = Webhook(LEAD) >> FindEmail() >> FindEmail()
    """
    for position, other, is_default in _find_twins(definition):
        if is_default:
            kind, place = (
                definition.blocks[position].kind,
                definition.origins[other].place,
            )
            also = f" and at {place}" if place else ""
            message = f"two blocks of kind {shortened(kind)} have no key, here{also}"
            yield Fault(position, message)


def _find_twins(definition: Definition) -> Iterator[tuple[int, int, bool]]:
    """Yield each block with a repeated id, the first one, and if both have no key."""
    if len(definition.index) < len(definition.blocks):
        for position, block in enumerate(definition.blocks):
            first = definition.index[block.id]
            if first != position:
                a, b = definition.origins[first], definition.origins[position]
                # Two kinds share no default key; such blocks were pinned to one id.
                is_default = a.is_default and b.is_default and a.key == b.key
                yield position, first, is_default


@rule("keys", "warning")
def no_project(definition: Definition) -> Iterator[Fault]:
    """The workflow has no project, so its ids are also those of others with its key.

    Without one, it can only be deployed to this machine.

    Fix: write `Workflow(..., project=Project("growth",
    namespace="your-domain.example"))`.

    Example:
        workflow = Workflow("Leads", Webhook(LEAD), key="leads")
    """
    path = definition.path or ""
    if is_shared_path(path) and "/pin:" not in path:
        message = "it has no project, so everybody with this key has the same ids"
        yield Fault(None, message)


@rule("keys", "warning")
def missing_description(definition: Definition) -> Iterator[Fault]:
    """A workflow in JSON has no `workflow_description`, which a create requires.

    Fix: write `"workflow_description": ""`, or a text.

    Example:
        text = Workflow("Leads", Webhook(LEAD) >> FindEmail(), key="leads").to_json()
        text = text.replace('"workflow_description": "",', "")
        workflow = Workflow.from_json(text)
    """
    if not definition.is_described:
        yield Fault(None, "it has no workflow_description, and an empty one is sent")


@rule("keys", "note")
def key_from_title(definition: Definition) -> Iterator[Fault]:
    """The workflow's key is made from its title, and its ids from its key.

    Renaming the title will then make another workflow, and leave the old one behind.

    Fix: name the workflow: `Workflow(..., key="inbound")`.

    Example:
        workflow = Workflow("Leads", Webhook(LEAD))
    """
    if definition.is_key_derived:
        message = "its key is made from its title, so a new title is a new workflow"
        yield Fault(None, message)


@rule("keys", "warning")
def vague_namespace(definition: Definition) -> Iterator[Fault]:
    """The namespace of the project is not a domain or a repository.

    Ids are computed from it. Others may choose the same name, and get the same ids.

    Fix: write a domain or a repository of yours: `namespace="acme.example"`. This
    changes all ids; if workflows are deployed under the old name, keep it and silence
    this code.

    Example:
        project = Project("growth", namespace="Acme Inc")
        workflow = Workflow("Leads", Webhook(LEAD), key="leads", project=project)
    """
    scheme, _, path = (definition.path or "").partition("ns:")
    name = unquote(path.partition("/")[0])
    # It is empty if it is not a key, which is an error.
    if not scheme and name not in (LOCAL, "") and not _NAMESPACE.fullmatch(name):
        message = f"namespace is {shortened(name)}, which is not a domain or repository"
        yield Fault(None, f"{message}, so others may have the same one")


_NAMESPACE: Final = re.compile(r"\S+[./]\S+")


@rule("keys", "warning")
def workflow_id_not_uuid(definition: Definition) -> Iterator[Fault]:
    """The workflow's id is not a UUID, and the service requires one (documented).

    It may refuse another id, or replace it.

    Fix: leave `id` out, or write the UUID of the workflow.

    Example:
        text = Workflow("Leads", Webhook(LEAD) >> FindEmail(), key="leads").to_json()
        workflow = Workflow.from_json(text.replace('"id": "', '"id": "leads'))
    """
    if definition.id is not None and not is_uuid(definition.id):
        message = f"the workflow's id {shortened(definition.id)} is not a UUID"
        yield Fault(None, message)


@rule("facts", "warning")
def unknown_allow(definition: Definition) -> Iterator[Fault]:
    """`allow=` names a code that no finding has, so it silences nothing.

    It may be misspelt, or the code of another release.

    Fix: write the code that a finding shows; leave out one that no longer exists.

    Example:
        flow = Webhook(LEAD) >> FindEmail(allow=["no-sources"])
    """
    allowed: list[tuple[int | None, str]] = [
        (None, code) for code in sorted(definition.allowed)
    ]
    origins = definition.origins.origins if definition.origins.may_allow else ()
    for position, origin in enumerate(origins):
        allowed += [(position, code) for code in origin.allowed]
    if allowed:
        from .check import all_pages  # noqa: PLC0415 - this rule is one of them

        codes = all_pages()
        for place, code in allowed:
            if code not in codes:
                near = did_you_mean(code, codes)
                message = f"allow names {shortened(code)}, which no finding has{near}"
                yield Fault(place, message)


@rule("values", "warning")
def secret_in_specs(definition: Definition) -> Iterator[Fault]:
    """A spec holds a text that looks like a key, a token or a private key.

    Everyone with access to the workflow or its history could read it.

    Fix: write `value("name", secret=True)`, which is filled in when it is deployed, and
    revoke the secret if others saw it.

    Example:
        specs = {"token": "sk_live_" + "0123456789abcdef"}
        flow = Webhook(LEAD) >> RawBlock("new_kind", specs=specs)
    """
    everything = repr([block.specs for block in definition.blocks])
    if not any(mark in everything for mark in KEY_MARKS):
        return
    for position, block in enumerate(definition.blocks):
        for path, text in walk(block.specs):
            shapes = KEY_SHAPES.items() if isinstance(text, str) else ()
            name = next((name for name, shape in shapes if shape.search(text)), None)
            if name is not None:
                where = mask(pointer(path))
                message = f"specs{where} looks like {name} ({text[:3]}***)"
                yield Fault(position, message)
