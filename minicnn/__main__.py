"""``python -m minicnn`` is the command ``minicnn``."""

from minicnn.cli.entry import main

if __name__ == "__main__":
    raise SystemExit(main())
