"""The command: what it writes where, and what it says of options that do not go together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from modes import EVERY

from nodens.cli import main
from nodens.manifests import FORMULA, Options, objects

WORDS = {
    "iptables": ["--dns-ip", "10.96.0.10"],
    "nftables": ["--mode", "nftables", "--dns-ip", "10.96.0.10"],
    "ipvs": ["--mode", "ipvs"],
    "cilium": ["--mode", "cilium"],
    "iptables-dual": ["--dual-stack", "--dns-ip", "10.96.0.10,fd00:96::a"],
    "nftables-dual": ["--mode", "nftables", "--dual-stack", "--dns-ip", "10.96.0.10,fd00:96::a"],
    "ipvs-dual": ["--mode", "ipvs", "--dual-stack"],
    "cilium-dual": ["--mode", "cilium", "--dual-stack"],
    "ipv6": ["--local-ip", "fd00:20::10", "--dns-ip", "fd00:96::a"],
}


@pytest.mark.parametrize("name", list(EVERY))
def test_the_command_writes_the_objects_as_yaml_and_says_nothing_else(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["manifests", *WORDS[name]]) == 0
    said = capsys.readouterr()
    assert list(yaml.safe_load_all(said.out)) == list(objects(EVERY[name]))
    assert not said.err


@pytest.mark.parametrize("name", list(EVERY))
def test_what_is_written_is_as_it_was_read(name: str, golden: object, capsys: pytest.CaptureFixture[str]) -> None:
    main(["manifests", *WORDS[name]])
    assert callable(golden)
    golden(f"manifests/{name}.yaml", capsys.readouterr().out)


def test_json_is_one_list_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifests", "--dns-ip", "10.96.0.10", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["apiVersion"], told["kind"]) == ("v1", "List")
    assert told["items"] == list(objects(Options()))


def test_a_folder_gets_a_file_for_each_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new" / "place"
    assert main(["manifests", "--dns-ip", "10.96.0.10", "-o", str(folder)]) == 0
    names = [
        "serviceaccount-node-local-dns.yaml",
        "service-kube-dns-upstream.yaml",
        "configmap-node-local-dns.yaml",
        "daemonset-node-local-dns.yaml",
        "service-node-local-dns.yaml",
    ]
    assert capsys.readouterr().out.splitlines() == [str(folder / name) for name in names]
    assert [yaml.safe_load((folder / name).read_text()) for name in names] == list(objects(Options()))


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    assert main(["manifests", "--dns-ip", "10.96.0.10", "-o", str(tmp_path / "file" / "place")]) == 2
    assert capsys.readouterr().err == f"--output-dir: {tmp_path}/file/place: not a directory\n"


def test_the_usual_address_is_said_where_it_was_taken(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifests"]) == 0
    assert capsys.readouterr().err == (
        "--dns-ip was not given: 10.96.0.10, kubeadm's usual one\n"
        "hint: kubectl -n kube-system get svc kube-dns -o jsonpath={.spec.clusterIP} shows yours\n"
    )


def test_everything_that_does_not_go_together_is_said_and_nothing_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifests", "--mode", "ipvs", "--dns-ip", "10.96.0.10", "--cache-size", "1"]) == 2
    said = capsys.readouterr()
    assert not said.out
    assert [line.partition(":")[0] for line in said.err.splitlines()] == ["--dns-ip", "hint", "--cache-size"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(
            ["--mode", "ipv"], "--mode: `ipv` is not a mode; expected iptables, nftables, ipvs, cilium\n", id="no mode"
        ),
        pytest.param(
            ["--steering", "x"], "`x` is not a way to steer; expected auto, iptables, nft\n", id="no way to steer"
        ),
        pytest.param(["--link", "x"], "`x` is not a kind of link; expected auto, dummy, tun\n", id="no kind of link"),
        pytest.param(["--cache-size", "9k"], "`9k` is not a whole number; expected such as `8080`\n", id="no number"),
        pytest.param(["--ready-port", "-1"], "`-1` is not a whole number", id="a negative number"),
        pytest.param(
            ["--dns-selector", "kube-dns"],
            "`kube-dns` is not a selector; expected KEY=VALUE, such as `k8s-app=kube-dns`",
            id="no selector",
        ),
    ],
)
def test_a_word_that_cannot_be_read_is_refused(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["manifests", *words])
    assert left.value.code == 2
    assert expected in capsys.readouterr().err


def test_the_help_teaches_modes_and_memory(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["manifests", "--help"])
    said = capsys.readouterr().out
    assert all(f"  {line}" in said.splitlines() for line in FORMULA.splitlines())
    assert "the defaults ask for 48 MiB and may take 128 MiB" in said
    for mode in ("iptables, nftables", "ipvs", "cilium"):
        assert f"\n  {mode}  " in said


def test_the_file_tells_how_to_move_in_and_how_to_go_back(capsys: pytest.CaptureFixture[str]) -> None:
    main(["manifests", "--dns-ip", "10.96.0.10"])
    top = capsys.readouterr().out.partition("---\n")[0]
    assert all(line.startswith("#") for line in top.splitlines())
    for word in ("kubectl replace -f", "before.yaml", "Go back:", "maxSurge: 0, maxUnavailable: 1", "nothing is left"):
        assert word in top


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("ipvs", "clusterDNS: [169.254.20.10]"), ("cilium", "localRedirectPolicies.enabled=true")],
)
def test_the_file_tells_what_its_mode_needs(mode: str, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["manifests", "--mode", mode])
    assert expected in capsys.readouterr().out.partition("---\n")[0]


def test_the_file_tells_the_command_that_wrote_it(capsys: pytest.CaptureFixture[str]) -> None:
    main(["manifests", "--mode", "ipvs", "--image", "a:1"])
    assert "Written by `nodens manifests --mode ipvs --image a:1`" in capsys.readouterr().out
