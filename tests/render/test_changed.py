"""What differs, as Mermaid and as text: marks, limits, and names that mean harm."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings

from flow64 import LEAD, RawBlock, Workflow
from flow64.blocks import Deduplicate, FindEmail, Webhook
from flow64.definition import Definition
from flow64.diff import diff
from flow64.render import draw_mermaid_changes, draw_text, draw_text_changes
from flow64.text import count_cells
from tests.render.pairs import HOSTILE, PAIRS, contacts, harm, hostile, wired
from tests.strategies import wire_definitions

pytestmark = pytest.mark.unmeasured

_LABEL = r'"(?P<label>[^"]*)"'
_LINE = re.compile(
    rf"""flowchart\ TD
    |\ +[nr]\d+(?:\(\[|\[\[|\[\(|\[|\{{\{{){_LABEL}(?:\]\)|\]\]|\)\]|\]|\}}\}})
        (?::::(?:added|removed|changed|moved|rest))?
    |\ +[nr]\d+\ (?:-->|==>|-\.->|-->\|other\ condition\|)\ [nr]\d+
    |\ +classDef\ (?:added|removed|changed|moved|rest)\ [-a-z0-9:,\#\ ]+
    |\ +linkStyle\ \d+(?:,\d+)*\ stroke:\#[0-9a-f]{{6}}""",
    re.VERBOSE,
)
_TEXT = re.compile(r"(?:#\d+;|[^\W]|[./ -])*")


def assert_harmless(flowchart):
    """Each line is one that we write, and a label is letters, digits and numbers."""
    for line in flowchart.split("\n")[:-1]:
        found = _LINE.fullmatch(line)
        assert found, line
        for label in (found["label"] or "").split("<br>"):
            assert _TEXT.fullmatch(label), label
            assert not re.search(r"\bend\b", label), label


def edited(count, *numbers):
    """A chain of blocks, and the same with some edited."""

    def made(odd):
        steps = [
            RawBlock("step", key=f"s{i}", specs={"a": i, "b": i in odd})
            for i in range(count)
        ]
        return contacts(*steps)

    return made(()), made(numbers)


def test_marks_are_signs_and_shapes():
    """Each mark has a sign, a class, and a line of its own."""
    text = draw_mermaid_changes(*PAIRS["step_moved"])

    assert_harmless(text)
    assert 'n2["#126;#62; find_email<br>#43;mode"]:::changed' in text
    assert '["#45; find_phone"]:::removed' in text
    assert '[("#43; append_to_notebook")]:::added' in text
    assert "was deduplicate" in text
    assert " ==> " in text
    assert " -.-> " in text
    assert "classDef removed" in text
    assert "stroke-dasharray" in text


def test_only_moved():
    """A block that stands elsewhere has its own mark."""
    text = draw_mermaid_changes(wired((0, 1), (1, 2)), wired((0, 2), (2, 1)))

    assert_harmless(text)
    assert text.count(":::moved") == 1
    assert "#62; " in text


def test_condition():
    """An edge with another condition says so."""
    text = draw_mermaid_changes(wired((0, 1)), wired((0, 1, 'x"]; click')))

    assert_harmless(text)
    assert "n1 -->|other condition| n2" in text
    assert "linkStyle 0 stroke:#9a6700" in text


def test_many_fields():
    """Of many fields some are named."""
    before = wired(count=1, specs={f"f{i}": i for i in range(6)})

    text = draw_mermaid_changes(before, wired(count=1))

    assert "#45;f0#44; #45;f1#44; #45;f2#44; and 3 more" in text


def test_nothing_changed():
    """Without changes there is no mark, and what is large is one block that says so."""
    small, _ = edited(3)
    large, _ = edited(100)

    assert "classDef" not in draw_mermaid_changes(small, small)
    assert draw_mermaid_changes(large, large).splitlines()[1] == (
        '    r1["#8230; 101 more blocks"]:::rest'
    )


def test_nothing():
    """Two times nothing is a flowchart without blocks."""
    assert draw_mermaid_changes(None, None) == "flowchart TD\n"
    assert draw_text_changes(None, None) == "\n0 blocks: nothing changed\n"


def test_large():
    """Of a large graph what changed is shown, with what stands beside it."""
    text = draw_mermaid_changes(*edited(200, 50, 120))

    names = re.findall(r'n\d+\[\["(?:#126; )?(s\d+)<br>', text)
    rests = re.findall(r'"#8230; (\d+) more blocks?"', text)
    assert_harmless(text)
    assert names == ["s49", "s50", "s51", "s119", "s120", "s121"]
    assert sorted(map(int, rests)) == [50, 67, 78]
    assert 6 + sum(map(int, rests)) == 201


def test_more_changes_than_are_shown():
    """What changed and is not shown is counted."""
    text = draw_mermaid_changes(*edited(200, *range(0, 200, 2)), max_blocks=10)

    told = re.findall(r"#8230; (\d+) more blocks?(?: #40;(\d+) changed#41;)?", text)
    assert_harmless(text)
    assert 10 + sum(int(count) for count, _ in told) == 201
    assert text.count(":::changed") + sum(int(n or 0) for _, n in told) == 100


def test_many_pieces():
    """What is not shown becomes few blocks, however it hangs together."""
    hub = wired(*[(0, i) for i in range(1, 400)])
    legs = [(i, i + 1) for i in range(0, 400, 2)]
    ladder = wired(*legs, *[(i + 1, i + 2) for i in range(0, 400, 8)])
    edit = {"deduplicate": 1}

    def changed(definition, *numbers):
        made = [
            block._replace(specs=type(block.specs)(edit)) if at in numbers else block
            for at, block in enumerate(definition.blocks)
        ]
        return Definition("w", "", tuple(made), definition.edges)

    star = draw_mermaid_changes(hub, changed(hub, 0), max_blocks=1)
    several = draw_mermaid_changes(ladder, changed(ladder, *range(0, 400, 8)))

    assert star.count(":::rest") == 1
    assert "399 more blocks" in star
    assert 1 < several.count(":::rest") <= 8
    assert_harmless(star)
    assert_harmless(several)


def test_new_and_old_lines_of_a_rest():
    """A line that stands for edges of which some changed is an unmarked one."""
    before = wired((0, 1), (0, 2), (1, 3), (2, 3), (4, 0))
    edges = before.edges[1:]
    after = Definition("w", "", before.blocks, edges)

    text = draw_mermaid_changes(before, after, max_blocks=1)

    assert_harmless(text)
    assert "n1 --> r" in text


def test_limits_of_mermaid():
    """A change of 400 blocks stays inside the limits, and says what was cut."""
    long = "x" * 80
    steps = [RawBlock("s" * 80, key=f"{long}{i}", specs={"a": 1}) for i in range(400)]
    flow = Webhook(LEAD)
    after = Workflow("w", flow >> steps >> Deduplicate(), key="w").compile()

    text = draw_mermaid_changes(None, after, max_blocks=1_000)
    small = draw_mermaid_changes(None, after, max_blocks=1_000, max_characters=2_000)
    few = draw_mermaid_changes(None, after, max_blocks=1_000, max_edges=10)

    assert len(text) <= 50_000
    assert len(re.findall(" (?:==>|-->) ", text)) <= 500
    assert len(small) <= 2_000
    assert len(re.findall(" (?:==>|-->) ", few)) <= 10
    for one in (text, small, few):
        assert_harmless(one)
        shown = len(re.findall(r"^    n\d+[\[(]", one, re.MULTILINE))
        rests = sum(map(int, re.findall(r"#8230; (\d+) more block", one)))
        assert shown + rests == 402


def test_given_changes():
    """Changes that are at hand give the same pictures."""
    pair = PAIRS["branch_inserted"]
    changes = [*diff(*pair)]

    assert draw_mermaid_changes(*pair, changes=changes) == draw_mermaid_changes(*pair)
    assert draw_text_changes(*pair, changes=changes) == draw_text_changes(*pair)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_stay_names(name):
    """No name writes to the terminal, or is more than a label."""
    before, after = harm(name)

    for pair in ((before, after), (after, before), (before, hostile(name))):
        assert_harmless(draw_mermaid_changes(*pair))
        for width in (None, 20, 80):
            lines = draw_text_changes(*pair, width=width).split("\n")
            assert all(line.isprintable() for line in lines)
            assert width is None or all(count_cells(line) <= width for line in lines)


# -- Text ------------------------------------------------------------------------------


def test_text():
    """Marks stand in front of blocks, in the tree of both, and before feeders."""
    assert draw_text_changes(*PAIRS["step_moved"]).splitlines() == [
        "Contacts",
        (
            "8 blocks: 1 added, 1 removed, 2 changed, 4 unchanged, 10 edges changed, "
            "1 with another id"
        ),
        "   webhook",
        "~> find_email +mode ← +webhook, -filter",
        "   filter ← -webhook, +find_email",
        "~  unique (deduplicate) was deduplicate ← -find_email, +filter",
        "-  ├ find_phone",
        "   odd ← +unique, -find_phone",
        "+  ├ append_to_notebook",
        "   └ outgoing_webhook",
    ]


def test_text_of_what_came():
    """What came whole has its edges with it, and these are not told one by one."""
    text = draw_text_changes(None, contacts(FindEmail()))

    assert text.splitlines()[1:] == [
        "2 blocks: 2 added, 1 edge changed",
        "+  webhook",
        "+  find_email",
    ]


@pytest.mark.parametrize("width", [1, 20, 40, 80])
def test_width(width):
    """Lines go on below where they are too long, under the rails of their block."""
    before, after = PAIRS["branch_inserted"]
    whole = draw_text(after)

    for text, same in (
        (draw_text(after, width=width), whole),
        (
            draw_text_changes(before, after, width=width),
            draw_text_changes(before, after),
        ),
    ):
        assert max(map(count_cells, text.splitlines())) <= max(width, 10)
        rails = re.compile(r"[\s│]+")
        assert rails.sub("", text) == rails.sub("", same)


def test_width_keeps_rails():
    """What goes on below a branch stands beside the rail of that branch."""
    flow = Webhook(LEAD) >> [
        Deduplicate(key="a_name_that_is_too_long"),
        Deduplicate() >> FindEmail() >> FindEmail(key="f"),
    ]

    lines = draw_text(Workflow("w", flow).compile(), width=24).splitlines()

    assert "├ a_name_that_is_too_lon" in lines
    assert any(line.startswith("│     ") for line in lines)


@settings(max_examples=20)
@given(wire_definitions(), wire_definitions())
def test_every_pair(before, after):
    """Whatever two definitions are, each block is in both pictures."""
    flowchart, text = (
        draw_mermaid_changes(before, after),
        draw_text_changes(before, after),
    )

    assert_harmless(flowchart)
    assert all(line.isprintable() for line in text.split("\n"))
    blocks = [
        line for line in flowchart.splitlines() if re.match(r"    n\d+[\[({]", line)
    ]
    assert len(text.splitlines()) - 2 == len(blocks)


LARGE = 2_000


def test_time():
    """Pictures of changes of a large graph take no square time."""
    pair = edited(LARGE, *range(0, LARGE, 10))

    started = time.process_time()
    size = len(draw_mermaid_changes(*pair)) + len(draw_text_changes(*pair))

    assert time.process_time() - started < 6
    assert size < 100 * LARGE
