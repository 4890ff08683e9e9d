"""Fail if a test was skipped for a reason that is not on the written list."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def main(report: str, allowed: str) -> int:
    """Compare the skips in a JUnit report with the lines of a file; return an exit code."""
    lines = Path(allowed).read_text(encoding="utf-8").splitlines()
    known = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
    unexpected = []
    for case in ElementTree.parse(report).iter("testcase"):
        for skip in case.iter("skipped"):
            if not any(reason in skip.get("message", "") for reason in known):
                unexpected.append(f"{case.get('classname')}::{case.get('name')}: {skip.attrib}")
    for line in unexpected:
        print("skipped, but not on the list of allowed skips:", line)
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
