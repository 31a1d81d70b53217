"""`python -m nscr --list-sabotages [--json]`: the sabotage catalogue as data, for testers that must not import it."""

import argparse
import json
import sys

from nscr.sabotage.catalogue import CATALOGUE


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m nscr", description="The registry itself is started by `nscr serve`."
    )
    parser.add_argument("--list-sabotages", action="store_true", required=True, help="print what --sabotage accepts")
    parser.add_argument("--json", action="store_true", help="as JSON")
    options = parser.parse_args(arguments)
    if options.json:
        print(json.dumps([sabotage.describe() for sabotage in CATALOGUE.values()], indent=2))
    else:
        for sabotage in CATALOGUE.values():
            print(f"{sabotage.name}: {sabotage.description}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
