"""The rules through iptables, as node-cache sets them: visible to the node's own tools, one transaction per family."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nodens.errors import NetworkError
from nodens.network import holders
from nodens.network.model import PREFIX, Step
from nodens.network.nft import can_carry_iptables, has_table
from nodens.network.nft_messages import NFT_FAMILIES
from nodens.network.programs import find_program, run_tool
from nodens.network.rules import Rule, Table, restore_text
from nodens.network.saved import Saved, is_dropping, is_legacy, parse_saved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from nodens.network.saved import SavedRule

_LOCK_WAIT_S: Final = 5  # as the original waits for /run/xtables.lock
_EDIT_TRIES: Final = 2
_PROGRAMS: Final = {4: "iptables", 6: "ip6tables"}
_TABLES_IN_USE: Final = {4: Path("/proc/net/ip_tables_names"), 6: Path("/proc/net/ip6_tables_names")}
_FAMILY_NAMES: Final = {4: "IPv4", 6: "IPv6"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Iptables:
    """One of the two iptables of a node: `nft` or `legacy`, or `""` where the plain names are all there is."""

    flavour: str

    def program(self, family: int, verb: str) -> str:
        """Name a program, such as `ip6tables-legacy-save`."""
        return "-".join(part for part in (_PROGRAMS[family], self.flavour, verb) if part)

    def is_there(self, family: int = 4) -> bool:
        """Whether the programs are installed."""
        return all(find_program(self.program(family, verb)) for verb in ("save", "restore"))

    def save(self, family: int, *tables: Table, counts: bool = False) -> str:
        """Print the rules of some tables, or of all; with packets and bytes before each, if wished."""
        if not self.is_there(family):
            return ""
        wanted: tuple[str, ...] = tables or ("",)
        if self.flavour == "legacy":
            # Asking legacy iptables loads its modules: what the kernel has not loaded holds no rule.
            loaded = _loaded_tables(family)
            wanted = tuple(table for table in wanted if table in loaded or (loaded and not table))
        program = self.program(family, "save")
        options = ["-c"] if counts else []
        return "".join(
            run_tool([program, *options, *(["-t", table] if table else [])], Step.READ_RULES) for table in wanted
        )

    def restore(self, family: int, text: str) -> None:
        """Load one transaction; nothing of it holds if a line is refused."""
        program = self.program(family, "restore")
        run_tool([program, "--noflush", "-w", str(_LOCK_WAIT_S)], Step.LOAD_RULES, text, dies_with_us=True)

    def edit(self, family: int, compose: Callable[[Saved], str]) -> None:
        """Load what `compose` makes of the rules that stand; an empty text is nothing to do.

        A text may be refused because others changed the rules after they were read, such as a neighbour that is stopped
        together with us: then what stands is read again, and there may be nothing left to do.
        """
        text = compose(self.read(family))
        for _ in range(_EDIT_TRIES):
            if not text:
                return
            try:
                self.restore(family, text)
            except NetworkError:
                before, text = text, compose(self.read(family))
                if text == before:
                    raise
            else:
                return
        self.restore(family, text)

    def may_hold_raw(self, family: int) -> bool:
        """Whether the kernel has a table `raw` that this tool would read; told without running it."""
        if self.flavour == "legacy":
            return Table.RAW in _loaded_tables(family)
        try:
            return not self.flavour or has_table(Table.RAW, NFT_FAMILIES[family])
        except OSError:
            return True  # the tool itself will say why not

    def read(self, family: int) -> Saved:
        """Read the two tables that are ours to write to."""
        return parse_saved(self.save(family, Table.RAW, Table.FILTER))


def _loaded_tables(family: int) -> set[str]:
    """Which legacy tables the kernel has."""
    try:
        return set(_TABLES_IN_USE[family].read_text().split())
    except OSError:
        return set()


def find_iptables() -> Iptables | None:
    """Pick the iptables that the node's own tools use; None where there is none."""
    nft, legacy, plain = (Iptables(flavour=flavour) for flavour in ("nft", "legacy", ""))
    if nft.is_there() and legacy.is_there():
        texts = [_everything(tool) for tool in (nft, legacy)]
        by_default = _is_legacy_by_default() or not can_carry_iptables()
        return legacy if is_legacy(*texts, is_legacy_by_default=by_default) else nft
    return next((tool for tool in (nft, legacy, plain) if tool.is_there()), None)


def every_iptables() -> tuple[Iptables, ...]:
    """All that are installed: what a dead agent left may stand in either."""
    both = tuple(tool for tool in (Iptables(flavour="nft"), Iptables(flavour="legacy")) if tool.is_there())
    return both or tuple(tool for tool in (Iptables(flavour=""),) if tool.is_there())


def _everything(tool: Iptables) -> str:
    """Print all rules of both families; tables that this tool cannot read count as none."""
    texts = []
    for family in _PROGRAMS:
        try:
            texts.append(tool.save(family))
        except NetworkError:
            continue
    return "".join(texts)


def _is_legacy_by_default() -> bool:
    """Whether plain `iptables` is the legacy one."""
    try:
        return "legacy" in run_tool(["iptables", "--version"], Step.READ_RULES)
    except NetworkError:
        return False


def drops_traffic(tool: Iptables, families: Iterable[int]) -> bool:
    """Whether INPUT or OUTPUT of a family drops, by policy or rule."""
    return any(is_dropping(parse_saved(tool.save(family, Table.FILTER))) for family in families)


def can_match_sets(tool: Iptables, set_name: str) -> bool:
    """Try a rule that matches an ipset, in a chain that nothing jumps to: nothing is left of it."""
    chain = f"{PREFIX}probe-{os.getpid()}".upper()
    rule = f"-A {chain} -p udp -m set --match-set {set_name} dst -j RETURN"
    try:
        tool.restore(4, f"*raw\n:{chain} - [0:0]\n{rule}\nCOMMIT\n")
    except NetworkError:
        return False
    tool.restore(4, f"*raw\n-F {chain}\n-X {chain}\nCOMMIT\n")
    return True


# ------------ Holding rules ------------


def delta(wanted: Sequence[Rule], saved: Saved) -> tuple[tuple[Rule, ...], tuple[SavedRule, ...]]:
    """Say which rules to insert, and which lines to delete: duplicates, and ours with another gate or none."""
    wanted = tuple(dict.fromkeys(wanted))
    bare = {replace(rule, gate=None) for rule in wanted}
    held: Counter[Rule] = Counter()
    surplus = []
    for line in saved.rules:
        if line.rule is None or replace(line.rule, gate=None) not in bare:
            continue
        held[line.rule] += 1
        if line.rule not in wanted or held[line.rule] > 1:
            surplus.append(line)
    return tuple(rule for rule in wanted if not held[rule]), tuple(surplus)


def deletions(lines: Iterable[SavedRule]) -> list[tuple[Table, str]]:
    """Say lines so that they are deleted as they were printed."""
    return [(Table(line.table), line.line) for line in lines]


class HeldRules:
    """Rules that are held in iptables, both families."""

    def __init__(self, tool: Iptables, wanted: Sequence[Rule]) -> None:
        """Set nothing yet."""
        self._tool = tool
        self._wanted = tuple(wanted)
        self._replaced = 0

    @property
    def tool(self) -> Iptables:
        """The iptables that carries them."""
        return self._tool

    @property
    def families(self) -> tuple[int, ...]:
        """The families that have rules."""
        return tuple(sorted({rule.family for rule in self._wanted}))

    def legacy_tables(self) -> frozenset[tuple[int, str]]:
        """The tables of legacy iptables that carry them, by family; none where events tell of changes."""
        if self._tool.flavour == "nft":
            return frozenset()
        loaded = {family: _loaded_tables(family) for family in self.families}
        return frozenset((rule.family, rule.table) for rule in self._wanted if rule.table in loaded[rule.family])

    def want(self, wanted: Sequence[Rule]) -> None:
        """Want these from now on; set nothing yet."""
        self._wanted = tuple(wanted)

    def missing(self) -> tuple[str, ...]:
        """Say which families lack rules, and how many."""
        found = []
        for family in self.families:
            insert, surplus = self._delta(family, self._tool.read(family))
            if insert or surplus:
                found.append(f"{_FAMILY_NAMES[family]} iptables ({len(insert)} missing, {len(surplus)} too many)")
        return tuple(found)

    def ensure(self) -> tuple[str, ...]:
        """Make true what is wanted, in one transaction per family; say what had to be put back."""
        put_back = []
        for family in self.families:
            insert: tuple[Rule, ...] = ()
            surplus: tuple[SavedRule, ...] = ()

            def compose(saved: Saved, family: int = family) -> str:
                nonlocal insert, surplus
                insert, surplus = self._delta(family, saved)
                return restore_text(insert, deletions(surplus))

            self._tool.edit(family, compose)
            if insert or surplus:
                wanted = self._of(family)
                self._replaced += sum(
                    line.rule is not None and line.rule.gate is None and line.rule not in wanted for line in surplus
                )
                put_back.append(f"{_FAMILY_NAMES[family]} iptables ({len(insert)} missing, {len(surplus)} too many)")
        return tuple(put_back)

    def replace(self, wanted: Sequence[Rule]) -> None:
        """Change what is wanted: in one transaction per family the new come and the old go."""
        old, self._wanted = self._wanted, tuple(wanted)
        for family in sorted({rule.family for rule in (*old, *wanted)}):
            self._tool.edit(family, partial(self._replacement, family, set(old) - set(self._wanted)))

    def _replacement(self, family: int, gone: set[Rule], saved: Saved) -> str:
        """Compose the transaction that makes true what is wanted and takes away what is wanted no longer."""
        insert, surplus = self._delta(family, saved)
        told = {line.rule for line in surplus}  # of a rule that is wanted no longer, all copies are there already
        leaving = [*surplus, *(line for line in saved.rules if line.rule in gone - told)]
        return restore_text(insert, deletions(leaving))

    def release(self) -> None:
        """Take our rules away, duplicates too."""
        self.replace(())

    def take_replaced(self) -> int:
        """Count, once, the rules without a gate that made way for ours with one: a dead agent's."""
        count, self._replaced = self._replaced, 0
        return count

    def _delta(self, family: int, saved: Saved) -> tuple[tuple[Rule, ...], tuple[SavedRule, ...]]:
        """Say what to insert and to delete. A living neighbour's rules of another gate stay: it would put them back."""
        wanted = self._of(family)
        insert, surplus = delta(wanted, saved)
        others = {line.rule for line in surplus if line.rule and line.rule not in wanted}
        try:
            alive = {
                address
                for port in {rule.port for rule in others}
                for address in holders.strangers({rule.address for rule in others}, port)
            }
        except NetworkError:
            alive = {rule.address for rule in others}  # who cannot be seen may live
        kept = {rule for rule in others if rule.address in alive}
        return insert, tuple(line for line in surplus if line.rule not in kept)

    def _of(self, family: int) -> tuple[Rule, ...]:
        """The rules of one family."""
        return tuple(rule for rule in self._wanted if rule.family == family)
