"""A plan as data: states, actions, consents and steps of a deploy."""

from __future__ import annotations

from ._live import EDGE_KEYS as EDGE_KEYS
from ._live import Held as Held
from ._live import digest_of as digest_of
from ._live import live_of as live_of
from ._live import unnamed_of_edges as unnamed_of_edges
from ._model import ABSENT_BASE as ABSENT_BASE
from ._model import DIRTY_TREE as DIRTY_TREE
from ._model import FLAGS as FLAGS
from ._model import SKIPPED as SKIPPED
from ._model import Action as Action
from ._model import Consent as Consent
from ._model import (
    Details,
    Plan,
    Rename,
    Review,
    RunRef,
    ScheduleRef,
    Step,
    Target,
    Touched,
)
from ._model import Flag as Flag
from ._model import State as State
from ._model import format_flags as format_flags
from ._model import is_pin as is_pin
from ._model import pull_command as pull_command
from ._model import take_over_command as take_over_command
from ._reasons import WHY as WHY
from ._reasons import format_rename_reason as format_rename_reason
from ._renames import NamedDefinition as NamedDefinition
from ._renames import find_renames as find_renames
from ._renames import hold_renames as hold_renames

__all__ = [
    "Details",
    "Plan",
    "Rename",
    "Review",
    "RunRef",
    "ScheduleRef",
    "Step",
    "Target",
    "Touched",
]
