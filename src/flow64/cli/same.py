"""`flow64 same`: check whether two environments run the same code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import click
from attrs import frozen

from ..definition import canonical_id, id_of, parse_path
from ..deploy import DeployedCode, SameCode, deployed_codes, key_of, same_code
from ..environments import load as load_settings
from ..loading import insert_env, list_live, select_ours
from . import _params as params
from ._colours import paint_state
from ._completion import complete_environments
from ._exit_codes import CHANGES
from ._param_types import NonEmpty
from ._service import connect
from ._tables import print_table
from ._terminal import print_json, print_message


@params.command(
    "same",
    "flow64 same staging prod",
    "flow64 same staging prod inbound --exit-code",
    "flow64 same staging prod --json",
)
@click.argument(
    "here", metavar="ENV", type=NonEmpty(), shell_complete=complete_environments
)
@click.argument(
    "there", metavar="OTHER_ENV", type=NonEmpty(), shell_complete=complete_environments
)
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@params.exit_code("Exit with 2 unless all are known to be the same.")
@params.as_json
def command(
    *, here: str, there: str, keys: Sequence[str], has_exit_code: bool, as_json: bool
) -> int:
    """Check whether two environments, such as staging and prod, run the same code.

    No code is needed. The command reads what a deploy left on the service: the
    fingerprint of the code, without the values and suffixes of the environment. It also
    checks whether the workflow was edited since. Fields that were set by hand and that
    code does not set are listed, and do not count. Only workflows that your code
    deployed are compared; KEYs select some of them. `flow64 diff ENV OTHER_ENV` shows
    the differences. Only reads are sent.
    """
    if here == there:
        raise click.UsageError(f"{here} is compared with itself: name two environments")
    settings = load_settings()
    for env in (here, there):
        settings.environment(env)  # before anything is asked
    known = {env: _list_workflows(env) for env in (here, there)}
    names = _name_places({**known[here].ours, **known[there].ours})
    params.check_keys("KEY", keys, [*names.values()])
    chosen = {place: key for place, key in names.items() if not keys or key in keys}
    answers = same_code(*(_read_code(env, known[env], chosen) for env in (here, there)))
    is_same = all(one.verdict == "same" for one in answers)
    if as_json:
        data = {"here": here, "there": there, "same": is_same}
        print_json({**data, "workflows": params.to_data(answers)})
    else:
        _print_answers(answers, here, there)
    return CHANGES if has_exit_code and not is_same else 0


@frozen
class _Listed:
    """The listed workflows of an environment.

    Attributes:
        ours: The ids of workflows that our code deployed, by their place in code.
        ids: All ids of the organisation.
    """

    ours: Mapping[str, str]
    ids: frozenset[str]

    def id_of(self, place: str, env: str) -> str | None:
        """Return the id of a workflow in the environment, if it is there.

        A workflow that has lost its stamp still has the id that code gives it.
        """
        computed = id_of(insert_env(place, env))
        return self.ours.get(place, computed if computed in self.ids else None)


def _list_workflows(env: str) -> _Listed:
    with connect(env) as client:
        known = list_live(client)
    ours = {
        one.place: one.id for one in select_ours(known, env) if one.place and one.key
    }
    return _Listed(ours, frozenset(canonical_id(one.id) for one in known))


def _name_places(places: Iterable[str]) -> Mapping[str, str]:
    """Name each place by its key, and by its project if two share the key.

    If two projects share a name in two namespaces, the name is the whole path.
    """
    keys = {place: key_of(place) for place in places}
    counts = Counter(keys.values())
    names = {
        place: key if counts[key] == 1 else _in_project(place, key)
        for place, key in keys.items()
    }
    counts = Counter(names.values())
    return {p: name if counts[name] == 1 else p for p, name in names.items()}


def _in_project(place: str, key: str) -> str:
    """Return a key after the key of its project: `growth/inbound`."""
    project = dict(parse_path(place)).get("project")
    return f"{project}/{key}" if project else key


def _read_code(
    env: str, known: _Listed, names: Mapping[str, str]
) -> Mapping[str, DeployedCode]:
    """Read which code each workflow has in an environment, by name."""
    ids = {name: known.id_of(place, env) for place, name in names.items()}
    found = {name: one for name, one in ids.items() if one is not None}
    with connect(env) as client:
        return client.call(deployed_codes, found)


def _print_answers(answers: Sequence[SameCode], here: str, there: str) -> None:
    if not answers:
        print_message("your code deployed nothing to either of them")
        return
    rows = [
        (one.verdict, one.key, "; ".join([*one.reasons, *one.notes])) for one in answers
    ]
    print_table(
        ("VERDICT", "KEY", "REASON"),
        rows,
        least={"REASON": 20},
        painters={"VERDICT": paint_state},
    )
    if any(notes for _, _, notes in rows):
        print_message(f"here: {here}; there: {there}")
