"""Social: blocks that find people on social networks."""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import frozen

from ..dsl import Flow
from ._facts import UNKNOWN_COLUMNS, About, Columns, named_by_sk
from ._fields import UncheckedBlock


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class XSearch(Flow[Any, Any], UncheckedBlock):
    """Find people on X. Whether it takes rows is not documented.

    Rows: takes any, gives LEAD (inferred, unconfirmed). Type checkers let both kinds
    pass.
    """

    kind: ClassVar[str] = "x_search"
    label: ClassVar[str] = "signal"
    about: ClassVar[About] = named_by_sk(
        role="source",
        takes="any",
        gives="LEAD",
        rows="I",
        effects=("may-spend",),
        perhaps="step",
        columns=UNKNOWN_COLUMNS,
    )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class TiktokGetFollowing(Flow[Any, Any], UncheckedBlock):
    """Find the people that a TikTok account follows. Which one is not documented.

    Rows: takes LEAD, gives LEAD (inferred, unconfirmed). Type checkers let both kinds
    pass.
    """

    kind: ClassVar[str] = "tiktok_get_following"
    label: ClassVar[str] = "signal"
    about: ClassVar[About] = named_by_sk(
        role="source",
        takes="LEAD",
        gives="LEAD",
        rows="I",
        effects=("may-spend",),
        perhaps="step",
        columns=UNKNOWN_COLUMNS,
    )


@frozen(eq=False, repr=False, kw_only=True, slots=False)
class KaggleLeaderboard(Flow[Any, Any], UncheckedBlock):
    """Bring the people of a leaderboard on Kaggle. It is probably a source.

    Rows: gives LEAD (inferred, unconfirmed). Type checkers let both kinds pass.
    """

    kind: ClassVar[str] = "kaggle_leaderboard"
    label: ClassVar[str] = "signal"
    about: ClassVar[About] = named_by_sk(
        role="source",
        takes="none",
        gives="LEAD",
        rows="I",
        effects=("may-spend",),
        columns=Columns(opens=True),
    )
