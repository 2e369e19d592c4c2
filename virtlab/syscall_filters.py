"""Which system calls a process may make: its seccomp filters, read from the kernel and followed.

A filter is a small program (classic BPF) that the kernel runs before each system call. It sees the
call's number, the processor mode, and the arguments. We read the filters of a live process
(ptrace; needs root) and follow every path through them, for each number, with arguments unknown.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Sequence
from pathlib import Path

from virtlab.errors import RuntimeFailed

_FIRST = """
read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction
rt_sigprocmask rt_sigreturn ioctl pread64 pwrite64 readv writev access pipe select sched_yield
mremap msync mincore madvise shmget shmat shmctl dup dup2 pause nanosleep getitimer alarm
setitimer getpid sendfile socket connect accept sendto recvfrom sendmsg recvmsg shutdown bind
listen getsockname getpeername socketpair setsockopt getsockopt clone fork vfork execve exit wait4
kill uname semget semop semctl shmdt msgget msgsnd msgrcv msgctl fcntl flock fsync fdatasync
truncate ftruncate getdents getcwd chdir fchdir rename mkdir rmdir creat link unlink symlink
readlink chmod fchmod chown fchown lchown umask gettimeofday getrlimit getrusage sysinfo times
ptrace getuid syslog getgid setuid setgid geteuid getegid setpgid getppid getpgrp setsid setreuid
setregid getgroups setgroups setresuid getresuid setresgid getresgid getpgid setfsuid setfsgid
getsid capget capset rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend sigaltstack utime
mknod uselib personality ustat statfs fstatfs sysfs getpriority setpriority sched_setparam
sched_getparam sched_setscheduler sched_getscheduler sched_get_priority_max sched_get_priority_min
sched_rr_get_interval mlock munlock mlockall munlockall vhangup modify_ldt pivot_root _sysctl
prctl arch_prctl adjtimex setrlimit chroot sync acct settimeofday mount umount2 swapon swapoff
reboot sethostname setdomainname iopl ioperm create_module init_module delete_module
get_kernel_syms query_module quotactl nfsservctl getpmsg putpmsg afs_syscall tuxcall security
gettid readahead setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr listxattr llistxattr
flistxattr removexattr lremovexattr fremovexattr tkill time futex sched_setaffinity
sched_getaffinity set_thread_area io_setup io_destroy io_getevents io_submit io_cancel
get_thread_area lookup_dcookie epoll_create epoll_ctl_old epoll_wait_old remap_file_pages
getdents64 set_tid_address restart_syscall semtimedop fadvise64 timer_create timer_settime
timer_gettime timer_getoverrun timer_delete clock_settime clock_gettime clock_getres
clock_nanosleep exit_group epoll_wait epoll_ctl tgkill utimes vserver mbind set_mempolicy
get_mempolicy mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr kexec_load
waitid add_key request_key keyctl ioprio_set ioprio_get inotify_init inotify_add_watch
inotify_rm_watch migrate_pages openat mkdirat mknodat fchownat futimesat newfstatat unlinkat
renameat linkat symlinkat readlinkat fchmodat faccessat pselect6 ppoll unshare set_robust_list
get_robust_list splice tee sync_file_range vmsplice move_pages utimensat epoll_pwait signalfd
timerfd_create eventfd fallocate timerfd_settime timerfd_gettime accept4 signalfd4 eventfd2
epoll_create1 dup3 pipe2 inotify_init1 preadv pwritev rt_tgsigqueueinfo perf_event_open recvmmsg
fanotify_init fanotify_mark prlimit64 name_to_handle_at open_by_handle_at clock_adjtime syncfs
sendmmsg setns getcpu process_vm_readv process_vm_writev kcmp finit_module sched_setattr
sched_getattr renameat2 seccomp getrandom memfd_create kexec_file_load bpf execveat userfaultfd
membarrier mlock2 copy_file_range preadv2 pwritev2 pkey_mprotect pkey_alloc pkey_free statx
io_pgetevents rseq
"""
_LATER = """
pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount fsopen
fsconfig fsmount fspick pidfd_open clone3 close_range openat2 pidfd_getfd faccessat2
process_madvise epoll_pwait2 mount_setattr quotactl_fd landlock_create_ruleset landlock_add_rule
landlock_restrict_self memfd_secret process_mrelease futex_waitv set_mempolicy_home_node
"""

# The system calls of Linux on x86-64 as of 6.1, by number. The numbers never change; 335 to 423
# are not used. Newer kernels have a few more.
SYSTEM_CALLS: dict[int, str] = {
    **dict(enumerate(_FIRST.split())),
    **dict(enumerate(_LATER.split(), 424)),
}

AUDIT_ARCH_X86_64 = 0xC000003E
_PASS = (0x7FFF0000, 0x7FFC0000)  # SECCOMP_RET_ALLOW, and SECCOMP_RET_LOG, which allows too
_ATTACH, _DETACH, _GET_FILTER = 16, 17, 0x420C
_WALL = 0x40000000
_WORD = 0xFFFFFFFF
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_LIBC.ptrace.restype = ctypes.c_long

Filter = bytes  # instructions of 8 bytes: code, jump if true, jump if false, constant


def filters_of(pid: int) -> list[Filter]:
    """Return the filters of a process, the newest first; it stands still meanwhile.

    Raises:
        RuntimeFailed: this user may not look, or the kernel does not tell.
    """
    if not _is_filtered(pid):
        return []
    if _LIBC.ptrace(_ATTACH, pid, None, None) == -1:
        raise RuntimeFailed(f"the filters of process {pid}: {os.strerror(ctypes.get_errno())}")
    try:
        os.waitpid(pid, _WALL)
        filters: list[Filter] = []
        while (found := _filter(pid, len(filters))) is not None:
            filters.append(found)
        return filters
    finally:
        _LIBC.ptrace(_DETACH, pid, None, None)


def _is_filtered(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError as error:
        raise RuntimeFailed(f"the filters of process {pid}: {error.strerror}") from None
    return "\nSeccomp:\t2" in status


def _filter(pid: int, number: int) -> Filter | None:
    """Return one filter of a stopped process; None past the last."""
    count = _LIBC.ptrace(_GET_FILTER, pid, ctypes.c_void_p(number), None)
    if count == -1:
        error = ctypes.get_errno()
        if error == 2:  # no such filter
            return None
        raise RuntimeFailed(f"the filters of process {pid}: {os.strerror(error)}")
    buffer = ctypes.create_string_buffer(8 * count)
    _LIBC.ptrace(_GET_FILTER, pid, ctypes.c_void_p(number), buffer)
    return buffer.raw


def reachable(filters: Sequence[Filter]) -> list[str]:
    """Return the system calls that every filter lets pass, with some arguments at least."""
    return [
        name
        for number, name in SYSTEM_CALLS.items()
        if all(may_pass(one, number) for one in filters)
    ]


def may_pass(program: Filter, number: int) -> bool:
    """Say whether some path through a filter allows a system call.

    Values that come from the call's arguments are unknown: where a jump depends on one, both ways
    are followed.
    """
    code = list(struct.iter_unpack("=HBBI", program))
    start: _State = (0, 0, 0, ())
    to_do, seen = [start], {start}
    while to_do:
        place, a, x, memory = to_do.pop()
        operation, if_true, if_false, k = code[place]
        if operation & 7 == 6:  # return
            value = k if operation & 0x18 == 0 else a
            if value is None or value & 0xFFFF0000 in _PASS:
                return True
            continue
        for state in _next(place, operation, if_true, if_false, k, a, x, memory, number):
            if state not in seen:
                seen.add(state)
                to_do.append(state)
    return False


_Value = int | None
_Memory = tuple[tuple[int, int | None], ...]
_State = tuple[int, int | None, int | None, _Memory]


def _next(
    place: int,
    operation: int,
    if_true: int,
    if_false: int,
    k: int,
    a: _Value,
    x: _Value,
    memory: _Memory,
    number: int,
) -> list[_State]:
    """Return the states that may follow one instruction."""
    after = place + 1
    kind, source = operation & 7, x if operation & 8 else k
    if operation == 0x20:  # load a word of what the filter sees
        return [(after, {0: number, 4: AUDIT_ARCH_X86_64}.get(k), x, memory)]
    if kind in (0, 1):  # other loads: a constant, the size of what it sees, a cell of memory
        loaded = {0x00: k, 0x80: 64, 0x60: dict(memory).get(k, 0)}.get(operation & 0xE0)
        return [(after, loaded, x, memory) if kind == 0 else (after, a, loaded, memory)]
    if kind in (2, 3):
        stored = {**dict(memory), k: a if kind == 2 else x}
        return [(after, a, x, tuple(sorted(stored.items())))]
    if kind == 4:
        return [(after, _computed(operation & 0xF0, a, source), x, memory)]
    if kind == 7:
        return [(after, x, x, memory) if operation & 0x80 else (after, a, a, memory)]
    if operation == 0x05:  # jump always
        return [(after + k, a, x, memory)]
    true, false = (after + if_true, a, x, memory), (after + if_false, a, x, memory)
    if a is None or source is None:
        return [true, false]
    holds = {0x10: a == source, 0x20: a > source, 0x30: a >= source, 0x40: bool(a & source)}
    return [true if holds[operation & 0xF0] else false]


def _computed(operation: int, a: _Value, b: _Value) -> _Value:
    if a is None or (b is None and operation != 0x80):
        return None
    if operation == 0x80:
        return -a & _WORD
    assert b is not None
    results = {
        0x00: a + b,
        0x10: a - b,
        0x20: a * b,
        0x30: a // b if b else 0,
        0x40: a | b,
        0x50: a & b,
        0x60: a << min(b, 32),
        0x70: a >> b,
        0x90: a % b if b else 0,
        0xA0: a ^ b,
    }
    return results[operation] & _WORD
