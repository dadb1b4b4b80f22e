"""`python -m tests.mistaken …`: pyrus-etl with a mistake in its SQL, to see what a bug of ours looks like."""

from pyrus_etl.cli import main
from pyrus_etl.postgres import lease

if __name__ == "__main__":
    lease._RENEW = "SELEKT"
    main()
