"""Fixtures: values and rows that stand in for synthetic ones."""

from __future__ import annotations

import json
from functools import partial

import pytest

from flow64.emulator import Emulator, load_fixtures
from flow64.errors import ConfigError
from tests.emulator.support import (
    EMAIL,
    WEBHOOK,
    block,
    body,
    run_rows,
    status_of,
)

ADA, BO = {"name": "Ada"}, {"name": "Bo"}
SEARCH = block("search", dataframe_type="LEAD", query="x")
TITLE = block("lead_enrichment", return_fields={"title": "Title", "age": "Age"})
PEOPLE = (
    block("webhook", dataframe_type="COMPANY"),
    block("company_to_leads"),
)


@pytest.fixture
def through(serve):
    """The rows that the last of some blocks gives, or its message where it fails."""

    def rows_through(fixtures, *blocks, rows=()):
        emulator, client = serve(fixtures=fixtures)
        is_webhook = blocks[0]["block_name"] == "webhook"
        run_id = run_rows(client, body(*blocks), list(rows) if is_webhook else None)
        last = status_of(client, run_id)["blocks"][-1]
        return last["error_message"] or emulator.rows(run_id, last["block_name"])

    return rows_through


# -- From Python ----------------------------------------------------------------------


def test_mapping_is_laid_over_every_row(through):
    """What it does not name stays synthetic."""
    found = through(
        {"lead_enrichment": {"title": "CEO"}}, WEBHOOK, TITLE, rows=[ADA, BO]
    )

    assert [(row["name"], row["title"]) for row in found] == [
        ("Ada", "CEO"),
        ("Bo", "CEO"),
    ]
    assert all(row["age"].startswith("synthetic age") for row in found)


def test_function_of_a_row_gives_what_is_laid_over_it(through):
    """It sees the row as it came in, and cannot change it."""

    def fixture(row):
        seen.append(dict(row))
        row.clear()
        return {"email": f"{seen[-1]['name']}@example.com"}

    seen = []
    found = through({"find_email": fixture}, WEBHOOK, EMAIL, rows=[ADA, BO])

    assert [row["email"] for row in found] == ["Ada@example.com", "Bo@example.com"]
    assert [row["name"] for row in found] == ["Ada", "Bo"]
    assert seen == [ADA, BO]


@pytest.mark.parametrize(
    "fixture",
    [lambda row: [{**ADA, "at": row["n"]}, BO], lambda row: ()],
    ids=["two", "none"],
)
def test_function_may_give_rows(through, fixture):
    """A list stands in the place of the row."""
    rows = [{"n": 1}, {"n": 2}]

    found = through({"company_to_leads": fixture}, *PEOPLE, rows=rows)

    assert found == [made for row in rows for made in fixture(row)]


def test_list_stands_in_the_place_of_each_row(through):
    """Of a step, that is; companies get the same people each."""
    found = through({"company_to_leads": [ADA, BO]}, *PEOPLE, rows=[{}, {}])

    assert found == [ADA, BO, ADA, BO]


@pytest.mark.parametrize(
    "fixture",
    [[ADA, BO], (ADA, BO), lambda: [ADA, BO]],
    ids=["list", "tuple", "function"],
)
def test_rows_of_a_source(through, fixture):
    """A list is all its rows, and so is what a function without arguments gives."""
    assert through({"search": fixture}, SEARCH) == [ADA, BO]


def test_mapping_is_laid_over_the_rows_of_a_source(through):
    """The rows are synthetic but for it."""
    found = through({"search": {"company": "Acme"}}, SEARCH)

    assert {row["company"] for row in found} == {"Acme"}
    assert len(found) == 10


def test_fixture_of_a_block_id_wins(through):
    """One block of a kind may be another than the rest."""
    fixtures = {"find_email": {"email": "kind"}, EMAIL["block_id"]: {"email": "id"}}

    found = through(fixtures, WEBHOOK, block("find_email", 2), EMAIL, rows=[ADA])

    assert [row["email"] for row in found] == ["kind", "id"]


@pytest.mark.parametrize(
    ("fixture", "words"),
    [
        (lambda row: row["x"], "the fixture failed: KeyError: 'x'"),
        (lambda row: 1, "the fixture holds something else than rows"),
        (lambda row: "text", "the fixture holds something else than rows"),
        (lambda row: [1], "the fixture holds something else than rows"),
        (lambda row: None, "the fixture holds something else than rows"),
        (lambda row, more: {}, "the fixture failed: TypeError"),
        (lambda row: {"x": object()}, "the fixture holds what JSON cannot"),
        (lambda row: {"x": float("nan")}, "the fixture holds what JSON cannot"),
        (lambda row: {"x": "\ud800"}, "the fixture holds what JSON cannot"),
        ({"x": {1, 2}}, "the fixture holds what JSON cannot"),
    ],
    ids=range(10),
)
def test_fixture_that_fails(through, fixture, words):
    """The block fails with the words, not the emulator."""
    found = through({"find_email": fixture}, WEBHOOK, EMAIL, rows=[ADA])

    assert found.startswith(f"{words}")


@pytest.mark.parametrize("fixture", [5, "text", None, [1], [ADA, None]], ids=range(5))
def test_fixture_that_is_none(fixture):
    """It is refused when the emulator is made, and when it is set."""
    with pytest.raises(ConfigError, match="the fixture 'find_email' "):
        Emulator(fixtures={"find_email": fixture})
    with pytest.raises(ConfigError, match="the fixture 'find_email' "):
        Emulator().fixtures["find_email"] = fixture


def test_name_that_no_block_has(tmp_path):
    """What is nearly a kind is refused, wherever it is given."""
    emulator = Emulator()
    paths = [tmp_path / "all.json", tmp_path / "find_emial.csv"]
    paths[0].write_text('{"find_emial": {}}', "utf-8")
    paths[1].write_text("email\n", "utf-8")
    ways = [
        lambda: Emulator(fixtures={"find_emial": {}}),
        lambda: emulator.fixtures.update(find_emial={}),
        *(partial(load_fixtures, [path]) for path in paths),
    ]

    for way in ways:
        with pytest.raises(ConfigError, match=r"\(did you mean 'find_email'\?\)"):
            way()


def test_name_that_may_be_a_new_kind():
    """What is close to nothing is let through, and so is any id; all can be removed."""
    names = ["brand_new", "find_email", EMAIL["block_id"]]
    emulator = Emulator(fixtures=dict.fromkeys(names, ADA))

    assert list(emulator.fixtures) == names
    assert repr(emulator.fixtures) == f"<Fixtures for {', '.join(names)}>"
    emulator.fixtures.clear()
    assert len(emulator.fixtures) == 0


LINES = [
    {"where": {"name": "Ada"}, "set": {"email": "ada@example.com"}},
    {"set": {"email": None}},
]


@pytest.mark.parametrize("lines", [LINES, tuple(LINES)], ids=["list", "tuple"])
def test_lines_from_python(through, lines):
    """A list of `where` and `set` is what it is in a file."""
    found = through({"find_email": lines}, WEBHOOK, EMAIL, rows=[ADA, BO])

    assert [row["email"] for row in found] == ["ada@example.com", None]


def test_one_line_needs_no_list(through):
    """A mapping of `where` and `set` is a list of one."""
    found = through({"find_email": LINES[0]}, WEBHOOK, EMAIL, rows=[ADA, BO])

    assert [row["email"] == "ada@example.com" for row in found] == [True, False]


def test_line_with_another_key():
    """The right one is named; a row may have a column `set` all the same."""
    problem = (
        "has 'when' next to 'set' at 1; put values that a row must have under 'where'"
    )
    with pytest.raises(ConfigError, match=problem):
        Emulator(fixtures={"find_email": [*LINES[1:], {"when": {}, "set": {}}]})
    rows = [{"name": "Ada", "set": "blue"}]

    assert Emulator(fixtures={"search": rows}).fixtures["search"] == rows


# -- From files -----------------------------------------------------------------------


def written(folder, **files):
    """Paths of files, by name: `_` stands for the dot."""
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return [folder / name.replace("__", ".") for name in files]


def test_json_file(through, tmp_path):
    """Mappings, rows, and lines of which the first that fits is laid over a row."""
    lines = [
        {"where": {"name": "Ada"}, "set": {"email": "ada@example.com"}},
        {"where": {"name": "Ada"}, "set": {"email": "second"}},
        {"set": {"email": None, "email_status": "NOT_FOUND"}},
    ]
    data = {
        "find_email": lines,
        "search": [ADA, BO],
        "lead_enrichment": {"title": "CEO"},
    }
    paths = written(tmp_path, all__json=json.dumps(data))

    found = through(load_fixtures(paths), SEARCH, TITLE, EMAIL)

    assert [(r["name"], r["title"], r["email"], r["email_status"]) for r in found] == [
        ("Ada", "CEO", "ada@example.com", found[0]["email_status"]),
        ("Bo", "CEO", None, "NOT_FOUND"),
    ]


def test_csv_file_of_a_step(through, tmp_path):
    """Columns beginning with `where.` choose rows; an empty cell is any, or null."""
    text = (
        "where.name,where.n,email,email_status\n"
        "Ada,,ada@example.com,OK\n"
        "Bo,2,bo@example.com,OK\n"
        ",,,NOT_FOUND\n"
    )
    paths = written(tmp_path, find_email__csv=text)
    rows = [ADA, {"name": "Bo", "n": 2}, {"name": "Bo", "n": 3}]

    found = through(load_fixtures(paths), WEBHOOK, EMAIL, rows=rows)

    assert [(row["email"], row["email_status"]) for row in found] == [
        ("ada@example.com", "OK"),
        ("bo@example.com", "OK"),
        (None, "NOT_FOUND"),
    ]


def test_row_that_no_line_fits_stays_synthetic(through, tmp_path):
    """Lines are for the rows that they name."""
    paths = written(tmp_path, find_phone__csv="where.name,phone\nBo,1\n")

    found = through(load_fixtures(paths), WEBHOOK, block("find_phone"), rows=[ADA])

    assert found[0]["phone"].startswith("+1 202")


def test_csv_file_of_a_source(through, tmp_path):
    """Its lines are the rows, also where the file begins with a byte order mark."""
    paths = written(tmp_path, search__csv='\ufeffname,note\nAda,\n\nBo,"a\nb"\n')

    found = through(load_fixtures(paths), SEARCH)

    assert found == [{"name": "Ada", "note": None}, {"name": "Bo", "note": "a\nb"}]


def test_earlier_files_win(tmp_path):
    """Of two files for one kind, the one named first counts."""
    paths = written(
        tmp_path, a__json='{"x": {"n": 1}, "y": {}}', b__json='{"x": {"n": 2}}'
    )

    assert load_fixtures(paths) == {"x": {"n": 1}, "y": {}}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", "{", "it is not JSON: "),
        ("a.json", "[" * 100_000, "it is not JSON: "),
        ("a.json", "[]", "it must be an object by kind or block id"),
        ("a.json", '{"x": 5}', "'x' must be a mapping, a list of mappings, or a"),
        ("a.json", '{"x": [{}, 1]}', "'x' holds something else than a mapping at 1"),
        ("a.json", '{"x": [{"set": {}}, {"name": 1}]}', "'x' at 1 must have a mapping"),
        ("a.json", '{"x": [{"when": 1, "set": {}}]}', "'x' has 'when' next to 'set'"),
        ("a.json", '{"x": [{"set": 1}]}', "'x' at 0 must have a mapping"),
        ("a.json", '{"x": [{"where": 1, "set": {}}]}', "'x' at 0 must have a mapping"),
        ("a.csv", "", "it has no header"),
        ("a.csv", "a,a\n", "two columns have the same name"),
        ("a.csv", "a,\n", "a column has no name"),
        ("a.csv", "a,b\n1,2\n1\n", "line 3: 1 values for 2 columns"),
        ("a.csv", 'a\n"x', "line 2: unexpected end of data"),
    ],
)
def test_file_that_holds_none(tmp_path, name, text, words):
    """The message names the file and the place."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        load_fixtures([path])

    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)


def test_file_that_cannot_be_read(tmp_path):
    """One that is missing, and one that is no text."""
    (tmp_path / "b.json").write_bytes(b"\xff\xfe")

    for path in (tmp_path / "a.json", tmp_path / "b.json"):
        with pytest.raises(ConfigError, match="it cannot be read"):
            load_fixtures([path])


def test_new_kind():
    """A new kind may be a little like a known one, such as x_search."""
    assert Emulator(fixtures={"reddit_search": {"karma": 5}}).fixtures
