"""Who has a session in hand where one client at a time may control it. Pure: each step gives the new baton."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from serving.errors import InvalidFieldError, NotInControlError

Who = TypeVar("Who", bound=Hashable)


@dataclass(frozen=True, slots=True)
class AskControl:
    """Of whoever is in control."""


@dataclass(frozen=True, slots=True)
class GiveControl:
    client_id: str  # empty for whoever asked first


@dataclass(frozen=True, slots=True)
class TakeControl:
    """What was asked for and not given."""


# Answered by the gateway: the world does not change by them.
HandVerb = AskControl | GiveControl | TakeControl


@dataclass(frozen=True, slots=True)
class Ask(Generic[Who]):
    who: Who
    since_s: float


@dataclass(frozen=True, slots=True)
class Baton(Generic[Who]):
    holder: Who | None = None
    asks: tuple[Ask[Who], ...] = ()  # in the order they came

    def entered(self, who: Who) -> Baton[Who]:
        """The first who comes has it."""
        return replace(self, holder=who) if self.holder is None else self

    def left(self, who: Who, others: tuple[Who, ...]) -> Baton[Who]:
        """Whoever asked first gets what the holder leaves, else whoever is there longest."""
        asks = tuple(ask for ask in self.asks if ask.who != who)
        if self.holder != who:
            return replace(self, asks=asks)
        heirs = [*(ask.who for ask in asks), *others]
        dropped = replace(self, holder=None, asks=asks)
        return dropped._passed_to(heirs[0]) if heirs else dropped

    def asked(self, who: Who, now_s: float) -> Baton[Who]:
        """Asking again changes nothing: the first time counts."""
        if self.holder is None or self.holder == who:
            return self.entered(who)
        if any(ask.who == who for ask in self.asks):
            return self
        return replace(self, asks=(*self.asks, Ask(who, now_s)))

    def given(self, by: Who, to: Who | None) -> Baton[Who]:
        """To one that is there, or to whoever asked first. Raises `NotInControlError` or `InvalidFieldError`."""
        if self.holder != by:
            raise NotInControlError("only the client in control can give it", field="control.give_control")
        if to is None and not self.asks:
            raise InvalidFieldError("nobody asked for control", field="control.give_control.client_id")
        return self._passed_to(self.asks[0].who if to is None else to)

    def taken(self, who: Who, now_s: float, after_s: float) -> Baton[Who]:
        """By one who asked, and waited for so long. Raises `NotInControlError`."""
        if self.holder is None or self.holder == who:
            return self.entered(who)
        asked = next((ask for ask in self.asks if ask.who == who), None)
        if asked is None:
            raise NotInControlError("ask for control first", field="control.take_control")
        left_s = asked.since_s + after_s - now_s
        if left_s > 0:
            message = f"control can be taken {left_s:.1f} s from now"
            raise NotInControlError(message, field="control.take_control", retry_after_s=left_s)
        return self._passed_to(who)

    def _passed_to(self, who: Who) -> Baton[Who]:
        return Baton(holder=who, asks=tuple(ask for ask in self.asks if ask.who != who))
