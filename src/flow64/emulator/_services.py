"""What the handlers of routes work with."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from ._clock import Clock
from ._engine import Engine
from ._results import Links
from ._store import Store
from ._switches import Switches


@frozen
class Services:
    """One emulator's parts, as handlers see them.

    Attributes:
        store: What is remembered.
        clock: What time it is.
        engine: What runs workflows.
        links: What signs download links.
        switches: The switches as they are now.
    """

    store: Store
    clock: Clock
    engine: Engine
    links: Links
    switches: Callable[[], Switches]
