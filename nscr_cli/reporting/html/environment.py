"""Where the templates of all pages are read: escaped by default, and a name that is not given is an error."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from nscr_cli.ui import printable


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("nscr_cli.reporting.html"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["shown"] = lambda text, limit=200: printable(str(text), limit=limit)
    return environment


def template(name: str) -> Template:
    """A template of this package."""
    return _environment().get_template(name)
