"""The command line: parsing and printing only."""

from merkl.cli.app import main

__all__ = ["main"]
