"""Every directive of this issue: what its lines mean, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nodens.config import DIRECTIVES, Server, StaleRules, served_directives

Block = Callable[[str], tuple[Server | None, list[str]]]


def view(server: Server, path: str) -> object:
    """Follow `cache.success.capacity` down a server."""
    value: Any = server
    for part in path.split("."):
        value = value[int(part)] if part.isdecimal() else getattr(value, part)
    return value


@pytest.mark.parametrize(
    ("lines", "path", "expected"),
    [
        pytest.param("cache", "cache.success.ttl_max_s", 3600, id="cache: default for answers"),
        pytest.param("cache", "cache.denial.ttl_max_s", 1800, id="cache: default for denials"),
        pytest.param("cache", "cache.zones", None, id="cache: the block's zones"),
        pytest.param("cache 30", "cache.denial.ttl_max_s", 30, id="cache: one TTL for both"),
        pytest.param("cache 30 A.example", "cache.zones", ("a.example.",), id="cache: zones"),
        pytest.param("cache b.example", "cache.zones", ("b.example.",), id="cache: a first word that is a zone"),
        pytest.param("cache 30 {\nsuccess 9984\n}", "cache.success.ttl_max_s", 30, id="cache: an option keeps the TTL"),
        pytest.param("cache 30 {\nsuccess 9984 60\n}", "cache.success.ttl_max_s", 60, id="cache: an option wins"),
        pytest.param("cache {\ndenial 5 6 7\n}", "cache.denial.ttl_min_s", 7, id="cache: MINTTL"),
        pytest.param("cache {\nsuccess 0\n}", "cache.success.capacity", 0, id="cache: capacity zero is CoreDNS' least"),
        pytest.param("cache {\nprefetch 10\n}", "cache.prefetch.amount", 10, id="prefetch: amount"),
        pytest.param("cache {\nprefetch 10 2m 20%\n}", "cache.prefetch.percent", 20, id="prefetch: percent"),
        pytest.param("cache", "cache.stale", None, id="serve_stale: off"),
        pytest.param("cache {\nserve_stale\n}", "cache.stale", StaleRules(), id="serve_stale: defaults"),
        pytest.param("cache {\nserve_stale 90s\n}", "cache.stale.window_s", 90, id="serve_stale: duration"),
        pytest.param(
            "cache {\nserve_stale 1h immediate 30s 10s\n}",
            "cache.stale",
            StaleRules(response_ttl_s=30, recheck_ms=10_000),
            id="serve_stale: immediate has no timeout",
        ),
        pytest.param(
            "cache {\nserve_stale 1h VERIFY 100ms 30s 10s\n}",
            "cache.stale",
            StaleRules(is_verify=True, verify_timeout_ms=100, response_ttl_s=30, recheck_ms=10_000),
            id="serve_stale: verify has one",
        ),
        pytest.param(
            "cache {\nserve_stale\nserve_stale_policy prefer_positive\n}",
            "cache.prefers_positive",
            True,
            id="serve_stale_policy",
        ),
        pytest.param("cache {\nservfail 0\n}", "cache.servfail_ms", 0, id="servfail: off"),
        pytest.param("cache {\ndisable denial\n}", "cache.denial_disabled_zones", (".",), id="disable: everything"),
        pytest.param(
            "cache {\ndisable success a b\ndisable success c\n}",
            "cache.success_disabled_zones",
            ("c.",),
            id="disable: a repeat overwrites",
        ),
        pytest.param("cache {\nkeepttl\n}", "cache.keeps_ttl", True, id="keepttl"),
        pytest.param("bind 127.0.0.1\nbind ::1 lo", "bind.words.2.text", "lo", id="bind: repeats add up"),
        pytest.param("bind lo {\nexcept ::1\n}", "bind.except_words.0.text", "::1", id="bind: except"),
        pytest.param("forward . 1.1.1.1", "forwards.0.max_fails", 2, id="forward: default max_fails"),
        pytest.param("forward . 1.1.1.1\nforward a 1.1.1.1", "forwards.1.zone", "a.", id="forward: in file order"),
        pytest.param("forward 10.0.0.0/24 1.1.1.1", "forwards.0.zone", "0.0.10.in-addr.arpa.", id="forward: a CIDR"),
        pytest.param(
            "forward . 1.1.1.1 {\nexcept a 10.0.0.0/23\n}",
            "forwards.0.except_zones",
            ("a.", "0.0.10.in-addr.arpa.", "1.0.10.in-addr.arpa."),
            id="forward: except with a CIDR",
        ),
        pytest.param("forward . 1.1.1.1 {\nforce_tcp\n}", "forwards.0.forces_tcp", True, id="forward: force_tcp"),
        pytest.param("forward . 1.1.1.1 {\nexpire 1m\n}", "forwards.0.expire_ms", 60_000, id="forward: expire"),
        pytest.param(
            "forward . 1.1.1.1 {\nhealth_check 1s no_rec domain Example.org\n}",
            "forwards.0.health_domain",
            "example.org.",
            id="forward: health_check domain",
        ),
        pytest.param(
            "forward . 1.1.1.1 {\nhealth_check 1s no_rec\n}",
            "forwards.0.is_health_recursive",
            False,
            id="forward: health_check no_rec",
        ),
        pytest.param(
            "forward . 1.1.1.1 {\nnext NXDOMAIN\nnext servfail NXDOMAIN\n}",
            "forwards.0.next_rcodes",
            (3, 2),
            id="forward: next adds up, each once",
        ),
        pytest.param(
            "forward . 1.1.1.1 {\nread_timeout 500ms\n}", "forwards.0.read_timeout_ms", 500, id="forward: read_timeout"
        ),
        pytest.param(
            "forward . 1.1.1.1 {\nsource_address 10.0.0.1\n}",
            "forwards.0.source_address",
            "10.0.0.1",
            id="forward: source_address",
        ),
        pytest.param("errors stdout", "errors.consolidate", (), id="errors: stdout"),
        pytest.param(
            'errors {\nconsolidate 5m ".* timeout$" warning show_first\n}',
            "errors.consolidate.0.shows_first",
            True,
            id="errors: show_first behind a level",
        ),
        pytest.param(
            'errors {\nconsolidate 5m "x" show_first\n}',
            "errors.consolidate.0.level",
            "error",
            id="errors: show_first alone",
        ),
        pytest.param("log", "log.0.zones", (".",), id="log: everything"),
        pytest.param("log example.org", "log.0.zones", ("example.org.",), id="log: a lone word is a name"),
        pytest.param('log . "{combined}"', "log.0.format", "{combined}", id="log: a format"),
        pytest.param("log a b", "log.0.zones", ("a.", "b."), id="log: names without format"),
        pytest.param(
            "log {\nclass denial error\nclass error\n}", "log.0.classes", ("denial", "error"), id="log: classes"
        ),
        pytest.param("loop", "has_loop", True, id="loop"),
        pytest.param("debug", "is_debug", True, id="debug"),
        pytest.param("reload 10s", "reload.jitter_ms", 5_000, id="reload: jitter is at most half"),
        pytest.param("reload", "reload.interval_ms", 30_000, id="reload: default"),
        pytest.param("health", "health.endpoint.port", 8080, id="health: default"),
        pytest.param("health {\nlameduck 5s\n}", "health.lameduck_ms", 5_000, id="health: lameduck"),
        pytest.param("ready :8282 {\nmonitor continuously\n}", "ready.is_continuous", True, id="ready: monitor"),
        pytest.param("prometheus", "prometheus.host", "localhost", id="prometheus: default"),
        pytest.param("prometheus :9253", "prometheus.port", 9253, id="prometheus: endpoint"),
        pytest.param("bufsize", "udp_size_limit", 1232, id="bufsize: default"),
        pytest.param("bufsize 512", "udp_size_limit", 512, id="bufsize: the least"),
        pytest.param("timeouts {\nread 1\n}", "timeouts.read_ms", 1_000, id="timeouts: bare seconds"),
        pytest.param(
            "timeouts {\nidle 1m\n}", "timeouts.write_ms", 5_000, id="timeouts: the others keep their default"
        ),
        pytest.param("timeouts {\nmaxtcpqueries 128\n}", "timeouts.max_tcp_queries", 128, id="timeouts: maxtcpqueries"),
        pytest.param("timeouts {\nmaxtcpqueries -1\n}", "timeouts.max_tcp_queries", 0, id="timeouts: no limit"),
    ],
)
def test_a_directive_means(lines: str, path: str, expected: object, block: Block) -> None:
    server, problems = block(lines)
    assert server is not None, problems
    assert view(server, path) == expected


SUCCESS = "`success CAPACITY [TTL [MINTTL]]`"


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        pytest.param("cache 0", "`0` is too small for a TTL; expected at least 1", id="cache: TTL zero"),
        pytest.param("cache a..b", "`a..b` is not a zone; a label is empty", id="cache: no zone"),
        pytest.param(
            "cache\ncache", "`cache` stands in this block already, at Corefile:2:5; expected it once", id="cache: twice"
        ),
        pytest.param("cache {\nsucess 1\n}", "`sucess` is not an option of `cache`", id="cache: unknown option"),
        pytest.param(
            "cache {\nsuccess\n}", f"`success` has too few arguments; expected {SUCCESS}", id="cache: too few"
        ),
        pytest.param(
            "cache {\nsuccess 1 2 3 4\n}", f"`4` is one argument too many; expected {SUCCESS}", id="cache: too many"
        ),
        pytest.param("cache {\nsuccess x\n}", "`x` is not a capacity; expected a whole number", id="cache: no number"),
        pytest.param(
            "cache {\nsuccess 99999999\n}",
            "`99999999` is too large for a capacity; expected at most 16777216",
            id="cache: too much",
        ),
        pytest.param(
            "cache {\nkeepttl now\n}",
            "`now` is one argument too many; expected `keepttl`",
            id="cache: keepttl takes nothing",
        ),
        pytest.param(
            "cache {\nkeepttl {\nx\n}\n}",
            "`keepttl` takes no block; expected `keepttl`",
            id="cache: an option with a block",
        ),
        pytest.param(
            "cache {\nprefetch 1 1m 5%\n}",
            "`5%` is not a percentage here; expected `10%` to `90%`",
            id="prefetch: percent",
        ),
        pytest.param(
            "cache {\nprefetch -1\n}",
            "`-1` is too small for a prefetch amount; expected at least 0",
            id="prefetch: negative",
        ),
        pytest.param(
            "cache {\nserve_stale -1h\n}",
            "`-1h` is too short; expected a duration that is not negative",
            id="serve_stale: negative",
        ),
        pytest.param(
            "cache {\nserve_stale 1h verified\n}",
            "`verified` is not a refresh mode; expected one of `immediate`, `verify`",
            id="serve_stale: mode",
        ),
        pytest.param(
            "cache {\nserve_stale 1h immediate 1s 6m\n}",
            "`6m` is too long; expected at most 5m",
            id="serve_stale: recheck",
        ),
        pytest.param(
            "cache {\nserve_stale 1h immediate 1s 1s 1s\n}",
            f"`1s` is one argument too many; expected `{DIRECTIVES['cache'].options[3].syntax}`",
            id="serve_stale: one too many for immediate",
        ),
        pytest.param("cache {\nservfail 301s\n}", "`301s` is too long; expected at most 5m", id="servfail: too long"),
        pytest.param(
            "cache {\ndisable both\n}",
            "`both` is not a side of the cache; expected one of `success`, `denial`",
            id="disable: no side",
        ),
        pytest.param("bind", "`bind` has too few arguments; expected `bind ADDRESS|INTERFACE...`", id="bind: nothing"),
        pytest.param(
            'bind ""', "an empty word is not an address; expected an IP address or an interface name", id="bind: empty"
        ),
        pytest.param("bind lo {\nexcpt lo\n}", "`excpt` is not an option of `bind`", id="bind: unknown option"),
        pytest.param(
            "forward .", "`forward` has too few arguments; expected `forward FROM TO...`", id="forward: no TO"
        ),
        pytest.param(
            "forward . " + " ".join(f"10.0.0.{number}" for number in range(16)),
            "more than 15 upstreams: 16",
            id="forward: 16",
        ),
        pytest.param("forward a..b 1.1.1.1", "`a..b` is not a zone; a label is empty", id="forward: FROM"),
        pytest.param(
            "forward . 1.1.1.1 {\npolicy rnd\n}",
            "`rnd` is not a policy; expected one of `random`, `round_robin`, `sequential`",
            id="forward: policy",
        ),
        pytest.param(
            "forward . 1.1.1.1 {\nexpire -1s\n}",
            "`-1s` is too short; expected a duration that is not negative",
            id="forward: expire",
        ),
        pytest.param(
            "forward . 1.1.1.1 {\nread_timeout 0s\n}",
            "`0s` is too short; expected a duration that is at least 1ms",
            id="forward: read_timeout",
        ),
        pytest.param(
            "forward . 1.1.1.1 {\nfailover NOERROR\n}",
            "`NOERROR` is not a failure; expected rcodes such as `SERVFAIL`",
            id="forward: failover NOERROR",
        ),
        pytest.param(
            "forward . 1.1.1.1 {\nnext NX\n}",
            "`NX` is not an rcode; expected a name such as `NXDOMAIN` or `SERVFAIL`",
            id="forward: next",
        ),
        pytest.param(
            "forward . 1.1.1.1 {\nhealth_check 1s domain\n}",
            "`domain` has no name after it; expected one",
            id="forward: domain",
        ),
        pytest.param(
            "forward . 1.1.1.1 {\nhealth_check 1s norec\n}",
            "`norec` is not an option of `health_check`; expected one of `no_rec`, `domain`",
            id="forward: health_check option",
        ),
        pytest.param(
            "forward . 1.1.1.1 {\nmax_fails -1\n}",
            "`-1` is too small for `max_fails`; expected at least 0",
            id="forward: max_fails",
        ),
        pytest.param(
            "forward . 1.1.1.1 {\nsource_address eth0\n}",
            "`eth0` is not a source address; expected an IP address",
            id="forward: source_address",
        ),
        pytest.param(
            "forward . 1.1.1.1 {\ntls_servername x\n}",
            "`tls_servername` is an option of CoreDNS' `forward` that nodens does not serve yet",
            id="forward: TLS options",
        ),
        pytest.param(
            "errors file.log", "`file.log` is not a log file; expected `stdout` or nothing", id="errors: a file"
        ),
        pytest.param(
            "errors {\nconsolidate 5m x loud\n}",
            "`loud` is not a log level; expected one of `warning`, `error`, `info`, `debug`",
            id="errors: level",
        ),
        pytest.param(
            "errors {\nconsolidate 5m x error twice\n}",
            "`twice` is not `show_first`, the only word that may follow a level",
            id="errors: a fourth word",
        ),
        pytest.param(
            "errors {\nconsolidate 5m (?=x)\n}",
            "`(?=x)` is not a regular expression; it has a group that RE2 lacks, such as a look-ahead",
            id="errors: pattern",
        ),
        pytest.param(
            "log {\nclass sucess\n}",
            "`sucess` is not a class of responses; expected one of `all`, `success`, `denial`, `error`",
            id="log: class",
        ),
        pytest.param("loop twice", "`twice` is one argument too many; expected `loop`", id="loop: an argument"),
        pytest.param("loop {\nx\n}", "`loop` takes no options", id="loop: a block"),
        pytest.param("reload 1s", "`1s` is too short; expected a duration that is at least 2s", id="reload: interval"),
        pytest.param(
            "reload 2s 1ms", "`1ms` is too short; expected a duration that is at least 1s", id="reload: jitter"
        ),
        pytest.param(
            "health 8080", "`8080` is not an endpoint; expected `host:port` or `:port`", id="health: no colon"
        ),
        pytest.param(
            "health 169.254.20.10 10.96.0.10:8080",
            "`10.96.0.10:8080` is one argument too many; expected `health [HOST:PORT]`",
            id="health: two addresses",
        ),
        pytest.param("ready {\nmonitor maybe\n}", None, id="ready: monitor"),
        pytest.param(
            "prometheus foo", "`foo` is not an endpoint; expected `host:port` or `:port`", id="prometheus: no port"
        ),
        pytest.param("bufsize 511", "`511` is too small for a UDP size; expected at least 512", id="bufsize: under"),
        pytest.param("bufsize 4097", "`4097` is too large for a UDP size; expected at most 4096", id="bufsize: over"),
        pytest.param(
            "timeouts",
            "`timeouts` sets nothing; expected a block with `read`, `write`, `idle` or `maxtcpqueries`",
            id="timeouts: nothing",
        ),
        pytest.param(
            "timeouts {\nread 0\n}", "`0` seconds are no timeout; expected `1s` to `24h`", id="timeouts: zero"
        ),
        pytest.param("timeouts {\nread 25h\n}", "`25h` is too long; expected at most 24h", id="timeouts: over"),
        pytest.param(
            "timeouts {\nmaxtcpqueries 0\n}",
            "`0` is too small for `maxtcpqueries`; expected at least 1",
            id="timeouts: no queries",
        ),
        pytest.param("hosts", "`hosts` is a CoreDNS plugin that nodens does not serve yet", id="known, not served"),
        pytest.param("fowrard . 1.1.1.1", "`fowrard` is not a directive", id="not known"),
    ],
)
def test_a_directive_is_refused(lines: str, problem: str | None, block: Block) -> None:
    server, problems = block(lines)
    assert server is None
    assert problem is None or problem in problems


@pytest.mark.parametrize(
    ("lines", "warning"),
    [
        pytest.param(
            "health\nhealth :1", "`health` stands again at Corefile:3:5; the last one counts", id="health: twice"
        ),
        pytest.param(
            "cache {\nservfail 1s\nservfail 2s\n}",
            "`servfail` stands again at Corefile:4:5; the last one counts",
            id="option: twice",
        ),
        pytest.param("cache 30 40", "`40` is read as a zone; `cache` takes one TTL, then zones", id="cache: two TTLs"),
        pytest.param("cache {\nsuccess 1 5 6\n}", "MINTTL 6 is over TTL 5; the TTL wins", id="cache: crossed limits"),
        pytest.param(
            "cache {\nserve_stale_policy prefer_positive\n}",
            "`serve_stale_policy` does nothing without `serve_stale`",
            id="cache: a policy for nothing",
        ),
        pytest.param(
            "forward 10.0.0.0/23 1.1.1.1",
            "`10.0.0.0/23` stands for 2 zones; only `0.0.10.in-addr.arpa.` is forwarded",
            id="forward: a CIDR of two zones",
        ),
        pytest.param(
            "forward . 1.1.1.1 {\nmax_age 1s\n}",
            "`max_age` is shorter than `expire`; connections never become idle for so long",
            id="forward: max_age",
        ),
    ],
)
def test_what_is_odd_but_served_is_a_warning(lines: str, warning: str, block: Block) -> None:
    server, problems = block(lines)
    assert server is not None
    assert warning in problems


@pytest.mark.parametrize("name", sorted(DIRECTIVES))
def test_every_directive_of_coredns_has_its_row(name: str, block: Block) -> None:
    row = DIRECTIVES[name]
    assert row.name == name
    assert row.summary.endswith(".")
    if row.reader is None:
        assert block(name)[1] == [f"`{name}` is a CoreDNS plugin that nodens does not serve yet"]
    else:
        assert row.field in Server.__dataclass_fields__


def test_the_table_holds_every_directive_of_both_coredns_versions() -> None:
    known = """root metadata geoip cancel tls quic timeouts multisocket reload nsid bufsize bind debug trace ready
    health pprof prometheus errors log dnstap local dns64 acl any chaos loadbalance tsig cache rewrite header dnssec
    autopath minimal template transfer hosts route53 azure clouddns k8s_external kubernetes file auto secondary etcd
    loop forward grpc erratic whoami on sign view nomad proxyproto grpc_server https https3 shed"""
    assert set(known.split()) == set(DIRECTIVES)


def test_the_served_directives_are_those_of_this_issue() -> None:
    issue = "bind bufsize cache debug errors forward health log loop prometheus ready reload timeouts"
    assert served_directives() == tuple(issue.split())
