"""The probe: what no document says, found out with harmless workflows of its own.

It makes one workflow, changes it, reads it back, and removes it. Nothing is run. Each
question is a function; what a probe must not do is refused in `Sandbox`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from attrs import define, field, frozen

from ..api import StopNow
from ..definition import EMPTY
from ._assumptions import AssumptionVerdict
from ._lab import EndedError, Lab
from ._questions import QUESTIONS
from ._sandbox import Remains, Sandbox


@frozen
class ProbeAnswer:
    """One question, and what the service answered.

    Attributes:
        asks: The question.
        assumed: What flow64 and its emulator assume.
        answer: What was seen, without an id or a text of a workflow.
        switches: The switches of the emulator that make it answer so.
    """

    name: str
    asks: str
    assumed: str
    answer: str
    verdict: AssumptionVerdict
    switches: Mapping[str, Any] = EMPTY


@frozen(kw_only=True)
class ProbeResult:
    """The result of a probe, and the workflows that it left.

    Attributes:
        requests: How many requests were sent.
        remains: How many workflows of earlier probes were removed.
        left: Ids of workflows of the probe that could not be removed.
        problem: Why it ended early.
        was_stopped: Whether it was asked to stop.
    """

    answers: Sequence[ProbeAnswer]
    requests: int
    remains: int
    left: Sequence[str]
    problem: str | None
    was_stopped: bool

    @property
    def switches(self) -> Mapping[str, Any]:
        """The switches that make the emulator answer as the service does."""
        return {
            name: given
            for answer in self.answers
            for name, given in answer.switches.items()
        }

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data that can be shared."""
        return {**attrs.asdict(self), "left": len(self.left)}


@define
class Probe:
    """A probe of one service, and perhaps of a second organisation at it.

    Attributes:
        other: The sandbox of the second organisation.
        remains: What earlier probes left in each sandbox.
    """

    sandbox: Sandbox
    other: Sandbox | None = None
    remains: Sequence[Remains] = ()
    answers: list[ProbeAnswer] = field(factory=list)
    removed: int = 0
    problem: str | None = None

    def look(self) -> None:
        """Look for what earlier probes left, with reads alone."""
        self.remains = [box.find_remains() for box in self._boxes]

    def run(
        self,
        stopped: Callable[[], bool] = lambda: False,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Ask all questions, and remove everything that was made.

        Args:
            stopped: Returns True once the probe should end early.
            tell: Called with each question before it is asked.
        """
        is_patient = True
        try:
            lab = Lab(self.sandbox, self.other, stopped)
            lab.check()
            for box, found in zip(self._boxes, self.remains, strict=False):
                self.removed += box.remove_remains(found)
            self._ask_all(lab, tell)
        except EndedError as error:
            self.problem = str(error)
        except StopNow:
            is_patient = False
            raise
        finally:
            if is_patient:
                for box in self._boxes:
                    box.remove_all()

    def _ask_all(self, lab: Lab, tell: Callable[[str], None]) -> None:
        for ask in QUESTIONS:
            lab.check()
            name = ask.__name__.removeprefix("ask_").replace("_", "-")
            asks, _, assumed = (ask.__doc__ or "").partition("\n")
            tell(asks)
            answer, verdict, switches = ask(lab)
            assumed = " ".join(assumed.split())
            self.answers.append(
                ProbeAnswer(name, asks, assumed, answer, verdict, switches)
            )

    @property
    def _boxes(self) -> Sequence[Sandbox]:
        return [self.sandbox, *([] if self.other is None else [self.other])]

    def result(self, *, was_stopped: bool) -> ProbeResult:
        """Return what was found out, also if the probe was interrupted."""
        return ProbeResult(
            answers=[*self.answers],
            requests=sum(box.sent for box in self._boxes),
            remains=self.removed,
            left=sorted({one for box in self._boxes for one in box.own}),
            problem=self.problem,
            was_stopped=was_stopped,
        )
