"""`python -m tests.impatient …`: pyrus-etl that waits less: between tries, for a lost database, and for locks."""

import tenacity

from pyrus_etl.cli import main
from pyrus_etl.client import retry, waits
from pyrus_etl.postgres import locks, store

LONGEST_WAIT = 0.05
LONGEST_OUTAGE = 3

if __name__ == "__main__":
    retry.LONGEST_WAIT = LONGEST_WAIT
    waits.LONGEST_GUESS = LONGEST_WAIT
    store.LONGEST_OUTAGE = LONGEST_OUTAGE
    locks.patiently.stop = tenacity.stop_after_attempt(1)
    main()
