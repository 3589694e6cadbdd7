"""`Emulator`: the documented Workflows API, alone or served on a port."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from attrs import evolve, frozen

from ..errors import ConfigError
from .admin import add_admin_routes
from .app import Access, Api, RequestRecord, make_app
from .engine import Engine
from .faults import Faults, FaultyApp
from .fixtures import Fixture, Fixtures, check_block_name
from .oauth import Authority, OAuthClient
from .records import JsonObject, RowData, WorkflowRecord, dump_json, organisation_of
from .schedules import run_due_schedules, skip_missed_times
from .service import Service
from .serving import ANY_ADDRESS, LOOPBACK, Serving, as_url_host
from .store import MEMORY, Store
from .switches import Switches
from .transport import InProcessTransport, name_place
from .workflows import workflow_response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


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


class Emulator(Service):
    """The documented Workflows API, in this process.

    As a context manager it is served on a loopback port. `.transport()` needs no port.
    `.app` is the WSGI app alone.

        with Emulator() as emulator:
            client = Client(api_key="any", base_url=emulator.url)

    Attributes:
        requests: The received requests, oldest first.
    """

    app: WSGIApplication
    requests: list[RequestRecord]

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
                flow64.
            accept_any_token: Accept Bearer tokens that it did not issue. Each is an
                organisation of its own.

        Raises:
            ConfigError: The key of an OAuth client is not a public RSA key, a fixture
                cannot be one, or a host is not a host name.
            ConfigError: The file cannot be used.
        """
        self._host, self._port = _as_host(host), port
        self._path = None if store is None or isinstance(store, Store) else store
        self._serving: Serving | None = None
        self._is_open = False
        super().__init__(
            store=store if isinstance(store, Store) else Store(self._path or MEMORY),
            switches=switches or Switches(),
            faults=Faults(seed),
            fixtures=Fixtures(fixtures),
            blocks=blocks,
            allow_hosts=frozenset(map(_as_host, allow_hosts)),
        )
        self.engine: Engine = Engine(self)
        self.requests = []
        self.clock.listeners.append(partial(run_due_schedules, self))
        clients = {client.client_id: client for client in oauth_clients}
        keys = api_keys
        if keys is not None and not isinstance(keys, Mapping):
            keys = {key: organisation_of(key) for key in keys}
        access = Access(keys, Authority(self.clock, clients), accept_any_token)
        hosts = (self._host, *map(_as_host, allow_names))
        names = {*map(as_url_host, hosts)} - ANY_ADDRESS.keys()
        app = make_app(Api(self, access, names, self.requests))
        add_admin_routes(app, self, has_keys=keys is not None)
        self.app = FaultyApp(app, self.faults)

    # -- Serving ----------------------------------------------------------------------

    def start(self) -> Self:
        """Serve, in a thread, until `stop()`.

        Raises:
            ConfigError: The file can no longer be used.
            OSError: The port is in use, or the host is not an address of this machine.
        """
        if self._serving is None:
            self._resume()
            self._serving = Serving(
                self.app, self._host, self._port, partial(run_due_schedules, self)
            )
            self.url: str = self._serving.url
            self.store.note_address(self.url)
        return self

    def stop(self) -> None:
        """Stop serving and interrupt runs; they continue after the next start."""
        if self._serving:
            self.faults.release()
            self._serving.stop()
            self._serving = None
            self.url = ""
        self.engine.stop()
        self._is_open = False
        if self._path is not None:
            self.store.close()

    def transport(self) -> InProcessTransport:
        """Return a transport for httpx and for `Client` that needs no socket.

        client = Client("any", base_url="http://localhost", transport=...)
        """
        self._resume()
        return InProcessTransport(self.app, name_place(self.store.id))

    def _resume(self) -> None:
        """Continue the runs that have not ended, as stored."""
        if self.store.is_closed and self._path is not None:
            self.store: Store = Store(self._path)
        if not self._is_open:
            skip_missed_times(self)
            self._is_open = True
        self.engine.resume()

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
        check_block_name("fail_block", kind)
        if message is None:
            self.failures.pop(kind, None)
        else:
            self.failures[kind] = message

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

        def change(before: WorkflowRecord) -> WorkflowRecord:
            graph = dict(definition or before.definition)
            return evolve(
                before,
                name=before.name if name is None else name,
                description=before.description if description is None else description,
                definition=_with_specs(graph, specs) if specs else graph,
                updated_at=self.clock.now(),
            )

        workflow = self.store.workflows.change(workflow_id.lower(), change)
        response: JsonObject = json.loads(dump_json(workflow_response(workflow)))
        return response

    def copy(self, workflow_id: str) -> str:
        """Duplicate a workflow as if in the web editor, and return the copy's id.

        Raises:
            KeyError: The workflow does not exist.
        """
        original = self.store.workflows.get(workflow_id.lower())
        if original is None:
            raise KeyError(workflow_id)
        now = self.clock.now()
        duplicate = evolve(
            original,
            id=str(uuid4()),
            name=f"{original.name} (copy)",
            created_at=now,
            updated_at=now,
            last_run_date=None,
        )
        self.store.workflows.add(duplicate)
        return duplicate.id

    def rows(self, run_id: str, kind: str) -> list[RowData]:
        """Return the rows that the blocks of a kind gave in a run."""
        return [
            row
            for block in self.store.blocks.under(run_id)
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


def _as_host(text: str) -> str:
    """Normalise the name or the address of a host.

    Raises:
        ConfigError: The text is not a host, for example a URL.
    """
    host = text.strip().lower().removeprefix("[").removesuffix("]")
    is_address = ":" in host and not set(host) - set("0123456789abcdef:.")
    if not (is_address or re.fullmatch(r"\w([\w.-]*\w)?\.?", host)):
        problem = f"{text!r} is not a host; write its name or address alone"
        raise ConfigError(f"{problem}, without a scheme and a port")
    return host


def _with_specs(
    graph: JsonObject, specs: Mapping[str, Mapping[str, Any]]
) -> JsonObject:
    names = ("block_id", "block_name")
    existing = {block[name] for block in graph["blocks"] for name in names}
    if unknown := sorted(specs.keys() - existing):
        raise KeyError(f"no block has the id or kind {', '.join(unknown)}")
    blocks = []
    for block in graph["blocks"]:
        changes = specs.get(block["block_id"], specs.get(block["block_name"], {}))
        blocks.append({**block, "specs": {**block["specs"], **changes}})
    return {**graph, "blocks": blocks}
