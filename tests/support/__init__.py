"""What the tests share: a recording upstream, the sidecar as a process, raw sockets, ledgers."""
