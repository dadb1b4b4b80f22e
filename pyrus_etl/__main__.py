"""The entry point of `pyrus-etl` and of `python -m pyrus_etl`."""

from pyrus_etl.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
