"""How long the program waits before it tries again, and when it gives up.

These are not settings for users. A run gets them all in one object, `Settings.waits`, which tests shorten.
"""

import math
import random
from typing import NamedTuple

_MOST_DOUBLINGS = 30


class Retry(NamedTuple):
    """How failed work is tried again, in seconds.

    The pauses grow exponentially, from at most `first_pause` to at most `longest_pause`. They are random, so that
    clients which failed together do not come back together: "full jitter" on
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/. `attempts`: at most how often the work is
    tried. `within`: no try begins when this time has passed since the first failure.
    """

    first_pause: float
    longest_pause: float
    attempts: float = math.inf
    within: float = math.inf

    def limit(self, failures: int) -> float:
        """The longest pause after this number of failures in a row."""
        return min(self.longest_pause, self.first_pause * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))

    def pause(self, failures: int) -> float:
        """A random pause after this number of failures in a row."""
        return random.uniform(0, self.limit(failures))  # noqa: S311 -- no secret


REQUESTS = Retry(0.1, 8.0, attempts=9)
"""With one answer in eight faulty, one request in 130 million fails nine times in a row."""
QUOTA = Retry(0.1, 60.0)
OUTAGE = Retry(0.1, 3.0, within=30.0)
LOCKS = Retry(0.5, 10.0, attempts=5)
SOON = Retry(5.0, 300.0)


class Waits(NamedTuple):
    """All waits and time-outs of a run, in seconds.

    `requests`: a request that failed. `unreachable`: a host that cannot be reached at all is given up after this time;
    with nine attempts to `connect`, that is within a minute. `read`: silence in an answer. `answer`: a whole answer.
    `slow`: silence of a list that the service has to gather first.
    `quota`: a spent quota, if the server does not say until when. `outage`: a database that went away.
    `connect_database`: long enough for two hosts that do not answer. `locks`: tables that another session has locked.
    `settle`: after this time, a service has applied a write whose answer was lost, or never will.
    `late`: the same for a write of the outbox, which must never be applied twice: see docs/write-back.md.
    `lists`: after this time, a list shows a new task, if it shows later changes at all; twice what anybody has seen.
    `soon`, `slowly`: between two runs of `serve`, after a fault that passes and after one that only a person can fix.
    """

    requests: Retry = REQUESTS
    unreachable: float = 26.0
    connect: float = 4.0
    read: float = 60.0
    answer: float = 600.0
    slow: float = 120.0
    quota: Retry = QUOTA
    outage: Retry = OUTAGE
    connect_database: float = 25.0
    locks: Retry = LOCKS
    settle: float = 5.0
    late: float = 20.0
    lists: float = 3600.0
    soon: Retry = SOON
    slowly: float = 600.0


STANDARD = Waits()
