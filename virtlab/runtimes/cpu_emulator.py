"""A processor alone, emulated by Unicorn: no devices, no system; the caller is the machine."""

from collections.abc import Callable
from typing import Any

from virtlab import host
from virtlab.runtimes import kvm
from virtlab.runtimes.inside import InsideGuest, InsideRuntime

_ENTRY, _SIZE = 0x100000, 0x1000
TRANSLATED_BYTES = 32 << 20


def emulated_processor(architecture: int, mode: int) -> Any:
    """Return a processor of Unicorn's that keeps a bounded amount of translated code.

    Left alone, Unicorn asks for 1 GiB, and ends the whole process where that is refused.
    """
    import unicorn

    make: Any = unicorn.Uc  # its own types lack the next call
    processor = make(architecture, mode)
    processor.ctl_set_tcg_buffer_size(TRANSLATED_BYTES)  # before anything else is asked of it
    return processor


class Unicorn(InsideRuntime):
    """An emulated x86-64 processor that executes the same guest as our own monitor's."""

    name = "unicorn"
    kind = "emulator"
    accelerator = "TCG (Unicorn)"
    describe = "an emulated processor without a machine, by Unicorn"
    needs = (host.unicorn.probe,)
    packages = True
    tried = False  # loading the engine takes long, and a package that is there works
    reply = "READY"


class Guest(InsideGuest):
    """The guest `long-ready` on an emulated processor."""

    def __init__(self) -> None:
        import unicorn  # noqa: F401  # loading the engine is not the guest's start

        self._program = kvm.guest("long-ready")

    def live(
        self,
        say: Callable[[bytes], int],
        wait: Callable[[], bytes],
        stamp: Callable[[str], None],
    ) -> None:
        """Maps memory, hooks the output instruction, and emulates until the guest ends."""
        import unicorn
        from unicorn import x86_const

        def out(processor: Any, port: int, size: int, value: int, _: object) -> None:
            if port == kvm.SERIAL_PORT:
                say(value.to_bytes(size, "little"))
            elif port == kvm.END_PORT:
                processor.emu_stop()

        processor = emulated_processor(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
        processor.mem_map(_ENTRY, _SIZE)
        processor.mem_write(_ENTRY, self._program)
        processor.hook_add(unicorn.UC_HOOK_INSN, out, None, 1, 0, x86_const.UC_X86_INS_OUT)
        stamp("created")
        processor.emu_start(_ENTRY, _ENTRY + _SIZE)
        wait()
