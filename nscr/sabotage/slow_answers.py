"""Each answer is held back by a share of the time that its request took: a build that became slower, and is right.

A client waits for more than the registry (for itself, and for the network): of what it sees, the share is about a half.
"""

import time
from collections.abc import Awaitable, Callable

import anyio.to_thread

from nscr.http.messages import Message, Receive, Scope, Send

SHARE = 0.6

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def slow_answers(application: Application) -> Application:
    """An ASGI application whose last piece of each reply is held back."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()

        async def send_late(message: Message) -> None:
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                now = time.monotonic()
                # In a thread: a loop's own timers are as coarse as a whole answer to a small request.
                await anyio.to_thread.run_sync(_wait_until, now + SHARE * (now - began))
            await send(message)

        await application(scope, receive, send_late)

    return answer


def _wait_until(deadline: float) -> None:
    time.sleep(max(0.0, deadline - time.monotonic()))
