"""A small authoritative zone: records in, responses out; NXDOMAIN and NODATA told apart, both with the SOA."""

from __future__ import annotations

from dataclasses import replace

from nodens.errors import LabError
from nodens.lab.message import Edns, Message, Question, Record, compose, parse, read_record
from nodens.lab.rdata import qualified

CHAIN_LIMIT = 8  # CNAMEs followed in one answer


class Zone:
    """Names and their records. Reads text, a record a line: `name ttl [class] type data`; `#` opens a comment."""

    def __init__(self, apex: str, text: str) -> None:
        """Read the records; the apex must have its SOA."""
        self.apex = qualified(apex).lower()
        self._records: dict[str, list[Record]] = {}
        for line in text.splitlines():
            words = line.partition("#")[0].strip()
            if words:
                self.add(read_record(words))
        if not self._of(self.apex, "SOA"):
            raise LabError(f"{self.apex}: zone without SOA")

    def add(self, record: Record) -> None:
        """Put a record in; the names above it exist from then on, without records."""
        name = record.name.lower()
        self._records.setdefault(name, []).append(record)
        while name != self.apex and "." in name[:-1]:
            name = name.partition(".")[2]
            self._records.setdefault(name, [])

    def remove(self, name: str) -> None:
        """Take all records of a name out, and the name with them."""
        self._records.pop(qualified(name).lower(), None)

    def holds(self, name: str) -> bool:
        """Whether a name is at or under the apex."""
        folded = qualified(name).lower()
        return self.apex in {".", folded} or folded.endswith("." + self.apex)

    def _of(self, name: str, qtype: str) -> list[Record]:
        return [record for record in self._records.get(name, []) if qtype in (record.rtype, "ANY")]

    def respond(self, query: Message) -> Message:
        """Answer a query as an authority does."""
        question = query.question
        if not self.holds(question.name) or question.qclass != "IN":
            return query.response("REFUSED")
        answers, ends, rcode = self._chase(question)
        flags = query.response().flags | {"aa"}
        additional = tuple(glue for record in answers for glue in self._glue(record, question))
        if ends:
            return query.response(flags=flags, answers=tuple(answers), additional=additional)
        return query.response(rcode, flags=flags, answers=tuple(answers), authority=tuple(self._of(self.apex, "SOA")))

    def _chase(self, question: Question) -> tuple[list[Record], bool, str]:
        """Follow CNAMEs: the records, whether nothing is denied at their end, the rcode there."""
        answers: list[Record] = []
        spelled = question.name
        for _ in range(CHAIN_LIMIT):
            name = qualified(spelled).lower()
            source = name if name in self._records else "*." + name.partition(".")[2]
            if not self.holds(name):
                return answers, True, "NOERROR"
            if source not in self._records:
                return answers, False, "NXDOMAIN"
            found = [replace(record, name=spelled) for record in self._of(source, question.qtype)]
            alias = [] if found else [replace(record, name=spelled) for record in self._of(source, "CNAME")]
            answers += found or alias
            if not alias:
                return answers, bool(found), "NOERROR"
            spelled = alias[0].text
        return answers, True, "NOERROR"

    def _glue(self, record: Record, question: Question) -> list[Record]:
        """Give the addresses of an SRV's target, as CoreDNS adds them."""
        if record.rtype != "SRV" or question.qtype != "SRV":
            return []
        target = qualified(record.text.split()[3]).lower()
        return self._of(target, "A") + self._of(target, "AAAA")


def respond_from(zones: tuple[Zone, ...], wire: bytes, *, size_limit: int = 65535) -> bytes:
    """Answer a query's bytes from the zone that holds its name (the longest); REFUSED without one, FORMERR unread."""
    try:
        query = parse(wire)
        question = query.question
    except LabError:
        return wire[:2] + b"\x80\x01" + b"\0" * 8 if len(wire) >= 12 else b""  # noqa: PLR2004 - a header
    holding = sorted((zone for zone in zones if zone.holds(question.name)), key=lambda zone: len(zone.apex))
    response = holding[-1].respond(query) if holding else query.response("REFUSED")
    if query.edns and query.edns.version:
        response = query.response("BADVERS")
    if response.edns:
        response = replace(response, edns=Edns(size=1232, is_do=bool(query.edns and query.edns.is_do)))
    whole = compose(response)
    if len(whole) <= size_limit:
        return whole
    return compose(replace(response, answers=(), authority=(), additional=(), flags=response.flags | {"tc"}))


def udp_limit(wire: bytes) -> int:
    """Give the size a query's sender takes over UDP."""
    try:
        edns = parse(wire).edns
    except LabError:
        return 512
    return max(edns.size, 512) if edns else 512
