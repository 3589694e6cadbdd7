"""Uploads: a CSV file becomes rows under a handle."""

from __future__ import annotations

import pytest

from flow64.emulator import _request_body

PATH = "/storage/csv/upload"


def post(client, content, media="text/csv"):
    return client.post(PATH, content=content, headers={"content-type": media})


def rows_of(emulator, reply):
    """Return the stored rows of an upload."""
    assert reply.status_code == 200, reply.text
    handle = reply.json()["resource_handle_id"]
    return list(emulator.store.rows(f"upload/{handle}"))


TABLE = 'name,note\nAda,"two\r\nlines, and ""quotes"""\nBob,\n'
ROWS = [
    {"name": "Ada", "note": 'two\r\nlines, and "quotes"'},
    {"name": "Bob", "note": ""},
]


def test_form_gives_a_handle(shared, client):
    """The field `file` of a multipart form; other fields are ignored."""
    reply = client.post(
        PATH, data={"note": "x" * 1000}, files={"file": ("leads.csv", TABLE)}
    )

    assert rows_of(shared, reply) == ROWS
    assert reply.json()["filename"] == "leads.csv"
    assert reply.json()["row_count"] == 2


def test_plain_body_gives_a_handle(shared, client):
    """text/csv, with any parameters."""
    reply = post(client, TABLE.encode(), "text/csv; charset=utf-8")

    assert rows_of(shared, reply) == ROWS


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("\ufeffname\r\nZoë\r\n", [{"name": "Zoë"}]),
        ("name\nlast line", [{"name": "last line"}]),
        ("\n\na,b\n\n1,\n\n2,3\n", [{"a": "1", "b": ""}, {"a": "2", "b": "3"}]),
        ("a\n", []),
        ("a\nNaN\n", [{"a": "NaN"}]),
        ("a\n\0\n", [{"a": "\0"}]),
        ("a\n--x\n--xy--\n", [{"a": "--x"}, {"a": "--xy--"}]),
    ],
    ids=["mark", "no end", "gaps", "no rows", "text", "nul", "near boundary"],
)
@pytest.mark.parametrize("way", ["form", "body"])
def test_tables_are_read_as_they_are(shared, client, content, rows, way):
    """All values are text, and a row has every column."""
    if way == "body":
        reply = post(client, content.encode())
    else:
        reply = client.post(PATH, files={"file": content.encode()})

    assert rows_of(shared, reply) == rows


def test_many_rows_are_kept_in_order(shared, client):
    """More than one chunk."""
    lines = "\n".join(str(number) for number in range(1201))

    reply = post(client, f"n\n{lines}\n".encode())

    assert rows_of(shared, reply) == [{"n": str(number)} for number in range(1201)]


FORM = "multipart/form-data; boundary=x"
PART = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\na\r\n1\r\n'


@pytest.mark.parametrize(
    ("content", "media", "words"),
    [
        (b"", "text/csv", "no header"),
        (b"\n\n", "text/csv", "no header"),
        (b"a,a\n1,2", "text/csv", "two columns"),
        (b"a,\n1,2", "text/csv", "no name"),
        (b"a\n1,2", "text/csv", "line 2: 2 values for 1 columns"),
        (b"a,b\n1,2\n\n3\n", "text/csv", "line 4: 1 values for 2 columns"),
        (b"a;b\n1;2\n", "text/csv", "';' where a comma separates columns"),
        (b"a\n\xff\n", "text/csv", "not UTF-8"),
        (b"\xff\xfea\x00", "text/csv", "not UTF-8"),
        (b'a\n"open', "text/csv", "Malformed CSV"),
        (b'a\n"b"c\n', "text/csv", "Malformed CSV"),
        (b"a\n" + b"x" * 200_000, "text/csv", "field larger"),
        (b"a\rb\r", "text/csv", "Malformed CSV"),
        (PART, FORM, "ends before"),
        (b"nothing", FORM, "ends before"),
        (b"", FORM, "ends before"),
        (PART.removesuffix(b"a\r\n1\r\n") + b"\r\n--x--\r\n", FORM, "no header"),
    ],
)
def test_what_is_no_table_is_400(shared, client, content, media, words):
    """The message gives the reason, and no rows are left."""
    before = len(shared.store.uploads.all())

    reply = post(client, content, media)

    assert reply.status_code == 400, reply.text
    assert words in reply.json()["detail"]
    assert len(shared.store.uploads.all()) == before


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (TABLE.encode(), "application/json"),
        (TABLE.encode(), "multipart/form-data"),
        (TABLE.encode(), ""),
        (PART.replace(b'"file"', b'"other"') + b"--x--\r\n", FORM),
        (PART.replace(b'; name="file"', b"") + b"--x--\r\n", FORM),
        (b"--x--\r\n", FORM),
        (b"--x\r\n" + b"A: b\r\n" * 200, FORM),
    ],
)
def test_what_is_no_file_is_422(client, content, media):
    """Another content type, or a form without the field."""
    assert post(client, content, media).status_code == 422


def test_names_are_unicode(client):
    """In any encoding of the header."""
    name = "filename*=utf-7''%2B2AA-.csv"
    content = PART.replace(b'"file"', b'"file"; ' + name.encode()) + b"--x--\r\n"

    reply = post(client, content, FORM)

    assert reply.status_code == 200
    assert reply.json()["filename"].encode()


def test_long_files_are_413(client, monkeypatch):
    """Files have a higher limit than other bodies."""
    monkeypatch.setattr(_request_body, "MAX_FILE", 1000)

    assert post(client, b"a\n" + b"1\n" * 400).status_code == 200
    assert post(client, b"a\n" + b"1\n" * 600).status_code == 413


def test_uploads_need_a_credential(client):
    """Like every other route."""
    del client.headers["x-api-key"]

    assert post(client, TABLE.encode()).status_code == 401
