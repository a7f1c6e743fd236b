"""The command line of `nodens doctor`: words it does not take, and a machine without anything to look at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nodens import cli


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(["--localip", "10.96.0.10,x"], "`10.96.0.10,x` is not an IP address", id="no address"),
        pytest.param(
            ["--cluster-dns", "dns.example"], "`dns.example` is not an IP address", id="a name for an address"
        ),
        pytest.param(["--steering", "magic"], "invalid choice: 'magic'", id="no way to steer"),
    ],
)
def test_words_it_does_not_take_are_refused(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["doctor", *words])
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "verdict", "code"),
    [
        pytest.param("cluster.local {\n    bind 127.0.0.1\n    forward . 127.0.0.1:{port}\n}\n", "ok", 0, id="well"),
        pytest.param(". {\n    forwrad . 127.0.0.1\n}\n", "bad", 1, id="a typing mistake"),
        pytest.param(". {\n    forward . __PILLAR__CLUSTER__DNS__\n}\n", "skipped", 0, id="a value is missing"),
    ],
)
def test_the_corefile_is_read_on_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, verdict: str, code: int
) -> None:
    file, resolv_conf = tmp_path / "Corefile", tmp_path / "resolv.conf"
    resolv_conf.write_text("")
    from nodens.lab import small_cluster  # noqa: PLC0415 - the test bench, where it is used

    with small_cluster("127.0.0.1", 0) as cluster:
        file.write_text(text.replace("{port}", str(cluster.address[1])))
        words = ["doctor", "--corefile", str(file), "--resolv-conf", str(resolv_conf), "--port", "1", "--no-steering"]
        assert cli.main([*words, "--json"]) == code
    told = {line["check"]: line for line in json.loads(capsys.readouterr().out)["lines"]}
    assert told["corefile"]["verdict"] == verdict
    if verdict == "ok":
        upstream = told[f"upstream 127.0.0.1:{cluster.address[1]}"]
        assert upstream["verdict"] == "ok", upstream
