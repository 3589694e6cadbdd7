"""What a deploy would do, before anybody is asked: a look at each workflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from ..errors import CompileError, DeployError, FlowError
from ..service import Client, Preview
from ._outcomes import code_of
from ._sources import Sourced


@frozen
class Faulty:
    """A workflow that cannot be deployed at all.

    Attributes:
        name: What the workflow is called.
        error: Why.
    """

    name: str
    error: FlowError

    @property
    def code(self) -> int:
        """The exit code that it leads to."""
        return code_of(self.error)


def judged(
    one: Sourced, env: str, values: Mapping[str, Any] | None, client: Client
) -> Preview | Faulty:
    """What a deploy of a workflow would do; nothing but one read is sent."""
    try:
        return client.preview(one.workflow, env=env, values=values)
    except (CompileError, DeployError) as error:
        return Faulty(one.name, error)
