"""Sources: files, modules, folders, and one workflow of them."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from flow64 import LEAD, Project, Workflow
from flow64.blocks import Webhook
from flow64.cli import main
from flow64.errors import ReadError, SourceError
from flow64.loading import load_source, split_source

HEAD = """
from flow64 import LEAD, Project, Workflow, variants
from flow64.blocks import Webhook

growth = Project("growth", namespace="acme.example")

def made(key="made", **more):
    return Workflow(key, Webhook(LEAD), key=key, project=growth)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write():
    """Write a file of the working folder; Python gets what each one needs."""

    def written(name, text=""):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEAD + text if path.suffix == ".py" else text, "utf-8")
        return str(path)

    return written


def body(key):
    return Workflow(
        key, Webhook(LEAD), key=key, project=Project("growth", "acme.example")
    ).to_json()


# -- What counts ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a = made('a')\nb = made('b')", ["a", "b"]),
        ("_hidden = made('a')", ["a"]),
        ("a = b = made('a')", ["a"]),
        ("all_ = [made('a'), (made('b'), [made('c')])]", ["a", "b", "c"]),
        ("all_ = {'x': made('a'), 'y': {'z': made('b')}}", ["a", "b"]),
        ("all_ = {made('a')}", ["a"]),
        ("loop = [made('a')]\nloop.append(loop)", ["a"]),
        ("v = variants(made, {'us': {}, 'uk': {}})", ["made/us", "made/uk"]),
        (
            "m = variants(made, size=['big'], region=['us'])",
            ["made/us/big"],
        ),
        ("other = 3\nclass A: w = made('a')\nb = made('b')", ["b"]),
    ],
    ids=range(10),
)
def test_what_counts(write, text, names):
    """Workflows at module level, wherever they are kept, each once and in order."""
    assert load_source(write("leads.py", text)).names == names


def test_projects(write):
    """Projects count too, also those that only a workflow names, each once."""
    other = "made = Workflow('x', Webhook(LEAD), project=Project('b', 'acme.example'))"
    found = load_source(write("leads.py", f"w = made()\n{other}"))

    assert [project.key for project in found.projects] == ["growth", "b"]


def test_where(write):
    """Each has the place where it was found."""
    (one,) = load_source(write("leads.py", "inbound = made('a')")).workflows

    assert (one.where, one.workflow.name) == ("leads.py: inbound", "a")


def test_faulty_keys(write):
    """Workflows with faulty keys are found; a check reports them."""
    text = "w = [Workflow('-', Webhook(LEAD)), Workflow('?', Webhook(LEAD))]"

    assert load_source(write("leads.py", text)).names == ["", ""]


@pytest.mark.parametrize(
    ("key", "stem"),
    [
        ("inbound", "inbound"),
        ("a/b", "a%2Fb"),
        ("..", ".."),
        ("a\0b", "a%00b"),
        ("é@", "%C3%A9%40"),
        ("\udc80", "%5Cudc80"),
    ],
    ids=range(6),
)
def test_stem(key, stem, write):
    """A file is named for the key, and stays in its folder."""
    found = load_source(write("leads.py", f"w = made({key!r})"))

    assert found.workflows[0].stem == stem


def test_long_stems(write):
    """Long keys that begin alike have files of their own, with names that fit."""
    found = load_source(write("leads.py", "all = [made('x' * 500 + e) for e in 'ab']"))

    first, second = (one.stem for one in found.workflows)
    assert first != second
    assert max(len(first), len(second)) < 200


# -- Which one ------------------------------------------------------------------------


def test_picked(write):
    """A key behind a colon picks one workflow, and its project."""
    found = load_source(write("leads.py", "a = made('a')\nb = made('b')") + ":b")

    assert (found.names, found.is_picked, found.only.name) == (["b"], True, "b")
    assert [project.key for project in found.projects] == ["growth"]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("leads.py:inbund", "holds no workflow 'inbund' (did you mean 'inbound'?)"),
        ("leads.py:made", "'made' is the key of 2 workflows: made/us and made/uk"),
        ("no/where.py", "there is no file, folder, module, environment or key 'no/wh"),
        ("no.such.module", "no file, folder, module, environment or key 'no.such.mo"),
        ("empty.py", "empty.py keeps no Workflow in a variable; made() makes one"),
        ("nothing.py", "nothing.py holds no Workflow at the level of a module"),
        ("text.txt", "text.txt is no file of Python or JSON"),
    ],
)
def test_wrong_source(write, source, problem):
    """A missing source is a wrong command line, with a suggestion."""
    text = "inbound = made('inbound')\nv = variants(made, {'us': {}, 'uk': {}})"
    write("leads.py", text)
    write("empty.py")
    Path("nothing.py").write_text("a = 1", "utf-8")
    write("text.txt", "text")

    with pytest.raises(SourceError) as caught:
        load_source(source)

    assert problem in str(caught.value)


def test_one_is_needed(write):
    """If a command takes one workflow, several are listed, with advice."""
    found = load_source(write("leads.py", "w = [made(str(n)) for n in range(30)]"))

    with pytest.raises(SourceError, match="holds 30 workflows") as caught:
        _ = found.only

    assert "18, 19 and 10 more; name one of them, as in leads.py:0" in str(caught.value)


def test_two_of_one_id(write):
    """Two workflows of one id would overwrite each other."""
    path = write("leads.py", "a = made('a')\nb = made('a')\nx = [b]")
    write(
        "leads.py", "a = made('a')\nb = [Workflow('A', Webhook(LEAD), project=growth)]"
    )

    with pytest.raises(SourceError) as caught:
        load_source(path)

    assert "'a' in leads.py: a and 'a' in leads.py: b" in str(caught.value)


OLD_PATHS = [
    ("key='a'", "key='b', was='a'"),
    ("key='a', was='x'", "key='b', was='x'"),
    ("key='a'", "key='b', project=Project('p', 'p.example', was='acme.example/g')"),
]


@pytest.mark.parametrize("keys", OLD_PATHS)
def test_two_of_one_old_path(write, keys):
    """Or an old path that is still in use: both are named."""
    lines = ["g = Project('g', 'acme.example')"]
    for name, key in zip("ab", keys, strict=True):
        owner = "" if "project" in key else ", project=g"
        lines.append(f"{name} = Workflow('{name}', Webhook(LEAD), {key}{owner})")

    with pytest.raises(SourceError) as caught:
        load_source(write("leads.py", "\n".join(lines)))

    assert "'a' in leads.py: a and 'b' in leads.py: b" in str(caught.value)


def test_key_of_two_projects(write):
    """The key of its project precedes each, and a key alone lists them."""
    write("all/a.py", "a = made('a')\nb = made('b')")
    more = "c = Workflow('A', Webhook(LEAD), key='a', project=sales)"
    write("all/b.py", f"sales = Project('sales', namespace='acme.example')\n{more}")

    with pytest.raises(SourceError) as caught:
        load_source("all:a")

    assert load_source("all").names == ["growth:a", "b", "sales:a"]
    assert load_source("all:*:a").names == ["growth:a", "sales:a"]
    assert load_source("all:sales:a").only.workflow.name == "A"
    assert "'a' is the key of 2 workflows: growth:a and sales:a" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("leads.py", ("leads.py", None)),
        ("leads.py:", ("leads.py", None)),
        ("leads.py:a:b", ("leads.py", "a:b")),
        ("odd:name.py", ("odd:name.py", None)),
        ("acme.leads:a/b:c", ("acme.leads", "a/b:c")),
        ("nothing", ("nothing", None)),
        ("", ("", None)),
    ],
)
def test_split_source(write, source, wanted):
    """A key follows the first colon that is not part of a file name."""
    write("leads.py")
    write("odd:name.py")

    assert split_source(source) == wanted


# -- Modules --------------------------------------------------------------------------


def test_neighbours(write):
    """A file can import modules next to it, and in the working folder."""
    write("sub/shared.py", "one = made('one')")
    write("common.py", "def two():\n    return made('two')")
    text = "from shared import one\nfrom common import two\nw = [one, two()]"

    assert load_source(write("sub/leads.py", text)).names == ["one", "two"]


@pytest.mark.parametrize("source", ["pipelines", "pipelines/a.py", "pipelines/eu/b.py"])
def test_relative_imports(write, source):
    """A folder without `__init__.py` is a package too, from the working folder."""
    write("pipelines/common.py", "def build(key):\n    return made(key)")
    write("pipelines/a.py", "from .common import build\nw = build('a')")
    write("pipelines/eu/b.py", "from ..common import build\nw = build('b')")
    modules = {*sys.modules}

    wanted = {"pipelines/a.py": ["a"], "pipelines/eu/b.py": ["b"]}
    assert load_source(source).names == wanted.get(source, ["a", "b"])
    assert {*sys.modules} == modules


def test_relative_import_in_the_working_folder(write, monkeypatch):
    write("pipelines/common.py", "w = made('a')")
    write("pipelines/a.py", "from .common import w")
    monkeypatch.chdir("pipelines")

    assert load_source("a.py").names == ["a"]


@pytest.mark.parametrize("source", [None, "../pipelines/a.py"])
def test_modules_are_found_from_any_folder_of_the_project(write, monkeypatch, source):
    """The folder of the settings is searched, as it is if a command runs there."""
    Path("pyproject.toml").write_text('[tool.flow64]\nsource = "pipelines"')
    write("pipelines/a.py", "from shared.keys import KEY\nw = made(KEY)")
    write("shared/keys.py", "KEY = 'a'")
    Path("inner").mkdir()
    monkeypatch.chdir("inner")

    assert load_source(source).names == ["a"]


def test_module(write):
    """A module is named as it is imported."""
    write("acme/__init__.py")
    write("acme/leads.py", "from . import growth as g\nw = made('a')")

    found = load_source("acme.leads:a")

    assert found.only.where == "acme/leads.py: w"


def test_package(write):
    """A package is all that is in it; as a folder, it is the same."""
    write("acme/__init__.py", "w = made('first')")
    write("acme/leads.py", "from .inner.more import w as same\nw = made('a')")
    write("acme/inner/__init__.py")
    write("acme/inner/more.py", "w = made('b')")

    assert load_source("acme").names == ["first", "b", "a"]
    assert load_source("./acme/").names == ["first", "b", "a"]


def test_nothing_is_left_behind(write):
    """Two versions of one folder do not see each other's modules."""
    for version in ("old", "new"):
        write(f"{version}/shared.py", f"key = '{version}'")
        write(f"{version}/leads.py", "from shared import key\nw = made(key)")
    path, modules = [*sys.path], {*sys.modules}

    assert [load_source(f"{v}/leads.py").names for v in ("old", "new")] == [
        ["old"],
        ["new"],
    ]
    assert ([*sys.path], {*sys.modules} - modules) == (path, set())


def test_folder(write):
    """A folder is its code, each file once, without what is for tools and tests."""
    write("all/a.py", "from b import w\nv = made('a')")
    write("all/b.py", "w = made('b')")
    write("all/sub/b.py", "w = made('c')")
    write("all/a.json", "{}")
    for name in ("conftest.py", "test_x.py", "x_test.py", "__main__.py", "setup.py"):
        write(f"all/{name}", "raise SystemExit")
    for name in (".hidden/x.py", "node_modules/x.py", "env/lib/x.py"):
        write(f"all/{name}", "raise SystemExit")
    write("all/env/pyvenv.cfg")

    assert load_source("all").names == ["b", "a", "c"]


def test_one_file_by_two_names(write):
    """A workflow imported under two names is still one."""
    write("all/sub/b.py", "w = Workflow('b', Webhook(LEAD), project=growth)")
    write("all/a.py", "from sub.b import w\nv = made('a')")

    assert load_source("all").names == ["b", "a"]


def test_what_modules_print(write, capsys):
    """The output of a module goes to stderr."""
    load_source(write("leads.py", "print('loading')\nw = made('a')"))

    assert capsys.readouterr() == ("", "loading\n")


# -- Modules that fail ----------------------------------------------------------------

FAILING = {
    "raises": "def f():\n    {}['gone']\nf()",
    "syntax": "w = (",
    "of ours": "w = Workflow('x', Webhook(LEAD), kye='a')",
    "led to": "try:\n    {}['gone']\nexcept KeyError:\n    made().check(3)\n    1/0",
    "variant": "def bad(**_):\n    raise ValueError('no')\nvariants(bad, {'us': {}})",
    "missing": "import nowhere.at_all",
    "group": "raise ExceptionGroup('both', [ValueError('a'), KeyError('b')])",
}


@pytest.mark.parametrize("what", FAILING)
def test_traceback(write, what):
    """A module that fails shows the user's own traceback, and no frame of ours."""
    path = write("leads.py", FAILING[what])

    with pytest.raises(SourceError) as caught:
        load_source(path)

    frames = re.findall(r"^[ |+]*File .*$", caught.value.traceback, re.MULTILINE)
    assert frames
    assert "\n" not in str(caught.value)
    assert all(f'"{Path(path).resolve()}"' in frame for frame in frames)


def test_modules_that_fail_alike_are_one_error(write):
    write("all/shared.py", "x = 1\n1 / 0")
    for name in ("a", "b"):
        write(f"all/{name}.py", "import shared\nw = made('a')")

    (finding,) = load_source("all", lenient=True, may_be_empty=True).findings

    assert Path(finding.file).name == "shared.py"
    assert finding.message == (
        "the module cannot be imported: ZeroDivisionError: division by zero"
    )


def test_failing_variant(write):
    """A mistake in the parameters of a variant names the variant."""
    table = "{'us': {'region': 'US'}, 'de': {'regoin': 'DE'}}"
    build = "lambda region: made(region)"
    path = write("leads.py", f"from flow64 import variants\nvariants({build}, {table})")

    (found,) = load_source(path, lenient=True).findings

    assert found.message.endswith("argument 'regoin' (in the variant de)")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("flow64.blocks import FindEmial", "did you mean 'FindEmail'"),
        ("flow64 import FindEmail", "it is in flow64.blocks"),
    ],
)
def test_wrong_import_says_what_to_write(write, wrong, words):
    with pytest.raises(SourceError, match=f"leads.py:9 .*{words}"):
        load_source(write("leads.py", f"from {wrong}"))


def test_module_that_exits(write):
    """A module that ends the program is reported."""
    with pytest.raises(SourceError) as caught:
        load_source(write("leads.py", "import sys\nsys.exit()"))

    assert "SystemExit; put what runs under" in str(caught.value)


# -- JSON -----------------------------------------------------------------------------


def test_json_file(write):
    """A JSON file is a workflow, called as its file is."""
    one = load_source(write("inbound@us.json", body("leads"))).only

    assert (one.name, one.stem, one.workflow.name) == (
        "inbound/us",
        "inbound@us",
        "leads",
    )


def test_json_folder(write):
    """A folder without code is its JSON."""
    for key in ("b", "a"):
        write(f"all/{key}.json", body(key))

    assert load_source("all").names == ["a", "b"]
    assert load_source("all:b").names == ["b"]


def test_bad_json(write):
    """A JSON file that is not a workflow is reported."""
    with pytest.raises(ReadError, match=r"bad\.json"):
        load_source(write("bad.json", "[]"))


def test_two_file_names_of_one_key(write):
    for name in ("leads", "%6Ceads"):
        write(f"all/{name}.json", body(name[-1]))

    with pytest.raises(ReadError, match=r"leads\.json: it has the name of %6Ceads\.j"):
        load_source("all")


@pytest.mark.parametrize("source", [".", "pipelines"])
def test_unreadable_folder(write, monkeypatch, source):
    """A folder is not loaded in part: what is left out would be taken for deleted."""
    write("pipelines/leads.py", "w = made('a')")
    write("pipelines/inner/more.py", "w = made('b')")
    listed = os.scandir

    def refused(folder):
        if Path(folder).name == "inner":
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(os, "scandir", refused)

    with pytest.raises(
        ReadError, match=r"inner: it cannot be read \(Permission denied"
    ):
        load_source(source)
    one = load_source("pipelines/leads.py")
    assert (one.names, one.is_whole) == (["a"], False)


# -- JSON beside a manifest -----------------------------------------------------------


def compiled(write, *keys, to="out", source="leads.py"):
    """Compile workflows of these keys to a folder with a manifest."""
    write(source, "\n".join(f"w{n} = made({key!r})" for n, key in enumerate(keys)))
    assert main(["compile", source, "-o", to]) == 0
    return to


def test_folder_by_its_manifest(write, capsys):
    """The workflows have the keys, the project and the ids of the code."""
    found = load_source(compiled(write, "a", "b/c"))
    code = load_source("leads.py")

    assert found.names == code.names == ["a", "b/c"]
    assert [(p.key, p.namespace) for p in found.projects] == [
        ("growth", "acme.example")
    ]
    for ours, theirs in zip(found.workflows, code.workflows, strict=True):
        for env in ("default", "prod"):
            assert ours.workflow.id(env) == theirs.workflow.id(env)
        assert (ours.stem, ours.stamp_in("prod")) == (theirs.stem, None)
    assert (found.is_whole, code.is_whole) == (True, True)
    assert code.workflows[0].stamp_in("prod") is None


def test_file_beside_a_manifest(write):
    """One file has its keys too; it may not be all there is."""
    compiled(write, "a", "b")

    found = load_source("out/a.json")

    assert found.only.workflow.id("prod") == load_source("leads.py:a").only.workflow.id(
        "prod"
    )
    assert not found.is_whole
    assert not load_source("out:a").is_whole


def test_file_that_no_manifest_lists(write):
    """An unlisted file is left out; named alone, it is read."""
    compiled(write, "a")
    write("out/b.json", body("b"))

    assert load_source("out").names == ["a"]
    assert load_source("out/b.json").names == ["b"]


def test_folders_of_json(write):
    """Each folder is read by its own manifest, or as plain JSON."""
    compiled(write, "a", to="all/with")
    write("all/without/b.json", body("b"))

    found = load_source("all")

    assert found.names == ["a", "b"]
    assert found.is_whole


# -- No code --------------------------------------------------------------------------


def test_no_code(write, monkeypatch):
    """No module is imported, even if there are some next to the JSON."""
    compiled(write, "a")
    for name in ("leads.py", "out/evil.py", "out/conftest.py", "out/pkg/__init__.py"):
        write(name, "raise SystemExit('imported')")
    before = {*sys.modules}
    monkeypatch.setattr("flow64.loading.reading.import_scope", None)

    assert (
        load_source("out", code=False).names
        == load_source("out/a.json", code=False).names
    )
    new = {*sys.modules} - before
    assert not any(
        str(getattr(sys.modules[name], "__file__", "")).startswith(str(Path.cwd()))
        for name in new
    )


# -- Which source, and whether it is whole --------------------------------------------


def configure(write, source, folder="."):
    write(f"{folder}/pyproject.toml", f'[tool.flow64]\nsource = "{source}"\n')


@pytest.mark.parametrize(
    ("source", "place"),
    [("leads.py", "leads.py"), ("pipes", "pipes"), ("pipes.leads", "pipes/leads.py")],
)
def test_configured_source(write, source, place):
    """By default it is the source of `[tool.flow64]`, and it is whole."""
    write("leads.py", "w = made('a')")
    write("pipes/__init__.py")
    write("pipes/leads.py", "w = made('a')")
    write("pipes/other.py", "w = made('b')")
    configure(write, source)

    found = load_source()

    assert (found.source, found.is_whole) == (place, True)


WHOLE = {
    "alone": ("leads.py", {"leads.py": "w = made('a')"}, True),
    "folder": ("all", {"all/a.py": "w = made('a')", "all/b.py": "v = 1"}, True),
    "package": ("acme", {"acme/__init__.py": "w = made('a')"}, True),
    "module": (
        "acme.a",
        {"acme/__init__.py": "", "acme/a.py": "w = made('a')", "acme/b.py": ""},
        False,
    ),
    "inner package": (
        "acme.inner",
        {
            "acme/__init__.py": "",
            "acme/inner/__init__.py": "w = made('a')",
            "acme/inner/more.py": "w = made('b')",
        },
        True,
    ),
    "module alone": ("leads", {"leads.py": "w = made('a')"}, True),
    "beside": ("a.py", {"a.py": "w = made('a')", "b.py": "v = 1"}, False),
    "picked": ("leads.py:a", {"leads.py": "w = made('a')"}, False),
    "a test": ("a.py", {"a.py": "w = made('a')", "test_a.py": "import a"}, True),
    "other configured": (
        "a.py",
        {"a.py": "w = made('a')", "pyproject.toml": "[tool.flow64]\nsource = 'b'"},
        False,
    ),
}


@pytest.mark.parametrize("what", WHOLE)
def test_whole(write, what):
    """Only of a source that is whole is what the service has beyond it an orphan."""
    source, files, is_whole = WHOLE[what]
    for name, text in files.items():
        write(name, text)

    assert load_source(source).is_whole == is_whole


@pytest.mark.parametrize("place", ["source", "helper", "package"])
def test_source_that_is_written_twice_within_a_second_is_read_twice(
    folder, monkeypatch, place
):
    """Bytecode of the same second and size would be taken for current."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    helper = {"helper": Path("helper.py"), "package": Path("package/helper.py")}
    at = helper.get(place, Path("flows.py"))
    at.parent.mkdir(exist_ok=True)
    (at.parent / "__init__.py").touch() if place == "package" else None
    if place != "source":
        module = ".".join(at.with_suffix("").parts)
        Path("flows.py").write_text(f"from {module} import w\n", "utf-8")
    found = []
    for title in ("One", "Two"):
        code = "from flow64 import LEAD, Workflow\nfrom flow64.blocks import Webhook\n"
        code += f"w = Workflow({title!r}, Webhook(LEAD), key='w')\n"
        at.write_text(code, "utf-8")
        os.utime(at, (1_800_000_000, 1_800_000_000))
        (loaded,) = load_source("flows.py").workflows
        found.append(loaded.workflow.name)

    assert found == ["One", "Two"]
    assert [*Path().rglob("__pycache__")] == []
