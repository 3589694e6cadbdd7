"""Reports of changes in every form; `make golden` writes the files anew."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
from inline_snapshot import external_file

from flow64.report.report import make_report
from flow64.report.writers import as_html, as_markdown, as_text
from tests.report.cases import CASES, PRICES, record

GOLDEN = Path(__file__).parent / "golden"

PLANS = ("forty_variants", "two_drifted", "schedules_changed", "project_renamed")
PLANS += ("twelve_with_schedules",)
LABELS = dict.fromkeys(PLANS, "prod")
BRANCH = "origin/main → working tree"


@cache
def report(case):
    subjects = case()
    reader = record(subjects) if case.__name__.startswith("replay") else None
    label = LABELS.get(case.__name__, BRANCH)
    return make_report(subjects, label=label, prices=PRICES, record=reader)


def as_lines(data):
    """JSON with a line for each workflow, so that a file is short."""
    head = {name: value for name, value in data.items() if name != "workflows"}
    rows = [json.dumps(one, ensure_ascii=False) for one in (head, *data["workflows"])]
    return "\n".join(rows) + "\n"


def has_graph(case):
    """Whether the page is kept: that of forty has the same parts."""
    return case.__name__ in ("field_added", "branch_inserted", "forty_variants")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_text(case):
    path = GOLDEN / f"{case.__name__}.txt"
    assert as_text(report(case)) == external_file(path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_markdown(case):
    path = GOLDEN / f"{case.__name__}.md"
    assert as_markdown(report(case)) == external_file(path, format=".txt")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_json(case):
    path = GOLDEN / f"{case.__name__}.json"
    assert as_lines(report(case).data) == external_file(path, format=".txt")


@pytest.mark.parametrize(
    "case", [*filter(has_graph, CASES)], ids=lambda case: case.__name__
)
def test_html(case):
    path = GOLDEN / f"{case.__name__}.html"
    assert as_html(report(case)) == external_file(path, format=".txt")
