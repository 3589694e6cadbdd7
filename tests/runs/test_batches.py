"""An input in batches: a window of runs, each bought once."""

from __future__ import annotations

import pytest

from flow64 import LEAD, Workflow, errors
from flow64.api import threads
from flow64.blocks import FindEmail, Webhook
from flow64.runs import journal as journals
from flow64.runs.batches import run_batches
from flow64.runs.payload import Budget
from flow64.runs.results import read_rows
from tests.runs.fake_service import FakeService, launch
from tests.service.support import GROWTH, specs_of

INPUT = [{"email": f"p{n}@example.com"} for n in range(10)]


@pytest.fixture
def service():
    return FakeService(honours_key=False).deploy()


def run(service, path, rows=INPUT, options=None, **more):
    """Run batches of three rows as a new process does."""
    journals._UNWRITTEN.clear()
    session = service.session()
    given = launch(path, **(options or {}))
    return run_batches(session, given, rows, **{"size": 3, **more})


def test_batches_come_in_order_and_hold_all_rows(service, tmp_path):
    """The last one is shorter."""
    found = [*run(service, tmp_path / "j")]

    assert [(batch.index, batch.first, batch.count) for batch in found] == [
        (0, 1, 3),
        (1, 4, 3),
        (2, 7, 3),
        (3, 10, 1),
    ]
    session = service.session()
    rows = [row.raw for batch in found for row in read_rows(session, batch.run)]
    assert [row["email"] for row in rows] == [row["email"] for row in INPUT]


@pytest.mark.parametrize("intent", [None, "2026-W20"])
def test_job_that_stops_resumes_without_buying_again(service, tmp_path, intent):
    """By `break`, or by a kill between any two requests."""
    for batch in run(service, tmp_path / "j", intent=intent, concurrency=2):
        assert batch.index == 0
        break
    assert len(service.runs) == 2
    service.faults += ["after killed"]
    with pytest.raises(KeyboardInterrupt):
        [*run(service, tmp_path / "j", intent=intent)]

    found = [*run(service, tmp_path / "j", intent=intent)]

    assert len(found) == len(service.runs) == 4
    assert [batch.run.is_attached for batch in found] == [True, True, True, False]


def test_slow_batch_holds_up_no_other(service, tmp_path, monkeypatch):
    """Two runs are under way at a time, and none is started before it is asked for."""
    service.new_status = "running"
    under_way = []

    def pass_time(_):
        runs = [run for run in service.runs if run.status == "running"]
        under_way.append(len(runs))
        if len(runs) == 2 or (runs and len(service.runs) == 4):
            runs[-1].status = "completed"

    monkeypatch.setattr(threads, "sleep", pass_time)
    batches = run(service, tmp_path / "j", concurrency=2)
    assert service.requests == []

    assert next(batches).index == 0
    assert (len(service.runs), max(under_way)) == (4, 2)
    assert [batch.index for batch in batches] == [1, 2, 3]


def test_failed_batch_holds_up_the_others(service, tmp_path, monkeypatch):
    """Until you have seen it, since they may fail as well."""
    service.new_status = "running"

    def pass_time(_):
        waits.append(_)
        if len(service.runs) > 1:
            service.runs[1].status = "failed"
        if len(waits) == 50:
            service.runs[0].status = "completed"

    waits = []
    monkeypatch.setattr(threads, "sleep", pass_time)
    batches = run(service, tmp_path / "j", concurrency=2)

    assert [next(batches).run.status for _ in range(2)] == ["completed", "failed"]
    assert (len(service.runs), len(waits) >= 50) == (2, True)


def test_failed_batch_says_so_when_its_rows_are_read(service, tmp_path):
    """A loop that reads them ends there; it is started again only if that is wanted."""
    service.new_status = "failed"
    session = service.session()
    (first, *_) = run(service, tmp_path / "j", concurrency=1, rows=INPUT[:3])
    with pytest.raises(errors.RunFailedError):
        read_rows(session, first.run)
    assert len(service.runs) == 1
    service.new_status = "completed"

    again = [*run(service, tmp_path / "j")]
    assert [batch.run.status for batch in again] == ["failed", *["completed"] * 3]
    assert len(service.runs) == 4
    for _ in range(2):
        again = [*run(service, tmp_path / "j", retry_failed=True)]
        assert {batch.run.status for batch in again} == {"completed"}
    assert len(service.runs) == 5


def test_batch_that_is_refused_comes_after_those_before_it(service, tmp_path):
    """They were paid for."""
    service.faults += ["", "before 402"]
    batches = run(service, tmp_path / "j")
    assert next(batches).index == 0
    with pytest.raises(errors.ApiError, match="402"):
        next(batches)
    assert len(service.runs) == 1


def test_input_is_checked_before_anything_is_bought(service, tmp_path):
    """All of it, unless it is an iterator."""
    wrong = [*INPUT, {"mail": "x"}]
    with pytest.raises(errors.RowsError, match="is missing in row 11"):
        run(service, tmp_path / "j", wrong)
    with pytest.raises(errors.BudgetError):
        run(service, tmp_path / "j", options={"budget": Budget(max_rows=9)})
    with pytest.raises(errors.BuildError):
        run(service, tmp_path / "j", size=0)
    assert service.requests == []

    found = run(service, tmp_path / "j", iter(wrong), options={"budget": Budget(7)})
    with pytest.raises(errors.BudgetError):
        [*found]
    assert len(service.runs) == 2


@pytest.mark.parametrize("change", ["rows", "price"])
def test_limits_are_of_all_batches_to_the_last(service, tmp_path, change):
    """The input grows meanwhile, or a field that code does not set costs more."""
    flow = Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail()
    code = Workflow("Leads", flow, key="unmanaged", project=GROWTH)
    service.deploy(code)
    rows, options = [*INPUT], {"code": code, "budget": Budget(10, 1)}
    found = run(service, tmp_path / "j", rows, options, concurrency=1)
    next(found)
    if change == "rows":
        rows.append({"email": "p10@example.com"})
    else:
        specs_of(service.live[code.id()], "find_email")["mode"] = "PERSONAL"

    with pytest.raises(errors.BudgetError):
        [*found]
    assert len(service.runs) == {"rows": 3, "price": 1}[change]
