"""What the objects promise: to the API server, to the node, to the program that they run."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from modes import EVERY, container, corefile, pod, the

from nodens.cli import goflags, main, node_cache
from nodens.lifecycle import DRAIN_MS, service_variable
from nodens.manifests import DEFAULTS, FORMULA, TEMPLATE, Mode, Options, memory, objects, refusals
from nodens.plan import LinkWish, SteeringWish

MIB = 1 << 20


def flags(options: Options) -> dict[str, goflags.Value]:
    """Read the arguments as the program does."""
    values, rest = goflags.parse(node_cache.FLAGS, container(options)["args"])
    assert not rest
    return values


def plan_of(options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """Let `nodens show plan` tell what the agent would do with this Corefile and these addresses."""
    path = tmp_path / "Corefile.base"
    path.write_text(corefile(options))
    localip = str(flags(options)["localip"])
    assert main(["show", "plan", str(path), "--localip", localip, "--cluster-dns", "10.96.0.11"]) == 0
    lines = [line.split("#")[0].split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    return {line[0]: line[1].strip().strip('"') if len(line) > 1 else "" for line in lines if line}


def test_the_options_of_every_mode_go_together(options: Options) -> None:
    assert not refusals(options)


def test_every_corefile_passes_nodens_check(
    options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "Corefile.base"
    path.write_text(corefile(options))
    code = main(["check", str(path), "--localip", str(flags(options)["localip"]), "--cluster-dns", "10.96.0.11"])
    said = capsys.readouterr()
    assert (code, said.err) == (0, "")
    listeners = len(str(flags(options)["localip"]).split(","))
    assert said.out == f"{path}: can be served: {listeners} listener{'s' * (listeners > 1)}, {4 * listeners} zones\n"


def test_the_program_accepts_every_argument(options: Options) -> None:
    assert node_cache.validate(flags(options)) is None
    varied = replace(options, health_port=18080, setup_metrics_port=19353)
    if options.is_on_host:
        varied = replace(varied, link=LinkWish.DUMMY, has_legacy_iptables=True)
    assert node_cache.validate(flags(varied)) is None
    assert flags(varied)["health-port"] == "18080"
    assert flags(varied)["metrics-listen-address"] == "0.0.0.0:19353"


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        pytest.param(Options(), ("auto", "auto", True, True, True), id="the safest rung that a node has"),
        pytest.param(Options(mode=Mode.NFTABLES), ("nft", "auto", True, True, True), id="no iptables under nftables"),
        pytest.param(
            Options(steering=SteeringWish.IPTABLES, link=LinkWish.DUMMY),
            ("iptables", "dummy", True, True, True),
            id="as node-cache did it, if asked",
        ),
        pytest.param(Options(mode=Mode.CILIUM), ("auto", "auto", False, False, False), id="nothing on a pod network"),
    ],
)
def test_the_arguments_ask_for_the_modes_way(chosen: Options, expected: tuple[Any, ...]) -> None:
    found = flags(chosen)
    names = ("steering", "interfacekind", "takeover", "setupinterface", "setupiptables")
    assert tuple(found[name] for name in names) == expected


def test_our_own_address_is_own_and_the_services_is_borrowed(options: Options) -> None:
    facts = node_cache.wishes(flags(options))
    expected = (options.local_ips, options.dns_ips) if options.is_on_host else (("0.0.0.0",), ())
    if options.is_on_host or not options.is_dual_stack:
        assert (facts.own_addresses, facts.borrowed_addresses) == expected


def test_probes_knock_where_the_corefile_listens(options: Options) -> None:
    text, found = corefile(options), container(options)
    for probe, directive in (("livenessProbe", "health"), ("readinessProbe", "ready")):
        knock = found[probe]["httpGet"]
        host = knock.get("host", "")
        where = f"{f'[{host}]' if ':' in host else host}:{knock['port']}"
        assert re.findall(rf"^    {directive} (\S+)", text, re.MULTILINE) == [where]
        assert knock["path"] == f"/{directive}"
        assert bool(host) == options.is_on_host, "a pod of the node's network is asked at our own address"


def test_the_start_probe_asks_for_the_file_that_the_program_writes(options: Options) -> None:
    found = container(options)
    assert found["startupProbe"]["exec"]["command"] == ["nodens", "started", flags(options)["pidfile"]]


def test_what_is_written_is_written_into_memory(options: Options) -> None:
    """The root file system cannot be written to; Corefile and pid file go into an emptyDir."""
    volumes = {each["name"]: each for each in pod(options)["volumes"]}
    mounts = {each["mountPath"]: each for each in container(options)["volumeMounts"]}
    for flag in ("conf", "pidfile"):
        mount = mounts[str(Path(str(flags(options)[flag])).parent)]
        assert volumes[mount["name"]]["emptyDir"]["medium"] == "Memory"
        assert not mount.get("readOnly")
    assert {each["name"] for each in mounts.values()} == set(volumes), "a volume without a mount, or the reverse"


def test_templates_and_kube_dns_are_mounted_where_the_program_looks(options: Options) -> None:
    mounts = {each["name"]: each["mountPath"] for each in container(options)["volumeMounts"]}
    volumes = {each["name"]: each for each in pod(options)["volumes"]}
    base = Path(str(flags(options)["basecorefile"]))
    assert mounts["config-volume"] == str(base.parent)
    assert volumes["config-volume"]["configMap"]["items"] == [{"key": "Corefile", "path": base.name}]
    assert volumes["config-volume"]["configMap"]["name"] == the(options, "ConfigMap")["metadata"]["name"]
    assert mounts["kube-dns-config"] == node_cache.KUBE_DNS_FOLDER
    assert volumes["kube-dns-config"]["configMap"] == {"name": "kube-dns", "optional": True}


def test_the_upstream_service_is_there_before_the_pods_and_known_to_them(options: Options) -> None:
    made = [(each["kind"], each["metadata"]["name"]) for each in objects(options)]
    service = str(flags(options)["upstreamsvc"])
    assert made.index(("Service", service)) < made.index(("DaemonSet", "node-local-dns"))
    assert pod(options)["enableServiceLinks"] is True
    assert service_variable(service) == "KUBE_DNS_UPSTREAM_SERVICE_HOST"


def test_rights_are_as_few_as_the_mode_needs(options: Options) -> None:
    rights = container(options)["securityContext"]
    assert rights["privileged"] is False
    assert rights["allowPrivilegeEscalation"] is False
    assert rights["readOnlyRootFilesystem"] is True
    assert rights["seccompProfile"] == {"type": "RuntimeDefault"}
    assert rights["capabilities"]["drop"] == ["ALL"]
    assert pod(options)["automountServiceAccountToken"] is False
    assert the(options, "ServiceAccount")["automountServiceAccountToken"] is False
    if options.is_on_host:
        assert rights["capabilities"]["add"] == ["NET_ADMIN", "NET_BIND_SERVICE"]
    else:
        assert "add" not in rights["capabilities"]
        assert (rights["runAsNonRoot"], rights["runAsUser"]) == (True, 65532)
        (sysctl,) = pod(options)["securityContext"]["sysctls"]
        assert sysctl == {"name": "net.ipv4.ip_unprivileged_port_start", "value": "53"}


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param({"has_legacy_iptables": True}, id="the nodes' iptables is the legacy one"),
        pytest.param({"steering": SteeringWish.IPTABLES}, id="iptables is asked for: rung 4"),
    ],
)
def test_steering_by_iptables_needs_one_right_more(chosen: dict[str, Any]) -> None:
    found = container(Options(**chosen))["securityContext"]["capabilities"]["add"]
    assert found == ["NET_ADMIN", "NET_BIND_SERVICE", "NET_RAW"]


def test_a_new_pod_can_stand_beside_the_old_one(options: Options) -> None:
    """A declared port of a pod on the node's network keeps a second one off the node."""
    strategy = the(options, "DaemonSet")["spec"]["updateStrategy"]["rollingUpdate"]
    assert strategy == {"maxSurge": 1, "maxUnavailable": 0}
    assert ("ports" in container(options)) is not options.is_on_host
    assert pod(options)["hostNetwork"] is options.is_on_host
    assert flags(options)["takeover"] is options.is_on_host
    assert pod(options).get("initContainers") is None


@pytest.mark.parametrize("has_surge", [True, False])
def test_surge_and_unavailability_are_never_both_asked_for_nor_both_missing(has_surge: bool) -> None:  # noqa: FBT001 - a row
    found = the(Options(has_surge=has_surge), "DaemonSet")["spec"]["updateStrategy"]["rollingUpdate"]
    assert sorted(found.values()) == [0, 1]
    assert found["maxSurge"] == has_surge


def test_without_surge_only_the_strategy_differs() -> None:
    """So that the second step of moving in starts no pod again."""
    surge, plain = (the(Options(has_surge=has), "DaemonSet")["spec"] for has in (True, False))
    assert surge["template"] == plain["template"]


def test_a_stop_has_time_to_end_calmly(options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lameduck_ms = int(plan_of(options, tmp_path, capsys)["observe.lameduck_ms"])
    assert pod(options)["terminationGracePeriodSeconds"] * 1000 > lameduck_ms + DRAIN_MS
    assert (lameduck_ms > 0) is not options.is_on_host, "Cilium must learn that a pod is no longer ready"


def test_selectors_are_the_originals(options: Options) -> None:
    """They can never be changed."""
    daemon_set = the(options, "DaemonSet")
    assert daemon_set["spec"]["selector"] == {"matchLabels": {"k8s-app": "node-local-dns"}}
    assert daemon_set["spec"]["template"]["metadata"]["labels"] == {"k8s-app": "node-local-dns"}
    assert container(options)["name"] == "node-cache", "under another name, apply would add a second container"


def test_the_service_for_metrics_leads_to_where_they_are_served(options: Options) -> None:
    varied = replace(options, metrics_port=19253)
    service = objects(varied)[4]
    assert (service["kind"], service["metadata"]["name"]) == ("Service", "node-local-dns")
    assert [each["targetPort"] for each in service["spec"]["ports"]] == [19253]
    assert service["metadata"]["annotations"]["prometheus.io/port"] == "19253"
    assert corefile(varied).count("prometheus :19253\n") == 4


def test_the_redirect_leads_to_our_pods_by_the_names_of_their_ports() -> None:
    options = EVERY["cilium"]
    policy = the(options, "CiliumLocalRedirectPolicy")["spec"]
    labels = the(options, "DaemonSet")["spec"]["template"]["metadata"]["labels"]
    assert policy["redirectBackend"]["localEndpointSelector"]["matchLabels"].items() <= labels.items()
    wanted = {(each["name"], int(each["port"]), each["protocol"]) for each in policy["redirectBackend"]["toPorts"]}
    declared = {(each["name"], each["containerPort"], each["protocol"]) for each in container(options)["ports"]}
    assert wanted <= declared


def test_addresses_of_both_families_are_asked_for_where_there_are_two(options: Options) -> None:
    found = [each["spec"].get("ipFamilyPolicy") for each in objects(options) if each["kind"] == "Service"]
    assert found == ["PreferDualStack" if options.is_dual_stack else None] * 2
    versions = {ip_address(each).version for each in options.addresses}
    assert len(versions) == (2 if options.is_dual_stack else 1)


def test_a_late_bind_is_the_same_to_the_agent(
    options: Options, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Kustomize changes addresses in the arguments alone; the agent knows them all from there."""
    late = replace(options, is_late=True)
    assert corefile(late) != corefile(options)
    plans = [plan_of(each, tmp_path, capsys) for each in (late, options)]
    assert plans[0] == plans[1]


@pytest.mark.parametrize(("size", "expected"), [(256, (28, 64)), (9_984, (48, 128)), (50_000, (124, 608))])
def test_memory_is_by_the_published_formula(size: int, expected: tuple[int, int]) -> None:
    found = memory(Options(cache_size=size))
    assert (found.request_mib, found.limit_mib) == expected
    resources = container(Options(cache_size=size))["resources"]
    assert resources["requests"]["memory"] == f"{expected[0]}Mi"
    assert resources["limits"]["memory"] == f"{expected[1]}Mi"


def test_the_formula_is_true_of_the_programs_own_numbers(house: Path) -> None:
    """What is asked for holds what was measured; what may be taken holds full caches beside the idle process."""
    figures = json.loads(max((house / "benches" / "results").glob("*-memory.json")).read_text())["figures"]
    size = memory(DEFAULTS)
    assert figures["idle_mb"] < size.request_mib
    assert figures["four_zones_full_mb"] <= size.request_mib
    budget = size.limit_mib * MIB * 3 // 8
    kept = budget - budget // 8
    assert kept >= 8 * DEFAULTS.cache_size * 512, "full caches of large answers do not fit"
    assert figures["idle_mb"] * MIB + budget < size.limit_mib * MIB, "cache and process do not fit into the limit"
    assert "26 MiB (the idle process) + entries x 256 bytes" in FORMULA


def test_the_budget_that_the_formula_counts_on_is_the_programs_own() -> None:
    from nodens.plan.limits import MEMORY_SHARE  # noqa: PLC0415 - behind a door, for this one look

    assert MEMORY_SHARE == (3, 8)


def test_the_size_of_the_caches_stands_in_every_block() -> None:
    text = corefile(Options(cache_size=512))
    assert text.count("success 512 30\n") == text.count("denial 512 ") == 4
    assert text.count("denial 512 5\n") == 1


def test_the_official_blocks_are_all_there(house: Path) -> None:
    """Blocks, directives and their order are the original's, word for word; `ready` is ours."""
    official = (house / "tests" / "cli" / "Corefile.base").read_text().split()
    ours = re.sub(r"\n    ready .*", "", corefile(TEMPLATE)).split()
    assert ours == official


def test_logging_is_in_every_block_if_asked_for() -> None:
    assert corefile(Options(is_logging=True)).count("    errors\n    log\n") == 4
    assert "log" not in corefile(DEFAULTS)


def test_the_formula_stands_in_the_docs(house: Path) -> None:
    assert f"```text\n{FORMULA}```\n" in (house / "docs" / "operating.md").read_text()
