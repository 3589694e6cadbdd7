"""Selecting workflows of a source by patterns over their keys."""

from __future__ import annotations

import pytest

from flow64.errors import SourceError
from flow64.loading import (
    EVERYTHING,
    Selection,
    load_source,
    select_workflows,
)

CODE = """
from flow64 import LEAD, Project, Workflow, variants
from flow64.blocks import Webhook

growth = Project("growth", namespace="acme.example")


def leads():
    return Workflow("Leads", Webhook(LEAD), key="leads", project=growth)


made = variants(leads, {"us": {}, "fr": {}, "jp": {}})
sales = Workflow("Sales", Webhook(LEAD), key="sales", project=growth)
odd = Workflow("Odd", Webhook(LEAD), key="a[b]", project=Project("b", "acme.example"))
"""


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A file with three variants and two more workflows."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "code.py"
    path.write_text(CODE, "utf-8")
    return "code.py"


LEADS = ["leads/us", "leads/fr", "leads/jp"]


@pytest.mark.parametrize(
    ("select", "exclude", "wanted"),
    [
        (["leads/*"], [], LEADS),
        (["leads/*"], ["leads/jp"], LEADS[:2]),
        ([], ["leads/*"], ["sales", "a[b]"]),
        (["sales", "*/us"], [], ["leads/us", "sales"]),
        (["leads/[uf]?"], [], LEADS[:2]),
        (["a[b]"], [], ["a[b]"]),
        (["*s"], [], ["leads/us", "sales"]),
    ],
)
def test_selection(source, select, exclude, wanted):
    """`*` matches any text, also with slashes; what is selected is never whole."""
    found = load_source(source, selection=Selection(select, exclude))

    assert (found.names, found.is_picked, found.is_whole) == (wanted, True, False)


def test_all_of_them_are_not_whole(source):
    """A selection may only narrow what a deploy deletes."""
    every = load_source(source)
    selected = load_source(source, selection=Selection(["*"]))

    assert every.names == selected.names
    assert (every.is_whole, selected.is_whole) == (True, False)
    assert select_workflows(every, EVERYTHING) is every


def test_projects_of_a_selection(source):
    found = load_source(source, selection=Selection(["leads/*"]))

    assert [one.key for one in found.projects] == ["growth"]


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("leads/*", LEADS),
        ("*", [*LEADS, "sales", "a[b]"]),
        ("a[b]", ["a[b]"]),
    ],
)
def test_pattern_in_an_address(source, address, wanted):
    """A key in an address may be a pattern. A key that is there comes first."""
    found = load_source(f"{source}:{address}")

    assert (found.names, found.is_picked) == (wanted, True)


def test_address_and_selection(source):
    """A selection picks from what the address means."""
    found = load_source(f"{source}:leads/*", selection=Selection((), ["*/us"]))

    assert found.names == LEADS[1:]
    with pytest.raises(SourceError, match=r"code\.py holds no workflow "):
        load_source(f"{source}:leads/*", selection=Selection((), ["sales"]))


@pytest.mark.parametrize(
    ("select", "exclude", "words"),
    [
        (["laeds/us"], [], "code.py holds no workflow 'laeds/us' (did you mean "),
        (["sales"], ["saels"], "code.py holds no workflow 'saels' (did you mean "),
        (["leads"], [], "no workflow 'leads' (did you mean 'leads/us'?); it holds"),
    ],
)
def test_pattern_that_matches_nothing(source, select, exclude, words):
    """It is probably mistyped, so it is an error."""
    with pytest.raises(SourceError) as caught:
        load_source(source, selection=Selection(select, exclude))

    assert words in str(caught.value)


def test_only_one_of_several(source):
    """A command that takes one workflow names those of a pattern."""
    several = load_source(f"{source}:leads/*")

    with pytest.raises(SourceError, match=r"name one of them, as in code\.py:leads/us"):
        _ = several.only
