"""`Emulator`: the app, alone or served on a free loopback port."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Collection, Mapping
from threading import Thread
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

import uvicorn
from attrs import evolve
from starlette.applications import Starlette

from ._answers import workflow_answer
from ._app import Api, make_app
from ._clock import Clock
from ._engine import Engine
from ._http import Door, RequestRecord
from ._results import Links
from ._store import Data, MemoryStore, OutboxEntry, Rows, Store
from ._switches import Switches

HOST: Final = "127.0.0.1"


class Emulator:
    """The documented Workflows API, in this process.

    As a context manager it is served on a loopback port; `.app` is the ASGI app alone.

        with Emulator() as emulator:
            client = Client(api_key="any", base_url=emulator.url)

    Attributes:
        app: The ASGI app.
        clock: The clock of stamps and of links; `clock.advance(901)` lets links expire.
        switches: What may be otherwise; set another value at any time.
        requests: Every request that came in, oldest first.
        store: What is remembered.
    """

    app: Starlette
    clock: Clock
    switches: Switches
    requests: list[RequestRecord]
    store: Store

    def __init__(
        self,
        *,
        api_keys: Collection[str] | None = None,
        switches: Switches | None = None,
        store: Store | None = None,
        port: int = 0,
    ) -> None:
        """Make an emulator that is not served yet.

        Args:
            api_keys: Keys that are accepted; None for any. Each is an organisation.
            switches: What may be otherwise.
            store: Where to remember; None for memory.
            port: Port to serve on; 0 for a free one.
        """
        self.clock = Clock()
        self.switches = switches or Switches()
        self.requests = []
        self.store = MemoryStore() if store is None else store
        self._port = port
        self._engine = Engine(self.store, self.clock)
        self._served: tuple[uvicorn.Server, Thread, str] | None = None
        api = Api(
            self.store,
            self.clock,
            self._engine,
            Links(secrets.token_bytes(32)),
            lambda: self.switches,
        )
        door = Door(
            None if api_keys is None else frozenset(api_keys),
            lambda: self.switches.both_credentials_status,
            self.requests.append,
        )
        self.app = make_app(api, door)

    # -- Serving ----------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where it is served; empty while it is not."""
        return self._served[2] if self._served else ""

    def start(self) -> Self:
        """Serve, from a thread, until `stop()`."""
        if self._served:
            return self
        # With its protocol named, asyncio sets TCP_NODELAY on what it accepts; without
        # it each answer waits 40 ms for an acknowledgement.
        listener = socket.socket(proto=socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, self._port))
        except OSError:
            listener.close()
            raise
        server = uvicorn.Server(
            uvicorn.Config(
                self.app,
                log_config=None,
                log_level="error",
                access_log=False,
                lifespan="off",
                loop="asyncio",
                http="h11",
                ws="none",
                server_header=False,
                timeout_graceful_shutdown=1,
            )
        )
        thread = Thread(
            target=server.run, args=([listener],), name="flow64-emulator", daemon=True
        )
        self._served = server, thread, f"http://{HOST}:{listener.getsockname()[1]}"
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.002)
        return self

    def stop(self) -> None:
        """End serving and working; runs stay where they are."""
        if self._served:
            server, thread, _ = self._served
            server.should_exit = True
            thread.join()
            self._served = None
        self._engine.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    # -- What tests and demonstrations need -------------------------------------------

    def fail_block(self, kind: str, message: str | None) -> None:
        """Let every block of a kind fail with a message; None lets them work again."""
        if message is None:
            self._engine.faults.pop(kind, None)
        else:
            self._engine.faults[kind] = message

    def edit(
        self,
        workflow_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        specs: Mapping[str, Mapping[str, Any]] | None = None,
        definition: Mapping[str, Any] | None = None,
    ) -> Data:
        """Change a workflow as if in the web editor, and return what `GET` now answers.

        Args:
            workflow_id: Which workflow, of any organisation.
            name: Its new title.
            description: Its new description, stamp and all.
            specs: Spec fields to set, by block id or by kind.
            definition: A whole new graph, taken as it is.

        Raises:
            KeyError: There is no such workflow, or no block of that id or kind.
        """
        before = self.store.workflow(workflow_id.lower())
        if before is None:
            raise KeyError(f"no workflow {workflow_id!r} is here")
        graph = dict(definition or before.definition)
        if specs:
            there = {
                block[name]
                for block in graph["blocks"]
                for name in ("block_id", "block_name")
            }
            if unknown := sorted(specs.keys() - there):
                raise KeyError(f"no block has the id or kind {', '.join(unknown)}")
            graph["blocks"] = [_edited(block, specs) for block in graph["blocks"]]
        changes: Data = {"definition": graph, "updated_at": self.clock.now()}
        if name is not None:
            changes["name"] = name
        if description is not None:
            changes["description"] = description
        changed = self.store.change_workflow(
            workflow_id.lower(), lambda old: evolve(old, **changes)
        )
        return workflow_answer(changed)

    def copy(self, workflow_id: str) -> str:
        """Duplicate a workflow as if in the web editor, and return the copy's id."""
        new_id, now = str(uuid4()), self.clock.now()
        found = next(
            workflow
            for workflow in self.store.workflows()
            if workflow.id == workflow_id.lower()
        )
        duplicate = evolve(
            found,
            id=new_id,
            name=f"{found.name} (copy)",
            created_at=now,
            updated_at=now,
            last_run_date=None,
        )
        self.store.add_workflow(duplicate)
        return new_id

    def rows(self, run_id: str, kind: str) -> Rows:
        """The rows that the blocks of a kind gave in a run."""
        return [
            row
            for stage in self.store.stages(run_id)
            if stage.kind == kind
            for row in stage.rows
        ]

    @property
    def outbox(self) -> list[OutboxEntry]:
        """What runs would have written outside, oldest first."""
        return self.store.outbox()


def _edited(block: Data, specs: Mapping[str, Mapping[str, Any]]) -> Data:
    changes = specs.get(block["block_id"], specs.get(block["block_name"], {}))
    return {**block, "specs": {**block["specs"], **changes}}
