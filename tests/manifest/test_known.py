"""Values of the environment are found again in what is pulled, and never as text."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import quote

import pytest
from attrs import evolve

from flow64 import LEAD, RawBlock, Workflow
from flow64.blocks import OutgoingWebhook, Webhook
from flow64.definition import (
    Edge,
    Freezer,
    FrozenDict,
    Value,
    Values,
    bind,
    loads,
    name_secrets,
    secret_places,
    unchanged,
)
from flow64.deploy.judge import short_fingerprint
from flow64.loading.pull import KnownValue, make_pull
from flow64.manifest import MANIFEST, Manifest

HOOK = 'https://crm.example.com/SENTINEL "é"?a=1&b=2'
TOKEN = "SENTINEL-inside"
ACCOUNT = {"region": "eu-central-1", "token": TOKEN, "n": [1, True]}
KNOWN = (
    KnownValue("crm_hook", HOOK, [HOOK]),
    KnownValue("account", ACCOUNT, [TOKEN]),
    KnownValue("notebook", "nb_8f2c11d0"),
    KnownValue("mode", "PROFESSIONAL"),
    KnownValue("flag", "true"),
    KnownValue("pin", "1234567", ["1234567"]),
    KnownValue("limits", {"rows": 3, "ids": ["nb_77e19a20"]}),
    KnownValue("number", 12345678),
)


def frozen(data):
    return Freezer([].append, read_marker=unchanged, is_code=False).freeze(data)


def live(*, url="https://example.com", **specs):
    flow = Webhook(LEAD) >> RawBlock("custom", key="c") >> OutgoingWebhook(url=url)
    made = Workflow("Leads", flow, key="leads").compile()
    blocks = [
        block._replace(specs=frozen(specs)) if block.kind == "custom" else block
        for block in made.blocks
    ]
    return evolve(made, blocks=tuple(blocks), id="11111111-1111-4111-8111-111111111111")


def pulled(definition, known=KNOWN):
    return make_pull([definition], "prod", known_values=known)


def specs_of(pull):
    (one,) = pull.workflows
    return next(
        block.specs for block in loads(one.text).blocks if block.kind == "custom"
    )


@pytest.mark.parametrize(
    ("found", "name", "is_secret"),
    [
        (HOOK, "crm_hook", True),
        (ACCOUNT, "account", True),
        ("nb_8f2c11d0", "notebook", False),
        ({"rows": 3, "ids": ["nb_77e19a20"]}, "limits", False),
    ],
    ids=range(4),
)
def test_what_equals_a_value_is_that_value(found, name, is_secret):
    """In full, wherever it stands in specs, and it is set already."""
    definition = live(a=found, b=[1, {"c": found}])

    pull = pulled(definition)

    value = Value(name, secret=is_secret)
    assert specs_of(pull) == {"a": value, "b": [1, {"c": value}]}
    assert pull.workflows[0].values == [name]
    assert "SENTINEL" not in repr(pull) + "".join(pull.texts(Manifest()).values())
    # With the values of the environment it is what is live.
    (one,) = pull.workflows
    values = {one.name: one.content for one in KNOWN}
    code = bind(loads(one.text), values, [])
    live_part = name_secrets(definition, secret_places(code), Values(values))
    assert short_fingerprint(code) == short_fingerprint(live_part)
    assert one.entry.pulled.bound == short_fingerprint(code)


@pytest.mark.parametrize(
    "found",
    [
        "PROFESSIONAL",
        "true",
        12345678,
        {"region": "eu-central-1"},
        "eu-central-1",
        {"rows": 3.0, "ids": ["nb_77e19a20"]},
        {"rows": 3, "ids": []},
        "nb_8f2c11d0 and more",
    ],
    ids=range(8),
)
def test_what_may_be_a_coincidence_stays(found):
    """Words, short texts, numbers, and parts of plain values."""
    pull = pulled(live(a=found))

    assert specs_of(pull) == {"a": found}
    assert pull.workflows[0].values == []


SPELLED = {
    "part": f"to {HOOK}",
    "url": f"https://a.example/?next={quote(HOOK, safe='')}",
    "json": json.dumps({"hook": HOOK}),
    "base64": b64encode(f"x{HOOK}y".encode()).decode(),
    "token": f"Bearer {TOKEN}",
    "whole": TOKEN,
}


@pytest.mark.parametrize("text", SPELLED.values(), ids=SPELLED)
@pytest.mark.parametrize(
    "place",
    [
        "spec",
        "nested",
        "name",
        "field",
        "title",
        "description",
        "block",
        "edge",
        "graph",
    ],
)
def test_text_that_contains_a_secret_is_not_written(text, place):
    """F26: the workflow is refused, and the place is named without it."""
    pull = make_pull([with_text(place, text), live(a=1)], "prod", known_values=KNOWN)

    (refused,) = pull.refused
    assert "holds what looks like a key, or a secret value" in refused.problem
    shown = repr(pull) + "".join(pull.texts(Manifest()).values())
    assert [form for form in (text, TOKEN, HOOK, "SENTINEL") if form in shown] == []
    assert [one.name for one in pull.workflows] == ["Leads"]
    assert [*pull.texts(Manifest())] == [pull.workflows[0].file, MANIFEST]


def with_text(place, text):
    made = evolve(live(a=1), id="22222222-1111-4111-8111-111111111111")
    note = FrozenDict(note=text)
    match place:
        case "spec":
            specs = {"a": text}
        case "nested":
            specs = {"a": [{"b": text}]}
        case "name":
            specs = {"a": {text: 1}}
        case "field":
            specs = {text: 1}
        case "title":
            return evolve(made, name=text)
        case "description":
            return evolve(made, description=text)
        case "graph":
            return evolve(made, graph_extra=note)
        case "edge":
            edges = [Edge(one.source, one.target, note) for one in made.edges]
            return evolve(made, edges=tuple(edges))
        case _:
            blocks = [block._replace(extra=note) for block in made.blocks[1:2]]
            return evolve(made, blocks=(made.blocks[0], *blocks, *made.blocks[2:]))
    return evolve(live(**specs), id=made.id)


def test_value_comes_before_what_looks_like_a_key():
    """It is set already. Any other key refuses the workflow, with the place."""
    key = "sk_live_not_a_real_key_SENTINEL"
    known = [KnownValue("api", key, [key]), KnownValue("plain", key + "2")]

    pull = pulled(live(a=key, b=key + "2"), known)
    (refused,) = pulled(live(a=key, c=[key + "3"]), known).refused

    assert specs_of(pull) == {
        "a": Value("api", secret=True),
        "b": Value("plain", secret=True),
    }
    assert "SENTINEL" not in repr(pull) + repr(refused)
    assert refused.problem.startswith("custom (")
    assert ") at /c/0 holds what looks like a key" in refused.problem


def test_twins():
    """Of equal secret values the first by name is used; of plain ones none."""
    known = [KnownValue("b", HOOK, [HOOK]), KnownValue("a", HOOK, [HOOK])]
    plain = [KnownValue("c", "nb_8f2c11d0"), KnownValue("d", "nb_8f2c11d0")]

    pull = pulled(live(a=HOOK, b="nb_8f2c11d0"), [*known, *plain])

    assert specs_of(pull) == {"a": Value("a", secret=True), "b": "nb_8f2c11d0"}


def test_without_values_nothing_is_replaced():
    pull = pulled(live(a=HOOK), [])

    assert specs_of(pull) == {"a": HOOK}
    assert "SENTINEL" not in repr(KNOWN)
