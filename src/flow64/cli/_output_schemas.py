"""JSON Schemas of what commands print with `--json`.

Names come from the data of an empty thing, and types from the attributes of its class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..analysis import Estimate
from ..api import Answered, RunEntry, WorkflowInfo
from ..blocks import DIALECT
from ..deploy import SavedPlan, as_data, saved_plan_data
from ..diagnostics import Finding
from ..diff import Change, Consequence, Impact, list_change_names
from ..generation import schema_of_class, schema_of_data, schema_of_type
from ..loading import LiveWorkflow
from ..plan import Plan, Rename, Review, Step, Touched
from ..render import as_data as review_data
from ..runs import Tracked
from . import _params as params
from .list import LISTED_FACTS
from .run import RUN_FACTS

_NULL: Final[Mapping[str, Any]] = {"type": "null"}

_TEXT_OR_NULL: Final[Mapping[str, Any]] = {"type": ["string", "null"]}

_EMPTY_PLAN: Final = Plan("", "", (Step("", "", "", "", "new"),))


def check_schema() -> dict[str, Any]:
    """Return the JSON Schema of the findings of `flow64 check --json`."""
    finding = _finding_schema()
    finding["properties"] = {"workflow": _TEXT_OR_NULL, **finding["properties"]}
    finding["required"] = ["workflow", *finding["required"]]
    return {
        "$schema": DIALECT,
        "title": "Findings, as `flow64 check --json` prints them",
        "type": "array",
        "items": finding,
    }


def _finding_schema() -> dict[str, Any]:
    empty = Finding("", "specs", "note", "")
    return schema_of_data(Finding, empty.as_data())


def plan_schema() -> dict[str, Any]:
    """Return the JSON Schema of a plan of `flow64 plan --json`, or of its errors."""
    data = as_data(_EMPTY_PLAN)
    return {
        "$schema": DIALECT,
        "title": "A plan, as `flow64 plan --json` prints it",
        "anyOf": [
            _view(
                Plan,
                data,
                environment={"type": "string"},
                steps={"type": "array", "items": _step_schema(data["steps"][0])},
                renames={"type": "array", "items": schema_of_class(Rename)},
            ),
            _errors_schema(),
        ],
    }


def _step_schema(data: Mapping[str, Any]) -> dict[str, Any]:
    return _view(
        Step,
        data,
        **_CHANGES,
        cost={"anyOf": [_cost_schema(), _NULL]},
        live=_TEXT_OR_NULL,
        stamp=_TEXT_OR_NULL,
    )


def _view(
    cls: type[Any], data: Mapping[str, Any], **others: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the schema of data of which some members are no attributes of a class."""
    found = schema_of_data(cls, [name for name in data if name not in others])
    properties = {**found["properties"], **others}
    ordered = {name: properties[name] for name in data}
    return {**found, "properties": ordered, "required": [*data]}


def saved_plan_schema() -> dict[str, Any]:
    """Return the JSON Schema of a file that `flow64 plan -o FILE` writes."""
    data = saved_plan_data(_EMPTY_PLAN)
    texts = {"type": "array", "items": {"type": "string"}}
    step = data["steps"][0]
    return {
        "$schema": DIALECT,
        "title": "A plan, as `flow64 plan -o FILE` saves it",
        **_view(
            SavedPlan,
            {**data, "digest": ""},
            **{
                "flow64:plan": {"const": data["flow64:plan"]},
                "flow64": {"type": "string"},
                "salt": {"type": "string"},
                "digest": {"type": "string"},
                "projects": {"anyOf": [{"type": "array", "items": texts}, _NULL]},
                "hidden": {"type": "array", "items": texts},
                "steps": {
                    "type": "array",
                    "items": _view(
                        Step,
                        step,
                        changes=texts,
                        edits=texts,
                        live={"type": ["object", "null"]},
                        target={"type": ["object", "null"]},
                    ),
                },
            },
        ),
    }


def review_schema() -> dict[str, Any]:
    """Return the JSON Schema of a review of `flow64 review --json`."""
    data = review_data(Review("plan", _EMPTY_PLAN.steps))
    return {
        "$schema": DIALECT,
        "title": "A review, as `flow64 review --json` prints it",
        **_view(
            Review,
            data,
            format={"const": data["format"]},
            version={"const": data["version"]},
            environment=_TEXT_OR_NULL,
            headline={"type": "string"},
            groups={"type": "array", "items": _group_schema(data["groups"][0])},
            workflows={"type": "array", "items": _reviewed(data["workflows"][0])},
            renames={"type": "array", "items": {"type": "object"}},
        ),
    }


def _group_schema(data: Mapping[str, Any]) -> dict[str, Any]:
    keys = {"type": "array", "items": {"type": "string"}}
    return _view(Step, data, keys=keys, like={"anyOf": [keys, _NULL]})


def _reviewed(data: Mapping[str, Any]) -> dict[str, Any]:
    cost = {"anyOf": [_cost_schema(), _NULL]}
    touched = schema_of_class(Touched)["properties"]
    costs = dict.fromkeys(data["cost"], cost)
    return _view(
        Step,
        data,
        id=_TEXT_OR_NULL,
        title={"type": "string"},
        file=_TEXT_OR_NULL,
        cost={"type": "object", "properties": costs, "required": [*costs]},
        **_CHANGES,
        **touched,
    )


def run_schema() -> dict[str, Any]:
    """Return the JSON Schema of a run of `flow64 run --json`, or of its estimate."""
    run = schema_of_data(Tracked, RUN_FACTS)
    run["properties"] |= {
        "run_id": {"type": "string"},
        "output": _TEXT_OR_NULL,
        "rows": {"type": ["integer", "null"]},
    }
    estimate = {
        "type": "object",
        "properties": {"not_counted": {"type": "array", "items": {"type": "string"}}},
        "required": ["not_counted"],
        "additionalProperties": {"type": "string"},
    }
    return {
        "$schema": DIALECT,
        "title": "A run, as `flow64 run --json` prints it; its cost with --dry-run",
        "anyOf": [{**run, "required": [*run["properties"]]}, estimate],
    }


def list_schema() -> dict[str, Any]:
    """Return the JSON Schema of the workflows of `flow64 list --json`."""
    one = _answer_schema(WorkflowInfo)
    more = schema_of_data(LiveWorkflow, LISTED_FACTS)
    one["properties"] |= more["properties"]
    one["required"] += more["required"]
    return {
        "$schema": DIALECT,
        "title": "Deployed workflows, as `flow64 list --json` prints them",
        "type": "array",
        "items": one,
    }


def runs_schema() -> dict[str, Any]:
    """Return the JSON Schema of the runs of `flow64 runs --json`."""
    return {
        "$schema": DIALECT,
        "title": "Runs, as `flow64 runs --json` prints them",
        "type": "array",
        "items": _answer_schema(RunEntry),
    }


def _answer_schema(cls: type[Answered]) -> dict[str, Any]:
    """Return the schema of an answer of the service, with other fields as they came."""
    return schema_of_data(cls, params.names_of_data(cls))


def _changes_schema(classes: Any) -> dict[str, Any]:
    names = {"enum": [*list_change_names(classes)]}
    item = {"type": "object", "properties": {"change": names}, "required": ["change"]}
    return {"type": "array", "items": item}


_CHANGES: Final[Mapping[str, Any]] = {
    "edits": _changes_schema(Change),
    "changes": _changes_schema(Change),
    "consequences": _changes_schema(Consequence),
    "impact": schema_of_type(Impact),
    "settings": {"type": "array", "items": {"type": "object"}},
}
"""What a plan and a review say of the changes of a workflow."""


def _cost_schema() -> dict[str, Any]:
    return schema_of_data(Estimate, Estimate(None, (), ()).as_data())


def _errors_schema() -> dict[str, Any]:
    """Return the schema of what is printed if workflows have errors."""
    members = {name: {"type": "string"} for name in ("workflow", "error")}
    item = {"type": "object", "properties": members, "required": [*members]}
    return {
        "type": "object",
        "properties": {"errors": {"type": "array", "items": item}},
        "required": ["errors"],
    }
