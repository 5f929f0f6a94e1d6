"""One connection on which a server pushes which keys change, and how far it has been heard.

Redis answers in order, so when the answer to a question is read, whatever it had to push before the
question was *sent* has been read before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from . import clock
from .wire import Command, Reply

HEARTBEAT = 0.25  # seconds from the sending of a question to that of the next one
SILENCE = 3 * HEARTBEAT  # what is older than this is not trusted


class Untracked(Exception):
    """This Redis pushes nothing."""


class Ear:
    """A tracking connection to one server."""

    def __init__(self, pool: Any, ask: Callable[[bool], Sequence[Command]]) -> None:
        """`ask(new)` makes the questions; `new` for the first ones."""
        options = {**pool.connection_kwargs, "protocol": 3, "socket_timeout": SILENCE}
        self.connection = pool.connection_class(**options)
        self.until = float("-inf")  # by the clock of clock.py: the server has been heard of before
        self._ask = ask
        self._sent = float("-inf")
        self.questions: Sequence[Command] = ()
        self._awaits = False  # an answer to the last of them
        self._answers: list[Reply] = []

    def open(self, prefixes: Sequence[str]) -> None:
        """Connect, and have the changes of these keys pushed. Raises Untracked and FAILURES."""
        asked = [part for prefix in prefixes for part in ("PREFIX", prefix)]
        try:
            self.connection.connect()
            self.connection.send_command("CLIENT", "TRACKING", "ON", "BCAST", *asked)
            self.connection.read_response()
        except ResponseError as error:
            raise Untracked(f"this Redis cannot track keys ({error})") from error
        # Its own handler only logs; here the message itself is wanted.
        self.connection._parser.set_invalidation_push_handler(lambda message: message)
        self.connection._sock.settimeout(HEARTBEAT)

    def close(self) -> None:
        self.connection.disconnect()

    def fileno(self) -> int:
        """So that a selector can wait for several of them."""
        return int(self.connection._sock.fileno())

    def ask(self) -> None:
        """Send the next questions, when it is time for them and the last ones are answered."""
        now = clock.now()
        if self._awaits or now < self._sent + HEARTBEAT:
            return
        self.questions = self._ask(self._sent == float("-inf"))
        self.connection.send_packed_command(self.connection.pack_commands(self.questions))
        self._sent, self._awaits, self._answers = now, True, []

    def read(self, **timeout: float) -> Any:
        """The next message. Raises TimeoutError where there is none in time."""
        return self.connection.read_response(
            push_request=True, disconnect_on_error=False, **timeout
        )

    def hear(self, answer: Reply) -> list[Reply]:
        """Note one answer; with the last of its questions, all of them, which are heard now."""
        self._answers.append(answer)
        if len(self._answers) < len(self.questions):
            return []
        self._awaits, self.until = False, self._sent + SILENCE
        return self._answers

    def bear_silence(self) -> None:
        """Nothing has come for a moment. Raises TimeoutError where that is too long."""
        if self._awaits and clock.now() >= self._sent + SILENCE:
            raise RedisTimeoutError(f"{self.connection.repr_pieces()} has fallen silent")


def changed_keys(message: Any) -> Any:
    """The keys that a push names, None for all of them; False for an answer."""
    pushed = isinstance(message, list) and message[:1] == [b"invalidate"]
    return message[1] if pushed else False
