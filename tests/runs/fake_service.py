"""A service in memory, behind `httpx.MockTransport`, that loses answers on demand.

It keeps what was bought in `runs`, so that nothing has to be inferred.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any
from uuid import uuid4

import httpx
from attrs import define, field

from flow64.api import threads
from flow64.api.auth import Key
from flow64.api.network import Policy
from flow64.api.session import Session
from flow64.runs.journal import Journal
from flow64.runs.launch import Launch
from flow64.runs.starter import make_starter
from tests.service.support import deployed, leads, ready_of

QUICK = Policy(first_wait=0.001, first_rest=0.001, longest_wait=0.002, retries=2)
CODE = leads()
ROWS = [{"email": "ada@example.com"}]


@define
class Bought:
    """A run that was paid for."""

    job_id: str
    workflow_id: str
    key: str
    rows: list[dict[str, Any]]
    status: str = "completed"
    hidden: int = 0


@define
class FakeService:
    """The calls that runs need.

    Attributes:
        honours_key: Whether a known Idempotency-Key gives the run that it has.
        late: How many lists do not show a new run yet.
        faults: What happens to the next starts, in order; see `FAULTS`.
        get_faults: What happens to the next reads.
        new_status: Status of a new run.
    """

    honours_key: bool = True
    late: int = 0
    faults: list[str] = field(factory=list)
    get_faults: list[str] = field(factory=list)
    new_status: str = "completed"
    runs: list[Bought] = field(factory=list)
    requests: list[str] = field(factory=list)
    live: dict[str, Any] = field(factory=dict)
    files: dict[str, bytes] = field(factory=dict)
    items: list[dict[str, Any]] | None = None
    blocks: list[dict[str, Any]] = field(factory=list)
    next_id: Callable[[], str] = lambda: str(uuid4())
    lock: Any = field(factory=Lock)

    def deploy(self, code=CODE):
        """Store what the code says."""
        self.live[code.id()] = deployed(code)
        return self

    def session(self, endpoint="https://api.example.com", **more: Any) -> Session:
        """Return a session to it."""
        facts = {"policy": QUICK, "transport": httpx.MockTransport(self.handle)}
        return Session(endpoint, Key("k"), **(facts | more))

    def bought(self, rows=ROWS) -> int:
        """Return how often some rows were paid for."""
        return sum(run.rows == rows for run in self.runs)

    # -- Answers ----------------------------------------------------------------------

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer a request."""
        with self.lock:
            path = request.url.path
            self.requests.append(f"{request.method} {path}")
            if path == "/workflows/run":
                return self._with_fault(self.faults, request, self._start)
            return self._with_fault(self.get_faults, request, self._read)

    def _with_fault(self, faults, request, answer):
        fault = faults.pop(0) if faults else ""
        when, _, what = fault.partition(" ")
        if when == "unsent":
            raise httpx.ConnectError("refused")
        response = answer(request) if when in ("", "after", "twice") else None
        if when == "twice":
            response = answer(request)
        if what == "lost":
            raise httpx.ReadError("reset")
        if what == "killed":
            raise threads.StopNow  # not a first Ctrl-C, which ends what is under way
        if what == "stopped":
            raise KeyboardInterrupt
        if what == "html":
            return httpx.Response(200, text="<html>log in</html>")
        if what.startswith("id "):
            return httpx.Response(200, json={"job_id": what[3:]})
        if what:
            return httpx.Response(int(what), json={"detail": "no"})
        assert response is not None
        return response

    def _start(self, request):
        body, key = json.loads(request.content), request.headers["idempotency-key"]
        workflow_id = request.url.params["workflow_id"]
        for run in self.runs if self.honours_key else ():
            if run.key == key:
                facts = {"job_id": run.job_id, "already_started": True}
                return httpx.Response(200, json=facts)
        rows = body.get("webhook_payload") or []
        run = Bought(self.next_id(), workflow_id, key, rows, self.new_status, self.late)
        self.runs.append(run)
        return httpx.Response(200, json={"job_id": run.job_id, "status": "queued"})

    def _read(self, request):
        path, params = request.url.path, request.url.params
        if path == "/workflows/runs":
            listed = self._listed(params["workflow_id"], int(params["limit"]))
            return httpx.Response(200, json=listed)
        if path.startswith("/workflows/runs/"):
            _, _, _, job_id, *rest = path.split("/")
            run = next((run for run in self.runs if run.job_id == job_id), None)
            if run is None:
                return httpx.Response(404, json={"detail": "no run"})
            return self._of_run(run, rest, params)
        if path.startswith("/store/"):
            return httpx.Response(200, content=self.files[path])
        live = self.live.get(path.rpartition("/")[2])
        return httpx.Response(200 if live else 404, json=live or {"detail": "none"})

    def _listed(self, workflow_id, limit):
        listed = []
        for run in reversed(self.runs):
            if run.workflow_id == workflow_id and run.hidden <= 0:
                listed.append({"job_id": run.job_id, "status": run.status})
            run.hidden -= 1
        return listed[:limit]

    def _of_run(self, run, rest, params):
        if rest == ["live_status"]:
            facts = {
                "run_id": run.job_id,
                "workflow_id": run.workflow_id,
                "overall_status": run.status,
                "blocks": self.blocks,
            }
            return httpx.Response(200, json=facts)
        if self.items is not None:
            return httpx.Response(200, json=self.items)
        stages = [
            {
                "filename": f"block_{number}.json",
                "block_number": number,
                "row_count": len(run.rows),
                "content_type": "application/json",
                "results": [{**row, "stage": number} for row in run.rows],
            }
            for number in (1, 2, 3)
        ]
        return httpx.Response(200, json=stages if params["format"] == "json" else [])


def launch(journal=None, code=CODE, **options) -> Launch:
    """Return the options of a run, with a journal in a file or in this process."""
    return Launch(compiled(code), Journal(journal), **options)


def start(session, options, rows=(), **more):
    """Start a run, or return the one that there is."""
    return make_starter(session, options, rows, **more).run()


compiled = cache(ready_of)  # compiling asks git
