"""Result files: one for each completed block, with a signed link that expires.

Files are made while they are read, chunk by chunk.
"""

from __future__ import annotations

import csv
import hmac
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import ceil
from typing import Final

from attrs import evolve
from werkzeug.wrappers import Response

from .document import as_response
from .records import BlockState, JsonObject, RowData, format_cell
from .service import Call, RefusedError, Service, not_found_error, violation_error
from .store import Store

EXPIRES: Final = 900
"""Lifetime of a link, in seconds (documented)."""

INLINE_BYTES: Final = 16 * 1024
"""Files up to this size are also returned inline; the threshold is a guess."""

CONTENT_TYPES: Final[Mapping[str, str]] = {
    "csv": "text/csv",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
}

FILE_ROUTE: Final = "/files/<run_id>/<filename>"


def file_path(run_id: str, block_id: str, format: str) -> str:
    """Return the path of a block's file."""
    return f"/files/{run_id}/{block_id}.{format}"


def sign_link(service: Service, base: str, path: str) -> str:
    """Return a signed link to a path."""
    expires = ceil(service.clock.now().timestamp()) + EXPIRES
    return f"{base}{path}?expires={expires}&signature={_sign(service, path, expires)}"


def _sign(service: Service, path: str, expires: int) -> str:
    return hmac.digest(service.secret, f"{path} {expires}".encode(), "sha256").hex()


def list_download_links(service: Service, call: Call) -> list[JsonObject]:
    """List the files of a run, one for each completed block."""
    run = service.find_run(call, call.path["run_id"])
    file_format: str = call.query["format"]
    if file_format not in CONTENT_TYPES:
        formats = ", ".join(CONTENT_TYPES)
        raise RefusedError(400, f"format must be one of {formats}")
    if file_format not in run.formats:
        return []
    return [
        _result_item(service, call, block, file_format)
        for block in _list_completed(service.store, run.id)
    ]


def _result_item(
    service: Service, call: Call, block: BlockState, format: str
) -> JsonObject:
    kind = re.sub(r"[^a-z0-9_]+", "-", block.kind.lower())[:40]
    path = file_path(block.run_id, block.block_id, format)
    size = count_bytes(service.store, block, format)
    is_small = size <= INLINE_BYTES
    return as_response(
        "WorkflowResultItemWithDownload",
        block,
        filename=f"block_{block.number}_{kind}.{format}",
        storage_bucket="emulator",
        file_size=size,
        row_count=block.made,
        block_number=block.number,
        created_at=block.completed_at,
        content_type=CONTENT_TYPES[format],
        download_url=sign_link(service, call.base_url, path),
        download_expires_in_seconds=EXPIRES,
        results=list(service.store.rows(block.rows)) if is_small else None,
    )


def download(service: Service, call: Call) -> Response:
    """Return a result file; its link must be signed and not expired."""
    expires, signature = call.query.get("expires"), call.query.get("signature")
    if not (expires and expires.isascii() and expires.isdecimal() and signature):
        raise violation_error(("query", "signature"), "missing", "Field required")
    expected = _sign(service, call.url, int(expires[:15]))
    # As bytes, since non-ASCII text cannot be compared in constant time.
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise RefusedError(403, "The link is not signed by this emulator")
    if service.clock.now().timestamp() >= int(expires):
        raise RefusedError(403, "The link has expired")
    block_id, _, file_format = call.path["filename"].rpartition(".")
    for block in _list_completed(service.store, call.path["run_id"].lower()):
        if block.block_id == block_id:
            # Always the whole file: a request for a range gets all of it.
            size = count_bytes(service.store, block, file_format)
            headers = {"content-length": str(size), "accept-ranges": "none"}
            file = read_file(service.store, block, file_format)
            media = CONTENT_TYPES[file_format]
            return Response(file, 200, headers, content_type=media)
    raise not_found_error("File")


def _list_completed(store: Store, run_id: str) -> list[BlockState]:
    """Return the completed blocks of a run, in the order of the graph."""
    blocks = store.blocks.under(run_id)
    return [block for block in blocks if block.status == "completed"]


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
            return _as_json(store.texts(block.rows))
        case "ndjson":
            return _as_ndjson(store.chunks(block.rows))
        case _:
            return _as_csv(store.chunks(block.rows), [*block.columns])


def _as_json(texts: Iterator[str]) -> Iterator[bytes]:
    # Each text is a list. Without their brackets they form one list.
    before = "["
    for text in texts:
        yield f"{before}{text[1:-1]}".encode()
        before = ","
    yield b"[]" if before == "[" else b"]"


def _as_ndjson(chunks: Iterator[list[RowData]]) -> Iterator[bytes]:
    for chunk in chunks:
        lines = (json.dumps(row, ensure_ascii=False) for row in chunk)
        yield "".join(f"{line}\n" for line in lines).encode()


def _as_csv(chunks: Iterator[list[RowData]], names: list[str]) -> Iterator[bytes]:
    # In the order of first appearance, as rows of several parents may differ.
    yield _format_csv([names] if names else [])
    for chunk in chunks:
        yield _format_csv(
            [[format_cell(row.get(name)) for name in names] for row in chunk]
        )


def _format_csv(cells: Iterable[Sequence[str]]) -> bytes:
    """Return lines of cells as CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(cells)
    return text.getvalue().encode()
