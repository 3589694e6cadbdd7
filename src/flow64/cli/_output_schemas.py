"""JSON Schemas of what commands print with `--json`.

Names come from the data of an empty thing, and types from the attributes of its class.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..analysis import Estimate
from ..api import RunEntry, WorkflowInfo
from ..blocks import DIALECT
from ..deploy import DeployedCode, SameCode, SavedPlan, as_data, saved_plan_data
from ..determinism import Difference
from ..diagnostics import Finding
from ..diff import Change, Consequence, Impact, list_change_names
from ..doctor import Check
from ..generation import schema_of_class, schema_of_data, schema_of_type
from ..loading import LiveWorkflow
from ..plan import Plan, Rename, Review, Step, Touched
from ..render import as_data as review_data
from ..runs import RunEvent, Tracked
from . import _outputs as outputs
from . import _params as params
from ._comparing import ComparedWorkflow
from ._failure import Failure, Faults
from ._terminal import FORMAT_VERSION
from .list import LISTED_FACTS
from .run import RUN_FACTS
from .runs import RUN_NAMES
from .watch import name_event

_NULL: Final[Mapping[str, Any]] = {"type": "null"}

_TEXT: Final[Mapping[str, Any]] = {"type": "string"}

_TEXT_OR_NULL: Final[Mapping[str, Any]] = {"type": ["string", "null"]}

_ANY_SCHEMA: Final[Mapping[str, Any]] = {
    "title": "A JSON Schema, as it is",
    "type": "object",
    "properties": {"$schema": _TEXT},
    "required": ["$schema"],
}

_EMPTY_PLAN: Final = Plan("", "", (Step("", "", "", "", "new"),))


def output_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of what a command prints with `--json`."""
    return {
        "$schema": DIALECT,
        "title": f"What flow64 {name} --json prints",
        **_with_version(OUTPUTS[name]()),
    }


def error_schema() -> dict[str, Any]:
    """Return the JSON Schema of what a command without a result prints."""
    return {
        "$schema": DIALECT,
        "title": "What any command prints with --json if it fails without a result",
        **_with_version(_object(error=_failure_schema())),
    }


def _with_version(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with the version of the form, in each of its alternatives."""
    if "anyOf" in body:
        return {"anyOf": [*map(_with_version, body["anyOf"])]}
    if body.get("title") == _ANY_SCHEMA["title"]:
        return {**body}
    return {
        **body,
        "properties": {
            "format_version": {"const": FORMAT_VERSION},
            **body["properties"],
        },
        "required": ["format_version", *body["required"]],
    }


def _object(**members: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": members, "required": [*members]}


def _list_of(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def _of(*classes: Any) -> Callable[[], dict[str, Any]]:
    """Return a function that makes the schema of one of some typed dictionaries."""

    def make() -> dict[str, Any]:
        found = [*map(schema_of_type, classes)]
        return found[0] if len(found) == 1 else {"anyOf": found}

    return make


def _check_schema() -> dict[str, Any]:
    finding = _finding_schema()
    finding["properties"] = {"key": _TEXT_OR_NULL, **finding["properties"]}
    finding["required"] = ["key", *finding["required"]]
    return _object(findings=_list_of(finding))


def _failure_schema() -> dict[str, Any]:
    found = schema_of_type(Failure)
    faults = schema_of_type(Faults)
    faults["properties"]["findings"] = _list_of(_finding_schema())
    found["properties"]["workflows"] = _list_of(faults)
    return found


def _finding_schema() -> dict[str, Any]:
    empty = Finding("", "specs", "note", "")
    return schema_of_data(Finding, empty.as_data())


def _plan_schema() -> dict[str, Any]:
    data = as_data(_EMPTY_PLAN)
    return _view(
        Plan,
        data,
        env=_TEXT,
        workflows=_list_of(_step_schema(data["workflows"][0])),
        renames=_list_of(schema_of_class(Rename)),
    )


def _deploy_schema() -> dict[str, Any]:
    """Return the schema of a deploy; a dry run prints the plan."""
    short = _object(key=_TEXT, outcome=_TEXT, error=_TEXT_OR_NULL)
    found = _object(
        env=_TEXT_OR_NULL,
        endpoint=_TEXT_OR_NULL,
        workflows=_list_of({"anyOf": [schema_of_type(outputs.AppliedStep), short]}),
        problems=_list_of(_TEXT),
        resume=_TEXT,
        plan={"anyOf": [_plan_schema(), _NULL]},
        error={"anyOf": [_failure_schema(), _NULL]},
    )
    return {"anyOf": [found, _plan_schema()]}


def _step_schema(data: Mapping[str, Any]) -> dict[str, Any]:
    return _view(
        Step,
        data,
        **_CHANGES,
        workflow_id=_TEXT,
        cost={"anyOf": [_cost_schema(), _NULL]},
        live=_TEXT_OR_NULL,
        stamp=_TEXT_OR_NULL,
    )


def _view(
    cls: type[Any], data: Mapping[str, Any], **others: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the schema of data that has members beyond the attributes of a class."""
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


def _review_schema() -> dict[str, Any]:
    data = review_data(Review("plan", _EMPTY_PLAN.steps))
    return _view(
        Review,
        data,
        env=_TEXT_OR_NULL,
        headline=_TEXT,
        groups=_list_of(_group_schema(data["groups"][0])),
        workflows=_list_of(_review_step_schema(data["workflows"][0])),
        renames=_list_of({"type": "object"}),
    )


def _group_schema(data: Mapping[str, Any]) -> dict[str, Any]:
    keys = {"type": "array", "items": {"type": "string"}}
    return _view(Step, data, keys=keys, like={"anyOf": [keys, _NULL]})


def _review_step_schema(data: Mapping[str, Any]) -> dict[str, Any]:
    cost = {"anyOf": [_cost_schema(), _NULL]}
    touched = schema_of_class(Touched)["properties"]
    costs = dict.fromkeys(data["cost"], cost)
    return _view(
        Step,
        data,
        workflow_id=_TEXT_OR_NULL,
        file=_TEXT_OR_NULL,
        cost={"type": "object", "properties": costs, "required": [*costs]},
        **_CHANGES,
        **touched,
    )


def _run_schema() -> dict[str, Any]:
    run = schema_of_data(Tracked, RUN_FACTS)
    named = {"key": _TEXT, "env": _TEXT, "run_id": _TEXT}
    more = {"output": _TEXT_OR_NULL, "rows": {"type": ["integer", "null"]}}
    found = _object(**named, **run["properties"], **more)
    estimate = _object(
        workflow_id=_TEXT,
        key=_TEXT,
        env=_TEXT,
        endpoint=_TEXT,
        cost=_TEXT,
        not_counted=_list_of(_TEXT),
    )
    return {"anyOf": [found, estimate]}


def _list_schema() -> dict[str, Any]:
    found = {
        "workflow_id": _TEXT,
        **schema_of_data(LiveWorkflow, LISTED_FACTS)["properties"],
        **_answer_schema(WorkflowInfo)["properties"],
    }
    del found["id"]
    return _object(workflows=_list_of(_object(**found)))


def _runs_schema() -> dict[str, Any]:
    found = _answer_schema(RunEntry)["properties"]
    found |= {ours: found[name] for name, ours in RUN_NAMES.items()}
    for name in RUN_NAMES:
        del found[name]
    return _object(env=_TEXT, runs=_list_of(_object(**found)))


def _watch_schema() -> dict[str, Any]:
    """Return the schema of one line: an event. The last one has ended the run."""
    return {
        "anyOf": [
            _object(
                run_id=_TEXT,
                event={"const": name_event(cls)},
                **schema_of_class(cls)["properties"],
            )
            for cls in typing.get_args(RunEvent)
        ]
    }


def _determinism_schema() -> dict[str, Any]:
    return _object(
        is_same={"type": "boolean"},
        processes={"type": "integer"},
        keys=_list_of(_TEXT),
        difference={"anyOf": [schema_of_class(Difference), _NULL]},
    )


def _same_schema() -> dict[str, Any]:
    code = _answer_schema(DeployedCode)
    one = _answer_schema(SameCode)
    one["properties"] |= {"here": code, "there": code}
    return _object(
        here=_TEXT, there=_TEXT, same={"type": "boolean"}, workflows=_list_of(one)
    )


def _diff_schema() -> dict[str, Any]:
    entry = {"anyOf": [schema_of_type(outputs.ComparedEntry), _NULL]}
    one = schema_of_data(ComparedWorkflow, ("outcome", "renamed_from"))
    one["properties"] |= {"key": _TEXT, "before": entry, "after": entry}
    hidden = {name: _CHANGES[name] for name in ("changes", "consequences")}
    workflow = _object(**one["properties"], impact=_CHANGES["impact"])
    workflow["properties"] |= {**hidden, "unmanaged": _list_of({"type": "object"})}
    return _object(
        before=_TEXT,
        after=_TEXT,
        differs={"type": "boolean"},
        hidden_for=_list_of(_TEXT),
        groups=_list_of(schema_of_type(outputs.ComparedGroup)),
        workflows=_list_of(workflow),
    )


def _blocks_schema() -> dict[str, Any]:
    names = {"kind": _TEXT, "class": _TEXT, "example": _TEXT}
    return _object(blocks=_list_of(_object(**names)))


def _doctor_schema() -> dict[str, Any]:
    return _object(checks=_list_of(schema_of_class(Check)))


def _schema_schema() -> dict[str, Any]:
    return {"anyOf": [schema_of_type(outputs.Schemas), _ANY_SCHEMA]}


def _answer_schema(cls: type[Any]) -> dict[str, Any]:
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


OUTPUTS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    "check": _check_schema,
    "compile": _of(outputs.Files, outputs.Staleness),
    "determinism": _determinism_schema,
    "init": _of(outputs.Files),
    "blocks": _blocks_schema,
    "blocks sync": _of(outputs.SyncedBlocks),
    "blocks generate": _of(outputs.GeneratedBlocks, outputs.BlocksCurrent),
    "schema": _schema_schema,
    "plan": _plan_schema,
    "review": _review_schema,
    "deploy": _deploy_schema,
    "pull": _of(outputs.PulledFolder),
    "code": _of(outputs.WrittenModule),
    "history": _of(outputs.HistoryEntries),
    "restore": _deploy_schema,
    "graph": _of(outputs.Drawing),
    "diff": _diff_schema,
    "same": _same_schema,
    "run": _run_schema,
    "watch": _watch_schema,
    "results": _of(outputs.RunFiles),
    "cancel": _of(outputs.CancelledRun),
    "runs": _runs_schema,
    "list": _list_schema,
    "doctor": _doctor_schema,
    "demo": _of(outputs.DemoRun),
    "completion": _of(outputs.CompletionScript),
}
"""The schema of the output of each command, without the version."""
