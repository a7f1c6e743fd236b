"""What an upstream says in these tests."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rrset


def answer(query: bytes) -> bytes:
    """Answer any question for an address with 192.0.2.1, any other with nothing."""
    message = dns.message.from_wire(query)
    response = dns.message.make_response(message)
    response.flags |= dns.flags.AA | dns.flags.RA
    if message.question[0].rdtype == 1:
        response.answer.append(dns.rrset.from_text(message.question[0].name, 300, "IN", "A", "192.0.2.1"))
    return response.to_wire()
