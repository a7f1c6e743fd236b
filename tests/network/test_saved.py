"""What iptables-save prints is read by what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nodens import network
from nodens.network.iptables import delta
from nodens.network.rules import Rule, gated, specification
from nodens.network.saved import is_dropping, is_legacy, parse_saved

S = '-m comment --comment "NodeLocal DNS Cache: skip conntrack"'
A = '-m comment --comment "NodeLocal DNS Cache: allow DNS traffic"'


def rules() -> tuple[Rule, ...]:
    rung = network.Rung(
        number=5,
        spelling=network.Spelling.IPTABLES,
        let_go=network.LetGo.NOTHING,
        link=None,
        accepts_by_iptables=False,
        reason="the test's",
    )
    return network.rules_of(
        network.SteeringPlan(own_addresses=("10.96.0.10",), borrowed_addresses=(), rung=rung, instance="test")
    )


def saved(*lines: str) -> str:
    """Print as iptables-save does: options in its own order, with the matches it loads."""
    return "\n".join(("# Generated", "*raw", ":PREROUTING ACCEPT [0:0]", *lines, "COMMIT", "# Completed", ""))


def as_printed(rule: Rule) -> str:
    """Say one of ours as iptables-save 1.8 prints it."""
    gate = f"-m set --match-set {rule.gate} dst " if rule.gate else ""
    comment = f'-m comment --comment "{rule.comment}"'
    return (
        f"-A {rule.chain} -{rule.side} {rule.address}/32 -p {rule.protocol} -m {rule.protocol}"
        f" --{rule.side}port {rule.port} {gate}{comment} -j {rule.target}"
    )


@pytest.mark.parametrize("number", range(12))
def test_what_we_wrote_is_read_back_as_the_same_rule_gated_or_not(number: int) -> None:
    for rule in (rules()[number], gated(rules())[number]):
        for line in (as_printed(rule), f"-A {rule.chain} {specification(rule)}"):
            (read,) = parse_saved(f"*{rule.table}\n{line}\nCOMMIT\n").rules
            assert read.rule == rule
            assert read.is_commented_as_ours


@pytest.mark.parametrize(
    ("line", "is_ours"),
    [
        pytest.param(
            f"-A PREROUTING -d 10.96.0.10/32 -p udp -m udp --dport 53 {S} -j CT --notrack", True, id="CT notrack"
        ),
        pytest.param(
            f"-A PREROUTING -d 192.0.2.7/32 -p udp -m udp --dport 5353 {S} -j NOTRACK", True, id="another address"
        ),
        pytest.param("-A PREROUTING -d 10.96.0.10/32 -p udp -m udp --dport 53 -j NOTRACK", False, id="no comment"),
        pytest.param(
            f"-A PREROUTING -d 10.96.0.10/32 -p udp -m udp --dport 53 {A} -j NOTRACK", False, id="wrong comment"
        ),
        pytest.param(f"-A PREROUTING -d 10.96.0.0/16 -p udp -m udp --dport 53 {S} -j NOTRACK", False, id="a network"),
        pytest.param(f"-A PREROUTING ! -d 10.96.0.10/32 -p udp -m udp --dport 53 {S} -j NOTRACK", False, id="negated"),
        pytest.param(f"-A PREROUTING -d 10.96.0.10/32 -p sctp -m sctp --dport 53 {S} -j NOTRACK", False, id="protocol"),
        pytest.param(f"-A PREROUTING -s 10.96.0.10/32 -p udp -m udp --sport 53 {S} -j NOTRACK", False, id="wrong side"),
        pytest.param(
            f"-A PREROUTING -d 10.96.0.10/32 -i eth0 -p udp -m udp --dport 53 {S} -j NOTRACK", False, id="more"
        ),
        pytest.param(
            f"-A PREROUTING -d 10.96.0.10/32 -p udp -m udp --dport 53:54 {S} -j NOTRACK", False, id="port range"
        ),
        pytest.param(
            f"-A KUBE-FOO -d 10.96.0.10/32 -p udp -m udp --dport 53 {S} -j NOTRACK", False, id="a chain of others"
        ),
        pytest.param(
            f"-A PREROUTING -d 10.96.0.10/32 -p udp -m udp --dport 53 {S} -j DROP", False, id="another target"
        ),
        pytest.param(f"-A PREROUTING -d 10.96.0.10/32 {S} -j NOTRACK", False, id="no port"),
        pytest.param("-A PREROUTING -m comment --comment \"it's -j NOTRACK", False, id="quotes that do not close"),
    ],
)
def test_only_exactly_one_of_the_twelve_is_ours(line: str, is_ours: bool) -> None:  # noqa: FBT001 - a row's verdict
    (read,) = parse_saved(saved(line)).rules
    assert (read.rule is not None) is is_ours


def lines_of(*wanted: Rule) -> str:
    return "".join(f"*{rule.table}\n{as_printed(rule)}\nCOMMIT\n" for rule in wanted)


ALL = rules()
GATED = gated(ALL)


@pytest.mark.parametrize(
    ("wanted", "held", "missing", "surplus"),
    [
        pytest.param(ALL, (), 12, 0, id="nothing is there"),
        pytest.param(ALL, ALL, 0, 0, id="all are there"),
        pytest.param(ALL, ALL[::-1], 0, 0, id="in another order"),
        pytest.param(ALL, ALL[1:], 1, 0, id="one is missing"),
        pytest.param(ALL, (*ALL, ALL[0], ALL[0]), 0, 2, id="one is there three times"),
        pytest.param(ALL, (*ALL, replace(ALL[0], address="192.0.2.1")), 0, 0, id="another agent's are not ours"),
        pytest.param(GATED, ALL, 4, 4, id="a dead node-cache's are without our gate"),
        pytest.param(ALL, GATED, 4, 4, id="an older gate"),
        pytest.param((), ALL, 0, 0, id="nothing wanted, nothing touched"),
    ],
)
def test_the_difference_is_what_to_insert_and_what_to_delete(
    wanted: tuple[Rule, ...], held: tuple[Rule, ...], missing: int, surplus: int
) -> None:
    insert, delete = delta(wanted, parse_saved(lines_of(*held)))
    assert (len(insert), len(delete)) == (missing, surplus)


def table(*lines: str, policy: str = "ACCEPT") -> str:
    return "\n".join(("*filter", f":INPUT {policy} [0:0]", ":OUTPUT ACCEPT [0:0]", ":MINE - [0:0]", *lines, "COMMIT"))


@pytest.mark.parametrize(
    ("text", "drops"),
    [
        pytest.param(table(), False, id="all is open"),
        pytest.param("", False, id="no table"),
        pytest.param(table(policy="DROP"), True, id="the policy drops"),
        pytest.param(table("-A INPUT -p tcp -m tcp --dport 25 -j REJECT"), True, id="a rule rejects"),
        pytest.param(table("-A INPUT -j MINE", "-A MINE -j DROP"), True, id="a chain drops"),
        pytest.param(table("-A INPUT -g MINE", "-A MINE -j DROP"), True, id="a chain by goto"),
        pytest.param(table("-A MINE -j DROP"), False, id="a chain that nothing reaches"),
        pytest.param(table("-A FORWARD -j DROP"), False, id="forwarding"),
        pytest.param(table("-A INPUT -j MINE", "-A MINE -j INPUT"), False, id="a loop ends"),
        pytest.param(table("-A INPUT -j KUBE-FIREWALL", "-A KUBE-FIREWALL -j DROP"), False, id="kubelet's own"),
    ],
)
def test_whether_input_or_output_drops(text: str, drops: bool) -> None:  # noqa: FBT001 - a row's verdict
    assert is_dropping(parse_saved(text)) is drops


HINT = "*mangle\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n"
KUBE = "*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n"
RULE = "*filter\n-A INPUT -j ACCEPT\nCOMMIT\n"


@pytest.mark.parametrize(
    ("nft", "legacy", "by_default", "wanted"),
    [
        pytest.param(HINT, "", True, False, id="a hint in nft"),
        pytest.param("", HINT, False, True, id="a hint in legacy"),
        pytest.param(KUBE * 3 + RULE * 9, HINT, False, True, id="a hint outweighs leftovers"),
        pytest.param("", KUBE, False, True, id="chains without a hint"),
        pytest.param(RULE, RULE * 2, False, True, id="rules alone"),
        pytest.param("", "", False, False, id="nothing: the default, nft"),
        pytest.param("", "", True, True, id="nothing: the default, legacy"),
        pytest.param(HINT, HINT, True, True, id="a tie: the default"),
    ],
)
def test_the_iptables_of_the_nodes_own_tools_is_picked(nft: str, legacy: str, by_default: bool, wanted: bool) -> None:  # noqa: FBT001 - a row
    assert is_legacy(nft, legacy, is_legacy_by_default=by_default) is wanted
