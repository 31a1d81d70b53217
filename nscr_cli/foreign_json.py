"""JSON that others wrote, a registry or a token server: whatever it holds, there is one way in which it fails."""

from typing import Any, TypeVar, overload

import msgspec

T = TypeVar("T")


class Unreadable(ValueError):
    """No JSON, or not of the shape that was asked for; says what is wrong with it."""


@overload
def read_json(body: bytes | str | msgspec.Raw) -> Any: ...
@overload
def read_json(body: bytes | str | msgspec.Raw, kind: type[T]) -> T: ...
def read_json(body: bytes | str | msgspec.Raw, kind: Any = Any) -> Any:
    """A document, in the shape of `kind`.

    Raises:
        Unreadable: it is not JSON, has another shape, or is nested too deeply for anybody to read.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)) from error
    except RecursionError as error:
        raise Unreadable("JSON that is nested too deeply") from error
