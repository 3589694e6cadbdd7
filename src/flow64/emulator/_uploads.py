"""The route that uploads CSV files. The form of the request is a guess."""

from __future__ import annotations

from codecs import iterdecode
from collections.abc import Iterator
from email.message import Message
from typing import IO, Final
from uuid import uuid4

from attrs import frozen

from ..errors import EmulatorStoreError
from ._csv import parse_csv
from ._http import ApiCall, RefusedError, Route, violation_error
from ._records import JsonObject, UploadRecord, upload_owner
from ._schema import TEXT, Schema
from ._services import Services

REPLY: Final = Schema(
    type="object",
    name="UploadResponse",
    fields={
        "resource_handle_id": TEXT,
        "filename": TEXT,
        "row_count": Schema(type="integer"),
    },
    required=("resource_handle_id",),
)

BODY: Final = Schema(
    type="object",
    name="UploadForm",
    fields={"file": Schema(type="string", format="binary")},
    required=("file",),
)

MAX_HEADERS: Final = 100
"""Maximum header lines of one part."""


def make_routes(services: Services) -> tuple[Route, ...]:
    """Make the route of uploads."""
    return (
        Route(
            "POST",
            "/storage/csv/upload",
            _UploadHandlers(services).upload_csv,
            body=BODY,
            media="file",
            answers={200: REPLY},
        ),
    )


@frozen
class _UploadHandlers:
    services: Services

    def upload_csv(self, call: ApiCall) -> JsonObject:
        """Store the rows of a CSV file, for `read_csv` blocks.

        A guess: the field `file` of a multipart form, or the file as the body.
        """
        store, made = self.services.store, str(uuid4())
        try:
            filename, content = _find_file(call.file, call.media)
            # Not in one transaction, so that other requests need not wait.
            rows = parse_csv(iterdecode(content, "utf-8-sig"))
            count = store.add_rows(upload_owner(made), rows)
        except ValueError as error:
            store.remove_rows(upload_owner(made))
            is_encoding = isinstance(error, UnicodeDecodeError)
            words = "the file is not UTF-8" if is_encoding else str(error)
            raise RefusedError(400, f"Malformed CSV: {words}") from None
        except EmulatorStoreError:
            store.remove_rows(upload_owner(made))
            raise
        upload = UploadRecord(
            id=made,
            org_id=call.org_id,
            filename=filename,
            row_count=count,
            created_at=self.services.clock.now(),
        )
        store.uploads.add(upload)
        return {"resource_handle_id": made, "filename": filename, "row_count": count}


def _find_file(file: IO[bytes], media: str) -> tuple[str, Iterator[bytes]]:
    """Return name and lines of the file in a body.

    Raises:
        RefusedError: The body is not a form, or has no file.
    """
    message = Message()
    message["content-type"] = media
    if message.get_content_type() == "text/csv":
        return "upload.csv", iter(file)
    boundary = message.get_boundary()
    if message.get_content_type() != "multipart/form-data" or not boundary:
        words = "Input should be multipart/form-data with a field `file`, or text/csv"
        raise violation_error(("body",), "model_attributes_type", words)
    delimiter = f"--{boundary}".encode("latin-1", "replace")
    for _ in _part_lines(file, delimiter):  # the preamble
        pass
    while (headers := _read_headers(file)) is not None:
        found = headers.get_param("name", header="content-disposition")
        if found == "file":
            return _file_name(headers), _part_lines(file, delimiter)
        for _ in _part_lines(file, delimiter):
            pass
    raise violation_error(("body", "file"), "missing", "Field required")


def _file_name(headers: Message) -> str:
    # Some encodings of a name can contain lone surrogates.
    name = headers.get_filename("upload.csv")
    return name.encode("utf-8", "replace").decode()


def _read_headers(file: IO[bytes]) -> Message | None:
    """Read the headers of the next part; return None if there is none."""
    found = Message()
    for _ in range(MAX_HEADERS):
        line = file.readline().decode("utf-8", "replace")
        if not line:
            return None
        name, _, value = line.strip().partition(":")
        if not name:
            return found
        found[name] = value.strip()
    return None


def _part_lines(file: IO[bytes], delimiter: bytes) -> Iterator[bytes]:
    """Yield the lines of a part, without the line break before the delimiter.

    Raises:
        ValueError: The body ends before the part does.
    """
    before = b""
    for line in file:
        if line.startswith(delimiter) and not line[len(delimiter) :].strip(b"-\r\n \t"):
            yield before.removesuffix(b"\n").removesuffix(b"\r")
            return
        if before:
            yield before
        before = line
    raise ValueError("the body ends before its last part does")
