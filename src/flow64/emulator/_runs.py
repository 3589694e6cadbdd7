"""The routes of runs: start, list, watch, cancel, and read results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from itertools import chain
from typing import Any, Final
from uuid import uuid4

from attrs import evolve, frozen
from starlette.responses import Response, StreamingResponse

from ..blocks import ReadCsv, Search, Webhook
from ._engine import Engine, make_block_states
from ._graph import to_definition
from ._http import (
    ApiCall,
    RefusedError,
    Route,
    not_found_error,
    violation_error,
)
from ._records import (
    BlockState,
    ClaimRecord,
    GraphRecord,
    JsonObject,
    RowData,
    RunRecord,
    payload_owner,
    public_id,
)
from ._responses import (
    CANCELLED,
    DOWNLOADS,
    LIVE_STATUS,
    RUNS,
    STARTED,
    live_status_response,
    run_response,
    run_started_response,
)
from ._results import CONTENT_TYPES, count_bytes, file_path, read_file, result_item
from ._schema import ANY_OBJECT, OPTIONAL_TEXT, TEXT, UUID, Schema
from ._services import Services
from ._switches import Switches

RUN: Final = Schema(
    type="object",
    name="RunWorkflowRequest",
    fields={
        "webhook_payload": Schema(
            type="array", items=ANY_OBJECT, alternative=ANY_OBJECT, nullable=True
        ),
        "specs_override": Schema(type="object", nullable=True),
    },
)

CANCEL: Final = Schema(type="object", fields={"job_id": OPTIONAL_TEXT})


def make_routes(services: Services, engine: Engine) -> tuple[Route, ...]:
    """Make the routes of runs."""
    api = _RunHandlers(services, engine)
    one_run = {"run_id": UUID}
    return (
        Route(
            "POST",
            "/workflows/run",
            api.run,
            query={
                "workflow_id": TEXT,
                "save_json": Schema(type="boolean", default=False),
                "result_formats": Schema(type="array", items=TEXT, nullable=True),
            },
            required=("workflow_id",),
            headers={"Idempotency-Key": OPTIONAL_TEXT},
            body=RUN,
            needs_body=False,
            answers={200: STARTED},
        ),
        Route(
            "POST",
            "/workflows/cancel",
            api.cancel,
            query={"job_id": OPTIONAL_TEXT},
            body=CANCEL,
            needs_body=False,
            answers={200: CANCELLED},
        ),
        Route(
            "GET",
            "/workflows/runs",
            api.runs,
            query={
                "status": OPTIONAL_TEXT,
                "workflow_id": OPTIONAL_TEXT,
                "limit": Schema(type="integer", minimum=1, maximum=500, default=100),
            },
            answers={200: RUNS},
        ),
        Route(
            "GET",
            "/workflows/runs/{run_id}/live_status",
            api.live_status,
            parts=one_run,
            answers={200: LIVE_STATUS},
        ),
        Route(
            "GET",
            "/workflows/runs/{run_id}/results/download-links",
            api.download_links,
            parts=one_run,
            query={"format": Schema(type="string", default="csv")},
            answers={200: DOWNLOADS},
        ),
        Route(
            "GET",
            "/files/{run_id}/{filename}",
            api.download,
            parts={"run_id": UUID, "filename": TEXT},
            query={"expires": Schema(type="integer"), "signature": TEXT},
            required=("expires", "signature"),
            is_open=True,
            is_hidden=True,
        ),
    )


@frozen
class _RunHandlers:
    services: Services
    engine: Engine

    def run(self, call: ApiCall) -> JsonObject:
        """Start a run, or return the run that the same key started."""
        workflow = self.services.find_workflow(call, call.query["workflow_id"])
        switches, body = self.services.switches(), call.body or {}
        payload = _as_rows(body.get("webhook_payload"))
        graph = _apply_override(
            workflow.definition,
            body.get("specs_override"),
            replaces=switches.replace_specs,
        )
        problem = next(_start_problems(graph, payload, switches), None)
        if problem:
            raise RefusedError(400, problem)
        now = self.services.clock.now()
        run = RunRecord(
            id=str(uuid4()),
            workflow_id=workflow.id,
            org_id=call.org_id,
            workflow_name=workflow.name,
            formats=_result_formats(call.query),
            has_payload=payload is not None,
            queued_at=now,
            updated_at=now,
            blocks_count=len(graph["blocks"]),
            unlisted=int(switches.list_runs_late),
            digest=_digest_request(body, call.query),
        )
        key = call.idempotency_key if switches.honour_idempotency else None
        first = self._add_run(run, graph, payload or [], key)
        if first.id != run.id:
            if first.digest != run.digest:
                _refuse_key_clash(switches)
            return run_started_response(first, already_started=True)
        self.engine.start(run.id)
        return run_started_response(run, already_started=False)

    def runs(self, call: ApiCall) -> list[JsonObject]:
        """List the organisation's runs, newest first."""
        workflow_id, status = call.query["workflow_id"], call.query["status"]
        wanted = {"active": {"queued", "running"}, None: None}.get(status, {status})
        found = self.services.store.runs.newest(call.org_id)
        if workflow_id is not None:
            workflow_id = workflow_id.lower()
            found = (run for run in found if public_id(run.workflow_id) == workflow_id)
            first = next(found, None)
            if first is None:
                # Documented: runs outlive their workflow.
                try:
                    self.services.find_workflow(call, workflow_id)
                except RefusedError:
                    raise not_found_error("Workflow") from None
                return []
            found = chain([first], found)
        listed: list[JsonObject] = []
        for run in found:
            if len(listed) == call.query["limit"]:
                break
            if self._is_listed(run) and (wanted is None or run.status in wanted):
                listed.append(run_response(run))
        return listed

    def live_status(self, call: ApiCall) -> JsonObject:
        """Return the progress of a run, block by block."""
        # In one transaction, so that a run that has ended has no running block.
        with self.services.store.transaction():
            run = self.services.find_run(call, call.path["run_id"])
            blocks = self.services.store.blocks.of(run.id)
        return live_status_response(run, blocks)

    def download_links(self, call: ApiCall) -> list[JsonObject]:
        """List the files of a run, one for each completed block."""
        run = self.services.find_run(call, call.path["run_id"])
        wanted, now = call.query["format"], self.services.clock.now()
        if wanted not in CONTENT_TYPES:
            raise RefusedError(400, f"format must be one of {', '.join(CONTENT_TYPES)}")
        items: list[JsonObject] = []
        for block in self._finished_blocks(run.id) if wanted in run.formats else ():
            path = file_path(run.id, block.block_id, wanted)
            link = self.services.links.url(call.base_url, path, now)
            items.append(result_item(self.services.store, block, wanted, link))
        return items

    def download(self, call: ApiCall) -> Response:
        """Return a result file; its link must be signed and not expired."""
        now, store = self.services.clock.now(), self.services.store
        problem = self.services.links.find_problem(call.url, call.query, now)
        if problem:
            raise RefusedError(403, problem)
        block_id, _, wanted = call.path["filename"].rpartition(".")
        stages = self._finished_blocks(call.path["run_id"].lower())
        block = next((block for block in stages if block.block_id == block_id), None)
        if block is None:
            raise not_found_error("File")
        # Always the whole file: a request for a range gets all of it.
        headers = {
            "content-length": str(count_bytes(store, block, wanted)),
            "accept-ranges": "none",
        }
        return StreamingResponse(
            read_file(store, block, wanted),
            media_type=CONTENT_TYPES[wanted],
            headers=headers,
        )

    def cancel(self, call: ApiCall) -> JsonObject:
        """Cancel a run, unless it has ended."""
        job_id = call.query["job_id"] or (call.body or {}).get("job_id")
        if job_id is None:
            raise violation_error(("query", "job_id"), "missing", "Field required")
        run = self.services.find_run(call, job_id)
        status = self.engine.cancel(run.id).status
        # This response spells it with one l, all others with two (documented).
        spelled = "canceled" if status == "cancelled" else status
        return {"job_id": run.id, "status": spelled}

    # -- Helpers ----------------------------------------------------------------------

    def _add_run(
        self, run: RunRecord, graph: JsonObject, payload: list[RowData], key: str | None
    ) -> RunRecord:
        """Save a run and all it needs, or return the run that has used the key."""
        store = self.services.store
        blocks = list(make_block_states(run.id, graph))
        claim = ClaimRecord(id=f"{run.org_id}/{run.workflow_id}/{key}", run_id=run.id)
        with store.transaction():
            if key is not None and not store.claims.add(claim):
                taken = store.claims.get(claim.id)
                first = None if taken is None else store.runs.get(taken.run_id)
                assert first is not None  # they were added together
                return first
            store.runs.add(run)
            store.graphs.add(GraphRecord(id=run.id, data=graph))
            for block in blocks:
                store.blocks.add(block)
            store.add_rows(payload_owner(run.id), payload)
            if store.workflows.get(run.workflow_id):  # it may be deleted meanwhile
                store.workflows.change(
                    run.workflow_id,
                    lambda old: evolve(old, last_run_date=run.queued_at),
                )
        return run

    def _finished_blocks(self, run_id: str) -> Iterator[BlockState]:
        """Yield the completed blocks of a run, in the order of the graph."""
        blocks = self.services.store.blocks.of(run_id)
        return (block for block in blocks if block.status == "completed")

    def _is_listed(self, run: RunRecord) -> bool:
        if run.unlisted > 0:
            self.services.store.runs.change(
                run.id, lambda run: evolve(run, unlisted=run.unlisted - 1)
            )
            return False
        late = timedelta(seconds=self.services.switches().list_runs_late_seconds)
        return self.services.clock.now() >= run.queued_at + late


def _as_rows(payload: Any) -> list[RowData] | None:
    return [payload] if isinstance(payload, dict) else payload


def _result_formats(query: JsonObject) -> list[str]:
    more = query["result_formats"] or ()
    asked = ["csv", *(["json"] if query["save_json"] else ()), *more]
    return [word for word in dict.fromkeys(asked) if word in CONTENT_TYPES]


def _digest_request(body: JsonObject, query: JsonObject) -> str:
    data = [body, sorted(query.items()), query["result_formats"] or []]
    return sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _refuse_key_clash(switches: Switches) -> None:
    """Refuse a key that has started a run by another request, unless it is replayed."""
    words = "This Idempotency-Key was used with another request"
    if switches.key_clash == "409":
        raise RefusedError(409, words)
    if switches.key_clash == "422":
        raise violation_error(("header", "idempotency-key"), "value_error", words)


def _apply_override(
    graph: JsonObject, override: JsonObject | None, *, replaces: bool
) -> JsonObject:
    """Override specs of the first block of a graph."""
    if not override:
        return graph
    first = to_definition(graph).topology.order[0]
    blocks = [
        {**block, "specs": {**({} if replaces else block["specs"]), **override}}
        if at == first
        else block
        for at, block in enumerate(graph["blocks"])
    ]
    return {**graph, "blocks": blocks}


def _start_problems(
    graph: JsonObject, payload: list[RowData] | None, switches: Switches
) -> Iterator[str]:
    """Yield the reasons why a run cannot be started."""
    definition = to_definition(graph)
    if payload and Webhook.kind not in definition.by_kind:
        yield "webhook_payload is only for workflows whose source block is webhook"
    if payload == [] and switches.refuse_empty_payload:
        roots = definition.topology.roots
        if any(definition.blocks[root].kind != Search.kind for root in roots):
            yield "webhook_payload is empty, which is only for a search"
    for position, block in definition.of_kind(ReadCsv.kind):
        is_source = not definition.topology.parents[position]
        if is_source and not block.specs.get("resource_handle_id"):
            yield (
                "Workflows that start with read_csv need "
                "specs_override.resource_handle_id to be run by API"
            )
    for _, block in definition.of_kind(Webhook.kind):
        declared = block.specs.get("input_schema")
        names = declared if isinstance(declared, dict) else {}
        required = [name for name in names if _is_required(names[name])]
        if payload and switches.require_columns:
            missing = sorted({n for row in payload for n in required if n not in row})
            if missing:
                yield f"Missing required columns: {', '.join(missing)}"


def _is_required(entry: Any) -> bool:
    return not (isinstance(entry, dict) and entry.get("required") is False)
