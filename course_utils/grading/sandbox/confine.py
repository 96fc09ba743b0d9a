"""Taking from a process, for good, all that an answer does not need (Linux).

In this order: an own user and group where the grader runs as root; namespaces of its own for users, processes, network and
messages, where the system allows them; limits on time, memory, files and processes; Landlock, which leaves it Python
to read and one folder to write; seccomp, which takes the calls by which a process reaches others or the network. Landlock
and seccomp need no privilege. See landlock(7), seccomp(2), user_namespaces(7).
"""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MEMORY = 3 * 2**30  # bytes of address space; the libraries alone map one
FILE = 16 * 2**20  # bytes of one file
PROCESSES = 64
DESCRIPTORS = 256
NOBODY = 60_000  # the first of the users that answers run as where the grader is root

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 8, 38, 22
_READ_SEARCH = 1 << 2  # the capability to read what others own
_NEWUSER, _NEWPID, _NEWNET, _NEWIPC = 0x10000000, 0x20000000, 0x40000000, 0x08000000
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_READ = 1 << 0 | 1 << 2 | 1 << 3  # execute, read a file, read a folder
_FILE_ONLY = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14  # what may be said of a path that is no folder
_EPERM = 1


class NoSandbox(RuntimeError):
    """The system offers nothing to keep an answer in."""


@dataclass(frozen=True)
class Means:
    """What the system offers: the version of Landlock (0 is none), seccomp, and namespaces."""

    landlock: int
    seccomp: bool
    namespaces: int
    root: bool

    @property
    def processes(self) -> bool:
        """Whether an answer has a namespace of its own for processes."""
        return bool(self.namespaces & _NEWPID)

    def __str__(self) -> str:
        """Say aloud what holds an answer."""
        held = [f"Landlock {self.landlock}", "seccomp", "limits"]
        if self.root:
            held.append("a user of its own")
        if self.namespaces:
            names = {_NEWUSER: "users", _NEWPID: "processes", _NEWNET: "network", _NEWIPC: "messages"}
            held.append("namespaces (" + ", ".join(n for flag, n in names.items() if self.namespaces & flag) + ")")
        return ", ".join(held)


def means(namespaces: bool = True) -> Means:
    """Find out what the system offers, by trying it in processes that end at once.

    Raises
    ------
    NoSandbox
        It is no Linux, or one without Landlock or seccomp; says what would do.
    """
    what_to_do = (
        "Grade on Linux 5.13 or newer, where Landlock and seccomp are switched on (a virtual machine or a container will "
        "do), or say --unsafe to run answers with no more than limits: they could read and delete all that you can."
    )
    if sys.platform != "linux":
        raise NoSandbox(f"There is no sandbox for {platform.system() or sys.platform}. {what_to_do}")
    if platform.machine() not in _CALLS:
        raise NoSandbox(f"There is no sandbox for {platform.machine()} processors. {what_to_do}")
    landlock = max(_libc().syscall(_LANDLOCK_CREATE, None, 0, 1), 0)
    if not landlock:
        raise NoSandbox(f"This system has no Landlock. {what_to_do}")
    if not _survives(lambda: _seccomp(os.getpid())):
        raise NoSandbox(f"This system has no seccomp filters. {what_to_do}")
    root = os.geteuid() == 0
    found = 0
    if namespaces:
        user = 0 if root else _NEWUSER
        for flags in (user | _NEWPID | _NEWNET | _NEWIPC, user | _NEWNET | _NEWIPC, user | _NEWNET):
            if _survives(lambda flags=flags: _unshare(flags)):
                found = flags
                break
    return Means(landlock, True, found, root)


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have this process sent a signal when the one that made it ends."""
    _libc().prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def enter_namespaces(found: Means) -> bool:
    """Leave the system's namespaces; return whether the next process that is made is the first in its own."""
    if not found.namespaces:
        return False
    uid, gid = os.getuid(), os.getgid()
    _unshare(found.namespaces)
    if found.namespaces & _NEWUSER:
        for name, text in (("setgroups", "deny"), ("uid_map", f"65534 {uid} 1"), ("gid_map", f"65534 {gid} 1")):
            Path(f"/proc/self/{name}").write_text(text)
    return bool(found.namespaces & _NEWPID)


def become_nobody(user: int) -> None:
    """Where this is root: become a user who owns nothing but its folder.

    Of root's capabilities one is kept, to read: Python may lie in a folder of root's. What may be read Landlock says.
    """
    if os.geteuid() == 0:
        libc = _libc()
        os.setgroups([])
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        header, sets = struct.pack("=Ii", 0x20080522, 0), struct.pack("=6I", _READ_SEARCH, _READ_SEARCH, 0, 0, 0, 0)
        _check(libc.capset(header, sets), "capset")


def confine(found: Means, ruleset: int, seconds: float) -> None:
    """Give up everything; cannot be taken back. The last step before a student's code runs.

    Parameters
    ----------
    ruleset
        From :func:`landlock_rules`; -1 for none.
    seconds
        Of the processor, all that is done together.
    """
    libc = _libc()
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    limit(seconds, 0 if found.root or found.namespaces & _NEWUSER else tasks_of_user())
    if ruleset >= 0:
        _check(libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0), "landlock_restrict_self")
        os.close(ruleset)
    _seccomp(os.getpid())


def limit(seconds: float, others: int) -> None:
    """Limit the time, the memory, the files and the processes of this process and of those that it makes.

    Parameters
    ----------
    others
        How many processes the user has anyway, who is the one whose processes the system counts.
    """
    whole = int(seconds) + 1
    for kind, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_CPU, whole, whole + 2),
        (resource.RLIMIT_AS, MEMORY, MEMORY),
        (resource.RLIMIT_FSIZE, FILE, FILE),
        (resource.RLIMIT_NOFILE, DESCRIPTORS, DESCRIPTORS),
        (resource.RLIMIT_NPROC, others + PROCESSES, others + PROCESSES),
    ):
        most = resource.getrlimit(kind)[1]
        if most != resource.RLIM_INFINITY:
            soft, hard = min(soft, most), min(hard, most)
        resource.setrlimit(kind, (soft, hard))


def tasks_of_user() -> int:
    """Count the threads of this user's processes."""
    count, uid = 0, os.getuid()
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                if entry.stat().st_uid == uid:
                    count += len(os.listdir(f"/proc/{entry.name}/task"))
            except OSError:  # it has ended
                continue
    return count


# -- Landlock


def landlock_rules(found: Means, readable: Iterable[Path], writable: Iterable[Path]) -> int:
    """Make a set of rules: what may be read, and run; and what may be written as well. Return its descriptor."""
    libc, version = _libc(), found.landlock
    handled = (1 << (13 + (version >= 2) + (version >= 3) + (version >= 5))) - 1
    network = 3 if version >= 4 else 0  # to bind, and to connect
    scoped = 3 if version >= 6 else 0  # sockets of others, and signals to others
    attributes = struct.pack("QQQ", handled, network, scoped)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules = _check(libc.syscall(_LANDLOCK_CREATE, attributes, size, 0), "landlock_create_ruleset")
    for paths, access in ((readable, _READ), (writable, handled)):
        for path in paths:
            _allow(rules, path, access & handled)
    os.set_inheritable(rules, True)
    return rules


def _allow(rules: int, path: Path, access: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # not there, so nothing to allow
    try:
        access &= -1 if path.is_dir() else _FILE_ONLY
        rule = struct.pack("=Qi", access, descriptor)
        _check(_libc().syscall(_LANDLOCK_ADD, rules, 1, rule, 0), "landlock_add_rule")
    finally:
        os.close(descriptor)


# -- seccomp

_NAMES = (
    "socket", "connect", "bind", "listen", "accept", "accept4", "ptrace", "process_vm_readv", "process_vm_writev",
    "setsid", "setpgid", "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "bpf", "perf_event_open", "keyctl",
    "add_key", "request_key", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register", "open_by_handle_at",
    "name_to_handle_at", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon",
    "swapoff", "acct", "quotactl", "syslog", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "sethostname",
    "setdomainname", "pidfd_send_signal", "pidfd_open", "pidfd_getfd", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "kcmp",
    "personality", "vhangup", "fanotify_init", "move_pages", "migrate_pages", "mbind",
)  # fmt: skip
_CALLS = {
    "x86_64": {
        "arch": 0xC000003E, "kill": 62, "tkill": 200, "tgkill": 234, "clone": 56, "clone3": 435, "prlimit64": 302,
        "socket": 41, "connect": 42, "bind": 49, "listen": 50, "accept": 43, "accept4": 288, "ptrace": 101,
        "process_vm_readv": 310, "process_vm_writev": 311, "setsid": 112, "setpgid": 109, "unshare": 272, "setns": 308,
        "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "bpf": 321, "perf_event_open": 298, "keyctl": 250,
        "add_key": 248, "request_key": 249, "userfaultfd": 323, "io_uring_setup": 425, "io_uring_enter": 426,
        "io_uring_register": 427, "open_by_handle_at": 304, "name_to_handle_at": 303, "init_module": 175,
        "finit_module": 313, "delete_module": 176, "kexec_load": 246, "kexec_file_load": 320, "reboot": 169, "swapon": 167,
        "swapoff": 168, "acct": 163, "quotactl": 179, "syslog": 103, "settimeofday": 164, "clock_settime": 227,
        "adjtimex": 159, "clock_adjtime": 305, "sethostname": 170, "setdomainname": 171, "pidfd_send_signal": 424,
        "pidfd_open": 434, "pidfd_getfd": 438, "rt_sigqueueinfo": 129, "rt_tgsigqueueinfo": 297, "kcmp": 312,
        "personality": 135, "vhangup": 153, "fanotify_init": 300, "move_pages": 279, "migrate_pages": 256, "mbind": 237,
    },
    "aarch64": {
        "arch": 0xC00000B7, "kill": 129, "tkill": 130, "tgkill": 131, "clone": 220, "clone3": 435, "prlimit64": 261,
        "socket": 198, "connect": 203, "bind": 200, "listen": 201, "accept": 202, "accept4": 242, "ptrace": 117,
        "process_vm_readv": 270, "process_vm_writev": 271, "setsid": 157, "setpgid": 154, "unshare": 97, "setns": 268,
        "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "bpf": 280, "perf_event_open": 241, "keyctl": 219,
        "add_key": 217, "request_key": 218, "userfaultfd": 282, "io_uring_setup": 425, "io_uring_enter": 426,
        "io_uring_register": 427, "open_by_handle_at": 265, "name_to_handle_at": 264, "init_module": 105,
        "finit_module": 273, "delete_module": 106, "kexec_load": 104, "kexec_file_load": 294, "reboot": 142, "swapon": 224,
        "swapoff": 225, "acct": 89, "quotactl": 60, "syslog": 116, "settimeofday": 170, "clock_settime": 112,
        "adjtimex": 171, "clock_adjtime": 266, "sethostname": 161, "setdomainname": 162, "pidfd_send_signal": 424,
        "pidfd_open": 434, "pidfd_getfd": 438, "rt_sigqueueinfo": 138, "rt_tgsigqueueinfo": 240, "kcmp": 272,
        "personality": 92, "vhangup": 58, "fanotify_init": 262, "move_pages": 239, "migrate_pages": 238, "mbind": 235,
    },
}  # fmt: skip

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # operations of classic BPF
_ALLOW, _DENY, _NO_SUCH, _KILL = 0x7FFF0000, 0x00050000 | _EPERM, 0x00050000 | 38, 0x80000000


def _seccomp(own_pid: int) -> None:
    """Refuse calls that reach beyond this process; signals may go to itself only."""
    calls = _CALLS[platform.machine()]
    program = [
        (_LOAD, 0, 0, 4),
        (_EQUAL, 1, 0, calls["arch"]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),
        (_AT_LEAST, 0, 1, 0x40000000),  # the other numbering of calls on x86-64
        (_RETURN, 0, 0, _KILL),
    ]
    for name in _NAMES:
        program += [(_EQUAL, 0, 1, calls[name]), (_RETURN, 0, 0, _DENY)]
    program += [(_EQUAL, 0, 1, calls["clone3"]), (_RETURN, 0, 0, _NO_SUCH)]  # libraries take clone then
    for name in ("kill", "tkill", "tgkill"):
        program += [(_EQUAL, 0, 4, calls[name]), (_LOAD, 0, 0, 16), (_EQUAL, 1, 0, own_pid), (_RETURN, 0, 0, _DENY)]
        program += [(_RETURN, 0, 0, _ALLOW)]
    program += [(_EQUAL, 0, 4, calls["clone"]), (_LOAD, 0, 0, 16), (_ANY_BIT, 0, 1, 0x7E020000), (_RETURN, 0, 0, _DENY)]
    program += [(_RETURN, 0, 0, _ALLOW)]
    program += [(_EQUAL, 0, 4, calls["prlimit64"]), (_LOAD, 0, 0, 16), (_EQUAL, 1, 0, 0), (_RETURN, 0, 0, _DENY)]
    program += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _ALLOW)]
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("=H6xQ", len(program), ctypes.addressof(buffer))
    libc = _libc()
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _check(libc.prctl(_PR_SET_SECCOMP, 2, header, 0, 0), "seccomp")


# -- calls of the system


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, name: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def _unshare(flags: int) -> None:
    _check(_libc().unshare(flags), "unshare")


def _survives(act) -> bool:
    """Try something in a process that ends at once; one more process must be possible after it."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
            inner = os.fork()
            if inner == 0:
                os._exit(0)
            os.waitpid(inner, 0)
            os._exit(0)
        except BaseException:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
