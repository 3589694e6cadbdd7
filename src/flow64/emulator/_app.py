"""The routes: what each documented operation does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import uuid4

from attrs import evolve, frozen
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route as StarletteRoute

from ..blocks import CATALOGUE, specs_schema
from ..definition import is_uuid
from ._answers import live_answer, run_answer, started_answer, workflow_answer
from ._clock import Clock
from ._engine import Engine, pending
from ._graph import as_saved, definition_of, normalised, problems_of
from ._http import Call, Door, Route, answer, http_error, refused, unprocessable
from ._results import CONTENT_TYPES, Links, rendered, result_item
from ._shapes import (
    CANCEL,
    CREATE,
    OPTIONAL_TEXT,
    RUN,
    TEXT,
    UPDATE,
    UUID,
    Shape,
    invalid,
)
from ._store import Data, Rows, Run, Stage, Store, Workflow
from ._switches import Switches

_CREATE_KEYS: Final = frozenset(CREATE.fields)


@frozen
class Api:
    """The operations, over a store.

    Attributes:
        store: What is remembered.
        clock: What time it is.
        engine: What runs workflows.
        links: What signs download links.
        switches: The switches as they are now.
    """

    store: Store
    clock: Clock
    engine: Engine
    links: Links
    switches: Callable[[], Switches]

    def routes(self) -> tuple[Route, ...]:
        """Every operation; fixed paths stand before those with a parameter."""
        one_workflow = {"workflow_id": UUID}
        one_run = {"run_id": UUID}
        named = {"workflow_id": TEXT}
        post, get = "POST", "GET"
        return (
            Route(
                method=post,
                path="/workflows/create_workflow",
                handler=self.create_workflow,
                body=CREATE,
            ),
            Route(
                method=post,
                path="/workflows/update_workflow",
                handler=self.update_workflow,
                body=UPDATE,
                query=named,
                required=tuple(named),
            ),
            Route(
                method=post,
                path="/workflows/delete_workflow",
                handler=self.delete_workflow,
                query=named,
                required=tuple(named),
            ),
            Route(
                method=post,
                path="/workflows/run",
                handler=self.run,
                query={
                    "workflow_id": TEXT,
                    "save_json": Shape(type="boolean", default=False),
                },
                required=("workflow_id",),
                body=RUN,
            ),
            Route(
                method=post,
                path="/workflows/cancel",
                handler=self.cancel,
                query={"job_id": OPTIONAL_TEXT},
                body=CANCEL,
            ),
            Route(method=get, path="/workflows", handler=self.workflows),
            Route(method=get, path="/workflows/blocks", handler=self.blocks),
            Route(
                method=get,
                path="/workflows/runs",
                handler=self.runs,
                query={
                    "status": OPTIONAL_TEXT,
                    "workflow_id": OPTIONAL_TEXT,
                    "limit": Shape(type="integer", minimum=1, maximum=500, default=100),
                },
            ),
            Route(
                method=get,
                path="/workflows/runs/{run_id}/live_status",
                handler=self.live_status,
                parts=one_run,
            ),
            Route(
                method=get,
                path="/workflows/runs/{run_id}/results/download-links",
                handler=self.download_links,
                parts=one_run,
                query={"format": Shape(type="string", default="csv")},
            ),
            Route(
                method=get,
                path="/workflows/{workflow_id}",
                handler=self.workflow,
                parts=one_workflow,
            ),
            Route(
                method=get,
                path="/files/{run_id}/{filename}",
                handler=self.download,
                parts={"run_id": UUID, "filename": TEXT},
                query={"expires": Shape(type="integer"), "signature": TEXT},
                required=("expires", "signature"),
                is_open=True,
            ),
        )

    # -- Workflows --------------------------------------------------------------------

    def create_workflow(self, call: Call) -> Response:
        """Add a workflow, under an id of the caller's or a new one."""
        return self._create(call, call.body.get("id") or str(uuid4()))

    def update_workflow(self, call: Call) -> Response:
        """Change what the body names of a workflow; make it where it is missing."""
        workflow_id = call.query["workflow_id"]
        found = self._workflow(call, workflow_id)
        if found is None:
            return self._create_by_update(call, workflow_id)
        if isinstance(found, Response):
            return found
        changes: Data = {}
        for key, field in _UPDATED.items():
            if call.body.get(key) is not None:
                changes[field] = call.body[key]
        if "definition" in changes:
            saved = self._saved(changes["definition"])
            if isinstance(saved, Response):
                return saved
            changes["definition"] = saved
        changes |= {"updated_at": self.clock.now(), "extra": self._extra(call)}
        changed = self.store.change_workflow(
            found.id, lambda old: evolve(old, **changes)
        )
        return answer(workflow_answer(changed))

    def delete_workflow(self, call: Call) -> Response:
        """Remove a workflow for good; its runs stay."""
        found = self._workflow(call, call.query["workflow_id"])
        if not isinstance(found, Workflow):
            return found or _no_workflow()
        self.store.remove_workflow(found.id)
        return answer(workflow_answer(found))

    def workflows(self, call: Call) -> Response:
        """All workflows of the organisation, without their definitions."""
        return answer(
            [
                workflow_answer(workflow, with_definition=False)
                for workflow in self.store.workflows()
                if workflow.org_id == call.org_id
            ]
        )

    def workflow(self, call: Call) -> Response:
        """One workflow with its definition."""
        found = self._workflow(call, call.path["workflow_id"])
        if not isinstance(found, Workflow):
            return found or _no_workflow()
        return answer(workflow_answer(found))

    def blocks(self, _call: Call) -> Response:
        """Every kind of the catalogue with the schema of its specs."""
        return answer(
            [
                {"block_name": kind, "specs_schema": specs_schema(cls)}
                for kind, cls in CATALOGUE.items()
            ]
        )

    # -- Runs -------------------------------------------------------------------------

    def run(self, call: Call) -> Response:
        """Start a run, or find the one that the same key has started."""
        workflow = self._workflow(call, call.query["workflow_id"])
        if not isinstance(workflow, Workflow):
            return workflow or _no_workflow()
        switches, body = self.switches(), call.body or {}
        payload = _rows(body.get("webhook_payload"))
        graph = _overridden(workflow.definition, body.get("specs_override"))
        problem = next(_start_problems(graph, payload, switches), None)
        if problem:
            return refused(400, problem)
        now = self.clock.now()
        key = call.idempotency_key if switches.honour_idempotency else None
        run = Run(
            id=str(uuid4()),
            workflow_id=workflow.id,
            org_id=call.org_id,
            workflow_name=workflow.name,
            graph=graph,
            payload=payload,
            formats=_formats(call),
            queued_at=now,
            updated_at=now,
            blocks=pending(graph),
            unlisted=int(switches.list_runs_late),
            claim=None if key is None else (call.org_id, workflow.id, key),
            digest=_digest([body, sorted(call.query.items()), call.formats]),
        )
        first = self.store.add_run(run)
        if first.id != run.id:
            return _repeated(first, run, switches)
        self.store.change_workflow(
            workflow.id, lambda old: evolve(old, last_run_date=now)
        )
        self.engine.start(run, switches)
        return answer(started_answer(run, already_started=False))

    def runs(self, call: Call) -> Response:
        """The organisation's runs, newest first."""
        workflow_id, status = call.query["workflow_id"], call.query["status"]
        workflow_id = workflow_id and workflow_id.lower()
        runs = [run for run in self.store.runs() if run.org_id == call.org_id]
        if workflow_id is not None:
            runs = [run for run in runs if run.workflow_id == workflow_id]
            found = self._workflow(call, workflow_id)
            # Runs outlive their workflow (documented), so a deleted one is known still.
            if not runs and not isinstance(found, Workflow):
                return _no_workflow()
        wanted = {"active": {"queued", "running"}, None: None}.get(status, {status})
        listed = [
            run
            for run in reversed(runs)
            if self._is_listed(run) and (wanted is None or run.status in wanted)
        ]
        return answer([run_answer(run) for run in listed[: call.query["limit"]]])

    def live_status(self, call: Call) -> Response:
        """How far a run has come, block by block."""
        run = self._run(call, call.path["run_id"])
        return answer(live_answer(run)) if isinstance(run, Run) else run

    def download_links(self, call: Call) -> Response:
        """A file for each block of a run that has finished."""
        run = self._run(call, call.path["run_id"])
        if isinstance(run, Response):
            return run
        wanted, now = call.query["format"], self.clock.now()
        if wanted not in CONTENT_TYPES:
            return refused(400, f"format must be one of {', '.join(CONTENT_TYPES)}")
        stages = self.store.stages(run.id) if wanted in run.formats else []
        items: list[Data] = []
        for stage in stages:
            path = f"/files/{run.id}/{stage.block_id}.{wanted}"
            link = self.links.url(call.base_url, path, now)
            items.append(result_item(stage, wanted, link))
        return answer(items)

    def download(self, call: Call) -> Response:
        """A result file, to whoever has a link that is signed and has not expired."""
        problem = self.links.problem(call.url, call.query, self.clock.now())
        if problem:
            return refused(403, problem)
        block_id, _, wanted = call.path["filename"].rpartition(".")
        stage = self._stage(call.path["run_id"], block_id)
        if stage is None:
            return refused(404, "File not found")
        content = rendered(stage.rows, wanted)
        return Response(content, media_type=CONTENT_TYPES[wanted])

    def cancel(self, call: Call) -> Response:
        """End a run; one that has ended already stays as it is."""
        job_id = call.query["job_id"] or (call.body or {}).get("job_id")
        if job_id is None:
            return unprocessable(
                [invalid(("query", "job_id"), "missing", "Field required")]
            )
        run = self._run(call, job_id)
        if isinstance(run, Response):
            return run
        status = self.engine.cancel(run.id).status
        # The reply spells it with one l, everything else with two (documented).
        spelled = "canceled" if status == "cancelled" else status
        return answer({"job_id": run.id, "status": spelled})

    # -- Helpers ----------------------------------------------------------------------

    def _workflow(self, call: Call, workflow_id: str) -> Workflow | Response | None:
        """The workflow, None where there is none, or the answer to a stranger."""
        found = self.store.workflow(workflow_id.lower())
        if found is None or found.org_id == call.org_id:
            return found
        return self._foreign("Workflow")

    def _run(self, call: Call, run_id: str) -> Run | Response:
        found = self.store.run(run_id.lower())
        if found is None:
            return refused(404, "Run not found")
        return found if found.org_id == call.org_id else self._foreign("Run")

    def _foreign(self, what: str) -> Response:
        status = self.switches().foreign_status
        return refused(
            status, f"{what} not found" if status == 404 else "Access denied"
        )

    def _stage(self, run_id: str, block_id: str) -> Stage | None:
        stages = self.store.stages(run_id.lower())
        return next((stage for stage in stages if stage.block_id == block_id), None)

    def _create_by_update(self, call: Call, workflow_id: str) -> Response:
        if not is_uuid(workflow_id):
            words = "Input should be a valid UUID"
            return unprocessable(
                [invalid(("query", "workflow_id"), "uuid_parsing", words)]
            )
        missing = [key for key in _UPDATED if call.body.get(key) is None]
        is_partial = self.switches().partial_upsert
        if missing and not (is_partial and "workflow_definition" not in missing):
            return unprocessable(
                [invalid(("body", key), "missing", "Field required") for key in missing]
            )
        return self._create(call, workflow_id)

    def _create(self, call: Call, workflow_id: str) -> Response:
        saved = self._saved(call.body["workflow_definition"])
        if isinstance(saved, Response):
            return saved
        now = self.clock.now()
        workflow = Workflow(
            id=workflow_id.lower(),
            org_id=call.org_id,
            name=call.body.get("workflow_name") or "",
            description=call.body.get("workflow_description") or "",
            definition=saved,
            created_at=now,
            updated_at=now,
            extra=self._extra(call),
        )
        if not self.store.add_workflow(workflow):
            return refused(
                409, "A workflow with this ID already exists; use update_workflow"
            )
        return answer(workflow_answer(workflow))

    def _saved(self, graph: Data) -> Data | Response:
        """The graph as it is kept, or the answer to one that is invalid."""
        graph, switches = normalised(graph), self.switches()
        problems = list(problems_of(graph, switches))
        if not problems:
            return as_saved(graph, switches)
        if switches.bad_graph_status == 400:
            return refused(400, "; ".join(problems))
        place = ("body", "workflow_definition")
        return unprocessable([invalid(place, "value_error", text) for text in problems])

    def _extra(self, call: Call) -> Data:
        if self.switches().drop_unknown:
            return {}
        return {key: call.body[key] for key in call.body if key not in _CREATE_KEYS}

    def _is_listed(self, run: Run) -> bool:
        if run.unlisted > 0:
            self.store.change_run(
                run.id, lambda run: evolve(run, unlisted=run.unlisted - 1)
            )
            return False
        late = timedelta(seconds=self.switches().list_runs_late_seconds)
        return self.clock.now() >= run.queued_at + late


def make_app(api: Api, door: Door) -> Starlette:
    """The ASGI app."""
    app = Starlette(
        routes=[
            StarletteRoute(route.path, door.endpoint(route), methods=[route.method])
            for route in api.routes()
        ],
        exception_handlers={HTTPException: http_error},
    )
    app.router.redirect_slashes = False
    return app


_UPDATED: Final[Mapping[str, str]] = {
    "workflow_name": "name",
    "workflow_description": "description",
    "workflow_definition": "definition",
}
"""Keys of an update body, with what they change."""


def _no_workflow() -> Response:
    return refused(404, "Workflow not found")


def _rows(payload: Any) -> Rows | None:
    return [payload] if isinstance(payload, dict) else payload


def _formats(call: Call) -> list[str]:
    asked = ["csv", *(["json"] if call.query["save_json"] else ()), *call.formats]
    return [word for word in dict.fromkeys(asked) if word in CONTENT_TYPES]


def _digest(data: Any) -> str:
    return sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _repeated(first: Run, run: Run, switches: Switches) -> Response:
    """The answer to a start whose key has started a run before."""
    if first.digest == run.digest or switches.key_clash == "replay":
        return answer(started_answer(first, already_started=True))
    words = "This Idempotency-Key was used with another request"
    if switches.key_clash == "409":
        return refused(409, words)
    return unprocessable([invalid(("header", "idempotency-key"), "value_error", words)])


def _overridden(graph: Data, override: Data | None) -> Data:
    """The graph with specs laid over those of its first block."""
    if not override:
        return graph
    first = definition_of(graph).topology.order[0]
    blocks = [
        {**block, "specs": {**block["specs"], **override}} if at == first else block
        for at, block in enumerate(graph["blocks"])
    ]
    return {**graph, "blocks": blocks}


def _start_problems(
    graph: Data, payload: Rows | None, switches: Switches
) -> Iterator[str]:
    """Why a run cannot be started."""
    definition = definition_of(graph)
    if payload and "webhook" not in definition.by_kind:
        yield "webhook_payload is only for workflows whose source block is webhook"
    for position, block in definition.of_kind("read_csv"):
        is_source = not definition.topology.parents[position]
        if is_source and not block.specs.get("resource_handle_id"):
            yield (
                "Workflows that start with read_csv need "
                "specs_override.resource_handle_id to be run by API"
            )
    for _, block in definition.of_kind("webhook"):
        declared = block.specs.get("input_schema")
        names = declared if isinstance(declared, dict) else {}
        required = [name for name in names if _is_required(names[name])]
        if payload and switches.require_columns:
            missing = sorted({n for row in payload for n in required if n not in row})
            if missing:
                yield f"Missing required columns: {', '.join(missing)}"


def _is_required(entry: Any) -> bool:
    return not (isinstance(entry, dict) and entry.get("required") is False)
