"""What means harm in a text, and workflows that say it wherever they can."""

from __future__ import annotations

from itertools import pairwise

from flow64.definition import from_data

HOSTILE = [
    "</script><script>window.obeyed=1</script><img src=x onerror=window.obeyed=1>",
    "`` ``` `a` @acme/team #1 GH-1 https://evil.example [x](https://evil.example)",
    "| a | b |\\\n|---|---|\r\n# head\n- item\n\n```\n@team",
    "\x1b[31m\u202egnp.exe\u2066\u2028\x00 <!-- --> --> &lt; {{7*7}} ${7*7} '\"`",
    "![x](https://evil.example/x.png) <https://evil.example> ~~~ $$x$$ :tada:",
    "\ufeffvalue \\N{BEL} </style></title></svg></textarea><base href=//evil>",
    'a"]; click n1 "javascript:alert(1)"',
    "direction LR",
    "fa:fa-x end subgraph x",
    "a//b %%{init: {}}%%",
    "1. item",
    "]]><!-- </details> </summary>",
    "x" * 10_000,
    "e" + "\u0301" * 500,
]

INVISIBLE = "\u3164\uffa0\u115f\u1160\u2800\ufe00\u034f\u180b\u17b4\U000e0100\U0001d159"


def hostile_workflow(text, other):
    """A workflow whose every string is hostile, as JSON is read; `other` is a value."""
    ids = [f"{n}0000000-0000-4000-8000-000000000000" for n in range(1, 5)]
    specs = {text: other, "url": f"https://x.example/{text}", "list": [text, other]}
    blocks = [
        {
            "block_id": block_id,
            "block_name": kind,
            "block_type": text,
            "sequence_number": number,
            "specs": specs,
        }
        for number, (block_id, kind) in enumerate(
            zip(ids, [text, "outgoing_webhook", "find_email", f"{text} 2"], strict=True)
        )
    ]
    edges = [
        {"from_block_id": one, "to_block_id": other_id, "condition": text}
        for one, other_id in pairwise(ids)
    ]
    data = {
        "id": "00000000-0000-4000-8000-000000000000",
        "workflow_name": f"{text}{other}",
        "description": text,
        "workflow_definition": {"blocks": blocks, "edges": edges},
    }
    return from_data(data)
