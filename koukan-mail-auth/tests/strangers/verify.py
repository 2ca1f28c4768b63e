"""Verifies all signatures of messages, as dkimpy does, with keys of a file."""

import json
import pathlib
import sys

import dkim

folder, keys = sys.argv[1:]
keys = json.loads(pathlib.Path(keys).read_text())


def record(name, timeout=5):
    name = name.decode() if isinstance(name, bytes) else name
    return keys.get(name.rstrip(".").lower(), "").encode()


for path in sorted(pathlib.Path(folder).glob("*.eml")):
    try:
        message = dkim.DKIM(path.read_bytes(), minkey=1024)
    except dkim.MessageFormatError:
        print(path.stem, "unreadable")
        continue
    names = [name.lower() for name, _ in message.headers]
    count = names.count(b"dkim-signature")
    told = []
    for index in range(count):
        try:
            told.append("pass" if message.verify(index, record) else "fail")
        except dkim.DKIMException as error:
            told.append(f"{type(error).__name__}: {error}")
    print(path.stem, *told)
