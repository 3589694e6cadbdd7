"""The blocks of a run under the names that its code gives them."""

from __future__ import annotations

import pytest

from flow64 import LEAD, Project, Workflow, errors, tap
from flow64.api import BlockStatus, LiveStatus
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.deploy import prepare_deploy
from flow64.runs import Stages

PIN = {"default": "5f0c6f9e-63d1-4d2a-9d3b-0c1d2e3f4a5b"}
STAGES = Stages(numbers={"webhook": 1, "work/find_email": 2}, ends=["work/find_email"])
FORKED = Stages(numbers={"a": 1, "b": 2, "c": 3}, ends=["b", "c"])


def branched(**more):
    """A workflow with a side branch."""
    aside = OutgoingWebhook(key="archive", url="https://example.com/x")
    deliver = OutgoingWebhook(key="deliver", url="https://example.com/y")
    flow = Webhook(LEAD) >> tap(aside) >> FindEmail().scoped("work") >> deliver
    project = Project("growth", "acme.example")
    return Workflow("Branched", flow, key="branched", project=project, **more)


def test_stages_of_a_definition_are_its_key_paths_and_its_ends():
    """A side branch is an end as well."""
    aside = OutgoingWebhook(key="aside", url="https://example.com/x")
    flow = Webhook(LEAD) >> tap(aside) >> FindEmail().scoped("work")
    made = Workflow("x", flow, project=Project("p", "a.example"))

    stages = Stages.of(made.compile())

    assert stages.numbers == {"webhook": 1, "aside": 2, "work/find_email": 3}
    assert set(stages.ends) == {"aside", "work/find_email"}
    assert stages.first == 1


@pytest.mark.parametrize(
    ("stages", "block", "expected"),
    [
        (STAGES, None, None),
        (STAGES, "webhook", 1),
        (STAGES, "work/find_email", 2),
        (STAGES, 2, 2),
        (FORKED, "c", 3),
        (FORKED, 2, 2),
        (Stages(), None, None),
        (Stages(), 7, 7),
    ],
)
def test_block_is_named_by_key_path_or_number(stages, block, expected):
    """None is whatever comes last."""
    assert stages.number("r1", block) == expected


@pytest.mark.parametrize(
    ("stages", "block", "words"),
    [
        (STAGES, "work/find_emial", "did you mean 'work/find_email'"),
        (STAGES, 3, "no block has the number 3"),
        (STAGES, 1.5, "no block has the key path 1.5"),
        (STAGES, ["webhook"], "no block has the key path"),
        (Stages(), "find_email", "give the number of the block"),
    ],
)
def test_block_that_is_not_there_is_refused(stages, block, words):
    """Before anything is asked of the service."""
    with pytest.raises(errors.ArgumentError, match=words):
        stages.number("r1", block)


def test_one_of_several_ends_is_not_guessed():
    """Which file comes last turns on the spelling of keys."""
    with pytest.raises(errors.AmbiguousRowsError) as caught:
        FORKED.number("r1", None)
    assert list(caught.value.ends) == ["b", "c"]


def test_block_that_was_named_beforehand_is_the_one():
    """Unless another is named."""
    stages = Stages.of(branched().compile(), "archive")

    assert stages.number("r1", None) == stages.numbers["archive"]
    assert stages.number("r1", "deliver") == stages.numbers["deliver"]


def test_block_of_the_code_has_an_id_as_well():
    """In any case."""
    definition = branched().compile()
    (at,) = (n for n, block in enumerate(definition.blocks) if block.number == 3)

    found = Stages.of(definition).number("r1", definition.blocks[at].id.upper())

    assert found == 3


def looked(*blocks):
    """A look at a run, as blocks with the numbers of those before them."""
    ids = [f"{n:08}-0000-4000-8000-000000000000" for n in range(1, len(blocks) + 1)]
    return LiveStatus(
        "r1",
        "w1",
        "completed",
        blocks=[
            BlockStatus(
                kind,
                sequence_number=number,
                block_id=ids[number - 1],
                previous_block_ids=[ids[n - 1].upper() for n in before],
            )
            for number, (kind, before) in enumerate(blocks, 1)
        ],
    )


def test_blocks_of_a_look_are_called_by_their_kinds():
    """Two of a kind are told apart by their ids."""
    seen = looked(("webhook", []), ("outgoing_webhook", [1]), ("outgoing_webhook", [1]))

    stages = Stages.of_run(seen)

    first, second = "outgoing_webhook-00000002", "outgoing_webhook-00000003"
    assert stages.numbers == {"webhook": 1, first: 2, second: 3}
    assert stages.ends == [first, second]


@pytest.mark.parametrize(
    "seen",
    [
        looked(),
        looked(("webhook", []), ("find_email", [])),
        LiveStatus(
            "r1",
            "w1",
            "completed",
            blocks=[
                BlockStatus("webhook", sequence_number=1, block_id="a"),
                BlockStatus("filter", sequence_number=2, previous_block_ids=["a"]),
                BlockStatus("find_email", sequence_number=3, previous_block_ids=["a"]),
                BlockStatus("find_phone"),
            ],
        ),
    ],
    ids=["no blocks", "nothing before them", "no ids"],
)
def test_ends_that_the_service_does_not_tell_are_not_made_up(seen):
    """The last file is the final one (documented)."""
    stages = Stages.of_run(seen)

    assert (stages.number("r1", None), list(stages.ends)) == (None, [])


@pytest.mark.parametrize(
    ("env", "pins"), [("default", None), ("staging", None), ("default", PIN)]
)
def test_key_path_is_found_by_the_id_that_it_gives(env, pins):
    """The path in the stamp has the rest of it; an environment is in no block's id."""
    workflow = branched(**({} if pins is None else {"pins": {"workflow": pins}}))
    ready = prepare_deploy(workflow, env, None)
    ids = {block.id: block.number for block in ready.definition.blocks}

    stages = Stages(ids=ids).with_stamp(ready.stamp, ready.id)

    named = {path: stages.find(path) for path in ("archive", "work/find_email", "x")}
    assert named == {"archive": 2, "work/find_email": 3, "x": None}


def test_stamp_of_a_copy_names_no_block():
    """It speaks of another workflow."""
    ready = prepare_deploy(branched(), "default", None)

    stages = Stages(ids={block.id: block.number for block in ready.definition.blocks})

    assert stages.with_stamp(ready.stamp, PIN["default"]).find("archive") is None
    assert stages.with_stamp(None, ready.id).find("archive") is None


def test_first_block_is_unknown_where_no_code_is_at_hand():
    """As for a run that was got by its id."""
    assert Stages().first is None


@pytest.mark.parametrize(
    ("number", "kind", "expected"),
    [
        (2, "find_email", "work/find_email"),
        (3, "filter", "filter"),
        (3, "", "block 3"),
    ],
)
def test_block_is_called_by_what_is_known_of_it(number, kind, expected):
    """Its key path, else its kind, else its number."""
    block = BlockStatus(kind, sequence_number=number, error_message="no credits")

    assert STAGES.name(number, kind) == expected
    assert STAGES.describe_failure(block) == f"{expected}: no credits"


@pytest.mark.parametrize(
    ("kind", "expected"), [("find_phone", "find_phone"), ("", "block 1")]
)
def test_id_of_a_block_that_has_no_key_is_no_name(kind, expected):
    """As of a workflow that is run as it is live."""
    stages = Stages(numbers={"00000000-0000-4000-8000-000000000003": 1})

    assert stages.name(1, kind) == expected


KINDS = Stages(
    numbers={"webhook": 1, "work/first": 2, "second": 3, "phone": 4},
    kinds={
        "webhook": "webhook",
        "work/first": "find_email",
        "second": "find_email",
        "phone": "find_phone",
    },
)


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("find_email", "find_email is the kind of work/first and second; name one"),
        ("find_phone", "find_phone is a kind, and its key path is phone"),
    ],
)
def test_kind_in_the_place_of_a_key_path_is_refused(block, problem):
    """The error says which key paths are meant."""
    with pytest.raises(errors.ArgumentError) as caught:
        KINDS.number("r1", block)

    takes = "it takes webhook, work/first, second, phone"
    assert str(caught.value) == f"rows: {problem}; {takes}"
