"""Finding what an organisation has, and what strangers are told."""

from __future__ import annotations

from starlette.responses import Response

from ._http import Call, refused
from ._records import Run, Workflow
from ._services import Services


def own_workflow(
    services: Services, call: Call, workflow_id: str
) -> Workflow | Response | None:
    """The workflow, None where there is none, or the answer to a stranger."""
    found = services.store.workflows.get(workflow_id.lower())
    if found is None or found.org_id == call.org_id:
        return found
    return foreign(services, "Workflow")


def own_run(services: Services, call: Call, run_id: str) -> Run | Response:
    """The run, or the answer to who may not see it, or where there is none."""
    found = services.store.runs.get(run_id.lower())
    if found is None:
        return refused(404, "Run not found")
    return found if found.org_id == call.org_id else foreign(services, "Run")


def foreign(services: Services, what: str) -> Response:
    """The answer to who asks for what another organisation has."""
    status = services.switches().foreign_status
    return refused(status, f"{what} not found" if status == 404 else "Access denied")


def no_workflow() -> Response:
    """The answer where there is no such workflow."""
    return refused(404, "Workflow not found")
