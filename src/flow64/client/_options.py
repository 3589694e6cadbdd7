"""The options of a run by name, for what hands them on to a client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Required, TypedDict


class _Options(TypedDict, total=False):
    env: str | None
    values: Mapping[str, Any] | None
    stale: bool
    max_rows: int | None
    max_cost: float | None
    allow_unpriced: bool
    check_columns: bool
    block: str | int | None


class RunOptions(_Options, total=False):
    """What `Client.run` takes beside the workflow and its rows."""

    intent: str | None
    retry: str | None
    specs_override: Mapping[str, Any] | None
    save_json: bool
    result_formats: Sequence[str]


class BatchOptions(_Options, total=False):
    """What `Client.run_batches` takes beside the workflow and its rows."""

    intent: Required[str]
    size: int
    concurrency: int
    retry_failed: bool
    folder: str | PathLike[str] | None
    every: float
    timeout: float
    max_bytes: int | None
    allow_unproven: bool
