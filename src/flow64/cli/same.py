"""`flow64 same`: is production what staging ran?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import unquote

import click
from attrs import frozen

from ..definition import canonical_id, id_of
from ..deploy import DeployedCode, SameCode, deployed_codes, key_of, same_code
from ..environments import load as load_settings
from ..loading import insert_env, list_live, select_ours
from ._completion import complete_environments
from ._exit_codes import CHANGES
from ._service import connect, print_table
from ._shared import format_example, json_option, require_known, to_data
from ._terminal import print_json, print_message


@click.command(
    "same",
    epilog=format_example(
        "flow64 same staging prod",
        "flow64 same staging prod inbound --exit-code",
        "flow64 same staging prod --json",
    ),
)
@click.argument("here", metavar="ENV", shell_complete=complete_environments)
@click.argument("there", metavar="OTHER_ENV", shell_complete=complete_environments)
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option(
    "--exit-code",
    "has_exit_code",
    is_flag=True,
    help="Exit with 2 unless all are certainly the same.",
)
@json_option
def command(
    *, here: str, there: str, keys: Sequence[str], has_exit_code: bool, as_json: bool
) -> int:
    """Say whether two environments run the same code, as for staging and prod.

    That is told from what a deploy left on the service, without any code: the
    fingerprint of the code, which values and suffixes of an environment are no part of,
    and whether somebody edited the workflow since. Fields that were set by hand where
    code sets nothing are told beside it, and are no other code. Only what code of ours
    deployed to either environment is looked at; KEYs name some of it. `flow64 diff ENV
    OTHER_ENV` shows what differs. Reads only.
    """
    if here == there:
        raise click.UsageError(f"{here} is compared with itself: name two environments")
    settings = load_settings()
    for env in (here, there):
        settings.environment(env)  # before anything is asked
    known = {env: _known(env) for env in (here, there)}
    names = _names({**known[here].ours, **known[there].ours})
    require_known("KEY", keys, [*names.values()])
    chosen = {place: key for place, key in names.items() if not keys or key in keys}
    answers = same_code(*(_codes(env, known[env], chosen) for env in (here, there)))
    is_same = all(one.verdict == "same" for one in answers)
    if as_json:
        data = {"here": here, "there": there, "same": is_same}
        print_json({**data, "workflows": to_data(answers)})
    else:
        _show(answers, here, there)
    return CHANGES if has_exit_code and not is_same else 0


@frozen
class _Listed:
    """The workflows of an environment, by its list.

    Attributes:
        ours: Ids of what code of ours deployed there, by its place in code.
        ids: All ids of the organisation.
    """

    ours: Mapping[str, str]
    ids: frozenset[str]

    def id_of(self, place: str, env: str) -> str | None:
        """The id of a workflow there; None where it is not.

        One whose stamp somebody took away still has the id that code gives it.
        """
        computed = id_of(insert_env(place, env))
        return self.ours.get(place, computed if computed in self.ids else None)


def _known(env: str) -> _Listed:
    with connect(env) as client:
        known = list_live(client)
    ours = {
        one.place: one.id for one in select_ours(known, env) if one.place and one.key
    }
    return _Listed(ours, frozenset(canonical_id(one.id) for one in known))


def _names(places: Iterable[str]) -> Mapping[str, str]:
    """Name each place by its key, and by its project if two share the key.

    Where they are of one name in two namespaces, it is the whole path.
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
    """A key with that of its project before it: `growth/inbound`."""
    _, _, project = place.partition("/project:")
    return f"{unquote(project.partition('/')[0])}/{key}" if project else key


def _codes(
    env: str, known: _Listed, names: Mapping[str, str]
) -> Mapping[str, DeployedCode]:
    """Which code each workflow has in an environment, by what it is called."""
    ids = {name: known.id_of(place, env) for place, name in names.items()}
    found = {name: one for name, one in ids.items() if one is not None}
    with connect(env) as client:
        return client.call(deployed_codes, found)


def _show(answers: Sequence[SameCode], here: str, there: str) -> None:
    if not answers:
        print_message("no code of ours is deployed to either of them")
        return
    told = [
        (one.verdict, one.key, "; ".join(filter(None, [one.reason, *one.notes])))
        for one in answers
    ]
    print_table(told)
    if any(words for _, _, words in told):
        print_message(f"here: {here}; there: {there}")
