"""`Emulator`: the app, alone or served on a port."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from attrs import frozen
from starlette.types import ASGIApp

from ._access import Access, Limiter, organisations_by_key
from ._app import make_app, make_routes
from ._clock import Clock
from ._deliveries import as_host
from ._engine import Engine
from ._fault_middleware import FaultyApp
from ._faults import Faults
from ._fixtures import Fixture, Fixtures, check_fixture_name
from ._middleware import RequestGuard, RequestRecord
from ._oauth import Authority, OAuthClient
from ._records import JsonObject, RowData
from ._responses import workflow_response
from ._results import Links
from ._services import Services
from ._serving import ANY_ADDRESS, LOOPBACK, Serving, as_url_host
from ._store import Store
from ._store_file import MEMORY, forget_address, note_address
from ._switches import Switches
from ._transport import InProcessTransport
from ._web_editor import copy_workflow, edit_workflow

MAX_REQUESTS: Final = 100_000
"""Maximum recorded requests; beyond that, the older half is dropped."""


@frozen
class OutboxEntry:
    """Something that a run wrote outside, or would have.

    Attributes:
        org_id: Organisation of the run.
        block_id: The block that wrote it.
        kind: The block's kind.
        target: The address or the channel.
        outcome: The result of the delivery, in words.
        rows: The rows that it wrote.
    """

    org_id: str
    run_id: str
    block_id: str
    kind: str
    target: str | None
    outcome: str
    rows: list[RowData]


class Emulator:
    """The documented Workflows API, in this process.

    As a context manager it is served on a loopback port. `.transport()` needs no port.
    `.app` is the ASGI app alone.

        with Emulator() as emulator:
            client = Client(api_key="any", base_url=emulator.url)

    Attributes:
        clock: The clock of all times and expiry; after `clock.advance(901)`, links have
            expired.
        switches: Behaviours that can be changed; set another value at any time.
        requests: The received requests, oldest first; only the latest if very many.
        store: Holds everything that survives a restart.
        fixtures: Replacements for synthetic values, by block id or kind; set one at any
            time.
        faults: The faults of requests; none, until some are added.
        blocks: What `GET /workflows/blocks` answers; None for the catalogue of flow64.
            Set another list at any time.
    """

    app: ASGIApp
    clock: Clock
    switches: Switches
    requests: list[RequestRecord]
    store: Store
    fixtures: Fixtures
    faults: Faults
    blocks: Sequence[Any] | None

    def __init__(
        self,
        *,
        api_keys: Collection[str] | Mapping[str, str] | None = None,
        switches: Switches | None = None,
        store: Store | str | Path | None = None,
        host: str = LOOPBACK,
        port: int = 0,
        allow_names: Collection[str] = (),
        oauth_clients: Iterable[OAuthClient] = (),
        fixtures: Mapping[str, Fixture] | None = None,
        allow_hosts: Collection[str] = (),
        seed: int = 0,
        blocks: Sequence[Any] | None = None,
        accept_any_token: bool = False,
    ) -> None:
        """Make an emulator that is not served yet.

        Args:
            api_keys: Accepted keys; None accepts any. Each key is an organisation, or
                is mapped to the name of one.
            store: A file, which `stop()` closes, or an open store; None for memory.
            host: Address to serve on. By default only this machine reaches it; with
                "0.0.0.0", other machines and containers do.
            port: Port to serve on; 0 for a free one.
            allow_names: Host names under which it answers, besides `host` and those of
                this machine. Others are refused, since a web page could use them.
            oauth_clients: Machine clients that may exchange assertions for tokens.
            fixtures: Replacements for synthetic values, by block id or kind.
            allow_hosts: Hosts, other than this machine, that outgoing webhooks are
                posted to.
            seed: Seed of the faults that have a probability.
            blocks: What `GET /workflows/blocks` answers; None for the catalogue of
                flow64. Its kinds are known kinds.
            accept_any_token: Accept Bearer tokens that it did not issue. Each is an
                organisation of its own.

        Raises:
            ConfigError: The key of an OAuth client is not a public RSA key, a fixture
                cannot be one, or a host is not a host name.
            EmulatorStoreError: The file cannot be used.
        """
        self.clock = Clock()
        self.switches = switches or Switches()
        self.requests = []
        self._keys = organisations_by_key(api_keys)
        self._accept_any_token = accept_any_token
        self._authority = Authority.of(oauth_clients, self.clock)
        self.fixtures = Fixtures(fixtures)
        self._allow_hosts = frozenset(map(as_host, allow_hosts))
        self._host = as_host(host)
        named = (self._host, *map(as_host, allow_names))
        self._names = frozenset(map(as_url_host, named)) - ANY_ADDRESS.keys()
        self.faults = Faults(seed)
        self.blocks = blocks
        self._block_failures: dict[str, str] = {}
        self._port = port
        self._path = None if store is None or isinstance(store, Store) else store
        self._served: Serving | None = None
        self._assemble(
            store if isinstance(store, Store) else Store(self._path or MEMORY)
        )

    def _assemble(self, store: Store) -> None:
        """Build all parts around a store."""
        self.store = store
        self._is_open = True
        services = Services(
            store,
            self.clock,
            Links(secrets.token_bytes(32)),
            lambda: self.url or "http://localhost",
            lambda: self.switches,
            lambda: self.blocks,
            self.fixtures,
            self._block_failures,
            self._allow_hosts,
        )
        self._engine = Engine(services)
        access = Access(
            self._keys,
            self._authority,
            Limiter(self.clock),
            lambda: self.switches,
            self._accept_any_token,
        )
        guard = RequestGuard(access, self._record, self._names)
        routes = make_routes(
            services,
            self._engine,
            self._authority,
            self.faults,
            self._set_switches,
            has_keys=self._keys is not None,
        )
        self.app = FaultyApp(make_app(routes, guard), self.faults)

    # -- Serving ----------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The URL of the emulator; empty while it is not served."""
        return self._served.url if self._served else ""

    def start(self) -> Self:
        """Serve, in a thread, until `stop()`.

        Raises:
            EmulatorStoreError: The file can no longer be used.
            OSError: The port is in use, or the host is not an address of this machine.
        """
        if self._served:
            return self
        self._resume()
        self._served = Serving(self.app, self._host, self._port)
        if self._path is not None:
            note_address(self._path, self.url)
        return self

    def stop(self) -> None:
        """Stop serving and interrupt runs; they continue after the next start."""
        if self._served:
            self.faults.release()
            self._served.stop()
            self._served = None
        self._engine.stop()
        if self._path is not None:
            forget_address(self._path)  # while it is still locked
            self.store.close()
            self._is_open = False

    def transport(self) -> InProcessTransport:
        """Return a transport for httpx and for `Client` that needs no socket.

            client = Client("any", base_url="http://localhost", transport=...)

        It is for one client, and is closed with it.
        """
        self._resume()
        return InProcessTransport(self.app)

    def _set_switches(self, switches: Switches) -> None:
        self.switches = switches

    def _record(self, request: RequestRecord) -> None:
        self.requests.append(request)
        if len(self.requests) > MAX_REQUESTS:
            del self.requests[: MAX_REQUESTS // 2]

    def _resume(self) -> None:
        """Continue the runs that have not ended, as stored."""
        if not self._is_open and self._path is not None:
            self._assemble(Store(self._path))
        self._engine.resume()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- For tests and demonstrations -------------------------------------------------

    def fail_block(self, kind: str, message: str | None) -> None:
        """Let every block of a kind fail with a message; None lets them work again.

        Args:
            kind: The kind, or the id of one block.

        Raises:
            ConfigError: The kind looks like a misspelled kind.
        """
        check_fixture_name("fail_block", kind)
        if message is None:
            self._block_failures.pop(kind, None)
        else:
            self._block_failures[kind] = message

    def edit(
        self,
        workflow_id: str,
        *,
        name: str | None = None,
        description: str | None = None,
        specs: Mapping[str, Mapping[str, Any]] | None = None,
        definition: Mapping[str, Any] | None = None,
    ) -> JsonObject:
        """Change a workflow as if in the web editor, and return the response of `GET`.

        Args:
            workflow_id: A workflow of any organisation.
            name: The new title.
            description: The new description, including the stamp.
            specs: Spec fields to set, by block id or kind.
            definition: A whole new graph, which is not checked.

        Raises:
            KeyError: The workflow, or a block of that id or kind, does not exist.
        """
        changed = edit_workflow(
            self.store,
            self.clock,
            workflow_id,
            name=name,
            description=description,
            specs=specs,
            definition=definition,
        )
        return workflow_response(changed)

    def copy(self, workflow_id: str) -> str:
        """Duplicate a workflow as if in the web editor, and return the copy's id.

        Raises:
            KeyError: The workflow does not exist.
        """
        return copy_workflow(self.store, self.clock, workflow_id).id

    def rows(self, run_id: str, kind: str) -> list[RowData]:
        """Return the rows that the blocks of a kind gave in a run."""
        return [
            row
            for block in self.store.blocks.of(run_id)
            if block.kind == kind
            for row in self.store.rows(block.rows)
        ]

    @property
    def outbox(self) -> list[OutboxEntry]:
        """Everything that runs wrote outside, or would have, oldest first."""
        return [
            OutboxEntry(
                org_id=sent.org_id,
                run_id=sent.run_id,
                block_id=sent.block_id,
                kind=sent.kind,
                target=sent.target,
                outcome=sent.outcome,
                rows=list(self.store.rows(sent.rows)),
            )
            for sent in self.store.sent.all()
        ]
