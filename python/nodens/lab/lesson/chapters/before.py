"""Steps 1 and 2: the cluster as it is, and how a pod resolves names in it."""

from __future__ import annotations

from nodens.lab.lesson.chapters.words import RESOLV_CONF, in_pod, kubectl
from nodens.lab.lesson.looks import counts, has, is_text
from nodens.lab.lesson.model import State, Step


def steps() -> tuple[Step, ...]:
    """Give them."""
    return (
        Step(
            number=1,
            title="verify the set-up",
            shows="Three nodes stand, and two pods of cluster DNS run on them.\n"
            "Every pod of the cluster shares these two, over the network.",
            needs=State.UP,
            commands=(kubectl("get nodes -o wide"), kubectl("get pods -n kube-system -l k8s-app=kube-dns -o wide")),
            checks=(
                counts(r"^k01-(control-plane|worker|worker2) +Ready ", 3, "three nodes, each Ready"),
                counts(r"^coredns-\S+ +1/1 +Running ", 2, "two pods of cluster DNS, 1/1 Running", of=1),
            ),
            note="In Kind VERSION says v1.32.2. Here no Kubernetes runs: nodes are network namespaces, and the "
            "version is the "
            "lab's own.",
        ),
        Step(
            number=2,
            title="DNS before",
            shows="The pod asks 10.96.0.10, the Service `kube-dns`: an address that no machine has.\n"
            "kube-proxy translates it, for each query, to one of the two pods (DNAT).",
            needs=State.UP,
            commands=(kubectl("get svc kube-dns -n kube-system"), in_pod("cat /etc/resolv.conf")),
            checks=(
                has(
                    r"^kube-dns +ClusterIP +10\.96\.0\.10 +<none> +53/UDP,53/TCP,9153/TCP ",
                    "Service kube-dns has 10.96.0.10 and 53/UDP,53/TCP,9153/TCP",
                ),
                is_text(RESOLV_CONF, "the pod's resolv.conf names 10.96.0.10, three search domains and ndots:5", of=1),
            ),
        ),
    )
