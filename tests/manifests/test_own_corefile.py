"""`nodens manifests --corefile`: a Corefile of somebody's own is checked, gets what the probes ask, and goes in."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import yaml

from nodens.cli import main

OFFICIAL = Path(__file__).parents[1] / "cli" / "Corefile.base"
PLAIN = """\
.:53 {
    bind 169.254.20.10 10.96.0.10
    health 169.254.20.10:8080
    ready 169.254.20.10:8181
    forward . 192.0.2.53
}
"""


def written(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Give the Corefile in the ConfigMap, and what was said."""
    assert main(["manifests", "--dns-ip", "10.96.0.10", *words]) == 0
    said = capsys.readouterr()
    (found,) = [each for each in yaml.safe_load_all(said.out) if each["kind"] == "ConfigMap"]
    return str(found["data"]["Corefile"]), said.err


def test_a_corefile_that_has_all_goes_in_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").write_text(PLAIN)
    assert written(["--corefile", str(tmp_path / "mine")], capsys) == (PLAIN, "")


def test_the_official_one_keeps_its_pillars_and_gets_ready(capsys: pytest.CaptureFixture[str]) -> None:
    text, said = written(["--corefile", str(OFFICIAL)], capsys)
    assert "ready 169.254.20.10:8181" in text
    assert "".join(line for line in text.splitlines(keepends=True) if "ready" not in line) == OFFICIAL.read_text()
    assert said == (
        f"{OFFICIAL}: no `ready`, which a probe asks; `ready 169.254.20.10:8181` was added to its first block\n"
    )


def test_health_and_ready_are_both_added_and_the_result_can_be_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text("(rest) {\n    errors\n}\n. {\n\tbind 169.254.20.10 10.96.0.10\n\timport rest\n"
                                   "\tforward . 192.0.2.53   \n}\n")  # fmt: skip
    text, said = written(["--corefile", str(tmp_path / "mine"), "--ready-port", "18181"], capsys)
    assert said.count("was added to its first block") == 2
    (tmp_path / "made").write_text(text)
    assert main(["check", str(tmp_path / "made")]) == 0
    assert text.index("ready 169.254.20.10:18181") > text.index(". {")


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(PLAIN))
    assert written(["--corefile", "-"], capsys) == (PLAIN, "")


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        pytest.param(PLAIN.replace("bind", "bnid"), [], "`bnid` is not a directive", id="a slip of the keyboard"),
        pytest.param(
            PLAIN,
            ["--dns-ip", "172.20.0.10"],
            "--corefile: no block listens on 172.20.0.10; expected `bind 169.254.20.10 172.20.0.10`\n"
            "hint: it listens on 10.96.0.10, 169.254.20.10: are --local-ip and --dns-ip those of your cluster?\n",
            id="another cluster's addresses",
        ),
        pytest.param(
            PLAIN.replace("8181", "9181"),
            [],
            "mine has `ready` at 169.254.20.10:9181; expected `ready 169.254.20.10:8181`: the probe asks there\n"
            "hint: --ready-port moves the probe\n",
            id="another port than the probe's",
        ),
        pytest.param(
            PLAIN,
            ["--mode", "cilium"],
            "--corefile: no block listens on 0.0.0.0; expected `bind 0.0.0.0`",
            id="the node's addresses in a pod",
        ),
        pytest.param(PLAIN, ["--template"], "--corefile: with --template the addresses are not known", id="a template"),
    ],
)
def test_a_corefile_that_does_not_fit_is_refused(
    text: str, words: list[str], expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").write_text(text)
    dns = [] if "--dns-ip" in words or "--template" in words else ["--dns-ip", "10.96.0.10"]
    assert main(["manifests", *dns, *words, "--corefile", str(tmp_path / "mine")]) == 2
    said = capsys.readouterr()
    assert not said.out
    assert expected in said.err


def test_a_file_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifests", "--dns-ip", "10.96.0.10", "--corefile", "/nowhere/Corefile"]) == 2
    assert "/nowhere/Corefile" in capsys.readouterr().err
