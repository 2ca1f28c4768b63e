"""Checks configurations and what documentation shows of filters against the schema; prints what is wrong."""

import json
import pathlib
import re
import sys

import jsonschema
import yaml

ALLOWED = """
- received_header
- received_header:
- greylist: { file: /var/lib/koukan/greylist, known_after: 3 }
- clamav: { address: ["127.0.0.1:3310", "unix:/run/clamd"], next_after: 2s }
- a_filter_of_ones_own: { colour: red }
"""
REFUSED = """
- greylist: { fil: /var/lib/koukan/greylist }
- greylist: { known_after: many }
- greylist: { min: 5 }
- clamav: {}
- clamav: { address: "127.0.0.1:3310", fail: shut }
- router: { rules: [{ address_lists: { domains: [example.com] } }] }
- router: { rules: [{ address_list: { domain: [example.com] } }] }
- policy_action: { match: { matcher: tls } }
- dkim_sign: { keys: [{ domain: example.com }] }
- rate_limit: { limits: [{ by: mail_from, rate: often }] }
- received_header: { max_received: -1 }
"""


def blocks(page):
    """The lists of filters that a page shows."""
    for text in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.S):
        if re.search(r"^filter:$", text, re.M):
            yield from yaml.safe_load(text)["filter"]


def main(root, schema):
    schema = json.loads(pathlib.Path(schema).read_text())
    root = pathlib.Path(root)
    of = jsonschema.validators.validator_for(schema)
    of.check_schema(schema)
    config = of(schema)
    filters = of({"$ref": "#/$defs/Filter", "$defs": schema["$defs"]})
    wrong = []

    def check(validator, where, value):
        error = jsonschema.exceptions.best_match(validator.iter_errors(value))
        if error is not None:
            place = "/".join(map(str, error.absolute_path))
            wrong.append(f"{where}: {place}: {error.message[:300]}")

    files = [*root.glob("config/local/*.yaml"), *root.glob("config/examples/*.yaml")]
    for file in files:
        check(config, file.name, yaml.safe_load(file.read_text()))
    shown = 0
    for page in sorted(root.glob("docs/*.md")):
        for one in blocks(page):
            shown += 1
            check(filters, page.name, one)
    if len(files) < 6 or shown < 20:
        wrong.append(f"only {len(files)} files and {shown} filters were looked at")
    for one in yaml.safe_load(ALLOWED):
        check(filters, "allowed", one)
    for one in yaml.safe_load(REFUSED):
        if filters.is_valid(one):
            wrong.append(f"not refused: {one}")
    print("\n".join(wrong))
    return 1 if wrong else 0


sys.exit(main(*sys.argv[1:]))
