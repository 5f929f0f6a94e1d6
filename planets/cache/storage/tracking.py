"""Hearing from Redis which keys change: CLIENT TRACKING in broadcast mode (Redis 6, or Valkey).

One connection a process, on a cluster one to each primary, has Redis push the name of every key of
ours that changes.

Silence is not coherence, and neither is noise: a push that is read now may have been sent long ago,
with others behind it. What is known is this. Redis answers in order, so when the answer to a ping
is read, whatever Redis had to push before the ping was *sent* has been read before it. So what this
process keeps is trusted for SILENCE from the moment when the last answered ping was sent; on a
cluster, when that of the server was sent of which nothing has been heard for longest. A process
that was suspended wakes up to the same rule.

The ping is the greeting of greeting.py: a Redis that answers, and takes no writes, has nothing to
push. To a cluster's node it is also the question who the nodes are.

Where a slot moves from primary A to primary B, and both are followed, no push is lost: each write
to a key is done by one node, by A before the key has moved and by B after it, and that node pushes
it, for in broadcast mode a push goes by the name of a key and not by who has read it. The move of a
key is itself a change of both, and pushed by both. A reader whose reply came from A, and who keeps
it after B has pushed, is refused by its ticket, which counts the pushes of all. Still all is
dropped as soon as a node tells that a slot has another owner: whose keys were not moved along, but
lost, nobody pushes.

Where a slot moves to a primary that is not followed (a new one, or a promoted replica), its writes
are not heard. But no key is there before some followed node knows of it: the one that the slot
leaves says so ("on its way to") before it sends anybody there, and the promoted one was elected by
the others, who tell of it a few milliseconds later. So an answer without it says that until the
question was sent it had none of our keys; and at the first answer with it nothing is trusted until
all the primaries are followed that each of them knows. What is old is served for SILENCE at most.
"""

from __future__ import annotations

import logging
import selectors
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from ..conf import conf
from . import keys
from .background import Background
from .client import client
from .ear import HEARTBEAT, Ear, changed_keys
from .errors import FAILURES, Misconfigured, Unavailable, words
from .followed import OneServer, Primaries, follow
from .topology import Moved

logger = logging.getLogger(__name__)

RETRY = 1.0  # seconds between two attempts to connect
UNTRACKED_PAUSES = 60  # a Redis that knows no tracking may be replaced by one that does
NEVER = float("-inf")


class Tracking:
    """A thread that tells `changed` which keys Redis has pushed, and `lost` that any may have."""

    def __init__(self, changed: Callable[[Sequence[str]], None], lost: Callable[[], None]) -> None:
        self._changed, self._lost = changed, lost
        self._background = Background("cache-aside-near", self._follow_for_ever)
        self.reset()

    def reset(self) -> None:
        """As new, with no connection: after a fork the parent's thread is not ours."""
        self._background.renew()
        self.until = NEVER  # by the clock of clock.py: what is kept is trusted before it
        self.prefixes: tuple[str, ...] = ()  # of the keys whose changes are pushed
        self._told = logging.NOTSET  # how loudly it was said why it is off

    @property
    def thread(self) -> Any:
        """The one that follows."""
        return self._background.thread

    def trusted(self, now: float) -> bool:
        """Whatever Redis had to push until shortly before `now` has arrived."""
        return now < self.until

    def start(self) -> None:
        """Follow Redis from now on, where the setting asks for it."""
        self._background.ensure()

    def _follow_for_ever(self) -> None:
        while conf().NEAR:
            pauses = 1
            try:
                self._follow()
            except ResponseError:
                pass  # of which the breaker has told
            except (*FAILURES, Unavailable, Moved) as error:
                self._tell_once(logging.INFO, error)
            except Exception as error:  # whatever it is, another second would not mend it
                self._tell_once(logging.WARNING, error)
                pauses = UNTRACKED_PAUSES
            finally:
                self.until = NEVER
                self._lost()
            followed = _redis()
            while pauses and conf().NEAR and _redis() is followed:
                time.sleep(RETRY)
                pauses -= 1

    def _tell_once(self, level: int, error: Exception) -> None:
        """An outage is one line, whatever it looks like from one second to the next."""
        if level != self._told:
            self._told = level
            logger.log(level, "The near tier is off: %s", words(error))

    def _follow(self) -> None:
        followed, prefixes = follow(client.redis()), tuple(keys.tracked())
        ears: list[Ear] = []
        try:
            for pool, ask in followed.servers():
                ears.append(Ear(pool, ask))
                ears[-1].open(prefixes)
            self.prefixes = prefixes
            self._lost()
            while conf().NEAR and followed.are_current():
                for ear in ears:
                    ear.ask()
                self._listen(ears, followed)
        except ResponseError as error:
            raise followed.refused(error) from error
        finally:
            for ear in ears:
                ear.close()

    def _listen(self, ears: Sequence[Ear], followed: OneServer | Primaries) -> None:
        for ear, message in messages(ears):
            if (names := changed_keys(message)) is not False:
                self._tell(names)
            elif answers := ear.hear(message):
                if followed.heard(ear, answers):
                    self._lost()
                self.until = min(each.until for each in ears)
                if self.until > NEVER:
                    self._told = logging.NOTSET

    def _tell(self, names: Any) -> None:
        if names is None:  # FLUSHALL
            self._lost()
        else:
            self._changed([key.decode("utf-8", "replace") for key in names])


def _redis() -> Any:
    """The client that is in force, None where there is none."""
    try:
        return client.redis()
    except (*FAILURES, Misconfigured):
        return None


def messages(ears: Sequence[Ear]) -> Iterator[tuple[Ear, Any]]:
    """What has come by the end of a heartbeat, or nothing. Raises TimeoutError for long silence.

    Of one connection it is read at once, and not after a wait for it: each wait is one more time
    that this thread gives up the GIL, and gets it back from one that serves pages 5 ms later.
    """
    if len(ears) == 1:
        try:
            yield ears[0], ears[0].read()
        except RedisTimeoutError:
            ears[0].bear_silence()
        return
    with selectors.DefaultSelector() as selector:
        for ear in ears:
            selector.register(ear, selectors.EVENT_READ)
        heard = {key.fileobj for key, _ in selector.select(HEARTBEAT)}
    for ear in ears:
        if ear not in heard:
            ear.bear_silence()
            continue
        try:
            while True:
                yield ear, ear.read(timeout=0)
        except RedisTimeoutError:
            continue
