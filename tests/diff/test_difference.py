"""What differs between two definitions, in words."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64 import LEAD, Workflow
from flow64.blocks import Deduplicate, FindEmail, FindPhone, Webhook
from flow64.definition import BoundSecret, FrozenDict, Value
from flow64.diff import differences
from tests.analysis.support import wired


def definition(flow, name="Leads"):
    return Workflow(name, flow, key="leads").compile()


FIRST = definition(Webhook(LEAD) >> FindEmail(mode="PERSONAL", providers=["a"]))


@pytest.mark.parametrize(
    ("after", "lines"),
    [
        (FIRST, []),
        (
            evolve(FIRST, name="Other", description="New"),
            ["name: 'Leads' became 'Other'", "description: '' became 'New'"],
        ),
        (
            definition(
                Webhook(LEAD) >> FindEmail(mode="PROFESSIONAL", verify_emails=True)
            ),
            [
                "find_email.mode: 'PERSONAL' became 'PROFESSIONAL'",
                "find_email.providers: ['a'] is gone",
                "find_email.verify_emails: True is new",
            ],
        ),
        (
            definition(Webhook(LEAD) >> FindPhone()),
            [
                "block find_email is gone",
                "block find_phone is new",
                "edge webhook >> find_email is gone",
                "edge webhook >> find_phone is new",
            ],
        ),
        (
            definition(
                Webhook(LEAD)
                >> Deduplicate(key="find_email", extra={"mode": "PERSONAL"})
            ),
            [
                "block find_email: kind 'find_email' became 'deduplicate'",
                "find_email.providers: ['a'] is gone",
            ],
        ),
    ],
)
def test_differences(after, lines):
    """Title, description, blocks, fields and edges, each in its line."""
    assert list(differences(FIRST, after)) == lines


def test_a_secret_is_never_shown():
    """Of a secret that was filled in it is said that it is another, if it is."""
    made = wired(("new_kind", {"token": "x"}))

    def filled(text):
        secret = BoundSecret(Value("token", secret=True), text)
        block = made.blocks[0]._replace(specs=FrozenDict(token=secret))
        return evolve(made, blocks=(block,))

    name = f"new_kind ({made.blocks[0].id[:8]})"
    assert list(differences(filled("a"), filled("a"))) == []
    assert list(differences(filled("a"), filled("b"))) == [
        f"{name}.token: a secret value is another"
    ]


def test_blocks_without_a_key_go_by_kind_and_id():
    """A block that was read is named by its kind and the start of its id."""
    before = wired(("webhook", {}), ("find_email", {}))
    edges = (before.edges[0]._replace(extra=FrozenDict(condition="a")),)
    after = evolve(before, blocks=before.blocks[:1], edges=edges)
    name, first = f"find_email ({before.blocks[1].id[:8]})", before.blocks[0].id[:8]

    assert list(differences(before, after)) == [
        f"block {name} is gone",
        f"edge webhook ({first}) >> {name} is gone",
        f"edge webhook ({first}) >> {name} is new",
    ]


def test_what_looks_like_a_key_is_masked():
    """On either side, and in whatever place."""
    after = evolve(FIRST, name="sk_live_" + "0123456789abcdef")

    assert "0123456789abcdef" not in "".join(differences(FIRST, after))
    assert "***" in "".join(differences(after, FIRST))
