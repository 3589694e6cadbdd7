"""The rules of a project: findings with other severities."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64 import COMPANY, LEAD, Project, Workflow
from flow64.analysis.check import describe_wrong_rule, errors, findings
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.errors import BuildError

GROWTH = Project("growth", namespace="acme.example")


def loud(url="http://hooks.acme.example/x"):
    flow = Webhook(LEAD) >> OutgoingWebhook(url=url)
    return Workflow("Loud", flow, key="loud", project=GROWTH)


def severities(workflow):
    return [
        finding.severity
        for finding in workflow.check()
        if finding.code == "insecure-url"
    ]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("error", ["error"]),
        ("warning", ["warning"]),
        ("note", ["note"]),
        ("ignore", []),
    ],
)
def test_severity(setting, expected):
    workflow = loud().with_rules({"insecure-url": setting})

    assert severities(workflow) == expected
    assert severities(workflow.varied([("variant", "us")])) == expected
    assert errors(workflow.compile()) == []


def test_later_rules_win():
    """They are added to those that it has, and other findings stay as they are."""
    workflow = loud().with_rules({"insecure-url": "ignore", "effects": "warning"})

    findings_ = workflow.with_rules({"insecure-url": "error"}).check()

    levels = {finding.code: finding.severity for finding in findings_}
    assert (levels["insecure-url"], levels["effects"]) == ("error", "warning")


def test_an_error_stays_one():
    """A rule for a code that may be a warning too does not lower its errors."""
    flow = Webhook(COMPANY) >> FindEmail()
    definition = Workflow("Mixed", flow, key="mixed").with_rules({})
    lowered = definition.lower().definition
    ignored = evolve(lowered, rules={"row-kind-mismatch": "ignore"})

    (error,) = errors(ignored)
    (ignored_error,) = [
        finding for finding in findings(ignored) if finding.code == "row-kind-mismatch"
    ]

    assert (ignored_error.severity, error.code) == ("error", "row-kind-mismatch")
    assert ignored_error.message.startswith(error.message)
    assert (
        "[tool.flow64.rules] cannot make it less than an error" in ignored_error.message
    )


@pytest.mark.parametrize(
    ("code", "setting", "problem"),
    [
        ("late-filter", "error", None),
        ("row-kind-mismatch", "error", None),
        ("unloadable-file", "error", None),
        ("late-filtr", "note", "(did you mean 'late-filter'?)"),
        ("nope", "note", "of a finding"),
        ("late-filter", "warn", "write error, warning, note or ignore"),
        ("late-filter", 5, "is 5"),
        ("row-kind-mismatch", "ignore", "cannot be 'ignore'"),
        ("unloadable-file", "note", "cannot be 'note'"),
    ],
)
def test_wrong_rules(code, setting, problem):
    problem_in_words = describe_wrong_rule(code, setting)

    assert (
        problem_in_words is problem if problem is None else problem in problem_in_words
    )


def test_wrong_rule_of_a_workflow():
    with pytest.raises(BuildError, match="did you mean 'late-filter'"):
        loud().with_rules({"late-filtr": "note"})
