"""`Emulator`: the documented Workflows API, to clients in this process or on a port."""

from __future__ import annotations

import json
import logging
import re
import socket
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import uuid4

import httpx
from attrs import evolve
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher, WSGITask

from ..definition import MAX_BYTES
from ..errors import ConfigError
from . import records
from .admin import add_admin_routes
from .app import Access, Api, OAuthClient, RequestRecord, make_app
from .engine import Engine, Fixture, Fixtures, check_block_name
from .operations import SOCKET, TIMEOUT, Faults, FaultyApp
from .records import JsonObject, OutboxEntry, RowData, WorkflowRecord
from .schedules import run_due_schedules, skip_missed_times
from .service import Service, Switches
from .store import MEMORY, Store
from .workflows import workflow_response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

LOOPBACK: Final = "127.0.0.1"
"""Where the emulator listens unless told otherwise."""

LOOPBACK_NAMES: Final = frozenset({LOOPBACK, "localhost", "[::1]"})
"""Names under which the emulator always answers."""

ANY_ADDRESS: Final = {"0.0.0.0": LOOPBACK, "::": "[::1]"}  # noqa: S104 - only told about
"""Addresses that mean all of this machine, and how this machine reaches them."""

STALLED: Final = 10
"""Seconds after which a silent connection is closed, in a request or between two."""

THREADS: Final = 16

TICK: Final = 1.0
"""Seconds between two calls of the tick."""

# Requests that wait for a thread, or that a stop ends, are of no interest here.
logging.getLogger("waitress").setLevel(logging.ERROR)


class _SocketTask(WSGITask):
    """A request, with its connection, which faults can reset."""

    def get_environment(self) -> WSGIEnvironment:
        environ: WSGIEnvironment = super().get_environment()
        environ[SOCKET] = self.channel.socket
        return environ


class _Channel(HTTPChannel):
    task_class = _SocketTask


class _Server(TcpWSGIServer):
    channel_class = _Channel


class Serving:
    """An app that is served until it is stopped."""

    url: str

    def __init__(
        self, app: WSGIApplication, host: str, port: int, tick: Callable[[], None]
    ) -> None:
        """Serve an app.

        Args:
            host: The address or the name to listen on.
            port: The port; 0 for a free one.
            tick: Is called about once a second.

        Raises:
            OSError: The port is in use, or the host is not an address of this machine.
        """
        listener = _listen(host, port)
        address, number = listener.getsockname()[:2]
        self.url = f"http://{ANY_ADDRESS.get(address, as_url_host(host))}:{number}"
        settings = Adjustments(
            host=LOOPBACK,  # looked up, and not used: the listener is bound already
            ident=None,
            channel_timeout=STALLED,
            cleanup_interval=1,
            connection_limit=1_000,
            max_request_header_size=2**16,
            max_request_body_size=MAX_BYTES + 2**20,
            asyncore_use_poll=True,
            log_socket_errors=False,
            clear_untrusted_proxy_headers=True,
        )
        self._threads = ThreadedTaskDispatcher()
        self._threads.set_thread_count(THREADS)
        self._connections: dict[int, Any] = {}
        self._server = _Server(
            app,
            map=self._connections,
            _sock=listener,
            dispatcher=self._threads,
            adj=settings,
            bind_socket=False,
            sockinfo=(
                listener.family,
                listener.type,
                listener.proto,
                (address, number),
            ),
        )
        self._tick = tick
        self._is_over = Event()
        self._thread = Thread(target=self._run, name="flow64-emulator", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        next_tick = time.monotonic()
        while not self._is_over.is_set():
            wasyncore.loop(TICK, use_poll=True, map=self._connections, count=1)
            if time.monotonic() >= next_tick:
                self._tick()
                next_tick = time.monotonic() + TICK

    def stop(self) -> None:
        """Stop serving, and wait until active requests have ended."""
        self._threads.shutdown(timeout=1)
        self._is_over.set()
        self._server.pull_trigger()
        self._thread.join()
        wasyncore.close_all(self._connections, ignore_all=True)


def as_url_host(host: str) -> str:
    """Write a host as in URLs and in the header `Host`."""
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    """Open a socket that is bound, but does not accept connections yet."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:  # so that `::` is all addresses, IPv4 too
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


class InProcessTransport(httpx.WSGITransport):
    """Sends requests to the app of an emulator, without a socket.

    Attributes:
        place: What stands for the store in journals and plans.
    """

    def __init__(self, app: WSGIApplication, place: str) -> None:
        super().__init__(app)
        self.place = place

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request. Its time-out holds for injected waits."""
        TIMEOUT.set(request.extensions.get("timeout", {}).get("read"))
        return super().handle_request(request)


def find_place(url: str) -> str:
    """Return what stands for the store that an emulator serves.

    Raises:
        ConfigError: It does not answer, such as one that is ending.
    """
    try:
        answer = httpx.get(f"{url}/_emulator/health", trust_env=False)
        return name_place(answer.raise_for_status().json()["id"])
    except (httpx.HTTPError, KeyError, TypeError, ValueError) as error:
        problem = f"the emulator at {url}, which has the store open, does not answer"
        raise ConfigError(problem, hint="try again, or end its process") from error


def name_place(store_id: str) -> str:
    """Return what stands for a store in journals and plans.

    It is the same whether the store is served or not, and on any port.
    """
    return f"http://127.0.0.1/emulator-{store_id.replace('-', '')[:12]}"


class Emulator(Service):
    """The documented Workflows API, in this process.

    As a context manager it is served on a loopback port. `.transport()` needs no port.
    `.app` is the WSGI app alone.

        with Emulator() as emulator:
            client = Client(api_key="any", base_url=emulator.url)

    Attributes:
        requests: The newest requests, oldest first.
    """

    app: WSGIApplication
    requests: list[RequestRecord]

    def __init__(
        self,
        *,
        api_keys: Collection[str] | Mapping[str, str] | None = None,
        switches: Switches | None = None,
        store: str | Path | None = None,
        host: str = LOOPBACK,
        port: int = 0,
        allow_names: Collection[str] = (),
        oauth_clients: Iterable[OAuthClient] = (),
        fixtures: Mapping[str, Fixture] | None = None,
        allow_hosts: Collection[str] = (),
        blocks: Sequence[Any] | None = None,
    ) -> None:
        """Make an emulator that is not served yet.

        Args:
            api_keys: Accepted keys; None accepts any. Each key is an organisation, or
                is mapped to the name of one.
            store: A file, which `stop()` closes; None for memory.
            host: Address to serve on. By default only this machine reaches it; with
                "0.0.0.0", other machines and containers do.
            port: Port to serve on; 0 for a free one.
            allow_names: Host names under which it answers, besides `host` and those of
                this machine. Others are refused, since a web page could use them.
            oauth_clients: Machine clients that may exchange assertions for tokens.
            fixtures: Replacements for synthetic values, by block id or kind.
            allow_hosts: Hosts, other than this machine, that outgoing webhooks are
                posted to.
            blocks: What `GET /workflows/blocks` answers; None for the catalogue of
                flow64.

        Raises:
            ConfigError: A fixture cannot be one, a host is not a host name, or the file
                cannot be used.
        """
        self._host, self._port = _as_host(host), port
        self._path = store
        self._serving: Serving | None = None
        self._is_open = False
        super().__init__(
            store=Store(store or MEMORY),
            switches=switches or Switches(),
            faults=Faults(),
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
            keys = {key: records.organisation_of(key) for key in keys}
        access = Access(self.clock, keys, clients)
        hosts = (self._host, *map(_as_host, allow_names))
        names = {*map(as_url_host, hosts), *LOOPBACK_NAMES} - ANY_ADDRESS.keys()
        app = make_app(Api(self, access, names, self.requests))
        add_admin_routes(app, self)
        self.app = FaultyApp(app, self.faults)

    # -- Serving -----------------------------------------------------------------------

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
        response: JsonObject = json.loads(
            records.dump_json(workflow_response(workflow))
        )
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
            evolve(entry, rows=[*self.store.rows(entry.owner)])
            for entry in self.store.sent.all()
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
