"""The decisions of a reviewer: each option with its consequence and its command."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from attrs import frozen

from ...errors import OTHER_ENVIRONMENT
from ...plan import (
    Flag,
    Review,
    Step,
    format_flags,
    pull_command,
    take_over_command,
)
from ...text import join_first, join_words, pluralize
from ._grouping import Group
from ._losses import list_fixes
from ._versions import list_gained_values, list_lost_values
from ._view import View
from ._words import REVIEWER, Quote, Reader, is_breaking, join_groups

MOST_FLAGS: Final = 40
"""The most workflows that one command names."""

MOST_COMMANDS: Final = 3
"""The most commands of one option."""

MOST_GROUPS: Final = 4
"""The most groups that a question names."""

MOST_LINES: Final = 12
"""The most lines of one option."""


@frozen
class Option:
    """One way to go on.

    Attributes:
        name: What it does, in a few words.
        words: What it does, and what follows from it; names are written by the format.
        commands: The commands to run, or the code to write. Empty if words are enough.
        language: The language of the commands.
        is_approval: Whether to approve the change if this is chosen.
        lines: More about single workflows, as the format writes names.
    """

    name: str
    words: str
    commands: Sequence[str] = ()
    language: str = "sh"
    is_approval: bool = True
    lines: Sequence[str] = ()


@frozen
class Decision:
    """Something to decide before the deploy, for workflows with the same options.

    Attributes:
        named: The workflows, as the format writes names.
        question: What is to be decided, and for which workflows.
        options: The options.
        is_new: Whether it is about workflows that are not on the service yet.
    """

    named: str
    question: str
    options: Sequence[Option]
    is_new: bool = False


def list_decisions(
    review: Review,
    groups: Sequence[Group],
    quote: Quote,
    sentence: Quote,
    reader: Reader = REVIEWER,
) -> Sequence[Decision]:
    """Return what is to be decided. Workflows with the same options are one decision.

    Args:
        review: The review.
        groups: Its groups.
        quote: Writes a name that data gives.
        sentence: Writes a sentence with words of data in it.
        reader: The reader.
    """
    found: dict[object, list[Group]] = {}
    for group in groups:
        if group.one.action == "refuse":
            one = group.one
            state = "edited" if one.state in _EDITED else one.state
            # Each rename has an argument of its own to write.
            apart = group if one.lifted_by == "create" else None
            found.setdefault((state, one.lifted_by, apart), []).append(group)
    return [_decide(review, alike, quote, sentence, reader) for alike in found.values()]


_EDITED: Final = ("drifted", "conflict")
"""States of workflows that were edited on the service."""


def _decide(
    review: Review,
    groups: Sequence[Group],
    quote: Quote,
    sentence: Quote,
    reader: Reader,
) -> Decision:
    one = groups[0].one
    views = [view for group in groups for view in group.views]
    asked = _Asked(review, groups, views, quote, sentence, reader)
    named = join_groups(groups, quote, MOST_GROUPS)
    if one.lifted_by == "create":
        question = f"{named}: renamed, or a second workflow?"
        return Decision(named, question, [*_list_rename(asked)], is_new=True)
    were = "was" if len(asked.views) == 1 else "were"
    if one.lifted_by is None and one.state == "foreign":
        name = "use another environment or key"
        other = Option(name, OTHER_ENVIRONMENT, is_approval=False)
        question = f"{named} {were} not deployed by this code"
        return Decision(named, question, [other, _leave_out(asked)])
    if one.lifted_by is None:
        words = "correct the pin, or remove it so that a new workflow is created"
        question = f"{named}: what it is pinned to is missing"
        return Decision(named, question, [Option("", words, is_approval=False)])
    if one.state == "orphan":
        return Decision(named, f"delete {named}?", [*_list_deletion(asked)])
    if one.lifted_by == "behind":
        question = f"{named} {were} deployed by newer code, or by another branch"
        return Decision(named, question, [*_list_behind(asked)])
    if one.state in _EDITED:
        question = f"{named} {were} edited on the service (drifted)"
    elif one.state == "foreign":
        question = f"{named} {were} not deployed by this code"
    else:
        question = f"a deploy of {named} replaces text that cannot be saved"
    return Decision(named, question, [*_list_overwrite(asked)])


@frozen
class _Asked:
    """The workflows of one decision."""

    review: Review
    groups: Sequence[Group]
    views: Sequence[View]
    quote: Quote
    sentence: Quote
    reader: Reader

    @property
    def steps(self) -> Sequence[Step]:
        """The workflows."""
        return [view.step for view in self.views]

    @property
    def parts(self) -> Sequence[Group]:
        """Workflows with the same values, each as a group."""
        return [part for group in self.groups for part in group.parts]

    def name_part(self, part: Group) -> str:
        """Return the keys of some of the workflows."""
        return join_first(part.keys, MOST_GROUPS, self.quote)

    def say(self, one: str, several: str) -> str:
        """Return words about one workflow, or about several."""
        return one if len(self.views) == 1 else several

    @property
    def objects(self) -> str:
        """What an option is about, in a few words."""
        if self.steps[0].state in _EDITED:
            return self.say("the edit", f"{self.all} edits")
        return self.say("it", self.all)

    @property
    def all(self) -> str:
        """The word for several workflows."""
        number = len(self.views)
        return "both" if number == TWO else f"all {number:,}"

    @property
    def is_only_decision(self) -> bool:
        """Whether nothing else stops the deploy."""
        return len(self.review.refused) == len(self.views)

    def count_others(self) -> int:
        """Return how many other workflows a deploy writes."""
        steps = self.review.workflows
        return sum(one.action not in ("none", "refuse") for one in steps)

    def deploy(self, *flags: str) -> str:
        """Return the command that deploys with some options."""
        return format_deploy(self.review, *flags)


def _list_overwrite(asked: _Asked) -> Iterator[Option]:
    """Yield what can be done with workflows that are not as the code left them."""
    yield _overwrite(asked)
    if asked.views[0].step.may_skip:
        yield _leave_out(asked)
    yield _take_over(asked)


def _overwrite(asked: _Asked) -> Option:
    """Return the option that replaces what is on the service."""
    quote = asked.quote
    both = asked.say("it", asked.all)
    others = asked.count_others()
    deploys = ""
    if others and asked.is_only_decision:
        deploys = f"deploy all {others + len(asked.views):,}, and "
    env = "" if asked.review.env is None else f" --env {shlex.quote(asked.review.env)}"
    keys = [shlex.quote(one.key) for one in asked.steps]
    restores = [quote(f"flow64 restore {key}{env}") for key in keys]
    if len(restores) > MOST_COMMANDS:
        restores = [quote(f"flow64 restore KEY{env}")]
    bring = "brings" if len(restores) == 1 else "bring"
    copy = f"{join_words(restores)} {bring} back what is overwritten on the service"
    if any(one.lost for one in asked.steps):
        copy = f"{quote('flow64 restore')} has no copy of what cannot be saved"
    lost = [
        f"{asked.name_part(part)}: {text}"
        for part in asked.parts
        for text in list_lost_values(part.first, quote, asked.sentence)
    ]
    return Option(
        f"overwrite {asked.objects}",
        f"{deploys}overwrite {both} with the code. {copy}",
        [asked.deploy(*_list_consents(asked.steps))],
        lines=_cut_lines(lost),
    )


TWO: Final = 2
"""Workflows of which one says `both`."""


def _leave_out(asked: _Asked) -> Option:
    """Return the option that leaves workflows alone."""
    quote, others = asked.quote, asked.count_others()
    these = f"these {'two' if len(asked.views) == TWO else f'{len(asked.views):,}'}"
    stay = asked.say("it stays as it is", f"{these} stay as they are")
    rest = "deploy nothing"
    if others and asked.is_only_decision:
        rest = f"deploy the other {'one' if others == 1 else f'{others:,}'}"
    elif others:
        rest = asked.say("leave it out", "leave them out")
    while_so = asked.say("As long as it does", "As long as they do")
    refused = f"each deploy without {quote('--skip-drifted')} is refused, in CI too"
    words = f"{rest}; {stay} on the service. {while_so}, {refused}"
    flags = [format_flags(s.key, s.consents) for s in asked.steps if s.consents]
    if len(asked.views) > 1 and flags:
        if len(flags) > TWO:
            flags = [format_flags("KEY", asked.steps[0].consents)]
        some = join_words(map(quote, flags), last="or")
        one = "one" if len(asked.views) == TWO else "some"
        words += f". To overwrite only {one} of them, add {some}"
    return Option(rest, words, [asked.deploy("--skip-drifted")])


def _take_over(asked: _Asked) -> Option:
    """Return the option that keeps what is on the service."""
    commands = _format_taking(asked)
    it = asked.say("it", "both" if len(asked.views) == TWO else "them")
    if commands[0].startswith("flow64 code"):
        shows = f"shows {it} as code"
    else:
        is_named = commands[0].endswith(" live")
        folder = f"the folder {asked.quote('live')}" if is_named else "a folder"
        shows = f"saves {it} as JSON in {folder}"
    lines = [
        _describe_kept(part, asked)
        for part in asked.parts
        if part.one.edits and part.one.changes
    ]
    return Option(
        f"keep {asked.objects}",
        f"keep what is on the service. {asked.reader.take_over}. This command {shows}",
        commands,
        is_approval=False,
        lines=_cut_lines(lines),
    )


def _describe_kept(part: Group, asked: _Asked) -> str:
    """Return what workflows are then: with their edits, and with the other changes."""
    kept, gained = (
        join_words(list_values(part.first, asked.quote, asked.sentence), MOST_GROUPS)
        for list_values in (list_lost_values, list_gained_values)
    )
    return f"{asked.name_part(part)} keeps {kept}{gained and f', and gets {gained}'}"


def _cut_lines(lines: Sequence[str]) -> Sequence[str]:
    more = len(lines) - MOST_LINES
    cut = [f"and {more:,} more"] if more > 0 else []
    return [*lines[:MOST_LINES], *cut]


def _list_behind(asked: _Asked) -> Iterator[Option]:
    """Yield what can be done with workflows that newer code deployed."""
    yield Option(
        "update this code",
        f"bring this code up to that commit, and {asked.reader.document} again",
        ["git pull"],
        is_approval=False,
    )
    yield _overwrite(asked)
    yield _leave_out(asked)
    where = f"[tool.flow64.environments.{asked.review.env}]"
    yield Option(
        "let every branch deploy",
        "let every branch deploy there, from now on: in "
        f"{asked.quote('pyproject.toml')}, {asked.quote(where)}",
        ["branches = true"],
        "toml",
        is_approval=False,
    )


def _list_deletion(asked: _Asked) -> Iterator[Option]:
    """Yield what can be done with workflows that need consent to be deleted."""
    it = asked.say("it", "them")
    if asked.steps[0].lifted_by == "behind":
        again = f"{asked.reader.document} again"
        words = f"bring this code up to what deployed {it}, and {again}"
        more = "If that is in no commit yet, its author commits it first"
        yield Option(
            "update this code", f"{words}. {more}", ["git pull"], is_approval=False
        )
    else:
        yield _take_over(asked)
    yield Option(
        f"delete {it}",
        f"delete {it}, with {asked.say('its', 'their')} history and schedules; "
        f"{asked.quote('flow64 restore')} keeps a copy of the definition",
        [asked.deploy(*_list_prune_flags(asked.review))],
    )


def _list_rename(asked: _Asked) -> Iterator[Option]:
    """Yield what can be done with workflows that may be renamed."""
    renames = [view.rename for view in asked.views if view.rename is not None]
    code = [*dict.fromkeys(was for one in renames for was in one.arguments)]
    more = f" (the first {MOST_COMMANDS} here)" * (len(code) > MOST_COMMANDS)
    keeps = "it keeps its id, history and schedules"
    if any(one.others for one in renames):
        keeps = "it keeps the id, history and schedules of the one that it was"
    if code:
        how = asked.reader.write_was.format(f"{asked.quote('Workflow(...)')}{more}")
    else:
        how = f"{asked.reader.pin} ({asked.quote('docs/how-to-rename.md')})"
    yield Option(
        "renamed",
        f"renamed: {keeps}. {how}",
        code[:MOST_COMMANDS],
        "python",
        is_approval=False,
    )
    new = join_words((asked.quote(one.key) for one in asked.steps), MOST_GROUPS)
    keys = [*dict.fromkeys(key for one in renames for key in one.candidates)]
    old = join_words(map(asked.quote, keys), MOST_GROUPS) or "the other one"
    goes_on = f"{old} stays on the service and its schedules go on"
    if len(keys) > 1:
        goes_on = f"{old} stay on the service and their schedules go on"
    gets = asked.say("gets a new id", "get new ids")
    yield Option(
        "a second workflow",
        f"a second workflow: {new} {gets}, without history and schedules. {goes_on}",
        [asked.deploy(*_list_consents(asked.steps))],
    )


def _format_taking(asked: _Asked) -> Sequence[str]:
    """Return the command that reads live workflows, so that code can take them over."""
    env, steps = str(asked.review.env), asked.steps
    if len(steps) == 1:
        return [take_over_command(steps[0], env)]
    is_named = all(one.target is not None and one.state != "foreign" for one in steps)
    if is_named and len(steps) <= MOST_FLAGS:
        picked = " ".join(f"--select {shlex.quote(one.key)}" for one in steps)
        return [f"flow64 pull {shlex.quote(env)} {picked} -o live"]
    return [pull_command(one, env) for one in steps[:MOST_COMMANDS]]


def _list_prune_flags(review: Review) -> Sequence[str]:
    """Return the options that delete all orphans, which are deleted together."""
    victims = [one for one in review.workflows if one.may_prune]
    return [f"--prune={len(victims)}", *_list_consents(victims)]


def _list_consents(steps: Sequence[Step]) -> Sequence[str]:
    found = [one for one in steps if one.consents]
    if len(found) > MOST_FLAGS:
        return [format_flags("KEY", found[0].consents)]
    return [format_flags(one.key, one.consents) for one in found]


def list_next(
    review: Review,
    groups: Sequence[Group],
    quote: Quote,
    reader: Reader = REVIEWER,
) -> Iterator[Option]:
    """Yield what to do next, apart from what is to be decided first.

    Args:
        review: The review.
        groups: Its groups.
        quote: Writes a name that data gives.
        reader: The reader.
    """
    acting = {group.one.action for group in groups} - {"none"}
    orphans = [one for one in review.workflows if one.may_prune]
    may_delete = not review.renames and any(one.action == "none" for one in orphans)
    what = f"to delete {pluralize(len(orphans), 'workflow')} that"
    what += f" {'is' if len(orphans) == 1 else 'are'} no longer in the code, with"
    what += " history and schedules"
    broken = [group.first for group in groups if is_breaking(group)]
    if broken:
        yield Option("", f"to fix it: {'; '.join(list_fixes(broken, quote))}")
    after = ", after the merge" if reader.is_reviewer else ""
    although = " although it breaks something" if broken else ""
    words = f"to deploy it{although}{after}"
    if review.source == "diff" and acting:
        yield Option("", f"{words}: {quote('flow64 deploy')}")
    elif acting and "refuse" not in acting:
        asks = f" ({quote('--yes')}: without asking)"
        yield Option("", f"{words}{asks}", [_deploy_all(review, groups)])
    elif not acting and may_delete:
        what = f"nothing has to be deployed; {what}"
    elif not acting:
        yield Option("", "nothing has to be deployed")
    if may_delete:
        yield Option("", what, [format_deploy(review, *_list_prune_flags(review))])


def _deploy_all(review: Review, groups: Sequence[Group]) -> str:
    """Return the command that deploys, if nothing is to be decided first."""
    writing = [group for group in groups if group.one.action != "none"]
    steps = [view.step for group in writing for view in group.views]
    flags = [
        format_flags(one.key, given)
        for one in steps
        if (given := _list_needed_consents(one))
    ]
    if len(flags) > MOST_FLAGS:
        flags = [format_flags("KEY", _list_needed_consents(steps[0]))]
    if any(one.action == "delete" for one in steps):
        flags[:0] = [f"--prune={sum(one.may_prune for one in review.workflows)}"]
    return format_deploy(review, *flags, "--yes")


def _list_needed_consents(step: Step) -> Sequence[Flag]:
    """Return the consents that a write needs, if none is still to be decided."""
    given = dict.fromkeys(step.details.given)
    if step.spends:
        given["allow_spend"] = None
    return [*given]


def format_deploy(review: Review, *flags: str) -> str:
    """Return the command that deploys, with some options."""
    env = () if review.env is None else ("--env", shlex.quote(review.env))
    command = review.command or " ".join(("flow64 deploy", *env))
    return " ".join(filter(None, (command, *flags)))


def format_options(group: Group, flags: Sequence[Flag]) -> str:
    """Return the options that agree to something for a group."""
    key = group.one.key if len(group.views) == 1 else "KEY"
    return format_flags(key, flags)
