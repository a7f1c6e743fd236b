"""The chart: real helm makes the objects that `nodens manifests` makes, and refuses what cannot be."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from charts import CHART, by_name, chart, need_charts, refusal, run
from modes import EVERY

from nodens.cli import main
from nodens.manifests import Mode, Options, memory, objects
from nodens.plan import LinkWish, SteeringWish

pytestmark = pytest.mark.charts
Object = dict[str, Any]

# The stated differences: the chart has helm's labels, and not those by which the addon manager knows what is its own.
HELM_LABELS = {
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/version",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
}
ADDON_LABELS = {"kubernetes.io/cluster-service", "addonmanager.kubernetes.io/mode"}


@pytest.fixture(autouse=True)
def _needs() -> None:
    need_charts()


def values_of(options: Options) -> Object:
    """Say in values what options say."""
    return {
        "mode": options.mode,
        "dualStack": options.is_dual_stack,
        "surge": options.has_surge,
        "config": {
            "dnsDomain": options.domain,
            "localDns": ",".join(options.local_ips),
            "dnsServer": ",".join(options.dns_ips) or "10.96.0.10",
            "upstreamServiceSelector": dict(options.dns_selector),
            "dnsService": options.dns_service,
            "cacheSize": options.cache_size,
            "enableLogging": options.is_logging,
            "healthPort": options.health_port,
            "readyPort": options.ready_port,
            "metricsPort": options.metrics_port,
            "setupMetricsPort": options.setup_metrics_port,
            "steering": options.steering,
            "link": options.link,
            "legacyIptables": options.has_legacy_iptables,
        },
    }


def without_stated_differences(made: Object, strangers: set[str]) -> Object:
    """Take away the labels that only one side has."""
    made = copy.deepcopy(made)
    labels = {name: value for name, value in made["metadata"].get("labels", {}).items() if name not in strangers}
    made["metadata"].pop("labels", None)
    if labels:
        made["metadata"]["labels"] = labels
    return made


CHOSEN = {
    **EVERY,
    "small": Options(cache_size=256),
    "large": Options(cache_size=200_000),
    "without surge": Options(has_surge=False),
    "iptables alone asked for": Options(steering=SteeringWish.IPTABLES),
    "iptables asked for": Options(steering=SteeringWish.IPTABLES, link=LinkWish.DUMMY, has_legacy_iptables=True),
    "other ports": Options(health_port=18080, ready_port=18181, metrics_port=19253, setup_metrics_port=19353),
    "logging": Options(is_logging=True, domain="my.cluster"),
    "another cluster DNS": Options(
        mode=Mode.CILIUM, dns_service="rke2-coredns", dns_selector=(("app", "coredns"), ("tier", "dns"))
    ),
}


@pytest.mark.parametrize("chosen", list(CHOSEN))
def test_the_chart_makes_the_objects_of_the_command(chosen: str) -> None:
    options = CHOSEN[chosen]
    made = {name: without_stated_differences(each, HELM_LABELS) for name, each in by_name(helm(options)).items()}
    wanted = {name: without_stated_differences(each, ADDON_LABELS) for name, each in by_name(objects(options)).items()}
    assert made == wanted


def helm(options: Options) -> list[Object]:
    """Give the chart's objects, the test's pod left out."""
    made = chart(values_of(options), namespace=options.namespace)
    return [each for each in made if "helm.sh/hook" not in each["metadata"].get("annotations", {})]


def test_every_object_of_the_chart_bears_helms_labels() -> None:
    for each in chart({"serviceMonitor": {"enabled": True}, "dashboard": {"enabled": True}}):
        assert set(each["metadata"]["labels"]) >= HELM_LABELS, each["metadata"]["name"]


@pytest.mark.parametrize("mode", list(Mode))
def test_helm_lint_finds_nothing(mode: str) -> None:
    said = run("helm", "lint", "--strict", CHART, "--set", f"mode={mode}")
    assert "[WARNING]" not in said
    assert "[ERROR]" not in said


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param({"mode": "ipv"}, "'iptables', 'nftables', 'ipvs', 'cilium'", id="a mode that is none"),
        pytest.param({"confg": {}}, "additional properties 'confg' not allowed", id="a slip of the keyboard"),
        pytest.param(
            {"prometheusRule": {"enabled": True}},
            "prometheusRule.selector: none, and serviceMonitor is not enabled; expected what your Prometheus knows",
            id="alerts that ask for a job that nobody makes",
        ),
        pytest.param({"config": {"dnsServer": "kube-dns"}}, "does not match pattern", id="a name for an address"),
        pytest.param({"config": {"cacheSize": 10}}, "minimum: got 10, want 256", id="a cache of nothing"),
        pytest.param({"config": {"healthPort": 70000}}, "maximum: got 70,000, want 65,535", id="no port"),
        pytest.param(
            {"mode": "nftables", "config": {"steering": "iptables"}},
            "'/config/steering': value must be one of 'auto', 'nft'",
            id="iptables rules where there are none",
        ),
        pytest.param(
            {"dualStack": True},
            "config.dnsServer: 10.96.0.10; expected one address of each family",
            id="two families and one address",
        ),
        pytest.param(
            {"config": {"localDns": "169.254.20.10,fd00:20::10"}},
            "config.localDns: 169.254.20.10,fd00:20::10; expected one address, or dualStack: true",
            id="two addresses and one family",
        ),
        pytest.param(
            {"config": {"localDns": "fd00:20::10"}},
            "config.localDns: fd00:20::10 and config.dnsServer 10.96.0.10 are of two families",
            id="an address of each family",
        ),
        pytest.param(
            {"config": {"localDns": "127.0.0.1"}},
            "config.localDns: 127.0.0.1 is loopback, everything or a group; expected an address that pods send to",
            id="an address that pods cannot reach",
        ),
        pytest.param(
            {"config": {"readyPort": 8080}},
            "config.readyPort: 8080 is taken by healthPort already; expected another port",
            id="one port for two",
        ),
    ],
)
def test_values_that_cannot_be_are_refused(values: Object, expected: str) -> None:
    assert expected in refusal(values)


def container(values: Object) -> Object:
    """Give the agent's container."""
    found: Object = by_name(chart(values))["DaemonSet", "node-local-dns"]["spec"]["template"]["spec"]["containers"][0]
    return found


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param({"cacheTTL": 60}, "success 9984 60\n        denial 9984 5", id="TTL"),
        pytest.param(
            {"prefetch": {"enabled": True, "amount": 5}},
            "cache {\n        success 9984 30\n        denial 9984 30\n        prefetch 5 30s 20%\n    }",
            id="prefetch, in every zone",
        ),
        pytest.param({"serveStale": {"enabled": True}}, "serve_stale 1h verify", id="stale answers"),
        pytest.param({"commProtocol": "prefer_udp"}, "{\n        prefer_udp\n    }", id="the upstream's protocol"),
        pytest.param(
            {"upstreamServers": ["1.1.1.1", "tls://9.9.9.9"]}, "forward . 1.1.1.1 tls://9.9.9.9\n", id="upstreams"
        ),
        pytest.param(
            {"upstreamForwardConfig": "max_concurrent 1000\npolicy sequential"},
            "forward . __PILLAR__UPSTREAM__SERVERS__ {\n        max_concurrent 1000\n        policy sequential\n    }",
            id="more lines for the forward",
        ),
        pytest.param({"enableLogging": True}, "errors\n    log\n", id="logging"),
        pytest.param(
            {"extraServerBlocks": "corp.example:53 {\n    forward . 192.0.2.1\n}"},
            "}\ncorp.example:53 {\n    forward . 192.0.2.1\n}\n",
            id="more blocks",
        ),
        pytest.param(
            {"customConfig": "{{ .Values.config.dnsDomain }}:53 {\n    forward . 192.0.2.1\n}"},
            "cluster.local:53 {\n    forward . 192.0.2.1\n}\n",
            id="a Corefile of one's own, as a template",
        ),
    ],
)
def test_a_value_is_found_in_the_corefile(config: Object, expected: str) -> None:
    assert expected in by_name(chart({"config": config}))["ConfigMap", "node-local-dns"]["data"]["Corefile"]


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        pytest.param({"config": {"setupInterface": False}}, "-setupinterface=false", id="no link"),
        pytest.param({"config": {"setupIptables": False}}, "-setupiptables=false", id="no rules"),
        pytest.param({"config": {"skipTeardown": True}}, "-skipteardown", id="left behind"),
        pytest.param({"config": {"customUpstreamsvc": "my-dns"}}, "my-dns", id="another Service"),
    ],
)
def test_a_value_becomes_a_flag(values: Object, flag: str) -> None:
    assert flag in container(values)["args"]
    assert flag not in container({})["args"]


def test_another_upstream_service_is_used_and_ours_is_not_made() -> None:
    made = by_name(chart({"config": {"customUpstreamsvc": "my-dns"}}))
    assert ("Service", "kube-dns-upstream") not in made


def test_what_a_person_writes_takes_the_place_of_what_is_usual() -> None:
    own = {"resources": {"limits": {"memory": "1Gi"}}, "lifecycle": {"x": {}}}
    found = container(own)
    assert {name: found[name] for name in own} == own


def test_a_service_monitor_and_scrape_annotations_do_not_count_twice() -> None:
    without, with_monitor = (by_name(chart({"serviceMonitor": {"enabled": on}})) for on in (False, True))
    assert "prometheus.io/scrape" in without["Service", "node-local-dns"]["metadata"]["annotations"]
    assert ("ServiceMonitor", "node-local-dns") not in without
    monitor = with_monitor["ServiceMonitor", "node-local-dns"]["spec"]
    service = with_monitor["Service", "node-local-dns"]
    assert "annotations" not in service["metadata"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert [each["port"] for each in monitor["endpoints"]] == [port["name"] for port in service["spec"]["ports"]]
    template = with_monitor["DaemonSet", "node-local-dns"]["spec"]["template"]
    assert "annotations" not in template["metadata"]


# As a values file of the deliveryhero chart may look: other values than its own, under its names.
DELIVERYHERO: Object = {
    "image": {"repository": "registry.example/nodens", "tag": "0.1.0"},
    "config": {
        "dnsDomain": "cluster.example",
        "dnsServer": "172.20.0.10",
        "localDns": "169.254.20.25",
        "customUpstreamsvc": "my-upstream",
        "upstreamServiceSelector": {"k8s-app": "coredns"},
        "commProtocol": "prefer_udp",
        "enableLogging": True,
        "cacheTTL": 60,
        "prefetch": {"enabled": True, "amount": 3, "duration": "30s", "percentage": "20%"},
        "serveStale": {"enabled": True, "duration": "1h", "mode": "immediate"},
        "healthPort": 8081,
        "setupInterface": True,
        "setupIptables": True,
        "skipTeardown": False,
        "extraServerBlocks": "corp.example:53 {\n    bind 169.254.20.25 172.20.0.10\n    forward . 192.0.2.53\n}\n",
        "upstreamServers": ["192.0.2.1"],
        "upstreamForwardConfig": "max_concurrent 1000",
    },
    "serviceAccount": {"create": True, "name": "dns", "annotations": {"a": "1"}},
    "service": {"annotations": {"b": "2"}},
    "podAnnotations": {"c": "3"},
    "podLabels": {"d": "4"},
    "daemonsetAnnotations": {"e": "5"},
    "daemonsetLabels": {"f": "6"},
    "configMapAnnotations": {"g": "7"},
    "configMapLabels": {"h": "8"},
    "updateStrategy": {"type": "OnDelete"},
    "initContainers": [{"name": "first", "image": "other"}],
    "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}},
    "serviceMonitor": {
        "enabled": True,
        "labels": {"release": "prometheus"},
        "path": "/metrics",
        "honorLabels": True,
        "interval": "30s",
        "scrapeTimeout": "10s",
        "metricRelabelings": [{"action": "labeldrop", "regex": "x"}],
        "relabelings": [{"targetLabel": "cluster", "replacement": "c1"}],
        "namePrefix": "team-",
        "prometheusNamespace": "monitoring",
    },
    "dashboard": {"enabled": True, "namespace": "monitoring", "label": "grafana_dashboard", "annotations": {"i": "9"}},
    "resources": {"requests": {"cpu": "25m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}},
    "lifecycle": {"preStop": {"exec": {"command": ["nodens", "doctor"]}}},
    "resizePolicy": [{"resourceName": "memory", "restartPolicy": "RestartContainer"}],
    "affinity": {"nodeAffinity": {}},
    "tolerations": [{"operator": "Exists"}],
    "imagePullSecrets": [{"name": "secret"}],
    "prometheusScraping": {"enabled": False},
}


def test_values_of_the_deliveryhero_chart_mean_the_same_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = by_name(chart(DELIVERYHERO))
    told = json.dumps(list(made.values()))
    words = {each for each in leaves(DELIVERYHERO) if isinstance(each, str)} - {"8081"}
    assert [word for word in words if json.dumps(word)[1:-1].strip("\\n") not in told and "\n" not in word] == []
    assert made["DaemonSet", "node-local-dns"]["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert made["ServiceMonitor", "team-node-local-dns"]["metadata"]["namespace"] == "monitoring"
    (tmp_path / "Corefile").write_text(made["ConfigMap", "node-local-dns"]["data"]["Corefile"])
    assert main(["check", str(tmp_path / "Corefile"), "--localip", "169.254.20.25,172.20.0.10"]) == 0
    assert "10 zones" in capsys.readouterr().out


def leaves(value: object) -> Iterator[object]:
    """Give every leaf of plain data."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    else:
        yield value


def test_the_release_stands_where_it_was_put() -> None:
    made = chart({"mode": "cilium", "serviceMonitor": {"enabled": True}}, namespace="dns")
    assert {each["metadata"]["namespace"] for each in made} == {"dns"}
    policy = by_name(made)["CiliumLocalRedirectPolicy", "nodelocaldns"]
    assert policy["spec"]["redirectFrontend"]["serviceMatcher"]["namespace"] == "dns"


@pytest.fixture
def stocked(tmp_path: Path) -> Path:
    """Give a copy of the chart with a dashboard, rules and their tests of our own making."""
    copied = tmp_path / "nodens"
    shutil.copytree(CHART, copied, ignore=shutil.ignore_patterns("grafana", "prometheus"))
    for folder in ("grafana", "prometheus"):
        (copied / "files" / folder).mkdir()
    (copied / "files" / "grafana" / "one.json").write_text(json.dumps({"title": "{{ $x }}", "panels": ["a\nb"]}))
    (copied / "files" / "prometheus" / "alerts.rules.yaml").write_text(yaml.safe_dump(RULES))
    (copied / "files" / "prometheus" / "alerts_test.yaml").write_text("rule_files: [alerts.rules.yaml]\ntests: []\n")
    return copied


RULES: Object = {"groups": [{"name": "a", "rules": [{"alert": "Down", "annotations": {"text": "{{ $labels.node }}"}}]}]}
BOTH = {
    "dashboard": {"enabled": True, "label": "mine"},
    "prometheusRule": {"enabled": True, "labels": {"a": "b"}},
    "serviceMonitor": {"enabled": True},
}


def test_dashboard_and_alerts_come_along_as_they_are(stocked: Path) -> None:
    made = by_name(chart(BOTH, folder=stocked))
    dashboard = made["ConfigMap", "node-local-dns-dashboard"]
    assert dashboard["metadata"]["labels"]["mine"] == "1"
    assert {name: json.loads(text) for name, text in dashboard["data"].items()} == {
        "one.json": {"title": "{{ $x }}", "panels": ["a\nb"]}
    }
    (name,) = [each for each in made if each[0] == "PrometheusRule"]
    assert name[1] == "node-local-dns-alerts"
    assert made[name]["spec"] == RULES
    assert made[name]["metadata"]["labels"]["a"] == "b"
    assert not {"PrometheusRule", "node-local-dns-dashboard"} & {word for each in by_name(chart()) for word in each}


def test_alerts_ask_for_the_selector_that_was_given() -> None:
    """Every one of them: with the default words left anywhere, an alert would be silent, or fire for ever."""
    selector = 'job="kubernetes-pods",k8s_app="node-local-dns"'
    made = by_name(chart({"prometheusRule": {"enabled": True, "selector": selector}}))
    (spec,) = [json.dumps(each["spec"]) for name, each in made.items() if name[0] == "PrometheusRule"]
    assert json.dumps(selector)[1:-1] in spec
    assert json.dumps('job="node-local-dns"')[1:-1] not in spec


def test_a_packed_chart_makes_the_same_objects(tmp_path: Path) -> None:
    run("helm", "package", CHART, "-d", tmp_path)
    (packed,) = tmp_path.glob("nodens-*.tgz")
    assert chart(BOTH, folder=packed) == chart(BOTH)


@pytest.mark.parametrize("size", [256, 9_984, 50_000, 2**24])
def test_the_charts_memory_is_by_the_published_formula(size: int) -> None:
    wanted = memory(replace(EVERY["iptables"], cache_size=size))
    resources = container({"config": {"cacheSize": size}})["resources"]
    assert resources["requests"]["memory"] == f"{wanted.request_mib}Mi"
    assert resources["limits"] == {"memory": f"{wanted.limit_mib}Mi"}


@pytest.mark.parametrize("mode", list(Mode))
def test_the_notes_tell_what_the_mode_needs(mode: str) -> None:
    said = run(
        "helm", "install", "mine", CHART, "--dry-run=client", "--namespace", "dns", "--set", f"mode={mode}"
    ).partition("NOTES:")[2]
    wanted = {"ipvs": "clusterDNS: [169.254.20.10]", "cilium": "localRedirectPolicies.enabled=true"}
    assert wanted.get(mode, "Is that your cluster DNS?") in said
    assert "helm -n dns test mine" in said
    assert "Usual is kube-system." in said
