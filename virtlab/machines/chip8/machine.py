"""The CHIP-8 machine, with its quirks fixed in a contract.

Programs for CHIP-8 disagree about a few instructions, because interpreters did. This machine does
what the first one, on the COSMAC VIP (1977), did, unless told otherwise: see ``Quirks``. One thing
it leaves out: drawing does not wait for the next frame. Two things are settled here: a program
that reads a key gets the lowest key held, at once if there is one; and reading, writing or jumping
outside memory is an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from virtlab.machines.chip8 import instructions
from virtlab.machines.chip8.instructions import Instruction

WIDTH, HEIGHT = 64, 32
MEMORY = 4096
START = 0x200  # where programs begin
FONT = 0x50  # where the digits 0 to F lie, five bytes each
STACK = 16
DIGITS = bytes.fromhex(
    "F0909090F0 2060202070 F010F080F0 F010F010F0 9090F01010 F080F010F0 F080F090F0 F010204040"
    "F090F090F0 F090F010F0 F090F09090 E090E090E0 F0808080F0 E0909090E0 F080F080F0 F080F08080"
)

_decode = lru_cache(maxsize=4096)(instructions.decode)


class Chip8Error(Exception):
    """The program did what a CHIP-8 cannot do; the message says where and what."""


@dataclass(frozen=True)
class Quirks:
    """Where interpreters differ. The defaults are the COSMAC VIP's.

    Attributes:
        shift_uses_vy: SHR and SHL put the shifted Vy into Vx; else Vx is shifted in place.
        logic_resets_vf: OR, AND and XOR set VF to 0; else they leave it.
        memory_moves_i: LD [I], Vx and LD Vx, [I] leave I behind the last byte; else they keep it.
        jump_uses_vx: JP V0, xnn adds Vx; else V0.
        sprites_wrap: a sprite that crosses an edge goes on at the other; else it is clipped.
    """

    shift_uses_vy: bool = True
    logic_resets_vf: bool = True
    memory_moves_i: bool = True
    jump_uses_vx: bool = False
    sprites_wrap: bool = False


VIP = Quirks()


class Chip8:
    """A machine with a program in it.

    Attributes:
        memory: 4096 bytes.
        v: registers V0 to VF; VF also takes flags, and a flag wins over a result.
        i: the address register, 16 bits.
        pc: address of the next instruction.
        stack: return addresses.
        delay, sound: timers; each ``tick`` counts them down by one, 60 times a second by rights.
        keys: the keys held now, of 0 to 15.
        screen: 32 rows of 64 pixels, 0 or 1.
        executed: instructions completed; one that waits for a key is not counted.
    """

    def __init__(self, rom: bytes, quirks: Quirks = VIP, seed: int = 0) -> None:
        if len(rom) > MEMORY - START:
            raise Chip8Error(f"the program has {len(rom)} bytes; {MEMORY - START} fit")
        self.memory = bytearray(MEMORY)
        self.memory[FONT : FONT + len(DIGITS)] = DIGITS
        self.memory[START : START + len(rom)] = rom
        self.quirks = quirks
        self.random = Random(seed)
        self.v = [0] * 16
        self.i = 0
        self.pc = START
        self.stack: list[int] = []
        self.delay = self.sound = 0
        self.keys: set[int] = set()
        self.screen = [[0] * WIDTH for _ in range(HEIGHT)]
        self.executed = 0

    @property
    def text(self) -> str:
        """The screen as 32 lines of 64 characters."""
        return "\n".join("".join("█" if pixel else "·" for pixel in row) for row in self.screen)

    def tick(self) -> None:
        """Count both timers down by one, not below 0."""
        self.delay = max(0, self.delay - 1)
        self.sound = max(0, self.sound - 1)

    def run(self, frames: int, steps_per_frame: int = 11) -> None:
        """Run for some sixtieths of a second: in each some instructions, then one tick."""
        for _ in range(frames):
            for _ in range(steps_per_frame):
                self.step()
            self.tick()

    def step(self) -> None:
        """Execute one instruction.

        Raises:
            Chip8Error: the instruction has no effect then, but on the registers it had changed.
        """
        at = self.pc
        try:
            opcode = int.from_bytes(self._bytes(at, 2))
            instruction = _decode(opcode)
            if instruction.form is None:
                raise Chip8Error(f"{opcode:#06x} is not an instruction")
            self.pc = at + 2
            self._execute(instruction)
        except Chip8Error as error:
            self.pc = at
            raise Chip8Error(f"at {at:#05x}: {error}") from None
        if self.pc != at or instruction.form != "LD Vx, K":
            self.executed += 1

    def _execute(self, instruction: Instruction) -> None:
        form, x, y, n, kk, nnn = instruction
        v = self.v
        match form:
            case "CLS":
                self.screen = [[0] * WIDTH for _ in range(HEIGHT)]
            case "RET":
                if not self.stack:
                    raise Chip8Error("RET without a CALL")
                self.pc = self.stack.pop()
            case "JP nnn":
                self.pc = nnn
            case "CALL nnn":
                if len(self.stack) == STACK:
                    raise Chip8Error(f"more than {STACK} calls deep")
                self.stack.append(self.pc)
                self.pc = nnn
            case "SE Vx, kk":
                self._skip_if(v[x] == kk)
            case "SNE Vx, kk":
                self._skip_if(v[x] != kk)
            case "SE Vx, Vy":
                self._skip_if(v[x] == v[y])
            case "SNE Vx, Vy":
                self._skip_if(v[x] != v[y])
            case "LD Vx, kk":
                v[x] = kk
            case "ADD Vx, kk":
                v[x] = v[x] + kk & 0xFF
            case "LD Vx, Vy":
                v[x] = v[y]
            case "OR Vx, Vy" | "AND Vx, Vy" | "XOR Vx, Vy":
                v[x] = {"O": v[x] | v[y], "A": v[x] & v[y], "X": v[x] ^ v[y]}[form[0]]
                if self.quirks.logic_resets_vf:
                    v[0xF] = 0
            case "ADD Vx, Vy":
                self._set_with_flag(x, v[x] + v[y], v[x] + v[y] > 0xFF)
            case "SUB Vx, Vy":
                self._set_with_flag(x, v[x] - v[y], v[x] >= v[y])
            case "SUBN Vx, Vy":
                self._set_with_flag(x, v[y] - v[x], v[y] >= v[x])
            case "SHR Vx, Vy":
                source = v[y] if self.quirks.shift_uses_vy else v[x]
                self._set_with_flag(x, source >> 1, bool(source & 1))
            case "SHL Vx, Vy":
                source = v[y] if self.quirks.shift_uses_vy else v[x]
                self._set_with_flag(x, source << 1, bool(source & 0x80))
            case "LD I, nnn":
                self.i = nnn
            case "JP V0, nnn":
                self.pc = nnn + v[x if self.quirks.jump_uses_vx else 0]
            case "RND Vx, kk":
                v[x] = self.random.randrange(256) & kk
            case "DRW Vx, Vy, n":
                self._draw(v[x], v[y], self._bytes(self.i, n))
            case "SKP Vx":
                self._skip_if(v[x] & 0xF in self.keys)
            case "SKNP Vx":
                self._skip_if(v[x] & 0xF not in self.keys)
            case "LD Vx, DT":
                v[x] = self.delay
            case "LD Vx, K":
                if self.keys:
                    v[x] = min(self.keys)
                else:
                    self.pc -= 2
            case "LD DT, Vx":
                self.delay = v[x]
            case "LD ST, Vx":
                self.sound = v[x]
            case "ADD I, Vx":
                self.i = self.i + v[x] & 0xFFFF
            case "LD F, Vx":
                self.i = FONT + 5 * (v[x] & 0xF)
            case "LD B, Vx":
                self._write(self.i, [v[x] // 100, v[x] // 10 % 10, v[x] % 10])
            case "LD [I], Vx":
                self._write(self.i, v[: x + 1])
                self.i += (x + 1) * self.quirks.memory_moves_i
            case "LD Vx, [I]":
                v[: x + 1] = self._bytes(self.i, x + 1)
                self.i += (x + 1) * self.quirks.memory_moves_i

    def _skip_if(self, condition: bool) -> None:
        self.pc += 2 * condition

    def _set_with_flag(self, x: int, value: int, flag: bool) -> None:
        self.v[x] = value & 0xFF
        self.v[0xF] = int(flag)

    def _bytes(self, address: int, count: int) -> bytes:
        self._check(address, count)
        return bytes(self.memory[address : address + count])

    def _write(self, address: int, values: Iterable[int]) -> None:
        data = bytes(values)
        self._check(address, len(data))
        self.memory[address : address + len(data)] = data

    def _check(self, address: int, count: int) -> None:
        if address + count > MEMORY:
            raise Chip8Error(f"{count} bytes at {address:#x} are not all in memory")

    def _draw(self, left: int, top: int, sprite: bytes) -> None:
        """Flip the sprite's pixels; VF says whether one that was lit went dark."""
        left, top = left % WIDTH, top % HEIGHT
        collision = 0
        for row, line in enumerate(sprite, start=top):
            for column in range(left, left + 8):
                inside = row < HEIGHT and column < WIDTH
                if line >> (7 - column + left) & 1 and (inside or self.quirks.sprites_wrap):
                    pixels, at = self.screen[row % HEIGHT], column % WIDTH
                    collision |= pixels[at]
                    pixels[at] ^= 1
        self.v[0xF] = collision
