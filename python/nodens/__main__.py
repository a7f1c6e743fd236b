"""`python -m nodens`: the same as the command `nodens`."""

import sys

from nodens.cli import main

if __name__ == "__main__":
    sys.exit(main())
