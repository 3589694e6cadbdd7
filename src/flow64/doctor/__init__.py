"""Doctor: the setup of this machine, and what the service answers to reads."""

from __future__ import annotations

from . import _verdicts as _verdicts  # it adds all assumptions
from ._assumptions import ASSUMPTIONS, AssumptionResult, judge_assumptions
from ._diagnosis import STATES, Diagnosis, diagnose
from ._kinds import SavedList, compare_kinds
from ._probe import Probe, ProbeAnswer, ProbeResult
from ._questions import MOST, QUESTIONS
from ._report import make_report
from ._requests import Examination, RequestRecord, RequestRecords, examine
from ._sandbox import (
    HARMLESS,
    NAMESPACE,
    PROJECT,
    TITLE,
    GuardError,
    MadeFile,
    ProbeId,
    Sandbox,
)
from ._setup import list_extras, shorten_path

__all__ = [
    "ASSUMPTIONS",
    "HARMLESS",
    "MOST",
    "NAMESPACE",
    "PROJECT",
    "QUESTIONS",
    "STATES",
    "TITLE",
    "AssumptionResult",
    "Diagnosis",
    "Examination",
    "GuardError",
    "MadeFile",
    "Probe",
    "ProbeAnswer",
    "ProbeId",
    "ProbeResult",
    "RequestRecord",
    "RequestRecords",
    "Sandbox",
    "SavedList",
    "compare_kinds",
    "diagnose",
    "examine",
    "judge_assumptions",
    "list_extras",
    "make_report",
    "shorten_path",
]
