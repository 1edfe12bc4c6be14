"""How an object of the asynchronous client gets a face for scripts without asyncio: the same verbs, awaited."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

Of = TypeVar("Of")
Part = TypeVar("Part")
FaceOfPart = TypeVar("FaceOfPart")
Answer = TypeVar("Answer")
Params = ParamSpec("Params")


class Loop:
    """An event loop on a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nacre-blocking", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()  # where the caller was interrupted

    def call(self, work: Callable[[], Answer]) -> Answer:
        async def run() -> Answer:
            return work()

        return self.run(run())

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Face(Generic[Of]):
    """Stands before an object that lives on a loop."""

    def __init__(self, loop: Loop, of: Of) -> None:
        self._loop = loop
        self._of = of

    def __repr__(self) -> str:
        return repr(self._of)


def awaited(
    verb: Callable[Concatenate[Of, Params], Coroutine[Any, Any, Answer]],
) -> Callable[Concatenate[Face[Of], Params], Answer]:
    """The verb, which gives what it gives when it is awaited."""

    @functools.wraps(verb)
    def call(face: Face[Of], *args: Params.args, **kwargs: Params.kwargs) -> Answer:
        return face._loop.run(verb(face._of, *args, **kwargs))  # pyright: ignore[reportPrivateUsage]

    return call


def awaited_as(
    verb: Callable[Concatenate[Of, Params], Coroutine[Any, Any, Part]], make: Callable[[Loop, Part], FaceOfPart]
) -> Callable[Concatenate[Face[Of], Params], FaceOfPart]:
    """The verb, awaited, for one that gives another object with a face."""

    @functools.wraps(verb)
    def call(face: Face[Of], *args: Params.args, **kwargs: Params.kwargs) -> FaceOfPart:
        return make(face._loop, face._loop.run(verb(face._of, *args, **kwargs)))  # pyright: ignore[reportPrivateUsage]

    return call


def called_as(
    verb: Callable[Concatenate[Of, Params], Part], make: Callable[[Loop, Part], FaceOfPart]
) -> Callable[Concatenate[Face[Of], Params], FaceOfPart]:
    """The same for a verb that is not to be awaited. It is called on the loop."""

    @functools.wraps(verb)
    def call(face: Face[Of], *args: Params.args, **kwargs: Params.kwargs) -> FaceOfPart:
        part = face._loop.call(lambda: verb(face._of, *args, **kwargs))  # pyright: ignore[reportPrivateUsage]
        return make(face._loop, part)  # pyright: ignore[reportPrivateUsage]

    return call
