"""Products and what is known of each, and the two types of hypervisor as a rule over such facts.

The two types go back to Goldberg's thesis (1973): type 1 runs on the bare machine, type 2 on an
operating system. The rule asks two things instead of "is it fast" or "is it for servers": what runs
with the highest privilege, and whether a virtual machine is a process of a system that people use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Privileged = Literal["a hypervisor only", "an operating system's kernel"]


@dataclass(frozen=True)
class Facts:
    """What is known of a hypervisor, each point to be looked up or observed.

    Attributes:
        privileged: what has the highest privilege below the guests: code that is a hypervisor and
            nothing else, or the kernel of an operating system that also runs ordinary programs.
        in_kernel: whether the part that enters guests lies in that kernel as one of its own
            functions, delivered with it.
        drivers: whose device drivers serve the guests' devices.
        vm_is: what a virtual machine is to the system below.
        source: where this is said.
    """

    privileged: Privileged
    in_kernel: bool
    drivers: str
    vm_is: str
    source: str


_HYPERVISOR: Privileged = "a hypervisor only"
_SYSTEM: Privileged = "an operating system's kernel"

PRODUCTS: dict[str, Facts] = {
    "VMware ESXi": Facts(
        _HYPERVISOR, True, "its own", "a group of the VMkernel's worlds", "VMware, vSphere manuals"
    ),
    "Xen": Facts(
        _HYPERVISOR, True, "a privileged guest's (domain 0)", "a domain", "Barham et al., SOSP 2003"
    ),
    "Microsoft Hyper-V": Facts(
        _HYPERVISOR,
        True,
        "a privileged guest's (root partition: Windows)",
        "a partition, with a worker process in the root partition",
        "Microsoft, Hyper-V Architecture",
    ),
    "WSL 2": Facts(
        _HYPERVISOR,
        True,
        "a privileged guest's (root partition: Windows)",
        "a partition that feels like a program",
        "Microsoft, WSL documentation",
    ),
    "KVM with QEMU": Facts(
        _SYSTEM, True, "the host's (Linux)", "a process", "Kivity et al., OLS 2007"
    ),
    "Firecracker": Facts(
        _SYSTEM, True, "the host's (Linux)", "a process", "Agache et al., NSDI 2020"
    ),
    "bhyve": Facts(
        _SYSTEM, True, "the host's (FreeBSD)", "a process", "FreeBSD, bhyve(8) and vmm(4)"
    ),
    "VirtualBox": Facts(
        _SYSTEM, False, "the host's", "a process and a module", "Oracle, VirtualBox manual"
    ),
    "VMware Workstation": Facts(
        _SYSTEM, False, "the host's", "a process and a module", "Bugnion et al., TOCS 2012"
    ),
    "QEMU with TCG": Facts(_SYSTEM, False, "the host's", "a process", "Bellard, USENIX 2005"),
}

EXCEPTIONS = {
    "KVM with QEMU": "the host's kernel is the hypervisor: 1 by its place, 2 by what a VM is",
    "Firecracker": "as KVM; only the process around the guest is another",
    "bhyve": "as KVM, in FreeBSD",
    "Microsoft Hyper-V": "installed from Windows, it moves below it; Windows becomes a guest",
    "WSL 2": "looks like type 2 to its user; it is a guest beside Windows",
    "Xen": "has no host system, and needs a privileged guest all the same",
}


def kind(facts: Facts) -> str:
    """Return "type 1", "type 2", or "both" where the two do not tell apart."""
    if facts.privileged == _HYPERVISOR:
        return "type 1"
    return "both" if facts.in_kernel else "type 2"
