"""The documented Workflows API on this machine, for trying, demonstrating and testing.

It is served on loopback, unless you name another host. `GUESSES` lists every behaviour
that no document states, and `Switches` changes some of them.
"""

from __future__ import annotations

from ..errors import missing_extra

_EXTRA = {
    "flask",
    "werkzeug",
    "waitress",
    "jwt",
    "cryptography",
    "jsonschema",
    "cronsim",
}

try:
    from .app import RequestRecord
    from .faults import Fault, Faults
    from .fixtures import Fixture, load_fixtures
    from .oauth import OAuthClient
    from .records import Clock
    from .records import organisation_of as organisation_of
    from .server import Emulator, OutboxEntry
    from .store import Store
    from .switches import GUESSES, Guess, Switches
    from .switches import parse_switches as parse_switches
    from .transport import find_place as find_place
except ModuleNotFoundError as _missing:
    if (_missing.name or "").partition(".")[0] not in _EXTRA:
        raise
    raise missing_extra("flow64.emulator", "emulator") from _missing

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
