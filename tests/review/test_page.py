"""The page, in a real browser: nothing of data acts, and everybody can use it."""

from __future__ import annotations

import re

import pytest
from attrs import evolve

from flow64.blocks import OutgoingWebhook
from flow64.diff import BlockRef, Unmanaged
from flow64.plan import Rename, Review
from flow64.render.review import Pair, as_html, review_of_diff
from tests.review.support import (
    CHANGES,
    crm,
    field_added,
    forty_variants,
    hostile,
    hostile_plan,
    leads,
    pair,
    read,
    step,
    workflow,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def look(browser, tmp_path):
    """Open a page; what it complains of and asks for is kept."""
    contexts = []

    def opened(html, *, width=1280, height=900, **more):
        file = tmp_path / "review.html"
        file.write_text(html, "utf-8")
        viewport = {"width": width, "height": height}
        context = browser.new_context(viewport=viewport, **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(8_000)
        page.complaints, page.asked = [], []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("review", [hostile, hostile_plan])
def test_nothing_acts(look, review):
    """No script of data runs, no markup of it is made, no request leaves (I9)."""
    html = as_html(review())
    page = look(html)

    assert page.evaluate("window.obeyed") is None
    assert page.asked == [page.url]
    assert page.complaints == []
    made = page.evaluate("[...new Set([...document.all].map(one => one.localName))]")
    assert {"script", "img", "base", "iframe", "textarea", "link"}.isdisjoint(made)
    links = page.evaluate("[...document.querySelectorAll('a')].map(a => "
                          "a.getAttribute('href'))")  # fmt: skip
    assert [link for link in links if not link.startswith("#")] == []
    assert [c for c in html if not c.isprintable() and c != "\n"] == []


def test_policy_holds(look):
    """Were there a script after all, the browser would not run it."""
    html = as_html(field_added()).replace(
        "<main", "<script>window.obeyed=1</script><img src='https://x.example/'><main"
    )
    page = look(html)

    assert page.evaluate("window.obeyed") is None
    assert "Content Security Policy" in page.complaints[0]
    assert page.evaluate("document.images[0].naturalWidth") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["branch_inserted", "forty_variants"])
def test_axe(look, name, scheme):
    """Axe finds nothing: names, roles, order of headings, contrast in both schemes."""
    from axe_playwright_python.sync_playwright import Axe

    page = look(as_html(CHANGES[name]()), color_scheme=scheme, bypass_csp=True)
    found = Axe().run(page)

    assert found.response["passes"]
    assert found.response["violations"] == []


@pytest.mark.parametrize("name", CHANGES)
def test_links_lead_somewhere(look, name):
    """Each link is to one place of the page, and all places are named once."""
    page = look(as_html(CHANGES[name]()))
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    links = page.evaluate("[...document.querySelectorAll('a')].map(a => "
                          "a.getAttribute('href').slice(1))")  # fmt: skip

    assert len(ids) == len(set(ids))
    assert set(links) <= set(ids)


def test_from_graph_to_change_and_back(look):
    """A changed block leads to its change, and the change to its block."""
    page = look(as_html(CHANGES["branch_inserted"]()))
    page.click("#graph-1 a.added")
    change = page.locator(".change:target")

    assert "find_phone" in change.locator("h4").inner_text()
    change.locator("h4 a").click()
    assert page.locator("#graph-1 :target").get_attribute("class") == "block added"


def test_every_change_is_reachable(look):
    """Each list of changes of a drawn workflow leads to the graph."""
    page = look(as_html(forty_variants()))
    lists = page.evaluate(
        "[...document.querySelectorAll('h3')].filter(h => "
        "/^What changes|^The code would/.test(h.textContent)).map(h => { let n = 0, "
        "all = 0; for (let e = h.nextElementSibling; e && e.className == 'change'; "
        "e = e.nextElementSibling) { all++; n += !!e.querySelector('h4 a'); } "
        "return [n, all]; })"
    )

    assert lists == [[2, 2], [2, 2], [1, 1]]


def test_edges_are_reachable(look):
    """The ends of edges that changed lead to these, where nothing else changed."""
    page = look(as_html(CHANGES["branch_inserted"]()))
    page.click("#graph-1 a[aria-label^=lead_enrichment]")

    assert "edges" in page.locator(".change:target h4").inner_text()


def test_keyboard(look):
    """What can be used is reached in the order in which it is read."""
    page = look(as_html(field_added()))
    seen = []
    called = "e => e.getAttribute('href') || e.className || e.localName"
    for _ in range(7):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(f"({called})(document.activeElement)"))

    ref = re.compile(r"-1-[0-9a-f-]+")
    assert [ref.sub("-X", one) for one in seen] == [
        "#main",
        "#g1",
        "#block-X",
        "summary",
        "graph",
        "#change-X",
        "body",
    ]


def test_focus_is_seen(look):
    """What has the focus has an outline."""
    page = look(as_html(field_added()))
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")

    assert outline == "3px"


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_no_sideways_scroll(look, width):
    """It fits, on a small screen too; wide graphs scroll by themselves."""
    page = look(as_html(forty_variants()), width=width)

    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", CHANGES)
def test_signs_beside_colours(look, name):
    """What is told by colour is told by a sign, and by a word for who hears it."""
    page = look(as_html(CHANGES[name]()))
    rows = page.evaluate(
        "[...document.querySelectorAll('.lines li')].map(l => [l.className.split(' ')"
        "[0], ...[...l.querySelectorAll('.s span')].map(s => s.textContent)])"
    )

    assert {tuple(row) for row in rows} <= {
        ("add", "+", "added"),
        ("gone", "-", "removed"),
        ("other", "~", "changed"),
    }


def test_stop_comes_first(look):
    """What stops the deploy is on the first screen, with the ways on."""
    page = look(as_html(forty_variants()))

    assert "2 are in conflict and stop the deploy" in page.inner_text(".what")
    box = page.locator(".ways").first.bounding_box()
    assert box["y"] + box["height"] < 900


# -- What has no room, and what is seldom ----------------------------------------------


def test_graphs_have_room(monkeypatch):
    """Of very many blocks not all are drawn, which is said."""
    monkeypatch.setattr("flow64.render.review._page.MOST_BLOCKS", 4)
    html = as_html(forty_variants())

    assert html.count("<svg") == 1
    assert "Not shown here, for lack of space: 2 graphs." in html


def test_lines_have_room(monkeypatch):
    """Of very many lines not all are shown, which is said."""
    monkeypatch.setattr("flow64.render.review._page.MOST_LINES", 3)
    ref = BlockRef("11111111-1111-4111-8111-111111111111", "x", "x")
    other = evolve(ref, id="21111111-1111-4111-8111-111111111111")
    changes = [Unmanaged(one, (str(n),), n, 1) for one in (ref, other) for n in "abc"]
    made = step("x", "update", action="update", changes=tuple(changes))
    html = as_html(Review("plan", [made]))

    assert html.count(" is not managed") == 3
    assert "for lack of space: 3 lines of changes." in html


def test_page_has_room(monkeypatch):
    """Nor do many workflows make a page without end."""
    monkeypatch.setattr("flow64.render.review._page.ALL_LINES", 3)
    html = as_html(forty_variants())

    assert html.count('<ul class="lines">') == 3
    assert "for lack of space: 8 lines of changes." in html


def test_nothing():
    made = workflow(leads()).compile()
    html = as_html(review_of_diff([Pair("a", made, made)]))

    assert '<p class="what">Nothing changes</p>' in html
    assert "Nothing here needs a decision." in html
    assert "<nav" not in html


def test_wide():
    """A large graph has the whole width, above the changes."""
    url = "https://x.example/"
    fan = [OutgoingWebhook(url=url, key=f"hook{n}") for n in range(9)]
    html = as_html(review_of_diff([pair(None, workflow(leads() >> fan))]))

    assert '<div class="cols wide">' in html


def test_what_a_plan_has(look):
    """Ways on without an option, renames, doubts, work in progress."""
    absent = step("a", "absent", action="refuse", runs=None, schedules=None)
    review = Review(
        "plan", [absent], renames=(Rename("n", "o", "id"), Rename("p", "q", "id", "q"))
    )
    text = look(as_html(review)).inner_text("body")

    assert "correct the pin, or take it away" in text
    assert "Not checked\nschedules\n" in text
    assert "o → n\n" in text
    assert 'q → p: was="q" keeps its ids' in text


def test_block_beside_the_graph():
    """A change of a block that no side has is told, and leads to the graph."""
    (before, after) = (read(workflow(leads() >> crm(path))) for path in "ab")
    review = review_of_diff([Pair("a", before, after)])
    (one,) = review.workflows
    stranger = BlockRef("99999999-1111-4111-8111-111111111111", "x", "x")
    more = (*one.changes, Unmanaged(stranger, ("a",), 1, 2))
    html = as_html(evolve(review, workflows=[evolve(one, changes=more)]))

    assert "block x</span>" not in html
    assert '>to the graph<span class="hidden"> (block x)</span>' in html
