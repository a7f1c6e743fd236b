"""The embedded cluster DNS answers as CoreDNS' kubernetes plugin does."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from nodens.lab import small_cluster
from nodens.lab.client import ask
from nodens.lab.message import query

CLUSTER = "svc.cluster.local."


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(
    ("name", "qtype", "rcode", "answers"),
    [
        pytest.param(f"kubernetes.default.{CLUSTER}", "A", "NOERROR", ["10.96.0.1"], id="service"),
        pytest.param(f"web.shop.{CLUSTER}", "AAAA", "NOERROR", [], id="NODATA"),
        pytest.param(f"nope.shop.{CLUSTER}", "A", "NXDOMAIN", [], id="NXDOMAIN"),
        pytest.param(f"shop.{CLUSTER}", "A", "NOERROR", [], id="namespace"),
        pytest.param(
            f"db.shop.{CLUSTER}", "A", "NOERROR", ["10.244.1.11", "10.244.2.12", "10.244.3.13"], id="headless"
        ),
        pytest.param(f"db-1.db.shop.{CLUSTER}", "A", "NOERROR", ["10.244.2.12"], id="pod of a headless"),
        pytest.param(f"_http._tcp.web.shop.{CLUSTER}", "SRV", "NOERROR", [f"0 100 80 web.shop.{CLUSTER}"], id="port"),
        pytest.param("1.0.96.10.in-addr.arpa.", "PTR", "NOERROR", [f"kubernetes.default.{CLUSTER}"], id="pointer"),
        pytest.param("12.2.244.10.in-addr.arpa.", "PTR", "NOERROR", [f"db-1.db.shop.{CLUSTER}"], id="pointer to a pod"),
        pytest.param("9.9.9.9.in-addr.arpa.", "PTR", "NXDOMAIN", [], id="no pointer"),
        pytest.param("dns-version.cluster.local.", "TXT", "NOERROR", ['"1.1.0"'], id="version"),
        pytest.param("example.org.", "A", "REFUSED", [], id="not ours"),
    ],
)
def test_a_cluster_name_is_answered(transport: str, name: str, qtype: str, rcode: str, answers: list[str]) -> None:
    with small_cluster() as upstream:
        reply = ask(upstream.address, query(name, qtype), transport)
    assert (reply.rcode, [answer.text for answer in reply.answers]) == (rcode, answers)
    assert {answer.ttl_s for answer in reply.answers} <= {30}


def test_a_denial_carries_the_soa_with_thirty_seconds() -> None:
    with small_cluster() as upstream:
        (soa,) = ask(upstream.address, query(f"nope.shop.{CLUSTER}")).authority
    assert (soa.name, soa.ttl_s, soa.text.split()[-1]) == ("cluster.local.", 30, "30")


def test_an_srv_brings_the_addresses_of_its_targets() -> None:
    with small_cluster() as upstream:
        reply = ask(upstream.address, query(f"_postgres._tcp.db.shop.{CLUSTER}", "SRV"), "tcp")
    assert [record.text for record in reply.additional] == ["10.244.1.11", "10.244.2.12", "10.244.3.13"]


def test_it_runs_as_a_program_and_stops_at_a_signal() -> None:
    program = [sys.executable, "-m", "nodens.lab.cluster_dns", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            port = int(line.rpartition(":")[2])
            assert ask(("127.0.0.1", port), query(f"web.shop.{CLUSTER}")).rcode == "NOERROR"
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()
