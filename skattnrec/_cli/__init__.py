"""The command line, run by ``python -m skattnrec`` or ``skattnrec``."""

from ._main import main

__all__ = ["main"]
