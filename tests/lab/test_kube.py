"""What stands for the API server and the kubelet, without a world: objects, containers, volumes, tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from nodens.errors import LabError
from nodens.lab.kube import matches, read_manifest
from nodens.lab.kube.containers import RUNTIME_CAPABILITIES, read_container
from nodens.lab.kube.environment import container_variables, service_variables
from nodens.lab.kube.objects import Key, KubeObject, kind_of
from nodens.lab.kube.orders import Bind, Order, Program, read_order, read_status, write
from nodens.lab.kube.sandbox import CAPABILITIES
from nodens.lab.kube.store import Store
from nodens.lab.kube.tables import render_table, spell_age
from nodens.lab.kube.volumes import config_map_data, host_path, write_config_map

MANIFEST = Path(__file__).parents[2] / "deploy" / "nodelocaldns.yaml"


def test_the_manifest_is_five_objects_with_kubectls_names() -> None:
    found = read_manifest(MANIFEST.read_text(), "nodelocaldns.yaml")
    assert [str(each.key) for each in found] == [
        "serviceaccount/node-local-dns",
        "service/kube-dns-upstream",
        "configmap/node-local-dns",
        "daemonset.apps/node-local-dns",
        "service/node-local-dns",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("a: [", "f.yaml:1:5: no YAML: ", id="broken YAML"),
        pytest.param("", "f.yaml: no object in it; expected a manifest", id="nothing"),
        pytest.param("a: 1", "f.yaml: object 1: no Kubernetes object; ", id="something else"),
        pytest.param(
            "kind: Pony\nmetadata: {name: x}", "object 1: kind `Pony` is not known here; expected", id="a pony"
        ),
        pytest.param("kind: Service\nmetadata: {}", "object 1: a Service without a name", id="no name"),
    ],
)
def test_what_is_no_manifest_is_told_with_its_place(text: str, says: str) -> None:
    with pytest.raises(LabError) as caught:
        read_manifest(text, "f.yaml")
    assert says in str(caught.value)


@pytest.mark.parametrize("word", ["svc", "services", "service", "SVC"])
def test_kinds_are_known_by_kubectls_names(word: str) -> None:
    assert kind_of(word) == "Service"
    with pytest.raises(LabError, match="`horse` is not a kind that the lab knows"):
        kind_of("horse")


@pytest.mark.parametrize(
    ("selector", "is_match"),
    [("", True), ("a=1", True), ("a==1,b=2", True), ("a", True), ("a=2", False), ("c", False), ("a=1,c=3", False)],
)
def test_selectors(selector: str, *, is_match: bool) -> None:
    assert matches({"a": "1", "b": "2"}, selector) == is_match


def service(name: str, namespace: str, address: str) -> KubeObject:
    body = {
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "clusterIP": address,
            "ports": [{"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53}],
        },
    }
    return KubeObject(key=Key(kind="Service", namespace=namespace, name=name), body=body)


def test_a_container_learns_the_services_of_its_namespace_as_from_a_kubelet() -> None:
    services = [
        service("kube-dns-upstream", "kube-system", "10.96.73.18"),
        service("kubernetes", "default", "10.96.0.1"),
        service("web", "default", "10.96.1.1"),
        service("node-local-dns", "kube-system", "None"),
    ]
    told = service_variables(services, "kube-system")
    assert told["KUBE_DNS_UPSTREAM_SERVICE_HOST"] == "10.96.73.18"
    assert told["KUBE_DNS_UPSTREAM_SERVICE_PORT"] == "53"
    assert told["KUBE_DNS_UPSTREAM_SERVICE_PORT_DNS_TCP"] == "53"
    assert told["KUBE_DNS_UPSTREAM_PORT"] == "udp://10.96.73.18:53"
    assert told["KUBE_DNS_UPSTREAM_PORT_53_TCP_ADDR"] == "10.96.73.18"
    assert told["KUBERNETES_SERVICE_HOST"] == "10.96.0.1"
    assert not any(name.startswith(("WEB_", "NODE_LOCAL_DNS_")) for name in told)


def test_env_of_a_container_may_name_fields_that_the_lab_has() -> None:
    body = {
        "env": [{"name": "A", "value": "x"}, {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]
    }
    assert container_variables(body, {"spec.nodeName": "k01-worker"}) == {"A": "x", "N": "k01-worker"}
    secret = {"env": [{"name": "S", "valueFrom": {"secretKeyRef": {"name": "s"}}}]}
    with pytest.raises(LabError, match="env S: the lab cannot give"):
        container_variables(secret, {})


@pytest.mark.parametrize(
    ("security", "capabilities"),
    [
        pytest.param({}, sorted(RUNTIME_CAPABILITIES), id="what a runtime grants"),
        pytest.param(
            {"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}}, ["NET_ADMIN"], id="all but one dropped"
        ),
        pytest.param({"capabilities": {"drop": ["ALL"]}}, [], id="none"),
        pytest.param(
            {"capabilities": {"drop": ["CAP_NET_RAW"]}}, sorted(RUNTIME_CAPABILITIES - {"NET_RAW"}), id="one dropped"
        ),
    ],
)
def test_capabilities_are_what_the_manifest_leaves(security: dict[str, object], capabilities: list[str]) -> None:
    assert list(read_container({"name": "c", "securityContext": security}).capabilities) == capabilities
    assert set(capabilities) <= set(CAPABILITIES)


def test_capabilities_stand_at_the_kernels_numbers() -> None:
    assert (CAPABILITIES.index("NET_BIND_SERVICE"), CAPABILITIES.index("NET_ADMIN")) == (10, 12)
    assert (CAPABILITIES.index("NET_RAW"), CAPABILITIES.index("SYS_ADMIN"), CAPABILITIES.index("BPF")) == (13, 21, 39)


def test_a_user_without_an_image_is_refused_in_words() -> None:
    with pytest.raises(LabError, match="container c: runAsUser 65532; expected 0"):
        read_container({"name": "c", "securityContext": {"runAsUser": 65532}})
    with pytest.raises(LabError, match="a probe that is neither httpGet nor exec"):
        read_container({"name": "c", "readinessProbe": {"grpc": {"port": 1}}})


def test_probes_are_read() -> None:
    body = {
        "name": "c",
        "readinessProbe": {"httpGet": {"host": "fd00::1", "port": 8181, "path": "/ready"}, "timeoutSeconds": 2},
        "startupProbe": {"exec": {"command": ["nodens", "started", "/run/x"]}},
    }
    container = read_container(body)
    assert container.readiness
    assert container.startup
    assert (container.readiness.url, container.readiness.timeout_s) == ("http://[fd00::1]:8181/ready", 2.0)
    assert container.startup.words == ("nodens", "started", "/run/x")


def test_a_config_map_changes_by_one_swap_of_a_symlink(tmp_path: Path) -> None:
    write_config_map(tmp_path, {"Corefile.base": "one", "old": "x"}, "1")
    opened = (tmp_path / "Corefile.base").open()
    before = (tmp_path / "..data").readlink()
    write_config_map(tmp_path, {"Corefile.base": "two"}, "2")
    assert (tmp_path / "Corefile.base").read_text() == "two"
    assert (tmp_path / "Corefile.base").is_symlink()
    assert (tmp_path / "..data").readlink() != before
    assert not (tmp_path / "old").exists()
    assert opened.read() == "one"
    opened.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["..2", "..data", "Corefile.base"]


def test_a_config_map_volume_takes_keys_or_items() -> None:
    found = KubeObject(key=Key(kind="ConfigMap", namespace="n", name="m"), body={"data": {"a": "1", "b": "2"}})
    assert config_map_data({"configMap": {"name": "m"}}, found, "p") == {"a": "1", "b": "2"}
    items = {"configMap": {"name": "m", "items": [{"key": "a", "path": "x"}]}}
    assert config_map_data(items, found, "p") == {"x": "1"}
    assert config_map_data({"configMap": {"name": "m", "optional": True}}, None, "p") == {}
    with pytest.raises(LabError, match='p: configmap "m" not found'):
        config_map_data({"configMap": {"name": "m"}}, None, "p")
    with pytest.raises(LabError, match="non-existent config key: c"):
        config_map_data({"configMap": {"name": "m", "items": [{"key": "c", "path": "x"}]}}, found, "p")


def test_paths_of_the_node_lie_in_its_own_folder_but_devices(tmp_path: Path) -> None:
    lock = {"hostPath": {"path": "/run/xtables.lock", "type": "FileOrCreate"}}
    assert host_path(lock, tmp_path, "p") == tmp_path / "run/xtables.lock"
    assert (tmp_path / "run/xtables.lock").is_file()
    assert host_path({"hostPath": {"path": "/dev/null", "type": "CharDevice"}}, tmp_path, "p") == Path("/dev/null")
    with pytest.raises(LabError, match="/dev/no-such is not a character device"):
        host_path({"hostPath": {"path": "/dev/no-such", "type": "CharDevice"}}, tmp_path, "p")
    with pytest.raises(LabError, match="hostPath /var/x is not there on this node"):
        host_path({"hostPath": {"path": "/var/x"}}, tmp_path, "p")


def test_tables_are_kubectls() -> None:
    table = render_table(("NAME", "READY"), [("node-local-dns-x", "1/1"), ("y", "0/1")])
    assert table == "NAME               READY\nnode-local-dns-x   1/1\ny                  0/1\n"


@pytest.mark.parametrize(
    ("seconds", "age"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (192, "3m12s"),
        (660, "11m"),
        (11_000, "3h3m"),
        (40_000, "11h"),
        (300_000, "3d"),
    ],
)
def test_ages_are_kubectls(seconds: float, age: str) -> None:
    assert spell_age(seconds) == age


def test_objects_are_kept_in_order_and_found_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "kube")
    one, two = service("one", "n", "10.96.1.1"), service("two", "n", "10.96.1.2")
    with store.held():
        for found in (one, two):
            store.put(found, 5.0)
        store.put(service("one", "n", "10.96.1.9"), 9.0)
    assert [row.found.key.name for row in store.all("Service", "n")] == ["one", "two"]
    kept = store.find(one.key)
    assert kept
    assert kept.made_s == 5.0
    assert kept.found.spec["clusterIP"] == "10.96.1.9"
    store.remove(one.key)
    assert store.find(one.key) is None


def test_an_order_is_read_as_it_was_written(tmp_path: Path) -> None:
    program = Program(
        name="c",
        words=("a", "b"),
        binds=(Bind(source="/x", path="/y", is_read_only=True),),
        environment={"A": "1"},
        capabilities=("NET_ADMIN",),
        is_root_read_only=True,
        may_gain=False,
    )
    order = Order(pod="p", namespace="ns", first=(program,), program=program, grace_s=15.0)
    write(tmp_path / "order.json", order)
    assert read_order(tmp_path) == order
    assert read_status(tmp_path).phase == "Pending"
