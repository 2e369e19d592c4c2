"""The room's seccomp filter: what is not named is refused, by a small classic-BPF builder.

The list names what Python, numpy and the standard library need. Refused on purpose, among others:

* `socket`, `bind`, `connect`, `listen`, `accept`: no connection, not even to loopback or to an
  abstract Unix socket. `socketpair` stays, since both of its ends are in the room (asyncio).
* `ptrace`, `process_vm_*`, `kcmp`, `pidfd_getfd`, `process_madvise`: other processes' memory.
* `mount` and its newer kin, `unshare`, `setns`, `chroot`, `pivot_root`, `clone` with a namespace
  flag: a namespace of one's own opens more of the kernel.
* `bpf`, `perf_event_open`, `userfaultfd`, `io_uring_*`, `keyctl` and kin, `fanotify_*`,
  `open_by_handle_at`, `personality`, module and kexec calls: large attack surface, no use here.
* `memfd_create`, `memfd_secret`, System V and POSIX message queues, segments and semaphores:
  memory that the room's tmpfs limits do not count, or that outlives a process.

Refusals are EPERM, but ENOSYS for what is unknown to the table (libraries then fall back) and for
`clone3`, whose flags a filter cannot read. Another architecture's numbers, x32 included, kill.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct

from autograder.sandbox import linux

# name:x86_64:aarch64, "-" where an architecture has no such call.
_ALLOWED = """
# read and write what is already open
read:0:63 write:1:64 readv:19:65 writev:20:66 pread64:17:67 pwrite64:18:68 preadv:295:69
pwritev:296:70 preadv2:327:286 pwritev2:328:287 lseek:8:62 close:3:57 close_range:436:436
dup:32:23 dup2:33:- dup3:292:24 fcntl:72:25 flock:73:32 fsync:74:82 fdatasync:75:83
sync_file_range:277:84 ftruncate:77:46 fallocate:285:47 copy_file_range:326:285 sendfile:40:71
splice:275:76 tee:276:77 vmsplice:278:75 readahead:187:213 fadvise64:221:223 ioctl:16:29
# files and folders; the mount namespace says which
open:2:- openat:257:56 openat2:437:437 creat:85:- access:21:- faccessat:269:48
faccessat2:439:439 stat:4:- lstat:6:- fstat:5:80 newfstatat:262:79 statx:332:291 statfs:137:43
fstatfs:138:44 getdents:78:- getdents64:217:61 readlink:89:- readlinkat:267:78 mkdir:83:-
mkdirat:258:34 rmdir:84:- unlink:87:- unlinkat:263:35 rename:82:- renameat:264:38
renameat2:316:276 link:86:- linkat:265:37 symlink:88:- symlinkat:266:36 truncate:76:45
chmod:90:- fchmod:91:52 fchmodat:268:53 fchmodat2:452:452 chown:92:- lchown:94:- fchown:93:55
fchownat:260:54 utime:132:- utimes:235:- futimesat:261:- utimensat:280:88 umask:95:166
getcwd:79:17 chdir:80:49 fchdir:81:50 mknod:133:- mknodat:259:33 getxattr:191:8 lgetxattr:192:9
fgetxattr:193:10 listxattr:194:11 llistxattr:195:12 flistxattr:196:13 inotify_init:253:-
inotify_init1:294:26 inotify_add_watch:254:27 inotify_rm_watch:255:28 sync:162:81 syncfs:306:267
cachestat:451:451
# pipes and pairs of sockets: both ends are in the room
pipe:22:- pipe2:293:59 socketpair:53:199
# talk over what is already open
recvfrom:45:207 recvmsg:47:212 recvmmsg:299:243 sendto:44:206 sendmsg:46:211 sendmmsg:307:269
shutdown:48:210 getsockname:51:204 getpeername:52:205 getsockopt:55:209 setsockopt:54:208
# wait
select:23:- pselect6:270:72 poll:7:- ppoll:271:73 epoll_create:213:- epoll_create1:291:20
epoll_ctl:233:21 epoll_wait:232:- epoll_pwait:281:22 epoll_pwait2:441:441 eventfd:284:-
eventfd2:290:19 signalfd:282:- signalfd4:289:74 timerfd_create:283:85 timerfd_settime:286:86
timerfd_gettime:287:87 pause:34:- nanosleep:35:101 clock_nanosleep:230:115
restart_syscall:219:128
# memory of this process
brk:12:214 mmap:9:222 munmap:11:215 mremap:25:216 mprotect:10:226 madvise:28:233 msync:26:227
mincore:27:232 mlock:149:228 mlock2:325:284 munlock:150:229 mlockall:151:230 munlockall:152:231
membarrier:324:283 get_mempolicy:239:236 set_mempolicy:238:237 mbind:237:235 pkey_alloc:330:289
pkey_free:331:290 pkey_mprotect:329:288 mseal:462:462 map_shadow_stack:453:-
# threads and processes of the room; flags of clone are looked at below
fork:57:- vfork:58:- clone:56:220 execve:59:221 execveat:322:281 exit:60:93 exit_group:231:94
wait4:61:260 waitid:247:95 set_tid_address:218:96 set_robust_list:273:99 get_robust_list:274:100
futex:202:98 futex_waitv:449:449 futex_wake:454:454 futex_wait:455:455 futex_requeue:456:456
rseq:334:293 arch_prctl:158:- get_thread_area:211:- set_thread_area:205:- gettid:186:178
getpid:39:172 getppid:110:173 tgkill:234:131 tkill:200:130 kill:62:129 rt_sigqueueinfo:129:138
rt_tgsigqueueinfo:297:240 pidfd_open:434:434 pidfd_send_signal:424:424 sched_yield:24:124
sched_getaffinity:204:123 sched_setaffinity:203:122 sched_getparam:143:121
sched_setparam:142:118 sched_getscheduler:145:120 sched_setscheduler:144:119
sched_getattr:315:275 sched_get_priority_max:146:125 sched_get_priority_min:147:126
sched_rr_get_interval:148:127 getcpu:309:168 getpriority:140:141 setpriority:141:140
prctl:157:167 setpgid:109:154 getpgid:121:155 getpgrp:111:- setsid:112:157 getsid:124:156
# signals and timers
rt_sigaction:13:134 rt_sigprocmask:14:135 rt_sigpending:127:136 rt_sigsuspend:130:133
rt_sigtimedwait:128:137 rt_sigreturn:15:139 sigaltstack:131:132 alarm:37:- getitimer:36:102
setitimer:38:103 timer_create:222:107 timer_settime:223:110 timer_gettime:224:108
timer_getoverrun:225:109 timer_delete:226:111
# clocks, identity, limits
time:201:- gettimeofday:96:169 clock_gettime:228:113 clock_getres:229:114 times:100:153
getuid:102:174 geteuid:107:175 getgid:104:176 getegid:108:177 getgroups:115:158
getresuid:118:148 getresgid:120:150 setuid:105:146 setgid:106:144 setreuid:113:145
setregid:114:143 setresuid:117:147 setresgid:119:149 setfsuid:122:151 setfsgid:123:152
setgroups:116:159 capget:125:90 getrlimit:97:163 setrlimit:160:164 prlimit64:302:261
getrusage:98:165 sysinfo:99:179 uname:63:160 getrandom:318:278
"""

# Refused with EPERM although a library may ask; anything not named at all gets ENOSYS.
_REFUSED = """
socket:41:198 connect:42:203 accept:43:202 accept4:288:242 bind:49:200 listen:50:201
ptrace:101:117 process_vm_readv:310:270 process_vm_writev:311:271 kcmp:312:272 pidfd_getfd:438:438
process_madvise:440:440 mount:165:40 umount2:166:39 pivot_root:155:41 chroot:161:51 unshare:272:97
setns:308:268 fsopen:430:430 fsconfig:431:431 fsmount:432:432 fspick:433:433 open_tree:428:428
move_mount:429:429 mount_setattr:442:442 bpf:321:280 perf_event_open:298:241 userfaultfd:323:282
io_uring_setup:425:425 io_uring_enter:426:426 io_uring_register:427:427 keyctl:250:219
add_key:248:217 request_key:249:218 fanotify_init:300:262 fanotify_mark:301:263
open_by_handle_at:304:265 name_to_handle_at:303:264 personality:135:92 memfd_create:319:279
memfd_secret:447:447 shmget:29:194 shmat:30:196 shmctl:31:195 semget:64:190 semop:65:193
semctl:66:191 msgget:68:186 msgsnd:69:189 msgrcv:70:188 msgctl:71:187 mq_open:240:180
seccomp:317:277 capset:126:91 swapon:167:224 swapoff:168:225 reboot:169:142 syslog:103:116
kexec_load:246:104 init_module:175:105 finit_module:313:273 delete_module:176:106 acct:163:89
sethostname:170:161 setdomainname:171:162 setxattr:188:5 lsetxattr:189:6 fsetxattr:190:7
iopl:172:- ioperm:173:- modify_ldt:154:- uselib:134:- ustat:136:- quotactl:179:60
clock_settime:227:112 settimeofday:164:170 adjtimex:159:171 lookup_dcookie:212:18
"""

_ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_CLONE = {"x86_64": 56, "aarch64": 220}
_IOCTL = {"x86_64": 16, "aarch64": 29}
_SOCKETPAIR = {"x86_64": 53, "aarch64": 199}
_AF_UNIX = 1
_TIOCSTI = 0x5412
_TIOCLINUX = 0x541C
_X32_BIT = 0x40000000

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_JUMP_EQUAL = 0x15
_JUMP_GREATER_EQUAL = 0x35
_JUMP_SET = 0x45
_RETURN = 0x06
_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000


def supported() -> bool:
    """Whether the tables above know this machine's architecture."""
    return platform.machine() in _ARCHITECTURES


def _numbers(table: str, machine: str) -> list[int]:
    column = _ARCHITECTURES[machine][0] + 1
    entries = [
        word.split(":")
        for line in table.splitlines()
        if not line.startswith("#")
        for word in line.split()
    ]
    return sorted(int(entry[column]) for entry in entries if entry[column] != "-")


def allowed_numbers(machine: str) -> list[int]:
    """The system-call numbers that the room may use on `machine`, in ascending order."""
    return _numbers(_ALLOWED, machine)


def refused_numbers(machine: str) -> list[int]:
    """The numbers that are refused by name on `machine`, in ascending order."""
    return _numbers(_REFUSED, machine)


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _argument(index: int) -> bytes:
    """Load the low half of an argument; both architectures are little-endian."""
    return _instruction(_LOAD, 16 + 8 * index)


def _ranges(answers: dict[int, bytes], otherwise: bytes) -> list[tuple[int, bytes]]:
    """All numbers as neighbours with one answer: (first, answer), in ascending order."""
    ranges: list[tuple[int, bytes]] = []
    for number in range(max(answers) + 2):
        answer = answers.get(number, otherwise)
        if not ranges or ranges[-1][1] != answer:
            ranges.append((number, answer))
    return ranges


def _search(ranges: list[tuple[int, bytes]]) -> list[bytes]:
    """Find a number's range by halving: the kernel tries all numbers when it installs this."""
    if len(ranges) == 1:
        return [ranges[0][1]]
    middle = len(ranges) // 2
    below, from_there_on = _search(ranges[:middle]), _search(ranges[middle:])
    first = ranges[middle][0]
    jump = _instruction(_JUMP_GREATER_EQUAL, first, len(below), 0)
    return [jump, *below, *from_there_on]


def build(machine: str | None = None) -> bytes:
    """The filter program for `machine` (this one's by default) as `struct sock_filter[]`.

    Raises:
        ValueError: The architecture is not in the tables.
    """
    machine = machine or platform.machine()
    if machine not in _ARCHITECTURES:
        raise ValueError(f"no system-call table for {machine}; known: {', '.join(_ARCHITECTURES)}")
    permit = _instruction(_RETURN, _ALLOW)
    refuse = _instruction(_RETURN, _ERRNO | errno.EPERM)
    unknown = _instruction(_RETURN, _ERRNO | errno.ENOSYS)
    kill = _instruction(_RETURN, _KILL_PROCESS)

    program = [
        _instruction(_LOAD, 4),  # the architecture
        _instruction(_JUMP_EQUAL, _ARCHITECTURES[machine][1], 1, 0),
        kill,
        _instruction(_LOAD, 0),  # the number of the call
        _instruction(_JUMP_GREATER_EQUAL, _X32_BIT, 0, 1),
        kill,
    ]
    # clone, when it asks for a namespace.
    program += [
        _instruction(_JUMP_EQUAL, _CLONE[machine], 0, 4),
        _argument(0),
        _instruction(_JUMP_SET, linux.ALL_NEW & 0xFFFFFFFF, 0, 1),
        refuse,
        permit,
    ]
    # socketpair, of any family but Unix.
    program += [
        _instruction(_JUMP_EQUAL, _SOCKETPAIR[machine], 0, 4),
        _argument(0),
        _instruction(_JUMP_EQUAL, _AF_UNIX, 1, 0),
        refuse,
        permit,
    ]
    # ioctl, when it types into a terminal.
    program += [
        _instruction(_JUMP_EQUAL, _IOCTL[machine], 0, 5),
        _argument(1),
        _instruction(_JUMP_EQUAL, _TIOCSTI, 1, 0),
        _instruction(_JUMP_EQUAL, _TIOCLINUX, 0, 1),
        refuse,
        permit,
    ]
    answers = dict.fromkeys(allowed_numbers(machine), permit)
    answers |= dict.fromkeys(refused_numbers(machine), refuse)
    return b"".join(program + _search(_ranges(answers, unknown)))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def install(program: bytes) -> None:
    """Put this process and all its children under `program`, for good.

    Raises:
        OSError: The kernel has no seccomp filters.
    """
    buffer = ctypes.create_string_buffer(program, len(program))
    header = _Program(len(program) // 8, ctypes.addressof(buffer))
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.prctl(linux.PR_SET_SECCOMP, linux.SECCOMP_MODE_FILTER, ctypes.addressof(header))
