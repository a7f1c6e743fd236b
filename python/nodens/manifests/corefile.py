"""The Corefile of the ConfigMap: the official blocks, and `ready`."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import TYPE_CHECKING, Final

from nodens.manifests.options import LOCAL_PILLAR

if TYPE_CHECKING:
    from nodens.manifests.options import Options

CLUSTER_PILLAR: Final = "__PILLAR__CLUSTER__DNS__"  # the address of kube-dns-upstream; the agent puts it in
UPSTREAM_PILLAR: Final = "__PILLAR__UPSTREAM__SERVERS__"  # /etc/resolv.conf, or what the kube-dns ConfigMap names
LAMEDUCK_S: Final = 5  # while Cilium learns that this pod is no longer ready

_TTL_S: Final = 30
_DENIAL_TTL_S: Final = 5  # a Service that is being made must soon be found
_USUAL_SIZE: Final = 9984  # what `cache 30` stands for
_PORT: Final = 53


def corefile(options: Options) -> str:
    """Write the four blocks."""
    cluster = [f"forward . {CLUSTER_PILLAR} {{", "    force_tcp", "}"]
    ends = [*_health(options), f"ready {at_local(options, options.ready_port)}"]
    names = (f"{options.domain}:{_PORT}", f"in-addr.arpa:{_PORT}", f"ip6.arpa:{_PORT}")
    blocks = [
        _block(names[0], options, _cache(options.cache_size, _DENIAL_TTL_S), cluster, ends),
        *(_block(name, options, _plain_cache(options.cache_size), cluster, []) for name in names[1:]),
        _block(f".:{_PORT}", options, _plain_cache(options.cache_size), [f"forward . {UPSTREAM_PILLAR}"], []),
    ]
    return "".join(blocks)


def at_local(options: Options, port: int) -> str:
    """Write where probes knock: on the node at our own address, in a pod at all of them."""
    if not options.is_on_host:
        return f":{port}"
    host = options.local_ips[0]
    return f"[{IPv6Address(host)}]:{port}" if ":" in host else f"{host}:{port}"


def _block(name: str, options: Options, cache: list[str], forward: list[str], ends: list[str]) -> str:
    """Write one block, its directives in the official order."""
    words = (LOCAL_PILLAR,) if options.is_late else options.addresses
    lines = [
        "errors",
        *(["log"] if options.is_logging else []),
        *cache,
        "reload",
        "loop",
        f"bind {' '.join(words)}",
        *forward,
        f"prometheus :{options.metrics_port}",
        *ends,
    ]
    return f"{name} {{\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


def _cache(size: int, denial_ttl_s: int) -> list[str]:
    """Write `cache` with its capacities."""
    return ["cache {", f"    success {size} {_TTL_S}", f"    denial {size} {denial_ttl_s}", "}"]


def _plain_cache(size: int) -> list[str]:
    """Write `cache` for the zones whose denials may live as long as their answers."""
    return [f"cache {_TTL_S}"] if size == _USUAL_SIZE else _cache(size, _TTL_S)


def _health(options: Options) -> list[str]:
    """Write `health`; in a pod it goes on serving until it is no longer asked."""
    where = f"health {at_local(options, options.health_port)}"
    return [where] if options.is_on_host else [f"{where} {{", f"    lameduck {LAMEDUCK_S}s", "}"]
