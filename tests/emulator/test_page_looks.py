"""How the page looks with forty workflows: what fits, scrolls, and can be read."""

from __future__ import annotations

import json
import re
from pathlib import Path
from uuid import uuid4

import pytest

from flow64.emulator import Emulator, Switches
from tests.emulator.fleet import KEYS, PEOPLE, REGIONS, deploy_fleet, run_in
from tests.emulator.pages import PAGE, SECTIONS, connected, go, until
from tests.emulator.support import WEBHOOK, block, body, create, start

pytestmark = pytest.mark.slow

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.json"))

SIZES = {390: 844, 768: 1024, 1280: 900}
"""Each width, and the height that goes with it."""


@pytest.fixture(scope="module")
def emulator():
    with Emulator() as served:
        yield served


@pytest.fixture(scope="module")
def client(emulator):
    with connected(emulator, KEYS["prod"]) as made:
        yield made


@pytest.fixture(scope="module")
def fleet(emulator):
    return deploy_fleet(emulator, REGIONS)


@pytest.fixture(scope="module")
def places(emulator, client, fleet):
    """The addresses of all kinds of views: with runs that ended, failed and go on."""
    done = run_in(emulator, "prod", fleet["prod", "us"])
    emulator.fail_block("find_email", "no credits are left")
    failed = run_in(emulator, "staging", fleet["staging", "uk"])
    emulator.fail_block("find_email", None)
    schedule = {"name": "Mornings", "cron_expression": "0 9 * * *", "timezone": "UTC"}
    reply = client.post(
        "/schedules", json={**schedule, "workflow_id": fleet["prod", "us"]}
    )
    assert reply.status_code == 201, reply.text
    emulator.switches = Switches(speed=60)
    running = start(client, fleet["prod", "de"], PEOPLE).json()["job_id"]
    (notebook, *_) = client.get(f"{PAGE}/notebooks").json()["items"]
    return [
        *SECTIONS,
        f"workflow/{fleet['prod', 'us']}",
        f"run/{done}",
        f"run/{failed}",
        f"run/{running}",
        f"notebook/{notebook['id'].replace('/', '%2F')}",
        "run/none",
    ]


CUT = """() => [...document.querySelectorAll('body *')].filter(element => {
  const style = getComputedStyle(element);
  const isOther = element.closest('.hidden, .rows, svg, [data-more]');
  if (isOther || !element.clientWidth) return false;
  return style.overflowX !== 'visible' && element.scrollWidth > element.clientWidth + 1;
}).map(element => element.outerHTML.slice(0, 200))"""
"""Elements that are wider than what is seen of them, and do not scroll."""

BEYOND = """(all, width) => all.map(e => [e.getBoundingClientRect(), e.outerHTML])
  .filter(([box]) => box.right > width + 1 || box.left < 0).map(([, html]) => html)"""
"""Elements that reach over the edge of the window."""


@pytest.fixture(scope="module", params=[(390, "light"), (768, None), (1280, "dark")])
def views(tab, emulator, places, request):
    """What each view shows in a width: each is opened once, since that takes long.

    Axe judges it in one of the two schemes of colours, if one is given.
    """
    from axe_playwright_python.sync_playwright import Axe

    width, scheme = request.param
    wishes = {"color_scheme": scheme} if scheme else {}
    page = tab(width, SIZES[width], bypass_csp=True, **wishes)
    page.goto(emulator.url)
    seen = {}
    for place in places:
        go(page, place)
        page.wait_for_timeout(200)
        whole = page.evaluate("document.documentElement.scrollWidth")
        boxes = "header a, main h1, main button, main input, .list td, .list th"
        seen[place] = {
            "text": page.inner_text("main"),
            "overflow": whole - width,
            "cut": page.evaluate(CUT),
            "beyond": page.eval_on_selector_all(boxes, BEYOND, width),
            "wrong": list(judged(Axe().run(page).response)) if scheme else [],
        }
    return seen


def judged(found):
    assert found["passes"]
    for one in found["violations"]:
        yield one["id"], [node["html"][:200] for node in one["nodes"]]


# -- Graphs ---------------------------------------------------------------------------

HIDDEN = """() => {
  const box = document.querySelector('.graph'), outer = box.getBoundingClientRect();
  return [...box.querySelectorAll('.node')].filter(node => {
    const shape = node.querySelector('.shape');
    const {left, right, top, bottom} = shape.getBoundingClientRect();
    return left < outer.left || right > outer.left + box.clientWidth
      || top < outer.top || bottom > outer.top + box.clientHeight;
  }).map(node => node.querySelector('.kind').textContent);
}"""
"""The blocks that can be seen in part or not at all, without scrolling."""


@pytest.mark.parametrize("width", SIZES)
def test_seven_blocks_with_two_sinks_fit(look, fleet, width):
    page = look(f"workflow/{fleet['prod', 'us']}", width=width, height=SIZES[width])
    page.wait_for_selector(".node")

    assert page.locator(".node").count() == 7
    assert page.evaluate(HIDDEN) == []
    assert page.get_attribute(".graph", "data-more") == ""


@pytest.mark.parametrize("width", SIZES)
def test_graphs_open_on_a_block_that_can_be_seen(look, client, width):
    """An example fits, or it begins at full size with the block that is described."""
    page, fitting = look(width=width, height=SIZES[width]), []

    for path in EXAMPLES:
        data = json.loads(path.read_text("utf-8"))
        one = data[0] if isinstance(data, list) else data
        if "flow64:value" in json.dumps(one):
            continue  # not bound yet: no service would take it
        made = create(client, {**one, "id": str(uuid4())})
        go(page, f"workflow/{made}", "[aria-label='About the block']")
        hidden = page.evaluate(HIDDEN)
        fitting.append(not hidden)
        chosen = page.text_content(".node[aria-pressed=true] .kind")
        assert chosen not in hidden, path.name
        client.delete("/workflows/delete_workflow", params={"workflow_id": made})

    assert sum(fitting) > len(fitting) / 2


def long_chain(client, count=40):
    blocks = [WEBHOOK, *(block("deduplicate", n) for n in range(2, count + 1))]
    return create(client, {**body(*blocks, name="A long one"), "id": str(uuid4())})


def test_large_graph_begins_at_full_size_and_can_be_shown_whole(look, client):
    page = look(f"workflow/{long_chain(client)}/20")
    page.wait_for_selector(".node")
    size = "document.querySelector('.node .shape').getBoundingClientRect().width"

    assert page.evaluate(size) > 180
    assert "deduplicate #21" not in page.evaluate(HIDDEN)
    page.click("text=Show the whole graph")
    assert page.evaluate(HIDDEN) == []
    page.click("text=Show at full size")
    assert page.evaluate(size) > 180
    assert "deduplicate #21" not in page.evaluate(HIDDEN)


def test_graph_turns_with_the_window(look, fleet):
    """It runs from left to right if that is large enough, or else downwards."""
    page = look(f"workflow/{fleet['prod', 'us']}")
    page.wait_for_selector(".node")
    spread = """[...'xy'].map(side =>
      new Set([...document.querySelectorAll('.node .shape')]
        .map(shape => Math.round(shape.getBoundingClientRect()[side]))).size)"""

    assert page.evaluate(spread) == [6, 3]
    page.set_viewport_size({"width": 390, "height": 844})
    until(page, f"JSON.stringify({spread}) === '[3,6]'")
    assert page.evaluate(HIDDEN) == []


def test_places_come_from_the_emulator(client, fleet):
    """Both layouts are computed once, by the room that computes every picture."""
    query = {"workflow_id": fleet["prod", "us"]}
    graph = client.get(f"{PAGE}/graph", params=query).json()
    across, down = graph["layouts"]["across"], graph["layouts"]["down"]

    assert [len(across[name]) for name in ("places", "paths")] == [7, 7 - 1]
    assert len({x for x, _ in across["places"]}) == 6
    assert len({y for _, y in down["places"]}) == 6
    script = (Path(__file__).parents[2] / "src/flow64/emulator/_page.html").read_text()
    assert not re.search(r"barycent|sweep", script, re.IGNORECASE)


# -- Lists ----------------------------------------------------------------------------


def list_of(page):
    return page.locator(".list .name").all_text_contents()


def test_search_narrows_a_list_while_one_types(look, client, fleet):
    total = client.get(f"{PAGE}/workflows").json()["total"]
    page = look("workflows")
    page.wait_for_selector(".list")
    assert page.text_content("[role=status]:not(#live)") == f"{total} workflows"
    assert total >= len(fleet)

    page.focus("input[type=search]")
    page.keyboard.type("jp prod")
    until(page, "document.querySelectorAll('.list tbody tr').length === 1")

    assert list_of(page) == ["Enrich inbound leads JP"]
    assert page.evaluate("document.activeElement.type") == "search"
    assert "1 of " in page.text_content("[role=status]:not(#live)")
    page.reload()  # the search is in the address
    page.wait_for_selector(".list")
    assert page.input_value("input[type=search]") == "jp prod"
    assert list_of(page) == ["Enrich inbound leads JP"]
    page.fill("input[type=search]", "nothing of that kind")
    page.wait_for_selector(".empty")
    assert "Nothing found" in page.text_content("main")


def test_heads_of_columns_sort_a_list(look, fleet):
    assert fleet
    page = look("workflows/name/0/enrich")
    page.wait_for_selector("[aria-sort=ascending]")
    rising = list_of(page)

    page.focus(".sort >> nth=0")
    page.keyboard.press("Enter")
    page.wait_for_selector("th[aria-sort=descending]:has-text('Name')")
    assert list_of(page) == sorted(rising, reverse=True)
    assert page.evaluate("document.activeElement.className") == "sort"
    page.click("text=Changed")
    page.wait_for_selector("th[aria-sort=descending]:has-text('Changed')")
    page.go_back()
    page.wait_for_selector("th[aria-sort=descending]:has-text('Name')")


def test_hundreds_of_workflows_stay_usable(look):
    """A line each, fifty at a time, and found at once."""
    with Emulator() as large, connected(large) as client:
        for number in range(300):
            create(
                client, body(WEBHOOK, name=f"Workflow w{number:03}", id=str(uuid4()))
            )
        page = look("workflows", url=large.url)
        page.wait_for_selector(".list")
        height = page.locator(".list tbody tr >> nth=5").bounding_box()["height"]
        page.click("text=Next")
        until(page, "document.querySelector('.name').textContent === 'Workflow w050'")
        words = page.text_content(".pager")
        page.fill("input[type=search]", "w271")  # no id has a w
        until(page, "document.querySelectorAll('.list tbody tr').length === 1")

        assert height < 34
        assert words.startswith("51 to 100 of 300")
        assert list_of(page) == ["Workflow w271"]


def test_environments_are_named(look, fleet):
    assert fleet
    page = look("workflows")
    page.wait_for_selector(".list")

    assert {*page.locator(".list .env").all_text_contents()} == {"prod", "staging"}


# -- Words ----------------------------------------------------------------------------


def test_words_are_readable(views):
    """No view shows a word of Python, a member's name as a label, or a hash."""
    for place, view in views.items():
        text = view["text"]
        assert not re.search(r"\b(True|False|None|undefined|NaN)\b", text), place
        assert "[object" not in text, place
        assert not re.search(r"org_[0-9a-f]{16}", text), place


def test_block_says_where_its_rows_come_from(look, fleet):
    page = look(f"workflow/{fleet['prod', 'us']}/1")
    page.wait_for_selector("[aria-label='About the block'] dl")
    words = page.inner_text("[aria-label='About the block'] dl").split("\n")

    said = dict(zip(words[::2], words[1::2], strict=True))
    assert said["Role"] == "step: changes rows"
    assert said["Input from"] == "webhook"
    assert said["Takes"] == "LEAD rows"
    assert said["At the service"] == "costs credits in each run"
    assert "fed by" not in said


def test_newcomer_reads_what_it_is_and_what_to_do_first(look):
    with Emulator() as empty:
        page = look(url=empty.url)
        page.wait_for_selector(".steps")
        notice, steps = page.inner_text("header"), page.inner_text(".steps")

        assert "not the Sixtyfour service" in notice
        assert "spends nothing" in notice
        assert f'endpoint = "{empty.url}"' in steps
        assert "flow64 deploy -e local" in steps
        assert "flow64 run " in steps


# -- Nothing is cut -------------------------------------------------------------------


def test_nothing_is_cut(views):
    for place, view in views.items():
        assert view["overflow"] == 0, place
        assert view["cut"] == [], place
        assert view["beyond"] == [], place


def test_what_scrolls_says_so(look, client):
    """It fades at the sides where there is more, and only there."""
    page = look(f"workflow/{long_chain(client)}")
    page.wait_for_selector(".graph[data-more~=right]")
    fades = "[...'lr'].map((_, n) => getComputedStyle(document.querySelector('.graph'))"
    fades += ".getPropertyValue(['--left', '--right'][n]) !== '0px')"

    assert page.get_attribute(".graph", "data-more") == "right"
    assert page.evaluate(fades) == [False, True]
    page.evaluate("document.querySelector('.graph').scrollTo(1e6, 0)")
    page.wait_for_selector(".graph[data-more=left]")
    assert page.evaluate(fades) == [True, False]
    assert "gradient" in page.eval_on_selector(
        ".graph", "e => getComputedStyle(e).mask"
    )
    page.click("text=Show the whole graph")
    page.wait_for_selector(".graph[data-more='']")


def test_table_of_many_columns_says_that_it_scrolls(look, places):
    page = look(places[len(SECTIONS) + 1], width=390, height=844)
    page.wait_for_selector(".scroll[data-more~=right]")

    assert page.locator(".scroll").get_attribute("data-more") == "right"


# -- For everybody --------------------------------------------------------------------


def test_axe(views):
    """Axe finds nothing in any view, on a phone in light and on a desk in dark."""
    assert [wrong for view in views.values() for wrong in view["wrong"]] == []


def test_list_is_reached_by_keyboard(look, fleet):
    """Tab reaches search, heads and rows; arrows move, and Enter opens one."""
    assert fleet
    page = look("workflows")
    page.wait_for_selector(".list")
    focus = "document.activeElement"

    stops = []
    while not page.evaluate(f"{focus}.matches('.name')"):
        page.keyboard.press("Tab")
        stops.append(page.evaluate(f"{focus}.className || {focus}.type"))
        assert len(stops) < 40
    assert stops[-7:] == ["search", *["sort"] * 5, "name"]
    page.keyboard.press("ArrowDown")
    assert page.evaluate(f"{focus}.matches('tr:nth-child(2) .name')")
    outline = "getComputedStyle(document.activeElement, '::after').outlineStyle"
    assert page.evaluate(outline) == "solid"
    page.keyboard.press("Enter")
    page.wait_for_selector(".node")
