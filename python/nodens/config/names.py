r"""Domain names and zone keys: presentation format in, lower case with the final dot out.

Names are kept in presentation format, escapes made canonical: `\.` and `\\` for a dot or backslash inside a label,
`\DDD` for what does not print. Letters outside ASCII are refused: on the wire they are written as `xn--...`.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from nodens.config.addresses import parse_port
from nodens.config.model import Scheme, ZoneKey
from nodens.config.values import PORT_LIMIT

if TYPE_CHECKING:
    from nodens.corefile import Word
    from nodens.problems import Problems

NAME_LIMIT = 255  # octets on the wire with the root's, RFC 1035, 3.1
LABEL_LIMIT = 63  # RFC 1035, 3.1
OCTET_LIMIT = 255
ESCAPE_DIGITS = 3  # `\DDD`
PRINTED = range(0x21, 0x7F)


def parse_name(text: str) -> str:
    """Give a name in its canonical form, or raise `ValueError` with what is wrong with it."""
    if text == ".":
        return "."
    if not text:
        raise ValueError("it is empty")
    labels = _labels(text)
    if labels[-1] == b"":
        labels.pop()
    if not labels or b"" in labels:
        raise ValueError("a label is empty")
    if any(len(label) > LABEL_LIMIT for label in labels):
        raise ValueError(f"a label is over {LABEL_LIMIT} octets")
    if sum(len(label) + 1 for label in labels) + 1 > NAME_LIMIT:
        raise ValueError(f"the name is over {NAME_LIMIT} octets")
    return "".join(_render_label(label) + "." for label in labels)


def _labels(text: str) -> list[bytes]:
    """Split at dots that are not escaped and undo the escapes."""
    labels, label, position = [], bytearray(), 0
    while position < len(text):
        letter = text[position]
        position += 1
        if letter == ".":
            labels.append(bytes(label))
            label.clear()
        elif letter == "\\":
            octet, position = _escaped(text, position)
            label.append(octet)
        elif ord(letter) in PRINTED:
            label.append(ord(letter.lower()))
        elif letter.isascii():
            raise ValueError("it holds white space or control letters")
        else:
            raise ValueError("it holds letters outside ASCII")
    return [*labels, bytes(label)]


def _escaped(text: str, position: int) -> tuple[int, int]:
    """Give the octet that the escape before `position` stands for, and where to go on."""
    digits = text[position : position + ESCAPE_DIGITS]
    if len(digits) == ESCAPE_DIGITS and digits.isascii() and digits.isdecimal():
        if (octet := int(digits)) > OCTET_LIMIT:
            raise ValueError(f"`\\{digits}` is not an octet")
        return ord(chr(octet).lower()) if octet < ord("\x80") else octet, position + ESCAPE_DIGITS
    letter = text[position : position + 1]
    if not letter or not letter.isascii() or letter.isdecimal():
        raise ValueError("an escape is cut short")
    return ord(letter.lower()), position + 1


def _render_label(label: bytes) -> str:
    """Write a label with canonical escapes."""
    special = {ord("."), ord("\\")}
    return "".join(
        f"\\{chr(octet)}" if octet in special else chr(octet) if octet in PRINTED else f"\\{octet:03d}"
        for octet in label
    )


def read_name(word: Word, problems: Problems) -> str | None:
    """Read a domain name."""
    try:
        return parse_name(word.text)
    except ValueError as error:
        hint = None if word.text.isascii() else "write the `xn--` form of each label"
        problems.note(word.at, f"`{word.text}` is not a domain name; {error}", hint=hint)
        return None


def read_zones(word: Word, problems: Problems) -> tuple[str, ...] | None:
    """Read a domain name or a CIDR, which stands for one or more reverse zones."""
    return _zones(word.text, word, problems)


def _zones(text: str, word: Word, problems: Problems) -> tuple[str, ...] | None:
    """Read the zone part of a word."""
    host, slash, mask = text.partition("/")
    if not (slash and _is_address(host)):
        try:
            return (parse_name(text),)
        except ValueError as error:
            hint = None if text.isascii() else "write the `xn--` form of each label"
            problems.note(word.at, f"`{text}` is not a zone; {error}", hint=hint)
            return None
    # CoreDNS cannot take these either; whoever writes them gets the same answer from both.
    is_ambiguous = ":" in host and host[0] in {":", "0"}
    if is_ambiguous or not mask.isascii() or not mask.isdecimal():
        problems.note(word.at, f"`{text}` is not a CIDR; expected one such as `10.0.0.0/24` or `fd00::/8`")
        return None
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        problems.note(word.at, f"`{text}` is not a CIDR; the mask is too long")
        return None
    return reverse_zones(network)


def _is_address(text: str) -> bool:
    """Whether a text is an IP without zone."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def reverse_zones(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> tuple[str, ...]:
    """Give the reverse zones that a network covers: one on an octet or nibble boundary, else all of the next longer."""
    is_ipv4 = isinstance(network, ipaddress.IPv4Network)
    step, suffix = (8, "in-addr.arpa.") if is_ipv4 else (4, "ip6.arpa.")
    length = -(-network.prefixlen // step) * step
    zones = []
    for part in network.subnets(new_prefix=length):
        address = part.network_address
        labels = str(address).split(".") if is_ipv4 else list(address.exploded.replace(":", ""))
        zones.append("".join(f"{label}." for label in reversed(labels[: length // step])) + suffix)
    return tuple(zones)


def read_zone_keys(word: Word, problems: Problems) -> tuple[ZoneKey, ...] | None:
    """Read a key of a server block, `[scheme://]zone[:port]`; a CIDR may give several."""
    scheme, separator, rest = word.text.rpartition("://")
    if separator and scheme != Scheme.DNS:
        known = f"`{scheme}://` is a scheme of CoreDNS that nodens does not serve yet"
        problems.note(word.at, known if scheme in set(Scheme) else f"`{scheme}://` is not a scheme; expected `dns://`")
        return None
    zone_text, colon, port_text = rest.rpartition(":")
    port = None
    if not colon or "/" in port_text:
        zone_text = rest
    elif fault := _port_fault(rest, port_text):
        problems.note(word.at, fault)
        return None
    else:
        port = parse_port(port_text)
    zones = _zones(zone_text, word, problems)
    if zones is None:
        return None
    return tuple(ZoneKey(scheme=Scheme.DNS, zone=zone, port=port, at=word.at) for zone in zones)


def _port_fault(key: str, port_text: str) -> str | None:
    """Say what is wrong with the part after a key's last colon, or None."""
    if not port_text:
        return f"`{key}` has nothing after its last colon; expected a port"
    if _is_address(key):
        return f"`{key}` is an address; expected a zone, or a CIDR such as `{key}/128`"
    if port_text == "0":
        return f"`{port_text}` is any free port, which nobody could find; expected a number from 1 to {PORT_LIMIT}"
    if parse_port(port_text) is None:
        return f"`{port_text}` is not a port; expected a number from 1 to {PORT_LIMIT}"
    return None
