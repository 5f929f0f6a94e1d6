"""One round trip: commands go out together, and their replies come back in order.

The connections are redis-py's and come from the pool of django-redis, so its settings (TLS,
Sentinel, timeouts) hold. Between calls they are kept here: lending one and taking it back, the pool
takes more than half as long as the round trip itself, and redis-py's pipeline still longer. For the
same reason hiredis packs the commands without redis-py, which takes five times as long.

Commands whose outcome nobody needs at once are posted: they are sent, and their replies are read by
who uses the connection next, before his own. What is posted and lost is never told from what was
never done, so it may be nothing that freshness rests on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from hiredis import pack_command
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, RedisError, ResponseError

from . import clock

Command = tuple[Any, ...]
Reply = Any

# Seconds for which what a server answered to the greeting holds.
WORD = 1.0


class Posted(NamedTuple):
    """Commands that a server has, and who is to hear of their replies, or that they are lost."""

    expected: int  # replies
    hear: Callable[[list[Reply] | Exception], None]


class Line:
    """A connection, and whether the server at its other end was asked who it is."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.met = False
        self.moved = False  # the server takes no writes any more
        self.outage = 0  # the last one before they met
        self.posted: Posted | None = None  # whose replies come before any other
        connection.register_connect_callback(self.forget)

    def forget(self, connection: Any) -> None:
        """redis-py connected it again: perhaps to another server."""
        self.met = False
        self.lose()

    def lose(self) -> bool:
        """No reply will come to what was posted, if anything was; returns whether it was."""
        posted, self.posted = self.posted, None
        if posted:
            posted.hear(RedisConnectionError("the connection was left before the reply came"))
        return posted is not None


class Sent(NamedTuple):
    """Commands that a server has, and whose replies nobody has read."""

    line: Line
    expected: int  # replies
    greeted: Sequence[Command]  # what of them is the greeting
    at: float
    trust: tuple[int, int]  # outages and doubts before it


class Wire:
    """Round trips to one server, which is greeted on every new connection, and each second again.

    `greet(new)` makes the question that goes before the commands, in the same round trip; `hear` is
    told the answer. Where it is an error nothing of that round trip is believed.
    """

    def __init__(
        self, redis: Any, greet: Callable[[bool], Command], hear: Callable[[Reply], None]
    ) -> None:
        self.redis = redis
        self._greet, self._hear = greet, hear
        self._word_until = float("-inf")
        self._outages = self._doubts = 0
        self._pool = redis.connection_pool
        # The last one used is the first one taken. At most so many, for others use the pool, too.
        self._idle: list[Line] = []
        self._most = self._pool.max_connections // 2

    def exchange(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies; a command's ResponseError is its reply. Raises RedisError, OSError.

        ResponseError where the server was greeted, and refused.
        """
        return self.receive(self.send(commands))

    def send(self, commands: Sequence[Command]) -> Sent:
        """The first half of a round trip. Raises RedisError, OSError."""
        line = self._take()
        try:
            return self._send(line, commands)
        except BaseException:
            self._drop(line)
            raise

    def receive(self, sent: Sent) -> list[Reply]:
        """The other half. Raises as `exchange`."""
        line = sent.line
        try:
            replies = self._receive(sent)
        except BaseException:
            # Replies that nobody has read would be taken for those of the next command.
            self._drop(line)
            raise
        if line.moved:
            self._drop(line)  # by a failover, perhaps: look for the primary anew
        else:
            self._put(line)
        return replies

    def post(
        self, commands: Sequence[Command], hear: Callable[[list[Reply] | Exception], None]
    ) -> None:
        """Send them and wait for nothing. Raises as `exchange`; then `hear` is not called.

        `hear` is called once, by whoever uses the connection next; with an error where no reply
        will come. It must be quick, and use no wire: a lock may be held. A connection has one such
        call under way at most, so that a slow server cannot make them pile up; and who has to greet
        waits, for an answer to that must not be old.
        """
        sent = self.send(commands)
        if sent.greeted or sent.line.posted:
            hear(self.receive(sent))
            return
        sent.line.posted = Posted(sent.expected, hear)
        self._put(sent.line)

    def abandon(self, sent: Sent) -> None:
        """Its replies are not wanted."""
        self._drop(sent.line)

    def distrust(self) -> None:
        """There is an outage: connect anew, for the address may lead to another server by now."""
        self._outages += 1  # those that are in use are greeted as new ones
        self._word_until = float("-inf")
        for line in self._take_all():
            self._drop(line)

    def doubt(self) -> None:
        """Greet again before anything else: what we have to say of ourselves has changed."""
        self._doubts += 1
        self._word_until = float("-inf")

    def close(self) -> None:
        """Give all connections back; those that are in use, after it."""
        self._most = 0
        for line in self._take_all():
            self._give_back(line)

    def _take_all(self) -> Iterator[Line]:
        with contextlib.suppress(IndexError):
            while True:
                yield self._idle.pop()

    def _take(self) -> Line:
        while True:
            try:
                line = self._idle.pop()
            except IndexError:
                return Line(self._pool.get_connection())
            try:
                readable = line.connection.can_read()
                if readable and line.posted:
                    self._hear_posted(line)
                    readable = line.moved or line.connection.can_read()
                if not readable:
                    return line
            except (RedisError, OSError):
                pass
            except BaseException:
                self._drop(line)
                raise
            self._drop(line)  # closed by the server, or with an answer to something else

    def _hear_posted(self, line: Line) -> None:
        """Read the replies to what was posted. Raises RedisError, OSError."""
        if posted := line.posted:
            replies = self._read(line, posted.expected)
            line.posted = None
            posted.hear(replies)

    def _read(self, line: Line, expected: int) -> list[Reply]:
        replies = []
        for _ in range(expected):
            try:
                replies.append(line.connection.read_response())
            except ResponseError as error:
                replies.append(error)
                line.moved = line.moved or isinstance(error, ReadOnlyError)
        return replies

    def _put(self, line: Line) -> None:
        if len(self._idle) < self._most:
            self._idle.append(line)
        else:
            self._give_back(line)

    def _drop(self, line: Line) -> None:
        line.connection.disconnect()
        self._give_back(line)

    def _give_back(self, line: Line) -> None:
        if line.lose():
            line.connection.disconnect()  # others would take those replies for theirs
        line.connection.deregister_connect_callback(line.forget)
        self._pool.release(line.connection)

    def _greeting(self, new: bool) -> list[Command]:
        """What is asked before the commands."""
        return [self._greet(new)]

    def _heard(self, asked: Sequence[Command], answers: list[Reply]) -> None:
        """It has answered."""
        self._hear(answers[0])

    def _send(self, line: Line, commands: Sequence[Command]) -> Sent:
        now, outages = clock.now(), self._outages
        trust = (outages, self._doubts)
        new = not line.met or line.outage != outages
        greeted: list[Command] = []
        # All who come before the answer ask too, so that it cannot be late for any of them.
        if new or now >= self._word_until:
            line.met, line.outage = True, outages
            greeted = self._greeting(new)
            commands = [*greeted, *commands]
        line.connection.send_packed_command([b"".join(map(pack_command, commands))])
        return Sent(line, len(commands), greeted, now, trust)

    def _receive(self, sent: Sent) -> list[Reply]:
        line = sent.line
        if not line.met:
            raise RedisConnectionError("the connection was made anew in mid-call")
        self._hear_posted(line)
        replies = self._read(line, sent.expected)
        if sent.greeted:
            answers = [replies.pop(0) for _ in sent.greeted]
            for answer in answers:
                if isinstance(answer, RedisError):
                    raise answer
            self._heard(sent.greeted, answers)
            if sent.trust == (self._outages, self._doubts):
                self._word_until = sent.at + WORD
        return replies
