"""Who may read and write what, by the permission bits of each folder on the way."""

import grp
import os
import pwd
import stat
from pathlib import Path

_BITS = {"r": 4, "w": 2, "x": 1}


def groups_of(user: pwd.struct_passwd) -> frozenset[int]:
    """Return the groups that a user is in."""
    others = [group.gr_gid for group in grp.getgrall() if user.pw_name in group.gr_mem]
    if user.pw_uid == os.geteuid():
        others += os.getgroups()  # a container may have given it some
    return frozenset((user.pw_gid, *others))


def obstacle(user: pwd.struct_passwd, path: Path, wanted: str) -> Path | None:
    """Return what keeps a user from a file, itself or a folder above it; None where nothing does.

    `wanted` is of "rwx". Bits alone are looked at: no ACL, no SELinux, no read-only mount.
    Raises OSError where it cannot be looked at.
    """
    path = Path(os.path.realpath(path))
    if user.pw_uid == 0:
        path.stat()
        return None
    groups = groups_of(user)
    for folder in reversed(path.parents):
        if not _may(user, groups, folder.stat(), "x"):
            return folder
    return None if _may(user, groups, path.stat(), wanted) else path


def _may(
    user: pwd.struct_passwd, groups: frozenset[int], status: os.stat_result, wanted: str
) -> bool:
    bits = stat.S_IMODE(status.st_mode)
    if status.st_uid == user.pw_uid:
        bits >>= 6
    elif status.st_gid in groups:
        bits >>= 3
    return all(bits & _BITS[letter] for letter in wanted)
