"""The documented Workflows API on this machine, for trying, demonstrating and testing.

It is served on loopback, unless you name another host. `GUESSES` lists every behaviour
that no document states, and `Switches` changes those that may be different at the
service.
"""

from __future__ import annotations

from ..errors import MissingExtraError

_EXTRA = {"starlette", "uvicorn", "jwt", "cryptography", "cronsim"}

try:
    from ._clock import Clock
    from ._faults import Fault, Faults
    from ._fixtures import Fixture, load_fixtures
    from ._guesses import GUESSES
    from ._middleware import RequestRecord
    from ._oauth import OAuthClient
    from ._server import Emulator, OutboxEntry
    from ._store import Store
    from ._store_file import find_address as find_address
    from ._switches import Guess, Switches
    from ._switches import describe_switch_type as describe_switch_type
    from ._switches import is_switch_value as is_switch_value
except ModuleNotFoundError as _missing:
    if (_missing.name or "").partition(".")[0] not in _EXTRA:
        raise
    raise MissingExtraError("flow64.emulator", "emulator") from _missing

__all__ = [
    "GUESSES",
    "Clock",
    "Emulator",
    "Fault",
    "Faults",
    "Fixture",
    "Guess",
    "OAuthClient",
    "OutboxEntry",
    "RequestRecord",
    "Store",
    "Switches",
    "load_fixtures",
]
