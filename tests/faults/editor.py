"""An editor, in a process of the site's own kind: renames planets until its input ends.

Each line that it prints tells of a write that has committed and returned: when, by the clock that
all processes of this machine share, which planet, and the number that its name now ends with. So
whatever shows an older number, and was asked for later, is stale.
"""

from __future__ import annotations

import select
import sys
import time

PAUSE = 0.2  # seconds between two writes


def main() -> None:
    import django

    django.setup()
    from django.db import Error, connection, transaction

    from planets.models import Planet

    number = 0
    while not select.select([sys.stdin], [], [], PAUSE)[0]:
        number += 1
        pk = 1 + number % 8
        name = f"P{pk}W{number}"
        try:
            if number % 2:
                Planet.objects.filter(pk=pk).update(name=name)
            else:
                with transaction.atomic():
                    planet = Planet.objects.get(pk=pk)
                    planet.name = name
                    planet.save()
        except Error:
            connection.close()
            continue
        print(time.monotonic(), pk, number, flush=True)


if __name__ == "__main__":
    main()
