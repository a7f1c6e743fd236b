"""Steps 8 to 12: the cache is created, and the pod notices nothing."""

from __future__ import annotations

from nodens.lab.lesson.chapters.words import AGENT_LABEL, MANIFEST, RESOLV_CONF, in_pod, kubectl, on_node
from nodens.lab.lesson.looks import counts, has, is_text
from nodens.lab.lesson.model import State, Step


def steps() -> tuple[Step, ...]:
    """Give them."""
    return (
        Step(
            number=8,
            title="deploy",
            shows="Five objects are created. A pod of the DaemonSet starts on every node, on the node's own network.",
            needs=State.READY,
            commands=(kubectl(f"create -f {MANIFEST}"),),
            checks=(
                is_text(
                    "serviceaccount/node-local-dns created\nservice/kube-dns-upstream created\n"
                    "configmap/node-local-dns created\ndaemonset.apps/node-local-dns created\n"
                    "service/node-local-dns created\n",
                    "serviceaccount, service/kube-dns-upstream, configmap, daemonset.apps, service/node-local-dns: "
                    "created",
                ),
            ),
            note="Behind `nodens lab create` is no Kubernetes: it reads the manifest, puts the new Service into "
            "kube-proxy's "
            "rules, writes the ConfigMap, and starts our program with the arguments, mounts and capabilities that it "
            "names.",
        ),
        Step(
            number=9,
            title="wait",
            shows="A pod on each node, ready. Ready means more than started: it has answered itself, one upstream\n"
            "has answered it, and traffic is pointed at it.",
            needs=State.INSTALLED,
            commands=(
                kubectl("rollout status daemonset/node-local-dns -n kube-system"),
                kubectl(f"get pods -n kube-system -l {AGENT_LABEL} -o wide"),
            ),
            checks=(
                has('daemon set "node-local-dns" successfully rolled out', "rolled out"),
                counts(r"^node-local-dns-\w+ +1/1 +Running ", 3, "three pods, 1/1 Running", of=1),
                has(
                    r" k01-(control-plane|worker|worker2)$",
                    "one on each node, with the node's own address",
                    of=1,
                    times=3,
                ),
            ),
        ),
        Step(
            number=10,
            title="the upstream service",
            shows="A second Service for the same two pods of cluster DNS: the cache's own way to them.\n"
            "Each pod of the cache knows its address from its environment.",
            needs=State.INSTALLED,
            commands=(
                kubectl("get svc -n kube-system | grep dns"),
                kubectl(f"logs -n kube-system -l {AGENT_LABEL} --tail=-1 | grep -m1 -A16 'Using config file:'"),
            ),
            checks=(
                has(r"^kube-dns +ClusterIP +10\.96\.0\.10 ", "kube-dns, 10.96.0.10"),
                has(
                    r"^kube-dns-upstream +ClusterIP +10\.96\.\d+\.\d+ +<none> +53/UDP,53/TCP ",
                    "kube-dns-upstream, 53/UDP,53/TCP",
                ),
                has(
                    r"forward \. 10\.96\.\d+\.\d+ \{",
                    "the address stands in the log, in the place of __PILLAR__CLUSTER__DNS__",
                    of=1,
                ),
            ),
        ),
        Step(
            number=11,
            title="the interface",
            shows="A link on the node holds both addresses. It is down and carries no packet: an address on it is "
            "enough\n"
            "to make the node take packets for it as its own.",
            needs=State.INSTALLED,
            commands=(on_node("ip addr show nodelocaldns"),),
            checks=(
                has(
                    r"nodelocaldns: <(BROADCAST,NOARP|POINTOPOINT,MULTICAST,NOARP)> mtu 1500 qdisc noop state DOWN",
                    "mtu 1500 qdisc noop state DOWN; <BROADCAST,NOARP> (dummy) or <POINTOPOINT,MULTICAST,NOARP> (tun)",
                ),
                has(r"inet 169\.254\.20\.10/32 scope global nodelocaldns", "169.254.20.10/32, scope global"),
                has(r"inet 10\.96\.0\.10/32 scope global nodelocaldns", "10.96.0.10/32, scope global"),
            ),
            note="node-cache makes a link of kind `dummy`. nodens takes `tun` where its rules go by themselves: it "
            "vanishes with the "
            "process that holds it, a dummy stays. `-interfacekind=dummy` has it as the original, if the kernel has "
            "dummy links.",
        ),
        Step(
            number=12,
            title="DNS still works",
            shows="The pod's resolv.conf is the same, byte for byte, and names resolve by the same server address.",
            needs=State.INSTALLED,
            commands=(in_pod("cat /etc/resolv.conf"), in_pod("nslookup kubernetes.default")),
            checks=(
                is_text(RESOLV_CONF, "resolv.conf as in step 2, byte for byte"),
                has(
                    r"^Server:\s+10\.96\.0\.10\nAddress:\s+10\.96\.0\.10#53$",
                    "Server 10.96.0.10, Address 10.96.0.10#53",
                    of=1,
                ),
                has(
                    r"^Name:\s+kubernetes\.default\.svc\.cluster\.local\nAddress: 10\.96\.0\.1$",
                    "kubernetes.default.svc.cluster.local is 10.96.0.1",
                    of=1,
                ),
            ),
            note="`Got recursion not available` is nslookup's remark on answers of cluster DNS about its own zone: "
            "they are its own, "
            "not got from others. CoreDNS answers so, too.",
        ),
    )
