"""URLs and options: parsed strictly, and never shown, since a URL may hold a password."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from holdfast.errors import ConfigurationError

__all__ = ["Parse", "Url", "check_options", "flag", "parse_url", "seconds"]

Parse = Callable[[str], Any]
"""From the text of an option in a URL to its value; raises ValueError if it is none."""


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of a URL; its ``repr`` shows no password.

    Attributes:
        scheme: What stands before ``://``.
        netloc: What stands between ``//`` and the path, verbatim.
        path: The path, with its first slash, decoded.
        options: The query, decoded.
    """

    scheme: str
    netloc: str = field(repr=False)
    path: str
    options: Mapping[str, str] = field(repr=False)


def parse_url(url: object) -> Url:
    """Take a URL apart.

    Raises:
        ConfigurationError: It is none, or an option is there twice; the text does not quote it.
    """
    if type(url) is not str or "://" not in url:
        raise ConfigurationError("A URL has the form scheme://…, such as sqlite:///chat.db.")
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ConfigurationError("The URL cannot be parsed.") from None
    if parts.fragment:
        raise ConfigurationError("The URL has a '#': write it as %23.")
    options = dict(pairs)
    if len(options) < len(pairs):
        raise ConfigurationError("The URL has an option twice.")
    return Url(parts.scheme, parts.netloc, unquote(parts.path), options)


def check_options(
    url: Url, known: Mapping[str, Parse], given: Mapping[str, Any], also: Collection[str]
) -> dict[str, Any]:
    """The options of a URL, parsed, and those given beside it.

    Args:
        url: The URL.
        known: The options that a URL may hold.
        given: Options given as arguments.
        also: Options that only an argument can hold.

    Raises:
        ConfigurationError: An option is unknown (the nearest one is named), has no legal value, or is given twice.
    """
    names = {*known, *also}
    for name in (*url.options, *given):
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(sorted(names))}."
            raise ConfigurationError(f"Unknown option {name!r}.{hint}")
    options = dict(given)
    for name, text in url.options.items():
        if name in given:
            raise ConfigurationError(f"Option {name!r} is in the URL and in the call.")
        if name not in known:
            raise ConfigurationError(f"Option {name!r} cannot stand in a URL; give it as an argument.")
        try:
            options[name] = known[name](text)
        except ValueError:
            raise ConfigurationError(f"Option {name!r} has no legal value.") from None
    return options


def flag(text: str) -> bool:
    """A yes or a no."""
    try:
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[text.lower()]
    except KeyError:
        raise ValueError(text) from None


def seconds(text: str) -> float:
    """A number of seconds, more than 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value
