"""Holds examples against their JSON Schemas: each argument is SCHEMA=EXAMPLE."""

import json
import sys

from jsonschema import Draft202012Validator

failed = 0
for pair in sys.argv[1:]:
    schema, example = pair.split("=", 1)
    with open(schema) as file:
        validator = Draft202012Validator(
            json.load(file), format_checker=Draft202012Validator.FORMAT_CHECKER
        )
    with open(example) as file:
        for error in validator.iter_errors(json.load(file)):
            # A schema file that the team keeps itself is not there.
            print(f"{example}: {error.json_path}: {error.message}")
            failed = 1
sys.exit(failed)
