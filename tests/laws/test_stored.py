"""The law of stored workflows: whatever the service has stored compiles and converges.

It may be stored from the web editor, so blocks, specs, ids, numbers, order and unknown
members are anything that the emulator accepts.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flow64 import Workflow
from flow64.analysis.check import allow_errors
from flow64.blocks import CATALOGUE
from flow64.compiler.code import as_code
from flow64.compiler.lifting import lift
from flow64.definition import MAX_INTEGER, walk
from flow64.deploy.history import History
from flow64.emulator import Switches
from flow64.errors import ReadError
from flow64.loading import read_live
from flow64.loading.pull import make_pull
from flow64.manifest import (
    MANIFEST,
    Manifest,
    read_content,
    read_manifest,
    write_all,
)
from tests.deploy.planned import ENDPOINT, KEY, service, target
from tests.laws.test_convergence import carry_out
from tests.strategies import json_values, texts, uuids

words = st.sampled_from(
    ["PERSONAL", "Professional", "business", "LEAD", "COMPANY", "lead", "", "x"]
)
urls = st.sampled_from(
    ["https://a.example/x", "http://a.example", "http://127.0.0.1/x", "HTTPS://a.b"]
)
notebooks = st.sampled_from(["n", "__create_new__", "", None])
conditions = st.fixed_dictionaries(
    {},
    optional={
        "column": st.sampled_from(["email", "", None]),
        "operator": st.sampled_from(["equals", "in", "is_empty", "above", None]),
        "value": st.sampled_from(["OK", 1, None, ["a"]]),
        "logic": st.sampled_from(["and", "or", "xor", None]),
    },
)
field_maps = st.dictionaries(
    st.sampled_from(["title", "Company Linkedin", "größe"]),
    st.sampled_from(
        [
            "string",
            "Current title",
            {"description": "Job", "type": "list[string]"},
            {"description": "Job", "type": "enum"},
            {"type": 5},
            None,
        ]
    ),
    max_size=2,
)
FIELDS = {
    "mode": words | json_values(max_leaves=2),
    "dataframe_type": words | json_values(max_leaves=2),
    "query": words | st.none(),
    "auto_execute": st.sampled_from([True, False, None, "no"]),
    "max_results": st.sampled_from([0, -1, 5, 5.0, "5", None]),
    "notebook_id": notebooks | json_values(max_leaves=2),
    "notebook_name": words,
    "filters": st.lists(conditions | st.none(), max_size=2) | st.none(),
    "find_people": st.sampled_from([True, False, "yes"]),
    **dict.fromkeys(
        ("return_fields", "struct", "input_schema", "output_schema"),
        field_maps | json_values(max_leaves=2),
    ),
}
others = st.dictionaries(texts, json_values(max_leaves=4) | st.just(2**60), max_size=2)


@st.composite
def blocks(draw, number):
    """A block as an editor might send it."""
    kind = draw(st.sampled_from([*CATALOGUE, "enrich_lead", "new_kind"]) | texts)
    names = draw(st.sets(st.sampled_from(sorted(FIELDS)), max_size=4))
    specs = {**draw(others), **{name: draw(FIELDS[name]) for name in sorted(names)}}
    if kind == "outgoing_webhook":
        specs["url"] = draw(urls)
    block_id = draw(
        uuids | st.sampled_from([None, f"block {number}"])
        if draw(st.booleans())
        else uuids
    )
    made = {
        "sequence_number": draw(
            st.just(number) | st.sampled_from([-3, 0, 2, 2.0, 2**60])
        ),
        "block_type": draw(st.just("io") | texts),
        "block_name": kind,
        "specs": specs,
        **draw(st.just({}) | others),
    }
    return {**made, **({} if block_id is None else {"block_id": block_id})}


@st.composite
def bodies(draw):
    """Bodies that create a workflow: graphs with shared ends, in any order."""
    count = draw(st.integers(1, 4))
    made = [draw(blocks(number)) for number in range(1, count + 1)]
    pairs = [
        (source, target)
        for target in range(count)
        for source in range(target)
        if draw(st.integers(0, 2)) == 0
    ]
    edges = [
        {
            "from_block_id": made[source]["block_id"],
            "to_block_id": made[target]["block_id"],
            **draw(
                st.just({})
                | st.sampled_from(
                    [{"condition": None}, {"condition": "x"}, {"style": 1}]
                )
            ),
        }
        for source, target in pairs
        if "block_id" in made[source] and "block_id" in made[target]
    ]
    return {
        "workflow_name": draw(st.just("Leads") | texts),
        "workflow_description": draw(texts),
        "workflow_definition": {
            "blocks": draw(st.permutations(made)),
            "edges": draw(st.permutations(edges)),
            **draw(st.just({}) | others),
        },
    }


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with service(History(tmp_path_factory.mktemp("history"))) as found:
        yield found


def store(here, body, **switches):
    """The only workflow of the service, as it is read back; None if it is refused."""
    for info in here.client.workflows.list():
        here.client.workflows.delete(info.id)
    here.emulator.switches = Switches(**switches)
    headers = {"x-api-key": KEY, "content-type": "application/json"}
    with httpx.Client(transport=here.emulator.transport()) as http:
        reply = http.post(
            f"{ENDPOINT}/workflows/create_workflow",
            content=json.dumps(body).encode(),
            headers=headers,
        )
    assert reply.status_code in {200, 400, 422}
    if reply.status_code != 200:
        return None
    return here.client.workflows.get(reply.json()["id"]).definition


def assert_converges(here, wanted):
    """A plan writes at most the stamp, and the next one writes nothing."""
    plan = here.plan(wanted)
    assert {step.state for step in plan.steps} <= {"update", "unchanged"}
    assert {step.action for step in plan.steps} <= {"stamp", "none"}
    carry_out(here, plan)
    assert here.plan(wanted).is_empty


TIDYING = dict.fromkeys(("fill_defaults", "reorder", "drop_unknown"), True)
SWITCHES = st.sampled_from([{}, TIDYING])


def not_in_code(live):
    """What no code can say, and so is refused with its reason."""
    return (
        any(edge.extra.get("condition") is not None for edge in live.edges)
        or any(not block.kind for block in live.blocks)
        or any(
            type(item) is int and abs(item) > MAX_INTEGER
            for block in live.blocks
            for _, item in walk(block.specs)
        )
    )


@given(body=bodies(), switches=SWITCHES)
@settings(deadline=None)
def test_code_of_what_is_stored_changes_nothing(here, body, switches):
    """It is lifted, printed, executed, compiled and planned."""
    live = store(here, body, **switches)
    assume(live is not None)
    accepted, _ = allow_errors(live)
    if not_in_code(live):
        with pytest.raises(ReadError):
            lift(accepted)
        return
    text = as_code([lift(accepted)]).text
    made = {}
    exec(text, made)
    (workflow,) = (one for one in made.values() if isinstance(one, Workflow))

    assert_converges(here, target(workflow))


@given(body=bodies(), switches=SWITCHES)
@settings(deadline=None)
def test_json_of_what_is_stored_changes_nothing(here, body, switches):
    """It is pulled, read, compiled and planned. So is the answer itself."""
    live = store(here, body, **switches)
    assume(live is not None)

    with TemporaryDirectory() as folder:
        pull = make_pull(read_live(here.client), "default")
        assert not pull.refused, pull.refused
        write_all(Path(folder), pull.texts(Manifest()))
        manifest = read_manifest(Path(folder, MANIFEST))
        ((file, entry),) = manifest.files.items()
        workflow = entry.read(read_content(Path(folder, file)), Path(folder, file))
        found = target(workflow, pulled=entry.stamp_in("default"))
    answered = target(Workflow.from_definition(live))

    assert_converges(here, found)
    assert_converges(here, answered)
