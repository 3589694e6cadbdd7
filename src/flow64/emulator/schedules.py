"""Schedules: their operations, and the runs that they start by the emulator's clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from itertools import islice, takewhile
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

from attrs import evolve
from cronsim import CronSim, CronSimError

from ..errors import ConfigError
from .operations import DOCUMENT, as_response, make_violation
from .records import JsonObject, RunRecord, ScheduleRecord
from .runs import add_run
from .service import Call, Handler, RefusedError, Service

LISTED: Final = 5
"""How many future times are listed."""

MOST_RUNS: Final = 100
"""Runs of one schedule that a clock starts at once; earlier due times are left out."""

_CRON_FIELDS: Final = 5
_SOME_DAY: Final = datetime(2096, 3, 1, tzinfo=UTC)
"""The day after 29 February 2096. The next 29 February is in 2104."""


def create_schedule(service: Service, call: Call) -> JsonObject:
    """Schedule a workflow for the times of a cron expression."""
    _check_times(call.body)
    workflow = service.find_workflow(call, call.body["workflow_id"])
    now = service.clock.now()
    schedule = ScheduleRecord(
        id=str(uuid4()),
        org_id=call.org_id,
        workflow_id=workflow.id,
        name=call.body["name"],
        cron_expression=call.body["cron_expression"],
        timezone=call.body.get("timezone", "UTC"),
        description=call.body.get("description"),
        is_active=call.body.get("is_active", True),
        created_at=now,
        updated_at=now,
        ran_until=now,
    )
    service.store.schedules.add(schedule)
    return _schedule_response(service, schedule)


def list_schedules(service: Service, call: Call) -> list[JsonObject]:
    """List the organisation's schedules, all or those of a workflow."""
    workflow_id = call.query["workflow_id"]
    return [
        _schedule_response(service, schedule)
        for schedule in service.store.schedules.of(call.org_id)
        if workflow_id is None or schedule.workflow_id == workflow_id.lower()
    ]


def get_schedule(service: Service, call: Call) -> JsonObject:
    """Return one schedule, with its next due times."""
    return _schedule_response(service, _find_schedule(service, call))


def update_schedule(service: Service, call: Call) -> JsonObject:
    """Change the fields of a schedule that the body names."""
    schedule = _find_schedule(service, call)
    documented = DOCUMENT["components"]["schemas"]["UpdateScheduleRequest"]
    changes: dict[str, Any] = {
        name: call.body[name]
        for name in documented["properties"]
        if call.body.get(name) is not None
    }
    _check_times(changes)
    now = service.clock.now()
    if not schedule.is_active:  # what was due meanwhile is not caught up
        changes["ran_until"] = now
    try:
        schedule = service.store.schedules.change(
            schedule.id, lambda old: evolve(old, **changes, updated_at=now)
        )
    except KeyError:  # deleted meanwhile
        raise RefusedError.not_found("Schedule") from None
    return _schedule_response(service, schedule)


def delete_schedule(service: Service, call: Call) -> JsonObject:
    """Remove a schedule; its workflow stays."""
    schedule = _find_schedule(service, call)
    if not service.store.schedules.remove(schedule.id):
        raise RefusedError.not_found("Schedule")
    return {"id": schedule.id, "deleted": True}


def run_due_schedules(service: Service) -> None:
    """Start a run for each due time of each schedule that has passed.

    It is called before each request, and once a second while the emulator is served. If
    the store cannot be used, the next call does it.
    """
    with suppress(ConfigError):
        for schedule in service.store.schedules.all():
            _run_if_due(service, schedule.id)


def _run_if_due(service: Service, schedule_id: str) -> None:
    runs: list[RunRecord] = []
    with service.store.transaction():  # another thread may look at the same time
        schedule = service.store.schedules.get(schedule_id)
        if schedule is None or not schedule.is_active:
            return
        due = _list_due(schedule, service.clock.now())
        workflow = service.store.workflows.get(schedule.workflow_id)
        if due and workflow is not None:
            service.store.schedules.put(evolve(schedule, ran_until=due[0]))
            graph, facts = workflow.definition, {"schedule_id": schedule.id}
            runs += (add_run(service, workflow, graph, None, **facts)[0] for _ in due)
    for run in runs:
        service.engine.start(run.id)


def _list_due(schedule: ScheduleRecord, now: datetime) -> Sequence[datetime]:
    """Return the due times that have passed since the last run, newest first."""
    backwards = _list_times(schedule, now, is_reverse=True)
    passed = takewhile(lambda time: time > schedule.ran_until, backwards)
    return [*islice(passed, MOST_RUNS)]


def skip_missed_times(service: Service) -> None:
    """Leave out what was due while no emulator had the store open."""
    now = service.clock.now()
    for schedule in service.store.schedules.all():
        service.store.schedules.put(evolve(schedule, ran_until=now))


def _list_times(
    schedule: ScheduleRecord, start: datetime, *, is_reverse: bool = False
) -> Iterator[datetime]:
    """Yield the due times of a schedule after or before a moment, in UTC."""
    # The store may come from a machine that knows more time zones.
    zone = _as_zone(schedule.timezone) or UTC
    for time in CronSim(schedule.cron_expression, start.astimezone(zone), is_reverse):
        # In an hour that the clocks repeat, the first may have been.
        if is_reverse or time.astimezone(UTC) > start:
            yield time.astimezone(UTC)


def _find_schedule(service: Service, call: Call) -> ScheduleRecord:
    schedule = service.store.schedules.get(call.path["schedule_id"])
    return service.check_owner(schedule, call, "Schedule")


def _schedule_response(service: Service, schedule: ScheduleRecord) -> JsonObject:
    """Return a `ScheduleResponse`."""
    times: list[datetime] = []
    if schedule.is_active:
        times += islice(_list_times(schedule, service.clock.now()), LISTED)
    owner = schedule.org_id
    return as_response(
        "ScheduleResponse", schedule, team_id=owner, next_run_times=times
    )


def _check_times(body: JsonObject) -> None:
    """Check the cron expression and time zone of a body, which no schema can check."""
    violations: list[JsonObject] = []
    cron = body.get("cron_expression")
    if cron is not None and (problem := _describe_wrong_cron(cron)):
        place = ("body", "cron_expression")
        violations.append(make_violation(place, "value_error", problem))
    if "timezone" in body and _as_zone(body["timezone"]) is None:
        problem = f"{body['timezone'][:60]!r} is not an IANA time zone"
        violations.append(make_violation(("body", "timezone"), "value_error", problem))
    if violations:
        raise RefusedError(422, violations)


def _describe_wrong_cron(expression: str) -> str | None:
    """Describe what is wrong with a cron expression; None if it can be used."""
    count = len(expression.split())
    if count != _CRON_FIELDS:  # the library takes a sixth field, for seconds
        return f"a cron expression has {_CRON_FIELDS} fields, not {count}"
    try:
        is_ever = any(CronSim(expression, _SOME_DAY))
    except (CronSimError, ValueError) as error:
        return f"the cron expression cannot be read: {error}"
    return None if is_ever else "the cron expression is never due"


def _as_zone(name: str) -> tzinfo | None:
    """Return the time zone of a name, or None."""
    if name == "UTC":  # also if the system has no time zones
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        return None


HANDLERS: Final[Mapping[str, Handler]] = {
    "create_schedule_endpoint_schedules_post": create_schedule,
    "list_schedules_endpoint_schedules_get": list_schedules,
    "get_schedule_endpoint_schedules__schedule_id__get": get_schedule,
    "update_schedule_endpoint_schedules__schedule_id__patch": update_schedule,
    "delete_schedule_endpoint_schedules__schedule_id__delete": delete_schedule,
}
