"""What stands between the lines: how to move in, how to go back, and why a field is as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nodens import __version__
from nodens.manifests.objects import objects
from nodens.manifests.options import LOCAL_PILLAR, Mode
from nodens.manifests.render import render
from nodens.manifests.workload import CONTAINER

if TYPE_CHECKING:
    from nodens.manifests.objects import Object
    from nodens.manifests.options import Options
    from nodens.manifests.render import Remarks

_WHAT: Final = """\
nodens {version}: a DNS cache for every node, in place of NodeLocal DNSCache (node-cache). Mode: {mode}.
Written by `{command}`; change the options, not this file.
"""
_FILL_IN: Final = """
First put your cluster's values in for three words; __PILLAR__... CLUSTER__DNS__ and UPSTREAM__SERVERS__ stay, for the
agent knows what they stand for.
  kubedns=$(kubectl get svc kube-dns -n kube-system -o jsonpath={.spec.clusterIP}); domain=cluster.local
  for each in LOCAL__DNS=169.254.20.10 DNS__SERVER=$kubedns DNS__DOMAIN=$domain; do
    sed -i "s/__PILLAR__${each%=*}__/${each#*=}/g" nodelocaldns.yaml
  done
"""
_INSTALL: Final = """
Install:   kubectl apply -f FILE && kubectl -n {namespace} rollout status daemonset/node-local-dns
Remove:    kubectl delete -f FILE       nothing is left on the nodes
"""
_MOVE_IN: Final = """
Move in from node-cache: names, labels and selectors are its own, so that each object takes the place of the original.
  1. keep    kubectl -n {namespace} get configmap/node-local-dns daemonset/node-local-dns -o yaml > before.yaml
  2. check   your own Corefile, if it is not the official one: `--corefile FILE` checks it, puts it in, adds `ready`
  3. change  a node at a time and without surge, since node-cache hands nothing over (`--no-surge` writes it so):
             maxSurge: 0, maxUnavailable: 1, then kubectl replace -f FILE. Not apply: the `ports` that the original
             declares must go. While a node has neither of the two, its pods ask cluster DNS itself.
  4. after   that maxSurge: 1, maxUnavailable: 0, and kubectl apply -f FILE: upgrades have no gap from here on.
Go back:     kubectl replace -f the file that node-cache was installed from, or before.yaml without its
             resourceVersion, uid and status. A nodens that is stopped leaves nothing behind.
"""
_OF_MODE: Final = {
    Mode.IPTABLES: "",
    Mode.NFTABLES: "",
    Mode.IPVS: """
IPVS: pods find nodens by its own address alone. Set the kubelet's `clusterDNS: [{local}]` on every node *after* the
pods are Ready, and back *before* they are removed: nobody takes over for this address.
""",
    Mode.CILIUM: """
Cilium: needs `localRedirectPolicies.enabled=true` (earlier `localRedirectPolicy=true`) in Cilium's own chart.
A policy cannot be changed in place: delete it and make it anew. Without a Ready pod on a node, cluster DNS answers.
""",
}
_SPEC: Final = ("spec", "template", "spec")


def spell(options: Options, command: str) -> str:
    """Write all objects as one file, with its story at the top."""
    documents = [render(each, _remarks(each, options)) for each in objects(options)]
    return _header(options, command) + "---\n" + "---\n".join(documents)


def spell_each(options: Options) -> dict[str, str]:
    """Write each object as a file of its own, by the file's name."""
    return {
        f"{each['kind'].lower()}-{each['metadata']['name']}.yaml": render(each, _remarks(each, options))
        for each in objects(options)
    }


def _header(options: Options, command: str) -> str:
    """Tell what this is and how to use it."""
    parts = [_WHAT.format(version=__version__, mode=options.mode, command=command)]
    if LOCAL_PILLAR in options.local_ips:
        parts.append(_FILL_IN)
    parts += [_INSTALL, _MOVE_IN if options.is_on_host else "", _OF_MODE[options.mode]]
    local = ", ".join(options.local_ips)
    text = "".join(part if part is _FILL_IN else part.replace("{namespace}", options.namespace) for part in parts)
    return "".join(f"# {line}".rstrip() + "\n" for line in text.replace("{local}", local).splitlines())


def _remarks(made: Object, options: Options) -> Remarks:
    """Say why, where it is not plain."""
    match made["kind"]:
        case "DaemonSet":
            return _of_daemon_set(options)
        case "Service" if made["metadata"]["name"] == "kube-dns-upstream":
            return {("spec",): "Must be there before the pods: they have its address from their environment."}
        case "ConfigMap":
            return {("data",): "A change is taken up by running pods within a minute or so, without a restart."}
        case "ServiceAccount":
            return {("automountServiceAccountToken",): "nodens never speaks to the API server."}
        case _:
            return {}


def _of_daemon_set(options: Options) -> Remarks:
    """Say why the pods are run as they are."""
    container = (*_SPEC, "containers", CONTAINER)
    said = {
        ("spec", "updateStrategy"): "A new pod takes over sockets, rules and cache from the old one, which then goes."
        if options.has_surge and options.is_on_host
        else "",
        (*_SPEC, "enableServiceLinks"): "The address of kube-dns-upstream comes by the environment.",
        (*_SPEC, "terminationGracePeriodSeconds"): "Longer than what a calm end takes.",
        (*container, "resources"): "`nodens manifests --help` has the formula.",
        (*container, "startupProbe"): "Asks for this very pod.",
    }
    if options.is_on_host:
        said |= {
            (
                *container,
                "startupProbe",
            ): "Asks for this very pod; old and new share the ports of the other two probes.",
            (*container, "securityContext"): "No `ports` here: declared ones would keep the next pod off the node.",
            (
                *_SPEC,
                "volumes",
                "xtables-lock",
            ): "For every iptables: where INPUT or OUTPUT drops, DNS is let through by it, whatever steers.",
            (
                *_SPEC,
                "volumes",
                "dev-net",
            ): "For a link that goes with its process. A node without /dev/net/tun gets an empty folder, and rung 2.",
        }
    return {path: text for path, text in said.items() if text}
