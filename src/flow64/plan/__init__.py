"""What a deploy would do, as data: states, actions, consents, steps, plans."""

from __future__ import annotations

from ._model import ABSENT_BASE as ABSENT_BASE
from ._model import EDGE_KEYS as EDGE_KEYS
from ._model import FLAGS as FLAGS
from ._model import Action as Action
from ._model import (
    Cache,
    Plan,
    Rename,
    RunRef,
    ScheduleRef,
    Sighting,
    Step,
    Target,
    Touched,
)
from ._model import Consent as Consent
from ._model import Flag as Flag
from ._model import Held as Held
from ._model import State as State
from ._model import counted as counted
from ._model import digest_of as digest_of
from ._model import format_flags as format_flags
from ._model import is_pin as is_pin
from ._model import live_of as live_of
from ._model import taking as taking
from ._model import unnamed_of_edges as unnamed_of_edges

__all__ = [
    "Cache",
    "Plan",
    "Rename",
    "RunRef",
    "ScheduleRef",
    "Sighting",
    "Step",
    "Target",
    "Touched",
]
