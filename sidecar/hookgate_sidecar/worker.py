"""One of several processes that serve the same sockets; started by the supervisor alone.

Its first lines: what is imported here cannot be missing, what is imported later may be.
"""

import pickle
import signal
import socket
import struct
import sys

from .orphan import end_with


def main() -> None:
    """Run with descriptors of the channel and the listening sockets.

    Between the first listening socket and the others stands the supervisor's process id.
    """
    # A terminal's go to the supervisor too, which decides.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    control, first, supervisor, *others = map(int, sys.argv[1:])
    end_with(supervisor)
    channel = socket.socket(fileno=control)
    try:
        from .serving import run  # noqa: PLC0415  # a new version may be half installed
    except Exception as error:  # noqa: BLE001  # whatever it is, the supervisor says it
        problem = pickle.dumps(f"{type(error).__name__}: {error}")
        channel.sendall(struct.pack("!I", len(problem)) + problem)
        sys.exit(1)
    sys.exit(run(channel, [socket.socket(fileno=descriptor) for descriptor in (first, *others)]))


if __name__ == "__main__":
    main()
