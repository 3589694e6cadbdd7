"""Start a run once for its intent, watch it, and read its rows."""

from __future__ import annotations

from ._batches import FailedBatch, FinishedBatch, Plan, batching
from ._budget import Budget
from ._download import Allowance
from ._events import (
    BlockDone,
    BlockFailed,
    BlockStarted,
    Finished,
    Progress,
    Queued,
    RunEvent,
    Running,
)
from ._file_names import safe_name
from ._join_rows import Tied, Ties, keyed_rows, tie
from ._journal import Journal
from ._launch import Launcher, launching
from ._outputs import chosen, downloading, listed, opening, reading, require_free
from ._payload import Rows, needs_rows, rows_from
from ._progress import Lines
from ._row_files import Writable, write_csv, write_ndjson
from ._stages import stages_of
from ._tracked import Tracked, remembered
from ._typed_rows import Row, typed_rows
from ._watch import DAY, cancelling, noting, require_times, waiting, watching

__all__ = [
    "DAY",
    "Allowance",
    "BlockDone",
    "BlockFailed",
    "BlockStarted",
    "Budget",
    "FailedBatch",
    "Finished",
    "FinishedBatch",
    "Journal",
    "Launcher",
    "Lines",
    "Plan",
    "Progress",
    "Queued",
    "Row",
    "Rows",
    "RunEvent",
    "Running",
    "Tied",
    "Ties",
    "Tracked",
    "Writable",
    "batching",
    "cancelling",
    "chosen",
    "downloading",
    "keyed_rows",
    "launching",
    "listed",
    "needs_rows",
    "noting",
    "opening",
    "reading",
    "remembered",
    "require_free",
    "require_times",
    "rows_from",
    "safe_name",
    "stages_of",
    "tie",
    "typed_rows",
    "waiting",
    "watching",
    "write_csv",
    "write_ndjson",
]
