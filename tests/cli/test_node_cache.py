"""The `node-cache` command line: the same words, the same answers."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nodens import __version__
from nodens.cli.goflags import FlagError, HelpAskedError, Value, parse
from nodens.cli.node_cache import FLAGS, main, read_endpoint, usage, validate, wishes
from nodens.plan import HttpEndpoint

IP = ["-localip", "169.254.20.10"]
STAMP = r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d "


def read(*words: str) -> dict[str, Value]:
    values, rest = parse(FLAGS, words)
    assert not rest
    return values


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        pytest.param(["-conf", "/a"], "conf", "/a", id="one dash, a word"),
        pytest.param(["-conf=/a"], "conf", "/a", id="one dash, equals"),
        pytest.param(["--conf", "/a"], "conf", "/a", id="two dashes, a word"),
        pytest.param(["--conf=/a"], "conf", "/a", id="two dashes, equals"),
        pytest.param(["-conf="], "conf", "", id="equals nothing"),
        pytest.param(["-conf=a=b"], "conf", "a=b", id="equals in the value"),
        pytest.param(["-conf", "-quiet"], "conf", "-quiet", id="a value that looks like a flag"),
        pytest.param(["-conf", "/a", "-conf", "/b"], "conf", "/b", id="the last counts"),
        pytest.param(["-quiet"], "quiet", True, id="a switch alone"),
        pytest.param(["-quiet=false"], "quiet", False, id="a switch equals"),
        pytest.param(["-setupiptables=F"], "setupiptables", False, id="a switch, Go's other words"),
        pytest.param(["-setupiptables", "false"], "setupiptables", False, id="a switch and its word"),
        pytest.param(["-setupiptables", "True"], "setupiptables", True, id="a switch and its word, capital"),
        pytest.param(["-p", "5353"], "dns.port", "5353", id="the short name of the port"),
        pytest.param(["-dns.port=5353"], "dns.port", "5353", id="the long name of the port"),
        pytest.param([], "syncinterval", 60_000, id="the period's default"),
        pytest.param(["-syncinterval", "60ns"], "syncinterval", 60_000, id="nanoseconds are seconds"),
        pytest.param(["-syncinterval=10ns"], "syncinterval", 10_000, id="fewer of them"),
        pytest.param(["-syncinterval", "30s"], "syncinterval", 30_000, id="seconds"),
        pytest.param(["-syncinterval", "1m30s"], "syncinterval", 90_000, id="minutes and seconds"),
        pytest.param(["-syncinterval", "1.5m"], "syncinterval", 90_000, id="a fraction"),
        pytest.param(["-syncinterval", "60"], "syncinterval", 60_000, id="a bare number"),
        pytest.param(["-memory-limit", "64Mi"], "memory-limit", 67_108_864, id="a size"),
        pytest.param(["-memory-limit", "64M"], "memory-limit", 64_000_000, id="a decimal size"),
        pytest.param(["-memory-limit", "1000000"], "memory-limit", 1_000_000, id="a size in bytes"),
        pytest.param(["-workers", "2"], "workers", 2, id="workers"),
    ],
)
def test_flags_are_read_in_every_spelling(words: list[str], name: str, value: Value) -> None:
    assert read(*words)[name] == value


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["-nope"], "flag provided but not defined: -nope", id="unknown"),
        pytest.param(["-conf"], "flag needs an argument: -conf", id="no value"),
        pytest.param(["---conf"], "bad flag syntax: ---conf", id="three dashes"),
        pytest.param(["-=x"], "bad flag syntax: -=x", id="no name"),
        pytest.param(["-quiet=maybe"], 'invalid boolean value "maybe" for -quiet: parse error', id="not a switch"),
        pytest.param(["-syncinterval", "x"], 'invalid value "x" for flag -syncinterval: parse error', id="no period"),
        pytest.param(
            ["-syncinterval", "10ms"], 'invalid value "10ms" for flag -syncinterval: less than a second', id="too short"
        ),
        pytest.param(["-syncinterval", "0"], 'invalid value "0" for flag -syncinterval: parse error', id="nothing"),
        pytest.param(
            ["-syncinterval", "-5s"], 'invalid value "-5s" for flag -syncinterval: parse error', id="negative"
        ),
        pytest.param(
            ["-memory-limit", "64mb"],
            'invalid value "64mb" for flag -memory-limit: expected bytes, such as 67108864 or 64Mi',
            id="not a size",
        ),
        pytest.param(["-workers", "two"], 'invalid value "two" for flag -workers: parse error', id="not a number"),
    ],
)
def test_what_cannot_be_read_is_refused_in_gos_words(words: list[str], message: str) -> None:
    with pytest.raises(FlagError, match=f"^{re.escape(message)}$"):
        parse(FLAGS, words)


@pytest.mark.parametrize("word", ["-h", "-help", "--help"])
def test_help_is_asked_for(word: str) -> None:
    with pytest.raises(HelpAskedError):
        parse(FLAGS, [word])


@pytest.mark.parametrize(
    ("words", "left"),
    [
        pytest.param(["a", "-quiet"], ["a", "-quiet"], id="an argument ends the flags"),
        pytest.param(["-quiet", "--", "-conf"], ["-conf"], id="two dashes end the flags"),
        pytest.param(["-quiet", "-"], ["-"], id="a lone dash is an argument"),
    ],
)
def test_what_is_left_over_is_given_back(words: list[str], left: list[str]) -> None:
    assert parse(FLAGS, words)[1] == left


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param([], 'invalid localip specified - ""', id="no local ip"),
        pytest.param(
            ["-localip", "169.254.20.10, 10.96.0.10"], 'invalid localip specified - " 10.96.0.10"', id="a blank"
        ),
        pytest.param(["-localip", "169.254.20.10,"], 'invalid localip specified - ""', id="a trailing comma"),
        pytest.param(["-localip", "node"], 'invalid localip specified - "node"', id="a name"),
        pytest.param([*IP, "-dns.port", "dns"], 'invalid port specified - "dns"', id="port"),
        pytest.param([*IP, "-p", "65536"], 'invalid port specified - "65536"', id="port out of range"),
        pytest.param([*IP, "-log-format", "yaml"], 'invalid log-format specified - "yaml"', id="log format"),
        pytest.param([*IP, "-health-port", ""], 'invalid healthcheck port specified - ""', id="health port"),
        pytest.param(
            [*IP, "-metrics-listen-address", "9353"], 'invalid metrics-listen-address specified - "9353"', id="metrics"
        ),
    ],
)
def test_values_that_cannot_be_served_are_refused_in_the_original_words(words: list[str], message: str) -> None:
    assert validate(read(*words)) == f"Error parsing flags - {message}, Exiting"


def test_both_families_may_be_served_at_once() -> None:
    assert validate(read("-localip", "169.254.20.10,fd00::10")) is None


def test_wishes_carry_the_flags_and_where_they_came_from() -> None:
    found = wishes(read("-localip", "169.254.20.10,10.96.0.10", "-p", "5353", "-memory-limit", "64Mi"))
    assert found.own_addresses == ("169.254.20.10",)
    assert found.borrowed_addresses == ("10.96.0.10",)
    assert found.default_port == 5353
    assert found.memory_budget_wish_bytes == 67_108_864
    assert found.workers_wish is None
    assert found.wishes_freebind
    assert found.source_of["memory_budget_wish_bytes"] == "flag -memory-limit"
    assert "workers_wish" not in found.source_of


def test_a_single_address_is_ours_whatever_it_is() -> None:
    assert wishes(read("-localip", "10.96.0.10")).own_addresses == ("10.96.0.10",)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        pytest.param("0.0.0.0:9353", HttpEndpoint(host="", port=9353), id="all addresses"),
        pytest.param(":9353", HttpEndpoint(host="", port=9353), id="no host"),
        pytest.param("127.0.0.1:0", HttpEndpoint(host="127.0.0.1", port=0), id="any port"),
        pytest.param("[::1]:9353", HttpEndpoint(host="::1", port=9353), id="IPv6"),
        pytest.param("::1:9353", None, id="IPv6 without brackets"),
        pytest.param("localhost", None, id="no port"),
    ],
)
def test_endpoints_are_read_as_split_host_port_does(text: str, endpoint: HttpEndpoint | None) -> None:
    assert read_endpoint(text) == endpoint


@pytest.mark.parametrize(
    ("words", "ended"),
    [
        pytest.param(["-help"], (0, "", r"Usage of node-cache:\nRuns nodens v[\d.]+ as a nodelocal .*"), id="help"),
        pytest.param(["-version"], (0, r"nodens-[\d.]+\nlinux/\w+, python3[\d.]+\n", ""), id="version"),
        pytest.param(["-plugins"], (0, r"bind\nbufsize\ncache\ndebug\n.*timeouts\n\n", ""), id="plugins"),
        pytest.param(
            ["-nope"], (2, "", r"flag provided but not defined: -nope\nUsage of node-cache:\n.*"), id="unknown"
        ),
        pytest.param([*IP, "a", "b"], (1, "", STAMP + r"extra command line arguments: \[a b\]\n"), id="extra"),
        pytest.param(
            ["-localip", "x"],
            (1, "", STAMP + r'\[FATAL\] Error parsing flags - invalid localip specified - "x", Exiting\n'),
            id="validation",
        ),
    ],
)
def test_what_ends_before_it_began_has_its_stream_and_its_code(
    words: list[str], ended: tuple[int, str, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, err = ended
    conf = tmp_path / "Corefile"
    assert main(["-conf", str(conf), *words]) == code
    said = capsys.readouterr()
    assert re.fullmatch(out, said.out, re.DOTALL)
    assert re.fullmatch(err, said.err, re.DOTALL)
    assert not conf.exists()  # no side effects


def test_help_is_the_golden_text(golden: Callable[[str, str], None]) -> None:
    golden("node-cache-help.txt", usage("node-cache").replace(f"v{__version__}", "vVERSION"))


def test_a_corefile_may_come_through_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    from nodens.cli.node_cache import source  # noqa: PLC0415 - beside its one use

    monkeypatch.setattr(sys, "stdin", io.StringIO(".:53 {\n}\n"))
    text = source(read(*IP, "-conf", "stdin")).read()
    assert (text.file, text.content) == ("stdin", ".:53 {\n}\n")
