"""The kube-dns ConfigMap: stub domains and upstream nameservers, as kube-dns and node-cache read them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from nodens.config.placed_json import Array, Object, Other, read_json
from nodens.corefile import Lines, Word
from nodens.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nodens.config.placed_json import Value
    from nodens.problems import Place

UPSTREAMS_LIMIT = 3  # as kube-dns, and resolv.conf
LABEL_LIMIT = 63  # characters between dots (RFC 1035)
NAME_LIMIT = 253  # characters of a name (RFC 1123)
PORT_LIMIT = 65_535

_SUBDOMAIN = re.compile(r"(?!.*[^.]{64})[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_EXAMPLE = "an IP address, perhaps with a port, such as `10.0.0.10` or `10.0.0.10:5353`"


@dataclass(frozen=True, slots=True, kw_only=True)
class StubDomain:
    """A domain that servers of its own answer for; `servers` as written, `IP` or `IP:port`."""

    domain: str
    servers: tuple[str, ...]
    at: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeDns:
    """What the ConfigMap asks for. Stub domains are sorted by name, so that nothing depends on how it was written."""

    stub_domains: tuple[StubDomain, ...] = ()
    upstream_nameservers: tuple[str, ...] = ()
    federations: tuple[tuple[str, str], ...] = ()


def read_kube_dns(files: Mapping[str, str], problems: Problems, folder: str = "") -> KubeDns | None:
    """Read the keys of the ConfigMap, each a file of that name; other files are none of ours.

    `folder` is put before the names in messages. With any problem nothing is given back: kube-dns too keeps what
    it had before.
    """
    noted = Problems()
    texts = {name: (text, f"{folder.rstrip('/')}/{name}" if folder else name) for name, text in files.items()}
    stub_domains: tuple[StubDomain, ...] = ()
    upstream_nameservers: tuple[str, ...] = ()
    federations: tuple[tuple[str, str], ...] = ()
    if given := texts.get("stubDomains"):
        stub_domains = _read_stub_domains(*given, noted)
    if given := texts.get("upstreamNameservers"):
        upstream_nameservers = _read_upstream_nameservers(*given, noted)
    if given := texts.get("federations"):
        federations = tuple(_read_federations(*given, noted))
    problems.take(noted)
    if noted.are_fatal:
        return None
    return KubeDns(stub_domains=stub_domains, upstream_nameservers=upstream_nameservers, federations=federations)


def _read_stub_domains(text: str, file: str, problems: Problems) -> tuple[StubDomain, ...]:
    """Read a JSON object from domain to servers; the last of two equal names counts, as in Go."""
    value = read_json(text, file, problems)
    if value is None or _is_null(value):
        return ()
    if not isinstance(value, Object):
        what = 'the value is no JSON object; expected one such as `{"acme.local": ["10.0.0.10"]}`'
        problems.note(value.at, what)
        return ()
    found: dict[str, StubDomain] = {}
    for name, servers in value.members:
        if not _is_subdomain(name.text):
            what = f"{_show(name.text)} is no stub domain; expected a lower-case name without a final dot"
            problems.note(name.at, what, hint=_hint(name.text))
        if name.text in found:
            what = f"`{name.text}` stands twice; this one counts, not the one at {found[name.text].at}"
            problems.warn(name.at, what)
        addresses = tuple(_read_addresses(servers, problems))
        if _is_null(servers) or (isinstance(servers, Array) and not servers.values):
            problems.note(servers.at, f"`{name.text}` has no servers; expected at least one address")
        found[name.text] = StubDomain(domain=name.text, servers=addresses, at=name.at)
    return tuple(found[name] for name in sorted(found))


def _read_upstream_nameservers(text: str, file: str, problems: Problems) -> tuple[str, ...]:
    """Read a JSON array of addresses; an empty one is none at all, and resolv.conf stays."""
    value = read_json(text, file, problems)
    if value is None or _is_null(value):
        return ()
    if isinstance(value, Array) and len(value.values) > UPSTREAMS_LIMIT:
        what = f"upstream nameservers are over the limit of {UPSTREAMS_LIMIT}: {len(value.values)}"
        problems.note(value.values[UPSTREAMS_LIMIT].at, what)
    return tuple(_read_addresses(value, problems))


def _read_addresses(value: Value, problems: Problems) -> Iterator[str]:
    """Read an array of addresses, each as written."""
    if _is_null(value):
        return
    if not isinstance(value, Array):
        problems.note(value.at, 'the value is no JSON array; expected one such as `["10.0.0.10"]`')
        return
    for item in value.values:
        if not isinstance(item, Word):
            problems.note(item.at, f"the value is no string; expected {_EXAMPLE}")
        elif _is_address(item, problems):
            yield item.text


def _is_address(word: Word, problems: Problems) -> bool:
    """Tell whether a word is `IP`, `IP:port` or `[IPv6]:port`; note what it is not."""
    host, port = word.text, None
    if bracketed := re.fullmatch(r"\[([^]]*)\]:(.*)", host, re.DOTALL):
        host, port = bracketed[1], bracketed[2]
    elif host.count(":") == 1:
        host, port = host.split(":")
    if not _is_ip(host):
        hint = "TLS upstreams go into the Corefile, not here" if "://" in word.text else None
        problems.note(word.at, f"{_show(word.text)} is no upstream address; expected {_EXAMPLE}", hint=hint)
        return False
    if port is not None and not (port.isascii() and port.isdecimal() and 0 < int(port[:9]) <= PORT_LIMIT):
        problems.note(word.at, f"{_show(port)} is no port; expected 1 to {PORT_LIMIT}")
        return False
    return True


def _is_ip(text: str) -> bool:
    """Tell whether a text is an IP address, without a zone."""
    try:
        return "%" not in text and bool(ip_address(text))
    except ValueError:
        return False


def _read_federations(text: str, file: str, problems: Problems) -> Iterator[tuple[str, str]]:
    """Read `name=domain,name=domain`. Nothing uses them; they are checked since kube-dns checks them."""
    lines = Lines(text, file)
    offset = 0
    for pair in text.split(","):
        name, is_pair, domain = pair.strip().partition("=")
        at = lines.place(offset, offset + len(pair))
        offset += len(pair) + 1
        if not pair.strip() and not text.strip():
            return
        if is_pair and _is_subdomain(name) and "." not in name and _is_subdomain(domain):
            yield name, domain
        else:
            problems.note(at, f"`{pair.strip()}` is no federation; expected `name=domain`")


def _is_null(value: Value) -> bool:
    """Tell whether a value is JSON's null, which Go reads as nothing given."""
    return isinstance(value, Other) and value.text == "null"


def _is_subdomain(text: str) -> bool:
    """Tell whether a text is a name by RFC 1123, lower case, without a final dot."""
    return len(text) <= NAME_LIMIT and _SUBDOMAIN.fullmatch(text) is not None


def _show(text: str) -> str:
    """Write what was typed, in a message."""
    return f"`{text}`" if text else "an empty text"


def _hint(text: str) -> str | None:
    """Offer the name that was meant, if lower case or a dot less makes it one."""
    meant = text.lower().rstrip(".")
    if _is_subdomain(meant):
        return f"did you mean `{meant}`?"
    is_long = len(text) > NAME_LIMIT or any(len(label) > LABEL_LIMIT for label in text.split("."))
    return f"a name has at most {NAME_LIMIT} characters, and {LABEL_LIMIT} between dots" if is_long else None
