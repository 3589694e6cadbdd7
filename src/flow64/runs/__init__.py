"""Start a run once for its intent, watch it, and read its rows."""

from __future__ import annotations

from ._batch_input import BatchSettings, RowRange
from ._batches import FailedBatch, FinishedBatch, run_in_batches
from ._budget import Budget
from ._download import Allowance, download_file, download_files, list_result_files
from ._events import (
    BlockDone,
    BlockFailed,
    BlockStarted,
    EventLines,
    Finished,
    Progress,
    Queued,
    RunEvent,
    Running,
)
from ._file_names import make_safe_name
from ._join_rows import JoinedRow, JoinedRows, index_rows, join_rows
from ._journal import IntendedStart, Journal
from ._launch import Launcher, require_name
from ._launch import describe_staleness as describe_staleness
from ._outputs import (
    choose_file,
    download_results,
    fetch_rows,
    list_files,
    open_rows,
)
from ._overrides import OVERRIDE_LOG, override_live, override_source, source_specs
from ._payload import (
    Rows,
    as_rows,
    build_payload,
    freeze_rows,
    needs_rows,
)
from ._payload import parse_rows as parse_rows
from ._row_writer import (
    Report,
    Writable,
    label_rows,
    report_rows,
    write_csv,
    write_ndjson,
)
from ._save_error import CSV as CSV
from ._save_error import NDJSON as NDJSON
from ._save_error import require_ending as require_ending
from ._save_error import require_free
from ._stages import Stages
from ._start import StartedRun
from ._start_log import BatchPlace
from ._tracked import Tracked, recall_run
from ._typed_rows import ResultRows, Row, typed_rows
from ._watch import (
    DAY,
    cancel_and_note,
    note_interrupted_run,
    require_completed,
    require_times,
    wait_for_run,
    watch_run,
)

__all__ = [
    "DAY",
    "OVERRIDE_LOG",
    "Allowance",
    "BatchPlace",
    "BatchSettings",
    "BlockDone",
    "BlockFailed",
    "BlockStarted",
    "Budget",
    "EventLines",
    "FailedBatch",
    "Finished",
    "FinishedBatch",
    "IntendedStart",
    "JoinedRow",
    "JoinedRows",
    "Journal",
    "Launcher",
    "Progress",
    "Queued",
    "Report",
    "ResultRows",
    "Row",
    "RowRange",
    "Rows",
    "RunEvent",
    "Running",
    "Stages",
    "StartedRun",
    "Tracked",
    "Writable",
    "as_rows",
    "build_payload",
    "cancel_and_note",
    "choose_file",
    "download_file",
    "download_files",
    "download_results",
    "fetch_rows",
    "freeze_rows",
    "index_rows",
    "join_rows",
    "label_rows",
    "list_files",
    "list_result_files",
    "make_safe_name",
    "needs_rows",
    "note_interrupted_run",
    "open_rows",
    "override_live",
    "override_source",
    "recall_run",
    "report_rows",
    "require_completed",
    "require_free",
    "require_name",
    "require_times",
    "run_in_batches",
    "source_specs",
    "typed_rows",
    "wait_for_run",
    "watch_run",
    "write_csv",
    "write_ndjson",
]
