"""What is to be steered on a node, and on which rung; the names that all of this room shares."""

from __future__ import annotations

import errno as errnos
import os
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from typing import Final

from nodens.errors import NetworkError

IPV4: Final = 4
IPV6: Final = 6
PREFIX: Final = "nodens-"  # how the tables and sets that are ours begin
SKIP_CONNTRACK: Final = "NodeLocal DNS Cache: skip conntrack"
ALLOW_TRAFFIC: Final = "NodeLocal DNS Cache: allow DNS traffic"
HOLD_MS: Final = 2_000  # how long the rules outlive the last beat: cluster DNS takes over within 3 s of a hang


class LinkKind(StrEnum):
    """What kind of link carries the addresses."""

    DUMMY = "dummy"  # stays when its maker dies
    TUN = "tun"  # goes with the last process that holds it


class Spelling(StrEnum):
    """In which language the rules are given to the kernel."""

    NFT = "nft"
    IPTABLES = "iptables"


class LetGo(StrEnum):
    """What takes the rules away when we can no longer do it."""

    OWNER_AND_TIMEOUT = "owner and timeout"  # the kernel drops the table with us, or when beats stop
    TIMEOUT = "timeout"  # rules match a set that empties when beats stop
    NOTHING = "nothing"  # rules stay until somebody removes them: the original's way


class Step(StrEnum):
    """What can fail on the node; `NetworkError.step` is one of these."""

    ADD_LINK = "add the link"
    CHECK_LINK = "check the link"
    REMOVE_LINK = "remove the link"
    ADD_ADDRESS = "add the address"
    REMOVE_ADDRESS = "remove the address"
    READ_RULES = "read the iptables rules"
    LOAD_RULES = "load the iptables rules"
    TAKE_LOCK = "take the xtables lock"
    LOAD_TABLE = "load the nft table"
    READ_TABLE = "read the nft table"
    REMOVE_TABLE = "remove the nft table"
    MAKE_SET = "make the ipset"
    READ_SET = "read the ipset"
    REMOVE_SET = "remove the ipset"
    BEAT = "refresh the set"
    WATCH = "watch the kernel"
    SEE_HOLDERS = "see who serves"
    STEER = "steer"
    UNSTEER = "unsteer"


class ErrorType(StrEnum):
    """The `errortype` of `coredns_nodecache_setup_errors_total`, as the original counts."""

    IPTABLES = "iptables"
    IPTABLES_LOCK = "iptables_lock"
    INTERFACE_ADD = "interface_add"
    INTERFACE_CHECK = "interface_check"


_COUNTED_AS_LINK: Final = {
    Step.ADD_LINK: ErrorType.INTERFACE_ADD,
    Step.ADD_ADDRESS: ErrorType.INTERFACE_ADD,
    Step.CHECK_LINK: ErrorType.INTERFACE_CHECK,
    Step.REMOVE_LINK: ErrorType.INTERFACE_CHECK,
    Step.REMOVE_ADDRESS: ErrorType.INTERFACE_CHECK,
    Step.WATCH: ErrorType.INTERFACE_CHECK,
    Step.TAKE_LOCK: ErrorType.IPTABLES_LOCK,
}


def error_type(trouble: NetworkError) -> ErrorType:
    """Say under which type a trouble is counted; rules of either spelling count as `iptables`."""
    try:
        return _COUNTED_AS_LINK.get(Step(trouble.step), ErrorType.IPTABLES)
    except ValueError:
        return ErrorType.IPTABLES


def refused(step: Step, subject: str, error: OSError, hint: str = "") -> NetworkError:
    """Make the error of a step that the kernel refused; its errno is kept."""
    number = error.errno or 0
    why = (error.strerror or os.strerror(number)).lower()
    name = errnos.errorcode.get(number, "")
    return NetworkError(step, subject, f"{why}{f' ({name})' if name else ''}{hint and '; ' + hint}", error.errno)


def gather(step: Step, subject: str, troubles: tuple[NetworkError, ...]) -> NetworkError:
    """Make one error of one or more: its errno and type are the first one's."""
    if len(troubles) == 1:
        return troubles[0]
    why = f"{len(troubles)} steps failed: " + "; ".join(str(trouble) for trouble in troubles)
    return NetworkError(step, subject, why, troubles[0].errno)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """Where on the ladder a node stands; `reason` is one line: which, and why not a better one.

    `spelling` None: rules are not ours to set (`-setupiptables=false`); `link` None: the link is not.
    """

    number: int
    spelling: Spelling | None
    let_go: LetGo
    link: LinkKind | None
    accepts_by_iptables: bool
    reason: str

    def __str__(self) -> str:
        """Render as the log tells it."""
        return f"rung {self.number}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SteeringPlan:
    """All that this room needs to hold a link and point traffic at it. Addresses may be of both families.

    `instance` tells two agents of one node apart (in the nft table's name); `is_left` is `-skipteardown`: leaving
    changes nothing.
    """

    own_addresses: tuple[str, ...]
    borrowed_addresses: tuple[str, ...]
    rung: Rung
    instance: str
    port: int = 53
    health_port: int = 8080
    link_name: str = "nodelocaldns"
    hold_ms: int = HOLD_MS
    is_left: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """All addresses, own ones first, without duplicates, as the kernel writes them."""
        return tuple(dict.fromkeys(str(ip_address(a)) for a in (*self.own_addresses, *self.borrowed_addresses)))

    @property
    def table_name(self) -> str:
        """The nft table of this agent."""
        return PREFIX + self.instance
