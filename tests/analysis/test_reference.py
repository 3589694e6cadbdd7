"""The page of findings: every code has a section, and every example is what it says."""

from __future__ import annotations

import re

import pytest
from attrs import evolve

import flow64
from flow64 import Project, Workflow, blocks
from flow64.analysis.check import (
    all_pages,
    describe_wrong_rule,
    explain_finding,
    findings,
    findings_reference,
)

PAGES = {code: page for code, page in all_pages().items() if page.family != "source"}
EXAMPLES = {code: page.example for code, page in PAGES.items() if page.example}


def workflow_of(example):
    """The workflow that an example makes."""
    names = {name: getattr(flow64, name) for name in flow64.__all__}
    names |= {name: getattr(blocks, name) for name in blocks.__all__}
    growth = names["growth"] = Project("growth", namespace="acme.example")
    exec(compile(example, "example.py", "exec"), names)
    return names.get("workflow") or Workflow(
        "Leads", names["flow"], key="leads", project=growth
    )


@pytest.mark.parametrize("code", EXAMPLES)
def test_example_has_its_finding(code):
    """The example of a code has a finding of that code and of a severity listed."""
    findings_ = [f for f in workflow_of(EXAMPLES[code]).check() if f.code == code]

    assert findings_
    assert {f.severity for f in findings_} <= {*PAGES[code].severities}
    assert {f.family for f in findings_} == {PAGES[code].family}


def test_examples_are_right_apart_from_what_they_show():
    """An example of advice compiles; only those of errors do not."""
    stopped = {
        code
        for code, example in EXAMPLES.items()
        if any(f.severity == "error" for f in workflow_of(example).check())
    }

    assert stopped == {c for c, p in PAGES.items() if "error" in p.severities}


def test_reference_has_a_section_for_each_code():
    """The page is Markdown with one heading a code, in order."""
    text = findings_reference()

    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == sorted(PAGES)


@pytest.mark.parametrize("code", EXAMPLES)
def test_a_page_says_how_to_silence(code):
    """The ways that it names silence the example, and there are no others."""
    page = "\n".join(explain_finding(code))
    workflow = workflow_of(EXAMPLES[code])
    lowered = workflow.lower()
    allowing = evolve(lowered.definition, allowed=frozenset({code}))
    allowed = {f.code for f in (*lowered.findings, *findings(allowing))}

    assert ('allow=["' in page) is (code not in allowed)
    assert ("nothing switches it off" in page) is (code in allowed)
    assert (f'{code} = "ignore"' in page) is (describe_wrong_rule(code, "note") is None)
    if "stays an error" not in page:
        shown = workflow.with_rules({code: "ignore"}).check()
        severities = {f.severity for f in shown if f.code == code}
        assert severities <= ({"error"} if "it stays one there" in page else set())
