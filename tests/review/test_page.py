"""The page, in a real browser: nothing of data acts, and everybody can use it."""

from __future__ import annotations

import re

import pytest
from attrs import evolve

from flow64 import RawBlock
from flow64.blocks import LeadEnrichment, OutgoingWebhook
from flow64.diff import BlockRef, Unmanaged
from flow64.plan import Rename, Review
from flow64.render.review import Pair, as_html, review_of_diff
from tests.review.support import (
    CHANGES,
    SENIORITY,
    TITLE,
    branch_inserted,
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
def look(tab, tmp_path):
    """Open a page; what it complains of and asks for is kept."""

    def opened(html, **more):
        file = tmp_path / "review.html"
        file.write_text(html, "utf-8")
        page = tab(**more)
        page.goto(file.as_uri())
        return page

    return opened


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


@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "light"), (768, "light"), (1280, "dark")]
)
@pytest.mark.parametrize("name", ["branch_inserted", "forty_variants", "wide_and_tall"])
def test_axe(look, name, width, scheme):
    """Axe finds nothing: names, roles, order of headings, contrast in both schemes.

    No colour depends on the width.
    """
    from axe_playwright_python.sync_playwright import Axe

    html = as_html({**CHANGES, "wide_and_tall": wide_and_tall}[name]())
    page = look(html, color_scheme=scheme, bypass_csp=True, width=width)
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
        "all = 0; for (let e = h.nextElementSibling; e && e.matches('.change, .like'); "
        "e = e.nextElementSibling) if (e.className == 'change') "
        "{ all++; n += !!e.querySelector('h4 a'); } "
        "return [n, all]; })"
    )

    assert lists == [[1, 1], [2, 2], [1, 2]]  # a title is in no graph


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
        "#next",
        "#block-X",
        "summary",
        "summary",
        "body",
        "#main",
    ]


def test_focus_is_seen(look):
    """What has the focus has an outline."""
    page = look(as_html(field_added()))
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")

    assert outline == "3px"


CUT = """[...document.querySelectorAll('body *')].filter(one =>
  !one.closest('.hidden, .skip, nav h2') && one.getClientRects().length &&
  (one.getBoundingClientRect().right > innerWidth + 1 ||
   one.getBoundingClientRect().left < -1 ||
   (getComputedStyle(one).overflowX != 'visible' &&
    one.scrollWidth > one.clientWidth + 1))
).map(one => one.outerHTML.slice(0, 200))"""
"""What is cut, or has to be scrolled sideways."""


def wide_and_tall():
    """A graph wider than a screen, and one that is higher than it."""
    url = "https://x.example/"
    fan = [OutgoingWebhook(url=url, key=f"hook{n}") for n in range(12)]
    chain = leads()
    for number in range(40):
        chain = chain >> RawBlock("step", key=f"step{number}")
    return review_of_diff(
        [
            pair(None, workflow(leads() >> fan), "wide"),
            pair(workflow(chain), workflow(chain >> crm(), title="Tall"), "tall"),
        ]
    )


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
@pytest.mark.parametrize("review", [forty_variants, branch_inserted, wide_and_tall])
def test_nothing_is_cut(look, review, width):
    """It fits, on a small screen too, and so do its graphs."""
    page = look(as_html(review()), width=width)

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CUT) == []


def test_graph_in_full_size(look):
    """A graph that is made small to fit can be shown as it is."""
    page = look(as_html(wide_and_tall()))
    size = "document.querySelector('#graph-2 svg').getBoundingClientRect()"
    small = page.evaluate(f"({size}).width")
    page.check("#full-2")

    assert small < page.evaluate(f"({size}).width")


@pytest.mark.parametrize("width", [390, 1280])
def test_changes_come_before_the_graph(look, width):
    """What was edited and would change is read first, and the graph comes below."""
    page = look(as_html(forty_variants()), width=width)
    places = ("#g1 .change", "#g1 figure", "#g2", "#g3", "#next li")
    tops = [page.locator(place).first.bounding_box()["y"] for place in places]

    assert tops == sorted(tops)
    wide = look(as_html(wide_and_tall()), width=width)
    assert wide.evaluate(
        "document.querySelector('.wide .facts').getBoundingClientRect().top < "
        "document.querySelector('.wide figure').getBoundingClientRect().top"
    )


def test_same_changes_are_shown_once(look):
    """A group that is like another one shows its differences, and leads to it."""
    other = {"phone": "Direct phone number"}
    page = look(
        as_html(
            review_of_diff(
                pair(
                    workflow(leads() >> LeadEnrichment(return_fields=TITLE), key),
                    workflow(leads() >> LeadEnrichment(return_fields=fields), key),
                    key,
                )
                for key, more in (("a/1", {}), ("a/2", {}), ("a/3", other))
                for fields in [{**TITLE, **SENIORITY, **more}]
            )
        )
    )
    words = page.inner_text("#g2 .what-changes")

    assert "The same as 2 of a/*, and also:" in words
    assert "seniority" not in words
    page.click("#g2 .like a")
    assert "seniority" in page.inner_text(":target")


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
    """What stops the deploy is on the first screen, and leads to what is asked."""
    page = look(as_html(forty_variants()))

    assert "2 of them were also edited on the service" in page.inner_text(".what")
    assert page.locator(".asked").bounding_box()["y"] < 900
    page.click(".asked a")
    assert "--force regional/fr --force" in page.inner_text(":target")


# -- What has no room, and what is seldom ----------------------------------------------


def test_graphs_have_room(monkeypatch):
    """Of very many blocks not all are drawn, which is said."""
    monkeypatch.setattr("flow64.render.review._page.MOST_BLOCKS", 4)
    html = as_html(forty_variants())

    assert html.count("<svg") == 1
    assert "Not shown here, for lack of space: 2 graphs." in html


def test_lines_have_room(monkeypatch):
    """Of very many lines not all are shown, which is said."""
    monkeypatch.setattr("flow64.render.review._page_changes.MOST_LINES", 3)
    ref = BlockRef("11111111-1111-4111-8111-111111111111", "x", "x")
    other = evolve(ref, id="21111111-1111-4111-8111-111111111111")
    changes = [Unmanaged(one, (str(n),), n, 1) for one in (ref, other) for n in "abc"]
    made = step("x", "update", action="update", changes=tuple(changes))
    html = as_html(Review("plan", [made]))

    assert html.count(" is not managed") == 3 + 3  # three in the first lines
    assert "for lack of space: 3 lines of changes." in html


def test_page_has_room(monkeypatch):
    """Nor do many workflows make a page without end."""
    monkeypatch.setattr("flow64.render.review._page.ALL_LINES", 3)
    html = as_html(forty_variants())

    assert html.count('<ul class="lines">') == 2
    assert "for lack of space: 7 lines of changes." in html


def test_nothing():
    made = workflow(leads()).compile()
    html = as_html(review_of_diff([Pair("a", made, made)]))

    assert "<dt>What changes</dt><dd><p>nothing (1 of 1 unchanged)</p></dd>" in html
    assert "<p>Nothing has to be deployed.</p>" in html
    assert "<nav" not in html


def test_wide():
    """A wide graph has the whole width."""
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

    assert "Correct the pin, or remove it" in text
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
