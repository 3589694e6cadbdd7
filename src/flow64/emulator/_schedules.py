"""The routes of schedules. They are stored and listed, but start nothing."""

from __future__ import annotations

from typing import Any, Final
from uuid import uuid4

from attrs import evolve, frozen

from ._clock import format_time
from ._cron import as_zone, describe_wrong_cron, next_times
from ._http import ApiCall, RefusedError, Route, not_found_error
from ._records import JsonObject, ScheduleRecord, public_id
from ._schema import ANY_OBJECT, OPTIONAL_TEXT, TEXT, Schema, make_violation
from ._services import Services

LISTED: Final = 5
"""How many future times are listed."""

_FIELDS: Final[dict[str, Schema]] = {
    "name": Schema(type="string", shortest=1, longest=120),
    "cron_expression": Schema(type="string", shortest=1),
    "timezone": Schema(type="string", default="UTC"),
    "description": OPTIONAL_TEXT,
    "is_active": Schema(type="boolean", default=True),
}

CREATE: Final = Schema(
    type="object",
    name="CreateScheduleRequest",
    fields={"workflow_id": TEXT, **_FIELDS},
    required=("workflow_id", "name", "cron_expression"),
)

UPDATE: Final = Schema(
    type="object",
    name="UpdateScheduleRequest",
    fields={
        name: evolve(shape, nullable=True, default=None)
        for name, shape in _FIELDS.items()
    },
)

REPLY: Final = Schema(
    type="object",
    name="ScheduleResponse",
    fields={
        "id": TEXT,
        "workflow_id": TEXT,
        "team_id": OPTIONAL_TEXT,
        "name": TEXT,
        "description": OPTIONAL_TEXT,
        "cron_expression": TEXT,
        "timezone": TEXT,
        "is_active": Schema(type="boolean"),
        "disabled_reason": OPTIONAL_TEXT,
        "created_by": OPTIONAL_TEXT,
        "api_key_id": Schema(type="integer", nullable=True),
        "next_run_times": Schema(type="array", items=TEXT),
        "created_at": TEXT,
        "updated_at": TEXT,
    },
    required=(
        "id",
        "workflow_id",
        "name",
        "cron_expression",
        "timezone",
        "is_active",
        "created_at",
        "updated_at",
    ),
)


def make_routes(services: Services) -> tuple[Route, ...]:
    """Make the routes of schedules."""
    api = _ScheduleHandlers(services)
    one = "/schedules/{schedule_id}"
    parts = {"schedule_id": TEXT}
    return (
        Route(
            "POST", "/schedules", api.create_schedule, body=CREATE, answers={201: REPLY}
        ),
        Route(
            "GET",
            "/schedules",
            api.schedules,
            query={"workflow_id": OPTIONAL_TEXT},
            answers={200: Schema(type="array", items=REPLY)},
        ),
        Route("GET", one, api.schedule, parts=parts, answers={200: REPLY}),
        Route(
            "PATCH",
            one,
            api.update_schedule,
            parts=parts,
            body=UPDATE,
            answers={200: REPLY},
        ),
        Route(
            "DELETE", one, api.delete_schedule, parts=parts, answers={200: ANY_OBJECT}
        ),
    )


@frozen
class _ScheduleHandlers:
    services: Services

    def create_schedule(self, call: ApiCall) -> JsonObject:
        """Schedule a workflow for the times of a cron expression."""
        _check_times(call.body)
        workflow = self.services.find_workflow(call, call.body["workflow_id"])
        now = self.services.clock.now()
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
        )
        self.services.store.schedules.add(schedule)
        return self._schedule_response(schedule)

    def schedules(self, call: ApiCall) -> list[JsonObject]:
        """List the organisation's schedules, all or those of a workflow."""
        wanted = call.query["workflow_id"]
        return [
            self._schedule_response(schedule)
            for schedule in self.services.store.schedules.of(call.org_id)
            if wanted is None or public_id(schedule.workflow_id) == wanted.lower()
        ]

    def schedule(self, call: ApiCall) -> JsonObject:
        """Return one schedule, with its next due times."""
        return self._schedule_response(self._find_schedule(call))

    def update_schedule(self, call: ApiCall) -> JsonObject:
        """Change the fields of a schedule that the body names."""
        found = self._find_schedule(call)
        changes: dict[str, Any] = {
            name: call.body[name]
            for name in UPDATE.fields
            if call.body.get(name) is not None
        }
        _check_times(changes)
        now = self.services.clock.now()
        try:
            changed = self.services.store.schedules.change(
                found.id, lambda old: evolve(old, **changes, updated_at=now)
            )
        except KeyError:  # deleted meanwhile
            raise not_found_error("Schedule") from None
        return self._schedule_response(changed)

    def delete_schedule(self, call: ApiCall) -> JsonObject:
        """Remove a schedule; its workflow stays."""
        found = self._find_schedule(call)
        if not self.services.store.schedules.remove(found.id):
            raise not_found_error("Schedule")
        return {"id": found.id, "deleted": True}

    def _find_schedule(self, call: ApiCall) -> ScheduleRecord:
        found = self.services.store.schedules.get(call.path["schedule_id"])
        return self.services.check_owner(found, call, "Schedule")

    def _schedule_response(self, schedule: ScheduleRecord) -> JsonObject:
        """Return a `ScheduleResponse`."""
        cron, zone = schedule.cron_expression, as_zone(schedule.timezone)
        times = []
        # The store may come from a machine that knows more time zones.
        if schedule.is_active and zone and not describe_wrong_cron(cron):
            times = next_times(cron, zone, self.services.clock.now(), LISTED)
        return {
            "id": schedule.id,
            "workflow_id": public_id(schedule.workflow_id),
            "team_id": schedule.org_id,
            "name": schedule.name,
            "description": schedule.description,
            "cron_expression": schedule.cron_expression,
            "timezone": schedule.timezone,
            "is_active": schedule.is_active,
            "disabled_reason": None,
            "created_by": None,
            "api_key_id": None,
            "next_run_times": [format_time(time) for time in times],
            "created_at": format_time(schedule.created_at),
            "updated_at": format_time(schedule.updated_at),
        }


def _check_times(body: JsonObject) -> None:
    """Check the cron expression and time zone of a body, which no schema can check."""
    found: list[JsonObject] = []
    cron = body.get("cron_expression")
    if cron is not None and (wrong := describe_wrong_cron(cron)):
        found.append(make_violation(("body", "cron_expression"), "value_error", wrong))
    if "timezone" in body and as_zone(body["timezone"]) is None:
        words = f"{body['timezone']!r} is not an IANA time zone"
        found.append(make_violation(("body", "timezone"), "value_error", words))
    if found:
        raise RefusedError(422, found)
