"""Result files: what is in them, and how long their links live."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from flow64.emulator import Switches
from flow64.http import httpx
from tests.emulator.support import (
    EMAIL,
    LEADS,
    NO_CERTIFICATES,
    WEBHOOK,
    block,
    body,
    create,
    links,
    run_rows,
    start,
    wait,
)

ROWS = [
    {"name": "Ada, Countess", "n": 1, "tags": ["a", "ü"], "ok": True, "none": None},
    {"name": 'says "hi"\nand more', "other": {"x": 1.5}},
]
SOURCE = body(WEBHOOK)


def download(item):
    """The content behind a link, without any credential."""
    return httpx.get(item["download_url"], verify=NO_CERTIFICATES)


def finished(client, data, rows, **query):
    run_id = start(client, create(client, data), rows, **query).json()["job_id"]
    wait(client, run_id)
    return run_id


def test_every_stage_has_a_file(client):
    """One item a block, numbered as the block is; the last is the final output."""
    items = links(client, run_rows(client, LEADS, [{"email": "a@b.example"}]))

    assert [(i["block_number"], i["row_count"], i["filename"]) for i in items] == [
        (1, 1, "block_1_webhook.csv"),
        (2, 1, "block_2_find_email.csv"),
        (3, 1, "block_3_outgoing_webhook.csv"),
    ]
    assert {i["download_expires_in_seconds"] for i in items} == {900}


def test_csv_holds_text(client):
    """Columns in the order of appearance; all that is no text is JSON text."""
    item = links(client, run_rows(client, SOURCE, ROWS))[0]

    reply = download(item)

    assert reply.headers["content-type"].startswith("text/csv")
    assert len(reply.content) == item["file_size"]
    assert list(csv.DictReader(io.StringIO(reply.text, newline=""))) == [
        {
            "name": "Ada, Countess",
            "n": "1",
            "tags": '["a", "ü"]',
            "ok": "true",
            "none": "",
            "other": "",
        },
        {
            "name": 'says "hi"\nand more',
            "n": "",
            "tags": "",
            "ok": "",
            "none": "",
            "other": '{"x": 1.5}',
        },
    ]


def test_json_keeps_types(client):
    """With save_json the rows are there as they were."""
    run_id = finished(client, SOURCE, ROWS, save_json="true")

    item = links(client, run_id, format="json")[0]

    assert download(item).json() == ROWS
    assert item["content_type"] == "application/json"


def test_ndjson_is_one_row_a_line(client):
    """Formats can be named one by one."""
    run_id = finished(client, SOURCE, ROWS, result_formats=["ndjson", "odd"])

    item = links(client, run_id, format="ndjson")[0]

    assert [json.loads(line) for line in download(item).text.splitlines()] == ROWS


@pytest.mark.parametrize("format", ["csv", "json", "ndjson"])
def test_large_files_are_whole(client, format):
    """Whatever is read at a time; the size is the one that was said."""
    rows = [
        {"n": n, "text": f"é{n}", **({"late": 1} if n > 999 else {})}
        for n in range(1200)
    ]
    run_id = finished(client, SOURCE, rows, result_formats=["json", "ndjson"])
    (item,) = links(client, run_id, format=format)

    reply = download(item)

    assert int(reply.headers["content-length"]) == len(reply.content)
    assert item["file_size"] == len(reply.content)
    match format:
        case "csv":
            found = list(csv.DictReader(io.StringIO(reply.text, newline="")))
            assert found[0] == {"n": "0", "text": "é0", "late": ""}
            assert [row["n"] for row in found] == [str(n) for n in range(1200)]
        case "json":
            assert reply.json() == rows
        case _:
            assert [json.loads(line) for line in reply.text.splitlines()] == rows


@pytest.mark.parametrize(
    "range",
    ["bytes=0-1", "bytes=-5", "bytes=9-1", "bytes=0-,0-,0-", "x", "bytes=1-99999"],
)
def test_ranges_are_not_served(client, range):
    """A guess: the whole file comes, and that is what is said."""
    item = links(client, run_rows(client, SOURCE, ROWS))[0]

    url = item["download_url"]
    reply = httpx.get(url, headers={"range": range}, verify=NO_CERTIFICATES)

    assert (reply.status_code, len(reply.content)) == (200, item["file_size"])
    assert "content-range" not in reply.headers
    assert reply.headers["accept-ranges"] == "none"


def test_size_of_a_file_is_counted_once(shared, client):
    """It is kept for the lists to come."""
    run_id = finished(client, SOURCE, ROWS, save_json="true")
    for word in ("csv", "json", "csv"):
        links(client, run_id, format=word)

    (state,) = shared.store.blocks.of(run_id)

    assert state.sizes == {
        word: links(client, run_id, format=word)[0]["file_size"]
        for word in ("csv", "json")
    }
    assert state.columns == ("name", "n", "tags", "ok", "none", "other")


def test_formats_that_were_not_saved_have_no_files(client):
    """A guess: an empty list. A word that is no format is 400."""
    run_id = run_rows(client, SOURCE, ROWS)

    assert links(client, run_id, format="json") == []
    assert "format must be" in links(client, run_id, format="xml")["detail"]


def test_small_files_stand_inline(client):
    """Rows of a small file are in the list, those of a large one are not."""
    small = links(client, run_rows(client, SOURCE, ROWS))[0]
    large = links(client, run_rows(client, SOURCE, [{"text": "x" * 20_000}]))[0]

    assert (small["results"], large["results"]) == (ROWS, None)


def test_no_rows_are_an_empty_file(client):
    """A stage without rows has a file without a byte."""
    item = links(client, run_rows(client, SOURCE, []))[0]

    assert (download(item).content, item["row_count"]) == (b"", 0)


def test_finished_stages_can_be_read_before_the_end(serve):
    """A failed run keeps the files of the blocks that finished."""
    emulator, client = serve()
    emulator.fail_block("find_email", "no")

    items = links(client, run_rows(client, LEADS, [{"email": "x"}]))

    assert [item["block_number"] for item in items] == [1]


def test_names_of_files_are_safe(client):
    """The name of a kind that nobody knows cannot leave a folder."""
    run_id = run_rows(client, body(WEBHOOK, block("../../ETC/Ü")), [])

    assert links(client, run_id)[1]["filename"] == "block_2_-etc-.csv"


@pytest.mark.parametrize(("seconds", "status"), [(890, 200), (901, 403)])
def test_links_live_for_900_seconds(serve, seconds, status):
    """After that they are refused, and a new list has new ones."""
    emulator, client = serve()
    run_id = run_rows(client, SOURCE, ROWS)
    item = links(client, run_id)[0]

    emulator.clock.advance(seconds)

    assert download(item).status_code == status
    assert download(links(client, run_id)[0]).status_code == 200


@pytest.mark.parametrize(
    ("pattern", "replacement", "status"),
    [
        ("signature=", "signature=0", 403),
        ("signature=", "signature=%C3%A9", 403),
        ("expires=", "expires=9", 403),
        (r"\.csv", ".json", 403),
        (r"\?.*", "", 422),
    ],
)
def test_links_cannot_be_made_up(client, pattern, replacement, status):
    """A link that was changed is refused."""
    item = links(client, run_rows(client, SOURCE, ROWS))[0]

    changed = re.sub(pattern, replacement, item["download_url"])

    assert httpx.get(changed, verify=NO_CERTIFICATES).status_code == status


def test_signed_link_to_nothing_is_404(serve):
    """A link outlives no store."""
    emulator, client = serve()
    item = links(client, run_rows(client, SOURCE, ROWS))[0]
    for state in emulator.store.blocks.all():
        emulator.store.blocks.remove(state.id)

    assert download(item).status_code == 404


def test_links_of_an_unknown_run_are_404(client):
    """There is nothing to list."""
    found = links(client, "00000000-0000-4000-8000-000000000000")

    assert found == {"detail": "Run not found"}


def test_files_appear_as_blocks_finish(serve):
    """While a run goes on, the list has the stages so far."""
    _, client = serve(switches=Switches(speed=0.05))
    data = body(WEBHOOK, EMAIL, block("find_phone"))
    run_id = start(client, create(client, data), [{"name": "x"}]).json()["job_id"]
    counts = [len(links(client, run_id))]

    while counts[-1] < 3:
        counts.append(len(links(client, run_id)))

    assert sorted(set(counts)) == [0, 1, 2, 3]
    assert counts == sorted(counts)
