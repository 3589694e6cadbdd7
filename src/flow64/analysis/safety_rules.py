"""Rules about keys, ids and codes, about secrets in specs, and about money."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final
from unicodedata import normalize
from urllib.parse import unquote

from ..blocks import (
    CATALOGUE,
    CREATE_NEW,
    AppendToNotebook,
    CompanyEnrichment,
    CompanyToLeads,
    Deduplicate,
    DeduplicateWrtNotebook,
    Filter,
    LeadEnrichment,
    Search,
)
from ..definition import (
    LOCAL,
    Definition,
    Hidden,
    Path,
    Value,
    is_shared_path,
    is_uuid,
    pointer,
    walk,
)
from ..secrets import KEY_MARKS, KEY_SHAPES, mask
from ..text import did_you_mean, shortened
from . import costs
from .columns import column_flow
from .rule import Fault, name_block, once, rule


@rule("keys", "error", of=["repeated-id"])
def duplicate_key(definition: Definition) -> Iterator[Fault]:
    """Two blocks of one scope have the same key, and so the same id.

    Edges name ids, so ids are unique.

    Fix: give one of them another key with `key="second"`, put it into a scope with
    `.scoped("name")`, or take its `was=` out.

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


@rule("keys", "error", of=["repeated-id"])
def ambiguous_default_key(definition: Definition) -> Iterator[Fault]:
    """Two blocks of one scope have no key, so both get the id of their kind.

    A counter would distinguish them, but inserting a block would change the ids of all
    later ones. So a person has to name them.

    Fix: name the one that is new with `key="second"`, as in
    `Filter.where("title", key="second")`, so that the other keeps its id, or put it
    into a scope with `.scoped("name")`.

    Example:
        flow = Webhook(LEAD) >> FindEmail() >> FindEmail()
    """
    for position, other, is_default in _find_twins(definition):
        if is_default:
            kind = definition.blocks[position].kind
            place = definition.origins[other].place
            also = f" and at {place}" if place else ""
            message = f"two blocks of kind {shortened(kind)} have no key, here{also}"
            yield Fault(position, message)


def _find_twins(definition: Definition) -> Iterator[tuple[int, int, bool]]:
    """Yield each block with a repeated id, the first one, and if both have no key."""
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
    is_code = definition.shape is not None  # JSON has no place for the advice
    if is_code and is_shared_path(path) and "/pin:" not in path:
        message = "it has no project, so everybody with this key has the same ids"
        yield Fault(None, message)


@rule("keys", "warning")
def missing_description(definition: Definition) -> Iterator[Fault]:
    """A workflow in JSON has no `workflow_description`, which a create requires.

    Fix: write `"workflow_description": ""`, or a text.

    Example:
        flow = Webhook(LEAD) >> FindEmail()
        text = Workflow("Leads", flow, key="leads", project=growth).to_json()
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
        workflow = Workflow("Leads", Webhook(LEAD), project=growth)
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
        flow = Webhook(LEAD) >> FindEmail()
        text = Workflow("Leads", flow, key="leads", project=growth).to_json()
        workflow = Workflow.from_json(text.replace('"id": "', '"id": "leads'))
    """
    if definition.id is not None and not is_uuid(definition.id):
        yield Fault(None, f"the id {shortened(definition.id)} is not a UUID")


@rule("facts", "warning", of=["allow"])
def unknown_allow(definition: Definition) -> Iterator[Fault]:
    """`allow=` names a code that no finding has, so it silences nothing.

    It may be misspelt, or the code of another release.

    Fix: write the code that a finding shows; leave out one that no longer exists.

    Example:
        flow = Webhook(LEAD) >> FindEmail(allow=["no-sources"])
    """
    from .check import all_pages  # noqa: PLC0415 - this rule is one of them

    codes, origins = all_pages(), definition.origins
    allowed: dict[int | None, Iterable[str]] = {None: sorted(definition.allowed)}
    for position in range(len(definition.blocks)) if origins.may_allow else ():
        allowed[position] = origins[position].allowed
    for place, names in allowed.items():
        for code in names:
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
        for path, text, name in islice(_find_keys(block.specs), MOST_KEYS):
            where = mask(pointer(path))
            message = f"specs{where} looks like {name} ({text[:3]}***)"
            yield Fault(position, message)


MOST_KEYS: Final = 20
"""Keys in the specs of one block that are reported."""


def _find_keys(specs: Any) -> Iterator[tuple[Path, str, str]]:
    """Yield each text that looks like a key: its path, itself, and what it is like."""
    for path, text in walk(specs):
        shapes = KEY_SHAPES.items() if isinstance(text, str) else ()
        name = next((name for name, shape in shapes if shape.search(text)), None)
        if name is not None:
            yield path, text, name


@rule("rows", "warning", of=[CompanyToLeads])
def company_to_leads_without_people(definition: Definition) -> Iterator[Fault]:
    """`company_to_leads` has no people to make rows of.

    It takes the people that an earlier `company_enrichment` with `find_people` found.

    Fix: set `find_people=True` on a `CompanyEnrichment` before it.

    Example:
        flow = Webhook(COMPANY) >> CompanyToLeads()
    """
    blocks, topology = definition.blocks, definition.topology
    has_people = bytearray(len(blocks))
    for position in topology.order:
        kind, specs = blocks[position].kind, blocks[position].specs
        may_find = kind not in CATALOGUE  # an old or unknown name
        if kind == CompanyEnrichment.kind:
            may_find = _may_be_true(specs.get("find_people"))
        above = topology.parents[position]
        has_people[position] = may_find or any(has_people[at] for at in above)
    for position, _ in definition.of_kind(CompanyToLeads.kind):
        if not has_people[position]:
            message = "no company_enrichment before it has find_people"
            yield Fault(position, f"{message}, so it finds nobody")


def _may_be_true(value: Any) -> bool:
    return value is True or isinstance(value, Value | Hidden)


# -- What would spend less -------------------------------------------------------------


_KINDS: Final = (Filter, Deduplicate, DeduplicateWrtNotebook)


@rule("cost", "warning", "note", of=_KINDS)
def late_filter(definition: Definition) -> Iterator[Fault]:
    """A filter follows a block that costs credits, and reads nothing that it adds.

    Placed before that block, it saves the credits for the rows that it drops. After a
    block that may add columns with unknown names, this is not reported. It is a note
    for a deduplication, since which columns decide there is not documented.

    Fix: put it before the block that costs credits.

    Example:
        flow = (
            Webhook(LEAD, input_schema={"country": "string"})
            >> FindEmail()
            >> Filter.where("country").equals("SE")
        )
    """
    flow, paid = column_flow(definition), _find_paid_blocks(definition)
    for position, block in definition.of_kind(*(cls.kind for cls in _KINDS)):
        above = paid[position]
        if above is None:
            continue
        kind, is_filter = definition.blocks[above].kind, block.kind == Filter.kind
        names = [column.name for column in flow.facts[position].reads]
        here, there = flow.before[position], flow.before[above]
        are_there = all(n in there and there[n] == here.get(n) for n in names)
        if is_filter and (not names or not are_there or flow.facts[above].opens):
            continue
        name = name_block(definition, above)
        message = f"rows are there twice when {name} is paid"
        if is_filter:
            message = f"the filter reads nothing that {name} adds"
        advice = f"put it before {kind}, which then costs nothing for dropped rows"
        yield Fault(position, message, advice, None if is_filter else "note")


@once
def _find_paid_blocks(definition: Definition) -> Sequence[int | None]:
    """Return for each block the nearest earlier one that costs credits.

    It is None if something branches, meets or makes rows in between.
    """
    blocks, topology = definition.blocks, definition.topology
    paid: list[int | None] = [None] * len(blocks)
    for position in topology.order:
        above = topology.parents[position]
        if len(above) != 1 or len(topology.children[above[0]]) != 1:
            continue
        kind = blocks[above[0]].kind
        if _is_paid(kind):
            paid[position] = above[0]
        elif kind in CATALOGUE and CATALOGUE[kind].about.drops_rows:
            paid[position] = paid[above[0]]
    return paid


def _is_paid(kind: str) -> bool:
    """Return True if a kind costs credits for each row, and keeps the row."""
    about = CATALOGUE[kind].about if kind in CATALOGUE else None
    if about is None or about.role != "step" or about.perhaps or about.columns.resets:
        return False
    return not costs.SPENDING.isdisjoint(about.effects)


@rule("cost", "note", of=[LeadEnrichment, CompanyEnrichment])
def mergeable_enrichment(definition: Definition) -> Iterator[Fault]:
    """An enrichment follows one of the same kind and settings.

    The service advises one block that asks for all the fields. Keep two blocks if the
    second needs the results of the first.

    Fix: ask for all the fields in one block, which is paid once for each row.

    Example:
        flow = (
            Webhook(LEAD)
            >> LeadEnrichment(return_fields={"title": "Job title"})
            >> LeadEnrichment(return_fields={"city": "City"}, key="city")
        )
    """
    topology = definition.topology
    kinds = (LeadEnrichment.kind, CompanyEnrichment.kind)
    for position, block in definition.of_kind(*kinds):
        above = topology.parents[position]
        before = definition.blocks[above[0]] if len(above) == 1 else None
        if before is None or before.kind != block.kind:
            continue
        is_alike = _list_settings(before.specs) == _list_settings(block.specs)
        if is_alike and len(topology.children[above[0]]) == 1:
            name = name_block(definition, above[0])
            yield Fault(position, f"it follows {name} with the same settings")


def _list_settings(specs: Any) -> dict[str, Any]:
    return {name: value for name, value in specs.items() if name != "return_fields"}


# -- Spending --------------------------------------------------------------------------


@rule("effects", "warning", "note", of=[Search])
def auto_execute(definition: Definition) -> Iterator[Fault]:
    """A search costs credits as soon as the workflow is created (documented).

    If the field is absent it is a note, since its default is undocumented.

    Fix: set `auto_execute=False`, and start a run when you want to buy.

    Example:
        flow = Search(LEAD, query="Heads of finance", auto_execute=True)
    """
    for position, block in definition.of_kind(Search.kind):
        value = block.specs.get("auto_execute")
        if _may_be_true(value):
            message = "auto_execute buys as soon as the workflow is created"
            yield Fault(position, f"{message}, before any run")
        elif value is not False:
            message = "auto_execute is not set; the service may buy when it is created"
            yield Fault(position, message, severity="note")


@rule("effects", "note", "warning", of=[AppendToNotebook])
def create_new_notebook(definition: Definition) -> Iterator[Fault]:
    """A notebook will be created; whether once or in each run is unknown.

    It is a warning if the notebook has no name: the only example has one.

    Fix: run it once, then write the id of the notebook that it made.

    Example:
        flow = Webhook(LEAD) >> AppendToNotebook(
            notebook_id="__create_new__", notebook_name="Leads of May"
        )
    """
    for position, block in definition.of_kind(AppendToNotebook.kind):
        if block.specs.get("notebook_id") == CREATE_NEW:
            yield Fault(position, "it may make a new notebook at each run")
            if "notebook_name" not in block.specs:
                advice = 'name it: notebook_name="Leads of May"'
                yield Fault(position, "the new notebook has no name", advice, "warning")


@rule("effects", "note")
def effects(definition: Definition) -> Iterator[Fault]:
    """A summary of the money that the workflow spends, and what it changes outside.

    Fix: nothing needs fixing; this is what to know before a run.

    Example:
        flow = Webhook(LEAD) >> FindEmail()
    """
    summary = costs.effects(definition)
    if summary.touches:
        yield Fault(None, str(summary), help="")


@rule("cost", "note")
def cost_estimate(definition: Definition) -> Iterator[Fault]:
    """The most that 1,000 input rows may cost, by documented prices.

    It is an upper bound for the blocks with a price, before filters, and never a quote.

    Fix: nothing needs fixing; try a workflow with few rows first.

    Example:
        flow = Webhook(LEAD) >> FindEmail(mode="PROFESSIONAL")
    """
    total = costs.cost(definition)
    if total.charges:
        yield Fault(None, str(total), help="")
