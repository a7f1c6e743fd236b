"""Stories are read with their places, and a player that is told a lie says where."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from nodens.errors import LabError
from nodens.lab.player import play
from nodens.lab.rehearsed import RehearsedStage
from nodens.lab.story import Story, parse_story

HEAD = """# A scenario.

serve .
    forward . @upstream

"""
FORWARDED = """client asks web.example A
upstream hears web.example A
upstream answers NOERROR with aa
    answer web.example 60 A 10.0.0.1
"""


@dataclass
class Forwarder:
    """The least that can be rehearsed: hands every query to one upstream, every answer back. Caches nothing."""

    clock_ms: int = 0
    asked: int = 0
    waiting: dict[int, bytes] = field(default_factory=dict)
    steps: list[tuple[object, ...]] = field(default_factory=list)

    def ask(self, query: bytes, *, server: str, client: str, transport: str) -> int:
        assert (server, client.partition(":")[0]) == ("127.0.0.1:53", "127.0.0.1")
        self.asked += 1
        self.waiting[self.asked] = query
        self.steps.append(("send", self.asked, "192.0.2.1:53", transport, query))
        return self.asked

    def respond(self, exchange: int, response: bytes) -> str:
        if response[:2] != self.waiting[exchange][:2]:
            return "stranger"
        self.steps.append(("reply", exchange, response))
        return "settled"

    def fault(self, exchange: int, kind: str) -> None:
        query = self.waiting[exchange]
        self.steps.append(("reply", exchange, query[:2] + bytes([0x81, 0x82 if kind else 0]) + query[4:]))

    def advance(self, ms: int) -> None:
        self.clock_ms += ms

    def now_ms(self) -> int:
        return self.clock_ms

    def taken_steps(self) -> list[tuple[object, ...]]:
        taken, self.steps = self.steps, []
        return taken


def played(text: str) -> None:
    story = parse_story("a.story", text)
    play(story, RehearsedStage(Forwarder(), {"192.0.2.1:53": "upstream"}))  # type: ignore[arg-type]  # a stand-in


def test_a_story_that_is_true_comes_true() -> None:
    played(
        HEAD
        + FORWARDED
        + """client gets NOERROR with aa without ad
    answer web.example 60 A 10.0.0.1
time passes 90s
client asks sick.example A over tcp
upstream hears sick.example A over tcp
upstream resets
client gets SERVFAIL
upstream is down
client asks lost.example A
client gets SERVFAIL
upstream was asked exactly 3 times
"""
    )


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        pytest.param("client gets NXDOMAIN\n    answers 1\n", "rcode is NOERROR, not NXDOMAIN", id="rcode"),
        pytest.param(
            "client gets NOERROR\n    answer web.example 59 A 10.0.0.1\n", "answer is `web.example. 60 A", id="ttl"
        ),
        pytest.param(
            "client gets NOERROR\n    answer web.example 60 A 10.0.0.2\n", "answer is `web.example. 60 A", id="data"
        ),
        pytest.param("client gets NOERROR\n", "not `nothing`", id="an answer too much"),
        pytest.param("client gets NOERROR\n    answers 2\n", "answers are 1, not 2", id="count"),
        pytest.param("client gets NOERROR without aa\n    answers 1\n", "flags have aa", id="a flag too much"),
        pytest.param("client gets NOERROR with ad\n    answers 1\n", "flags lack ad", id="a flag too few"),
        pytest.param("client gets NOERROR with edns\n    answers 1\n", "it has no EDNS", id="no EDNS"),
        pytest.param("client gets NOERROR with ede 22\n    answers 1\n", "EDE 22 is missing", id="no EDE"),
        pytest.param("client gets NOERROR with size at most 20\n    answers 1\n", "bytes", id="size"),
        pytest.param(
            "client gets NOERROR for nope.example\n    answers 1\n", "the reply is for web.example.", id="for whom"
        ),
        pytest.param("client gets nothing\n", "something came", id="silence"),
        pytest.param("", "after its end: client got NOERROR", id="a reply not looked at"),
        pytest.param("bob gets NOERROR\n", "nothing came", id="another client"),
        pytest.param("upstream hears web.example A\n", "it hears nothing", id="a query too few"),
        pytest.param("upstream answers NOERROR\n", "heard nothing that it could answer", id="an answer to nothing"),
        pytest.param("upstream was asked exactly 2 times\n", "it was asked 1 times", id="how often"),
        pytest.param(
            "client gets NOERROR after 1s\n    answers 1\n", "it came after 0 ms already", id="sooner than said"
        ),
    ],
)
def test_a_lie_is_found_at_its_line(lie: str, why: str) -> None:
    with pytest.raises(LabError, match=r"a\.story:") as told:
        played(HEAD + FORWARDED + lie)
    assert why in str(told.value)
    assert str(told.value).startswith("a.story:10: ") or not lie.startswith(("client", "bob", "upstream"))


@pytest.mark.parametrize(
    ("told", "why"),
    [
        pytest.param("upstream hears other.example A\n", "question is `web.example. IN A`", id="name"),
        pytest.param("upstream hears web.example A with do\n", "it has no EDNS", id="DO"),
        pytest.param("upstream hears web.example A without rd\n", "flags have rd", id="RD"),
        pytest.param("upstream hears web.example A over tcp\n", "it came over udp", id="transport"),
        pytest.param("upstream hears nothing\n", "it hears web.example.", id="nothing"),
        pytest.param("", "after its end: upstream heard web.example.", id="a query not looked at"),
    ],
)
def test_a_query_that_differs_is_found(told: str, why: str) -> None:
    with pytest.raises(LabError) as error:
        played(HEAD + "client asks web.example A\n" + told)
    assert why in str(error.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("serve .\n", "a.story:1: a story opens with a comment", id="no scenario"),
        pytest.param(HEAD + "client sings\n", "a.story:6: `client sings`: `sings` is nothing", id="verb"),
        pytest.param(HEAD + "client asks web.example NONSENSE\n", "`NONSENSE` is not a record type", id="type"),
        pytest.param(
            HEAD + "client asks web.example A over carrier pigeon\n", "`pigeon` means nothing here", id="option"
        ),
        pytest.param(HEAD + "client asks web.example A with love\n", "`with love` means nothing here", id="with"),
        pytest.param(HEAD + "client asks web.example A without love\n", "`without love` means nothing", id="without"),
        pytest.param(HEAD + "upstream answers NOERROR as usual\n", "`as usual` means nothing here", id="as"),
        pytest.param(HEAD + "time passes quickly\n", "`quickly` is not a duration", id="duration"),
        pytest.param(HEAD + "other hears web.example A\n", "`other` stands in no `serve` section", id="upstream"),
        pytest.param("# A scenario.\n    forward\n", "nothing stands above `forward`", id="indented first"),
    ],
)
def test_a_line_that_means_nothing_is_named(text: str, why: str) -> None:
    with pytest.raises(LabError) as error:
        parse_story("a.story", text)
    assert why in str(error.value)


def test_addresses_stand_in_the_corefile_for_their_names() -> None:
    story = parse_story("a.story", HEAD)
    assert story.corefile({"upstream": "127.0.0.1:999"}, 5353, "127.0.0.9") == (
        ".:5353 {\n    bind 127.0.0.9\n    forward . 127.0.0.1:999\n}\n"
    )


@pytest.mark.parametrize(
    ("text", "is_for_the_program"),
    [
        pytest.param("time passes 1s\n", True, id="short"),
        pytest.param("time passes 2s\ntime passes 2s\n", False, id="long in sum"),
        pytest.param("rehearsal only: since it says so\n", False, id="kept from it"),
    ],
)
def test_long_stories_are_rehearsed_only(text: str, is_for_the_program: bool) -> None:  # noqa: FBT001 - a table's row
    story: Story = parse_story("a.story", HEAD + text)
    assert story.is_for_the_program == is_for_the_program
