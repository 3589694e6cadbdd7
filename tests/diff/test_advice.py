"""What keeps ids, at the highest level that explains the difference."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64 import LEAD, Project, Workflow, variants
from flow64.blocks import Filter, FindEmail, FindPhone, Webhook
from flow64.definition import ListedOrigins, Stamp
from flow64.diff.advice import advise, advise_all, match_alike

G = Project("g", namespace="a.example")
H = Project("h", namespace="b.example/x")
EMAIL, PHONE = FindEmail(), FindPhone()
BOTH = EMAIL >> PHONE
OK = Filter.where("email").equals("a")
OTHER = Filter.where("email").equals("b")


def one(*flows, key="k", project=G, was=None):
    flow = Webhook(LEAD)
    for part in flows:
        flow = flow >> part
    return Workflow("W", flow, key=key, project=project, was=was)


def region(name, key="k", **more):
    return variants(lambda: one(BOTH, key=key, **more), {name: {}})[name]


def axes(**names):
    table = {axis: [name] for axis, name in names.items()}
    return variants(lambda **_: one(BOTH), **table)[(*names.values(),)]


CASES = {
    "default key": (
        one(EMAIL),
        one(FindEmail(key="x")),
        ['was="find_email" in block x'],
    ),
    "wrapped": (one(BOTH), one(BOTH.scoped("w")), ['was="" in scope w']),
    "wrapped again": (
        one(BOTH.scoped("w", was="v")),
        one(BOTH.scoped("w", was="v").scoped("x")),
        ['was="" in scope x'],
    ),
    "a scope of scopes": (
        one(EMAIL.scoped("a/b"), PHONE.scoped("c")),
        one((EMAIL.scoped("a/b") >> PHONE.scoped("c")).scoped("w")),
        ['was="" in scope w'],
    ),
    "an inner scope": (
        one(BOTH.scoped("w")),
        one((EMAIL >> PHONE.scoped("in")).scoped("w")),
        ['was="" in scope w/in'],
    ),
    "into a scope with others": (
        one(EMAIL, PHONE.scoped("w")),
        one(BOTH.scoped("w")),
        ['was="/find_email" in block w/find_email'],
    ),
    "a scope whose name would be taken": (
        one(BOTH, OK),
        one((BOTH >> OTHER).scoped("w"), OK),
        [
            'was="/find_email" in block w/find_email',
            'was="/find_phone" in block w/find_phone',
        ],
    ),
    "a block that was called as its scope": (
        one(EMAIL.scoped("w"), FindPhone(key="w")),
        one((EMAIL >> FindPhone(key="p")).scoped("w")),
        ['was="/w" in block w/p'],
    ),
    "a key": (one(BOTH), one(BOTH, key="l"), ['was="k" in workflow l']),
    "a project, and a scope": (
        one(BOTH, project=H),
        one(BOTH.scoped("w")),
        ['was="b.example/x/h" in project g', 'was="" in scope w'],
    ),
    "a variant": (
        region("u/s"),
        region("na"),
        ['was={"na": "u%2Fs"} in variants(...)'],
    ),
    "a variant of another key": (
        region("us"),
        region("us", key="l"),
        ['was="k" in workflow l'],
    ),
    "became a variant": (
        one(BOTH),
        region("us"),
        ['was={"us": None} in variants(...)'],
    ),
    "was a variant": (region("us"), one(BOTH), ['was="k/us" in workflow k']),
    "was one of axes": (
        axes(r="us", s="l"),
        one(BOTH, key="l"),
        ['was="k/r=us/s=l" in workflow l'],
    ),
    "axes": (
        axes(s="l", r="us"),
        axes(s="l", r="na"),
        ['was={"r=na/s=l": "r=us/s=l"} in variants(...)'],
    ),
    "an axis that became a variant": (
        axes(r="us"),
        region("us", key="l"),
        ['was={"us": "r=us"} in variants(...)', 'was="k" in workflow l'],
    ),
    "variants of variants": (
        region("us").varied([("variant", "big")]),
        region("na").varied([("variant", "big")]),
        [],  # nothing tells which of both calls is meant
    ),
    "a variant with a wrong old name": (
        region("ae"),
        variants(lambda: one(BOTH), {"uae": {}}, was={"uae": "xx"})["uae"],
        ['was={"uae": "ae"} in variants(...)'],
    ),
    "a variant that is called what it was": (
        region("us"),
        variants(lambda: one(BOTH), {"us": {}}, was={"us": None})["us"],
        ['was={"us": "us"} in variants(...)'],
    ),
    "a variant of what was one": (
        one(BOTH, key="k", was="k/us"),
        region("eu", was="k/us"),
        ['was={"eu": None} in variants(...)'],
    ),
    "a key with a wrong old one": (
        region("us"),
        one(BOTH, key="l", was="k/xx"),
        ['was="k/us" in workflow l'],
    ),
    "a project with a wrong old name": (
        one(BOTH, project=H),
        one(BOTH, project=evolve(G, was="c.example/y")),
        ['was="b.example/x/h" in project g'],
    ),
    "more blocks": (one(EMAIL), one(EMAIL, PHONE), []),
    "fewer blocks": (one(BOTH), one(PHONE), []),
    "nothing alike": (one(EMAIL), one(PHONE), []),
}


def live(definition):
    """What the service has of it: no name but the path in the stamp."""
    stamp, origins = Stamp(definition.path, "0" * 16, "0" * 16), ListedOrigins()
    return evolve(definition, path=None, stamp=stamp, origins=origins)


@pytest.mark.parametrize("name", CASES)
def test_advice(name):
    """Also if the old side is live: its names are guessed from those of now."""
    before, after, lines = CASES[name]
    before, after = before.compile(), after.compile()

    assert [*map(str, advise(before, after))] == lines
    assert [*map(str, advise(live(before), after))] == lines
    assert not advise(after, live(before))


def test_each_is_paired_with_the_one_most_like_it():
    """The path counts first, then the blocks, then the title."""

    def made(key, title, *flows):
        return evolve(one(*flows, key=key).compile(), name=title)

    gone = {
        1: made("a", "A", EMAIL),
        2: made("b", "B", EMAIL, OK),
        3: made("c", "C", OK),
    }
    new = {
        4: made("x", "B", EMAIL, OTHER),
        5: made("b", "X", EMAIL),
        6: made("y", "C", OK),
    }

    assert match_alike(new, gone) == {5: 2, 6: 3, 4: 1}


def test_pinned_workflow_needs_no_old_name():
    """Its blocks are pinned too, or that is what to write."""
    before = one(EMAIL, project=H).compile()
    blocks = {block.kind: block.id for block in before.blocks}
    flow = Webhook(LEAD) >> EMAIL

    def pinned(**pins):
        pins["workflow"] = {"default": before.id}
        return Workflow("W", flow, key="k", project=G, pins=pins).compile()

    assert not advise(before, pinned(blocks=blocks))
    assert [item.was for item in advise(before, pinned())] == [blocks]


def test_many_alike_are_all_paired():
    """Else those of a loop would be created a second time, without a question."""
    old, new = ({f"{k}{n}": one(EMAIL).compile() for n in range(99)} for k in "ab")

    assert len(match_alike(new, old)) == 99


MOVED = one(EMAIL, project=H), one(EMAIL)
ALSO_MOVED = one(OK, key="l", project=H), one(OK, key="l")
OF_A_THIRD = one(OK, key="l", project=evolve(H, key="i")), one(OK, key="l")
RENAMED = one(OK, key="l"), one(OK, key="m")
BECAME_VARIANT = one(EMAIL, key="l"), region("us")


@pytest.mark.parametrize(
    ("pairs", "kept", "advised"),
    [
        ([MOVED, ALSO_MOVED], [], [0, 1]),
        ([MOVED, OF_A_THIRD], [], []),  # two projects became one
        ([MOVED], [one(OK, key="l")], []),
        ([MOVED, RENAMED], [], [1]),  # this one belongs to the project already
        ([BECAME_VARIANT], [], [0]),
        ([BECAME_VARIANT], [region("de")], []),
    ],
)
def test_advice_takes_no_ids_from_others(pairs, kept, advised):
    """A project, and a workflow with variants, have one `was=` for all."""
    sides = {at: (a.compile(), b.compile()) for at, (a, b) in enumerate(pairs)}
    paths = [workflow.compile().path for workflow in kept]

    assert [at for at, items in advise_all(sides, paths).items() if items] == advised
