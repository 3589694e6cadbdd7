"""The operation that uploads CSV files. The form of the request is a guess."""

from __future__ import annotations

from codecs import iterdecode
from io import BytesIO
from uuid import uuid4

from flask import request
from werkzeug.datastructures import FileStorage

from ..errors import EmulatorStoreError
from .csv_text import parse_csv
from .records import JsonObject, UploadRecord, upload_owner
from .service import Call, RefusedError, Service, violation_error


def find_file() -> FileStorage:
    """Return the file of a request: the field `file` of a form, or the body.

    Raises:
        RefusedError: There is none.
    """
    if request.mimetype == "text/csv":
        return FileStorage(BytesIO(request.get_data()), "upload.csv")
    if request.mimetype != "multipart/form-data":
        words = "Input should be multipart/form-data with a field `file`, or text/csv"
        raise violation_error(("body",), "model_attributes_type", words)
    file = request.files.get("file")
    if file is None:
        raise violation_error(("body", "file"), "missing", "Field required")
    return file


def upload_csv(service: Service, call: Call) -> JsonObject:
    """Store the rows of a CSV file, for `read_csv` blocks."""
    assert call.file is not None
    store, upload_id = service.store, str(uuid4())
    filename = (call.file.filename or "upload.csv").encode("utf-8", "replace").decode()
    try:
        # Not in one transaction, so that other requests need not wait.
        rows = parse_csv(iterdecode(call.file.stream, "utf-8-sig"))
        count = store.add_rows(upload_owner(upload_id), rows)
    except ValueError as error:
        store.remove_rows(upload_owner(upload_id))
        is_encoding = isinstance(error, UnicodeDecodeError)
        words = "the file is not UTF-8" if is_encoding else str(error)
        raise RefusedError(400, f"Malformed CSV: {words}") from None
    except EmulatorStoreError:
        store.remove_rows(upload_owner(upload_id))
        raise
    upload = UploadRecord(
        id=upload_id,
        org_id=call.org_id,
        filename=filename,
        row_count=count,
        created_at=service.clock.now(),
    )
    store.uploads.add(upload)
    return {"resource_handle_id": upload_id, "filename": filename, "row_count": count}
