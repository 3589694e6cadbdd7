"""Make a plan, apply exactly that plan, and keep what a write replaces."""

from __future__ import annotations

from ._apply import NOT_AGAIN as NOT_AGAIN
from ._apply import PARALLEL as PARALLEL
from ._apply import Done, Failed, Summary, Writing, apply_plan
from ._apply import check_plan as check_plan
from ._apply_saved_plan import apply_saved_plan, reopen_plan
from ._consent import Agreement
from ._consent import Doing as Doing
from ._consent import PlannedWrite as PlannedWrite
from ._consent import list_left_alone as list_left_alone
from ._deploy import Deployment as Deployment
from ._deploy import Preview as Preview
from ._deploy import Ready as Ready
from ._deploy import plan_and_apply as plan_and_apply
from ._deploy import prepare_deploy as prepare_deploy
from ._deploy import preview as preview
from ._deploy import require_namespace as require_namespace
from ._drift import SpecFields as SpecFields
from ._drift import describe_differences as describe_differences
from ._drift import fields_of as fields_of
from ._drift import fields_of_last_deploy as fields_of_last_deploy
from ._drift import judge as judge
from ._drift import keep_fields as keep_fields
from ._drift import managed_fields as managed_fields
from ._drift import prepare_for_display as prepare_for_display
from ._drift import short_fingerprint as short_fingerprint
from ._drift import spends_when_written as spends_when_written
from ._git import Ancestry, Git
from ._git import run_git as run_git
from ._history import PLACE_NAME as PLACE_NAME
from ._history import History, Saved
from ._interrupt import Stop, first_interrupt_waits
from ._plan_text import as_data, as_text
from ._planner import Looked, make_plan
from ._planner import plan_one as plan_one
from ._restore import plan_restore
from ._review_of_plan import review_of_plan
from ._saved_plan import SavedPlan, load_plan, save_plan
from ._saved_plan import saved_plan_data as saved_plan_data
from ._target import Deployable as Deployable
from ._target import bases_of, target_of
from ._target import key_of as key_of
from ._target import owner_path as owner_path

__all__ = [
    "Agreement",
    "Ancestry",
    "Done",
    "Failed",
    "Git",
    "History",
    "Looked",
    "Saved",
    "SavedPlan",
    "Stop",
    "Summary",
    "Writing",
    "apply_plan",
    "apply_saved_plan",
    "as_data",
    "as_text",
    "bases_of",
    "first_interrupt_waits",
    "load_plan",
    "make_plan",
    "plan_restore",
    "reopen_plan",
    "review_of_plan",
    "save_plan",
    "target_of",
]
