"""What is at work with a workflow, told alike by a plan and by the last look."""

from __future__ import annotations

from attrs import evolve

from flow64.api import MOST_RUNS, RunEntry
from flow64.deploy._activity import find_activity, group_by_workflow, is_cut
from flow64.plan import RunRef

OURS, THEIRS = "a" * 8, "b" * 8


def run(job_id="r", status="running", of=OURS):
    return RunEntry(job_id=job_id, workflow_id=of, status=status)


def found(*runs, has_more=False):
    return find_activity(OURS, {}, group_by_workflow(runs), has_more=has_more).runs


def test_ended_runs_are_not_under_way():
    """Also where a service does not go by the status that it was asked for."""
    assert found(run("a"), run("b", "completed"), run("c", of=THEIRS)) == (
        RunRef("a", "running"),
    )


def test_full_list_of_others_tells_nothing():
    """A run of ours may be behind it, and a deletion must not rest on that."""
    others = [
        evolve(run(), job_id=str(n), workflow_id=THEIRS) for n in range(MOST_RUNS)
    ]

    assert (is_cut(others), is_cut(others[1:]), is_cut(None)) == (True, False, False)
    assert found(*others, has_more=True) is None
    assert found(*others, run("a"), has_more=True) == (RunRef("a", "running"),)
    assert found(*others[1:]) == ()
