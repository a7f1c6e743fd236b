"""A node's life, from outside: the real program, real files, real signals, real queries."""

from __future__ import annotations

import json
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest

from nodens import __version__
from nodens.lab import small_cluster
from nodens.lab.world import programs
from started import LIMIT_S, Here, Started

Start = Callable[..., Started]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Give `start("nodens.cli.node_cache", "-conf", ...)`; all that was started ends with the test."""
    running: list[Started] = []

    def run(module: str, *words: object, **environment: str) -> Started:
        command = (sys.executable, "-m", module, *(str(word) for word in words))
        order = programs.Order(name=module, role="a test's", command=command, env=environment)
        running.append(Started(Here(), order, tmp_path / f"said-{len(running)}"))
        return running[-1]

    yield run
    for program in running:
        program.close()


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Give a port on which nobody listens, over UDP and TCP."""

    def find() -> int:
        while True:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                udp.bind(("127.0.0.1", 0))
                port = int(udp.getsockname()[1])
                with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
                    try:
                        tcp.bind(("127.0.0.1", port))
                    except OSError:
                        continue
                    return port

    return find


def ask(port: int, name: str = "kubernetes.default.svc.cluster.local", limit_s: float = 5.0) -> dns.message.Message:
    """Ask the program."""
    return dns.query.udp(dns.message.make_query(name, "A"), "127.0.0.1", port=port, timeout=limit_s)


def get(port: int, path: str) -> str:
    """Get a page of a side service, head and body."""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        raw = b""
        while piece := connection.recv(65536):
            raw += piece
    return raw.decode()


def until(holds: Callable[[], object]) -> None:
    """Wait for something that nobody announces."""
    deadline = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(0.02)


def settle(program: Started) -> None:
    """Wait until the program has looked at all that was changed before: intents are taken in turn."""
    threading.Event().wait(0.3)  # inotify and the watch's pause; a look that leads to nothing says nothing
    times = program.said.count("[ERROR] SIGHUP: ")
    program.send(signal.SIGHUP)
    program.until(r"^\[ERROR\] SIGHUP: ", times + 1)


def settle_well(program: Started) -> None:
    """Wait, as `settle` does, where all is well and a signal's reload succeeds."""
    threading.Event().wait(0.3)
    times = program.said.count("[INFO] Reloading complete\n")
    program.send(signal.SIGHUP)
    program.until(r"^\[INFO\] Reloading complete$", times + 1)


def swap(folder: Path, version: str, files: dict[str, str]) -> None:
    """Write a ConfigMap's files as the kubelet does: a new folder, then one rename of the `..data` link."""
    (folder / f"..{version}").mkdir(parents=True)
    for name, text in files.items():
        (folder / f"..{version}" / name).write_text(text)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    (folder / "..data_tmp").symlink_to(f"..{version}")
    (folder / "..data_tmp").rename(folder / "..data")


COREFILE = """\
cluster.local:{port} {{
    bind 127.0.0.1
    errors
    cache 30
    forward . {upstream} {{
        force_tcp
    }}
    reload
    {more}
}}
"""


class World:
    """A Corefile, its port, and a program that serves it."""

    def __init__(self, start: Start, free_port: Callable[[], int], folder: Path) -> None:
        self._start = start
        self.free_port = free_port
        self.port = free_port()
        self.file = folder / "Corefile"
        self.pidfile = folder / "pid"

    def write(self, more: str = "", *, port: int | None = None, upstream: str = "127.0.0.1:9") -> None:
        self.file.write_text(COREFILE.format(port=port or self.port, upstream=upstream, more=more))

    def run(self, *words: str) -> Started:
        return self._start("nodens", "run", "--corefile", self.file, "--pidfile", self.pidfile, *words)

    def serve(self, more: str = "", upstream: str = "127.0.0.1:9") -> Started:
        self.write(more, upstream=upstream)
        program = self.run()
        until(self.pidfile.exists)
        return program


@pytest.fixture
def world(start: Start, free_port: Callable[[], int], tmp_path: Path) -> World:
    return World(start, free_port, tmp_path)


def test_a_name_of_the_cluster_is_answered(world: World) -> None:
    with small_cluster() as upstream:
        world.serve(upstream=f"127.0.0.1:{upstream.address[1]}")
        answer = ask(world.port)
    assert answer.rcode() == dns.rcode.NOERROR
    assert str(answer.answer[0][0]) == "10.96.0.1"


def test_with_json_every_line_of_both_halves_is_an_object(world: World) -> None:
    with small_cluster() as upstream:
        world.write("log", upstream=f"127.0.0.1:{upstream.address[1]}")
        program = world.run("--log-format", "json")
        until(world.pidfile.exists)
        ask(world.port)
        program.until(r'"message":"127\.0\.0\.1:')
        program.send(signal.SIGTERM)
        assert program.wait() == 0
    told = [json.loads(line) for line in program.said.splitlines()]
    assert {tuple(each) for each in told} == {("ts", "level", "message")}
    (query,) = [each for each in told if "A IN kubernetes.default.svc.cluster.local." in each["message"]]
    assert (query["level"], abs(query["ts"] - told[0]["ts"]) < 60) == ("info", True)
    assert told[0]["message"] == f"cluster.local.:{world.port} on 127.0.0.1"


def test_start_and_stop_say_what_users_look_for(world: World) -> None:
    program = world.serve()
    assert world.pidfile.read_text() == f"{program.pid}\n"
    assert oct(world.pidfile.stat().st_mode)[-3:] == "644"
    program.send(signal.SIGTERM)
    assert program.wait() == 0
    assert not world.pidfile.exists()
    assert re.fullmatch(
        rf"cluster\.local\.:{world.port} on 127\.0\.0\.1\n"
        r"\[INFO\] plugin/reload: Running configuration SHA512 = [0-9a-f]{128}\n"
        r"nodens-[\d.]+\n"
        r"linux/\w+, python3[\d.]+\n"
        r"\[INFO\] SIGTERM: Shutting down servers then terminating\n",
        program.said,
    )


@pytest.mark.parametrize(
    ("signals", "code", "last"),
    [
        pytest.param([signal.SIGTERM], 0, "SIGTERM: Shutting down servers then terminating", id="term"),
        pytest.param([signal.SIGINT], 0, "SIGINT: Shutting down", id="interrupt"),
        pytest.param([signal.SIGQUIT], 0, "SIGQUIT: Quitting process immediately", id="quit"),
        pytest.param([signal.SIGUSR2, signal.SIGTERM], 0, "SIGUSR2: nothing is done on this signal", id="usr2"),
    ],
)
def test_signals_end_with_their_codes(world: World, signals: list[signal.Signals], code: int, last: str) -> None:
    program = world.serve()
    for number in signals:
        program.send(number)
    assert program.wait() == code
    assert last in program.said
    assert not world.pidfile.exists()


def test_lameduck_goes_on_serving_and_says_not_ready(world: World) -> None:
    health, ready = world.free_port(), world.free_port()
    program = world.serve(f"health 127.0.0.1:{health} {{\n        lameduck 60s\n    }}\n    ready 127.0.0.1:{ready}")
    assert get(ready, "/ready").endswith("\r\n\r\nOK")
    program.send(signal.SIGINT)
    program.until(r"^\[INFO\] plugin/health: Going into lameduck mode for 1m0s$")
    assert ask(world.port)
    assert get(health, "/health").startswith("HTTP/1.1 200 ")
    assert get(ready, "/ready").endswith("\r\n\r\nstopping")
    program.send(signal.SIGINT)  # nobody has to wait for it
    assert program.wait() == 2
    assert "[INFO] SIGINT: Force quit\n" in program.said
    assert not world.pidfile.exists()


def test_a_hasty_end_has_no_lameduck(world: World) -> None:
    program = world.serve(f"health 127.0.0.1:{world.free_port()} {{\n        lameduck 60s\n    }}")
    started_s = time.monotonic()
    program.send(signal.SIGQUIT)
    assert program.wait() == 0
    assert time.monotonic() - started_s < 10
    assert "lameduck" not in program.said


@pytest.mark.parametrize("name", ["SIGUSR1", "SIGHUP"])
def test_a_signal_reloads_any_number_of_times(world: World, name: str) -> None:
    program = world.serve()
    for times in range(1, 4):
        program.send(signal.Signals[name])
        program.until(r"^\[INFO\] Reloading complete$", times)
    assert program.said.count(f"[INFO] {name}: Reloading\n[INFO] Reloading\n[INFO] plugin/reload: Running") == 3


def test_a_changed_file_is_taken_up_and_sockets_move(world: World) -> None:
    program = world.serve()
    old, new = world.port, world.free_port()
    world.write(port=new)
    program.until(r"^\[INFO\] Reloading complete$")
    assert ask(new)
    with pytest.raises((dns.exception.Timeout, OSError)):
        ask(old, limit_s=0.5)


def test_a_bad_file_changes_nothing_is_said_once_and_counted(world: World) -> None:
    metrics = world.free_port()
    program = world.serve(f"prometheus 127.0.0.1:{metrics}")
    good = world.file.read_text()
    world.file.write_text(good.replace("cache 30", "cahce 30"))
    program.until(r"^\[ERROR\] Restart failed: ")
    assert f"{world.file}:4:5: `cahce` is not a directive" in program.said
    assert ask(world.port)
    assert "\ncoredns_reload_failed_total 1\n" in get(metrics, "/metrics")
    assert "\nnodens_reload_refused 1\n" in get(metrics, "/metrics")
    world.file.write_text(good.replace("cache 30", "cahce 30") + "\n")
    settle(program)
    world.file.write_text(good.replace("cache 30", "chace 30"))
    program.until(r"^\[ERROR\] Restart failed: .*`chace`")
    assert program.said.count("[ERROR] Restart failed: ") == 2
    world.file.write_text(good.replace("cache 30", "cache 60"))
    program.until(r"^\[INFO\] Reloading complete$")
    page = get(metrics, "/metrics")
    assert 'coredns_reload_version_info{hash="sha512"' in page
    assert "\nnodens_reload_refused 0\n" in page


def test_a_bad_file_asked_for_by_signal_is_said_each_time(world: World) -> None:
    program = world.serve()
    world.file.write_text("cluster.local {\n    nonsense\n}\n")
    program.until(r"^\[ERROR\] Restart failed: ")
    program.send(signal.SIGUSR1)
    program.until(r"^\[ERROR\] SIGUSR1: .*`nonsense` is not a directive$")


def test_new_nameservers_in_resolv_conf_are_taken_up(world: World, tmp_path: Path) -> None:
    resolv = tmp_path / "resolv.conf"
    resolv.write_text("nameserver 192.0.2.1\n")
    program = world.serve(upstream=str(resolv))
    resolv.write_text("nameserver 192.0.2.2\n")
    program.until(r"^\[INFO\] Reloading complete$")


def test_a_touched_but_equal_file_is_no_reload(world: World) -> None:
    program = world.serve()
    world.file.write_text(world.file.read_text())
    world.file.touch()
    program.send(signal.SIGHUP)
    program.until(r"^\[INFO\] Reloading complete$")
    assert program.said.count("[INFO] Reloading\n") == 1


def test_many_reloads_lose_no_query_and_keep_the_cache(world: World) -> None:
    with small_cluster() as upstream:
        metrics = world.free_port()
        text = f"127.0.0.1:{upstream.address[1]}"
        program = world.serve(f"prometheus 127.0.0.1:{metrics}", upstream=text)
        assert ask(world.port).answer
        for times in range(1, 21):
            world.write(f"prometheus 127.0.0.1:{metrics}\n    # {times}", upstream=text)
            program.send(signal.SIGUSR1)
            for _ in range(20):
                assert ask(world.port).answer
            program.until(r"^\[INFO\] Reloading complete$", times)
        page = get(metrics, "/metrics")
    assert re.search(r'coredns_cache_misses_total\{.*zones="cluster\.local\."\} 1\n', page)
    assert re.search(r'coredns_dns_requests_total\{.*type="A".*\} 401\n', page)


def test_an_address_that_is_not_here_is_refused_with_the_address(world: World) -> None:
    world.file.write_text(f".:{world.port} {{\n    bind 192.0.2.5\n    forward . 192.0.2.1\n}}\n")
    program = world.run()
    assert program.wait() == 4
    assert program.said.startswith(f"192.0.2.5:{world.port}/udp: cannot bind: ")


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_a_taken_port_is_refused_with_the_holders_name(world: World, protocol: str) -> None:
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        stranger.bind(("127.0.0.1", world.port))
        if protocol == "tcp":
            stranger.listen(1)
        world.write()
        program = world.run()
        assert program.wait() == 4
    message = rf"127\.0\.0\.1:{world.port}/{protocol}: cannot bind: address in use \(pid \d+, `.+`\)\n"
    assert re.fullmatch(message, program.said)


def test_a_reload_towards_a_taken_port_is_refused_with_the_holders_name(world: World) -> None:
    program = world.serve()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        stranger.bind(("127.0.0.1", 0))
        port = stranger.getsockname()[1]
        world.write(port=port)
        program.until(
            rf"^\[ERROR\] Restart failed: 127\.0\.0\.1:{port}/udp: cannot bind: address in use \(pid \d+, `.+`\)$"
        )
    assert ask(world.port)


def test_a_taken_metrics_port_is_no_reason_to_stop(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        program = world.serve(f"prometheus 127.0.0.1:{port}")
        assert ask(world.port)
        program.until(rf"^\[ERROR\] plugin/prometheus: 127\.0\.0\.1:{port}/tcp: cannot listen: .* \(pid \d+, `.+`\)$")
    program.until(rf"^\[INFO\] plugin/prometheus: 127\.0\.0\.1:{port}/tcp: listening now$")
    assert "coredns_build_info" in get(port, "/metrics")


def test_the_demo_answers_says_what_to_ask_and_stops(start: Start, free_port: Callable[[], int]) -> None:
    port = free_port()
    program = start("nodens", "run", "--demo", "--port", port)
    program.until(r"^Ctrl-C stops it\.$")
    assert f"    dig @127.0.0.1 -p {port} kubernetes.default.svc.cluster.local\n" in program.said
    assert str(ask(port).answer[0][0]) == "10.96.0.1"
    program.send(signal.SIGINT)
    assert program.wait() == 0


def test_the_demo_on_a_taken_port_says_by_whom_and_promises_nothing(start: Start) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", 0))
        port = stranger.getsockname()[1]
        program = start("nodens", "run", "--demo", "--port", port)
        assert program.wait() == 4
    assert re.fullmatch(rf"127\.0\.0\.1:{port}/udp: cannot bind: address in use \(pid \d+, `.+`\)\n", program.said)


TEMPLATE = """\
# the cluster's own names
cluster.local:{port} {{
    errors
    cache {{
            success 9984 30
            denial 9984 5
    }}
    reload
    bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__
    forward . __PILLAR__CLUSTER__DNS__ {{
            force_tcp
    }}
}}
.:{port} {{
    errors
    cache 30
    bind __PILLAR__LOCAL__DNS__
    forward . __PILLAR__UPSTREAM__SERVERS__
}}
"""


class Pod:
    """What the official manifest gives to node-cache, in a folder."""

    def __init__(self, start: Start, free_port: Callable[[], int], folder: Path) -> None:
        self._start = start
        self.port = free_port()
        self.metrics = free_port()
        self.base, self.kube_dns = folder / "coredns", folder / "kube-dns"
        self.conf, self.pidfile = folder / "Corefile", folder / "pid"
        self.template = TEMPLATE.format(port=self.port)
        self.base.mkdir()
        swap(self.base, "one", {"Corefile.base": self.template})

    def run(self, *words: str, **environment: str) -> Started:
        return self._start(
            "nodens.cli.node_cache",
            *("-localip", "127.0.0.1,127.0.0.2", "-conf", self.conf, "-upstreamsvc", "kube-dns-upstream"),
            *("-basecorefile", self.base / "Corefile.base", "-kubednscm", self.kube_dns, "-pidfile", self.pidfile),
            *("-setupinterface=false", "-setupiptables=false"),
            *("-dns.port", self.port, "-metrics-listen-address", f"127.0.0.1:{self.metrics}", *words),
            **environment,
        )


@pytest.fixture
def pod(start: Start, free_port: Callable[[], int], tmp_path: Path) -> Pod:
    return Pod(start, free_port, tmp_path)


UPSTREAM = {"KUBE_DNS_UPSTREAM_SERVICE_HOST": "10.96.248.93"}


def test_node_cache_fills_the_template_writes_it_and_says_so(pod: Pod) -> None:
    program = pod.run(**UPSTREAM)
    program.until(r"^linux/")
    text = (
        pod.template.replace("bind __PILLAR__LOCAL__DNS__ __PILLAR__DNS__SERVER__", "bind 127.0.0.1 127.0.0.2")
        .replace("__PILLAR__LOCAL__DNS__", "127.0.0.1 127.0.0.2")
        .replace("__PILLAR__CLUSTER__DNS__", "10.96.248.93")
        .replace("__PILLAR__UPSTREAM__SERVERS__", "/etc/resolv.conf")
    )
    assert pod.conf.read_text() == text
    assert "[INFO] Updated Corefile with 0 custom stubdomains and upstream servers []\n" in program.said
    assert f"[INFO] Using config file:\n{text}" in program.said
    assert f"cluster.local.:{pod.port} on 127.0.0.2\n" in program.said
    until(pod.pidfile.exists)
    assert ask(pod.port)
    page = get(pod.metrics, "/metrics")
    assert 'coredns_nodecache_setup_errors_total{errortype="configmap"} 0\n' in page
    program.send(signal.SIGTERM)
    assert program.wait() == 0


def test_a_config_map_that_appears_later_is_merged_at_once_and_in_order(pod: Pod) -> None:
    program = pod.run(**UPSTREAM)
    until(pod.pidfile.exists)
    swap(pod.kube_dns, "one", {"stubDomains": '{"b.example": ["1.1.1.1"], "a.example": ["1.1.1.2:10053"]}'})
    program.until(r"^\[INFO\] Reloading complete$")
    text = pod.conf.read_text()
    assert text.index(f"\na.example:{pod.port} {{\n") < text.index(f"\nb.example:{pod.port} {{\n")
    assert "    forward . 1.1.1.2:10053\n" in text
    swap(pod.kube_dns, "two", {"upstreamNameservers": '["9.9.9.9"]', "stubDomains": "{}"})
    program.until(r"^\[INFO\] Reloading complete$", 2)
    assert "    forward . 9.9.9.9\n" in pod.conf.read_text()
    assert "example" not in pod.conf.read_text()


def test_what_is_suspicious_in_the_merge_is_said_when_it_is_new(pod: Pod) -> None:
    swap(pod.kube_dns, "one", {"stubDomains": '{"cluster.local": ["1.1.1.1"]}'})
    program = pod.run(**UPSTREAM)
    until(pod.pidfile.exists)
    warning = "stubDomains:1:2: the template serves `cluster.local` too"
    assert program.said.count(warning) == 1
    (pod.kube_dns / "unrelated").write_text("x")  # another look that leads to nothing
    settle_well(program)
    swap(pod.kube_dns, "two", {"stubDomains": "{}"})
    program.until(r"^\[INFO\] Reloading complete$", 2)
    assert program.said.count(warning) == 1


def test_a_relative_import_is_looked_for_beside_the_written_file_then_beside_the_template(pod: Pod) -> None:
    template = pod.template.replace("    errors\n", "    errors\n    import extra\n", 1)
    swap(pod.base, "two", {"Corefile.base": template, "extra": "bufsize 1100\n"})
    program = pod.run(**UPSTREAM)
    until(pod.pidfile.exists)  # found beside the template
    (pod.conf.parent / "extra").write_text("bufsze 1200\n")
    program.send(signal.SIGHUP)
    program.until(rf"^\[ERROR\] SIGHUP: {pod.conf.parent}/extra:1:1: `bufsze` is not a directive$")
    (pod.conf.parent / "extra").write_text("bufsize 1200\n")
    program.send(signal.SIGHUP)
    program.until(r"^\[INFO\] Reloading complete$")


def test_a_bad_config_map_is_said_once_counted_and_the_last_good_one_stays(pod: Pod) -> None:
    swap(pod.kube_dns, "one", {"stubDomains": '{"a.example": ["1.1.1.1"]}'})
    program = pod.run(**UPSTREAM)
    until(pod.pidfile.exists)
    before = pod.conf.read_text()
    assert "a.example" in before
    swap(pod.kube_dns, "two", {"stubDomains": '{"a.example": ["localhost"]}'})
    program.until(r"^\[ERROR\] Invalid config: .*stubDomains:1:\d+: `localhost` is no upstream address")
    program.send(signal.SIGHUP)
    program.until(r"^\[INFO\] Reloading complete$")
    assert pod.conf.read_text() == before
    assert 'setup_errors_total{errortype="configmap"} 1\n' in get(pod.metrics, "/metrics")


def test_a_swapped_template_is_taken_up_and_a_bad_one_is_not_written(pod: Pod) -> None:
    program = pod.run(**UPSTREAM)
    until(pod.pidfile.exists)
    swap(pod.base, "two", {"Corefile.base": pod.template.replace("cache 30", "cache 60")})
    program.until(r"^\[INFO\] Reloading complete$")
    good = pod.conf.read_text()
    assert "cache 60" in good
    swap(pod.base, "three", {"Corefile.base": pod.template.replace("cache 30", "cahce 30")})
    program.until(r"Corefile\.base:16:5: `cahce` is not a directive$")
    assert pod.conf.read_text() == good
    assert ask(pod.port)


def test_a_missing_service_is_named_once_and_nothing_is_written(pod: Pod) -> None:
    program = pod.run()
    program.until(r"the variable `KUBE_DNS_UPSTREAM_SERVICE_HOST` is not set")
    program.until(r"^\[INFO\] waiting: looking again every 5 s, for 30 s; then this ends$")
    assert not pod.conf.exists()
    program.send(signal.SIGHUP)  # looks again at once
    program.send(signal.SIGTERM)
    assert program.wait() == 0
    assert program.said.count("is not set") == 1
    assert "<nil>" not in program.said


def test_a_template_that_no_longer_needs_the_service_ends_the_waiting(pod: Pod) -> None:
    program = pod.run()
    program.until(r"^\[INFO\] waiting: ")
    swap(pod.base, "two", {"Corefile.base": pod.template.replace("__PILLAR__CLUSTER__DNS__", "192.0.2.53")})
    program.send(signal.SIGHUP)
    until(pod.pidfile.exists)
    assert "forward . 192.0.2.53 {" in pod.conf.read_text()


def test_a_written_corefile_that_somebody_edits_is_taken_up(pod: Pod) -> None:
    program = pod.run(**UPSTREAM)
    until(pod.pidfile.exists)
    pod.conf.write_text(pod.conf.read_text().replace("cache 30", "cache 90"))
    program.until(r"^\[INFO\] Reloading complete$")
    assert "cache 90" in pod.conf.read_text()


def test_without_a_template_an_existing_corefile_is_served(pod: Pod) -> None:
    (pod.base / "Corefile.base").unlink()
    pod.conf.write_text(f"cluster.local:{pod.port} {{\n    bind 127.0.0.1\n    forward . 192.0.2.1\n}}\n")
    program = pod.run(**UPSTREAM)
    until(pod.pidfile.exists)
    program.until(r"^\[ERROR\] Failed to read node-cache coreFile ")
    assert ask(pod.port)


def test_node_cache_refuses_a_taken_port_with_its_own_code(pod: Pod) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.1", pod.port))
        program = pod.run(**UPSTREAM)
        assert program.wait() == 1
    assert re.search(rf"^127\.0\.0\.1:{pod.port}/udp: cannot bind: address in use", program.said, re.MULTILINE)


# Families whose numbers are the machine's or the moment's; all others are the script's.
_VARY = r"process_|nodens_(?!build|merged|rejected|overload|not_kept|plan_info)|\w+_duration_seconds"


def still(text: str, pod: Pod, upstream: int) -> str:
    """Put words in the place of what varies from run to run."""
    for number, word in ((pod.port, "PORT"), (pod.metrics, "METRICS"), (upstream, "UPSTREAM")):
        text = re.sub(rf"\b{number}\b", word, text)
    text = text.replace(str(pod.conf.parent), "FOLDER").replace(f"nodens-{__version__}", "nodens-VERSION")
    text = re.sub(r"\b[0-9a-f]{128}\b", "SHA512", text)
    text = re.sub(r"^linux/.*$", "linux/MACHINE, pythonVERSION", text, flags=re.MULTILINE)
    query = r"^(\[INFO\] 127\.0\.0\.1:)\d+ - \d+ (.*) [\d.e-]+s$"
    text = re.sub(query, r"\1CLIENT - ID \2 TIMEs", text, flags=re.MULTILINE)
    text = re.sub(r'id="[0-9a-f]{12}"', 'id="ID"', text)
    return re.sub(rf"^((?:{_VARY})[^ {{]*(?:\{{.*\}})?) .*$", r"\1 N", text, flags=re.MULTILINE)


def test_a_scripted_life_says_and_counts_what_it_always_did(pod: Pod, golden: Callable[[str, str], None]) -> None:
    with small_cluster() as cluster:
        upstream = cluster.address[1]
        template = pod.template.replace("__PILLAR__CLUSTER__DNS__", f"127.0.0.1:{upstream}")
        template = template.replace("__PILLAR__UPSTREAM__SERVERS__", f"127.0.0.1:{upstream}")
        template = template.replace("    errors\n", f"    errors\n    log\n    prometheus 127.0.0.1:{pod.metrics}\n")
        swap(pod.base, "two", {"Corefile.base": template})
        program = pod.run("-workers", "1", "-memory-limit", "64Mi", "-setupinterface=false", "-setupiptables=false")
        until(pod.pidfile.exists)
        for name in (
            "kubernetes.default.svc.cluster.local",
            "KUBERNETES.default.svc.cluster.local",
            "no.cluster.local",
        ):
            assert ask(pod.port, name)
        program.until(r"no\.cluster\.local\. .*s$")
        page = get(pod.metrics, "/metrics").partition("\r\n\r\n")[2]
        swap(pod.base, "three", {"Corefile.base": template.replace("cache 30", "cahce 30")})
        program.until(r"^\[ERROR\] plugin/reload: Corefile changed but reload failed")
        swap(pod.base, "four", {"Corefile.base": template.replace("cache 30", "cache 60")})
        program.until(r"^\[INFO\] Reloading complete$")
        program.send(signal.SIGTERM)
        assert program.wait() == 0
    golden("node-cache-life.log", still(program.said, pod, upstream))
    golden("metrics.txt", still(page, pod, upstream))
