"""Pairs of definitions that pictures are made of, and what means harm in a name."""

from __future__ import annotations

from flow64 import LEAD, RawBlock, Workflow, tap
from flow64.blocks import (
    AppendToNotebook,
    Deduplicate,
    Filter,
    FindEmail,
    FindPhone,
    LeadEnrichment,
    OutgoingWebhook,
    Webhook,
)
from flow64.definition import EMPTY, Definition, Edge, FrozenDict, WireBlock

OUT = OutgoingWebhook(url="https://crm.acme.example/hooks/contacts")
NOTEBOOK = "0b9f3f0e-52d4-4f0c-8a53-6f6f5b1c2d10"


def contacts(*steps, title="Contacts"):
    """A chain of steps behind a webhook."""
    flow = Webhook(LEAD, input_schema={"full_name": "string", "company": "string"})
    for step in steps:
        flow = flow >> step
    return Workflow(title, flow, key="contacts").compile()


def enriched(**fields):
    """A chain with an enrichment that asks for some fields."""
    asked = {"title": "Job title", **fields}
    return contacts(LeadEnrichment(return_fields=asked), FindEmail(), OUT)


PAIRS = {
    "field_added": (enriched(), enriched(linkedin_url="LinkedIn profile URL")),
    "branch_inserted": (
        contacts(Deduplicate(), FindEmail(), OUT),
        contacts(
            Deduplicate(),
            [FindEmail(mode="PROFESSIONAL"), FindPhone()],
            Filter.where("email_status").equals("OK"),
            OUT,
        ),
    ),
    "step_moved": (
        contacts(
            Filter.where("company").is_not_empty(),
            FindEmail(),
            Deduplicate(),
            FindPhone(),
            RawBlock("odd"),
            OUT,
        ),
        contacts(
            FindEmail(mode="PROFESSIONAL"),
            Filter.where("company").is_not_empty(),
            Deduplicate(key="unique"),
            RawBlock("odd"),
            tap(AppendToNotebook(notebook_id=NOTEBOOK)),
            OUT,
        ),
    ),
    "scope_gone": (
        contacts((FindEmail() >> Deduplicate()).scoped("work"), OUT),
        contacts(OUT),
    ),
}


def wired(*edges, count=0, kind="deduplicate", specs=EMPTY):
    """A definition of blocks b0, b1... that was made by hand."""
    size = max([count, *(end + 1 for edge in edges for end in edge[:2])])
    blocks = [
        WireBlock(f"b{i}", kind, FrozenDict(specs), "io", i + 1) for i in range(size)
    ]
    made = [
        Edge(f"b{edge[0]}", f"b{edge[1]}", FrozenDict(condition=edge[2]))
        if len(edge) > 2
        else Edge(f"b{edge[0]}", f"b{edge[1]}")
        for edge in edges
    ]
    return Definition("w", "", tuple(blocks), tuple(made))


HOSTILE = [
    "end",
    'a"]; click n1 "javascript:alert(1)"',
    '"`**bold**`"',
    "</title></svg><script>window.obeyed=1</script>",
    "<img src=x onerror=window.obeyed=1>",
    "]]><!--",
    "</style><style>*{display:none}",
    "&lt;&#0;&entity;",
    "two\nlines\r\u2028\u2029",
    "\u202egnp.exe\u2066",
    "\x1b[31mred\x1b]0;title\x07\x00\ufeff\ufffe",
    "\ud800 lone",
    "{{7*7}} ${7*7} \\N{BULLET} '''",
    "%%{init: {}}%%",
    "#quot;&lt;",
    "x" * 10_000,
    "e" + "\u0301" * 500,
]


def hostile(name):
    """A workflow that says a name wherever it can."""
    short = name[:99]
    kind = "odd" if "\ud800" in name else short  # such a kind is refused at once
    inner = (RawBlock(kind, key=f"k{short}") >> FindEmail(key=short)).scoped(short)
    flow = Webhook(LEAD, input_schema={short: short}) >> inner
    return Workflow(name, flow, key="w")._lower(None, None).definition


def harm(name):
    """Two definitions that differ in that name, everywhere."""
    before = wired((0, 1, name), count=2, kind=name, specs={name: 1})
    after = wired((0, 1), count=2, kind=f"{name}2", specs={f"{name}2": 1})
    odd = after.blocks[0]._replace(id=name)
    return before, Definition(name, name, (*after.blocks, odd), after.edges)
