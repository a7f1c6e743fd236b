"""Finds out what the checks are about: our addresses, upstreams, cluster DNS."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nodens import config, lifecycle, network, plan
from nodens.doctor.answer_checks import is_within
from nodens.doctor.model import Line, Place, ResolvConf, Subject, Upstream, Verdict
from nodens.errors import NodensError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_COREFILES: Final = ("/etc/coredns/Corefile.base", "/etc/Corefile")  # where node-cache has them
_UPSTREAM_SERVICE: Final = "kube-dns-upstream"
_RESOLV_CONF: Final = "/etc/resolv.conf"
_STUB: Final = "127.0.0.53"
_BEHIND_STUB: Final = Path("/run/systemd/resolve/resolv.conf")
_STAND_IN: Final = ("169.254.20.10",)  # fills in a template on a node whose own address is not known; never asked
_UNKNOWN: Final = frozenset({"", "0.0.0.0", "::", *_STAND_IN})  # noqa: S104 - compared, not bound
_KUBE_DNS_FOLDER: Final = "/etc/kube-dns"  # where node-cache looks for the ConfigMap
_NAME_LIMIT: Final = 16
_UPSTREAM_LIMIT: Final = 16
_NEEDS: Final = {
    plan.Transport.TCP: ("tcp",),
    plan.Transport.UDP: ("udp", "tcp"),
    plan.Transport.CLIENT: ("udp", "tcp"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line says; empty or None: not given."""

    corefile: str = ""
    localip: tuple[str, ...] = ()
    cluster_dns: tuple[str, ...] = ()
    domain: str = "cluster.local"
    names: tuple[str, ...] = ()
    link_name: str = "nodelocaldns"
    port: int | None = None
    resolv_conf: str = _RESOLV_CONF
    wishes: network.Wishes = field(default_factory=network.Wishes)


def survey_subject(asked: Asked) -> tuple[Subject, tuple[ResolvConf, ...], Line]:
    """Find out what it is about, the resolv.conf files, and a line about the Corefile."""
    on_link = next((each.addresses for each in network.interfaces() if each.name == asked.link_name), ())
    on_link = tuple(address for address in on_link if not address.startswith("fe80:"))
    given = asked.localip or on_link
    cluster = asked.cluster_dns or tuple(filter(None, [lifecycle.service_address(_UPSTREAM_SERVICE, os.environ)]))
    decided, line = _read_corefile(asked, given, cluster)
    port = asked.port or 53
    if decided and not asked.localip:
        bound = [each for each in decided.plan.engine.listeners if each.address not in _UNKNOWN]
        given = tuple(dict.fromkeys((*given, *(each.address for each in bound))))
        port = asked.port or next((each.port for each in bound), port)
    own, borrowed = plan.split_addresses(given, ())
    paths = dict.fromkeys([asked.resolv_conf, *(decided.facts.resolv_conf if decided else ())])
    files = tuple(_read_resolv_conf(path) for path in paths)
    upstreams = tuple(_upstreams(decided, files, cluster, asked.domain))
    subject = Subject(
        own=own,
        borrowed=borrowed,
        port=port,
        link_name=asked.link_name,
        domain=asked.domain,
        names=(asked.names or _names(asked.domain))[:_NAME_LIMIT],
        cluster=tuple(Place(address=each) for each in cluster) or tuple(u.place for u in upstreams if u.is_cluster),
        upstreams=upstreams[:_UPSTREAM_LIMIT],
        is_steered=asked.wishes.sets_rules,
        is_in_pod="KUBERNETES_SERVICE_HOST" in os.environ,
    )
    return subject, files, line


def _names(domain: str) -> tuple[str, ...]:
    """A name that each cluster has, one that none has, one from outside."""
    return f"kubernetes.default.svc.{domain}", f"no-such-name.nodens-doctor.svc.{domain}", "example.com"


def _read_corefile(
    asked: Asked, local: tuple[str, ...], cluster: tuple[str, ...]
) -> tuple[lifecycle.Prepared | None, Line]:
    """Compile the Corefile, or the template with this node's values; what stands in the way is the line."""
    path = asked.corefile or next((each for each in _COREFILES if Path(each).exists()), "")
    if not path:
        hint = "name it: `--corefile`; without it only resolv.conf and `--cluster-dns` are asked"
        return None, Line(check="corefile", verdict=Verdict.SKIPPED, what="none found", hint=hint)
    filled = local or _STAND_IN
    try:
        content = lifecycle.read_file(path)
        for word in ("__PILLAR__UPSTREAM__SERVERS__", "/etc/resolv.conf") if asked.resolv_conf != _RESOLV_CONF else ():
            content = content.replace(word, asked.resolv_conf)
        source = lifecycle.FilledSource(
            file=path,
            content=content,
            pillars=config.Pillars(
                local_dns=filled,
                cluster_dns=cluster,
                dns_server=filled[1:] if "__PILLAR__DNS__SERVER__" in content else (),
                dns_domain=asked.domain,
            ),
            kube_dns=_KUBE_DNS_FOLDER if Path(_KUBE_DNS_FOLDER).is_dir() else "",
        )
        prepared = lifecycle.prepare(source, plan.Facts(default_port=asked.port or 53))
    except NodensError as error:
        first = str(error).partition("\n")[0]
        if "__PILLAR__CLUSTER__DNS__" in str(error) or "_SERVICE_HOST" in str(error):
            hint = "name the address of the Service `kube-dns-upstream`: `--cluster-dns`"
            return None, Line(check="corefile", verdict=Verdict.SKIPPED, what=first, hint=hint)
        hint = "`nodens check` tells all of it; an agent would not start with it"
        return None, Line(check="corefile", verdict=Verdict.BAD, what=first, hint=hint)
    return prepared, Line(check="corefile", verdict=Verdict.OK, what=f"{path}: can be served")


def _upstreams(
    decided: lifecycle.Prepared | None, files: Iterable[ResolvConf], cluster: Iterable[str], domain: str
) -> Iterator[Upstream]:
    """Everybody who is asked: by the Corefile, else by resolv.conf; and cluster DNS."""
    seen: set[Place] = set()
    found: list[Upstream] = []
    if decided:
        engine = decided.plan.engine
        inside = {
            zone.block for listener in engine.listeners for zone in listener.zones if is_within(zone.name, domain)
        }
        for number, block in enumerate(engine.blocks):
            for forward in block.forwards:
                for each in forward.upstreams:
                    place = Place(address=_scoped(each), port=each.port)
                    needs = _NEEDS[forward.transport]
                    found.append(Upstream(place=place, needs=needs, is_cluster=number in inside))
    else:
        servers = (address for file in files for address in file.nameservers or ())
        found += [Upstream(place=Place(address=address)) for address in servers]
    found += [Upstream(place=Place(address=each), needs=("tcp", "udp"), is_cluster=True) for each in cluster]
    for upstream in sorted(found, key=lambda each: not each.is_cluster):
        if upstream.place not in seen:
            seen.add(upstream.place)
            yield upstream


def _scoped(upstream: plan.UpstreamPlan) -> str:
    """Give an upstream's address, with its zone if it has one."""
    return f"{upstream.address}%{upstream.scope_id}" if upstream.scope_id else upstream.address


def _read_resolv_conf(path: str) -> ResolvConf:
    """Read a file; where it names systemd-resolved's stub, look behind it."""
    servers = network.read_resolv_conf(Path(path))
    if servers is None:
        return ResolvConf(path=path, nameservers=None)
    addresses = tuple(server.address for server in servers)
    behind = network.read_resolv_conf(_BEHIND_STUB) if _STUB in addresses else None
    return ResolvConf(path=path, nameservers=addresses, behind=tuple(server.address for server in behind or ()))
