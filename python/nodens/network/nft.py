"""The rules in an nft table of our own, which the kernel drops with its owner and whose gate empties when we hang.

Spoken raw: neither the `nft` program nor its library is needed, and the table's socket can be handed to a successor.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from typing import TYPE_CHECKING, Final, Self

from nodens.network import netlink
from nodens.network import nft_messages as messages
from nodens.network.model import IPV6, PREFIX, Step, refused
from nodens.network.netlink import NetlinkSocket
from nodens.network.rules import SetName, set_name

if TYPE_CHECKING:
    import socket

    from nodens.network.nft_messages import TableState
    from nodens.network.rules import NftTable

_PROBE_NAME: Final = PREFIX + "probe"


def has_owned_tables() -> bool:
    """Try whether this kernel ties a table to its owner (Linux 5.12), and whether we may: nothing is left of it."""
    return _can_make(has_owner=True)


def has_tables() -> bool:
    """Try whether we may make a plain nft table: nothing is left of it."""
    return _can_make(has_owner=False)


def can_carry_iptables() -> bool:
    """Try whether iptables-nft can have tables here: some kernels have nf_tables without its IPv4 family."""
    return _can_make(has_owner=False, family=messages.IPV4_ALONE)


def _can_make(*, has_owner: bool, family: int = messages.INET) -> bool:
    """Make a table and remove it; a kernel that does not know the flag refuses it, or does not tell an owner."""
    try:
        with NetlinkSocket(netlink.NETLINK_NETFILTER) as kernel:
            name = f"{_PROBE_NAME}-{kernel.port_id}"
            kernel.ask_all(messages.batch(messages.new_table(name, has_owner=has_owner, family=family)))
            told = [table for table in _tables(kernel, family) if table.name == name]
            kernel.ask_all(messages.batch(messages.delete_table(name, family)))
    except OSError:
        return False
    return bool(told) and (told[0].owner is not None) is has_owner


def tables() -> tuple[TableState, ...]:
    """List the tables that are ours by name, of living and of dead agents."""
    try:
        with NetlinkSocket(netlink.NETLINK_NETFILTER) as kernel:
            return tuple(table for table in _tables(kernel) if table.name.startswith(PREFIX))
    except OSError as error:
        raise refused(Step.READ_TABLE, "inet " + PREFIX + "*", error) from error


def has_table(name: str, family: int = messages.INET) -> bool:
    """Whether there is a table of this name, whosever it is. Raises OSError."""
    with NetlinkSocket(netlink.NETLINK_NETFILTER) as kernel:
        return any(table.name == name for table in _tables(kernel, family))


def _tables(kernel: NetlinkSocket, family: int = messages.INET) -> list[TableState]:
    """List the tables of a family."""
    found = (messages.read_table(kind, body) for kind, body in kernel.dump(messages.list_tables(family)))
    return [table for table in found if table]


def addresses_of(name: str) -> tuple[str, ...]:
    """Give the addresses that a table of ours was made for; none if it has no such set."""
    return tuple(_elements_of(name, SetName.OURS))


def _elements_of(name: str, which: SetName) -> dict[str, int | None]:
    """Give the addresses of a table's sets of both families, each with the milliseconds that it has left."""
    found: dict[str, int | None] = {}
    with NetlinkSocket(netlink.NETLINK_NETFILTER) as kernel:
        for family in (4, IPV6):
            try:
                for _, body in kernel.dump(messages.list_elements(name, set_name(which, family))):
                    found |= messages.read_elements(body)
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise refused(Step.READ_TABLE, f"inet {name}", error) from error
    return found


def count_rules(name: str) -> int:
    """Count the rules of a table; 0 if there is none of that name."""
    try:
        with NetlinkSocket(netlink.NETLINK_NETFILTER) as kernel:
            told = (messages.read_rule(body) for _, body in kernel.dump(messages.list_rules(name)))
            return sum(table == name for table, _ in told)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return 0
        raise refused(Step.READ_TABLE, f"inet {name}", error) from error


def empties(name: str) -> bool:
    """Whether a table of ours lets go by itself: whom it steers to runs out, or has run out."""
    return None not in _elements_of(name, SetName.STEERED).values()


def remove(name: str) -> bool:
    """Remove a table that nobody owns; False if there was none. A living owner's is refused by the kernel (EPERM)."""
    try:
        with NetlinkSocket(netlink.NETLINK_NETFILTER) as kernel:
            kernel.ask_all(messages.batch(messages.delete_table(name)))
    except OSError as error:
        if error.errno == errno.ENOENT:
            return False
        raise refused(Step.REMOVE_TABLE, f"inet {name}", error) from error
    return True


class OwnTable:
    """Our table, and the socket that it belongs to. Beats may come from another thread than all else."""

    def __init__(self, wanted: NftTable, *, held: socket.socket | None = None) -> None:
        """Open the socket; or take over the one of the process before us, and its table with it."""
        self._wanted = wanted
        self._is_loaded = held is not None
        try:
            self._kernel = NetlinkSocket(netlink.NETLINK_NETFILTER, held=held)
        except OSError as error:
            raise refused(Step.LOAD_TABLE, self.subject, error) from error

    def __enter__(self) -> Self:
        """Use it for a while."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let it go."""
        self.close()

    @property
    def subject(self) -> str:
        """How messages name the table."""
        return f"inet {self._wanted.name}"

    def fileno(self) -> int:
        """Give the descriptor to hand over: whoever holds it last keeps the table."""
        return self._kernel.fileno()

    def load(self, wanted: NftTable | None = None) -> None:
        """Make the kernel hold exactly this table, gate filled, in one transaction: no packet sees it half done."""
        old, new = self._wanted, wanted or self._wanted
        try:
            before = [messages.delete_table(old.name)] if self._state() else []
            self._kernel.ask_all(messages.batch(*before, *messages.create(new)))
        except OSError as error:
            raise refused(Step.LOAD_TABLE, f"inet {new.name}", error) from error
        self._wanted, self._is_loaded = new, True

    def claim(self) -> None:
        """Refuse, before anything is changed, if a living agent owns a table of our name."""
        state = self._state()
        if state is not None and state.owner not in (None, self._kernel.port_id):
            hint = f"another agent owns a table of this name (netlink port {state.owner})"
            raise refused(Step.LOAD_TABLE, self.subject, OSError(errno.EPERM, os.strerror(errno.EPERM)), hint)

    def beat(self) -> None:
        """Give the gate its whole time again."""
        self._change(messages.refresh(self._wanted))

    def shut(self) -> None:
        """Steer no more queries, now; the table stays for the answers under way."""
        self._change(messages.shut(self._wanted))

    def _change(self, wanted: list[netlink.Message]) -> None:
        """Change the sets in one transaction."""
        try:
            self._kernel.ask_all(messages.batch(*wanted))
        except OSError as error:
            raise refused(Step.BEAT, self.subject, error) from error

    def steered(self) -> dict[str, int | None]:
        """Read back which addresses are steered now, and for how many milliseconds (None: no end)."""
        found: dict[str, int | None] = {}
        try:
            for family in self._wanted.families:
                request = messages.list_elements(self._wanted.name, set_name(SetName.STEERED, family))
                for _, body in self._kernel.dump(request):
                    found |= messages.read_elements(body)
        except OSError as error:
            if error.errno == errno.ENOENT:
                return {}
            raise refused(Step.READ_TABLE, self.subject, error) from error
        return found

    def missing(self) -> tuple[str, ...]:
        """Compare the rules of each chain with what was loaded: the names of chains that lack some."""
        try:
            told = (messages.read_rule(body) for _, body in self._kernel.dump(messages.list_rules(self._wanted.name)))
            held = Counter(chain for table, chain in told if table == self._wanted.name)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise refused(Step.READ_TABLE, self.subject, error) from error
            held = Counter()
        wanted = Counter(rule.chain.name for rule in self._wanted.rules)
        return tuple(f"{self.subject} {chain}" for chain, count in wanted.items() if held[chain] != count)

    def ensure(self) -> tuple[str, ...]:
        """Make the kernel hold our table; say what it lacked."""
        lacking = self.missing()
        if lacking or not self._is_loaded:
            self.load()  # what a dead agent left under our name is replaced
        return lacking

    def release(self) -> None:
        """Remove the table; nothing is wrong if it is gone."""
        try:
            self._kernel.ask_all(messages.batch(messages.delete_table(self._wanted.name)))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise refused(Step.REMOVE_TABLE, self.subject, error) from error
        self._is_loaded = False

    def close(self) -> None:
        """Close our hold on the socket: an owned table goes, unless a successor holds the socket, too."""
        self._kernel.close()

    def _state(self) -> TableState | None:
        """What the kernel has under our name."""
        try:
            return next((table for table in _tables(self._kernel) if table.name == self._wanted.name), None)
        except OSError as error:
            raise refused(Step.READ_TABLE, self.subject, error) from error
