"""The page at `/`, in a real browser: it shows what is there, and obeys none of it."""

from __future__ import annotations

import json
import time
from itertools import combinations
from pathlib import Path
from uuid import uuid4

import pytest
from attrs import evolve

from flow64.definition import id_of
from flow64.emulator import GUESSES, Emulator, Fault, Switches
from flow64.http import httpx
from tests.emulator.pages import PAGE, SECTIONS, connected, go, ran, until
from tests.emulator.support import (
    EMAIL,
    LEADS,
    NO_CERTIFICATES,
    WEBHOOK,
    block,
    body,
    create,
    graph,
    start,
)

pytestmark = pytest.mark.slow


EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.json"))

HOSTILE = (
    "</script><script>window.obeyed=1</script><img src=x onerror=window.obeyed=1>"
    "\x1b[31m\u202egnp.exe\u2066 &lt; {{7*7}} ${7*7} '\"`"
)

NOTHING = "\u2013"

ROWS = [{"full_name": f"Person {n}", "company": f"Company {n}"} for n in range(60)]


@pytest.fixture(scope="module")
def emulator():
    with Emulator(api_keys={"key": "Acme", "other": "Globex"}) as served:
        yield served


@pytest.fixture(scope="module")
def client(emulator):
    with connected(emulator) as made:
        yield made


@pytest.fixture(scope="module")
def run_id(client):
    """A run that has ended, of three blocks and 60 rows."""
    return ran(client, LEADS, ROWS)


def rows_shown(page):
    """The cells of the table of rows, without their numbers."""
    return page.eval_on_selector_all(
        ".rows tbody tr",
        "rows => rows.map(row => [...row.cells].slice(1).map(c => c.textContent))",
    )


# -- What it may do -------------------------------------------------------------------


def test_nothing_but_its_own_script_and_style_may_work(client):
    headers = client.get("/").headers
    policy = dict(
        rule.split(" ", 1) for rule in headers["content-security-policy"].split("; ")
    )

    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["script-src"].startswith("'sha256-")
    assert policy["style-src"].startswith("'sha256-")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_page_needs_no_key_and_cannot_be_written_to(emulator):
    with httpx.Client(base_url=emulator.url, verify=NO_CERTIFICATES) as stranger:
        assert stranger.get("/").status_code == 200
        assert stranger.post("/").status_code == 405
        assert stranger.get(f"{PAGE}/summary").status_code == 200
        assert stranger.post(f"{PAGE}/runs").status_code == 405


def test_looking_is_no_request_of_the_api(emulator, look):
    before = len(emulator.requests)

    look("runs")

    assert len(emulator.requests) == before


def test_every_section_opens_without_complaint_or_outside_request(
    look, run_id, emulator
):
    page = look()

    titles = []
    for section in SECTIONS:
        page.click(f"nav a[href='#{section}']")
        page.wait_for_selector(f"nav a[aria-current][href='#{section}']")
        until(page, "past => !past.includes(document.title)", titles)
        titles.append(page.title())
    for address in (f"run/{run_id}", f"run/{run_id}/1"):
        go(page, address, ".rows")

    assert len(titles) == len(SECTIONS)
    assert page.complaints == []
    outside = [url for url in page.asked if not url.startswith((emulator.url, "data:"))]
    assert outside == []


def test_hostile_data_is_inert_and_visible(look, client):
    blocks = [
        block("webhook", dataframe_type="LEAD"),
        block(HOSTILE, url="javascript:window.obeyed=1", **{HOSTILE: HOSTILE}),
        block("append_to_notebook", notebook_id=HOSTILE),
    ]
    run_id = ran(
        client,
        body(*blocks, name=HOSTILE + "n" * 10_000, workflow_description=HOSTILE),
        [{HOSTILE: HOSTILE, "__proto__": "x", "constructor": "L" * 10_000}],
    )
    page = look()

    for section in [*SECTIONS, f"run/{run_id}/0", f"run/{run_id}/1"]:
        go(page, section)
    page.wait_for_selector(".rows td")

    assert page.evaluate("window.obeyed") is None
    assert page.complaints == []
    assert page.locator("script").count() == 1
    assert page.locator("img").count() == 0
    title = page.text_content("h1")
    assert "</script><script>window.obeyed=1" in title
    assert "⟨U+001B⟩[31m⟨U+202E⟩gnp.exe⟨U+2066⟩" in title
    assert "characters)" in title
    assert len(title) < 500
    assert "</script>" in rows_shown(page)[0][0]
    assert "\u202e" not in page.content()


# -- The graph ------------------------------------------------------------------------

GEOMETRY = """() => {
  const inside = ({left, right, top, bottom}) => ({left, right, top, bottom});
  const nodes = [...document.querySelectorAll('.node')];
  const boxes = nodes.map(n => n.querySelector('.shape').getBoundingClientRect())
    .map(inside);
  const texts = nodes.flatMap((n, at) => [...n.querySelectorAll('text')]
    .map(t => [at, inside(t.getBoundingClientRect())]));
  const edges = [...document.querySelectorAll('.edge')].map(edge => {
    const matrix = edge.getScreenCTM(), length = edge.getTotalLength();
    return [...Array(41).keys()].map(step => {
      const at = edge.getPointAtLength(length * step / 40).matrixTransform(matrix);
      return [at.x, at.y];
    });
  });
  return {boxes, texts, edges};
}"""


def is_in(point, box, margin=1):
    x, y = point
    return (
        box["left"] + margin < x < box["right"] - margin
        and box["top"] + margin < y < box["bottom"] - margin
    )


@pytest.mark.parametrize("width", [1280, 360])
def test_graphs_of_the_examples_overlap_nowhere(look, client, width):
    page, seen = look(width=width), 0

    for path in EXAMPLES:
        data = json.loads(path.read_text())
        for one in (data if isinstance(data, list) else [data])[:2]:
            drawn = one["workflow_definition"]
            if "flow64:value" in json.dumps(drawn):
                continue  # not bound yet: no service would take it
            made = create(client, {**one, "id": str(uuid4())})
            go(page, f"workflow/{made}", ".node")
            found = page.evaluate(GEOMETRY)
            boxes, seen = found["boxes"], seen + 1

            assert len(boxes) == len(drawn["blocks"])
            assert len(found["edges"]) == len(drawn["edges"])
            for a, b in combinations(boxes, 2):
                assert (
                    a["right"] < b["left"]
                    or b["right"] < a["left"]
                    or a["bottom"] < b["top"]
                    or b["bottom"] < a["top"]
                ), path.name
            for at, text in found["texts"]:
                assert boxes[at]["left"] < text["left"], path.name
                assert text["right"] < boxes[at]["right"], path.name
            for points in found["edges"]:
                crossed = [b for b in boxes if any(is_in(p, b) for p in points)]
                assert crossed == [], path.name
    assert seen >= len(EXAMPLES)


def test_long_edges_go_around_the_blocks_between(look, client):
    """An edge from the first block to the last passes none of those in between."""
    chain = [WEB, block("find_email"), block("find_phone"), block("verify_email")]
    edges = [(0, 1), (1, 2), (2, 3), (0, 3), (1, 3)]
    page = look(f"workflow/{create(client, body(*chain, edges=edges))}")
    page.wait_for_selector(".node")

    found = page.evaluate(GEOMETRY)

    for points in found["edges"]:
        assert not [b for b in found["boxes"] if any(is_in(p, b) for p in points)]


WEB = block("webhook", dataframe_type="LEAD")


def test_role_is_marked_by_shape_and_not_by_colour_alone(look, client):
    kinds = ["webhook", "find_email", "leads_to_company", "new_kind", "send_slack"]
    blocks = [WEB, *map(block, kinds[1:4]), block("outgoing_webhook", url="http://a.b")]
    page = look(f"workflow/{create(client, body(*blocks))}")
    page.wait_for_selector(".node")

    drawn = page.eval_on_selector_all(
        ".node .shape",
        "all => all.map(s => s.getAttribute('d'))",
    )

    assert len(set(drawn)) == len(blocks) - 1  # the unknown kind is a dashed step
    dashes = page.eval_on_selector_all(
        ".node .shape", "all => all.map(s => getComputedStyle(s).strokeDasharray)"
    )
    assert dashes[3] not in {dashes[1], "none"}


# -- Runs -----------------------------------------------------------------------------


def test_progress_moves_while_one_looks(look, client, emulator):
    workflow_id = create(client, {**LEADS, "id": str(uuid4())})
    emulator.switches = Switches(speed=2.5)
    run_id = start(client, workflow_id, ROWS).json()["job_id"]
    page = look("runs")

    page.click(f".list tr:has(progress) a[href='#run/{run_id}']")
    page.wait_for_selector(".node.is-running")
    early = page.eval_on_selector("main progress", "bar => bar.value")
    until(page, "early => document.querySelector('main progress').value > early", early)
    until(page, "document.querySelector('#live').textContent.length > 0")
    assert "of 3 blocks done" in page.text_content("#live")
    assert page.text_content("nav a[href='#runs'] .count") == "1 running"
    emulator.switches = Switches()
    page.wait_for_selector("main .between .status.is-completed", timeout=25_000)

    assert page.locator(".node.is-completed").count() == 3
    assert page.text_content("#live") == "Run completed"
    page.wait_for_selector(".rows")  # those of the last block, without being asked
    assert page.text_content(".rows caption").startswith("Rows after outgoing_webhook")


def test_rows_after_every_stage_are_shown(look, run_id, emulator):
    page = look(f"run/{run_id}/0")

    for at, kind in enumerate(["webhook", "find_email", "outgoing_webhook"]):
        go(page, f"run/{run_id}/{at}", ".rows")
        rows = emulator.rows(run_id, kind)
        columns = list(dict.fromkeys(name for row in rows for name in row))
        expected = [
            [NOTHING if row.get(name) is None else str(row[name]) for name in columns]
            for row in rows[:50]
        ]
        assert expected == rows_shown(page)
    assert page.text_content(".pager .soft") == "Rows 1 to 50 of 60"


def test_pages_of_rows_have_addresses(look, run_id):
    page = look(f"run/{run_id}/0")

    page.click("text=Next")
    until(page, "document.querySelectorAll('.rows tbody tr').length === 10")
    assert page.url.endswith(f"#run/{run_id}/0/50")
    assert rows_shown(page)[-1][:2] == ["Person 59", "Company 59"]
    page.reload()
    page.wait_for_selector(".rows")

    assert rows_shown(page)[0][:2] == ["Person 50", "Company 50"]


def test_row_opens_under_the_mouse(look, run_id):
    page = look(f"run/{run_id}/1")
    page.wait_for_selector(".rows")

    page.click("text=Person 7")
    page.wait_for_selector(".whole")
    assert page.evaluate("document.activeElement.textContent") == "8"
    assert "Company 7" in page.text_content(".whole")
    page.click("text=Person 7 >> nth=0")

    until(page, "!document.querySelector('.whole')")


def test_failure_is_shown_where_it_happened(look, client, emulator):
    emulator.fail_block("find_email", "no credits are left")
    run_id = ran(client, LEADS, ROWS)
    emulator.fail_block("find_email", None)

    page = look(f"run/{run_id}")
    page.wait_for_selector(".split .alert")

    assert page.locator(".node.is-failed .kind").text_content() == "find_email"
    assert "no credits are left" in page.text_content(".split .alert")
    assert "no credits are left" in page.text_content(".stack > .alert")


def test_workflow_that_changes_is_drawn_again(look, client):
    workflow_id = create(client, {**LEADS, "id": str(uuid4())})
    page = look(f"workflow/{workflow_id}")
    page.wait_for_selector(".node")

    client.post(
        "/workflows/update_workflow",
        params={"workflow_id": workflow_id},
        json={"workflow_definition": body(WEB, block("find_phone"))[WHOLE]},
    )

    until(page, "document.querySelectorAll('.node').length === 2")
    assert page.locator(".node .kind").all_text_contents() == ["webhook", "find_phone"]


WHOLE = "workflow_definition"


# -- The other sections ---------------------------------------------------------------


def test_organisations_are_named(look, emulator, client, run_id):
    with connected(emulator, "other") as stranger:
        create(stranger, {**LEADS, "id": str(uuid4())})

    page = look("workflows")

    assert {"Acme", "Globex"} <= set(page.locator(".org").all_text_contents())


def test_notebooks_and_outbox_show_what_runs_wrote(look, client):
    name = f"notebook-{uuid4()}"
    data = body(
        WEB,
        block("append_to_notebook", notebook_id=name),
        block("outgoing_webhook", url="https://crm.example.com/hook"),
    )
    ran(client, data, ROWS)
    page = look("notebooks")

    page.click(f"text={name}")
    page.wait_for_selector(".rows")
    assert rows_shown(page)[0][:2] == ["Person 0", "Company 0"]
    go(page, "outbox", ".list")
    assert "crm.example.com" in page.text_content(".list")
    page.click(".list a >> nth=0")
    page.wait_for_selector(".rows")

    assert page.text_content(".rows caption").startswith("Rows after outgoing_webhook")


def test_switches_show_what_was_changed(look, emulator):
    emulator.switches = Switches(foreign_status=403)
    page = look("switches")
    page.wait_for_selector(".changed")
    changed = page.text_content("tr:has(.changed)")
    emulator.switches = Switches()

    assert changed.startswith("foreign_status403 changed404Status for an id")
    until(page, "!document.querySelector('.changed')")


def test_active_faults_are_shown(look, emulator):
    emulator.faults.add(Fault("slow", path="/workflows/none", times=None))
    page = look("switches")
    page.wait_for_selector(".pairs")
    shown = page.text_content("section[aria-label='Active faults'] .pairs")
    badge = page.locator("nav a[href='#switches'] .count.live")
    badge.wait_for()
    assert badge.text_content() == "1 fault"
    emulator.faults.clear()

    assert shown.startswith("KindslowPath/workflows/none")
    until(page, "!document.querySelector('.pairs')")


def test_guesses_are_listed_by_confidence_and_searched(look):
    page = look("guesses")
    page.wait_for_selector(".guess")

    assert page.locator(".guess").count() == len(GUESSES)
    assert [words.split(" (")[0] for words in page.locator("h2").all_text_contents()]
    page.fill("input", "foreign-id")

    assert page.locator(".guess h3 > code").all_text_contents() == ["foreign-id"]


def test_empty_emulator_says_what_to_do(look):
    with Emulator() as empty:
        page = look("workflows", url=empty.url)

        assert f"SIXTYFOUR_API_ENDPOINT={empty.url}" in page.text_content("main")
        go(page, "overview")
        assert f"SIXTYFOUR_API_ENDPOINT={empty.url}" in page.text_content("main")
        for section in ("runs", "notebooks", "outbox"):
            go(page, section)
            assert page.locator(".empty strong").count() == 1


def test_page_says_when_the_emulator_is_gone(look):
    with Emulator() as gone:
        page = look("runs", url=gone.url)
        assert page.locator(".lost").is_hidden()
        gone.stop()

        page.wait_for_selector(".lost:not([hidden])")
        assert "does not answer" in page.text_content(".lost")


def test_address_of_nothing_says_so(look):
    page = look()

    for address in (f"run/{uuid4()}", "workflow/none", "notebook/none", "run/%E0%A4"):
        go(page, address, "h1")
        words = f"{address.partition('/')[0].capitalize()} not found"
        assert page.text_content("h1") == words
        assert page.title().startswith(words)


# -- For everybody --------------------------------------------------------------------


def test_keyboard_reaches_blocks_and_rows(look, run_id):
    page = look(f"run/{run_id}")
    page.wait_for_selector(".rows")
    focus = "document.activeElement"

    page.keyboard.press("Tab")
    assert page.evaluate(f"{focus}.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate(f"{focus}.id") == "main"
    while page.evaluate(f"!{focus}.matches('.node')"):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(f"{focus}.dataset.at") == "0"
    ring = page.eval_on_selector(".node:focus .ring", "r => getComputedStyle(r).stroke")
    assert ring != "none"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('caption')?.textContent.includes('find_email')")
    assert page.url.endswith(f"#run/{run_id}/1")
    assert page.get_attribute(".node:focus", "aria-pressed") == "true"
    while page.evaluate(f"!{focus}.matches('.opens')"):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(".whole")

    assert page.evaluate(f"{focus}.getAttribute('aria-expanded')") == "true"
    assert "Person 1" in page.text_content(".whole")


def test_controls_have_names_and_landmarks_are_there(look, run_id):
    page = look(f"run/{run_id}")
    page.wait_for_selector(".rows")

    for landmark in ("header", "nav", "main", "[aria-live=polite]"):
        assert page.locator(landmark).count() >= 1
    assert page.locator("h1").count() == 1
    unnamed = page.eval_on_selector_all(
        "a, button, input, [role=button], progress",
        "all => all.filter(e => !(e.textContent.trim() || e.ariaLabel)"
        " && !e.labels?.length).map(e => e.outerHTML)",
    )
    assert unnamed == []


def test_phone_never_scrolls_sideways(look, run_id, client, emulator):
    wide = block("k" * 300, **{"x" * 300: "y" * 300})
    blocks = [WEB, wide, *[block("find_email", n) for n in range(9)]]
    words = {"name": "n" * 300, "workflow_description": "d" * 300}
    long = create(client, body(*blocks, **words))
    emulator.fail_block(wide["block_name"], "m" * 300)
    failed = ran(client, body(*blocks, **words), ROWS)
    emulator.fail_block(wide["block_name"], None)
    page = look(width=320, height=700)

    for section in [
        *SECTIONS,
        f"run/{run_id}/1",
        f"workflow/{long}/1",
        f"run/{failed}",
    ]:
        go(page, section, "h1, .empty")
        page.wait_for_timeout(100)
        widths = page.evaluate(
            "[document.documentElement.scrollWidth, document.body.scrollWidth]"
        )
        assert widths == [320, 320], section


CONTRASTS = """() => {
  const parsed = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const back = element => {
    const shape = element.closest('.node')?.querySelector('.shape');
    if (shape) return parsed(getComputedStyle(shape).fill);
    for (; element; element = element.parentElement) {
      const color = parsed(getComputedStyle(element).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
      if (color[3] > 0) throw new Error('a half transparent background');
    }
  };
  const found = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, style = getComputedStyle(element);
    if (!walker.currentNode.data.trim() || !element.getClientRects().length) continue;
    if (element.closest('script, title, .hidden')) continue;
    const front = parsed(element.matches('.node text') ? style.fill : style.color);
    const [a, b] = [light(front), light(back(element))].sort((x, y) => y - x);
    found.set(walker.currentNode.data.slice(0, 30), (a + .05) / (b + .05));
  }
  return [...found].filter(([, ratio]) => ratio < 4.5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read(look, client, emulator, run_id, scheme):
    emulator.fail_block("find_email", "no credits are left")
    failed = ran(client, LEADS, ROWS)
    emulator.fail_block("find_email", None)
    page = look(color_scheme=scheme)

    for section in [*SECTIONS, f"run/{run_id}/1", f"run/{failed}", "run/none"]:
        go(page, section, "h1, .empty")
        page.wait_for_timeout(150)
        assert page.evaluate(CONTRASTS) == [], section


def test_motion_stops_where_it_is_not_wanted(look):
    """A spinner turns, but not for those who asked for less motion."""
    turning = []
    for wish in ("no-preference", "reduce"):
        page = look("runs", reduced_motion=wish)
        turning += page.evaluate(
            """() => {
              const made = document.createElement('span');
              made.className = 'is-running';
              const mark = document.createElement('i');
              mark.className = 'mark';
              made.append(mark);
              document.querySelector('main').append(made);
              return [getComputedStyle(mark).animationName];
            }"""
        )
    assert turning == ["turn", "none"]


def test_keys_that_were_given_are_asked_for(look):
    """Where any key will do, `any` is shown; else that one of them is needed."""
    with Emulator() as other:
        free = look("overview", url=other.url).inner_text("main")
    page = look("overview")

    assert "SIXTYFOUR_API_KEY=any" in free
    assert "SIXTYFOUR_API_KEY=any" not in page.inner_text("main")
    assert "api_key" in page.inner_text("main")
    assert "api_key" not in free
    assert "one of the keys you gave" in page.inner_text("main")


def test_wide_graph_opens_at_the_block_that_is_shown(look, client):
    """At its first block, its last one, or the one that was chosen."""
    blocks = [WEBHOOK, *(block("deduplicate", n) for n in range(2, 24))]
    run_id = ran(client, body(*blocks), ROWS[:1])
    workflow_id = client.get(f"{PAGE}/runs/{run_id}").json()["workflow_id"]
    page = look()
    left = "document.querySelector('.graph').scrollLeft"

    go(page, f"workflow/{workflow_id}", "[aria-label='About the block']")
    assert page.evaluate(left) == 0
    go(page, f"run/{run_id}/12", "table.rows")
    assert 1000 < page.evaluate(left) < 3000
    go(page, f"run/{run_id}", "table.rows")
    assert page.evaluate(left) > 3000


def test_blocks_of_one_kind_are_told_apart(look, client):
    """By their number; a kind that is there once needs none."""
    data = body(WEBHOOK, EMAIL, block("find_email", 2))
    page = look(f"workflow/{create(client, {**data, 'id': str(uuid4())})}/2")
    page.wait_for_selector("[aria-label='About the block']")

    kinds = [node.text_content() for node in page.query_selector_all(".node .kind")]
    assert kinds == ["webhook", "find_email #2", "find_email #3"]
    assert "find_email #3" in page.inner_text("[aria-label='About the block'] h2")
    assert "find_email #2" in page.inner_text("[aria-label='About the block'] dd a")


@pytest.mark.parametrize(
    ("is_copied", "words"),
    [
        (False, "Deployed by flow64 as growth/contacts"),
        (True, "A copy of what flow64 deployed as growth/contacts"),
    ],
    ids=["deployed", "copied"],
)
def test_stamp_is_no_text_of_the_description(look, client, is_copied, words):
    """What a deploy leaves there is shown as what it is."""
    path = "growth/contacts"
    stamp = f"[flow64:1 {path} {'a' * 16} {'b' * 16} - .]"
    workflow_id = str(uuid4()) if is_copied else str(id_of(path))
    description = {"workflow_description": f"Ours\n{stamp}", "id": workflow_id}
    create(client, {**body(WEBHOOK), **description})
    page = look(f"workflow/{workflow_id}")

    text = page.inner_text("main")
    assert words in text
    assert "flow64:1" not in text


# -- Size -----------------------------------------------------------------------------


def test_thousand_blocks_stay_usable(look, client, emulator):
    """A graph of 1,000 blocks is there in seconds, and a step in it at once."""
    run_id = long_run(emulator, client)
    began = time.monotonic()
    page = look(f"run/{run_id}/500")
    page.wait_for_selector(".rows")

    assert time.monotonic() - began < 10
    assert page.locator(".node.is-completed").count() == 1000
    began = time.monotonic()
    page.focus(".node[aria-pressed=true]")
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.matches('.node')")
    assert time.monotonic() - began < 5
    box, node = (page.locator(f".graph{at}").bounding_box() for at in ("", " :focus"))
    assert box["x"] <= node["x"] <= box["x"] + box["width"]
    assert box["y"] <= node["y"] <= box["y"] + box["height"]
    assert max(len(reply) for reply in answers(client, run_id)) < 400_000


def long_run(emulator, client):
    """A run of 1,000 blocks; it is written down, since running it takes its time."""
    short, store, now = ran(client, LEADS, ROWS), emulator.store, emulator.clock.now()
    blocks = [WEB, *[block("find_email", n) for n in range(999)]]
    edges = [(at - 1 - at % 7 if at > 8 else at - 1, at) for at in range(1, 1000)]
    edges += [(at - 9, at) for at in range(9, 1000, 5) if (at - 9, at) not in edges]
    run = evolve(store.runs.get(short), id=str(uuid4()), blocks_count=1000)
    state = evolve(store.blocks.of(short)[-1], run_id=run.id, updated_at=now)
    with store.transaction():
        store.runs.add(run)
        small = store.graphs.get(short)
        store.graphs.add(evolve(small, id=run.id, data=graph(*blocks, edges=edges)))
        for at in range(1000):
            store.blocks.add(evolve(state, position=at))
        store.add_rows(f"run/{run.id}/500", ROWS)
    emulator.clock.advance(1)
    return run.id


def answers(client, run_id):
    """What the page asks for while it watches a run."""
    yield client.get(f"{PAGE}/graph", params={"run_id": run_id}).content
    run = client.get(f"{PAGE}/runs/{run_id}")
    yield run.content
    again = client.get(f"{PAGE}/runs/{run_id}", params={"since": run.json()["now"]})
    assert again.json()["states"] == []


def test_ten_thousand_rows_come_a_page_at_a_time(look, client):
    rows = [{"full_name": f"Person {n}", "company": "C"} for n in range(10_000)]
    run_id = ran(client, body(WEB, block("find_phone")), rows)
    page = look(f"run/{run_id}/0/9950")
    page.wait_for_selector(".rows")

    assert page.text_content(".pager .soft") == "Rows 9,951 to 10,000 of 10,000"
    assert rows_shown(page)[-1][0] == "Person 9999"
    page.click("text=First")
    until(page, "document.querySelector('.opens').textContent === '1'")

    assert len(rows_shown(page)) == 50
    reply = client.get(f"{PAGE}/rows", params={"of": f"run/{run_id}/0", "limit": 201})
    assert reply.status_code == 422


@pytest.mark.parametrize(
    ("specs", "note"),
    [
        ({"find_people": True, "mode": " ", "url": "http://a.b"}, "http://a.b"),
        (
            {"filters": [{"column": "a", "operator": "equals", "value": 1}]},
            "a equals 1",
        ),
        (
            {"return_fields": {"size": {"type": "int"}, "name": "Its name"}},
            "size, name",
        ),
        ({"columns": ["a", "b"]}, "a, b"),
        ({"limit": 3, "empty": {}, "none": []}, ""),
    ],
)
def test_block_is_told_from_others_of_its_kind(client, specs, note):
    made = create(client, body(WEB, block("new_kind", **specs)))
    found = client.get(f"{PAGE}/graph", params={"workflow_id": made}).json()

    known = {"kind": "new_kind", "role": "unknown", "note": note}
    assert found["blocks"][1] == {**known, "number": None}
    assert found["edges"] == [[0, 1]]


def test_values_in_a_box_are_those_of_json(client):
    condition = {"column": "is_hiring", "operator": "equals", "value": True}
    blocks = [
        WEB,
        block("filter", filters=[condition]),
        block("new", fields=[{"a": None}]),
    ]
    made = create(client, body(*blocks))
    found = client.get(f"{PAGE}/graph", params={"workflow_id": made}).json()

    notes = [one["note"] for one in found["blocks"]]
    assert notes[1] == "is_hiring equals true"
    assert "None" not in notes[2]


def test_block_that_is_not_there_is_not_found(client):
    made = create(client, body(WEB))
    query = {"workflow_id": made, "position": 1}

    assert client.get(f"{PAGE}/block", params=query).status_code == 404
    assert client.get(f"{PAGE}/graph").status_code == 404
    assert client.get(f"{PAGE}/runs/{uuid4()}").status_code == 404
    assert client.get(f"{PAGE}/rows").status_code == 422


def test_many_columns_and_long_cells_are_cut(client):
    row = {f"column {n}": "x" * 1000 for n in range(100)} | {"n": 1, "l": [1, None]}
    run_id = ran(client, body(WEB), [{"l": [1, None], "n": 2**60, "none": None}, row])

    found = client.get(f"{PAGE}/rows", params={"of": f"run/{run_id}/0"}).json()

    assert found["rows"][0][:3] == ["[1, null]", str(2**60), None]
    assert len(found["columns"]) == 60
    assert found["hidden_columns"] == 43
    assert found["rows"][1][-1] == f"{'x' * 250}… (1,000 characters)"
