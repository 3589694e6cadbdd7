"""`flow64 serve`: run the emulator on a port."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from errno import EADDRNOTAVAIL
from pathlib import Path
from queue import SimpleQueue
from socket import gaierror
from types import FrameType
from typing import Any, Final
from urllib.parse import urlsplit

import click

from ..analysis.live import LiveCatalogue
from ..definition import load_json
from ..emulator import Emulator, Switches, load_fixtures
from ..emulator.service import parse_data
from ..endpoints import is_loopback
from ..environments import EMULATOR
from ..environments import load as load_settings
from ..errors import ConfigError
from ..files import make_folder
from . import params, printing
from .errors import INTERRUPTED

HOST: Final = "127.0.0.1"

PORT: Final = 6464
"""The usual port."""


@params.command("serve", "flow64 serve", "flow64 serve --switch speed=0.5 --port 0")
@params.option(
    "--host",
    "Address to listen on; 0.0.0.0 lets other machines and containers in.",
    "HOST",
    default=HOST,
    show_default=True,
)
@params.option(
    "--port",
    "Port to listen on; 0 for any free port.",
    "N",
    type=click.IntRange(0, 65_535),
    default=PORT,
    show_default=True,
)
@params.option(
    "--allow-name allow_names",
    "Another host name that clients may use for it, such as `emulator`; repeatable.",
    "NAME",
    multiple=True,
)
@params.option(
    "--allow-host allow_hosts",
    "Another host that webhooks may be posted to; repeatable.",
    "HOST",
    multiple=True,
)
@params.option(
    "--store",
    "A file to store everything in, or :memory:. By default, it is that of -e "
    "local in this project.",
    "FILE",
    type=params.PathName(dir_okay=False),
)
@params.option(
    "--switch switches",
    "Change behaviour that is not documented, such as speed=0.5 (seconds a "
    "block); repeatable.",
    "NAME=VALUE",
    multiple=True,
)
@params.option(
    "--fixtures",
    "JSON with answers of blocks, instead of made-up ones; repeatable.",
    "FILE",
    type=params.FILE,
    multiple=True,
)
@params.option(
    "--blocks blocks_file",
    "A blocks.json, or a saved answer of `GET /workflows/blocks`, to answer.",
    "FILE",
    type=params.FILE,
)
def command(
    *,
    host: str,
    port: int,
    allow_names: Sequence[str],
    allow_hosts: Sequence[str],
    store: Path | None,
    switches: Sequence[str],
    fixtures: Sequence[Path],
    blocks_file: Path | None,
) -> int:
    """Run an emulator of the documented Workflows API on this machine.

    It spends nothing and needs no account. Commands with -e local use it while it runs,
    and find everything again afterwards. The first line on stdout is its address, for
    programs, and for a browser that shows what happens. SIGTERM or Ctrl-C stops it.
    """
    try:
        emulator = Emulator(
            switches=_read_switches(switches),
            store=_find_store() if store is None else store,
            host=host,
            port=port,
            allow_names=allow_names,
            fixtures=load_fixtures(fixtures),
            allow_hosts=allow_hosts,
            blocks=None
            if blocks_file is None
            else LiveCatalogue.read(blocks_file).as_data()["blocks"],
        )
    except ConfigError as error:
        if error.url is not None:  # the store is served already
            raise
        raise click.UsageError(str(error)) from error
    stop = StopSignal()
    try:
        _start(emulator, host, port)
        printing.show(emulator.url)
        place = str(emulator.store.path)
        use = f"-e {EMULATOR}" if store is None and host == HOST else place
        printing.message(f"an emulator, which spends nothing ({use}); Ctrl-C stops it")
        if not is_loopback(host):
            printing.message(f"others: {_describe_reach(emulator, allow_names)}")
        return stop.wait()
    finally:
        emulator.stop()


def _read_switches(pairs: Sequence[str]) -> Switches:
    """Read switches in the form `NAME=VALUE`, with a value as in JSON."""
    values: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not (name and equals):
            raise params.option_error("--switch", f"{pair!r} is not NAME=VALUE")
        values[name.replace("-", "_")] = load_json(text, text)
    return parse_data(values, Switches)


def _find_store() -> Path:
    """Return the file of the environment `local`, in a folder that exists.

    Raises:
        ConfigError: `pyproject.toml` has mistakes, or names another endpoint.
    """
    store = load_settings().environments[EMULATOR].store
    if store is None:
        problem = f"the environment {EMULATOR!r} has an endpoint of its own"
        raise ConfigError(f"{problem}; name a file: --store FILE")
    try:
        make_folder(store.parent)
    except OSError as error:
        problem = f"the folder {store.parent} cannot be made ({error.strerror})"
        raise ConfigError(f"{problem}; name a file: --store FILE") from error
    return store


def _start(emulator: Emulator, host: str, port: int) -> None:
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
        else:
            problem = f"port {port} cannot be used ({error.strerror or error})"
            advice = "stop what uses it, or take a free one: --port 0"
        raise click.ClickException(f"{problem}; {advice}") from error


def _describe_reach(emulator: Emulator, names: Sequence[str]) -> str:
    """Return how other machines reach the emulator."""
    url = urlsplit(emulator.url)
    urls = [f"http://{name}:{url.port}" for name in names]
    if not is_loopback(url.hostname or ""):  # it listens on one address alone
        urls.append(emulator.url)
    if not urls:
        return "refused; add --allow-name NAME, the host name that they use for it"
    return f"{', '.join(urls)} (plain HTTP: never with a real key)"


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
