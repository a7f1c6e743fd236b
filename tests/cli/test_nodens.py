"""The `nodens` command: help that teaches, check, show."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nodens import __version__
from nodens.cli import help_text, main
from nodens.cli.live_line import quantile, render_line
from nodens.observe import Distribution, Family, Kind, Sample

GOOD = """\
cluster.local:5300 {
    bind 127.0.0.1
    cache 30
    forward . 192.0.2.1 {
        force_tcp
    }
}
"""
BAD = """\
cluster.local:5300 {
    bind 127.0.0.1
    cache {
        sucess 9984 30
    }
    forward . not-an-address
    hosts
}
"""


@pytest.fixture
def corefile(tmp_path: Path) -> Callable[[str], str]:
    def write(text: str) -> str:
        path = tmp_path / "Corefile"
        path.write_text(text)
        return str(path)

    return write


def test_help_is_the_golden_text(golden: Callable[[str, str], None]) -> None:
    golden("nodens-help.txt", help_text().replace(__version__, "VERSION"))


@pytest.mark.parametrize(
    ("words", "code", "stream", "text"),
    [
        pytest.param(["--help"], 0, "out", "usage: nodens COMMAND", id="help"),
        pytest.param([], 2, "out", "usage: nodens COMMAND", id="nothing"),
        pytest.param(["--version"], 0, "out", "nodens ", id="version"),
        pytest.param(
            ["chek"], 2, "err", "nodens: `chek` is not a command; expected one of: run, check, release, show", id="typo"
        ),
        pytest.param(["check", "/nonexistent"], 2, "err", "/nonexistent: cannot read: no such file", id="no file"),
        pytest.param(
            ["run", "--corefile", "/nonexistent"], 2, "err", "/nonexistent: cannot read", id="run without file"
        ),
    ],
)
def test_words_lead_where_help_says(
    words: list[str], code: int, stream: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == code
    assert text in getattr(capsys.readouterr(), stream)


def test_check_says_what_would_be_served(corefile: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> None:
    path = corefile(GOOD)
    assert main(["check", path]) == 0
    assert capsys.readouterr().out == f"{path}: can be served: 1 listener, 1 zone\n"


def test_check_prints_every_problem_with_place_caret_and_hint(
    corefile: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = corefile(BAD)
    assert main(["check", path]) == 2
    said = capsys.readouterr().err
    places = [line for line in said.splitlines() if line.startswith(path)]
    assert [place.split(":")[1] for place in places] == ["4", "6", "7"]
    assert f"{path}:4:9: `sucess` is not an option of `cache`" in said
    assert "    4 |         sucess 9984 30\n      |         ^^^^^^\nhint: did you mean `success`?\n" in said


def test_check_speaks_json_for_editors(corefile: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> None:
    path = corefile(BAD)
    assert main(["check", "--json", path]) == 2
    problems = json.loads(capsys.readouterr().out)
    assert [(problem["line"], problem["is_warning"]) for problem in problems] == [(4, False), (6, False), (7, False)]


def test_show_plan_tells_where_each_value_comes_from(
    corefile: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = corefile(GOOD)
    assert main(["show", "plan", "--corefile", path, "--workers", "1"]) == 0
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in capsys.readouterr().out.splitlines()}
    assert lines["engine.workers"].split("#")[0].strip() == "1"
    assert "--workers" in lines["engine.workers"]
    assert lines["engine.blocks[0].cache.success.ttl_max_s"].endswith(f"# {path}:3:5")
    assert lines["engine.blocks[0].forwards[0].transport"].startswith("tcp")


def test_show_corefile_puts_snippets_in(corefile: Callable[[str], str], capsys: pytest.CaptureFixture[str]) -> None:
    path = corefile("(common) {\n    errors\n}\n" + GOOD.replace("    cache 30\n", "    import common\n"))
    assert main(["show", "corefile", "--corefile", path]) == 0
    said = capsys.readouterr().out
    assert "import" not in said
    assert "    errors\n" in said


def test_show_metrics_is_the_page_in_docs(capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).parents[2] / "docs" / "metrics.md"
    assert main(["show", "metrics"]) == 0
    assert capsys.readouterr().out == page.read_text(encoding="utf-8"), "nodens show metrics > docs/metrics.md"


QUERIES = Family(name="coredns_dns_requests_total", kind=Kind.COUNTER, help="", labels=("server",))
HITS = Family(name="coredns_cache_hits_total", kind=Kind.COUNTER, help="", labels=("server", "type", "view", "zones"))
ENTRIES = Family(name="coredns_cache_entries", kind=Kind.GAUGE, help="", labels=("server", "type", "view", "zones"))
TIME = Family(
    name="nodens_response_duration_seconds",
    kind=Kind.HISTOGRAM,
    help="",
    labels=("source",),
    buckets=(8e-06, 0.001024, 2.097152),
)


def test_the_live_line_counts_a_cache_once_and_tells_hits_from_misses() -> None:
    samples = [
        Sample(family=QUERIES, labels=("a",), value=1500.0),
        Sample(family=QUERIES, labels=("b",), value=500.0),
        Sample(family=HITS, labels=("a", "success", "", "."), value=1000.0),
        Sample(family=ENTRIES, labels=("a", "success", "", "."), value=40.0),
        Sample(family=ENTRIES, labels=("b", "success", "", "."), value=40.0),
        Sample(family=ENTRIES, labels=("a", "denial", "", "."), value=2.0),
        Sample(family=TIME, labels=("hit",), value=Distribution(counts=(90, 10, 0), total=1.0, count=100)),
        Sample(family=TIME, labels=("miss",), value=Distribution(counts=(0, 0, 5), total=1.0, count=6)),
        Sample(family=TIME, labels=("stale",), value=Distribution(counts=(0, 0, 0), total=0.0, count=0)),
    ]
    assert render_line(samples) == (
        "queries 2,000  hits 1,000 (50%)  entries 42  hit p50 < 8 µs p99 < 1.02 ms  miss p50 < 2.1 s p99 < ?"
    )


def test_the_live_line_says_quietly_that_nobody_asks() -> None:
    assert render_line([]) == "nobody has asked yet"


def test_what_lies_over_the_last_bound_is_said_so() -> None:
    assert quantile(Distribution(counts=(1,), total=9.0, count=4), (0.1,), 0.99) == float("inf")


def test_the_lab_names_the_package_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "yaml.py").write_text('raise ModuleNotFoundError("no", name="yaml")\n')
    done = subprocess.run(
        [sys.executable, "-m", "nodens", "lab", "steps"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        5,
        "nodens lab steps: PyYAML is not installed here; it comes with `nodens[lab]`\n",
    )
