"""Deploys under faults, over real sockets and by both clients (F10, F14, F21, F24, L6).

Every kind of step under every kind of lost, late and broken answer, clocks that jump,
and disks that are full, read-only or not what they seem.
"""

from __future__ import annotations

import signal
import stat
from contextlib import contextmanager

import pytest

from flow64 import errors
from flow64.api.calls import delete_workflow
from flow64.deploy import (
    Agreement,
    plan_restore,
    save_plan,
)
from tests.service.fault_server import Forward
from tests.service.mishaps import Fault, stored_otherwise

try:
    import resource
except ImportError:  # pragma: no cover - not on Windows
    resource = None

STEPS = ("create", "update", "stamp", "delete")


def arranged(place, doing):
    """What is there before, and what is wanted, so that a plan has one such step."""
    if doing == "create":
        return [place.workflow("a")]
    workflow_id = place.put(place.workflow("a"))
    if doing == "delete":
        return []
    if doing == "stamp":
        place.edit(workflow_id, mode="PERSONAL")
    return [place.workflow("a", mode="PERSONAL")]


# -- One step of each kind under each fault (F2, F3, F6, F8, F10, F12) -----------------

FAULTS = {
    "reset-before": Fault("reset_before", method="POST"),
    "reset-after": Fault("reset_after", method="POST"),
    "close-after": Fault("close_after", method="POST"),
    "503-before": Fault("status_before", method="POST"),
    "502-after": Fault("status_after", method="POST", status=502),
    "429": Fault("status_before", method="POST", status=429, retry_after="0"),
    "html": Fault("html", method="POST"),
    "empty": Fault("empty", method="POST"),
    "cut": Fault("cut_json", method="POST"),
    "truncate": Fault("truncate", method="POST"),
    "look-reset": Fault("reset_after", method="GET"),
    "look-503": Fault("status_before", method="GET", times=2),
    "look-cut": Fault("truncate", method="GET"),
}


@pytest.mark.slow
@pytest.mark.parametrize("doing", STEPS)
def test_step_is_done_once_and_right_whatever_becomes_of_its_answer(place, doing):
    """Or it says that it does not know; the next deploy alone ends where it should."""
    for name, fault in FAULTS.items():
        wanted = arranged(place, doing)
        plan = place.plan(*wanted)
        place.emulator.faults.add(fault)
        place.forget()

        summary = place.apply(plan, agreed=Agreement(prune=len(plan.victims)))

        place.emulator.faults.clear()
        told = summary.failed[0].error if summary.failed else None
        assert told is None or isinstance(told, errors.OutcomeUnknownError), name
        then = place.plan(*wanted)
        if told is None:
            assert [one.doing for one in summary.done] == [doing], name
            assert then.is_empty, name
        else:
            agreed = Agreement(prune=len(then.victims))
            assert place.apply(then, agreed=agreed).is_complete, name
        for one in wanted:
            place.direct(delete_workflow, one.id())


@pytest.mark.slow
@pytest.mark.parametrize("doing", ["create", "update"])
@pytest.mark.parametrize("kind", ["drop_spec_field", "other_name"])
def test_something_else_is_stored(place, doing, kind):
    """F10: VerificationError with the paths, and the next plan shows it again."""
    wanted = arranged(place, doing)
    plan = place.plan(*wanted)
    place.emulator.faults.add(stored_otherwise(place.emulator, kind))

    error = place.apply(plan).failed[0].error
    place.emulator.faults.clear()
    (step,) = place.plan(*wanted).steps

    assert type(error) is errors.VerificationError
    path = "Renamed" if kind == "other_name" else "webhook"
    assert path in str(error)
    assert (step.state, step.action) == ("drifted", "refuse")
    assert place.apply(place.plan(*wanted), agreed=Agreement(force=["a"])).is_complete
    assert place.plan(*wanted).is_empty


# -- The third of five (F14) -----------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_third_of_five_new_workflows_fails(place, status):
    """One at a time: two are there, two were not tried; the next run goes on."""
    wanted = [place.workflow(key) for key in "abcde"]
    plan = place.plan(*wanted)
    fault = Fault("status_before", method="POST", status=status, after=2, times=1)
    place.emulator.faults.add(fault)

    summary = place.apply(plan, parallel=1)
    place.forget()
    again = place.apply(place.plan(*wanted))

    assert [one.key for one in summary.done] == ["a", "b"]
    assert (summary.failed[0].key, summary.failed[0].error.status) == ("c", status)
    assert list(summary.not_tried) == ["d", "e"]
    assert [one.key for one in again.done] == ["c", "d", "e"]
    assert place.writes() == ["create_workflow"] * 3
    assert place.plan(*wanted).is_empty


# -- Clocks that jump (F21) ------------------------------------------------------------


# -- History before each write (F24) ---------------------------------------------------


def test_history_has_it_before_the_service_is_written_to(faulty):
    """Looked at from the service's side, as each update and delete comes in."""
    wanted = [faulty.workflow("a", mode="PERSONAL"), faulty.workflow("s")]
    for key in ("a", "gone"):
        faulty.put(faulty.workflow(key))
    faulty.emulator.edit(faulty.put(faulty.workflow("s")), name="By hand")
    plan = faulty.plan(*wanted)
    live = {step.key: step.live.definition for step in plan.steps}
    moments = []

    def looking(_):
        moments.append(faulty.history.entries()[0].key)
        return Forward()

    faulty.server.always("POST", "*", looking)
    summary = faulty.apply(plan, agreed=Agreement(prune=1, force=["s"]))

    assert [(one.key, one.doing) for one in summary.done] == [
        ("a", "update"),
        ("s", "update"),
        ("gone", "delete"),
    ]
    assert moments == ["a", "s", "gone"]
    for saved in faulty.history.entries():
        old = live[saved.key]
        kept = saved.definition
        assert (kept.name, kept.blocks, kept.stamp) == (old.name, old.blocks, old.stamp)
        assert stat.S_IMODE(saved.file.stat().st_mode) == 0o600
    # Each of them comes back, the edit that was forced over and the one that was gone.
    for key, old in live.items():
        where = {"env": "default", "endpoint": faulty.url}
        back = faulty.play(plan_restore, faulty.history, key, **where)
        assert faulty.apply(back).is_complete
        now = faulty.live(back.steps[0].id)
        assert (now.name, now.blocks, now.stamp) == (old.name, old.blocks, old.stamp)


# -- Disks (L6) ------------------------------------------------------------------------


@contextmanager
def small_files(size):
    """No file may become larger; what would is told as a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.skipif(resource is None, reason="there are no such limits here")
@pytest.mark.parametrize("size", [0, 100, 1000])
def test_disk_without_room_stops_before_the_first_write(place, size, tmp_path):
    place.put(place.workflow("a"))
    plan = place.plan(place.workflow("new"), place.workflow("a", mode="PERSONAL"))
    saved = tmp_path / "plan.json"
    save_plan(plan, saved)
    before = saved.read_bytes()
    place.forget()

    with small_files(size):
        with pytest.raises(errors.HistoryError, match="is not overwritten"):
            place.apply(plan)
        with pytest.raises(errors.SavedPlanError, match="cannot be written"):
            save_plan(plan, saved)

    assert place.writes() == []
    assert saved.read_bytes() == before
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert left <= {"plan.json"}
