"""`nodens doctor` in a world with a real kernel: nodes that are well, nodes that are not; nothing is changed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from node_cache_rules import insert_as_node_cache
from small_world import BORROWED, OWN, PACKAGE, Holder, World, inside, plan_of, run, rung

from nodens.doctor import Line, Verdict, render

pytestmark = pytest.mark.netns

LOCAL = ",".join((OWN[0], BORROWED[0]))
DNS = "192.168.2.10"
LIMIT_S = 5.0
COREFILE = """\
cluster.local {{
    bind {own} {borrowed}
    cache
    forward . {dns} {{
        force_tcp
    }}
    prometheus 127.0.0.1:9253
}}
. {{
    bind {own} {borrowed}
    cache
    forward . {dns}
}}
"""


def doctor(world: World, *words: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run the command on the node, as a person would."""
    return subprocess.run(
        ["ip", "netns", "exec", world.node, *before, sys.executable, "-m", "nodens", "doctor", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
    )


def lines_of(done: subprocess.CompletedProcess[str]) -> dict[str, list[dict[str, str]]]:
    """Give the report's lines by their check."""
    assert "Traceback" not in done.stderr, done.stderr
    found: dict[str, list[dict[str, str]]] = {}
    for line in json.loads(done.stdout)["lines"]:
        found.setdefault(line["check"], []).append(line)
    return found


@contextlib.contextmanager
def program(where: str, *words: str) -> Iterator[None]:
    """Run a program of ours in a namespace for a while."""
    running = subprocess.Popen(
        ["ip", "netns", "exec", where, sys.executable, "-m", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(PACKAGE)},
    )
    try:
        yield
    finally:
        running.terminate()
        running.wait(10)


def wait_for(where: str, address: str) -> None:
    """Wait until somebody listens there."""
    deadline = time.monotonic() + 10
    while True:
        with inside(where), socket.socket() as client:
            client.settimeout(0.5)
            if client.connect_ex((address, 53)) == 0:
                return
        assert time.monotonic() < deadline, f"nobody listens on {address} in {where}"


@pytest.fixture
def resolv_conf(tmp_path: Path) -> Path:
    path = tmp_path / "resolv.conf"
    path.write_text(f"nameserver {DNS}\n")
    return path


@pytest.fixture
def cluster() -> Iterator[Callable[[World], None]]:
    """Give `cluster(world)`: a cluster DNS that speaks DNS takes the place of the one that does not."""
    with contextlib.ExitStack() as running:

        def start(world: World) -> None:
            for server in world.servers:
                world.stop(server)
            world.servers.clear()
            running.enter_context(program(world.dns, "nodens.lab.cluster_dns", "--listen", f"{DNS}:53"))
            wait_for(world.dns, DNS)

        yield start


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Callable[[World], None]]:
    """Give `agent(world)`: nodens serves both addresses, on a link that is there."""
    with contextlib.ExitStack() as running:

        def start(world: World) -> None:
            file = tmp_path / "Corefile"
            file.write_text(COREFILE.format(own=OWN[0], borrowed=BORROWED[0], dns=DNS))
            add_link(world, OWN[0], BORROWED[0])
            running.enter_context(program(world.node, "nodens", "run", "--quiet", "--corefile", str(file)))
            wait_for(world.node, OWN[0])

        yield start


def add_link(world: World, *addresses: str) -> None:
    run("ip", "-n", world.node, "tuntap", "add", "nodelocaldns", "mode", "tun")  # persists, as a dummy does
    for address in addresses:
        run("ip", "-n", world.node, "addr", "add", address, "dev", "nodelocaldns")


def state_of(world: World) -> dict[str, str]:
    """All of the node that could be changed: rules in every spelling, sets, links, addresses, routes, sysctls."""
    legacy = (
        "for f in ip ip6; do for t in $(sort /proc/net/${f}_tables_names); do ${f}tables-legacy-save -t $t; done; done"
    )
    told = {
        "nft": world.on_node("nft", "list", "ruleset"),
        "legacy": world.on_node("sh", "-c", legacy),
        "sets": world.on_node("ipset", "list"),
        "links": run("ip", "-n", world.node, "-d", "link"),
        "addresses": run("ip", "-n", world.node, "addr"),
        "routes": run("ip", "-n", world.node, "route", "show", "table", "all"),
        "v6 routes": run("ip", "-n", world.node, "-6", "route", "show", "table", "all"),
        "sysctls": world.on_node("sh", "-c", "sysctl -a 2>/dev/null | grep '^net' | grep -v conntrack_count"),
    }
    return {
        name: re.sub(r"\[\d+:\d+\]|packets \d+ bytes \d+|(# .* on|expires) .*", "", text) for name, text in told.items()
    }


def test_a_healthy_node_is_well_and_the_report_reads_like_this(  # noqa: PLR0917 - fixtures, by name
    world: World,
    cluster: Callable[[World], None],
    agent: Callable[[World], None],
    resolv_conf: Path,
    tmp_path: Path,
    golden: Callable[[str, str], None],
) -> None:
    cluster(world)
    agent(world)
    words = ["--localip", LOCAL, "--cluster-dns", DNS, "--corefile", str(tmp_path / "Corefile")]
    words += ["--resolv-conf", str(resolv_conf)]
    for name in ("kubernetes.default", "no-such-name.nodens-doctor"):  # nobody outside the cluster in this world
        words += ["--name", f"{name}.svc.cluster.local"]
    done = doctor(world, *words)
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("ok       capabilities ")
    told = json.loads(doctor(world, *words, "--json").stdout)
    golden("doctor-healthy.txt", render([normalise(line, tmp_path) for line in told["lines"]]))


def normalise(line: dict[str, str], folder: Path) -> Line:
    """Take out what differs from machine to machine and from run to run."""
    text = re.sub(r"\d+\.\d ms", "0.4 ms", line["what"])
    text = re.sub(r"\d+ of \d+ entries \(\d+%\)", "212 of 262144 entries (0%)", text)
    text = re.sub(r"pid \d+, `\S+`", "pid 812, `nodens`", text)
    text = "..." if line["check"] in {"kernel", "rung"} else text.replace(str(folder), "/etc")
    check = line["check"].replace(str(folder), "/etc")
    return Line(check=check, verdict=Verdict(line["verdict"]), what=text, hint=line["hint"])


@pytest.mark.parametrize(
    ("mode", "flavour"),
    [
        pytest.param("nftables", "", id="a clean node"),
        pytest.param("legacy", "", id="a clean node with iptables-legacy"),
        pytest.param("nft", "nft", id="left-overs in iptables-nft"),
        pytest.param("legacy", "legacy", id="left-overs in iptables-legacy"),
    ],
)
def test_it_changes_nothing(make_world: Callable[[str], World], mode: str, flavour: str) -> None:
    world = make_world(mode)
    if flavour:
        insert_as_node_cache(world, flavour, OWN[0])
        add_link(world, OWN[0])
    before = state_of(world)
    for _ in range(2):
        assert lines_of(doctor(world, "--cluster-dns", DNS, "--json"))
    assert state_of(world) == before


def test_what_a_dead_agent_left_is_bad_and_stays(world: World, resolv_conf: Path) -> None:
    insert_as_node_cache(world, "nft", BORROWED[0], times=2)
    add_link(world, *BORROWED)
    done = doctor(world, "--json", "--resolv-conf", str(resolv_conf))
    told = lines_of(done)["left-overs"]
    assert [(line["verdict"], line["what"]) for line in told] == [
        ("bad", f"iptables-nft: 24 rules of {BORROWED[0]}: no living agent's"),
        ("bad", f"link nodelocaldns (tun, {BORROWED[0]}, {BORROWED[1]}): no living agent's"),
    ]
    assert "nodens release" in told[0]["hint"]
    assert done.returncode == 1
    assert world.ask(BORROWED[0], wait_s=0.1) == "silence"


@pytest.mark.parametrize(
    "wanted",
    [pytest.param(rung(), id="an owned table"), pytest.param(rung("iptables", "timeout"), id="iptables with a gate")],
)
def test_what_a_living_agent_holds_is_well(world: World, hold: Callable[..., Holder], wanted: object) -> None:
    hold(world, plan_of(wanted))  # type: ignore[arg-type]  # a rung
    told = lines_of(doctor(world, "--json"))
    assert [line["what"] for line in told["left-overs"]] == ["none"]
    assert {line["verdict"] for line in told["in use"]} == {"ok"}
    assert world.ask(BORROWED[0]) == "node"


@pytest.mark.parametrize(
    "wanted",
    [pytest.param(rung(), id="an owned table"), pytest.param(rung("iptables", "timeout"), id="iptables with a gate")],
)
def test_rules_that_would_outlive_a_living_agent_are_bad(
    world: World, hold: Callable[..., Holder], wanted: object
) -> None:
    """A node-cache's, dead or beside it: once they were called `in use`, and the next crash took the node's DNS."""
    hold(world, plan_of(wanted))  # type: ignore[arg-type]  # a rung
    insert_as_node_cache(world, "nft", BORROWED[0])
    told = lines_of(doctor(world, "--json"))
    (bad,) = [line for line in told["left-overs"] if line["verdict"] == "bad"]
    assert bad["what"].startswith("iptables-nft: ")
    assert bad["what"].endswith(f"rules of {BORROWED[0]}: beside an agent whose own let go when it dies; these do not")
    assert "they keep pods from cluster DNS" in bad["hint"]


@pytest.mark.parametrize("address", ["0.0.0.0", OWN[0]], ids=["on all addresses", "on ours"])
def test_a_taken_port_is_bad_and_names_the_process(world: World, address: str) -> None:
    run("ip", "-n", world.node, "addr", "add", OWN[0], "dev", "lo")
    with inside(world.node), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        told = lines_of(doctor(world, "--localip", OWN[0], "--json"))
    (taken,) = told[f"{OWN[0]}:53/udp"]
    assert taken["verdict"] == "bad"
    assert taken["what"].startswith(f"taken by pid {os.getpid()}, ")
    assert told[f"{OWN[0]}:53/tcp"][0]["what"] == "free"


@pytest.mark.parametrize(
    ("nameserver", "verdict"),
    [
        pytest.param(OWN[0], "bad", id="our own address"),
        pytest.param("127.0.0.53", "warn", id="a stub"),
        pytest.param(DNS, "ok", id="somebody else"),
    ],
)
def test_a_resolv_conf_that_leads_back_to_us_is_bad(
    world: World, resolv_conf: Path, nameserver: str, verdict: str
) -> None:
    resolv_conf.write_text(f"nameserver {nameserver}\n")
    told = lines_of(doctor(world, "--localip", OWN[0], "--resolv-conf", str(resolv_conf), "--json"))
    assert told[str(resolv_conf)][0]["verdict"] == verdict


def test_black_holed_upstreams_are_bad_and_the_whole_run_ends_in_time(world: World, resolv_conf: Path) -> None:
    holes = [f"192.168.2.{number}" for number in range(90, 96)]
    for hole in holes:
        run("ip", "-n", world.node, "neigh", "add", hole, "lladdr", "02:00:00:00:00:99", "dev", "cali2")
    resolv_conf.write_text("".join(f"nameserver {hole}\n" for hole in holes))
    start = time.monotonic()
    done = doctor(world, "--resolv-conf", str(resolv_conf), "--localip", OWN[0], "--cluster-dns", holes[0], "--json")
    took_s = time.monotonic() - start
    told = lines_of(done)
    assert {told[f"upstream {hole}:53"][0]["verdict"] for hole in holes} == {"bad"}
    assert told["upstream 192.168.2.90:53"][0]["what"] == "udp silent for 0.8 s; tcp silent for 0.8 s"
    assert done.returncode == 1
    assert took_s < LIMIT_S
    assert "waiting for " in done.stderr


@pytest.mark.parametrize(
    ("mode", "name"), [("nftables", "nftables"), ("nft", "iptables"), ("legacy", "iptables")], ids=["1", "2", "3"]
)
def test_kube_proxy_is_found_with_its_translations_and_their_counters(
    make_world: Callable[[str], World], mode: str, name: str
) -> None:
    world = make_world(mode)
    words = ("--localip", ",".join((*OWN, *BORROWED)), "--json")
    assert world.ask(BORROWED[0]) == "cluster"
    told = lines_of(doctor(world, *words))
    assert [(line["verdict"], line["what"]) for line in told["kube-proxy"]] == [("ok", name)]
    (v4,), (v6,) = told[f"dnat {BORROWED[0]}"], told[f"dnat {BORROWED[1]}"]
    assert (v4["verdict"], v6["verdict"]) == ("ok", "ok")
    assert "udp to 192.168.2.10:53" in v4["what"]
    assert "tcp to [fd00:2::10]:53" in v6["what"]
    if name == "iptables":
        first = int(re.search(r"udp to \S+ \(iptables, (\d+) new", v4["what"])[1])  # type: ignore[index]  # there is one
        assert world.ask(BORROWED[0]) == "cluster"
        again = lines_of(doctor(world, *words))[f"dnat {BORROWED[0]}"][0]["what"]
        assert f"({name}, {first + 1} new connections so far)" in again


def test_a_service_that_is_not_translated_is_bad(world: World) -> None:
    told = lines_of(doctor(world, "--localip", f"{OWN[0]},10.96.0.99", "--json"))
    assert told["dnat 10.96.0.99"][0]["verdict"] == "bad"
    assert told["dnat 10.96.0.99"][0]["what"] == "udp: no rule; tcp: no rule"


def test_answers_that_differ_from_cluster_dns_are_bad(
    world: World, cluster: Callable[[World], None], resolv_conf: Path
) -> None:
    cluster(world)
    add_link(world, OWN[0])
    with program(world.node, "nodens.lab.cluster_dns", "--listen", f"{OWN[0]}:53"):
        wait_for(world.node, OWN[0])
        words = ("--localip", OWN[0], "--cluster-dns", DNS, "--resolv-conf", str(resolv_conf), "--json")
        same = lines_of(doctor(world, *words))["answer kubernetes.default.svc.cluster.local"][0]
    assert (same["verdict"], same["what"].partition(" (")[0]) == ("ok", "both: NOERROR 10.96.0.1")
    server = world.serve(world.node, OWN[0], b"node")  # says nothing that is DNS
    told = lines_of(doctor(world, *words))["answer kubernetes.default.svc.cluster.local"][0]
    world.stop(server)
    assert told["verdict"] == "bad"
    assert told["hint"] == "the agent does not answer; cluster DNS does"


def test_without_rights_it_says_so(world: World) -> None:
    done = doctor(
        world, "--localip", LOCAL, "--json", before=("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")
    )
    told = lines_of(done)
    assert told["capabilities"][0]["verdict"] == "warn"
    missing = "no CAP_NET_ADMIN: no rung can be stood on; no CAP_NET_BIND_SERVICE: port 53 cannot be served"
    assert told["capabilities"][0]["what"] == missing
    assert told["rung"][0]["verdict"] == "skipped"
    assert not [line for lines in told.values() for line in lines if "bug" in line["what"]]


def test_without_tools_it_says_so(world: World, tmp_path: Path) -> None:
    hide = f'mount --bind {tmp_path} /usr/sbin && exec "$@"'
    done = doctor(world, "--localip", LOCAL, "--json", before=("unshare", "-m", "sh", "-c", hide, "sh"))
    told = lines_of(done)
    assert told["dnat 10.96.0.10"][0]["verdict"] == "skipped"
    assert [line["what"] for line in told["kube-proxy"]] == [
        "nftables",
        "nft: cannot read the nft table: no such program",
    ]
    assert "missing: " in told["kernel"][0]["what"]
