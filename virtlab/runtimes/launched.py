"""Runtimes whose instances the launcher starts."""

import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from virtlab.host import Capability
from virtlab.runtimes.base import Instance, Runtime, RuntimeFailed
from virtlab.runtimes.launcher import Launcher, stamp_payload, warm_launcher

TRIAL_S = 10.0  # how long a runtime may take when it is only tried


class LaunchedInstance(Instance):
    """An instance that the launcher holds."""

    def __init__(
        self, runtime: "LaunchedRuntime", launcher: Launcher, told: dict[str, Any]
    ) -> None:
        super().__init__(told["stamps"], told["output"], max(0, told["pid"]))
        self._runtime, self._launcher, self._id = runtime, launcher, told["id"]

    def stop(self) -> None:
        """Ends it and waits until it is gone; the second time does nothing."""
        if self._id and self._launcher.alive:
            identity, self._id = self._id, 0
            told = self._runtime.ask(self._launcher, {"op": "stop", "id": identity})
            self.stamps |= told["stamps"]


class LaunchedRuntime(Runtime):
    """A runtime that is a recipe for the launcher.

    Attributes:
        patience_s: how long its instances may take for anything; then they are ended.
        needs: what must be there, as functions that answer with a capability.
        tried: whether `look` starts one to see whether it works; not where that takes long.
        remedy: what to do where such a try fails.
    """

    patience_s: float = 30.0
    needs: tuple[Callable[[], Capability], ...] = ()
    tried: bool = True
    remedy: str = "if it is about permission: let TMPDIR name a folder that allows execution"

    @abstractmethod
    def spec(self, launcher: Launcher, command: Sequence[str] | None) -> dict[str, Any]:
        """The recipe, in the helper's words."""

    def look(self) -> Capability:
        """Asks for what it needs, and starts one if that is quick."""
        seen = [need() for need in (*self.needs, stamp_payload)]
        for need in seen:
            if not need:
                return Capability(self.name, False, f"{need.name}: {need.why}", need.remedy)
        if self.tried:
            usual, self.patience_s = self.patience_s, min(self.patience_s, TRIAL_S)
            try:
                self.run()
            except RuntimeFailed as error:
                return Capability(self.name, False, str(error), self.remedy)
            finally:
                self.patience_s = usual
        return Capability(self.name, True, seen[0].why if self.needs else self.describe)

    def launcher(self) -> Launcher:
        """The launcher that starts it."""
        return warm_launcher()

    def run_cold(self, command: Sequence[str] | None = None) -> dict[str, int]:
        """Like `run`, but by a launcher that has to be started for it; "call" is before that.

        Raises:
            RuntimeFailed: it did not live as it should.
        """
        call = time.monotonic_ns()
        with Launcher() as launcher:
            request = {"op": "run", "specs": [self.spec(launcher, command)]}
            stamps: dict[str, int] = self.ask(launcher, request)["lives"][0]["stamps"]
        return stamps | {"call": call}

    def ask(self, launcher: Launcher, request: dict[str, Any]) -> dict[str, Any]:
        """Asks the launcher; a failure names this runtime."""
        try:
            return launcher.ask(request, self.patience_s)
        except RuntimeFailed as error:
            raise RuntimeFailed(f"{self.name}: {error}") from None

    def start(self, command: Sequence[str] | None = None) -> Instance:
        """Has the launcher start one and hold it."""
        launcher = self.launcher()
        told = self.ask(launcher, {"op": "start", "spec": self.spec(launcher, command)})
        return LaunchedInstance(self, launcher, told)

    def run_many(self, count: int, command: Sequence[str] | None = None) -> list[dict[str, int]]:
        """Has the launcher live whole lives: no request and answer lie between the stamps."""
        return [life["stamps"] for life in self.lives(count, command)]

    def lives(self, count: int, command: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """Like `run_many`, with each life's `status`, `output` and `errors` beside its `stamps`.

        Raises:
            RuntimeFailed: one of them did not live as it should.
        """
        launcher = self.launcher()
        specs = [self.spec(launcher, command) for _ in range(count)]
        lives: list[dict[str, Any]] = self.ask(launcher, {"op": "run", "specs": specs})["lives"]
        return lives


def recipe(
    launcher: Launcher, how: str, argv: Sequence[str] = (), *, clock: str = "", **more: Any
) -> dict[str, Any]:
    """A spec for the helper with the usual environment; ends when its input closes."""
    spec = {"how": how, "argv": list(argv), "environment": launcher.environment}
    return {**spec, "clock": clock, "reply": "", "end": "stdin", **more}
