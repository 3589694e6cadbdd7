"""Projects and variants: many workflows from one function."""

from __future__ import annotations

import traceback
from enum import StrEnum

import pytest

from flow64 import LEAD, Project, Workflow, errors, variants
from flow64.blocks import FindEmail, Webhook

growth = Project("growth", namespace="acme.example")
PATH = "ns:acme.example/project:growth/workflow:leads"
ID = "11111111-2222-4333-8444-555555555555"


def build(mode="PROFESSIONAL", size="small", region="us"):
    flow = Webhook(LEAD) >> FindEmail(mode=mode, extra={"size": size, "region": region})
    return Workflow("Leads", flow, key="leads", project=growth)


def test_project_is_data():
    """Projects compare by what they say, and may be keys of a mapping."""
    allowed = Project("growth", namespace="acme.example", allow=["a", "b"])

    assert growth == Project("growth", namespace="acme.example")
    assert {growth: 1, allowed: 2}[Project("growth", "acme.example", ("a", "b"))] == 2


def test_allow_is_a_list_of_codes():
    """A text alone would silence one code for each of its letters, so it is refused."""
    with pytest.raises(errors.BuildError, match="isolated-block"):
        Project("p", namespace="n", allow="cycle")


def test_variants():
    """Each row of the table is a workflow whose path has the variant's name."""
    workflows = variants(build, {"us": {"mode": "PERSONAL"}, "uk": {}})

    definitions = {name: one.compile() for name, one in workflows.items()}
    assert [(name, one.path) for name, one in definitions.items()] == [
        ("us", f"{PATH}/variant:us"),
        ("uk", f"{PATH}/variant:uk"),
    ]
    assert definitions["us"].blocks[1].specs["mode"] == "PERSONAL"
    assert definitions["us"].blocks[0].id != definitions["uk"].blocks[0].id


def test_variants_do_not_know_each_other():
    """The ids of a variant depend on no other variant, nor on the order."""
    alone = variants(build, {"us": {}})["us"]
    among = variants(build, {"uk": {}, "de": {}, "us": {}})["us"]

    assert alone.to_json() == among.to_json()


def test_variants_of_variants():
    """A variant may be varied again."""

    def regional(size):
        return variants(lambda: build(size=size), {"us": {}})["us"]

    workflow = variants(regional, {"big": {"size": "big"}})["big"]

    assert workflow.compile().path == f"{PATH}/variant:us/variant:big"


def test_axes():
    """Each combination is a workflow. Axes stand in its path by name."""
    workflows = variants(build, size=["l", "s"], region=["us", "uk"])

    assert [*workflows] == [("l", "us"), ("l", "uk"), ("s", "us"), ("s", "uk")]
    definition = workflows["l", "uk"].compile()
    assert definition.path == f"{PATH}/axis:region/variant:uk/axis:size/variant:l"
    assert definition.id == "039343fb-906f-5fa1-b299-9446c13f348a"
    assert definition.blocks[1].specs["size"] == "l"
    other = variants(build, region=["uk"], size=["l"])
    assert other["uk", "l"].to_json() == workflows["l", "uk"].to_json()


def owned(key, project=growth, **keys):
    flow = Webhook(LEAD) >> FindEmail()
    return Workflow("W", flow, key=key, project=project, **keys)


def region(**keys):
    return lambda **_: owned("leads", **keys)


OLD = {"us": {}, "d/e": {}}
SIZES = {"region": ["us"], "size": ["s", "l"]}
WAS = {
    "a variant": (
        variants(region(), OLD)["us"],
        variants(region(), {"na": {}}, was={"na": "us"})["na"],
    ),
    "a variant of an odd name": (
        variants(region(), OLD)["d/e"],
        variants(region(), {"na": {}}, was={"na": "d%2Fe"})["na"],
    ),
    "no variant": (
        owned("leads"),
        variants(region(), {"us": {}}, was={"us": None})["us"],
    ),
    "no variant, of another key": (
        owned("leads-us"),
        variants(region(was="leads-us"), {"us": {}}, was={"us": None})["us"],
    ),
    "a variant of another key": (
        variants(region(), OLD)["us"],
        variants(lambda: owned("people", was="leads"), {"us": {}})["us"],
    ),
    "one that is a variant no more": (
        variants(region(), OLD)["us"],
        owned("leads", was="leads/us"),
    ),
    "of axes": (
        variants(region(), **SIZES)["us", "l"],
        owned("big", was="leads/region=us/size=l"),
    ),
    "another of axes": (
        variants(region(), **SIZES)["us", "l"],
        variants(
            region(),
            region=["na"],
            size=["big"],
            was={
                "region=na/size=big": "region=us/size=l",
            },
        )["na", "big"],
    ),
    "axes that were a table": (
        variants(region(), OLD)["us"],
        variants(region(), region=["us"], was={"region=us": "us"})["us",],
    ),
    "a project": (
        owned("leads"),
        owned(
            "leads", Project("g2", namespace="new.example", was="acme.example/growth")
        ),
    ),
    "a namespace with a slash": (
        owned("leads", Project("a/b", namespace="acme.example/team")),
        owned("leads", Project("g", "acme.example", was="acme.example/team/a%2Fb")),
    ),
}


@pytest.mark.parametrize("name", WAS)
@pytest.mark.parametrize("env", ["default", "prod"])
def test_was_keeps_what_is_sent(name, env):
    """The old path makes the ids, and stands in the stamp."""
    before, after = (workflow.compile(env) for workflow in WAS[name])

    assert after.path == before.path
    assert WAS[name][0].to_json(env) == WAS[name][1].to_json(env)


BAD_WAS = [
    region(was="leads//us"),
    region(was="leads/=us"),
    region(project=Project("g", "a.example", was="growth")),
    region(project=Project("g", "a.example", was="local/growth")),
]


@pytest.mark.parametrize("build", BAD_WAS, ids=range(4))
def test_bad_was(build):
    """What is no path of keys is a finding."""
    errors = [found.code for found in build().check() if found.severity == "error"]

    assert errors == ["invalid-key"]


MISTAKES = {
    "two of one name once normalized": lambda: variants(
        build, {"\u00e9": {}, "e\u0301": {}}
    ),
    "no name": lambda: variants(build, {"": {}}),
    "a number": lambda: variants(build, {5: {}}),
    "names alone": lambda: variants(build, ["us", "uk"]),
    "no workflow": lambda: variants(lambda: None, {"us": {}}),
    "nothing": lambda: variants(build),
    "both": lambda: variants(build, {"us": {}}, region=["us"]),
    "an empty axis": lambda: variants(build, region=[]),
    "an axis that is a text": lambda: variants(build, region="us"),
    "a text twice in an axis": lambda: variants(build, region=["us", "us"]),
    "an axis of numbers": lambda: variants(build, region=[1]),
    "an axis of an enum": lambda: variants(build, region=[*StrEnum("R", "us de")]),
    "old names without new ones": lambda: variants(build, {"us": {}}, was="na"),
    "an old number": lambda: variants(build, {"us": {}}, was={"us": 5}),
    "an old name of none": lambda: variants(build, {"us": {}}, was={"su": "na"}),
    "an axis out of order": lambda: variants(
        build, region=["us"], size=["s"], was={"size=s/region=us": "us"}
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name):
    """A table that cannot be what was meant is refused before ids are shared."""
    with pytest.raises(errors.BuildError):
        MISTAKES[name]()


def test_mistake_of_build_names_the_variant():
    """An error of the function itself says in which variant it came."""
    with pytest.raises(TypeError, match="moed") as caught:
        variants(build, moed=["uk"], region=["big"])

    lines = traceback.format_exception(caught.value)
    assert "flow64: in the variant" in lines[-1]


def test_variant_names_are_keys():
    """A name that is no key is a finding, as it is elsewhere."""
    workflow = variants(build, {"x" * 513: {}})["x" * 513]

    assert [f.code for f in workflow.check() if f.severity == "error"] == [
        "invalid-key"
    ]


def pinned(**ids):
    return Workflow("w", Webhook(LEAD), **ids)


def test_each_variant_may_have_its_pin():
    """A fleet that was imported has an id for each variant."""
    other = ID.replace("1", "9")

    workflows = variants(pinned, {"us": {"id": ID}, "uk": {"id": other}, "de": {}})

    assert [workflows[name].id() for name in ("us", "uk")] == [ID, other]
