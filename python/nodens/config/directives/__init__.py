"""The directive table: a row for every directive of CoreDNS, and who reads it.

A directive without reader is known, but not served yet; it is refused with a sentence of its own, so that nobody runs
without the plugin that they asked for.
"""

from nodens.config.directives import (
    bind,
    bufsize,
    cache,
    debug,
    errors,
    forward,
    health,
    log,
    loop,
    prometheus,
    ready,
    reload,
    timeouts,
)
from nodens.config.directives.grammar import Option, Repeat, Row, RunTime, Uses, check_use, did_you_mean

__all__ = [
    "DIRECTIVES",
    "Option",
    "Repeat",
    "Row",
    "RunTime",
    "Uses",
    "check_use",
    "did_you_mean",
    "served_directives",
]

_SERVED = (
    bind.ROW,
    bufsize.ROW,
    cache.ROW,
    debug.ROW,
    errors.ROW,
    forward.ROW,
    health.ROW,
    log.ROW,
    loop.ROW,
    prometheus.ROW,
    ready.ROW,
    reload.ROW,
    timeouts.ROW,
)

# CoreDNS 1.13.2 and 1.14.7, in the order of the alphabet; summaries are ours.
_LATER = {
    "acl": "Allows, blocks, filters or drops by client address and qtype.",
    "any": "Answers qtype ANY with a short HINFO (RFC 8482).",
    "auto": "Serves zone files of a directory.",
    "autopath": "Follows a pod's search path on the server side.",
    "azure": "Serves zones of Azure DNS.",
    "cancel": "Gives up a query after a time.",
    "chaos": "Answers `version.bind` and its kin in class CH.",
    "clouddns": "Serves zones of Google Cloud DNS.",
    "dns64": "Makes AAAA from A for networks that speak only IPv6.",
    "dnssec": "Signs answers while they pass.",
    "dnstap": "Sends a copy of each query and response to a dnstap socket.",
    "erratic": "Drops, delays and truncates on purpose.",
    "etcd": "Serves names kept in etcd.",
    "file": "Serves a zone file.",
    "geoip": "Looks up where a client is.",
    "grpc": "Asks upstreams over gRPC.",
    "grpc_server": "Sets limits of the gRPC listener.",
    "header": "Sets and clears flags of queries and responses.",
    "hosts": "Answers from a hosts file.",
    "https": "Sets limits of the DNS-over-HTTPS listener.",
    "https3": "Sets limits of the DNS-over-HTTP/3 listener.",
    "k8s_external": "Answers for the outside addresses of Services.",
    "kubernetes": "Serves the names of a cluster.",
    "loadbalance": "Shuffles addresses within an answer.",
    "local": "Answers `localhost` and loopback reverse names.",
    "metadata": "Collects values for logs and rewrites.",
    "minimal": "Leaves out authority and additional sections.",
    "multisocket": "Opens several sockets for each address.",
    "nomad": "Serves the names of a Nomad cluster.",
    "nsid": "Adds the server's identity (RFC 5001).",
    "on": "Runs a command at an event of the server.",
    "pprof": "Serves Go's profiles.",
    "proxyproto": "Takes clients' addresses from the PROXY protocol.",
    "quic": "Sets limits of the DNS-over-QUIC listener.",
    "rewrite": "Changes queries, and changes responses back.",
    "root": "Sets the directory of zone files.",
    "route53": "Serves zones of AWS Route 53.",
    "secondary": "Serves zones that it transfers from a primary.",
    "shed": "Drops queries under overload.",
    "sign": "Signs zone files.",
    "template": "Answers from templates.",
    "tls": "Sets certificates of the encrypted listeners.",
    "trace": "Traces queries through the plugins.",
    "transfer": "Allows zone transfers.",
    "tsig": "Checks and makes TSIG signatures.",
    "view": "Serves a block only to queries for which an expression is true.",
    "whoami": "Answers with the client's own address.",
}

DIRECTIVES: dict[str, Row] = {
    row.name: row
    for row in (*_SERVED, *(Row(name=name, summary=summary, most=None) for name, summary in _LATER.items()))
}


def served_directives() -> tuple[str, ...]:
    """Name the directives that have a reader, in the order of the alphabet."""
    return tuple(sorted(name for name, row in DIRECTIVES.items() if row.reader))
