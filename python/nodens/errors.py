"""Every exception of nodens, as one tree.

NodensError                       exit
|- ConfigError(problems)           2    the text is at fault; all problems, with places
|- NetworkError(step, subject)     3    the node refused something; errno kept
|- EngineError                     4
|  |- BindError(address)                also an OSError
|  |- PlanRejected(field)               our bug: compile let it through
|  `- EngineStopped
`- LabError                        5
anything else                      1    a bug: traceback, and where to report it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from nodens.problems import Problems


class NodensError(Exception):
    """Anything that nodens foresees and a person can act on."""

    exit_code: ClassVar[int] = 1


class ConfigError(NodensError):
    """The text is at fault. Holds every problem with its place."""

    exit_code = 2

    def __init__(self, problems: Problems) -> None:
        """Keep the problems; the message is those that refuse the text, rendered."""
        super().__init__(problems.render_faults())
        self.problems = problems


class NetworkError(NodensError):
    """The node refused something: which step, on what, and the errno if the kernel gave one."""

    exit_code = 3

    def __init__(self, step: str, subject: str, why: str, errno: int | None = None) -> None:
        """Say `subject: cannot step: why`."""
        super().__init__(f"{subject}: cannot {step}: {why}")
        self.step = step
        self.subject = subject
        self.errno = errno


class EngineError(NodensError):
    """The data plane refused or stopped."""

    exit_code = 4


class BindError(EngineError, OSError):
    """A listening address could not be taken; `address` as `ip:port/udp` or `ip:port/tcp`, `errno` kept."""

    def __init__(self, address: str, errno: int, why: str) -> None:
        """Say `address: cannot bind: why`."""
        super().__init__(errno, why)
        self.address = address
        self.errno = errno
        self.why = why

    def __str__(self) -> str:
        """Render in the house form."""
        return f"{self.address}: cannot bind: {self.why}"


class PlanRejected(EngineError):
    """The engine found a plan's field out of range: a bug of ours, since `plan.compile` let it through."""

    def __init__(self, field: str, why: str) -> None:
        """Say `plan.field: why`."""
        super().__init__(f"plan.{field}: {why}")
        self.field = field


class EngineStopped(EngineError):
    """The engine was asked for something after it had stopped."""


class LabError(NodensError):
    """The small world could not be built or asked."""

    exit_code = 5
