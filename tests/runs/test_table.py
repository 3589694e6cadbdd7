"""Result files read row by row, and files made of rows."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import tracemalloc
from contextlib import nullcontext, suppress
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flow64.errors import ResultError, SaveError
from flow64.runs import _row_reader, write_csv, write_ndjson
from flow64.runs._row_reader import read_rows, rows_in
from tests.strategies import json_values

ROWS = [{"a": 1, "b": "x\u2028y"}, {"a": None, "b": ["\r\n"]}]
LIST = json.dumps(ROWS)
LINES = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
LONG = "x" * 200_000


def read(content, name="f.csv", content_type="", **more):
    content = content.encode() if isinstance(content, str) else content
    file = io.BytesIO(content)
    return list(rows_in(file, content_type=content_type, name=name, **more))


def complaint(content, name="f.csv", **more):
    """The error, and how many rows were given before it."""
    content = content.encode() if isinstance(content, str) else content
    rows = rows_in(io.BytesIO(content), content_type="", name=name, **more)
    given_before = []
    with pytest.raises(ResultError) as caught:
        given_before.extend(rows)
    return caught.value, len(given_before)


# -- Reading --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "content_type", "name"),
    [
        (LIST, "application/json; charset=utf-8", "f"),
        (LIST, "", "f.JSON"),
        (LIST, "application/json", "f.csv"),
        (f"\ufeff\n {LIST}\r\n\t ", "", "f.json"),
        (LINES, "application/x-ndjson", "f"),
        (LINES, "application/json", "f.jsonl"),
        (LINES, "application/octet-stream", "f.jsonl"),
        ("\ufeff\n" + LINES.replace("\n", "\r\n\n \t"), "", "f.ndjson"),
        (LINES.rstrip(), "", "f.ndjson"),
    ],
)
def test_json_and_ndjson_keep_types(content, content_type, name):
    """The content type says what it is, else the name; blanks between say nothing."""
    assert read(content, name, content_type, expected=2) == ROWS


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("", []),
        ("\n\n", []),
        ("a,b\n", []),
        ("a,b\r\n1,2\r\n", [{"a": "1", "b": "2"}]),
        ("\ufeffa\n\u00e9", [{"a": "\u00e9"}]),
        ('\na\n"x\r\ny"\n\n\rz\r', [{"a": "x\r\ny"}, {"a": "z"}]),
        (f"a\n{LONG}\n", [{"a": LONG}]),
        ('a,b\n"[1, ""x""]",\0\n', [{"a": '[1, "x"]', "b": "\0"}]),
        # Cells that are missing, and cells too many.
        ("a,b\n1\n2,\n", [{"a": "1", "b": None}, {"a": "2", "b": ""}]),
        ("a\n1,2,3\n", [{"a": "1", "#2": "2", "#3": "3"}]),
        ("#2\n1,2\n", [{"#2": "1", "#2#2": "2"}]),
        # Names that are there twice.
        ("e,x,e,e\n1,2,3,4\n", [{"e": "1", "x": "2", "e#3": "3", "e#4": "4"}]),
        ("e,e,e#2\n1,2,3\n", [{"e": "1", "e#2#2": "2", "e#2": "3"}]),
        (",,\n1,2,3\n", [{"": "1", "#2": "2", "#3": "3"}]),
    ],
)
def test_csv_gives_every_cell_under_a_name_of_its_own(content, rows):
    """All text; nothing is dropped, and nothing hides something else."""
    assert read(content, content_type="text/csv") == rows
    assert read(content, name="f.json", content_type="text/csv") == rows


@pytest.mark.parametrize(
    ("content", "name", "words", "before"),
    [
        # JSON
        ("", "f.json", "not a list of rows; it is cut off", 0),
        ("{}", "f.json", "not a list of rows: put them between [ and ]", 0),
        ("{", "f.json", "not valid JSON: Expecting property name", 0),
        ('{"a": "' + "x" * 2_000_000, "f.json", "not a list of rows: put them", 0),
        ("[", "f.json", "row 1 is not an object, or missing; it is cut off", 0),
        ("[1]", "f.json", "row 1 is not an object", 0),
        ("[{},]", "f.json", "a comma follows row 1, the last", 1),
        ("[{}", "f.json", "after row 1 stands neither , nor ]; it is cut off", 1),
        ("[{};{}]", "f.json", "after row 1", 1),
        ('[{}, {"a', "f.json", "row 2 is broken or cut off", 1),
        ("[{}] [", "f.json", "follows the list", 1),
        ("[{}]{}", "f.json", "follows the list", 1),
        ('[{"a": ' + "[" * 200_000, "f.json", "row 1 cannot be read", 0),
        ('[{"a": ' + "1" * 5000 + "}]", "f.json", "row 1 cannot be read", 0),
        # NDJSON
        ("3", "f.jsonl", "an object, not 3", 0),
        ('{"a": 1}\n{"a"', "f.ndjson:2", "not valid JSON", 1),
        ("[" * 200_000, "f.ndjson:1", "not valid JSON", 0),
        # CSV
        ('a\nx\n"y\n', "f.csv:3", "not valid CSV: unexpected end of data", 1),
        ('a\n"x"y\n', "f.csv:2", "not valid CSV", 0),
        ("a,b\n1,2\n3", "f.csv:3", "ends within a line", 2),
    ],
)
def test_file_that_is_cut_or_broken_is_an_error(content, name, words, before):
    """With its name and the place; never fewer rows than there were."""
    error, count = complaint(content, name.partition(":")[0])

    assert (count, str(error).startswith(f"result {name}")) == (before, True)
    assert words in str(error)


@pytest.mark.parametrize("name", ["f.json", "f.ndjson", "f.csv"])
@pytest.mark.parametrize("end", [b"\xff\n", b"\xc3"])
def test_bytes_that_are_no_utf8_are_pointed_at(name, end, monkeypatch):
    """By line, and by offset in bytes; also where a chunk or the file ends in one."""
    monkeypatch.setattr(_row_reader, "CHUNK", 3)
    start = {"f.json": "[\n{}, ", "f.ndjson": "{}\n", "f.csv": "a\n"}[name] + "é"

    error, _ = complaint(start.encode() + end, name)

    assert (error.line, error.offset) == (2, len(start.encode()))
    assert "not in UTF-8" in str(error)


def test_number_of_rows_is_compared():
    """A CSV file that was cut between two lines shows it by nothing else."""
    error, count = complaint("a\n1\n", expected=2)

    assert count == 1
    assert "1 row, and the service says 2" in str(error)
    assert complaint("a\n1\n", expected=0)[1] == 1
    assert read("a\n1\n", expected=1) == [{"a": "1"}]


def test_constants_that_json_lacks_are_kept():
    """Python's own JSON gives them too."""
    text = '{"a": NaN, "b": -Infinity}'

    for rows in (read(f"[{text}]", "f.json", chunk=1), read(text, "f.ndjson")):
        assert repr(rows) == "[{'a': nan, 'b': -inf}]"


def test_file_is_left_open_and_read_only_as_far_as_asked():
    """It may be the caller's own."""
    file = io.BytesIO(b"a\n1\n2\n")
    rows = rows_in(file, content_type="", name="f")
    assert next(rows) == {"a": "1"}
    rows.close()

    assert file.closed is False


def test_rows_of_a_file_on_this_machine(tmp_path):
    """A file that is not there is no result."""
    path = tmp_path / "x"
    path.write_text(LIST)

    assert list(read_rows(path, content_type="", name="f.json", expected=2)) == ROWS
    with pytest.raises(ResultError, match="cannot be read"):
        list(read_rows(tmp_path / "y", content_type="", name="f.json"))


def long_file(path, kind, count):
    """A file of many rows, some of them long, written without flow64."""
    cell = "é" * 1000
    row = {"json": json.dumps({"a": cell}), "ndjson": json.dumps({"a": cell})}
    with path.open("w", encoding="utf-8") as file:
        file.write({"json": "[", "ndjson": "", "csv": "a\n"}[kind])
        for index in range(count):
            comma = "," if index and kind == "json" else ""
            file.write(comma + row.get(kind, f'"{cell}"') + "\n")
        file.write("]" if kind == "json" else "")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["json", "ndjson", "csv"])
def test_memory_does_not_grow_with_the_file(tmp_path, kind):
    """Reading 4 MB or 12 MB takes less than 3 MB, and so does writing them."""
    path = tmp_path / "f"
    long_file(path, kind, 2000)
    size = path.stat().st_size
    write = write_ndjson if kind == "ndjson" else write_csv
    tracemalloc.start()
    try:
        rows = read_rows(path, content_type="", name=f"f.{kind}", expected=2000)
        written = write(rows, tmp_path / "copy")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert written == 2000
    assert peak < 3_000_000 < size


class Counting(io.StringIO):
    """Counts the characters that are read of it."""

    count = 0

    def read(self, size=-1):
        text = super().read(size)
        self.count += len(text)
        return text


def test_giant_row_is_decoded_in_linear_time():
    """It is tried again only when twice as much of it is there."""
    text = json.dumps([{"a": "x" * 100_000}, {"b": 1}])
    tried = []

    class Decoder:
        def raw_decode(self, held, at):
            tried.append(len(held) - at)
            return json.JSONDecoder().raw_decode(held, at)

    patch = pytest.MonkeyPatch()
    with patch.context() as context:
        context.setattr(_row_reader, "_DECODER", Decoder())
        rows = read(text, "f.json", chunk=10)

    assert rows == json.loads(text)
    assert sum(tried) < 5 * len(text)


def test_broken_row_is_told_before_the_rest_is_read():
    """A mistake at the start of a long file does not fill the memory."""
    text = Counting('[{"a": nope, "b": 1}, ' + '{"a": 1},' * 100_000)

    with pytest.raises(ResultError, match="row 1 is broken: Expecting value"):
        list(_row_reader._JsonList(text, "f", 100).rows())
    assert text.count == 100


# -- Writing --------------------------------------------------------------------------


def test_csv_has_the_columns_of_all_rows(tmp_path):
    """In the order in which they are first seen; JSON text is in the cells."""
    path = tmp_path / "f.csv"
    rows = [
        {"a": "x,\n", "b": None},
        MappingProxyType({"c": ["é", {"k": None}], "a": True}),
        {"b": -1.5, "d": MappingProxyType({"k": 1})},
    ]

    assert write_csv(iter(rows), path) == 3
    assert path.read_bytes().decode() == (
        'a,b,c,d\r\n"x,\n",,,\r\n'
        'true,,"[""é"", {""k"": null}]",\r\n,-1.5,,"{""k"": 1}"\r\n'
    )


def test_no_rows_are_a_file_too(tmp_path):
    """An empty one, which reads as no rows."""
    assert write_csv([], tmp_path / "f.csv") == write_ndjson([], tmp_path / "f") == 0
    assert list(read_rows(tmp_path / "f.csv", content_type="", name="f.csv")) == []
    assert (tmp_path / "f").read_bytes() == b""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_formulas_are_kept_unless_it_is_asked(start):
    """CHECKS R15: bytes are kept by default; numbers are no formulas."""
    rows = [{f"{start}h": f"{start}cmd()", "n": -1, "t": f"a{start}"}]
    kept, safe = io.StringIO(), io.StringIO()

    write_csv(rows, kept)
    write_csv(rows, safe, safe=True)

    assert list(csv.reader(io.StringIO(kept.getvalue(), newline=""))) == [
        [f"{start}h", "n", "t"],
        [f"{start}cmd()", "-1", f"a{start}"],
    ]
    assert list(csv.reader(io.StringIO(safe.getvalue(), newline=""))) == [
        [f"'{start}h", "n", "t"],
        [f"'{start}cmd()", "-1", f"a{start}"],
    ]


def loop():
    looped = []
    looped.append(looped)
    return looped


@pytest.mark.parametrize("write", [write_csv, write_ndjson])
@pytest.mark.parametrize(
    ("row", "words"),
    [
        (3, "row 2 is 3, and not a mapping"),
        ({3: "x"}, "row 2 has a column 3, which is not a text"),
        ({"a": {1, 2}}, "row 2.* is not JSON"),
        ({"a": loop()}, "row 2.* is not JSON"),
    ],
)
def test_what_is_no_row_of_json_is_refused(tmp_path, write, row, words):
    """And leaves no file."""
    with pytest.raises(SaveError, match=words):
        write([{"a": 1}, row], tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("row", [{"a": "\ud800"}, {"\ud800": 1}])
def test_half_a_surrogate_pair_needs_ndjson(tmp_path, row):
    """It is no UTF-8, but JSON has an escape for it."""
    with pytest.raises(SaveError, match=r"row 1, column .*NDJSON"):
        write_csv([row], tmp_path / "f.csv")

    write_ndjson([row], tmp_path / "f")
    assert list(read_rows(tmp_path / "f", content_type="", name="f.ndjson")) == [row]


@pytest.mark.parametrize("write", [write_csv, write_ndjson])
def test_file_is_not_replaced_unless_asked(tmp_path, write):
    """And then at once, with the mode that it had."""
    path = tmp_path / "f"
    path.write_text("mine")
    path.chmod(0o600)

    with pytest.raises(SaveError, match="overwrite=True"):
        write([{"a": 1}], path)
    assert path.read_text() == "mine"

    write([{"a": 1}], path, overwrite=True)
    assert path.read_text() != "mine"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_new_file_has_the_mode_of_any_new_file(tmp_path):
    """As the umask has it."""
    plain = tmp_path / "plain"
    plain.touch()

    write_ndjson([], tmp_path / "f")

    assert (tmp_path / "f").stat().st_mode == plain.stat().st_mode


def test_symbolic_link_is_not_followed(tmp_path):
    """It is in the way, or replaced; what it points to is left alone."""
    there = tmp_path / "there"
    there.write_text("mine")
    link = tmp_path / "link"
    link.symlink_to(there)

    with pytest.raises(SaveError, match="exists"):
        write_ndjson([], link)
    write_ndjson([{}], link, overwrite=True)

    assert (there.read_text(), link.is_symlink()) == ("mine", False)


@pytest.mark.parametrize("write", [write_csv, write_ndjson])
@pytest.mark.parametrize("failure", [ValueError, OSError, KeyboardInterrupt])
def test_rows_that_break_off_leave_nothing(tmp_path, write, failure):
    """Their own error comes through."""

    def rows():
        yield {"a": 1}
        assert [path.suffix for path in tmp_path.iterdir()] == [".new"]
        raise failure

    with pytest.raises(failure):
        write(rows(), tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_folder_is_no_place_for_a_file(tmp_path):
    """Nor is one that does not exist."""
    with pytest.raises(SaveError, match="is a folder"):
        write_csv([], tmp_path, overwrite=True)
    with pytest.raises(SaveError, match="No such file"):
        write_csv([], tmp_path / "no" / "f")


@pytest.mark.parametrize("appears", [False, True])
def test_file_system_without_links(tmp_path, monkeypatch, appears):
    """A rename does it, unless the name was taken meanwhile."""
    path = tmp_path / "f"

    def refuse(*_):
        raise PermissionError

    def rows():
        yield {"a": 1}
        if appears:
            path.write_text("theirs")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(SaveError) if appears else nullcontext():
        write_ndjson(rows(), path)

    assert path.read_text() == ("theirs" if appears else '{"a": 1}\n')
    assert list(tmp_path.iterdir()) == [path]


def test_name_that_was_taken_meanwhile_is_not_replaced(tmp_path):
    """Of two writers one gets the name."""
    path = tmp_path / "f"

    def rows():
        yield {"a": 1}
        path.write_text("theirs")

    with pytest.raises(SaveError, match="exists"):
        write_ndjson(rows(), path)
    assert path.read_text() == "theirs"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a full disk")
@pytest.mark.parametrize("write", [write_csv, write_ndjson])
def test_full_disk_is_told(tmp_path, write, monkeypatch):
    """Of the file that was to be written, also where the spool is what is full."""
    full = Path("/dev/full").open("w", buffering=1)  # noqa: SIM115 - it closes badly
    with pytest.raises(SaveError, match=r"/dev/full was not written.*No space"):
        write([{"a": 1}], full)
    with suppress(OSError):
        full.close()

    def spool(*_, **__):
        return Path("/dev/full").open("r+")

    monkeypatch.setattr(tempfile, "TemporaryFile", spool)
    if write is write_csv:
        with pytest.raises(SaveError, match="f was not written"):
            write([{"a": 1}], tmp_path / "f")
        assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_where_the_end_cannot_be_written(tmp_path, monkeypatch):
    """A file gets its name only when it is on the disk."""

    def refuse(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(SaveError, match="No space"):
        write_ndjson([{"a": 1}], tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_open_file_in_another_encoding_may_not_hold_a_row():
    """The error names it."""
    with pytest.raises(SaveError, match=r"the file was not written.*ascii"):
        write_ndjson([{"a": "é"}], io.TextIOWrapper(io.BytesIO(), "ascii"))


@pytest.mark.slow
def test_killed_writer_leaves_no_file_of_that_name(tmp_path):
    """The next writer removes what it left."""
    program = (
        "import os, sys\n"
        "from flow64.runs import write_ndjson\n"
        "def rows():\n"
        "    yield {'a': 1}\n"
        "    os.kill(os.getpid(), 9)\n"
        "write_ndjson(rows(), sys.argv[1])\n"
    )
    target = tmp_path / "f"
    subprocess.run([sys.executable, "-c", program, target], check=False, timeout=60)
    left = [path.suffix for path in tmp_path.iterdir()]
    write_ndjson([{"a": 2}], target)

    assert (left, target.read_text()) == ([".new"], '{"a": 2}\n')
    assert [*tmp_path.iterdir()] == [target]


# -- Laws -----------------------------------------------------------------------------

texts = st.text(max_size=8) | st.sampled_from(
    ["", ",", '"', "\r", "\n", "\r\n", "\ufeff", "\0", "=1", "\u2028", "'", " "]
)
json_rows = st.lists(
    st.dictionaries(texts, json_values(st.none() | st.integers() | texts), max_size=3),
    max_size=4,
)
chunks = st.integers(1, 40)


@given(json_rows, chunks, st.sampled_from([None, 1]), st.booleans())
def test_json_is_read_back_in_any_chunking(rows, chunk, indent, plain):
    text = json.dumps(rows, indent=indent, ensure_ascii=plain)

    assert read(text, "f.json", chunk=chunk, expected=len(rows)) == rows


@given(json_rows)
def test_ndjson_is_read_back(rows):
    out = io.StringIO()

    assert write_ndjson(rows, out) == len(rows)
    assert read(out.getvalue(), "f.ndjson", expected=len(rows)) == rows


@given(st.lists(st.dictionaries(texts, texts, max_size=3), max_size=4))
@example([{"\ufeff": "\ufeff", "a": ""}])
@example([{"": "\r"}, {"\n": ""}])
def test_csv_is_read_back(rows):
    """Each row with the columns of all; a row without any column is no line."""
    out = io.StringIO(newline="")
    columns = dict.fromkeys(name for row in rows for name in row)
    lines = [{name: row.get(name, "") for name in columns} for row in rows]

    assert write_csv(rows, out) == len(rows)
    assert read(out.getvalue()) == (lines if columns else [])


@given(json_rows, st.data())
def test_json_that_is_cut_is_never_fewer_rows(rows, data):
    text = json.dumps(rows)
    cut = data.draw(st.integers(0, len(text) - 1))

    error, given_before = complaint(text[:cut], "f.json", chunk=data.draw(chunks))

    assert (error.name, given_before <= len(rows)) == ("f.json", True)


@given(json_rows.filter(bool), st.data())
def test_ndjson_that_is_cut_within_a_line_is_an_error(rows, data):
    line = json.dumps(rows[-1])
    cut = data.draw(st.integers(1, len(line) - 1))

    whole = "".join(json.dumps(row) + "\n" for row in rows)

    error, given_before = complaint(whole + line[:cut], "f.ndjson")

    assert (error.name, given_before) == ("f.ndjson", len(rows))


# -- Names of files -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("write", "name", "problem"),
    [
        (write_csv, "z.xlsx", "CSV, and its name ends in .xlsx; let it end in .csv"),
        (write_csv, "z.json", "CSV, and its name ends in .json; let it end in .csv"),
        (
            write_ndjson,
            "x.csv",
            "NDJSON, and its name ends in .csv; let it end in .ndjson or .jsonl",
        ),
    ],
)
def test_name_of_another_format(tmp_path, write, name, problem):
    """Nothing is written: a program would take it for what it is not."""
    with pytest.raises(SaveError, match=re.escape(f"it would hold {problem}")):
        write([], tmp_path / name)

    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("write", "name"),
    [(write_csv, "A.CSV"), (write_csv, "rows"), (write_ndjson, "x.jsonl")],
)
def test_name_of_the_format_or_of_none(tmp_path, write, name):
    assert write([], str(tmp_path / name)) == 0
    assert (tmp_path / name).exists()
