"""Make a plan, apply exactly that plan, and keep what a write replaces."""

from __future__ import annotations

from ._alone import planned_alone as planned_alone
from ._apply import PARALLEL as PARALLEL
from ._apply import Done, Failed, Summary, Writing, applying
from ._cache import FileCache
from ._consent import Agreement
from ._consent import Doing as Doing
from ._consent import Job as Job
from ._consent import jobs_of as jobs_of
from ._consent import skipped as skipped
from ._deploy import Deployment as Deployment
from ._deploy import Preview as Preview
from ._deploy import Ready as Ready
from ._deploy import before_step as before_step
from ._deploy import deploying as deploying
from ._deploy import prepared as prepared
from ._deploy import require_namespace as require_namespace
from ._drift import Fields as Fields
from ._drift import compare as compare
from ._drift import fields_of as fields_of
from ._drift import reduced as reduced
from ._drift import short as short
from ._drift import shown_as as shown_as
from ._drift import spends_when_written as spends_when_written
from ._git import Ancestry, Git
from ._git import ask_git as ask_git
from ._history import PLACE_NAME as PLACE_NAME
from ._history import History, Saved
from ._interrupt import Stop, first_cancel_waits, first_interrupt_waits
from ._plan_text import as_data, as_text
from ._planner import Looked, planning
from ._restore import restoring
from ._review_of_plan import review_of_plan
from ._same_code import DeployedCode as DeployedCode
from ._same_code import SameCode as SameCode
from ._same_code import deployed_code as deployed_code
from ._same_code import deployed_codes as deployed_codes
from ._same_code import same_code as same_code
from ._saved_plan import SavedPlan, applying_saved, load_plan, reopening, save_plan
from ._target import Deployable as Deployable
from ._target import bases_of, target_of
from ._target import key_of as key_of
from ._target import owner as owner

__all__ = [
    "Agreement",
    "Ancestry",
    "Done",
    "Failed",
    "FileCache",
    "Git",
    "History",
    "Looked",
    "Saved",
    "SavedPlan",
    "Stop",
    "Summary",
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
