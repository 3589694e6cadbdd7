"""Projects, variants and matrices: many workflows from one function."""

from __future__ import annotations

import traceback

import pytest

from flow64 import LEAD, Project, Workflow, errors, matrix, variants
from flow64.blocks import FindEmail, Webhook

growth = Project("growth", namespace="acme.example")


def build(mode="PROFESSIONAL", size="small"):
    flow = Webhook(LEAD) >> FindEmail(mode=mode, extra={"size": size})
    return Workflow("Leads", flow, key="leads", project=growth)


def test_project_is_data():
    """Projects compare by what they say, and may be keys of a mapping."""
    allowed = Project("growth", namespace="acme.example", allow=["a", "b"])

    assert growth == Project("growth", namespace="acme.example")
    assert {growth: 1, allowed: 2}[Project("growth", "acme.example", ("a", "b"))] == 2
    assert allowed.allow == ("a", "b")
    assert Project("p", "n", allow={"a"}).allow == ("a",)


@pytest.mark.parametrize("allow", ["cycle", 5, None, [5]])
def test_allow_is_a_list_of_codes(allow):
    """A text alone would silence one code for each of its letters, so it is refused."""
    with pytest.raises(
        errors.ArgumentError, match=r"^Project: allow is .*isolated-block"
    ):
        Project("p", namespace="n", allow=allow)


def test_variants():
    """Each row of the table is a workflow whose path has the variant's name."""
    table = {"us": {"mode": "PERSONAL"}, "uk": {}}

    made = variants(build, table)

    assert list(made) == ["us", "uk"]
    base = "ns:acme.example/project:growth/workflow:leads"
    assert [made[name].compile().path for name in made] == [
        f"{base}/variant:us",
        f"{base}/variant:uk",
    ]
    specs = [made[name].compile().blocks[1].specs["mode"] for name in made]
    assert specs == ["PERSONAL", "PROFESSIONAL"]
    assert len({workflow.id() for workflow in (*made.values(), build())}) == 3
    blocks = [made[name].compile().blocks[0].id for name in made]
    assert blocks[0] != blocks[1]


def test_variants_do_not_know_each_other():
    """The ids of a variant depend on no other variant, nor on the order."""
    one = variants(build, {"us": {}})["us"]
    several = variants(build, [("uk", {}), ("de", {}), ("us", {})])["us"]

    assert one.to_json() == several.to_json()


def test_variants_of_variants():
    """A variant may be varied again."""

    def regional(size):
        return variants(lambda: build(size=size), {"us": {}})["us"]

    made = variants(regional, {"big": {"size": "big"}})["big"]

    assert made.compile().path.endswith("/workflow:leads/variant:us/variant:big")


def test_matrix():
    """Each combination is a workflow; axes stand in its path by name."""
    axes = {
        "size": {"big": {"size": "big"}, "small": {}},
        "region": {"us": {"mode": "PERSONAL"}, "uk": {}},
    }

    made = matrix(build, axes)

    assert list(made) == [
        ("big", "us"),
        ("big", "uk"),
        ("small", "us"),
        ("small", "uk"),
    ]
    definition = made["big", "us"].compile()
    assert definition.path.endswith(
        "/workflow:leads/axis:region/variant:us/axis:size/variant:big"
    )
    assert definition.blocks[1].specs == {"mode": "PERSONAL", "size": "big"}
    assert len({workflow.id() for workflow in made.values()}) == 4


def test_order_of_axes_changes_no_id():
    """Axes are sorted by name in a path, however they were written."""
    region, size = {"us": {}}, {"big": {}}

    one = matrix(build, {"region": region, "e\u0301": size})
    other = matrix(build, {"\u00e9": size, "region": region})

    assert one["us", "big"].to_json() == other["big", "us"].to_json()


EXCLUSIONS = {
    "one combination": (
        [{"region": "us", "size": "big"}],
        {("us", "small"), ("uk", "big"), ("uk", "small")},
    ),
    "all of one name": ([{"region": "us"}], {("uk", "big"), ("uk", "small")}),
    "two that overlap": ([{"region": "us"}, {"size": "big"}], {("uk", "small")}),
    "not in a list": ({"region": "us"}, {("uk", "big"), ("uk", "small")}),
    "a generator": (iter([{"region": "us"}]), {("uk", "big"), ("uk", "small")}),
    "everything": ([{"region": "us"}, {"region": "uk"}], set()),
}


@pytest.mark.parametrize("name", EXCLUSIONS)
def test_exclusions(name):
    """An exclusion leaves out every combination that it fits."""
    exclude, expected = EXCLUSIONS[name]
    axes = {"region": {"us": {}, "uk": {}}, "size": {"big": {}, "small": {}}}

    assert set(matrix(build, axes, exclude=exclude)) == expected


MISTAKES = {
    "two of one name": (
        lambda: variants(build, [("us", {}), ("us", {})]),
        "two variants are called 'us', and would share ids: rename one of them",
    ),
    "two of one name once normalized": (
        lambda: variants(build, {"\u00e9": {}, "e\u0301": {}}),
        "two variants are called 'e\u0301', and would share ids: rename one of them",
    ),
    "no name": (
        lambda: variants(build, {"": {}}),
        "'' is not a variant name: write a str",
    ),
    "a number": (
        lambda: variants(build, {5: {}}),
        "5 is not a variant name: write a str",
    ),
    "names alone": (
        lambda: variants(build, ["us", "uk"]),
        (
            "'us' is not a pair of a variant name and its parameters: "
            'write {"us": {...}, "uk": {...}}'
        ),
    ),
    "a triple": (
        lambda: variants(build, [("us", {}, {})]),
        (
            "('us', {}, {}) is not a pair of a variant name and its parameters: "
            'write {"us": {...}, "uk": {...}}'
        ),
    ),
    "no workflow": (
        lambda: variants(lambda: None, {"us": {}}),
        "<lambda> returns None: let it return a Workflow",
    ),
    "no workflow of something without a name": (
        lambda: variants(Callable(), {"us": {}}),
        "build returns None: let it return a Workflow",
    ),
    "no axis": (
        lambda: matrix(build, {}),
        (
            "a matrix needs at least one axis: "
            'write {"region": {"us": {...}, "uk": {...}}}'
        ),
    ),
    "an empty axis": (
        lambda: matrix(build, {"region": {}}),
        (
            "axis 'region' is {}, which names no variants: "
            'write {"us": {...}, "uk": {...}}'
        ),
    ),
    "an axis of names": (
        lambda: matrix(build, {"region": ["us"]}),
        (
            "axis 'region' is ['us'], which names no variants: "
            'write {"us": {...}, "uk": {...}}'
        ),
    ),
    "axes of one name once normalized": (
        lambda: matrix(build, {"\u00e9": {"a": {}}, "e\u0301": {"a": {}}}),
        "two variants are called 'e\u0301', and would share ids: rename one of them",
    ),
    "two axes that set one thing": (
        lambda: matrix(
            build, {"a": {"x": {"mode": "PERSONAL"}}, "b": {"y": {"mode": "PERSONAL"}}}
        ),
        "two axes set mode: leave it to one of them",
    ),
    "an exclusion that fits nothing": (
        lambda: matrix(build, {"region": {"us": {}}}, exclude=[{"region": "de"}]),
        (
            "the exclusion {'region': 'de'} fits no combination: correct its names, "
            "or leave it out"
        ),
    ),
    "an exclusion of nothing": (
        lambda: matrix(build, {"region": {"us": {}}}, exclude=[{}]),
        '{} excludes nothing: write exclude=[{"region": "uk"}]',
    ),
    "an exclusion that is a name": (
        lambda: matrix(build, {"region": {"us": {}}}, exclude=["us"]),
        '\'us\' excludes nothing: write exclude=[{"region": "uk"}]',
    ),
}


class Callable:
    """Something that can be called and has no name."""

    def __call__(self):
        """Return nothing."""


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name):
    """A table that cannot be what was meant is refused before ids are shared."""
    make, text = MISTAKES[name]

    with pytest.raises(errors.VariantError) as caught:
        make()

    assert str(caught.value) == text


def test_mistake_of_build_names_the_variant():
    """An error of the function itself says in which variant it came."""
    axes = {"region": {"us": {}, "uk": {"moed": 1}}, "size": {"big": {}}}

    with pytest.raises(TypeError, match="moed") as caught:
        matrix(build, axes)

    assert (
        "flow64: in the variant uk / big"
        in traceback.format_exception(caught.value)[-1]
    )


def test_variant_names_are_keys():
    """A name that is no key is a finding, as it is elsewhere."""
    made = variants(build, {"x" * 513: {}})["x" * 513]

    assert [f.code for f in made.check() if f.severity == "error"] == ["invalid-key"]


def test_variant_of_what_was_read():
    """A workflow that was read keeps its id, since that is not made from a path."""
    text = build().to_json()

    made = variants(lambda: Workflow.from_json(text), {"us": {}})["us"]

    assert made.to_json() == text


ID = "11111111-2222-4333-8444-555555555555"


def pinned(**ids):
    return Workflow("w", Webhook(LEAD), **ids)


SHARED = {
    "an id": lambda **_: pinned(id=ID),
    "a pin": lambda **_: pinned(pins={"workflow": {"prod": ID}}),
    "what was read": lambda **_: Workflow.from_json(build().to_json()),
}


@pytest.mark.parametrize("name", SHARED)
def test_variants_share_no_pin(name):
    """A pinned id is that of one workflow, so two variants cannot both have it."""
    with pytest.raises(
        errors.VariantError, match=r"^variants 'us' and 'uk' are pinned"
    ):
        variants(SHARED[name], {"us": {}, "uk": {}})
    with pytest.raises(
        errors.VariantError, match=r"^variants \('us',\) and \('uk',\) "
    ):
        matrix(SHARED[name], {"region": {"us": {}, "uk": {}}})


def test_each_variant_may_have_its_pin():
    """A fleet that was imported has an id for each variant."""
    other = ID.replace("1", "9")

    made = variants(pinned, {"us": {"id": ID}, "uk": {"id": other}, "de": {}})

    assert [made[name].id() for name in ("us", "uk")] == [ID, other]
