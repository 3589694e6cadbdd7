"""The cache: lost, broken or of another release, it costs requests and nothing else."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest
from attrs import evolve

from flow64.deploy import FileCache
from flow64.plan import Sighting
from tests.deploy.planned import OLD, service

SEEN = Sighting("https://a.example", "id", "Leads", "text", "2026-11-25T09:00", "stamp")


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".flow64" / "seen.json"


def test_what_was_seen_is_remembered_and_nothing_else(path):
    with FileCache(path) as cache:
        assert cache.find(SEEN) is None
        cache.keep(SEEN, ["find_email.tier"])

    assert FileCache(path).find(SEEN) == ("find_email.tier",)
    assert FileCache(path).find(evolve(SEEN, updated_at="later")) is None
    assert (path.stat().st_mode & 0o777, FileCache().path) == (
        0o600,
        Path(".flow64/seen.json"),
    )
    assert "Leads" not in path.read_text()


def test_file_is_written_only_when_there_is_anything_new(path):
    with FileCache(path) as cache:
        cache.find(SEEN)
    assert not path.exists()
    with FileCache(path) as cache:
        cache.keep(SEEN, [])
        cache.save()
        path.unlink()
    assert not path.exists()


def test_oldest_sightings_make_room(path, monkeypatch):
    monkeypatch.setattr("flow64.deploy._cache.MOST", 2)
    seen = [evolve(SEEN, id=str(number)) for number in range(3)]
    with FileCache(path) as cache:
        for one in (*seen, seen[1]):
            cache.keep(one, [])

    assert [FileCache(path).find(one) for one in seen] == [None, (), ()]


def valid(**change):
    with_ = {"flow64:seen": 2, "flow64": version("flow64"), "seen": []}
    return json.dumps({**with_, **change})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[" * 100_000,
        "\xff",
        "[]",
        "{}",
        valid(flow64="0.0.0"),
        valid(seen=1),
        valid(seen=[1]),
        valid(seen=[["a", 1]]),
        valid(seen=[["a", [1]]]),
        valid(seen=[[1, []]]),
    ],
)
def test_file_that_is_broken_counts_as_empty_and_is_replaced(path, text):
    path.parent.mkdir()
    path.write_text(text, encoding="latin-1")
    with FileCache(path) as cache:
        assert cache.find(SEEN) is None
        cache.keep(SEEN, [])

    assert FileCache(path).find(SEEN) == ()


def test_place_that_cannot_be_used_is_forgotten(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()

    for path in (tmp_path / "file" / "seen.json", tmp_path / "folder"):
        with FileCache(path) as cache:
            cache.keep(SEEN, [])
        assert FileCache(path).find(SEEN) is None


def test_losing_it_changes_only_the_number_of_requests(path):
    with service() as here:
        here.put(OLD)
        plans = []
        for _ in range(2):
            with FileCache(path) as cache:
                plans.append(here.plan(OLD, projects=[], cache=cache))
        path.write_text("lost")
        with FileCache(path) as cache:
            plans.append(here.plan(OLD, projects=[], cache=cache))

    assert [plan.requests for plan in plans] == [2, 1, 2]
    assert [plan.is_empty for plan in plans] == [True, True, True]
