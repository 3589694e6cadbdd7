"""`flow64 serve`: run the emulator on a port."""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from errno import EADDRNOTAVAIL
from pathlib import Path
from queue import Empty, SimpleQueue
from socket import gaierror
from types import FrameType
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import click
from attrs import asdict, define, frozen

from ..emulator import Emulator, Switches, load_fixtures
from ..endpoints import host_of, is_loopback
from ..environments import EMULATOR, Reference
from ..environments import load as load_settings
from ..errors import ConfigError, SettingsError
from ._colours import paint_label
from ._crash_report import report_thread_crashes
from ._exit_codes import INTERRUPTED
from ._options import PORT, Options
from ._param_types import PathName
from ._params import FILE
from ._serve_options import (
    parse_client,
    parse_switches,
    read_blocks,
    read_keys,
)
from ._terminal import print_line, print_message

HOST: Final = "127.0.0.1"


@click.command("serve")
@click.option(
    "--host",
    default=HOST,
    metavar="HOST",
    show_default=True,
    help="Address to listen on; 0.0.0.0 lets other machines and containers in.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=PORT,
    metavar="N",
    show_default=True,
    help="Port to listen on; 0 for any free port.",
)
@click.option(
    "--allow-name",
    "allow_names",
    multiple=True,
    metavar="NAME",
    help="Another host name that clients may use for it, such as `emulator`; "
    "repeatable.",
)
@click.option(
    "--store",
    type=PathName(dir_okay=False),
    metavar="FILE",
    help="A file to store everything in. By default nothing is kept.",
)
@click.option(
    "--speed",
    metavar="SECONDS",
    help="How long each block takes.",
)
@click.option(
    "--switch",
    "switches",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change behaviour that is not documented; repeatable.",
)
@click.option(
    "--fixtures",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="JSON or CSV with answers of blocks, instead of made-up ones; repeatable.",
)
@click.option(
    "--blocks",
    "listed",
    type=FILE,
    metavar="FILE",
    help="A blocks.json, or a saved answer of `GET /workflows/blocks`: what the "
    "emulator answers, and the kinds that it knows.",
)
@click.option(
    "--api-keys",
    type=FILE,
    metavar="FILE",
    help="The keys to accept, one a line, all with an organisation or all without. By "
    "default any key is accepted.",
)
@click.option(
    "--accept-any-token",
    is_flag=True,
    help="Accept Bearer tokens that it did not issue.",
)
@click.option(
    "--oauth-client",
    "oauth_clients",
    multiple=True,
    metavar="ID=FILE",
    help="An OAuth client, and the file of its public key as PEM; repeatable.",
)
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="HOST",
    help="Another host that webhooks may be posted to; repeatable.",
)
@click.option(
    "--seed", type=int, default=0, metavar="N", help="The seed for injected faults."
)
@click.option("-v", "--verbose", is_flag=True, help="Show each request.")
@click.pass_obj
def command(
    options: Options,
    *,
    host: str,
    port: int,
    allow_names: Sequence[str],
    store: Path | None,
    speed: str | None,
    switches: Sequence[str],
    fixtures: Sequence[Path],
    listed: Path | None,
    api_keys: Path | None,
    accept_any_token: bool,
    oauth_clients: Sequence[str],
    allow_hosts: Sequence[str],
    seed: int,
    verbose: bool,
) -> int:
    """Run an emulator of the documented Workflows API on this machine.

    It spends nothing and needs no account. The first line on stdout is its address, for
    programs, and for a browser that shows what happens. SIGTERM or Ctrl-C stops it.
    With --store, a new start continues where it stopped.
    """
    chosen = [*switches, *([f"speed={speed}"] if speed is not None else [])]
    blocks = None if listed is None else read_blocks(listed)
    try:
        emulator = Emulator(
            api_keys=None if api_keys is None else read_keys(api_keys),
            switches=parse_switches(chosen),
            store=store,
            host=host,
            port=port,
            allow_names=allow_names,
            fixtures=load_fixtures(fixtures),
            oauth_clients=[parse_client(given) for given in oauth_clients],
            allow_hosts=allow_hosts,
            seed=seed,
            blocks=blocks,
            accept_any_token=accept_any_token,
        )
    except ConfigError as error:  # an option cannot be used
        raise click.UsageError(str(error)) from error
    report_thread_crashes(debug=options.debug)
    if verbose:
        emulator.app = LoggedApp(emulator.app)
    stop = StopSignal()
    try:
        start(emulator, host, port)
        print_line(emulator.url)
        introduce(
            emulator, store, api_keys, describe_reach(emulator, host, allow_names)
        )
        return stop.wait()
    finally:
        emulator.stop()


def start(emulator: Emulator, host: str, port: int) -> None:
    """Start the emulator.

    Raises:
        click.ClickException: The host or the port cannot be used.
    """
    try:
        emulator.start()
    except OSError as error:
        if isinstance(error, gaierror) or error.errno == EADDRNOTAVAIL:
            problem = f"{host!r} is not an address of this machine"
            advice = f"take {HOST}, or 0.0.0.0 for all of them"
            raise click.ClickException(f"{problem}; {advice}") from error
        problem = f"port {port} cannot be used ({error.strerror or error})"
        advice = "stop what uses it, or take a free one: --port 0"
        raise click.ClickException(f"{problem}; {advice}") from error


def describe_reach(emulator: Emulator, host: str, names: Sequence[str]) -> str:
    """Return how other machines reach the emulator; empty if they do not."""
    if is_loopback(host):
        return ""
    url = urlsplit(emulator.url)
    urls = [f"http://{name}:{url.port}" for name in names]
    if not is_loopback(url.hostname or ""):  # it listens on one address alone
        urls.append(emulator.url)
    if not urls:
        return "refused; add --allow-name NAME, the host name that they use for it"
    return f"{', '.join(urls)} (plain HTTP: never with a real key)"


def introduce(
    emulator: Emulator, store: Path | None, keys: Path | None, others: str
) -> None:
    """Print what was started, and how to use it."""
    url, standard = emulator.url, asdict(Switches())
    changed = [
        f"{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in asdict(emulator.switches).items()
        if value != standard[name]
    ]
    key = f"(one of {keys})" if keys else "any"
    lines = {
        "page": url,
        "programs": f"SIXTYFOUR_API_ENDPOINT={url} SIXTYFOUR_API_KEY={key}",
        **({"others": others} if others else {}),
        "projects": describe_environment(url, store, has_keys=keys is not None),
        "store": str(store) if store else "memory, lost at the end",
        "switches": ", ".join(changed) or "the defaults",
        "to stop": "Ctrl-C",
    }
    print_message(
        "An emulator of the documented Workflows API runs here. It spends nothing."
    )
    for label, text in lines.items():
        print_message(f"{label:10}{text}", paint_label)


def describe_environment(url: str, store: Path | None, *, has_keys: bool) -> str:
    """Return the command for the project in this folder, or what is to be added to it.

    Args:
        url: The address of the emulator.
        store: Its file, which may be that of the environment `emulator`.
        has_keys: Whether it accepts certain keys alone.
    """
    try:
        environments = load_settings().environments
    except SettingsError:
        environments = {}
    port = _find_port(url)
    for name, one in environments.items():
        if store is not None and one.store == store.absolute():
            return f"flow64 deploy -e {EMULATOR}"
        endpoint = one.endpoint
        if isinstance(endpoint, Reference):
            endpoint = os.environ.get(endpoint.variable)
        if endpoint and port is not None and _find_port(endpoint) == port:
            return f"flow64 deploy -e {shlex.quote(name)}"
    lines = [
        "-e local, with these lines in pyproject.toml:",
        "[tool.flow64.environments.local]",
        f'endpoint = "{url}"',
    ]
    if port is None:  # it listens on an address that other machines reach
        lines.append("allow_http = true")
    if has_keys or port is None:
        lines.append('api_key = { env = "NAME_OF_THE_VARIABLE" }')
    return f"\n{'':10}".join(lines)


def _find_port(url: str) -> int | None:
    """Return the port of an address on this machine; None if it is not one."""
    try:
        return urlsplit(url).port if is_loopback(host_of(url)) else None
    except ValueError:
        return None


# -- Requests -------------------------------------------------------------------------

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]


@frozen
class LoggedApp:
    """An ASGI app that prints each request, and the status of its answer."""

    app: App

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, and print it."""
        began, reader = time.monotonic(), StatusReader(send)
        try:
            await self.app(scope, receive, reader.send)
        finally:
            milliseconds = (time.monotonic() - began) * 1000
            # The path alone: what follows it may be a signature.
            request = f"{scope.get('method')} {scope.get('path')}"
            print_message(f"{reader.status} {request} ({milliseconds:.0f} ms)")


@define
class StatusReader:
    """Passes an answer on, and reads its status."""

    _send: Send
    status: str = "no answer"

    @property
    def transport(self) -> object:
        """The connection. Injected faults look for it on `send`."""
        return getattr(getattr(self._send, "__self__", None), "transport", None)

    async def send(self, message: Message) -> None:
        """Send a part of the answer, and read its status."""
        self.status = str(message.get("status", self.status))
        await self._send(message)


# -- Signals --------------------------------------------------------------------------

SIGNALS: Final = {signal.SIGTERM: 0, signal.SIGINT: INTERRUPTED}
"""The exit code of each signal."""


class StopSignal:
    """Waits for SIGTERM or Ctrl-C. A second one ends the process at once."""

    def __init__(self) -> None:
        # An Event would deadlock if a signal came just as its wait begins.
        self._codes: SimpleQueue[int] = SimpleQueue()
        for number in SIGNALS:
            signal.signal(number, self._handle)

    def wait(self) -> int:
        """Wait for a signal, and return its exit code."""
        while True:
            try:
                return self._codes.get(timeout=1.0)
            except Empty:
                pass  # Windows handles signals between two waits

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._codes.put(SIGNALS[signal.Signals(number)])
        for other in SIGNALS:
            signal.signal(other, signal.SIG_DFL)
