"""Selecting many in each command: keys, patterns, `--select` and `--exclude`."""

from __future__ import annotations

import json

import pytest

from tests.cli.pipelines import deployed as titles
from tests.cli.pipelines import settings, written

LEADS = """
def leads(title):
    return made("leads", Webhook(LEAD) >> FindEmail(), title=title)

made_leads = variants(leads, {key: {"title": key} for key in ("us", "fr", "jp")})
sales = made("sales, emea", Webhook(LEAD))
"""
ALL = ["leads/us", "leads/fr", "leads/jp", "sales, emea"]


@pytest.fixture
def project(service, tmp_path, namespace):
    """A project with three variants and one more workflow, and one environment."""
    text = settings('source = "pipelines"', prod=[])
    tmp_path.joinpath("pyproject.toml").write_text(text, "utf-8")
    (tmp_path / "pipelines").mkdir()
    return tmp_path / written(tmp_path, namespace, LEADS, "pipelines/leads.py")


@pytest.fixture
def deployed(project, flow64):
    """The same, with all of it deployed."""
    assert flow64("deploy", "--yes")[0] == 0
    return project


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["leads/*"], ALL[:3]),
        (["pipelines/leads.py:leads/*"], ALL[:3]),
        (["--select", "leads/*", "--exclude", "leads/jp"], ALL[:2]),
        (["--select", "sales*", "-s", "*/us"], [ALL[0], ALL[3]]),
    ],
)
def test_each_command_means_the_same_by_it(project, flow64, words, wanted):
    code, printed, _ = flow64("check", *words)
    written = json.loads(flow64("compile", *words, "-o", "made", "--json")[1])
    plan = json.loads(flow64("plan", *words, "--json")[1])
    done = json.loads(flow64("deploy", *words, "--yes", "--json")[1])

    assert (code, printed) == (0, f"{len(wanted)} ok\n")
    assert len(written["files"]) == len(wanted)
    assert [step["key"] for step in plan["workflows"]] == wanted
    assert [one["key"] for one in done["workflows"]] == wanted
    assert len(titles()) == len(wanted)


def test_consents_name_keys_also_with_commas(deployed, service, flow64):
    """A text that is no key is a list of keys."""
    text = deployed.read_text("utf-8")
    text = text.replace('"us", "fr"', '"us2", "fr2"').replace("emea", "apac")
    deployed.write_text(text, "utf-8")

    refused = flow64("deploy", "--yes")
    named = ("--create", "leads/us2,leads/fr2", "--create", "sales, apac")
    unknown = flow64("deploy", "--yes", "--create", "leads/us2,leads/xx")
    left_out = flow64("deploy", "--yes", "-s", "*/us2", "--create", "leads/fr2")
    done = flow64("deploy", "--yes", *named)

    assert [code for code, *_ in (refused, unknown, left_out, done)] == [3, 64, 64, 0]
    assert "is not among the selected workflows" in left_out[2]
