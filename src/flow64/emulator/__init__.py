"""The documented Workflows API on this machine, for trying, demonstrating and testing.

Loopback only, and honest about what it does not know: `GUESSES` lists every behaviour
that no document states, and `Switches` turns those that can be otherwise.
"""

from __future__ import annotations

from ..errors import MissingExtraError

try:
    from ._clock import Clock
    from ._guesses import GUESSES, Guess
    from ._http import RequestRecord
    from ._server import Emulator
    from ._store import MemoryStore, OutboxEntry, Store
    from ._switches import Switches
except ModuleNotFoundError as _missing:
    if (_missing.name or "").partition(".")[0] not in {"starlette", "uvicorn"}:
        raise
    raise MissingExtraError("flow64.emulator", "emulator") from _missing

__all__ = [
    "GUESSES",
    "Clock",
    "Emulator",
    "Guess",
    "MemoryStore",
    "OutboxEntry",
    "RequestRecord",
    "Store",
    "Switches",
]
