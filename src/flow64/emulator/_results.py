"""Result files: one for each finished stage, with a link that is signed and expires."""

from __future__ import annotations

import csv
import hmac
import io
import json
import re
from collections.abc import Mapping
from datetime import datetime
from math import ceil
from typing import Any, Final

from attrs import field, frozen

from ._clock import stamp
from ._store import Data, Rows, Stage

EXPIRES: Final = 900
"""Seconds that a link lives (documented)."""

INLINE_BYTES: Final = 16 * 1024
"""Rows of files up to this size also stand inline; the threshold is a guess."""

CONTENT_TYPES: Final[Mapping[str, str]] = {
    "csv": "text/csv",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
}


@frozen
class Links:
    """Signs and checks download links."""

    secret: bytes = field(repr=False)

    def url(self, base: str, path: str, now: datetime) -> str:
        """A link to a path."""
        expires = ceil(now.timestamp()) + EXPIRES
        return f"{base}{path}?expires={expires}&signature={self._sign(path, expires)}"

    def problem(self, path: str, query: Data, now: datetime) -> str | None:
        """Why a link is not good, or None."""
        expires: int = query["expires"]
        expected = self._sign(path, expires)
        # As bytes, since text beyond ASCII cannot be compared in constant time.
        if not hmac.compare_digest(expected.encode(), query["signature"].encode()):
            return "The link is not signed by this emulator"
        return "The link has expired" if now.timestamp() >= expires else None

    def _sign(self, path: str, expires: int) -> str:
        return hmac.digest(self.secret, f"{path} {expires}".encode(), "sha256").hex()


def result_item(stage: Stage, format: str, link: str) -> Data:
    """A stage as an item of the list of downloads."""
    content = rendered(stage.rows, format)
    kind = re.sub(r"[^a-z0-9_]+", "-", stage.kind.lower())[:40]
    return {
        "filename": f"block_{stage.number}_{kind}.{format}",
        "storage_bucket": "emulator",
        "file_size": len(content),
        "row_count": len(stage.rows),
        "block_number": stage.number,
        "created_at": stamp(stage.created_at),
        "message": None,
        "content_type": CONTENT_TYPES[format],
        "download_url": link,
        "download_expires_in_seconds": EXPIRES,
        "results": stage.rows if len(content) <= INLINE_BYTES else None,
    }


def rendered(rows: Rows, format: str) -> bytes:
    """Rows as the bytes of a file."""
    match format:
        case "json":
            return json.dumps(rows, ensure_ascii=False).encode()
        case "ndjson":
            lines = (json.dumps(row, ensure_ascii=False) for row in rows)
            return "".join(f"{line}\n" for line in lines).encode()
        case _:
            return _as_csv(rows).encode()


def cell(value: Any) -> str:
    """A value as the text of a CSV cell: text as it is, all else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _as_csv(rows: Rows) -> str:
    text = io.StringIO()
    # In the order of first appearance, as rows of several parents may differ.
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.writer(text)
    if columns:
        writer.writerow(columns)
    writer.writerows([cell(row.get(name)) for name in columns] for row in rows)
    return text.getvalue()
