"""What changes as code: in the comment and on the page, or why it is not there."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64 import RawBlock
from flow64.blocks import FindEmail, OutgoingWebhook
from flow64.render.review import as_html, as_markdown, review_of_diff
from tests.review.support import HOSTILE, crm, leads, pair, workflow

OPENED = "<details><summary>As flow64 code</summary>\n\n"


def both(before, after):
    """The comment and the page of a change."""
    review = review_of_diff([pair(before, after)])
    return as_markdown(review), as_html(review)


def long(count):
    flow = leads()
    for at in range(count):
        flow = flow >> RawBlock("step", key=f"step-{at}", specs={"at": at})
    return workflow(flow)


def test_nothing_differs():
    """A change that is none in code, such as of what nobody reads, is said to be so."""
    review = review_of_diff([pair(workflow(leads()), workflow(leads() >> crm()))])
    (one,) = review.workflows
    same = evolve(one.details, before=one.details.after)
    review = evolve(review, workflows=[evolve(one, details=same)])

    assert "As flow64 code nothing differs.\n" in as_markdown(review)
    assert "As flow64 code nothing differs.</p>" in as_html(review)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile(text):
    """Whatever stands in a workflow, the block of code ends where it ends."""
    plain = text.replace("\ud800", "")
    flow = leads() >> RawBlock("x", specs={"prompt": f"{plain}\n```\n</details>"})

    markdown, html = both(workflow(leads()), workflow(flow))

    code = markdown.split(OPENED)[1]
    fence = code.split("diff", 1)[0]
    assert len(fence) >= 3
    assert set(fence) == {"`"}
    inner = code.removeprefix(f"{fence}diff\n").split(f"\n{fence}\n")[0]
    assert all(line[0] in "+- @" for line in inner.splitlines())
    assert "\\n```\\n" in inner or "```\\n" in inner
    assert "</details>" not in html.split('<ul class="codes">')[1].split("</ul>")[0]


def test_secrets():
    """No key is in it, before or after."""
    key = "https://x.example/?key=sk_live_not_a_real_key_SENTINEL"
    other = key.replace("SENTINEL", "SENTINEL2")

    texts = both(
        workflow(leads() >> OutgoingWebhook(url=key)),
        workflow(leads() >> FindEmail() >> OutgoingWebhook(url=other)),
    )

    assert all("As flow64 code" in text for text in texts)
    assert not any("SENTINEL" in text for text in texts)


def test_not_possible():
    """Why it is not shown is said."""
    before, after = (long(count) for count in (2, 3))
    found = pair(before, after)
    edge = found.before.edges[0]._replace(extra={"condition": "x"})
    faulty = evolve(found, before=evolve(found.before, edges=(edge,)))

    review = review_of_diff([faulty])

    why = "it cannot be written as code: an edge has a condition, which code cannot say"
    assert f"Not shown as code: {why}.\n" in as_markdown(review)
    assert f"Not shown as code: {why}.</p>" in as_html(review)


@pytest.mark.parametrize(("name", "most"), [("MOST_BLOCKS", 3), ("MOST_TEXT", 500)])
def test_too_large(name, most, monkeypatch):
    """What would take long to compare is not compared."""
    monkeypatch.setattr(f"flow64.render.review._source.{name}", most)

    markdown, html = both(long(2), long(4))

    assert "Not shown as code: it is too large to be shown as code.\n" in markdown
    assert "it is too large to be shown as code.</p>" in html
