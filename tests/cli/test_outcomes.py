"""Errors in the words of the command line: their facts, and no Python."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import flow64
from flow64 import errors
from flow64.cli._error_messages import _WORDS, describe_error, suggest_option

RUN = "0b9b5ac1-5a0e-4d6f-9a2c-1f5d3c7e8a90"
PYTHON = re.compile(
    r"=True|=\.\.\.|\w=['\"{]|\w+\(\.\.\.|Client\(|deploy\(\)|values=|run\("
)

SAID = [
    (
        errors.StaleDeploymentError("Leads", "ID", "the title differs"),
        "'Leads' (ID) is not what this code says: the title differs",
        "deploy first: flow64 deploy; or run what is there: --stale",
    ),
    (
        errors.BudgetError(
            "Leads",
            ["max_cost=9 cannot be held"],
            2,
            0.0,
            ["x: no price"],
            may_allow=True,
        ),
        (
            "'Leads' was not run: --max-cost 9 cannot be held. It would start with 2 "
            "rows, and what it may cost is unknown\n  not counted: x: no price"
        ),
        (
            "to run it: fewer rows, a higher --max-rows, a higher --max-cost, or "
            "--allow-unpriced"
        ),
    ),
    (
        errors.WaitTimeoutError(RUN, "running", 30.0),
        (
            f"run {RUN} is still running after 30 s; it was not cancelled, and goes "
            f"on: flow64 watch {RUN}"
        ),
        "",
    ),
    (
        errors.BudgetError("Leads", ["3 rows are more than max_rows=2"], 3, 0.15),
        (
            "'Leads' was not run: 3 rows are more than --max-rows 2. It would start "
            "with 3 rows and may cost $0.15 by an estimate from documented prices"
        ),
        "to run it: fewer rows, a higher --max-rows, or a higher --max-cost",
    ),
    (
        errors.IntentFailedError(RUN, "failed", "today"),
        (
            f"run {RUN} ended as failed and may have charged for rows; it is not "
            "repeated by itself: to start it again may pay for those rows again"
        ),
        f"to start it again: --retry {RUN}",
    ),
    (
        errors.IntentChangedError("intent 'x'", "a body", RUN),
        f"intent 'x' was started before (run {RUN}) with a body; nothing was sent",
        "to start what is new, give another --intent",
    ),
    (
        errors.RetryError(RUN, "it has completed, and its rows are there"),
        f"--retry {RUN}: it has completed, and its rows are there",
        "",
    ),
    (
        errors.UnboundValueError("Leads", "prod", ["hook", "book"]),
        "'Leads' needs values that environment 'prod' does not give: hook, book",
        (
            'to set it: values.NAME = { env = "VARIABLE" } in the table of the '
            "environment in pyproject.toml, or --values FILE, a JSON object such as "
            '{"name": "what it is"}'
        ),
    ),
    (
        errors.AmbiguousRowsError(RUN, ["find_email", "archive"]),
        f"run {RUN} ends in several blocks: find_email, archive",
        "name one: --block archive",
    ),
    (
        errors.JournalError("runs.jsonl", "it is no file"),
        (
            "the journal of runs runs.jsonl: it is no file; correct that, or name "
            "another file with FLOW64_JOURNAL"
        ),
        "",
    ),
    (
        errors.SaveError(
            "out.csv", "it exists; name another place, or overwrite=True to replace it"
        ),
        "out.csv was not written: it exists; name another place, or say --overwrite",
        "",
    ),
    (
        errors.SaveError("out.csv", "No space left on device"),
        "out.csv was not written: No space left on device",
        "",
    ),
    (
        errors.RowsError(["row 1 lacks email", "mend it, or pass check_columns=False"]),
        (
            "these rows cannot be sent:\n  row 1 lacks email\n  mend it, or say "
            "--no-check-columns"
        ),
        "to send rows whatever columns they have, add --no-check-columns",
    ),
    (
        errors.RowsError(["people.csv:2: it is not in UTF-8 (invalid start byte)"]),
        (
            "these rows cannot be sent:\n  people.csv:2: it is not in UTF-8 (invalid "
            "start byte)"
        ),
        "save the file as UTF-8, which spreadsheets call CSV UTF-8",
    ),
    (
        errors.RowsError(["row 1: a row is a mapping of columns, not int"]),
        "these rows cannot be sent:\n  row 1: a row is a mapping of columns, not int",
        "",
    ),
]


@pytest.mark.parametrize(
    ("error", "words", "way"),
    SAID,
    ids=[f"{type(one[0]).__name__}-{at}" for at, one in enumerate(SAID)],
)
def test_words(error, words, way):
    assert describe_error(error) == words
    assert PYTHON.search(describe_error(error)) is None
    assert suggest_option(error) == way


def test_every_text_that_is_exchanged_is_still_said():
    """Else the table would promise what it does not keep."""
    folder = Path(flow64.__file__).parent
    texts = [path.read_text("utf-8") for path in folder.rglob("*.py")]
    source = re.sub(r'"\s*f?"', "", "\n".join(texts))

    said = [python for python, _ in _WORDS if source.count(python) < 2]
    assert said == []
