"""Names and lines that more than one chapter types."""

from __future__ import annotations

from typing import Final

from nodens.lab.lesson.model import Command

LOCAL: Final = "169.254.20.10"
SERVER: Final = "10.96.0.10"
NODE: Final = "k01-worker"  # where `dns-test` is
NAME: Final = "kubernetes.default.svc.cluster.local"
AGENT_LABEL: Final = "k8s-app=node-local-dns"
MANIFEST: Final = "nodelocaldns.yaml"
METRICS: Final = "http://localhost:9253/metrics"
NONE_YET: Final = " || echo none yet"  # a series appears with its first count, and grep minds
RESOLV_CONF: Final = (
    "search default.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n"
)
# What makes the lesson's rules visible in iptables; see step 5.
STEERING_SED: Final = r"""sed -i 's/^\( *\)- "-localip"$/\1- "-steering=iptables"\n&/' nodelocaldns.yaml"""
VARIABLES: Final = """\
kubedns=$(nodens lab get svc kube-dns -n kube-system -o jsonpath={.spec.clusterIP})
domain=cluster.local
localdns=169.254.20.10"""
KUBECTL_VARIABLES: Final = VARIABLES.replace("nodens lab", "kubectl")
_HERE_ON_NODE: Final = f"-l {AGENT_LABEL} --node {NODE}"
_KIND_ON_NODE: Final = (
    f"$(kubectl get pods -n kube-system -l {AGENT_LABEL} --field-selector spec.nodeName={NODE} -o name)"
)


def on_node(words: str) -> Command:
    """Type something on the pod's node; in the Kind lesson the node is a container."""
    return Command(here=f"nodens lab shell {NODE} -- {words}", kind=f"docker exec {NODE} {words}")


def in_agent(words: str) -> Command:
    """Type something beside the agent of the pod's node; in the Kind lesson that is its pod."""
    return Command(
        here=f"nodens lab shell {NODE} -- {words}", kind=f"kubectl exec -n kube-system {_KIND_ON_NODE} -- {words}"
    )


def in_pod(words: str) -> Command:
    """Type something in `dns-test`."""
    return Command(here=f"nodens lab shell dns-test -- {words}", kind=f"kubectl exec dns-test -- {words}")


def kubectl(words: str) -> Command:
    """Type what is kubectl's in the Kind lesson; it has no `--node`, and wants the pod by its name there."""
    return Command(here=f"nodens lab {words}", kind=f"kubectl {words.replace(_HERE_ON_NODE, _KIND_ON_NODE)}")
