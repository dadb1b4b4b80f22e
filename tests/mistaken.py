"""`python -m tests.mistaken …`: pyrus-etl with a mistake in its SQL, to see what a bug of ours looks like."""

from pyrus_etl.cli import main
from pyrus_etl.load import lock

if __name__ == "__main__":
    lock._RENEW = "SELEKT"
    main()
