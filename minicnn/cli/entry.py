"""Where the program ``minicnn`` begins: Ctrl-C while it still loads ends in a line, too."""

from __future__ import annotations

import sys

INTERRUPTED = 130


def main() -> int:
    """Run the command line of this process and return its exit code."""
    try:
        from minicnn.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        # `run` says this itself; here it has not begun, or has just ended.
        if sys.stderr is not None:
            print("\nminicnn: interrupted", file=sys.stderr)
        return INTERRUPTED
