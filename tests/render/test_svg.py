"""SVG: what stands in it, whom it can harm, and how it looks in a real browser."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings

from flow64 import COMPANY, RawBlock, Workflow
from flow64.blocks import CompanyToLeads, Deduplicate, FindEmail, Webhook
from flow64.definition import Definition, Edge
from flow64.render import (
    draw_graph,
    draw_svg,
    draw_svg_changes,
    graph_between,
    graph_of,
    make_anchors,
)
from tests.render.pairs import HOSTILE, PAIRS, contacts, harm, hostile, wired
from tests.strategies import wire_definitions

NAMESPACE = "{http://www.w3.org/2000/svg}"

KNOWN = {
    "title", "desc", "style", "g", "a", "svg", "rect", "circle", "path", "text",
}  # fmt: skip
ATTRIBUTES = {
    "class", "role", "width", "height", "viewBox", "x", "y", "rx", "cx", "cy", "r",
    "d", "transform", "id", "href", "aria-label",
}  # fmt: skip


def parsed(picture):
    """The elements of a picture; nothing but what we draw with is among them."""
    root = ET.fromstring(picture)
    for element in root.iter():
        assert element.tag.removeprefix(NAMESPACE) in KNOWN
        assert set(element.attrib) <= ATTRIBUTES
        assert element.attrib.get("href", "#").startswith("#")
    return root


def words(root):
    """All texts that are seen."""
    return ["".join(element.itertext()) for element in root.iter(f"{NAMESPACE}text")]


def titles(root, style):
    """What is told of the elements of a class."""
    return [
        element.findtext(f"{NAMESPACE}title")
        for element in root.iter()
        if style in element.attrib.get("class", "").split()
    ]


def test_alone():
    """A picture has its title, its counts, its blocks, and what signs mean."""
    root = parsed(draw_svg(contacts(FindEmail(key="mail"))))

    assert root.attrib["role"] == "img"
    assert root.findtext(f"{NAMESPACE}title") == "Contacts"
    assert root.findtext(f"{NAMESPACE}desc") == "2 blocks, 1 edge"
    assert words(root) == [
        "Contacts", "2 blocks, 1 edge", "LEAD", "webhook", "mail", "find_email", "$",
        "$", "spends",
    ]  # fmt: skip
    assert titles(root, "block") == [
        "webhook; gives LEAD rows",
        "mail (find_email); gives LEAD rows; costs credits in each run",
    ]
    assert titles(root, "edge") == ["webhook → mail: LEAD rows"]


def test_without_heading():
    """A page that has the title already leaves it out."""
    with_it, without = (
        draw_svg(contacts(FindEmail()), has_heading=has) for has in (1, 0)
    )

    assert 'class="title"' in with_it
    assert 'class="title"' not in without
    assert "<title>Contacts</title>" in without


def test_row_kinds():
    """The kind of rows is told where it changes, and nowhere else."""
    flow = Webhook(COMPANY) >> Deduplicate() >> CompanyToLeads() >> FindEmail()

    root = parsed(draw_svg(Workflow("w", flow).compile()))

    assert [text for text in words(root) if text.isupper()] == ["COMPANY", "LEAD"]


def test_shapes():
    """Roles have shapes: round, pointed, with a foot, with double sides."""
    chain = Webhook(COMPANY) >> CompanyToLeads() >> RawBlock("odd")

    picture = draw_svg(Workflow("w", chain).compile())

    assert picture.count('class="side"') == 1
    assert len(re.findall(r'<path class="box"', picture)) == 1
    assert draw_svg(PAIRS["field_added"][0]).count('class="foot"') == 1


def test_marks():
    """A mark is a sign, a class with lines of its own, and words."""
    picture = draw_svg_changes(*PAIRS["step_moved"])
    root = parsed(picture)

    assert [t for t in words(root) if t in {"+", "\N{MINUS SIGN}", "~", ">", "~>"}] == [
        "~>", "~", "\N{MINUS SIGN}", "+", "+", "\N{MINUS SIGN}", "~", ">",
    ]  # fmt: skip
    assert titles(root, "changed")[:2] == [
        (
            "find_email; changed and moved; +mode; gives LEAD rows; costs credits in "
            "each run"
        ),
        (
            "unique (deduplicate); changed; was deduplicate; has another id; "
            "gives LEAD rows"
        ),
    ]
    assert "1 added" in words(root)
    assert "5 edges removed" in words(root)
    assert ".removed .box" in picture
    assert "~&gt; find_email; ~ unique; - find_phone" in picture


def test_condition():
    """An edge with another condition says so."""
    root = parsed(draw_svg_changes(wired((0, 1)), wired((0, 1, "x"))))

    assert titles(root, "edge") == [
        "deduplicate b0 → deduplicate b1 (another condition)"
    ]
    assert words(root)[-1] == "1 edge changed"


def test_nothing_changed():
    """Where nothing differs it is said."""
    definition = contacts(FindEmail())

    assert "2 blocks, 1 edge, nothing changed" in draw_svg_changes(
        definition, definition
    )


def test_many_fields():
    """Of many fields some are named in the block, all in its title."""
    before = wired(count=1, specs={f"f{i}": i for i in range(6)})

    root = parsed(draw_svg_changes(before, wired(count=1)))

    assert words(root)[2:7] == ["deduplicate", "-f0", "-f1", "-f2", "and 3 more"]
    assert "-f5" in titles(root, "block")[0]


def test_edges_to_nowhere():
    """An edge that names no block is told."""
    lost = Definition("w", "", wired(count=1).blocks, (Edge("b0", "gone"),))

    assert "1 to a block that is not there" in draw_svg(lost)


def test_scopes():
    """A scope is a frame where it stands free, else a line of the labels."""
    framed = (Deduplicate() >> FindEmail().scoped("deep")).scoped("work")
    crossed = [
        (Deduplicate(key="a") >> Deduplicate(key="b")).scoped("s"),
        Deduplicate(key="c")
        >> Deduplicate(key="d").scoped("s")
        >> Deduplicate(key="e"),
    ]

    with_frame = parsed(draw_svg(contacts(framed)))
    without = parsed(
        draw_svg(contacts(Deduplicate(), Deduplicate(key="x").scoped("s"), crossed))
    )

    assert titles(with_frame, "frame") == ["work"]
    assert "deep/" in words(with_frame)
    assert "work/deduplicate" in titles(with_frame, "block")[1]
    assert titles(without, "frame") == []
    assert words(without).count("s/") == 4


def test_links():
    """On a page blocks lead to places of it, and have names that pictures share."""
    pair = PAIRS["field_added"]
    graph = graph_between(*pair)
    names = make_anchors(graph)

    def linked(node):
        return None if node.mark == "unchanged" else f"change of {node.id}"

    root = parsed(draw_graph(graph, linked=linked, prefix="w1-"))

    links = [*root.iter(f"{NAMESPACE}a")]
    changed = graph.nodes[1]
    assert root.attrib["role"] == "group"
    assert [
        element.attrib["id"] for element in root.iter() if "id" in element.attrib
    ] == [f"block-w1-{name}" for name in names]
    assert [link.attrib["href"] for link in links] == [f"#change%20of%20{changed.id}"]
    assert links[0].attrib["aria-label"].startswith("lead_enrichment; changed")


def test_anchors():
    """Names are safe, stay the same, and no two blocks of a graph have one."""
    twice = Definition("w", "", wired(count=1).blocks * 2, ())
    odd = wired(count=1).blocks[0]._replace(id='"><script>')

    assert make_anchors(graph_of(twice)) == ["b0", "b0_2"]
    assert make_anchors(graph_of(Definition("w", "", (odd,), ()))) == [
        "554299e9841f0bf7"
    ]


def test_long_names():
    """Long names are cut in the picture, and whole in what is told of it."""
    name = "n" * 99

    root = parsed(draw_svg(contacts(Deduplicate(key=name))))

    assert f"{'n' * 29}…" in words(root)
    assert any(name in title for title in titles(root, "block"))
    assert int(root.attrib["width"]) < 500


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_stay_names(name):
    """No name is more than text, and what would steer a reader is visible."""
    for made in (
        draw_svg(hostile(name)),
        draw_graph(graph_between(*harm(name)), linked=lambda _: name),
    ):
        root = parsed(made)

        assert all(line.isprintable() for line in made.split("\n"))
        assert all("\u202e" not in text for text in words(root))


@pytest.mark.slow
@settings(max_examples=20)
@given(wire_definitions(), wire_definitions())
def test_every_pair(before, after):
    """Whatever two definitions are, the picture is well-formed and has each block."""
    root = parsed(draw_svg_changes(before, after))

    assert len(titles(root, "block")) == len(graph_between(before, after).nodes)


LARGE = 2_000


def test_time():
    """A picture of a large graph takes no square time."""
    definition = wired(*[(i, i + 1) for i in range(LARGE)])

    started = time.process_time()
    size = len(draw_svg(definition))

    assert time.process_time() - started < 6
    assert size < 1_000 * LARGE


# -- In a browser ----------------------------------------------------------------------


@pytest.fixture
def page(tab):
    """A page that counts what it asks of the network."""
    return tab()


@pytest.mark.slow
def test_nothing_runs(page):
    """In a page no name of any picture runs, and nothing is asked of the network."""
    pictures = [
        picture
        for name in HOSTILE
        if "\ud800" not in name
        for picture in (draw_svg(hostile(name)), draw_svg_changes(*harm(name)))
    ]

    page.set_content("<!doctype html><body>" + "".join(pictures))

    assert page.evaluate("window.obeyed") is None
    assert page.locator("body > svg").count() == len(pictures)
    assert page.locator("script, img, foreignObject").count() == 0
    assert page.asked == []


@pytest.mark.slow
def test_text_is_inside(page):
    """Names are no wider than their blocks: our bound holds for a real font."""
    names = ["W" * 30, "i" * 30, "find_email", "Ünïcödé", "x.y-z/" * 4]
    page.set_content(draw_svg(contacts(*(Deduplicate(key=name) for name in names))))

    outside = page.evaluate(
        """() => [...document.querySelectorAll('.block')].filter(block => {
            const box = block.querySelector('.box').getBoundingClientRect();
            return [...block.querySelectorAll('.name, .small')].some(text => {
                const one = text.getBoundingClientRect();
                return one.left < box.left || one.right > box.right
                    || one.top < box.top || one.bottom > box.bottom;
            });
        }).length"""
    )
    assert outside == 0


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(page, scheme):
    """All text has the contrast that WCAG asks of small text, in light and in dark."""
    page.emulate_media(color_scheme=scheme)
    page.set_content(draw_svg_changes(*PAIRS["step_moved"]))

    ratios = page.evaluate(
        """() => {
            const light = colour => {
                const [r, g, b] = colour.match(/\\d+/g).map(part => part / 255).map(
                    part => part <= 0.03928 ? part / 12.92
                        : Math.pow((part + 0.055) / 1.055, 2.4));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const fill = element => getComputedStyle(element).fill;
            const paper = document.querySelector('.paper');
            return [...document.querySelectorAll('text')].map(text => {
                const block = text.closest('.block');
                const isSign = /sign/.test(text.getAttribute('class'));
                const behind = isSign ? text.previousElementSibling
                    : block ? block.querySelector('.box') : paper;
                const [one, two] = [light(fill(text)), light(fill(behind))]
                    .sort((a, b) => b - a);
                return (one + 0.05) / (two + 0.05);
            });
        }"""
    )
    assert min(ratios) >= 4.5


@pytest.mark.slow
def test_keyboard(page):
    """Links of blocks are reached by the keyboard, and it is seen where one is."""
    page.set_content(
        draw_graph(
            graph_between(*PAIRS["step_moved"]),
            linked=lambda node: f"change-{node.id}",
        )
    )

    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    width = page.evaluate(
        "getComputedStyle(document.activeElement.querySelector('.box')).strokeWidth"
    )

    assert focused.startswith("find_email; changed and moved")
    assert width == "4px"
