"""Lets `python -m autograder` run the command."""

import sys

from autograder.cli import main

if __name__ == "__main__":
    sys.exit(main())
