"""`flow64 blocks`: the catalogue, searched, and one block in full."""

from __future__ import annotations

import json

import pytest

from tests.catalogue.answer import ANSWER, HOSTILE, SECRET

LIVE = [
    {
        "block_name": "find_email",
        "specs_schema": {"properties": {"mode": {}, "sp\x1bin": {}}},
    },
    {"block_name": "time_travel", "specs_schema": {"type": "object"}},
]


@pytest.fixture
def live(tmp_path):
    path = tmp_path / "blocks.json"
    path.write_text(json.dumps(LIVE), "utf-8")
    return path


def kinds(printed):
    return [line.split()[0] for line in printed.splitlines()]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["phone"], ["find_phone", "reverse_phone"]),
        (["PHONE", "reverse"], ["reverse_phone"]),
        (["email_status"], ["find_email", "filter"]),  # a column, and a description
        (["people_focus_prompt"], ["company_enrichment"]),  # a field
        (["spends-on-create"], []),  # nothing does so by itself
    ],
)
def test_search(words, found, flow64):
    """All words have to be somewhere in what is known of a block."""
    assert kinds(flow64("blocks", *words)[1]) == found


@pytest.mark.parametrize("named", ["find_email", "FindEmail"])
def test_one(named, flow64):
    """A kind or a class alone is shown in full, with how well each fact is known."""
    code, printed, _ = flow64("blocks", named)

    lines = printed.splitlines()
    assert code == 0
    assert lines[0] == "find_email  documented once (SK)"
    assert "import   from flow64.blocks import FindEmail" in lines
    assert "rows     takes LEAD rows, gives LEAD rows (documented once)" in lines
    assert "effects  costs credits in each run" in lines
    assert "price    at most $0.05 a row (documented; FE, SK)" in lines
    assert (
        "         with mode='PERSONAL': at most $0.20 a row (documented once; FE)"
        in (lines)
    )
    assert (
        "  verify_emails: bool · default true · inferred, unconfirmed (endpoint)"
    ) in lines
    assert "  flow = Webhook(LEAD) >> FindEmail()" in lines


@pytest.fixture
def answer(tmp_path):
    path = tmp_path / "answer.json"
    path.write_text(
        json.dumps({"date": "2026-11-28", "blocks": ANSWER}), encoding="utf-8"
    )
    return path


def test_live_fields(answer, flow64):
    """All fields of the live schema are shown, and what bounds them."""
    code, printed, told = flow64("blocks", "find_email", "--blocks", answer)

    of = "fields in the live catalogue of 2026-11-28:"
    shown = printed.splitlines()[printed.splitlines().index(of) + 1 :]
    assert (code, told) == (0, "")
    assert shown == [
        "  mode: PROFESSIONAL or PERSONAL or BOTH · default 'PROFESSIONAL'",
        "      Which addresses to find.",
        "  verify_emails: bool · default true",
        "      Check each address by SMTP.",
        "  providers: Sequence[str] or null · default null",
        "      Providers to ask, in this order.",
    ]


def test_hostile(answer, flow64):
    """No text of an entry steers the terminal, and no key is shown."""
    printed = flow64("blocks", HOSTILE, "--blocks", answer)[1]
    slack = flow64("blocks", "send_slack_message", "--blocks", answer)[1]
    table = flow64("blocks", "--blocks", answer)[1]
    data = flow64("blocks", "--blocks", answer, "--json")[1]

    assert all(
        line.isprintable() for line in [*printed.splitlines(), *table.split("\n")]
    )
    assert SECRET not in slack + data
    assert max(map(len, table.splitlines())) < 200
