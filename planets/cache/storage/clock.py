"""The clock of freshness: seconds that go on while the machine is suspended.

Linux's time.monotonic() stands still meanwhile, so what was fresh when a laptop was shut would be
fresh when it is opened. On macOS it is CLOCK_MONOTONIC that goes on.
"""

import time
from functools import partial

now = partial(time.clock_gettime, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
