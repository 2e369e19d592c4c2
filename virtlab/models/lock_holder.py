"""Lock-holder preemption: a virtual CPU loses its processor while it holds a spin lock.

The others spin until it is back, for whole time slices of the host. Scheduling all virtual CPUs of
a machine together (gang scheduling) avoids it. After Uhlig et al. (2004), "Towards Scalable
Multiprocessor Virtual Machines".

Assumptions: the guest has one virtual CPU on each of the host's processors, and shares each with
one virtual CPU of another machine that is always busy; the two take turns of one slice. Each of
the guest's virtual CPUs computes, takes the lock, holds it, releases it, and begins again. Time is
counted in ticks; the lock goes to the virtual CPU that has waited longest, of those running.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True)
class Contention:
    """What became of the guest's processor time.

    Attributes:
        rounds: times the lock was taken and released, by all virtual CPUs together.
        spun: ticks spent spinning.
        ran: ticks the guest ran in all; half of the processors' time.
    """

    rounds: int
    spun: int
    ran: int

    @property
    def wasted(self) -> float:
        """The part of its processor time that the guest spent spinning."""
        return self.spun / self.ran if self.ran else 0.0


@dataclass
class _VirtualCpu:
    offset: int
    compute: int  # ticks left before it wants the lock
    hold: int = 0  # ticks left to hold it; 0 if it does not
    waiting_since: int = field(default=-1)


def contend(
    cpus: int, compute: int, hold: int, slice_ticks: int, ticks: int, gang: bool, seed: int
) -> Contention:
    """Simulate the guest.

    Args:
        cpus: processors, and virtual CPUs of the guest.
        compute: ticks a virtual CPU computes before it wants the lock; 1 or more, and varied at
            random by up to half.
        hold: ticks it holds the lock; 1 or more.
        slice_ticks: the host's time slice.
        ticks: length of the simulation.
        gang: True if all of the guest's virtual CPUs are given their processors at once; False if
            each has its turns at random moments.
        seed: of everything random.

    Raises:
        ValueError: if a number is out of range.
    """
    if min(cpus, compute, hold, slice_ticks) < 1 or ticks < 0:
        raise ValueError("cpus, compute, hold and slice_ticks are 1 or more, ticks 0 or more")
    random = Random(seed)

    def some_work() -> int:
        return random.randint(compute - compute // 2, compute + compute // 2)

    guest = [
        _VirtualCpu(0 if gang else random.randrange(2 * slice_ticks), some_work())
        for _ in range(cpus)
    ]
    holder: _VirtualCpu | None = None
    rounds = spun = ran = 0
    for now in range(ticks):
        running = [cpu for cpu in guest if (now + cpu.offset) // slice_ticks % 2 == 0]
        ran += len(running)
        wanting = [cpu for cpu in running if cpu.compute == 0 and cpu.hold == 0]
        for cpu in wanting:
            cpu.waiting_since = now if cpu.waiting_since < 0 else cpu.waiting_since
        if holder is None and wanting:
            holder = min(wanting, key=lambda cpu: cpu.waiting_since)
            holder.hold, holder.waiting_since = hold, -1
        for cpu in running:
            if cpu.compute:
                cpu.compute -= 1
            elif cpu is not holder:
                spun += 1
            else:
                cpu.hold -= 1
                if cpu.hold == 0:
                    holder, cpu.compute = None, some_work()
                    rounds += 1
    return Contention(rounds, spun, ran)
