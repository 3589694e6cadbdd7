"""The documented Workflows API on this machine, for trying, demonstrating and testing.

It is served on loopback, unless you name another host. `guesses.toml` lists every
behaviour that no document states, and `Switches` changes some of them.
"""

from __future__ import annotations

from ..errors import missing_extra

try:
    from .app import OAuthClient
    from .engine import Fixture, load_fixtures
    from .operations import Fault
    from .records import OutboxEntry
    from .server import Emulator
    from .service import Switches
except ModuleNotFoundError as _missing:
    if (_missing.name or "").startswith("flow64"):
        raise
    raise missing_extra("flow64.emulator", "emulator") from _missing

__all__ = [
    "Emulator",
    "Fault",
    "Fixture",
    "OAuthClient",
    "OutboxEntry",
    "Switches",
    "load_fixtures",
]
