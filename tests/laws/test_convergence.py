"""Laws of what is deployed: a deploy empties the next plan, and a stamp never lies.

Whatever the service tidies when it saves (F11), whatever the code becomes (F25), and
whatever an editor keeps beside what the code says. All of it goes through `applying`.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import product
from uuid import uuid4

import pytest
from attrs import evolve, frozen
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flow64 import LEAD, Project, RawBlock, Workflow, value
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.definition import (
    Values,
    as_body,
    fingerprint,
    name_secrets,
    secret_names,
    secret_places,
    unbound_names,
    with_stamp,
)
from flow64.deploy.history import History
from flow64.deploy.plan import Consents
from flow64.deploy.target import target_of
from flow64.emulator import Switches
from tests.deploy.planned import Commits, service, target
from tests.laws.test_compiler import workflows
from tests.wire.workflows import ODD_WORKFLOWS, VALUES

NAMES = ["list", "tap", "scopes", "extra", "values", "secrets", "companies", "search"]
TIDYING = ("fill_defaults", "reorder", "drop_unknown")
SWITCHES = [{}, *({name: True} for name in TIDYING), dict.fromkeys(TIDYING, True)]
PROJECT = Project("laws", namespace="acme.example")
EVERY_SWITCH = pytest.mark.parametrize(
    "switches", SWITCHES, ids=lambda chosen: "-".join(chosen) or "as-is"
)
STOPS = {"drifted", "conflict", "foreign"}


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with service(History(tmp_path_factory.mktemp("history"))) as found:
        yield found


@contextmanager
def tidying(here, switches):
    """The same service, as it tidies from now on, with nothing in it."""
    here.clear()
    here.emulator.switches = Switches(**switches)
    try:
        yield
    finally:
        here.emulator.switches = Switches()


def deploy(here, *wanted):
    """Plan, show the plan, and apply it; gives the plan."""
    count = len(here.history.entries())
    plan = here.plan(*wanted)
    assert str(plan)
    assert plan.as_data()["digest"]
    keys = [step.key for step in plan.steps]
    result = here.apply(plan, Consents(create=keys, allow_spend=keys))
    assert result.is_complete, result.errors
    writes = [step for step in plan.steps if step.action != "none"]
    replaced = [step for step in writes if step.before is not None]
    assert len(here.history.entries()) == count + len(replaced)
    return plan


def carry_out(here, plan):
    """Apply a plan with all that it needs."""
    keys = [step.key for step in plan.steps]
    result = here.apply(plan, Consents(keys, keys, keys))
    assert result.is_complete, result.errors


def states(plan):
    return {step.state for step in plan.steps}


def live(here, workflow_id):
    return here.client.workflows.get(workflow_id).definition


def targets_of(name):
    """What a workflow wants of an environment that gives its plain values."""
    workflow = ODD_WORKFLOWS[name]
    names = unbound_names(workflow.compile())
    return [target(workflow, **{name: VALUES[name] for name in names})]


def secrets_of(targets):
    """Some text for each secret."""
    names = {name for one in targets for name in secret_names(one.definition)}
    return Values({name: f"https://example.com/{name}" for name in names})


def filled(workflow):
    """A target whose plain values are filled in."""
    names = unbound_names(workflow.compile())
    values = {name: f"what {name} stands for" for name in names}
    return target_of(workflow, "default", values, git=Commits())


@st.composite
def histories(draw):
    """A workflow, and what became of it: another title and flow under the same key."""
    before = draw(workflows())
    after = draw(workflows())
    later = Workflow(
        after.name,
        *after.flows,
        key=before.key,
        project=before.project,
        description=after.identity.description,
    )
    return filled(before), filled(later)


# -- The plan after a deploy is empty (F11) --------------------------------------------


@EVERY_SWITCH
@pytest.mark.parametrize("name", NAMES)
def test_deploy_of_each_example_empties_the_plan(name, switches, tmp_path):
    wanted = targets_of(name)
    with service(History(tmp_path), secrets_of(wanted), **switches) as here:
        deploy(here, *wanted)
        plans = [here.plan(*wanted, projects=[]) for _ in range(2)]
        here.asked()
        nothing = deploy(here, *wanted)
        asked = here.asked()

    assert [states(plan) for plan in [*plans, nothing]] == [{"unchanged"}] * 3
    assert all(plan.is_empty for plan in plans)
    assert {line.partition(" ")[0] for line in asked} == {"GET"}


@given(
    first=st.sampled_from(SWITCHES), history=histories(), then=st.sampled_from(SWITCHES)
)
@settings(deadline=None)
def test_deploy_of_any_workflow_empties_the_plan(here, first, history, then):
    """Also where the service begins to tidy, or ceases to, between two deploys."""
    before, after = history
    here.values = secrets_of(history)
    with tidying(here, first):
        deploy(here, before)
        assert here.plan(before).is_empty
        here.emulator.switches = Switches(**then)
        plan = deploy(here, after)
        assert here.plan(after).is_empty

    assert states(plan) <= {"update", "unchanged"}


@EVERY_SWITCH
def test_what_is_beside_the_code_is_listed_and_sent_back(here, switches):
    """Fields and keys that code does not set: never a change, and never lost."""

    def made(mode):
        flow = (
            Webhook(LEAD, input_schema={"email": "string"})
            >> FindEmail(mode=mode)
            >> OutgoingWebhook(url="https://acme.example/hook")
        )
        return Workflow("Beside", flow, key=f"beside-{len(str(switches))}")

    beside = {"colour": "red", "size": [1, {"x": None}]}
    with tidying(here, switches):
        deploy(here, made("PROFESSIONAL"))
        there = live(here, made("PROFESSIONAL").id())
        graph = as_body(there)["workflow_definition"]
        graph["layout"] = beside
        for part in [*graph["blocks"], *graph["edges"]]:
            part["editor"] = beside
        for block in graph["blocks"]:
            block["specs"]["by_hand"] = beside
        here.edit(str(there.id), definition=graph)

        (still,) = here.plan(made("PROFESSIONAL")).steps
        plan = deploy(here, made("PERSONAL"))
        then = as_body(live(here, str(there.id)))["workflow_definition"]
        assert here.plan(made("PERSONAL")).is_empty

    assert (still.state, still.is_idle, states(plan)) == (
        "unchanged",
        True,
        {"update"},
    )
    listed = [name for name in still.unmanaged if name.endswith(".by_hand")]
    assert len(listed) == 3
    assert [block["specs"]["by_hand"] for block in then["blocks"]] == [beside] * 3
    modes = [block["specs"].get("mode") for block in then["blocks"]]
    assert "PERSONAL" in modes
    kept = [then.get("layout")]
    kept += [part.get("editor") for part in [*then["blocks"], *then["edges"]]]
    assert kept == [None if switches.get("drop_unknown") else beside] * 6


# -- The stamp (F25) -------------------------------------------------------------------

FIELDS = {
    "find_email": ("more", "other"),  # and `mode`, where the service fills it in
    "find_phone": ("more", "other"),
    "new_kind": ("mode", "tier", "more", "url"),
}
PLAIN = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["x", "y"])
contents = PLAIN | st.lists(PLAIN, max_size=2) | st.builds(dict, a=PLAIN)
bound = st.builds(value, st.sampled_from(["v", "w"]), secret=st.booleans())


@frozen
class Step:
    """One block of a chain, and whether another stands beside it."""

    name: str
    kind: str
    specs: dict
    is_beside: bool


@st.composite
def steps(draw, name):
    kind = draw(st.sampled_from(sorted(FIELDS)))
    fields = st.sampled_from(FIELDS[kind])
    specs = draw(st.dictionaries(fields, contents | bound, max_size=4))
    if kind == "find_email" and draw(st.booleans()):
        specs["mode"] = draw(st.sampled_from(["PROFESSIONAL", "PERSONAL"]))
    return Step(name, kind, specs, draw(st.booleans()))


@st.composite
def chains(draw):
    names = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4, unique=True))
    return [draw(steps(name)) for name in names]


@st.composite
def nearby(draw, chain):
    """The same chain, with one step changed a little."""
    at = draw(st.integers(0, len(chain) - 1))
    step = chain[at]
    if step.specs and draw(st.booleans()):
        gone = draw(st.sampled_from(sorted(step.specs)))
        specs = {name: what for name, what in step.specs.items() if name != gone}
    else:
        specs = {**step.specs, "more": draw(contents | bound)}
    return [*chain[:at], evolve(step, specs=specs), *chain[at + 1 :]]


def coded(chain, title, text):
    """A workflow of a chain, always under one key."""
    flow = Webhook(LEAD, key="first")
    for step in chain:
        block = RawBlock(step.kind, key=step.name, specs=step.specs)
        beside = RawBlock("beside", key=f"{step.name}2")
        flow = flow >> ([block, beside] if step.is_beside else block)
    return Workflow(title, flow, key="law", project=PROJECT, description=text)


titles = st.sampled_from(["T", "U"])
words = st.sampled_from(["", "Words", "Two\nlines", "Ends in a return\r"])


@st.composite
def deployments(draw):
    """Code as it was, and as it is, with what an environment makes of both."""
    env = draw(st.sampled_from(["default", "staging"]))
    suffix = draw(st.sampled_from(["", " (staging)"]))
    values = {"v": draw(contents), "w": draw(st.text("pq", min_size=1, max_size=9))}
    old = (draw(chains()), draw(titles), draw(words))
    new, then = (draw(nearby(old[0])), *old[1:]), values
    if draw(st.booleans()):
        new = (draw(chains()), draw(titles), draw(words))
        then = {"v": draw(contents), "w": draw(st.text("pq", min_size=1, max_size=9))}
    return made(old, env, suffix, values), made(new, env, suffix, then), values, then


def made(code, env, suffix, values):
    return target_of(coded(*code), env, values, suffix=suffix, git=Commits())


def wordy(target):
    """The same target, whose stamp has no room for FIELDS."""
    return evolve(target, stamp=evolve(target.stamp, sent=None))


@given(deployed=deployments(), switches=st.sampled_from(SWITCHES))
@settings(deadline=None)
def test_untouched_is_never_called_edited(here, deployed, switches):
    """Whatever fields, blocks, edges, values and words the code has by now."""
    before, after, values, later = deployed
    with tidying(here, switches):
        here.values = Values(values)
        deploy(here, before)
        told = states(here.plan(before))
        here.values = Values(later)
        then = states(here.plan(after))
        deploy(here, after)
        assert here.plan(after).is_empty
        found = live(here, after.id)

    assert told == {"unchanged"}
    assert then <= {"unchanged", "update"}
    # What code set once and sets no more is gone, and not left behind as unmanaged.
    if not switches.get("fill_defaults"):
        assert named(found, after) == fingerprint(after.definition)


def named(found, target):
    places = secret_places(target.definition)
    return fingerprint(name_secrets(found, places))


@given(deployed=deployments())
@settings(deadline=None)
def test_untouched_is_known_as_a_whole_where_fields_had_no_room(here, deployed):
    """A large workflow whose stamp says `-`, on a service that adds nothing."""
    before, after, values, _ = deployed
    before, after = map(wordy, (before, after))
    assume(secret_places(before.definition) == secret_places(after.definition))
    here.values = Values(values)
    with tidying(here, {}):
        deploy(here, before)
        told = states(here.plan(before)), states(here.plan(after))
        deploy(here, after)
        assert here.plan(after).is_empty
        found = live(here, after.id)

    assert told[0] == {"unchanged"}
    assert told[1] <= {"unchanged", "update"}
    assert named(found, after) == fingerprint(after.definition)


def retitled(data, _):
    data["workflow_name"] += "!"


def described(data, _):
    # The stamp stays on its line, as an editor of the text above it leaves it.
    data["workflow_description"] = "By hand.\n" + data["workflow_description"]


def described_below(data, _):
    data["workflow_description"] += "\nBy hand, below the stamp."


def with_field_changed(data, draw):
    block = some(draw, [one for one in blocks(data) if sent(one)])
    name = some(draw, sorted(sent(block)))
    block["specs"][name] = "by hand"


def with_field_dropped(data, draw):
    block = some(draw, [one for one in blocks(data) if sent(one)])
    del block["specs"][some(draw, sorted(sent(block)))]


def with_block_added(data, draw):
    new = {**some(draw, blocks(data)), "block_id": str(uuid4())}
    data["workflow_definition"]["blocks"].append(new)


def with_block_removed(data, draw):
    block = some(draw, blocks(data)[1:])
    graph = data["workflow_definition"]
    graph["blocks"].remove(block)
    graph["edges"] = [
        edge for edge in graph["edges"] if block["block_id"] not in edge.values()
    ]


def with_kind_changed(data, draw):
    some(draw, blocks(data))["block_name"] = "another_kind"


def with_edge_removed(data, draw):
    edges = data["workflow_definition"]["edges"]
    edges.remove(some(draw, edges))


def with_edge_added(data, draw):
    graph = data["workflow_definition"]
    ids = [block["block_id"] for block in graph["blocks"]]
    there = {(e["from_block_id"], e["to_block_id"]) for e in graph["edges"]}
    free = [pair for pair in product(ids, ids) if pair not in there]
    source, target = some(draw, [pair for pair in free if pair[0] != pair[1]])
    graph["edges"].append({"from_block_id": source, "to_block_id": target})


def with_condition(data, draw):
    some(draw, data["workflow_definition"]["edges"])["condition"] = "by hand"


EDITS = (
    retitled, described, described_below, with_field_changed, with_field_dropped,
    with_block_added, with_block_removed, with_kind_changed, with_edge_removed,
    with_edge_added, with_condition,
)  # fmt: skip


def some(draw, found):
    assume(found)
    return draw(st.sampled_from(found))


def blocks(data):
    return data["workflow_definition"]["blocks"]


def sent(block):
    """The fields that code has set: only `by_hand` is of nobody here."""
    return block["specs"].keys() - {"by_hand"}


@given(
    deployed=deployments(),
    edit=st.sampled_from(EDITS),
    tidies=st.sampled_from([{}, {"reorder": True}, {"drop_unknown": True}]),
    data=st.data(),
)
@settings(deadline=None)
def test_edit_of_what_is_managed_is_always_called_one(
    here, deployed, edit, tidies, data
):
    """By the code that deployed it, and by any other, unless that says the same."""
    before, after, values, _ = deployed
    # The text of a secret may be that of the last one, so an edit of it is no drift.
    assume(not secret_places(before.definition))
    here.values = Values(values)
    with tidying(here, tidies):
        deploy(here, before)
        there = live(here, before.id)
        body = as_body(there)
        body["workflow_description"] = with_stamp(there.description, there.stamp)
        edit(body, data.draw)
        here.edit(
            before.id,
            name=body["workflow_name"],
            description=body["workflow_description"],
            definition=body["workflow_definition"],
        )
        told = states(here.plan(before)), states(here.plan(after))
    edited = live(here, before.id)

    # Two words for one state: the code is as it was, or has changed as well.
    assert told[0] == {"drifted"}
    is_equal = named(edited, after) == fingerprint(after.definition)
    assert told[1] <= {"drifted", "conflict"} or is_equal


@EVERY_SWITCH
@given(deployed=deployments())
@settings(deadline=None, max_examples=10)
def test_edit_of_a_filled_in_default_is_none(here, switches, deployed):
    """What nobody sent is of nobody: an edit of it is listed, and is no drift."""
    before, after, values, _ = deployed
    here.values = Values(values)
    with tidying(here, switches):
        deploy(here, before)
        graph = as_body(live(here, before.id))["workflow_definition"]
        for block in graph["blocks"]:
            ours = next(
                one.specs
                for one in before.definition.blocks
                if one.id == block["block_id"]
            )
            for name in block["specs"].keys() - ours.keys():
                block["specs"][name] = "by hand"
        here.edit(before.id, definition=graph)
        told = states(here.plan(before)), states(here.plan(after))

    assert told[0] == {"unchanged"}
    assert not told[1] & STOPS
