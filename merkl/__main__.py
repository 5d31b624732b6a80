"""`python -m merkl` is `merkl`."""

import sys

from merkl.cli import main

if __name__ == "__main__":
    sys.exit(main())
