"""`python -m nscr`: what the registry says of itself, for testers and documents that must not import it.

`--list-sabotages [--json]` prints the sabotage catalogue, `--api-reference` the text of docs/api.md,
`--settings-reference` that of docs/settings.md.
"""

import argparse
import json
import sys

from nscr.http.reference import render_reference
from nscr.sabotage.catalogue import CATALOGUE
from nscr.settings_reference import render_settings


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m nscr", description="The registry itself is started by `nscr serve`."
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--list-sabotages", action="store_true", help="print what --sabotage accepts")
    what.add_argument("--api-reference", action="store_true", help="print the reference of the HTTP API as Markdown")
    what.add_argument("--settings-reference", action="store_true", help="print the settings as Markdown")
    parser.add_argument("--json", action="store_true", help="as JSON")
    options = parser.parse_args(arguments)
    if options.api_reference:
        print(render_reference(), end="")
    elif options.settings_reference:
        print(render_settings(), end="")
    elif options.json:
        print(json.dumps([sabotage.describe() for sabotage in CATALOGUE.values()], indent=2))
    else:
        for sabotage in CATALOGUE.values():
            print(f"{sabotage.name}: {sabotage.description}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
