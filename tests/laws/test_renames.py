"""A law of refactoring: what is printed keeps every id, whatever was renamed or moved.

A program of two workflows is changed at random, in rounds. After each, the advice of a
plan or diff is written into the program, as data. Then no id is lost.
"""

from __future__ import annotations

from copy import deepcopy
from unicodedata import normalize

import pytest
from attrs import Factory, define
from hypothesis import given
from hypothesis import strategies as st

from flow64 import LEAD, Project, RawBlock, Workflow, variants
from flow64.blocks import Webhook
from flow64.deploy.history import History
from flow64.deploy.plan import Consents
from flow64.deploy.target import target_of
from flow64.diff.advice import advise, match_alike
from tests.deploy.planned import Commits, service

NEW = ...  # a variant that has no old name


@define
class Block:
    """A block of the program, or a scope with items in it."""

    number: int
    name: str | None
    items: list | None = None
    was: str | None = None

    @property
    def key(self):
        return self.name or f"kind{self.number}"

    def as_flow(self):
        if self.items is None:
            specs = {"n": self.number}
            kind = f"kind{self.number}"
            return RawBlock(kind, specs=specs, key=self.name, was=self.was)
        flow = self.items[0].as_flow()
        for item in self.items[1:]:
            flow = flow >> item.as_flow()
        return flow.scoped(self.name, was=self.was)

    def walk(self, above=""):
        """Each block and scope inside, with its path."""
        for item in self.items or ():
            path = above + item.key.replace("/", "%2F")
            yield path, item
            yield from item.walk(f"{path}/")


@define
class Code:
    """One workflow of the program."""

    number: int
    key: str
    root: Block
    variant: str | None = None
    was: str | None = None
    variant_was: object = NEW
    pins: dict = Factory(dict)

    def build(self, project):
        flow = Webhook(LEAD, key="first")
        for item in self.root.items:
            flow = flow >> item.as_flow()
        paths = {item.number: path for path, item in self.root.walk()}
        pins = {paths[number]: block_id for number, block_id in self.pins.items()}
        keys = {"key": self.key, "was": self.was, "pins": {"blocks": pins}}
        made = Workflow(f"Title {self.number}", flow, project=project, **keys)
        if self.variant is None:
            return made
        old = {} if self.variant_was is NEW else {self.variant: self.variant_was}
        return variants(lambda: made, {self.variant: {}}, was=old)[self.variant]


@define
class Program:
    """Two workflows of a project in an environment, with names to draw from."""

    key: str
    namespace: str
    codes: list
    env: str = "staging"
    was: str | None = None
    env_was: str | None = None
    last: int = 99

    def count(self):
        self.last += 1
        return self.last

    def name(self, draw):
        """A new name, also an odd one."""
        stem = draw(st.sampled_from(["n", "a/b", "x=%2F", "e\u0301"]))
        return f"{stem}{self.count()}"

    def build(self):
        project = Project(self.key, namespace=self.namespace, was=self.was)
        return {code.number: code.build(project) for code in self.codes}

    def targets(self):
        env = self.env_was or self.env
        return [target_of(w, env, git=Commits()) for w in self.build().values()]

    def ids(self):
        """The ids of workflows and blocks, by number."""
        ids = {}
        for number, workflow in self.build().items():
            code = self.codes[number]
            numbers = {path: item.number for path, item in code.root.walk()}
            definition = workflow.compile(self.env_was or self.env)
            ids[number, None] = definition.id
            for at, block in enumerate(definition.blocks):
                path = definition.origins[at].path
                ids[number, numbers.get(path, "first")] = block.id
        return ids

    def apply(self, number, advice):
        """Write what is printed for a workflow."""
        code = self.codes[number]
        inside = dict(code.root.walk())
        for item in advice:
            match item.level:
                case "environment":
                    assert item.name == self.env
                    self.env_was = item.was
                case "project":
                    self.was = item.was
                case "workflow":
                    code.was = item.was
                case "variant":
                    assert item.name == normalize("NFC", code.variant)
                    code.variant_was = item.was
                case "pins":
                    for path, block_id in item.was.items():
                        code.pins[inside[path].number] = block_id
                case _:
                    assert (inside[item.name].items is None) == (item.level == "block")
                    inside[item.name].was = item.was


def program():
    codes = []
    for number, odd in enumerate(["", "/"]):
        blocks = [Block(10 * number + n, f"b{odd}{n}") for n in range(1, 4)]
        scope = Block(10 * number + 5, f"s{odd}", blocks[:2])
        plain = Block(10 * number + 4, None)
        codes.append(Code(number, f"key{odd}{number}", Block(0, "", [scope, plain])))
        codes[-1].root.items.append(blocks[2])
    return Program("g", "a.example/team", codes)


# -- Refactorings ----------------------------------------------------------------------


def insert(program, code, items, at, draw):
    items.insert(at, Block(program.count(), program.name(draw)))


def reorder(program, code, items, at, draw):
    items.append(items.pop(at))


def rename(program, code, items, at, draw):
    items[at].name = program.name(draw)


def wrap(program, code, items, at, draw):
    until = draw(st.integers(at + 1, len(items)))
    scope = Block(program.count(), program.name(draw), items[at:until])
    items[at:until] = [scope]


def unwrap(program, code, items, at, draw):
    if items[at].items is not None:
        items[at : at + 1] = items[at].items


def rename_workflow(program, code, items, at, draw):
    code.key = program.name(draw)


def become_variant(program, code, items, at, draw):
    code.variant, code.variant_was = program.name(draw), NEW


def stop_being_variant(program, code, items, at, draw):
    code.variant, code.variant_was = None, NEW


def rename_project(program, code, items, at, draw):
    program.key, program.namespace, program.was = program.name(draw), "b.example", None


def rename_environment(program, code, items, at, draw):
    program.env, program.env_was = f"env{program.count()}", None


INSIDE = [insert, reorder, rename, wrap, unwrap]
# The other workflow keeps its name, by which another project is known.
NAMES = [rename_workflow, become_variant, stop_being_variant]
OWNERS = [rename_project, rename_environment]


def refactor(program, draw):
    """Change a program at random. Not more than half of a workflow is new."""
    steps = draw(st.lists(st.sampled_from(INSIDE + NAMES), min_size=1, max_size=5))
    steps += draw(st.lists(st.sampled_from(OWNERS), unique=True))
    for step in steps:
        code = program.codes[1 if step in NAMES else draw(st.integers(0, 1))]
        levels = [code.root, *(item for _, item in code.root.walk() if item.items)]
        items = draw(st.sampled_from([level.items for level in levels]))
        step(program, code, items, draw(st.integers(0, len(items) - 1)), draw)


def has_kept(before, after):
    """Whether each workflow and block that was there has its id."""
    return {key: after.get(key) for key in before} == before


# -- Laws ------------------------------------------------------------------------------


@given(st.data(), st.integers(1, 3))
def test_diff_of_code_names_what_keeps_all_ids(data, rounds):
    """Both sides have names, so it is always `was=`."""
    after = program()
    for _ in range(rounds):
        before = deepcopy(after)
        refactor(after, data.draw)
        after.env, after.env_was = before.env, before.env_was  # no side of a diff
        old, new = (
            {n: w.compile() for n, w in p.build().items()} for p in (before, after)
        )
        for number, other in match_alike(new, old).items():
            advice = advise(old[other], new[number])
            assert {item.level for item in advice} <= {*LEVELS} - {"pins"}
            after.apply(number, advice)

        assert has_kept(before.ids(), after.ids())


LEVELS = ["project", "workflow", "variant", "scope", "block", "pins"]


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with service(History(tmp_path_factory.mktemp("history"))) as found:
        yield found


def plan(here, program, *environments):
    project = Project(program.key, namespace=program.namespace, was=program.was)
    return here.plan(
        *program.targets(),
        env=program.env_was or program.env,
        label=program.env,
        projects=[project],
        environments=[program.env_was or program.env],
    )


@given(st.data(), st.integers(1, 3))
def test_plan_names_what_keeps_all_ids(here, data, rounds):
    """Names that nothing tells any more are pins."""
    here.clear()
    code = program()
    here.apply(plan(here, code))
    for _ in range(rounds):
        before = code.ids()
        refactor(code, data.draw)
        for number, step in enumerate(plan(here, code).steps[:2]):
            assert (step.action == "create") <= ("create" in step.needs)
            code.apply(number, step.advice)
        then = plan(here, code)

        assert {step.state for step in then.steps} <= {"update", "unchanged"}
        assert has_kept(before, code.ids())
        assert not any(step.advice for step in then.steps)
        here.apply(then, Consents())
        assert plan(here, code).is_empty
