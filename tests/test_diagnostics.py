"""Findings: as data, as text with the source line, as JSON."""

from __future__ import annotations

import json
import linecache
import time
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow64.diagnostics import Finding, Place, as_text, summary
from flow64.text import count_cells, printable

PLAIN = Finding("cycle", "graph", "error", "a feeds itself")
FULL = Finding(
    "row-kind-mismatch",
    "rows",
    "warning",
    "company rows flow into find_email",
    "put CompanyToLeads() between",
    where="work/find_email",
    block_id="ID",
    place=Place("leads.py", 14, 4, 15),
)


def finding(severity="error", **more):
    return Finding("c", "graph", severity, "m", **more)


def test_a_finding_is_data():
    """With its keys in a fixed order; columns are for the caret alone."""
    assert list(FULL.as_data().items()) == [
        ("code", "row-kind-mismatch"),
        ("family", "rows"),
        ("severity", "warning"),
        ("message", "company rows flow into find_email"),
        ("help", "put CompanyToLeads() between"),
        ("file", "leads.py"),
        ("line", 14),
        ("where", "work/find_email"),
        ("block_id", "ID"),
    ]


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (PLAIN, "cycle · a feeds itself"),
        (
            FULL,
            (
                "row-kind-mismatch · leads.py:14 · company rows flow into find_email · "
                "put CompanyToLeads() between"
            ),
        ),
        (finding(where="/blocks/0"), "c · /blocks/0 · m"),
        (Finding("c", "keys", "note", "a\x1b\nb"), "c · a\\x1b\\nb"),
    ],
)
def test_a_finding_is_one_line(found, text):
    """Code, place, words, help, with nothing that writes to a terminal."""
    assert str(found) == text


SOURCE = """a = FindEmail()
    b = FindPhone(x)\x20\x20
é = "é" + Search(1)
\tc\t= Tabs()
\x20\x20\x20
d = '\x1b\u202e' + Odd()
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "leads.py"
    path.write_text(SOURCE, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ((1, 4, 15), ["a = FindEmail()", "    ^^^^^^^^^^^"]),
        ((2, 8, 20), ["b = FindPhone(x)", "    ^^^^^^^^^^^^"]),
        ((2, 8, None), ["b = FindPhone(x)", "    ^^^^^^^^^^^^"]),
        ((2, None, None), ["b = FindPhone(x)", "^^^^^^^^^^^^^^^^"]),
        ((3, 12, 21), ['é = "é" + Search(1)', "          ^^^^^^^^^"]),
        ((4, 5, 11), ["c\\t= Tabs()", "     ^^^^^^"]),
        ((6, 13, 18), ["d = '\\x1b\\u202e' + Odd()", " " * 19 + "^^^^^"]),
        ((1, 15, 4), ["a = FindEmail()", "               ^"]),
        ((5, 0, 1), []),
        ((99, 0, 1), []),
    ],
)
def test_the_caret_stands_under_the_call(file, place, shown):
    """Columns count bytes, as Python does; escapes are as wide as they are shown."""
    text = as_text([finding(place=Place(file, *place))])

    assert text.splitlines() == [
        f"{printable(file)}:{place[0]} error[c] m",
        *(f"    {line}" for line in shown),
    ]


def test_python_and_the_caret_agree_on_columns(file):
    """What a code object says of a line with letters beyond ASCII."""
    code = compile('é = "é" + len("x")', file, "exec")
    columns = {p[2:] for p in code.co_positions()}

    assert (12, 20) in columns


def test_findings_as_text_name_block_and_help():
    """A file that is not there costs the excerpt alone."""
    assert as_text([PLAIN, FULL]) == (
        "error[cycle] a feeds itself\n"
        "leads.py:14 warning[row-kind-mismatch] company rows flow into find_email "
        "(work/find_email): put CompanyToLeads() between\n"
    )


def test_findings_as_text_cannot_write_to_the_terminal():
    """Whatever a name, a path or a file is called."""
    nasty = "\x1b]0;x\x07\u202e\r\n"
    found = Finding(
        "c", "keys", "note", nasty, nasty, where=nasty, place=Place(nasty, 1)
    )

    text = as_text([found])

    assert all(line.isprintable() for line in text.splitlines())
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize(
    ("severities", "text"),
    [
        ([], "nothing found"),
        (["error"], "1 error"),
        (["note", "note", "error"], "1 error, 2 notes"),
        (["warning", "error", "error", "warning"], "2 errors, 2 warnings"),
    ],
)
def test_findings_are_counted(severities, text):
    """By severity, the worst first."""
    assert summary([finding(severity) for severity in severities]) == text


@pytest.mark.parametrize(
    ("width", "marked", "line", "marks"),
    [
        (None, "f(1)", "a = '会社' + f(1) + 'zzzz'", "             ^^^^"),
        (31, "f(1)", "a = '会社' + f(1) + 'zzzz'", "             ^^^^"),
        (29, "f(1)", "a = '会社' + f(1) + 'zzz…", "             ^^^^"),
        (20, "f(1)", "…f(1) + 'zzzz'", " ^^^^"),
        (8, "f(1)", "…f(…", " ^^^"),
        (20, None, "a = '会社' + f(…", "^^^^^^^^^^^^^^^^"),
    ],
)
def test_a_line_is_cut_with_its_carets(tmp_path, width, marked, line, marks):
    """To the width of the terminal; without one, a long line only."""
    source = "\ta = '会社' + f(1) + 'zzzz'"
    path = tmp_path / "wide.py"
    path.write_text(f"{source}\n", "utf-8")
    start = end = None
    if marked:
        start = len(source.partition(marked)[0].encode())
        end = start + len(marked.encode())

    text = as_text([finding(place=Place(str(path), 1, start, end))], width)

    assert text.splitlines()[1:] == [f"    {line}", f"    {marks}"]


PARTS = st.text("a é会🚀\u0301\t\u202e", max_size=30)


@given(PARTS, st.text("fx会é(", min_size=1, max_size=30), PARTS, st.integers(20, 60))
def test_a_cut_line_marks_the_same(before, marked, after, width):
    """Both lines fit, and what is marked is what was marked, or the start of it."""
    source = f"#{before}|{marked}|{after}#"
    start = len(f"#{before}|".encode())
    place = Place("cut.py", 1, start, start + len(marked.encode()))
    linecache.cache["cut.py"] = (len(source), None, [source], "cut.py")

    *_, line, carets = as_text([finding(place=place)], width).splitlines()

    assert max(count_cells(line), len(carets)) <= width
    shown = over_carets(line, carets)
    assert shown == marked or (shown.endswith("…") and marked.startswith(shown[:-1]))


def over_carets(line, carets):
    """Return the part of a line that stands above carets."""
    start, end = carets.index("^"), len(carets)
    ends = list(accumulate(map(count_cells, line)))
    return "".join(
        character
        for character, cell in zip(line, ends, strict=True)
        if start < cell <= end
    )


# -- Places in JSON -------------------------------------------------------------------

BODY = """{
  "a/b": {"~": [
    1,
    {"text": "a \\"quoted\\" [1, 2]",
     "x": null}
  ]},
  "list": [
  ]
}
"""


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("", (1, 0)),
        ("/a~1b", (2, 9)),
        ("/a~1b/~0/1", (4, 4)),
        ("/a~1b/~0/1/x", (5, 10, 14)),
        ("/list", (7, 10)),
        ("/list/0", (1,)),
        ("/other", (1,)),
        ("/a~1b/~0/9", (1,)),
        ("/a~1b/~0/0/deeper", (1,)),
    ],
)
def test_place_of_a_pointer(tmp_path, pointer, place):
    """Where the value begins, and ends in that line; the place stays without one."""
    file = tmp_path / "body.json"
    file.write_text(BODY, "utf-8")

    found = Place(str(file), 1).at_pointer(pointer)

    assert found == Place(str(file), *place)


def test_a_file_of_many_findings_is_read_once(tmp_path):
    """A file of a pull request may have one in each block."""
    file = tmp_path / "body.json"
    count = 20_000
    file.write_text(json.dumps({"a": [{"b": 1}] * count}, indent=1), "utf-8")
    began = time.monotonic()

    places = [Place(str(file), 1).at_pointer(f"/a/{at}/b") for at in range(count)]

    for _ in range(count):  # or all of them in one
        Place(str(file), 1).at_pointer("/a")
    assert [place.line for place in places[:3]] == [4, 7, 10]
    assert places[-1].line == 3 * count + 1
    assert time.monotonic() - began < 5


def test_many_findings_of_one_long_line_are_shown(tmp_path):
    """The service answers in one line, which may be all of a file of a pull request."""
    file = tmp_path / "body.json"
    blocks = [{"at": at, "é": "é" * 400} for at in range(1_000)]
    file.write_text(json.dumps({"a": blocks}, ensure_ascii=False), "utf-8")
    began = time.monotonic()

    places = [Place(str(file), 1).at_pointer(f"/a/{at}") for at in range(1_000)]
    text = as_text([finding(place=place) for place in places], 60)

    lines = text.splitlines()
    assert [line.strip()[1:10] for line in lines[4::3]] == [
        f'{{"at": {at}, '[:9] for at in range(1, 1_000)
    ]
    assert max(map(count_cells, lines[1::3])) == 60
    assert time.monotonic() - began < 30


def test_a_finding_about_a_whole_file_of_json_shows_none_of_it(tmp_path):
    """A line of it, or all of it in one line, would say nothing."""
    file = tmp_path / "body.json"
    file.write_text('{"workflow_name": "Leads"}', "utf-8")

    assert len(as_text([finding(place=Place(str(file), 1))], 80).splitlines()) == 1
    assert len(as_text([finding(place=Place(str(file), 1, 1))], 80).splitlines()) == 3
