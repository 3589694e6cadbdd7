"""Plan and apply: what a deploy would do, done exactly or refused."""

from __future__ import annotations

from ._agreement import Agreement
from ._applying import Done, Failed, Summary, Writing, applying
from ._behind import Ancestry, Git
from ._cache import FileCache
from ._history import History, Saved
from ._interrupt import Stop, first_cancel_waits, first_interrupt_waits
from ._model import (
    Cache,
    Plan,
    Rename,
    RunRef,
    ScheduleRef,
    Sighting,
    Step,
    Target,
    Touched,
)
from ._planning import Looked, planning
from ._restore import restoring
from ._reviewed import review_of_plan
from ._saved import SavedPlan, applying_saved, load_plan, reopening, save_plan
from ._show import as_data, as_text
from ._target import bases_of, target_of

__all__ = [
    "Agreement",
    "Ancestry",
    "Cache",
    "Done",
    "Failed",
    "FileCache",
    "Git",
    "History",
    "Looked",
    "Plan",
    "Rename",
    "RunRef",
    "Saved",
    "SavedPlan",
    "ScheduleRef",
    "Sighting",
    "Step",
    "Stop",
    "Summary",
    "Target",
    "Touched",
    "Writing",
    "applying",
    "applying_saved",
    "as_data",
    "as_text",
    "bases_of",
    "first_cancel_waits",
    "first_interrupt_waits",
    "load_plan",
    "planning",
    "reopening",
    "restoring",
    "review_of_plan",
    "save_plan",
    "target_of",
]
