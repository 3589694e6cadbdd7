"""The page at `/`, which shows the contents of the emulator and changes nothing."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files
from itertools import islice
from typing import Final, TypeVar

from attrs import asdict, frozen
from starlette.responses import HTMLResponse, JSONResponse, Response

from ._clock import format_time
from ._guesses import GUESSES
from ._http import ApiCall, RefusedError, Route
from ._page_graph import block_data, graph_data
from ._page_items import (
    LONG,
    notebook_item,
    progress,
    rows_data,
    run_item,
    state_item,
    switch_items,
    workflow_item,
)
from ._page_lists import Lists
from ._records import JsonObject
from ._schema import OPTIONAL_TEXT, TEXT, UUID, Schema
from ._services import Services
from ._switches import MARKS

F = TypeVar("F")

PATH: Final = "/_emulator/page"

RECENT: Final = 20
"""Runs that are shown with their workflow."""

_LIMIT: Final = Schema(type="integer", minimum=1, maximum=200, default=50)
_AT: Final = Schema(type="integer", minimum=0, default=0)
_LISTED: Final = {
    "search": Schema(type="string", default=""),
    "sort": Schema(type="string", default=""),
    "from": _AT,
    "limit": _LIMIT,
}
_OF: Final = {"workflow_id": OPTIONAL_TEXT, "run_id": OPTIONAL_TEXT}


def make_routes(
    services: Services, faults: Callable[[], Sequence[JsonObject]], has_keys: bool
) -> tuple[Route, ...]:
    """Make the routes of the page and of its data. None of them changes anything.

    Args:
        faults: Returns the active faults as data.
        has_keys: Whether only certain API keys are accepted.
    """
    page = _PageHandlers(services, faults, Lists.of(services.store), has_keys)
    return (
        _route("/", page.html),
        _route(f"{PATH}/summary", page.summary),
        _route(f"{PATH}/workflows", partial(page.list_part, "workflows"), _LISTED),
        _route(f"{PATH}/runs", page.runs, {**_LISTED, "workflow_id": OPTIONAL_TEXT}),
        _route(f"{PATH}/notebooks", partial(page.list_part, "notebooks"), _LISTED),
        _route(f"{PATH}/notebook", page.notebook, {"id": TEXT}),
        _route(f"{PATH}/outbox", partial(page.list_part, "outbox"), _LISTED),
        _route(f"{PATH}/behaviour", page.behaviour),
        _route(f"{PATH}/graph", page.graph, _OF),
        _route(f"{PATH}/block", page.block, {**_OF, "position": _AT}),
        _route(f"{PATH}/rows", page.rows, {"of": TEXT, "from": _AT, "limit": _LIMIT}),
        _route(f"{PATH}/workflows/{{id}}", page.workflow, parts={"id": UUID}),
        _route(f"{PATH}/runs/{{id}}", page.run, {"since": OPTIONAL_TEXT}, {"id": UUID}),
    )


def _route(
    path: str,
    handler: Callable[[ApiCall], Response],
    query: dict[str, Schema] | None = None,
    parts: dict[str, Schema] | None = None,
) -> Route:
    return Route(
        "GET",
        path,
        handler,
        query=query or {},
        parts=parts or {},
        required=[name for name, shape in (query or {}).items() if shape is TEXT],
        is_open=True,
        is_hidden=True,
    )


@frozen
class _PageHandlers:
    services: Services
    faults: Callable[[], Sequence[JsonObject]]
    lists: Lists
    has_keys: bool

    def html(self, _call: ApiCall) -> Response:
        """Return the page."""
        text, headers = _load_page()
        if self.has_keys:
            text = text.replace('data-keys="any"', 'data-keys="given"')
        return HTMLResponse(text, headers=headers)

    def summary(self, _call: ApiCall) -> Response:
        """Count the items of each list."""
        store = self.services.store
        runs = self.lists.newest("runs")
        return _page_response(
            {
                "now": format_time(self.services.clock.now()),
                "store": store.path,
                "counts": {
                    "workflows": sum(store.workflows.counts().values()),
                    "runs": len(runs),
                    "notebooks": sum(store.notebooks.counts().values()),
                    "outbox": sum(store.sent.counts().values()),
                },
                "active": sum(not run["is_done"] for run in runs),
                "faults": len(self.faults()),
            }
        )

    def list_part(self, name: str, call: ApiCall) -> Response:
        """Return a part of a list, which has the items of all organisations."""
        query = call.query
        found = self.lists.find(
            name, query["search"], query["sort"], query["from"], query["limit"]
        )
        if name == "runs":
            found["items"] = [self._add_progress(run) for run in found["items"]]
        return _page_response(found)

    def workflow(self, call: ApiCall) -> Response:
        """Return one workflow."""
        found = self.services.store.workflows.get(call.path["id"].lower())
        return _page_response(self.lists.place(workflow_item(_require(found), LONG)))

    def runs(self, call: ApiCall) -> Response:
        """List the runs of all organisations, or the newest ones of one workflow."""
        workflow_id = call.query["workflow_id"]
        if workflow_id is None:
            return self.list_part("runs", call)
        runs = self.lists.newest("runs")
        theirs = [run for run in runs if run["workflow_id"] == workflow_id]
        return _page_response(
            {
                "items": [self._add_progress(run) for run in theirs[:RECENT]],
                "total": len(theirs),
            }
        )

    def run(self, call: ApiCall) -> Response:
        """Return one run, and the blocks that changed since the last response."""
        store, since = self.services.store, call.query["since"] or ""
        # Before the blocks are read, so that later changes are sent next time.
        now = format_time(self.services.clock.now())
        run = _require(store.runs.get(call.path["id"].lower()))
        states = store.blocks.of(run.id)
        moved = [
            state_item(state)
            for state in states
            if not since
            or (state.updated_at and format_time(state.updated_at) >= since)
        ]
        return _page_response(
            {
                **self.lists.place(run_item(run, LONG)),
                **progress(states),
                "states": moved,
                "now": now,
            }
        )

    def notebook(self, call: ApiCall) -> Response:
        """Return one notebook."""
        found = self.services.store.notebooks.get(call.query["id"])
        return _page_response(self.lists.place(notebook_item(_require(found))))

    def behaviour(self, _call: ApiCall) -> Response:
        """List the switches, the active faults and the guesses."""
        return _page_response(
            {
                "switches": switch_items(self.services.switches()),
                "faults": list(self.faults()),
                "guesses": [asdict(guess) for guess in GUESSES],
                "marks": MARKS,
            }
        )

    def graph(self, call: ApiCall) -> Response:
        """Return the graph of a workflow, or of a run as it was at its start."""
        return _page_response(graph_data(self._find_graph(call)))

    def block(self, call: ApiCall) -> Response:
        """Return one block of a graph: its specs, and facts about its kind."""
        at = call.query["position"]
        found = self._find_graph(call)["blocks"][at : at + 1]
        return _page_response(block_data(_require(next(iter(found), None))))

    def rows(self, call: ApiCall) -> Response:
        """Return some rows of a block, payload or notebook."""
        first, limit = call.query["from"], call.query["limit"]
        rows = self.services.store.rows(call.query["of"])
        found = list(islice(rows, first, first + limit + 1))
        return _page_response({**rows_data(found[:limit]), "more": len(found) > limit})

    def _add_progress(self, run: JsonObject) -> JsonObject:
        if run["is_done"]:
            return run
        return {**run, **progress(self.services.store.blocks.of(run["id"]))}

    def _find_graph(self, call: ApiCall) -> JsonObject:
        store, run_id = self.services.store, call.query["run_id"]
        if run_id is not None:
            return _require(store.graphs.get(run_id.lower())).data
        workflow_id = (call.query["workflow_id"] or "").lower()
        return _require(store.workflows.get(workflow_id)).definition


def _require(found: F | None) -> F:
    """Return something that was looked for, or refuse the request."""
    if found is None:
        raise RefusedError(404, "Not found")
    return found


def _page_response(data: JsonObject) -> Response:
    return JSONResponse(data, headers=_NO_STORE)


_NO_STORE: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


@cache
def _load_page() -> tuple[str, dict[str, str]]:
    """Load the page and its headers, which allow its one style and script by hash."""
    text = files(__package__).joinpath("_page.html").read_text("utf-8")
    policy = (
        "default-src 'none'",
        f"script-src {_hash_source(text, 'script')}",
        f"style-src {_hash_source(text, 'style')}",
        "connect-src 'self'",
        "img-src data:",  # the icon in the tab
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",  # no text can become markup
    )
    return text, {
        **_NO_STORE,
        "content-security-policy": "; ".join(policy),
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
    }


def _hash_source(text: str, tag: str) -> str:
    inside = text.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
    return f"'sha256-{b64encode(sha256(inside.encode()).digest()).decode()}'"
