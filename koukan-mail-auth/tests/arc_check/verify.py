"""Verifies the chains of messages, as dkimpy does."""

import pathlib
import sys

import dkim

folder = pathlib.Path(sys.argv[1])
record = (folder / "record").read_bytes()
for path in sorted(folder.glob("*.eml")):
    result, _, _ = dkim.arc_verify(path.read_bytes(), dnsfunc=lambda name, timeout=5: record)
    # Of what is no chain it says nothing.
    print((result or b"undecided").decode())
