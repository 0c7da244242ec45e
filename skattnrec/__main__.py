"""The command line: ``python -m skattnrec compare`` and ``python -m skattnrec recommend``."""

import sys

from ._cli import main

if __name__ == "__main__":
    sys.exit(main())
