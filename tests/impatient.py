"""Short waits, and `python -m tests.impatient …`: pyrus-etl with these waits."""

from pyrus_etl.cli import main
from pyrus_etl.settings.retry import STANDARD

SOON = 0.01

IMPATIENT = STANDARD._replace(
    requests=STANDARD.requests._replace(longest_pause=SOON),
    quota=STANDARD.quota._replace(longest_pause=SOON),
    outage=STANDARD.outage._replace(longest_pause=SOON, within=3.0),
    locks=STANDARD.locks._replace(attempts=1),
    settle=SOON,
    late=SOON,
    soon=STANDARD.soon._replace(longest_pause=SOON),
    slowly=SOON,
)
"""As many tries as usual, but with almost no pauses; a lost database and a locked table are given up sooner."""

if __name__ == "__main__":
    main(IMPATIENT)
