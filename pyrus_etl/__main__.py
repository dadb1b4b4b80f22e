"""The entry point of `pyrus-etl` and of `python -m pyrus_etl`."""

from pyrus_etl.signals import end_at_once

end_at_once()  # importing the command line takes a moment

from pyrus_etl.cli import main  # noqa: E402 -- see above

__all__ = ["main"]

if __name__ == "__main__":
    main()
