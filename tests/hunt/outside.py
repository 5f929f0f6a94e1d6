"""The writer of a hunt that is not Django, and the watcher that sees what it writes."""

from __future__ import annotations

import logging
import os
import random
import time
from typing import Any

import MySQLdb

from planets.cache.storage import keys
from planets.cache.storage.client import client
from planets.cache.storage.errors import Unavailable
from planets.cache.watching.position import Position, read
from planets.cache.watching.watcher import Watcher

from .board import Board, Diary


def watch() -> None:
    """Until it is killed."""
    logging.disable(logging.CRITICAL)
    Watcher("default", {"planets": "default"}, lambda what, more: None).run()


def write_until_stopped(board: Board, seed: int) -> None:
    logging.disable(logging.CRITICAL)
    number = board.writers - 1
    dice, diary = random.Random(f"outside {seed}"), Diary(board, "outside")
    values = dict.fromkeys(board.owned(number), 0.0)
    plain: Any = MySQLdb.connect(
        unix_socket=os.environ["DB_HOST"], user="root", database="planets", autocommit=True
    )
    cursor = plain.cursor()
    while not board.stopping.value:
        time.sleep(dice.uniform(0, 0.03))
        if board.quiet.value:
            continue
        chosen = [pk for pk in values if dice.random() < 0.5] or list(values)[:1]
        value = max(values.values()) + 1
        diary.note(f"planets {chosen} = {value:g}")
        if dice.random() < 0.3:
            cursor.execute("BEGIN")
            cursor.execute("UPDATE planet SET mass = %s WHERE id = %s", [value + 0.5, chosen[0]])
            cursor.execute("ROLLBACK")
        cursor.execute("BEGIN")
        for pk in chosen:
            cursor.execute("UPDATE planet SET mass = %s WHERE id = %s", [value, pk])
        cursor.execute("COMMIT")
        cursor.execute("SHOW MASTER STATUS")
        file, offset = cursor.fetchone()[:2]
        if not landed(board, Position("", file, int(offset))):
            return
        for pk in chosen:
            values[pk] = board.planets[pk - 1] = value
        board.writes[number] += 1
        diary.note(f"published {chosen} = {value:g}")


def landed(board: Board, end: Position) -> bool:
    """Waits until the watcher has stored that it is behind it; False where the hunt ends before."""
    while not board.stopping.value:
        try:
            position = read(client.call(("GET", keys.watcher("default", "position")))[0])
        except Unavailable:
            position = None
        if position and position.place >= end.place:
            return True
        time.sleep(0.005)
    return False
