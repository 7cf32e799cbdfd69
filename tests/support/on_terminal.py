"""Run a command with a terminal of its own, at which nobody types.

    python on_terminal.py COMMAND ...

The command takes this process over: its id and its streams stay, and /dev/tty is the terminal.
"""

import fcntl
import os
import pty
import sys
import termios

os.setsid()
ends = pty.openpty()
fcntl.ioctl(ends[1], termios.TIOCSCTTY, 0)
for end in ends:  # the terminal is there for as long as they are open
    os.set_inheritable(end, True)
os.execvp(sys.argv[1], sys.argv[1:])
