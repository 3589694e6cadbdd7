"""`flow64 serve`: run the emulator on a port."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Sequence
from errno import EADDRNOTAVAIL
from pathlib import Path
from queue import SimpleQueue
from socket import gaierror
from types import FrameType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click
from attrs import asdict, frozen

from ..emulator import Emulator, Switches, load_fixtures
from ..endpoints import is_loopback
from ..environments import EMULATOR
from ..environments import load as load_settings
from ..errors import ConfigError
from ..files import make_folder
from ._colours import paint_label
from ._crash_report import report_thread_crashes
from ._exit_codes import INTERRUPTED
from ._options import PORT, Options
from ._param_types import PathName
from ._params import FILE
from ._serve_options import read_blocks, read_client, read_keys, read_switches
from ._terminal import print_line, print_message

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

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
    help="A file to store everything in, or :memory:. By default, it is that of -e "
    "local in this project.",
)
@click.option(
    "--switch",
    "switches",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change behaviour that is not documented, such as speed=0.5 (seconds a "
    "block); repeatable.",
)
@click.option(
    "--fixtures",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="JSON with answers of blocks, instead of made-up ones; repeatable.",
)
@click.option(
    "--blocks",
    "listed",
    type=FILE,
    metavar="FILE",
    help="A blocks.json, or a saved answer of `GET /workflows/blocks`, to answer.",
)
@click.option(
    "--api-keys",
    type=FILE,
    metavar="FILE",
    help="The keys to accept, one a line, each with an organisation or without. By "
    "default any key is accepted.",
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
@click.option("-v", "--verbose", is_flag=True, help="Show each request.")
@click.pass_obj
def command(
    options: Options,
    *,
    host: str,
    port: int,
    allow_names: Sequence[str],
    store: Path | None,
    switches: Sequence[str],
    fixtures: Sequence[Path],
    listed: Path | None,
    api_keys: Path | None,
    oauth_clients: Sequence[str],
    allow_hosts: Sequence[str],
    verbose: bool,
) -> int:
    """Run an emulator of the documented Workflows API on this machine.

    It spends nothing and needs no account. Commands with -e local use it while it runs,
    and find everything again afterwards. The first line on stdout is its address, for
    programs, and for a browser that shows what happens. SIGTERM or Ctrl-C stops it.
    """
    blocks = None if listed is None else read_blocks(listed)
    file = find_store() if store is None else store
    try:
        emulator = Emulator(
            api_keys=None if api_keys is None else read_keys(api_keys),
            switches=read_switches(switches),
            store=file,
            host=host,
            port=port,
            allow_names=allow_names,
            fixtures=load_fixtures(fixtures),
            oauth_clients=map(read_client, oauth_clients),
            allow_hosts=allow_hosts,
            blocks=blocks,
        )
    except ConfigError as error:
        if error.url is not None:  # another emulator has the store open
            raise
        raise click.UsageError(str(error)) from error
    report_thread_crashes(debug=options.debug)
    if verbose:
        emulator.app = LoggedApp(emulator.app)
    stop = StopSignal()
    try:
        start(emulator, host, port)
        print_line(emulator.url)
        is_local = store is None and host == HOST and api_keys is None
        introduce(emulator, is_local=is_local)
        if not is_loopback(host):
            reach = describe_reach(emulator, allow_names)
            print_message(f"{'others':10}{reach}", paint_label)
        return stop.wait()
    finally:
        emulator.stop()


def find_store() -> Path:
    """Return the file of the environment `local`, in a folder that exists.

    Raises:
        ConfigError: `pyproject.toml` has mistakes.
    """
    environment = load_settings().environments[EMULATOR]
    if environment.store is None:
        problem = f"the environment {EMULATOR!r} has an endpoint of its own"
        raise click.UsageError(f"{problem}; name a file: --store FILE")
    try:
        make_folder(environment.store.parent)
    except OSError as error:
        problem = f"the folder {environment.store.parent} cannot be made"
        raise click.UsageError(f"{problem} ({error.strerror}); --store FILE") from error
    return environment.store


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


def describe_reach(emulator: Emulator, names: Sequence[str]) -> str:
    """Return how other machines reach the emulator."""
    url = urlsplit(emulator.url)
    urls = [f"http://{name}:{url.port}" for name in names]
    if not is_loopback(url.hostname or ""):  # it listens on one address alone
        urls.append(emulator.url)
    if not urls:
        return "refused; add --allow-name NAME, the host name that they use for it"
    return f"{', '.join(urls)} (plain HTTP: never with a real key)"


def introduce(emulator: Emulator, *, is_local: bool) -> None:
    """Print how to use the emulator, and what differs from the defaults.

    Args:
        is_local: Whether commands with -e local use it.
    """
    url, standard = emulator.url, asdict(Switches())
    switches = [
        f"{name}={str(value).lower() if isinstance(value, bool) else value}"
        for name, value in asdict(emulator.switches).items()
        if value != standard[name]
    ]
    lines = {
        "page": url,
        "projects": f"flow64 deploy -e {EMULATOR}" if is_local else "",
        "programs": f"SIXTYFOUR_API_ENDPOINT={url} SIXTYFOUR_API_KEY=any",
        "store": str(emulator.store.path),
        "switches": ", ".join(switches),
        "to stop": "Ctrl-C",
    }
    print_message("An emulator of the Workflows API runs here. It spends nothing.")
    for label, text in lines.items():
        if text:
            print_message(f"{label:10}{text}", paint_label)


@frozen
class LoggedApp:
    """A WSGI app that prints each request, and the status of its response."""

    app: WSGIApplication

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer a request, and print it."""
        began = time.monotonic()

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            milliseconds = (time.monotonic() - began) * 1000
            # The path alone: what follows it may be a signature.
            request = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
            print_message(f"{status[:3]} {request} ({milliseconds:.0f} ms)")
            return start_response(status, headers, *error)

        return self.app(environ, start)


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
        return self._codes.get()

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self._codes.put(SIGNALS[signal.Signals(number)])
        for other in SIGNALS:
            signal.signal(other, signal.SIG_DFL)
