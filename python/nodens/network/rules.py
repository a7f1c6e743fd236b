"""A steering plan as rules: twelve frozen values per address in the original's order, and their two spellings. Pure.

What steers (queries to an address) is told apart from what only belongs to it: queries alone are gated by the set that
empties when we hang. Answers stay untracked until we are gone for good. Were they tracked while we drain, each would
leave a conntrack entry that swallows the client's next query from the same port.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import ip_address
from itertools import groupby
from typing import TYPE_CHECKING, Final

from nodens.network.model import ALLOW_TRAFFIC, IPV4, PREFIX, SKIP_CONNTRACK

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nodens.network.model import SteeringPlan


class Table(StrEnum):
    """The iptables tables that are used: two are written, the third is kube-proxy's and only read."""

    RAW = "raw"
    FILTER = "filter"
    NAT = "nat"


class Chain(StrEnum):
    """The built-in chains that are used."""

    PREROUTING = "PREROUTING"
    INPUT = "INPUT"
    OUTPUT = "OUTPUT"


class Target(StrEnum):
    """What a rule does."""

    NOTRACK = "NOTRACK"
    ACCEPT = "ACCEPT"


class Side(StrEnum):
    """Whether our address and port are looked for as destination or as source."""

    DESTINATION = "d"
    SOURCE = "s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule for one address. `is_query`: it points queries at us, so it is what a dead-man's switch gates."""

    table: Table
    chain: Chain
    protocol: str
    side: Side
    address: str
    port: int
    target: Target
    is_query: bool = field(default=False, compare=False)  # follows from the rest and the plan's ports
    gate: str | None = None

    @property
    def comment(self) -> str:
        """The original's comment."""
        return SKIP_CONNTRACK if self.target is Target.NOTRACK else ALLOW_TRAFFIC

    @property
    def family(self) -> int:
        """4 or 6."""
        return ip_address(self.address).version


# Behaviour 1.7, row by row; the last column but one says which port, the last whether the rule points queries at us.
_TWELVE: Final = (
    (Table.RAW, Chain.PREROUTING, "tcp", Side.DESTINATION, Target.NOTRACK, "dns", True),
    (Table.RAW, Chain.PREROUTING, "udp", Side.DESTINATION, Target.NOTRACK, "dns", True),
    (Table.FILTER, Chain.INPUT, "tcp", Side.DESTINATION, Target.ACCEPT, "dns", False),
    (Table.FILTER, Chain.INPUT, "udp", Side.DESTINATION, Target.ACCEPT, "dns", False),
    (Table.RAW, Chain.OUTPUT, "tcp", Side.SOURCE, Target.NOTRACK, "dns", False),
    (Table.RAW, Chain.OUTPUT, "udp", Side.SOURCE, Target.NOTRACK, "dns", False),
    (Table.FILTER, Chain.OUTPUT, "tcp", Side.SOURCE, Target.ACCEPT, "dns", False),
    (Table.FILTER, Chain.OUTPUT, "udp", Side.SOURCE, Target.ACCEPT, "dns", False),
    (Table.RAW, Chain.OUTPUT, "tcp", Side.DESTINATION, Target.NOTRACK, "dns", True),
    (Table.RAW, Chain.OUTPUT, "udp", Side.DESTINATION, Target.NOTRACK, "dns", True),
    (Table.RAW, Chain.OUTPUT, "tcp", Side.DESTINATION, Target.NOTRACK, "health", False),
    (Table.RAW, Chain.OUTPUT, "tcp", Side.SOURCE, Target.NOTRACK, "health", False),
)


def rules_of(plan: SteeringPlan) -> tuple[Rule, ...]:
    """Give the twelve rules of each address, addresses in the plan's order, both families in one list."""
    return tuple(
        Rule(
            table=table,
            chain=chain,
            protocol=protocol,
            side=side,
            address=address,
            port=plan.port if which == "dns" else plan.health_port,
            target=target,
            is_query=is_query,
        )
        for address in plan.addresses
        for table, chain, protocol, side, target, which, is_query in _TWELVE
    )


def shape(rule: Rule) -> tuple[object, ...]:
    """What a rule has in common with the same row of another address: how strangers' rules are told from ours."""
    return (rule.table, rule.chain, rule.protocol, rule.side, rule.target)


SHAPES: Final = frozenset(
    (table, chain, protocol, side, target) for table, chain, protocol, side, target, _, _ in _TWELVE
)


# ------------ iptables ------------


def gate_name(family: int) -> str:
    """Name the ipset that gates the queries of a family; agents of one node share it, each beat is for both."""
    return f"{PREFIX}{family}"


def gated(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Let the rules that point queries at us match a set that empties when beats stop."""
    return tuple(replace(rule, gate=gate_name(rule.family)) if rule.is_query else rule for rule in rules)


def specification(rule: Rule) -> str:
    """Spell a rule as the original does, arguments in its order, a gate before the target."""
    prefix_bits = 32 if rule.family == IPV4 else 128
    gate = f" -m set --match-set {rule.gate} {'dst' if rule.side is Side.DESTINATION else 'src'}" if rule.gate else ""
    return (
        f"-p {rule.protocol} -{rule.side} {rule.address}/{prefix_bits} --{rule.side}port {rule.port}{gate}"
        f' -j {rule.target} -m comment --comment "{rule.comment}"'
    )


def restore_text(insert: Sequence[Rule], delete: Sequence[tuple[Table, str]] = ()) -> str:
    """Compose one `iptables-restore --noflush` transaction of one family.

    What is inserted goes to the head of its chain, in order, as the original inserts. What is deleted is told as
    `iptables-save` told it: table, and chain with specification.
    """
    texts = []
    for table in Table:
        lines = [f"-D {line}" for where, line in delete if where is table]
        lines += [f"-I {rule.chain} {specification(rule)}" for rule in insert if rule.table is table]
        if lines:
            texts.append("\n".join([f"*{table}", *lines, "COMMIT", ""]))
    return "".join(texts)


# ------------ nft ------------


class SetName(StrEnum):
    """The sets of our nft table: whom queries are steered to, which empties; and who we are, which does not."""

    STEERED = "steered"
    OURS = "ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class NftChain:
    """A base chain of our table."""

    name: str
    hook: Chain
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NftRule:
    """The same row of all addresses of one family: they stand in a set."""

    chain: NftChain
    family: int
    protocol: str
    side: Side
    port: int
    set_name: SetName
    target: Target

    @property
    def comment(self) -> str:
        """The original's comment."""
        return SKIP_CONNTRACK if self.target is Target.NOTRACK else ALLOW_TRAFFIC


RAW_PRIORITY: Final = -300  # before conntrack, which is at -200
NFT_CHAINS: Final = {
    (Table.RAW, Chain.PREROUTING): NftChain(name="raw-prerouting", hook=Chain.PREROUTING, priority=RAW_PRIORITY),
    (Table.RAW, Chain.OUTPUT): NftChain(name="raw-output", hook=Chain.OUTPUT, priority=RAW_PRIORITY),
    (Table.FILTER, Chain.INPUT): NftChain(name="filter-input", hook=Chain.INPUT, priority=0),
    (Table.FILTER, Chain.OUTPUT): NftChain(name="filter-output", hook=Chain.OUTPUT, priority=0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NftTable:
    """Our whole table: rules by chain, the addresses of the sets by family."""

    name: str
    rules: tuple[NftRule, ...]
    addresses: tuple[str, ...]
    has_owner: bool
    hold_ms: int | None

    @property
    def families(self) -> tuple[int, ...]:
        """Which families have addresses."""
        return tuple(sorted({ip_address(address).version for address in self.addresses}))

    def addresses_of(self, family: int) -> tuple[str, ...]:
        """Give the addresses of one family."""
        return tuple(address for address in self.addresses if ip_address(address).version == family)


def nft_table(plan: SteeringPlan, *, has_owner: bool, hold_ms: int | None) -> NftTable:
    """Fold the list of rules into a table: one rule where addresses differ alone."""
    folded = dict.fromkeys(
        NftRule(
            chain=NFT_CHAINS[rule.table, rule.chain],
            family=rule.family,
            protocol=rule.protocol,
            side=rule.side,
            port=rule.port,
            set_name=SetName.STEERED if rule.is_query else SetName.OURS,
            target=rule.target,
        )
        for rule in rules_of(plan)
    )
    return NftTable(
        name=plan.table_name, rules=tuple(folded), addresses=plan.addresses, has_owner=has_owner, hold_ms=hold_ms
    )


def set_name(name: SetName, family: int) -> str:
    """Name a set of one family."""
    return f"{name}{family}"


def nft_text(table: NftTable) -> str:
    """Spell the table as `nft -f` reads it: to show, and to compare with. The kernel is given it by netlink."""
    lines = [f"table inet {table.name} {{"]
    if table.has_owner:
        lines.append("\tflags owner")
    for family in table.families:
        for name in SetName:
            lines += [f"\tset {set_name(name, family)} {{", f"\t\ttype ipv{family}_addr"]
            if name is SetName.STEERED and table.hold_ms is not None:
                lines.append(f"\t\ttimeout {table.hold_ms}ms")
            lines += [f"\t\telements = {{ {', '.join(table.addresses_of(family))} }}", "\t}"]
    by_chain = sorted(table.rules, key=lambda rule: list(NFT_CHAINS.values()).index(rule.chain))
    for chain, rules in groupby(by_chain, key=lambda rule: rule.chain):
        lines.append(f"\tchain {chain.name} {{")
        lines.append(f"\t\ttype filter hook {chain.hook.lower()} priority {chain.priority}; policy accept;")
        for rule in rules:
            ip = "ip" if rule.family == IPV4 else "ip6"
            where = f"{ip} {rule.side}addr @{set_name(rule.set_name, rule.family)}"
            lines.append(
                f"\t\t{rule.protocol} {rule.side}port {rule.port} {where} counter {rule.target.lower()}"
                f' comment "{rule.comment}"'
            )
        lines.append("\t}")
    lines.append("}")
    return "\n".join(lines) + "\n"
