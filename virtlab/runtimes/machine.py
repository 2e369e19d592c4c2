"""A machine by our own virtual machine monitor, `virtlab.runtimes.kvm`."""

import platform
from collections.abc import Callable

from virtlab import host
from virtlab.host import Capability
from virtlab.runtimes import kvm
from virtlab.runtimes.inside import InsideGuest, InsideRuntime


class OwnMonitor(InsideRuntime):
    """One processor, 2 MiB, a serial port: 33 bytes of guest say READY from 64-bit user code."""

    name = "kvm"
    kind = "vm"
    describe = "a machine without BIOS by our own monitor over /dev/kvm"
    needs = (host.kvm.probe,)
    remedy = "see what `virtlab doctor` says about kvm"
    reply = "READY"
    tried = False  # that a machine can be made was tried when KVM was asked for

    def __init__(self) -> None:
        self.accelerator = f"KVM ({kvm.backend()})"

    def look(self) -> Capability:
        """Asks for KVM; names what is behind it."""
        if platform.machine() != "x86_64":
            why = f"its guests are x86-64 machine code; this is {platform.machine()}"
            return Capability(self.name, False, why, "use an x86-64 machine")
        seen = super().look()
        return Capability(self.name, True, f"over {self.accelerator}") if seen else seen


class Guest(InsideGuest):
    """The guest `long-ready` in ring 3."""

    def __init__(self) -> None:
        kvm.accept_kicks()
        self._program = kvm.guest("long-ready")
        self._machine: kvm.Machine | None = None

    def live(
        self,
        say: Callable[[bytes], int],
        wait: Callable[[], bytes],
        stamp: Callable[[str], None],
    ) -> None:
        """Is the monitor of one machine, whose serial port is the guest's output."""

        def serve(leave: kvm.Exit) -> None:
            if leave.address == kvm.SERIAL_PORT and leave.write:
                say(leave.data)

        with kvm.Machine() as self._machine:
            stamp("created")
            self._machine.start_in_long_mode(self._program, ring=3)
            self._machine.run(serve, limit_s=None)
            wait()

    def stop(self) -> None:
        """Kicks the machine out of its run."""
        if self._machine is not None:
            self._machine.kick()
