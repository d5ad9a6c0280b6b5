"""`python -m nnfast`: the demonstration."""

import sys

from nnfast.demo import main

if __name__ == "__main__":
    sys.exit(main())
