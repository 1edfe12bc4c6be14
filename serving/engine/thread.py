"""The thread that owns a transformer and runs its engine."""

from __future__ import annotations

import logging
import threading

from serving.engine.engine import Engine

logger = logging.getLogger(__name__)


class EngineThread:
    """Runs rounds while there is something due and sleeps on the engine's condition otherwise."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End every session and join the thread. Safe to call twice."""
        self.engine.end_all("SERVICE_STOPPING", "the worker is stopping")
        with self.engine.woken:
            self._is_stopping = True
            self.engine.woken.notify()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        woken = self.engine.woken
        while True:
            wait_s = self.engine.run_round()
            with woken:
                if self._is_stopping:
                    return
                if not self.engine.has_word and wait_s != 0.0:
                    woken.wait(wait_s)
                self.engine.has_word = False
