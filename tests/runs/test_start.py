"""Starting a run once, whatever happens to the answer."""

from __future__ import annotations

import pytest

from flow64 import errors
from flow64.runs import journal as journals
from flow64.runs.start import start
from tests.runs.fake_service import CODE, ROWS, FakeService, launch

GOLDEN = "582b8c99-d715-5530-b7ac-7e0b46722848"

FAULTS = (
    "",
    "unsent",
    "before lost",
    "after lost",
    "before 500",
    "after 500",
    "before 429",
    "after 429",
    "after 401",
    "after html",
    "after 409",
    "before 422",
    "after id {x}",
    "after id  ",
)


def begin(service, path=None, rows=ROWS, **options):
    """Start a run as a new process does."""
    journals._UNWRITTEN.clear()
    return start(service.session(), launch(path), rows, **options)


def test_smoke(tmp_path):
    service = FakeService().deploy()
    run = begin(service, tmp_path / "j", intent="2026-11-24")
    assert service.runs[0].job_id == run.id
    assert service.runs[0].key == GOLDEN


@pytest.mark.parametrize("honours_key", [True, False])
@pytest.mark.parametrize("late", [0, 1])
@pytest.mark.parametrize("first", FAULTS)
def test_nothing_is_bought_twice(tmp_path, first, late, honours_key):
    """Whatever is lost, and whoever repeats it: one run for an intent, and it is ours."""
    for number, second in enumerate(FAULTS):
        faults = [first, second]
        service = FakeService(honours_key, late, [*faults]).deploy()
        runs = []
        for _ in range(4):
            try:
                runs.append(begin(service, tmp_path / f"{number}"))
            except errors.FlowError:
                continue
        assert len(service.runs) <= 1, faults
        assert {run.id for run in runs} <= {run.job_id for run in service.runs}, faults
