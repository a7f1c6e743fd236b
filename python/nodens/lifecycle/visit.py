"""One visit at the door, on the side of who is there: what is said to the process after us, and how long it may take.

Its thread does the waiting; what is done is the life loop's, which is told of each word and orders each answer.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from queue import Empty, SimpleQueue
from threading import Lock
from typing import TYPE_CHECKING, Final, TypeAlias

from nodens import __version__, network
from nodens.lifecycle.estate import STATE
from nodens.lifecycle.handover import OFFER_S, proof_numbers
from nodens.lifecycle.intents import Called
from nodens.lifecycle.line import HandoverError, close_all, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from nodens.lifecycle.estate import Estate
    from nodens.lifecycle.intents import Intents
    from nodens.lifecycle.line import Line, Message

READY_S: Final = 10.0  # the successor binds, reads the cache and starts; until then we answer
TAKE_S: Final = 5.0  # it was waiting for our word, and has nothing else to do


class Word(StrEnum):
    """What the life loop is told about the process after us."""

    ASKS = "asks"
    BESIDE = "beside"
    READS = "reads"
    TAKES = "takes"
    HAS = "has"
    IS_GONE = "is gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What is lent, and what sends the cache after it. The descriptors are duplicates."""

    estate: Estate
    send_cache: Callable[[], None]
    drop_cache: Callable[[], None]

    def close(self) -> None:
        """Lend nothing of it."""
        self.estate.close()
        self.drop_cache()


_Order: TypeAlias = "Offer | str | None"


class Visit:
    """A process that knocked. `admit` says why it may not ask for all, or nothing: then it is the one that may."""

    def __init__(self, line: Line, name: str, intents: Intents, admit: Callable[[Visit], str]) -> None:
        """Say nothing yet."""
        self.pid = line.pid
        self.version = ""
        self.is_agent = False  # it has proved that it may steer this node's traffic
        self._line = line
        self._name = name
        self._intents = intents
        self._admit = admit
        self._orders: SimpleQueue[_Order] = SimpleQueue()
        self._lock = Lock()
        self._is_over = False
        self._is_told = False
        self._why = "it was refused"

    def __str__(self) -> str:
        """Name it as the log does."""
        return f"nodens {self.version}" + (f" (pid {self.pid})" if self.pid else "")

    def answer(self, order: Offer | str) -> None:
        """Lend this, or say this word, and wait for what it says then. For the life loop."""
        with self._lock:
            if not self._is_over:
                self._orders.put(order)
            elif isinstance(order, Offer):
                order.close()

    def end(self, refusal: str = "") -> None:
        """Say why nothing comes of it, if it waits for our word, and hang up. For the life loop; twice is fine."""
        if refusal:
            self._orders.put(None)
            with suppress(HandoverError):
                self._line.say({"refuses": refusal})
        self._line.hang_up()
        self._orders.put(None)

    def run(self, serves: Collection[tuple[str, int]]) -> None:
        """Hear it out. In a thread of its own."""
        try:
            self._converse(serves)
        except HandoverError as error:
            self._why = str(error)
            self._hear_last_words()
        finally:
            self._drop_orders()
            self._line.close()
            if self._is_told:
                self._tell(Word.IS_GONE)

    def _converse(self, serves: Collection[tuple[str, int]]) -> None:
        """Say who we are, hear what it wants, and give it. Raises HandoverError."""
        hello = self._hear()
        self.version = printable(hello.get("nodens", ""), 64)
        asked, answered = str(hello.get("said", ""))[:64], secrets.token_hex(16)
        self._introduce(serves, asked, answered)
        wish, descriptors = self._line.hear()
        try:
            numbers = proof_numbers(self._name, asked, answered, is_answer=False)
            self.is_agent = network.is_proof(descriptors, numbers)
        finally:
            close_all(descriptors)
        if wish.get(Word.BESIDE):
            self._tell(Word.BESIDE)
            return
        if refusal := self._why_not(wish):
            self._line.say({"refuses": refusal})
            self._line.hear_word((Word.BESIDE,))
            self._tell(Word.BESIDE)
            return
        self._is_told = True
        self._tell(Word.ASKS)
        self._lend()

    def _introduce(self, serves: Collection[tuple[str, int]], asked: str, answered: str) -> None:
        """Say who we are, with a proof if we have one."""
        words: Message = {"states": [STATE], "said": answered, "serves": [list(each) for each in serves]}
        try:
            with network.prove(proof_numbers(self._name, asked, answered, is_answer=True)) as proof:
                self._line.say(words, proof)
        except OSError:
            self._line.say(words)

    def _why_not(self, wish: Message) -> str:
        """Say why this wish is not granted; empty if it is."""
        states = wish.get("states")
        if wish.get("asks") != "all":
            return "nothing was asked for"
        if not isinstance(states, list) or STATE not in states:
            return f"state {states!r:.64} is not known to nodens {__version__}, which knows {STATE}"
        if not self.is_agent:
            return "it does not prove that it may steer traffic here"
        return self._admit(self)

    def _lend(self) -> None:
        """Lend all, and do what the life loop orders after each of its words. Raises HandoverError."""
        offer = self._wait_for_order(OFFER_S)
        if not isinstance(offer, Offer):
            return
        try:
            self._line.say(offer.estate.message(), offer.estate.descriptors())
        except HandoverError:
            offer.drop_cache()
            raise
        finally:
            offer.estate.close()
        offer.send_cache()
        word = self._line.hear_word((Word.READS, Word.BESIDE), READY_S)
        if word == Word.BESIDE:
            self._tell(Word.BESIDE)
            return
        for told, wanted in ((Word.READS, Word.TAKES), (Word.TAKES, "")):
            self._tell(told)
            order = self._wait_for_order(None)
            if not isinstance(order, str):
                return
            self._line.say({order: True})
            if wanted:
                self._line.hear_word((wanted,), TAKE_S)
        if not self._line.was_heard():
            raise HandoverError("it gave up before it was told that it has all")
        self._is_told = False
        self._tell(Word.HAS)

    def _hear(self) -> Message:
        """Hear one message, and close what came with it."""
        message, strays = self._line.hear()
        close_all(strays)
        return message

    def _hear_last_words(self) -> None:
        """Hear what it said before it hung up: perhaps that it lives beside us."""
        with suppress(HandoverError):
            while True:
                message, strays = self._line.hear(0)
                close_all(strays)
                if message.get(Word.BESIDE):
                    self._tell(Word.BESIDE)
                    return

    def _wait_for_order(self, limit_s: float | None) -> _Order:
        """Wait for the life loop, which may be in the middle of something."""
        try:
            return self._orders.get(timeout=limit_s)
        except Empty:
            raise HandoverError("we were busy with something else") from None

    def _drop_orders(self) -> None:
        """Close what came too late."""
        with self._lock:
            self._is_over = True
        while not self._orders.empty():
            order = self._orders.get()
            if isinstance(order, Offer):
                order.close()

    def _tell(self, word: Word) -> None:
        """Tell the life loop."""
        if word is Word.BESIDE:
            self._why = "it lives beside us"
        self._intents.put(Called(visit=self, word=word, why=self._why if word is Word.IS_GONE else ""))
