"""The questions of a probe: each is a function that tries something and reads it back.

The first line of its docstring is the question, the rest what flow64 assumes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from ..api import organisations_of
from ..definition import EMPTY, is_uuid
from ._assumptions import AssumptionVerdict
from ._kinds import is_plain_name
from ._lab import EndedError, Lab, Trial, make_edge, make_graph, status_of
from ._requests import RequestRecord, object_of
from ._sandbox import TITLE

MOST: Final = 65_536
"""Characters of the longest description that is tried."""

Reply: TypeAlias = tuple[str, AssumptionVerdict, Mapping[str, Any]]
"""An answer, a verdict, and the switches that make the emulator answer so."""


# -- The questions ---------------------------------------------------------------------


def ask_own_id(lab: Lab) -> Reply:
    """Does a new workflow keep the id that is sent?

    It does.
    """
    workflow_id = lab.sandbox.use(lab.probe_id)
    lab.base = lab.create()
    if not lab.base.is_good:
        raise EndedError(f"a workflow could not be made: {lab.base.words}")
    if lab.base.stored.get("id") != workflow_id:
        raise EndedError("a workflow was made under another id than the one sent")
    if not lab.base.blocks:
        raise EndedError("a workflow is read back without its blocks")
    return _expect("yes", "yes")


def ask_taken_id(lab: Lab) -> Reply:
    """What does a second creation with the same id answer?

    It is refused with 409.
    """
    return _expect(lab.create().words, "refused with 409")


def ask_spec_defaults(lab: Lab) -> Reply:
    """Are defaults filled in?

    No: specs have the fields that were sent.
    """
    sent = {block["block_name"]: {*block["specs"]} for block in _sent_first()}
    new = sorted(
        f"{kind}.{name}"
        for block in lab.base.blocks
        if (kind := str(block.get("block_name"))) in sent
        for name in object_of(block.get("specs"))
        if name not in sent[kind] and is_plain_name(name)
    )
    switches = {"fill_defaults": bool(new)}
    if new:
        return f"filled in: {', '.join(dict.fromkeys(new))}", "contradicted", switches
    return "not filled in", "confirmed", switches


def _sent_first() -> Sequence[Mapping[str, Any]]:
    blocks: Sequence[Mapping[str, Any]] = make_graph("LEAD", "deduplicate")["blocks"]
    return blocks


def ask_stored_order(lab: Lab) -> Reply:
    """Do blocks, edges and spec keys keep their order?

    They do.
    """
    graph = make_graph("LEAD", "deduplicate", "deduplicate")
    found = lab.try_graph(graph)
    if not found.is_good:
        return _unknown(found)
    moved = [
        name
        for name, sent, stored in (
            ("blocks", _names(graph["blocks"]), _names(found.blocks)),
            ("edges", _ends(graph["edges"]), _ends(found.edges)),
            ("spec keys", *_spec_keys(graph["blocks"], found.blocks)),
        )
        if sent != stored
    ]
    switches = {"reorder": bool(moved)}
    if moved:
        return f"these are moved: {', '.join(moved)}", "contradicted", switches
    return "kept", "confirmed", switches


def _names(blocks: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    return [block.get("block_id") for block in blocks]


def _collect_ends(edges: Sequence[Mapping[str, Any]]) -> set[Any]:
    return {end for ends in _ends(edges) for end in ends}


def _ends(edges: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    return [(edge.get("from_block_id"), edge.get("to_block_id")) for edge in edges]


def _spec_keys(
    sent: Sequence[Mapping[str, Any]], stored: Sequence[Mapping[str, Any]]
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the order of the keys that were sent, and theirs as stored."""
    first = [*sent[0]["specs"]]
    specs = next(
        (object_of(one.get("specs")) for one in stored if one.get("specs")), EMPTY
    )
    return first, [name for name in specs if name in first]


def ask_uuid_ids(lab: Lab) -> Reply:
    """Are block ids that are UUIDs kept?

    They are.
    """
    graph = make_graph("LEAD", "deduplicate")
    found = lab.try_graph(graph)
    if not found.is_good:
        return _unknown(found)
    is_kept = {*_names(found.blocks)} == {*_names(graph["blocks"])}
    return _expect("kept" if is_kept else "replaced", "kept")


def ask_missing_ids(lab: Lab) -> Reply:
    """Are missing block ids kept?

    No: each is replaced by a UUID.
    """
    graph = make_graph("LEAD")
    del graph["blocks"][0]["block_id"]
    found = lab.try_graph(graph)
    if not found.is_good:
        return _expect(found.words, "replaced by UUIDs")
    is_made = all(map(is_uuid, _names(found.blocks)))
    return _expect("replaced by UUIDs" if is_made else "kept", "replaced by UUIDs")


def ask_other_ids(lab: Lab) -> Reply:
    """Are block ids that are not UUIDs kept?

    No: each is replaced by a UUID, and edges are rewritten to match.
    """
    graph = make_graph("LEAD", "deduplicate")
    for block, name in zip(graph["blocks"], ("first", "second"), strict=True):
        block["block_id"] = name
    graph["edges"] = [make_edge("first", "second")]
    found = lab.try_graph(graph)
    if not found.is_good:
        return _expect(found.words, "replaced by UUIDs")
    names = _names(found.blocks)
    if {"first", "second"} == {*names}:
        return "kept", "contradicted", {"keep_block_ids": True}
    if not all(map(is_uuid, names)) or {*names} != _collect_ends(found.edges):
        return "replaced, but edges do not match", "contradicted", {}
    return "replaced by UUIDs", "confirmed", {"keep_block_ids": False}


def ask_unknown_keys(lab: Lab) -> Reply:
    """Are unknown keys dropped?

    No: they are kept.
    """
    key, graph = "flow64_probe", make_graph("LEAD", "deduplicate")
    for part in (graph, graph["blocks"][0], graph["edges"][0]):
        part[key] = True
    found = lab.try_body({**lab.body(graph), key: True})
    if not found.is_good:
        return found.words, "contradicted", {}
    places = {
        "body": [found.stored],
        "graph": [found.graph],
        "block": found.blocks,
        "edge": found.edges,
    }
    kept = [name for name, parts in places.items() if any(key in one for one in parts)]
    switches = {"drop_unknown": not {*kept} - {"body"}}
    if len(kept) == len(places):
        return "kept", "confirmed", switches
    return f"kept in: {', '.join(kept) or 'none'}", "contradicted", switches


def ask_condition(lab: Lab) -> Reply:
    """Is a condition of an edge refused?

    No: it is kept, and ignored.
    """
    graph = make_graph("LEAD", "deduplicate")
    graph["edges"][0]["condition"] = "flow64_probe == 1"
    found = lab.try_graph(graph)
    if not found.is_good:
        return found.words, "contradicted", {"refuse_condition": True, **_bad(found)}
    is_kept = any(one.get("condition") for one in found.edges)
    answer = "kept" if is_kept else "accepted, and dropped"
    return answer, _verdict(is_so=is_kept), {"refuse_condition": False}


def ask_cycle(lab: Lab) -> Reply:
    """What does a cycle answer?

    It is refused with 400.
    """
    graph = make_graph("LEAD", "deduplicate", "deduplicate")
    _, second, third = _names(graph["blocks"])
    graph["edges"].append(make_edge(third, second))
    found = lab.try_graph(graph)
    return found.words, _verdict(is_so=found.status == 400), _bad(found)


def ask_same_numbers(lab: Lab) -> Reply:
    """What do two blocks with one sequence number answer?

    They are saved.
    """
    graph = make_graph("LEAD", "deduplicate")
    graph["blocks"][1]["sequence_number"] = 1
    found = lab.try_graph(graph)
    if not found.is_good:
        return found.words, "contradicted", {"refuse_same_numbers": True, **_bad(found)}
    numbers = [block.get("sequence_number") for block in found.blocks]
    answer = "saved" if numbers == [1, 1] else "saved, and renumbered"
    return answer, _verdict(is_so=numbers == [1, 1]), {"refuse_same_numbers": False}


def _bad(found: Trial) -> Mapping[str, Any]:
    """Return the switch for the status of an invalid graph."""
    return {"bad_graph_status": found.status} if found.status in (400, 422) else {}


def ask_row_kinds(lab: Lab) -> Reply:
    """Are rows of the wrong kind refused when a workflow is saved?

    They are.
    """
    right = lab.try_graph(make_graph("COMPANY", "company_to_leads"))
    wrong = lab.try_graph(make_graph("LEAD", "company_to_leads"))
    if not right.is_good:
        return f"rows of the right kind are {right.words}", "not seen", {}
    lab.checks_kinds = not wrong.is_good
    answer = f"they are {wrong.words}"
    switches = {"check_row_kinds": lab.checks_kinds}
    return answer, _verdict(is_so=lab.checks_kinds), switches


def ask_untyped_webhook(lab: Lab) -> Reply:
    """Is a webhook without dataframe_type accepted before company blocks?

    It is: its rows are of no known kind.
    """
    found = lab.try_graph(make_graph(None, "company_to_leads"))
    if found.is_good:
        more = "" if lab.checks_kinds else ", as rows of the wrong kind are"
        switches = {"untyped_gives_leads": False} if lab.checks_kinds else EMPTY
        return f"accepted{more}", "confirmed", switches
    alone = lab.try_graph(make_graph(None))
    if alone.is_good:
        return found.words, "contradicted", {"untyped_gives_leads": True}
    return f"{found.words}, and so it is without them", "contradicted", {}


def ask_partial_update(lab: Lab) -> Reply:
    """Does an update that names only the description keep the rest?

    It does.
    """
    before = lab.try_graph(make_graph("LEAD", "deduplicate"))
    text = f"{lab.probe_id.stamp}\nchanged"
    found = lab.try_body({"workflow_description": text})
    if not found.is_good:
        return _expect(found.words, "yes")
    is_same = (found.graph, found.stored.get("name")) == (before.graph, TITLE)
    return _expect("yes" if is_same else "no", "yes")


def ask_description_text(lab: Lab) -> Reply:
    """Is a description kept byte for byte?

    It is.
    """
    odd = "  a\tb  c\r\ne\u0301 \u00e9 <b>&amp;</b> \U0001f642 \\n"
    text = f"{odd}\n{lab.probe_id.stamp}\n \n"
    found = lab.try_body(lab.body(description=text))
    if not found.is_good:
        return found.words, "contradicted", {}
    stored = str(found.stored.get("description"))
    changes = [name for name, change in _CHANGES.items() if stored == change(text)]
    if stored == text:
        return "kept", "confirmed", {"strip_description": False}
    is_stripped = "stripped" in changes
    answer = changes[0] if changes else "changed in another way"
    return answer, "contradicted", {"strip_description": True} if is_stripped else {}


_CHANGES: Final[Mapping[str, Callable[[str], str]]] = {
    "stripped": str.strip,
    "stripped at the end": str.rstrip,
    "line ends are changed": lambda text: text.replace("\r\n", "\n"),
    "normalised to NFC": lambda text: unicodedata.normalize("NFC", text),
}


def ask_description_length(lab: Lab) -> Reply:
    """How long may a description be?

    There is no limit.
    """
    kept, failing = len(lab.probe_id.stamp), MOST + 1
    trial = MOST
    reason = ""
    while kept < failing - 1:
        # The stamp comes first, so that it stays if the end is cut off.
        text = f"{lab.probe_id.stamp}\n".ljust(trial, "x")
        found = lab.try_body(lab.body(description=text))
        if found.is_good and found.stored.get("description") == text:
            kept = trial
        else:
            failing = trial
            reason = "cut" if found.is_good else found.words
        trial = (kept + failing) // 2
    if failing > MOST:
        return f"{MOST:,} characters are kept", "confirmed", {"max_description": None}
    switches = {} if reason == "cut" else {"max_description": kept}
    return f"{kept:,} characters; a longer one is {reason}", "contradicted", switches


def ask_foreign_id(lab: Lab) -> Reply:
    """What does an id of another organisation answer?

    It answers 404, as one that does not exist.
    """
    if lab.other is None:
        return "not asked: it needs --second-env", "not seen", {}
    found = lab.other.get(str(lab.probe_id))
    status = status_of(found)
    if found.is_good:
        is_same = _organisation(found) == _organisation(
            lab.sandbox.get(str(lab.probe_id))
        )
        if is_same:
            lab.other = None
            answer = "the second environment is of the same organisation"
            return answer, "not seen", {}
        return "it can be read", "contradicted", {}
    switches = {"foreign_status": status} if status in (403, 404) else EMPTY
    return f"{status}", _verdict(is_so=status == 404), switches


def _organisation(reply: RequestRecord) -> Sequence[str]:
    return [] if reply.answer is None else [*organisations_of(reply.answer)]


def ask_id_scope(lab: Lab) -> Reply:
    """Are workflow ids global, or has each organisation its own?

    They are global: an id of another organisation cannot be used.
    """
    if lab.other is None:
        return "not asked: it needs --second-env", "not seen", {}
    ours = lab.try_body(lab.body())
    workflow_id = lab.other.use(lab.probe_id)
    text = f"{lab.probe_id.stamp}\nof the second organisation"
    theirs = lab.body(description=text)
    created = Trial(status_of(lab.other.create(workflow_id, theirs)))
    lab.check()
    updated = Trial(status_of(lab.other.update(workflow_id, theirs)))
    after = lab.sandbox.get(workflow_id)
    answer = f"a creation is {created.words}, an update is {updated.words}"
    if after.object.get("description") != ours.stored.get("description"):
        return f"{answer}, and it changes the workflow of the other", "contradicted", {}
    is_shared = created.is_good or updated.is_good
    switches = {"ids_per_organisation": is_shared}
    if is_shared:
        return f"each has its own: {answer}", "contradicted", switches
    lab.other.forget(workflow_id)
    return f"global: {answer}", "confirmed", switches


def ask_deleted_again(lab: Lab) -> Reply:
    """What does a second deletion answer?

    It answers 404.
    """
    workflow_id = str(lab.probe_id)
    first = Trial(status_of(lab.sandbox.delete(workflow_id)))
    if not first.is_good:
        return f"the first deletion was {first.words}", "not seen", {}
    status = status_of(lab.sandbox.delete(workflow_id))
    return f"{status}", _verdict(is_so=status == 404), {}


def _expect(answer: str, expected: str) -> Reply:
    return answer, _verdict(is_so=answer == expected), EMPTY


def _verdict(*, is_so: bool) -> AssumptionVerdict:
    return "confirmed" if is_so else "contradicted"


def _unknown(found: Trial) -> Reply:
    return f"a plain graph is {found.words}", "not seen", EMPTY


QUESTIONS: Final[Sequence[Callable[[Lab], Reply]]] = (
    ask_own_id,
    ask_taken_id,
    ask_spec_defaults,
    ask_stored_order,
    ask_uuid_ids,
    ask_missing_ids,
    ask_other_ids,
    ask_unknown_keys,
    ask_condition,
    ask_cycle,
    ask_same_numbers,
    ask_row_kinds,
    ask_untyped_webhook,
    ask_partial_update,
    ask_description_text,
    ask_description_length,
    ask_foreign_id,
    ask_id_scope,
    ask_deleted_again,
)
"""Every question, in the order in which they are asked."""
