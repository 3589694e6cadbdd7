"""Result files: one for each completed block, with a signed link that expires.

Files are made while they are read, chunk by chunk.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from math import ceil
from typing import Final

from attrs import evolve, field, frozen

from ._clock import format_optional_time
from ._csv import format_cell, format_csv
from ._records import BlockState, JsonObject, RowData
from ._store import Store

EXPIRES: Final = 900
"""Lifetime of a link, in seconds (documented)."""

INLINE_BYTES: Final = 16 * 1024
"""Files up to this size are also returned inline; the threshold is a guess."""

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
        """Return a signed link to a path."""
        expires = ceil(now.timestamp()) + EXPIRES
        return f"{base}{path}?expires={expires}&signature={self._sign(path, expires)}"

    def find_problem(self, path: str, query: JsonObject, now: datetime) -> str | None:
        """Return why a link is invalid, or None."""
        expires: int = query["expires"]
        expected = self._sign(path, expires)
        # As bytes, since non-ASCII text cannot be compared in constant time.
        if not hmac.compare_digest(expected.encode(), query["signature"].encode()):
            return "The link is not signed by this emulator"
        return "The link has expired" if now.timestamp() >= expires else None

    def _sign(self, path: str, expires: int) -> str:
        return hmac.digest(self.secret, f"{path} {expires}".encode(), "sha256").hex()


def file_path(run_id: str, block_id: str, format: str) -> str:
    """Return the path of a block's file."""
    return f"/files/{run_id}/{block_id}.{format}"


def result_item(store: Store, block: BlockState, format: str, link: str) -> JsonObject:
    """Return a completed block as an item of the list of downloads."""
    kind = re.sub(r"[^a-z0-9_]+", "-", block.kind.lower())[:40]
    size = count_bytes(store, block, format)
    return {
        "filename": f"block_{block.number}_{kind}.{format}",
        "storage_bucket": "emulator",
        "file_size": size,
        "row_count": block.made,
        "block_number": block.number,
        "created_at": format_optional_time(block.completed_at),
        "message": None,
        "content_type": CONTENT_TYPES[format],
        "download_url": link,
        "download_expires_in_seconds": EXPIRES,
        "results": list(store.rows(block.rows)) if size <= INLINE_BYTES else None,
    }


def count_bytes(store: Store, block: BlockState, format: str) -> int:
    """Return the bytes of a block's file; they are counted once, then stored."""
    if format in block.sizes:
        return block.sizes[format]
    size = sum(map(len, read_file(store, block, format)))
    store.blocks.change(
        block.id, lambda old: evolve(old, sizes={**old.sizes, format: size})
    )
    return size


def read_file(store: Store, block: BlockState, format: str) -> Iterator[bytes]:
    """Yield the file of a block, in pieces."""
    match format:
        case "json":
            return _to_json(store.texts(block.rows))
        case "ndjson":
            return _to_ndjson(store.chunks(block.rows))
        case _:
            return _to_csv(store.chunks(block.rows), block.columns)


def _to_json(texts: Iterator[bytes]) -> Iterator[bytes]:
    # Each text is a list. Without their brackets they form one list.
    before = b"["
    for text in texts:
        yield before + text[1:-1]
        before = b","
    yield b"[]" if before == b"[" else b"]"


def _to_ndjson(chunks: Iterator[list[RowData]]) -> Iterator[bytes]:
    for chunk in chunks:
        yield "".join(f"{_encode(row)}\n" for row in chunk).encode()


def _to_csv(chunks: Iterator[list[RowData]], columns: Iterable[str]) -> Iterator[bytes]:
    # In the order of first appearance, as rows of several parents may differ.
    names = list(columns)
    yield format_csv([names] if names else [])
    for chunk in chunks:
        yield format_csv(
            [[format_cell(row.get(name)) for name in names] for row in chunk]
        )


_encode: Final = json.JSONEncoder(ensure_ascii=False).encode
