"""The blocks of a run under the names that its code gives them."""

from __future__ import annotations

import pytest

from flow64 import LEAD, Project, Workflow, errors, tap
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.service._stages import Stages, stages_of
from flow64.service.api import BlockStatus

STAGES = Stages(numbers={"webhook": 1, "work/find_email": 2}, ends=["work/find_email"])
FORKED = Stages(numbers={"a": 1, "b": 2, "c": 3}, ends=["b", "c"])


def test_stages_of_a_definition_are_its_key_paths_and_its_ends():
    """A side branch is an end as well."""
    aside = OutgoingWebhook(key="aside", url="https://example.com/x")
    flow = Webhook(LEAD) >> tap(aside) >> FindEmail().scoped("work")
    made = Workflow("x", flow, project=Project("p", "a.example"))

    stages = stages_of(made.compile())

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
    assert STAGES.blamed(block) == f"{expected}: no credits"


@pytest.mark.parametrize(
    ("kind", "expected"), [("find_phone", "find_phone"), ("", "block 1")]
)
def test_id_of_a_block_that_has_no_key_is_no_name(kind, expected):
    """As of a workflow that is run as it is live."""
    stages = Stages(numbers={"00000000-0000-4000-8000-000000000003": 1})

    assert stages.name(1, kind) == expected
