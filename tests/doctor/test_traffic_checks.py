"""Verdicts on ports, agent, kube-proxy and translations: findings in, verdict out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nodens.doctor import traffic_checks
from nodens.doctor.model import Agent, Place, Subject, Unseen
from nodens.network import Occupant, Proxy, ProxyMode, Translation

US = Subject(own=("169.254.20.10",), borrowed=("10.96.0.10",))
AGENT = Agent(pid=812, program="nodens")


def sock(
    address: str, program: str = "nodens", protocol: str = "udp", port: int = 53, pid: int | None = 812
) -> Occupant:
    return Occupant(protocol=protocol, address=address, port=port, pid=pid, program=program, command=program)


@pytest.mark.parametrize(
    ("occupant", "wanted"),
    [
        pytest.param(sock("::1", "nodens"), True, id="by its name"),
        pytest.param(replace(sock("::1", "python3"), command="python3 -m nodens run"), True, id="by its words"),
        pytest.param(replace(sock("::1", "python3"), command="python3 -m nodens.cli.node_cache"), True, id="a module"),
        pytest.param(replace(sock("::1", "node-cache"), command="/node-cache -localip"), True, id="the original"),
        pytest.param(replace(sock("::1", "vi"), command="vi a b c nodens"), False, id="a file of that name"),
        pytest.param(sock("::1", "dnsmasq"), False, id="somebody else"),
    ],
)
def test_an_agent_is_known_by_its_name_or_first_words(occupant: Occupant, wanted: bool) -> None:  # noqa: FBT001 - a table's column
    assert traffic_checks.is_agent(occupant) is wanted


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        pytest.param((sock("169.254.20.10"),), AGENT, id="seen"),
        pytest.param(
            (sock("169.254.20.10", "", pid=None),), Agent(pid=None, program=""), id="not seen, on our address"
        ),
        pytest.param((sock("127.0.0.53", "", pid=None),), None, id="not seen, elsewhere"),
        pytest.param((sock("169.254.20.10", "dnsmasq"),), None, id="a stranger"),
        pytest.param((sock("169.254.20.10", port=8080),), None, id="on another port"),
    ],
)
def test_the_agent_is_found_by_its_socket(found: tuple[Occupant, ...], wanted: Agent | None) -> None:
    assert traffic_checks.find_agent(found, US) == wanted


@pytest.mark.parametrize(
    ("agent", "wanted"),
    [
        pytest.param(
            Agent(pid=812, program="nodens", version="nodens-0.1.0", rung="1", steers=True),
            ("ok", "pid 812, `nodens`, nodens-0.1.0, rung 1"),
            id="well",
        ),
        pytest.param(
            Agent(pid=812, program="nodens", version="nodens-0.1.0", rung="1", steers=False),
            ("warn", "pid 812, `nodens`, nodens-0.1.0, rung 1, traffic is not pointed at it"),
            id="not steering",
        ),
        pytest.param(
            Agent(pid=812, program="nodens", version="nodens-0.1.0", rung="0", steers=False),
            ("ok", "pid 812, `nodens`, nodens-0.1.0, rung 0"),
            id="no rules of ours",
        ),
        pytest.param(
            Agent(pid=None, program=""),
            ("ok", "a process that cannot be seen from here, version unknown, rung unknown"),
            id="mute",
        ),
        pytest.param(None, ("skipped", "none runs here"), id="none"),
    ],
)
def test_an_agent_that_does_not_steer_is_a_warning(agent: Agent | None, wanted: tuple[str, str]) -> None:
    line = traffic_checks.judge_agent(agent)
    assert (line.verdict, line.what) == wanted


@pytest.mark.parametrize(
    ("found", "agent", "wanted"),
    [
        pytest.param((), None, ("ok", "free"), id="free"),
        pytest.param((), AGENT, ("warn", "served by nobody"), id="free although an agent runs"),
        pytest.param((sock("169.254.20.10"),), AGENT, ("ok", "served by pid 812, `nodens`"), id="served"),
        pytest.param((sock("0.0.0.0"),), AGENT, ("ok", "served by pid 812, `nodens`"), id="served on all"),
        pytest.param((sock("0.0.0.0", "dnsmasq"),), None, ("bad", "taken by pid 812, `dnsmasq`"), id="taken on all"),
        pytest.param((sock("::", "named"),), None, ("bad", "taken by pid 812, `named`"), id="taken on all of both"),
        pytest.param((sock("169.254.20.10", "unbound"),), None, ("bad", "taken by pid 812, `unbound`"), id="taken"),
        pytest.param((sock("127.0.0.53", "systemd-r"),), None, ("ok", "free"), id="taken elsewhere"),
        pytest.param((sock("0.0.0.0", "dnsmasq", "tcp"),), None, ("ok", "free"), id="taken over the other protocol"),
        pytest.param(
            (sock("169.254.20.10", "", pid=None),),
            None,
            ("warn", "held by a process that cannot be seen from here"),
            id="not seen",
        ),
    ],
)
def test_port_53_is_bad_only_in_a_strangers_hands(
    found: tuple[Occupant, ...], agent: Agent | None, wanted: tuple[str, str]
) -> None:
    lines = {line.check: line for line in traffic_checks.judge_ports(found, US, agent)}
    line = lines["169.254.20.10:53/udp"]
    assert (line.verdict, line.what) == wanted


@pytest.mark.parametrize(
    ("found", "port", "wanted"),
    [
        pytest.param((), 9253, "ok", id="free"),
        pytest.param((sock("0.0.0.0", port=9253, protocol="tcp"),), 9253, "ok", id="ours"),
        pytest.param((sock("127.0.0.1", "node_exp", port=9353, protocol="tcp"),), 9353, "warn", id="a stranger's"),
        pytest.param((sock("10.0.0.1", "nginx", port=8080, protocol="tcp"),), 8080, "ok", id="health is elsewhere"),
        pytest.param((sock("::", "nginx", port=8080, protocol="tcp"),), 8080, "warn", id="health is taken"),
    ],
)
def test_a_taken_side_port_is_a_warning(found: tuple[Occupant, ...], port: int, wanted: str) -> None:
    lines = {line.check: line for line in traffic_checks.judge_ports(found, US, None)}
    assert lines[f"port {port}"].verdict == wanted


def test_without_addresses_of_ours_a_server_on_all_is_a_warning() -> None:
    (line, *_) = traffic_checks.judge_ports((sock("0.0.0.0", "dnsmasq"),), Subject(), None)
    assert (line.verdict, line.what) == ("warn", "elsewhere: 0.0.0.0:53/udp by pid 812, `dnsmasq`")


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        pytest.param(Proxy(modes=(ProxyMode.NFTABLES,)), [("ok", "nftables")], id="one mode"),
        pytest.param(
            Proxy(modes=(ProxyMode.IPTABLES, ProxyMode.NFTABLES)),
            [("warn", "more than one mode: iptables, nftables")],
            id="a changed mode",
        ),
        pytest.param(Proxy(modes=(ProxyMode.IPVS,)), [("bad", "ipvs, and 10.96.0.10 is ours")], id="ipvs"),
        pytest.param(Proxy(other="Cilium"), [("warn", "none; Cilium is here")], id="Cilium"),
        pytest.param(Proxy(), [("warn", "none found")], id="none"),
        pytest.param(Proxy(unread=("nft: no such program",)), [("skipped", "nft: no such program")], id="not seen"),
        pytest.param(Unseen("no time"), [("skipped", "no time")], id="no time"),
    ],
)
def test_the_mode_of_kube_proxy_decides_what_can_be_ours(found: Proxy | Unseen, wanted: list[tuple[str, str]]) -> None:
    assert [(line.verdict, line.what) for line in traffic_checks.judge_proxy(found, US)] == wanted


def test_in_ipvs_mode_a_link_local_address_alone_is_well() -> None:
    (line,) = traffic_checks.judge_proxy(Proxy(modes=(ProxyMode.IPVS,)), replace(US, borrowed=()))
    assert line.verdict == "ok"


UDP = Translation(mode=ProxyMode.IPTABLES, address="10.96.0.10", protocol="udp", endpoints=("10.1.0.2:53",), packets=7)
TCP = replace(UDP, protocol="tcp", packets=None)


@pytest.mark.parametrize(
    ("translations", "verdict", "what"),
    [
        pytest.param(
            (UDP, TCP),
            "ok",
            "udp to 10.1.0.2:53 (iptables, 7 new connections so far); tcp to 10.1.0.2:53 (iptables, not counted)",
            id="both",
        ),
        pytest.param(
            (UDP,), "bad", "udp to 10.1.0.2:53 (iptables, 7 new connections so far); tcp: no rule", id="no tcp"
        ),
        pytest.param((), "bad", "udp: no rule; tcp: no rule", id="none"),
        pytest.param(
            (replace(UDP, endpoints=()), TCP),
            "bad",
            "udp to nobody (iptables, 7 new connections so far); tcp to 10.1.0.2:53 (iptables, not counted)",
            id="no endpoints",
        ),
    ],
)
def test_an_address_that_is_not_translated_is_bad(
    translations: tuple[Translation, ...], verdict: str, what: str
) -> None:
    found = Proxy(modes=(ProxyMode.IPTABLES,), translations=translations)
    (line,) = traffic_checks.judge_translations(found, US)
    assert (line.verdict, line.what) == (verdict, what)


def test_what_could_not_be_read_is_not_called_missing() -> None:
    found = Proxy(modes=(ProxyMode.NFTABLES,), unread=("nft: no such program",))
    (line,) = traffic_checks.judge_translations(found, US)
    assert line.verdict == "skipped"


def test_cluster_dns_may_be_asked_where_nothing_is_translated() -> None:
    subject = Subject(own=US.own, cluster=(Place(address="192.168.2.10"),))
    assert not list(traffic_checks.judge_translations(Proxy(modes=(ProxyMode.IPTABLES,)), subject))
