"""A values file of the deliveryhero chart is taken as it is; what asks for something that cannot be is said."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, ClassVar

import pytest
import yaml
from charts import CHART, by_name, chart, documents, need_charts, refusal, run
from deliveryhero import values
from modes import EVERY

from nodens.manifests import Options, objects

pytestmark = pytest.mark.charts
Object = dict[str, Any]
SURGE = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


@pytest.fixture(autouse=True)
def _needs() -> None:
    need_charts()


def daemon_set(given: Object) -> Object:
    """Give the DaemonSet's `spec`."""
    found: Object = by_name(chart(given))["DaemonSet", "node-local-dns"]["spec"]
    return found


def rights(given: Object) -> Object:
    """Give the container's rights."""
    found: Object = daemon_set(given)["template"]["spec"]["containers"][0]["securityContext"]
    return found


def notes(*sets: str) -> str:
    """Give what helm says after an installation."""
    said = run("helm", "install", "mine", CHART, "--dry-run=client", "--namespace", "kube-system", *sets)
    return said.partition("NOTES:")[2]


@pytest.mark.parametrize("mode", ["iptables", "nftables", "ipvs", "cilium"])
def test_their_defaults_make_what_the_command_makes(mode: str) -> None:
    """But for image and memory, which their file states."""
    base = EVERY[mode]
    image = "registry.k8s.io/dns/k8s-dns-node-cache:0.1.0"
    local, dns = ("169.254.20.25",), ("172.20.0.10",) if base.dns_ips else ()
    options: Options = replace(base, local_ips=local, dns_ips=dns, image=image)
    made = by_name(chart({"mode": mode, **values()}))
    wanted = by_name(objects(options))
    key = ("DaemonSet", "node-local-dns")
    container = wanted[key]["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"requests": {"cpu": "25m", "memory": "128Mi"}, "limits": {"memory": "128Mi"}}
    assert made[key]["spec"] == wanted[key]["spec"]
    config = ("ConfigMap", "node-local-dns")
    assert made[config]["data"] == wanted[config]["data"]
    assert ("ServiceAccount", "node-local-dns") in made


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param(
            {"config__noIPv6Lookups": True},
            "config.noIPv6Lookups: true; expected false: it needs `template`, which nodens does not serve",
            id="no IPv6 lookups",
        ),
        pytest.param(
            {"config__port__number": 5353}, "config.port.number: 5353; expected 53: pods ask port 53", id="a port"
        ),
        pytest.param(
            {"config__port__tcp": "tcp-dns"}, "config.port.tcp: tcp-dns; expected dns-tcp", id="a port's name"
        ),
        pytest.param({"fullnameOverride": "dns"}, "fullnameOverride: dns; expected none", id="another name"),
        pytest.param({"config__bindIp": "yes"}, "'/config/bindIp': got string, want boolean", id="another type"),
        pytest.param(
            {"config__upstreamForwardConfig": {"max_concurrent": 1000}},
            "'/config/upstreamForwardConfig/max_concurrent': got number, want string",
            id="a map of numbers, of which their chart writes the value alone",
        ),
    ],
)
def test_what_asks_for_something_that_cannot_be_is_said(changed: Object, expected: str) -> None:
    assert expected in refusal(values(**changed))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"config__upstreamServers": "1.1.1.1 9.9.9.9"}, "forward . 1.1.1.1 9.9.9.9\n", id="one string"),
        pytest.param({"config__upstreamServers": ["1.1.1.1", "9.9.9.9"]}, "forward . 1.1.1.1 9.9.9.9\n", id="a list"),
        pytest.param({"config__upstreamServers": ""}, "forward . __PILLAR__UPSTREAM__SERVERS__\n", id="none"),
        pytest.param(
            {"config__upstreamForwardConfig": ["policy sequential", "max_concurrent 9"]},
            "__SERVERS__ {\n        policy sequential\n        max_concurrent 9\n    }",
            id="a list of lines",
        ),
        pytest.param(
            {"config__upstreamForwardConfig": {"a": "policy sequential", "b": "max_concurrent 9"}},
            "__SERVERS__ {\n        policy sequential\n        max_concurrent 9\n    }",
            id="a map of lines, by key",
        ),
        pytest.param({"config__bindIp": True}, "bind 169.254.20.25 172.20.0.10\n", id="bound, as always"),
    ],
)
def test_both_spellings_of_a_value_are_read(changed: Object, expected: str) -> None:
    made = by_name(chart(values(**changed)))
    assert expected in made["ConfigMap", "node-local-dns"]["data"]["Corefile"]


@pytest.mark.parametrize(
    ("create", "expected"), [pytest.param(True, "node-local-dns", id="made"), pytest.param(False, "default", id="not")]
)
def test_an_empty_name_of_the_service_account_is_the_usual_one(create: bool, expected: str) -> None:  # noqa: FBT001 - a row
    found = daemon_set(values(serviceAccount__create=create))
    assert found["template"]["spec"]["serviceAccountName"] == expected


HARD = {
    "privileged": False,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN", "NET_BIND_SERVICE"]},
    "readOnlyRootFilesystem": True,
    "runAsUser": 0,
    "runAsGroup": 0,
    "seccompProfile": {"type": "RuntimeDefault"},
}


@pytest.mark.parametrize(
    ("given", "changed"),
    [
        pytest.param({"capabilities": {"add": ["NET_ADMIN"]}}, {}, id="their default"),
        pytest.param(
            {"capabilities": {"add": ["NET_ADMIN", "SYS_PTRACE"]}},
            {"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN", "NET_BIND_SERVICE", "SYS_PTRACE"]}},
            id="one capability more",
        ),
        pytest.param({"readOnlyRootFilesystem": False}, {"readOnlyRootFilesystem": False}, id="one key"),
        pytest.param(
            {"privileged": True},
            {"privileged": True, "allowPrivilegeEscalation": None},
            id="privileged, which the API server takes only without a ban on escalation",
        ),
        pytest.param(
            {"capabilities": {"add": ["SYS_ADMIN"]}},
            {
                "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN", "NET_BIND_SERVICE", "SYS_ADMIN"]},
                "allowPrivilegeEscalation": None,
            },
            id="a capability that is as good as privileged",
        ),
        pytest.param({"seccompProfile": None}, {"seccompProfile": None}, id="one key away"),
    ],
)
def test_rights_that_are_given_are_merged_into_those_of_the_mode(given: Object, changed: Object) -> None:
    wanted = {name: value for name, value in {**HARD, **changed}.items() if value is not None}
    assert rights({"securityContext": given}) == wanted


def test_on_the_pod_network_their_default_adds_no_capability() -> None:
    found = rights({"mode": "cilium", **values()})
    assert found["capabilities"] == {"drop": ["ALL"]}
    assert "runAsNonRoot" not in rights({"mode": "cilium", "securityContext": {"runAsUser": 0}})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}}, SURGE, id="their default"),
        pytest.param({"type": "OnDelete"}, {"type": "OnDelete"}, id="chosen"),
        pytest.param(
            {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "20%"}},
            {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "20%"}},
            id="chosen without surge",
        ),
    ],
)
def test_the_gapless_upgrade_is_lost_only_where_somebody_chose_so(given: Object, expected: Object) -> None:
    assert daemon_set({"updateStrategy": given})["updateStrategy"] == expected


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        pytest.param(
            ('updateStrategy={"rollingUpdate":{"maxUnavailable":"20%"}}',),
            "Warning: updateStrategy is given without maxSurge",
            id="no surge",
        ),
        pytest.param(('updateStrategy={"rollingUpdate":{"maxUnavailable":0,"maxSurge":2}}',), "", id="another surge"),
        pytest.param(
            ('updateStrategy={"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"10%"}}',),
            "",
            id="their default",
        ),
        pytest.param(
            ('securityContext={"readOnlyRootFilesystem":false}',),
            'what docs/security.md promises: {"readOnlyRootFilesystem":false}',
            id="a root that can be written to",
        ),
        pytest.param(('securityContext={"capabilities":{"add":["NET_ADMIN"]}}',), "", id="their default rights"),
    ],
)
def test_the_notes_warn_of_every_promise_that_is_lost(sets: tuple[str, ...], expected: str) -> None:
    said = notes(*(f"--set-json={each}" for each in sets))
    assert expected in said
    assert ("Warning:" in said) is bool(expected)


@pytest.mark.parametrize("name", ["podLabels", "daemonsetLabels"])
def test_the_label_by_which_pods_are_found_cannot_be_another(name: str) -> None:
    wanted = f"{name}: k8s-app: dns; expected none of your own: the DaemonSet finds its pods by it"
    assert wanted in refusal({name: {"k8s-app": "dns"}})


def test_a_key_that_is_ours_and_theirs_stands_there_once_and_theirs_wins() -> None:
    given = {
        "podLabels": {"k8s-app": "node-local-dns"},
        "podAnnotations": {"prometheus.io/scrape": "false"},
        "service": {"annotations": {"prometheus.io/port": "1"}},
        "daemonsetLabels": {"app.kubernetes.io/name": "mine"},
        "configMapLabels": {"app.kubernetes.io/name": "mine"},
    }
    words = [f"--set-json={name}={json.dumps(value)}" for name, value in given.items()]
    text = run("helm", "template", "nodens", CHART, "--namespace", "kube-system", *words)
    assert doubled(text) == []
    made = by_name(documents(text))["DaemonSet", "node-local-dns"]
    assert made["spec"]["template"]["metadata"]["annotations"]["prometheus.io/scrape"] == "false"
    assert made["metadata"]["labels"]["app.kubernetes.io/name"] == "mine"


class Counting(yaml.SafeLoader):
    """Reads YAML and notes keys that a map has twice; other readers take the last without a word."""

    doubled: ClassVar[list[str]] = []

    def noted(self, node: yaml.MappingNode) -> Object:
        """Read a map."""
        keys = [key.value for key, _ in node.value]
        self.doubled.extend(key for key in keys if keys.count(key) > 1)
        return dict(self.construct_pairs(node, deep=True))


Counting.add_constructor("tag:yaml.org,2002:map", Counting.noted)


def doubled(text: str) -> list[str]:
    """Give keys that a map has twice."""
    Counting.doubled.clear()
    list(yaml.load_all(text, Loader=Counting))
    return list(Counting.doubled)


def test_a_key_that_stands_twice_is_seen() -> None:
    assert doubled("a: 1\nb: {c: 1, c: 2}\n") == ["c", "c"]
