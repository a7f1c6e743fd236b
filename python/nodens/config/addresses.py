"""Addresses of a Corefile: where side services listen, and whom to ask."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from nodens.config.model import Endpoint, UpstreamWord
from nodens.config.values import PORT_LIMIT

if TYPE_CHECKING:
    from nodens.corefile import Word
    from nodens.problems import Problems

DNS_PORT = 53
HOST_LIMIT = 253  # letters of a host name, RFC 1123, 2.1
NOT_SERVED_TRANSPORTS = ("tls", "https", "grpc", "quic", "unix")

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.?")
_ZONE_ID = re.compile(r"[A-Za-z0-9_.@-]{1,15}")  # an interface name is at most 15 letters, or its number


def parse_ip(text: str) -> tuple[str, str] | None:
    """Split an IP into its canonical text and its zone id; an IPv4 address inside an IPv6 one is taken out."""
    address, percent, zone_id = text.partition("%")
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    if percent and (isinstance(ip, ipaddress.IPv4Address) or not _ZONE_ID.fullmatch(zone_id)):
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        return str(ip.ipv4_mapped), ""
    return str(ip), zone_id


def parse_port(text: str) -> int | None:
    """Give a port from 1 to 65535, or None."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(PORT_LIMIT))):
        return None
    port = int(text)
    return port if 1 <= port <= PORT_LIMIT else None


def split_host_port(text: str) -> tuple[str, int] | None:
    """Split `host:port`, `:port` or `[v6]:port`; None if it is none of them."""
    host, colon, port_text = text.rpartition(":")
    port = parse_port(port_text)
    if not colon or port is None:
        return None
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        return (host, port) if ":" in host else None
    if set(host) & set(":[]"):
        return None
    return host, port


def read_endpoint(word: Word, problems: Problems) -> Endpoint | None:
    """Read where a side service listens; the port must be there."""
    split = split_host_port(word.text)
    if split is None:
        problems.note(word.at, f"`{word.text}` is not an endpoint; expected `host:port` or `:port`")
        return None
    host, port = split
    if host and (ip := parse_ip(host)):
        address, zone_id = ip
        return Endpoint(host=f"{address}%{zone_id}" if zone_id else address, port=port)
    is_numeric = not set(host) - set("0123456789.")
    if host and (is_numeric or len(host) > HOST_LIMIT or not _HOST.fullmatch(host)):
        problems.note(word.at, f"`{host}` is neither an IP address nor a host name")
        return None
    return Endpoint(host=host, port=port)


def read_upstream(word: Word, problems: Problems) -> UpstreamWord | None:
    """Read a TO of `forward`: an IP with or without port and zone id, or the path of a resolv.conf."""
    scheme, separator, rest = word.text.partition("://")
    if separator and scheme in NOT_SERVED_TRANSPORTS:
        problems.note(word.at, f"`{scheme}://` is an upstream transport that nodens does not speak yet")
        return None
    if separator and scheme != "dns":
        problems.note(word.at, f"`{scheme}://` is not an upstream transport; expected `dns://` or none")
        return None
    text = rest if separator else word.text
    if not text:
        problems.note(word.at, f"`{word.text}` names no upstream; expected an IP address after it")
        return None
    if not separator and "/" in text and "\0" not in text:
        return UpstreamWord(address="", zone_id="", port=0, path=text, at=word.at)
    host, port = _host_and_port(text)
    ip = parse_ip(host)
    if ip is None or port is None:
        expected = "expected an IP address, with or without port, or the path of a resolv.conf"
        hint = "host names are not looked up yet; a file beside the Corefile is written as `./name`"
        problems.note(
            word.at, f"`{word.text}` is not an upstream; {expected}", hint=hint if _HOST.fullmatch(text) else None
        )
        return None
    return UpstreamWord(address=ip[0], zone_id=ip[1], port=port, path="", at=word.at)


def _host_and_port(text: str) -> tuple[str, int | None]:
    """Split an upstream; without a port it is 53, with one out of range None."""
    if parse_ip(text):
        return text, DNS_PORT
    if text.startswith("[") and text.endswith("]"):
        return text[1:-1], DNS_PORT
    split = split_host_port(text)
    return split or (text, None)


def read_source_address(word: Word, problems: Problems) -> str | None:
    """Read the IP that queries are sent from."""
    ip = parse_ip(word.text)
    if ip is None or ip[1]:
        problems.note(word.at, f"`{word.text}` is not a source address; expected an IP address")
        return None
    return ip[0]
