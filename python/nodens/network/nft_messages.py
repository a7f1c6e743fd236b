"""Our nft table as nfnetlink messages, and what the kernel tells of tables as values. Does no I/O.

Numbers are those of <linux/netfilter/nf_tables.h>; in attributes they are big-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

from nodens.network import netlink
from nodens.network.netlink import ACK, CREATE, Message, attribute, nested, text
from nodens.network.rules import NFT_CHAINS, Chain, SetName, Side, Target, set_name

if TYPE_CHECKING:
    from nodens.network.rules import NftChain, NftRule, NftTable

_SUBSYSTEM: Final = 10 << 8
_NEWTABLE, _GETTABLE, _DELTABLE = _SUBSYSTEM | 0, _SUBSYSTEM | 1, _SUBSYSTEM | 2
_NEWCHAIN, _NEWRULE, _GETRULE = _SUBSYSTEM | 3, _SUBSYSTEM | 6, _SUBSYSTEM | 7
_NEWSET, _NEWELEMENT, _GETELEMENT, _DELELEMENT = (
    _SUBSYSTEM | 9,
    _SUBSYSTEM | 12,
    _SUBSYSTEM | 13,
    _SUBSYSTEM | 14,
)
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
INET: Final = 1  # NFPROTO_INET: both families in one table
IPV4_ALONE: Final = 2  # NFPROTO_IPV4, the family of `iptables`
NFT_FAMILIES: Final = {4: IPV4_ALONE, 6: 10}  # NFPROTO_IPV6, the family of `ip6tables`
_OWNER_FLAG: Final = 0x2
_APPEND: Final = 0x800
_SET_TIMEOUT: Final = 0x10
_HOOKS: Final = {Chain.PREROUTING: 0, Chain.INPUT: 1, Chain.OUTPUT: 3}
_REGISTER: Final = 1
_ACCEPT: Final = 1  # NF_ACCEPT
# family -> (NFPROTO, nft's data type, bytes of an address, offset of the source, of the destination)
_FAMILY: Final = {4: (2, 7, 4, 12, 16), 6: (10, 8, 16, 8, 24)}
_PROTOCOL: Final = {"tcp": 6, "udp": 17}
_PORT_AT: Final = {Side.SOURCE: 0, Side.DESTINATION: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class TableState:
    """A table as the kernel tells of it; `owner` is a netlink port id, None for a table that anybody may change."""

    name: str
    owner: int | None


def _general(family: int = INET, resource: int = 0) -> bytes:
    """The head of each nfnetlink message."""
    return struct.pack(">BBH", family, 0, resource)


def _u32(kind: int, value: int) -> bytes:
    """A number of four bytes."""
    return attribute(kind, struct.pack(">I", value & 0xFFFFFFFF))


def _u64(kind: int, value: int) -> bytes:
    """A number of eight bytes."""
    return attribute(kind, struct.pack(">Q", value))


def batch(*messages: Message) -> list[Message]:
    """Make messages one transaction: all or nothing."""
    return [
        Message(_BATCH_BEGIN, _general(0, _SUBSYSTEM >> 8)),
        *messages,
        Message(_BATCH_END, _general(0, _SUBSYSTEM >> 8)),
    ]


# ------------ Making ------------


def create(table: NftTable) -> list[Message]:
    """Make the table with all that is in it."""
    messages = [new_table(table.name, has_owner=table.has_owner)]
    for family in table.families:
        messages += [_new_set(table, name, family) for name in SetName]
        messages += [_add_elements(table, name, family) for name in SetName]
    messages += [_new_chain(table.name, chain) for chain in NFT_CHAINS.values()]
    messages += [_new_rule(table.name, rule) for rule in table.rules]
    return messages


def new_table(name: str, *, has_owner: bool, family: int = INET) -> Message:
    """Make an empty table; one with an owner goes with the socket that made it."""
    flags = _u32(2, _OWNER_FLAG) if has_owner else b""
    return Message(_NEWTABLE, _general(family) + text(1, name) + flags, ACK | CREATE)


def delete_table(name: str, family: int = INET) -> Message:
    """Remove a table with all that is in it."""
    return Message(_DELTABLE, _general(family) + text(1, name), ACK)


def _new_chain(table: str, chain: NftChain) -> Message:
    """Make a base chain with the policy accept."""
    hook = nested(4, _u32(1, _HOOKS[chain.hook]), _u32(2, chain.priority))
    body = _general() + text(1, table) + text(3, chain.name) + hook + _u32(5, _ACCEPT) + text(7, "filter")
    return Message(_NEWCHAIN, body, ACK | CREATE)


def _new_set(table: NftTable, name: SetName, family: int) -> Message:
    """Make a set of addresses; the elements of the gate run out."""
    _, kind, length, *_ = _FAMILY[family]
    runs_out = name is SetName.STEERED and table.hold_ms is not None
    body = (
        _general()
        + text(1, table.name)
        + text(2, set_name(name, family))
        + _u32(3, _SET_TIMEOUT if runs_out else 0)
        + _u32(4, kind)
        + _u32(5, length)
        + _u32(10, family)  # any number that is not used twice in one transaction
        + (_u64(11, table.hold_ms or 0) if runs_out else b"")
    )
    return Message(_NEWSET, body, ACK | CREATE)


def _elements(table: str, name: str, addresses: tuple[str, ...] = ()) -> bytes:
    """Name a set, and some elements of it."""
    keys = [nested(1, nested(1, attribute(1, ip_address(address).packed))) for address in addresses]
    return _general() + text(1, table) + text(2, name) + (nested(3, *keys) if keys else b"")


def _add_elements(table: NftTable, name: SetName, family: int) -> Message:
    """Put the addresses of a family into a set."""
    body = _elements(table.name, set_name(name, family), table.addresses_of(family))
    return Message(_NEWELEMENT, body, ACK | CREATE)


def _empty(table: NftTable, name: SetName, family: int) -> Message:
    """Take all elements out of a set; nothing is wrong if it was empty."""
    return Message(_DELELEMENT, _elements(table.name, set_name(name, family)), ACK)


def refresh(table: NftTable) -> list[Message]:
    """Fill the gate anew, with its whole time: in one transaction, so that no packet finds it empty."""
    messages = []
    for family in table.families:
        messages += [_empty(table, SetName.STEERED, family), _add_elements(table, SetName.STEERED, family)]
    return messages


def shut(table: NftTable) -> list[Message]:
    """Empty the gate: no query is steered any more, answers under way stay untracked."""
    return [_empty(table, SetName.STEERED, family) for family in table.families]


# ------------ Rules ------------


def _expression(name: str, *parts: bytes) -> bytes:
    """One step of a rule."""
    return nested(1, text(1, name), nested(2, *parts))


def _equals(value: bytes) -> bytes:
    """Go on if the register holds this."""
    return _expression("cmp", _u32(1, _REGISTER), _u32(2, 0), nested(3, attribute(1, value)))


def _meta(key: int) -> bytes:
    """Load what the kernel knows of the packet."""
    return _expression("meta", _u32(2, key), _u32(1, _REGISTER))


def _payload(header: int, offset: int, length: int) -> bytes:
    """Load bytes of the packet: header 1 is IP's, 2 is UDP's or TCP's."""
    return _expression("payload", _u32(1, _REGISTER), _u32(2, header), _u32(3, offset), _u32(4, length))


def _expressions(rule: NftRule) -> bytes:
    """A rule's steps: the tests that most packets fail come first."""
    number, _, length, source, destination = _FAMILY[rule.family]
    address_at = destination if rule.side is Side.DESTINATION else source
    lookup = _expression("lookup", text(1, set_name(rule.set_name, rule.family)), _u32(2, _REGISTER))
    accept = _expression("immediate", _u32(1, 0), nested(2, nested(2, _u32(1, _ACCEPT))))
    return b"".join(
        (
            _meta(16),
            _equals(bytes([_PROTOCOL[rule.protocol]])),
            _payload(2, _PORT_AT[rule.side], 2),
            _equals(struct.pack(">H", rule.port)),
            _meta(15),
            _equals(bytes([number])),
            _payload(1, address_at, length),
            lookup,
            _expression("counter"),
            _expression("notrack") if rule.target is Target.NOTRACK else accept,
        )
    )


def _new_rule(table: str, rule: NftRule) -> Message:
    """Append a rule to its chain, with the comment that nft shows."""
    comment = rule.comment.encode() + b"\0"
    body = (
        _general()
        + text(1, table)
        + text(2, rule.chain.name)
        + nested(4, _expressions(rule))
        + attribute(7, bytes([0, len(comment)]) + comment)
    )
    return Message(_NEWRULE, body, ACK | CREATE | _APPEND)


# ------------ Reading ------------


def list_tables(family: int = INET) -> Message:
    """Ask for all tables of a family."""
    return Message(_GETTABLE, _general(family))


def read_table(kind: int, body: bytes) -> TableState | None:
    """Read one table of a list."""
    told = netlink.read_attributes(body[4:])
    if kind != _NEWTABLE or 1 not in told:
        return None
    owner = told.get(7)
    return TableState(name=netlink.read_text(told[1]), owner=struct.unpack(">I", owner)[0] if owner else None)


def list_rules(table: str) -> Message:
    """Ask for the rules of a table."""
    return Message(_GETRULE, _general() + text(1, table))


def read_rule(body: bytes) -> tuple[str, str]:
    """Read the table and chain of a rule of a list."""
    told = netlink.read_attributes(body[4:])
    return netlink.read_text(told.get(1, b"")), netlink.read_text(told.get(2, b""))


def list_elements(table: str, name: str) -> Message:
    """Ask for the elements of a set."""
    return Message(_GETELEMENT, _elements(table, name))


def read_elements(body: bytes) -> dict[str, int | None]:
    """Read addresses, and the milliseconds that each has left (None: it stays)."""
    found: dict[str, int | None] = {}
    for _, element in netlink.each_attribute(netlink.read_attributes(body[4:]).get(3, b"")):
        told = netlink.read_attributes(element)
        raw = netlink.read_attributes(told.get(1, b"")).get(1, b"")
        left = struct.unpack(">Q", told[5])[0] if 5 in told else None  # noqa: PLR2004 - NFTA_SET_ELEM_EXPIRATION
        found[str(IPv4Address(raw) if len(raw) == 4 else IPv6Address(raw))] = left  # noqa: PLR2004 - bytes of IPv4
    return found
