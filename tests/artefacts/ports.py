"""Ports for servers that want to be told theirs."""

import random
import socket

# Nobody gets these by chance: systems hand out ports from 32768 on to whoever asks for any, also to each client, so
# that a port from there may be taken between asking for it and using it.
LEAST, MOST = 12000, 32000
_given = set()


def free_port():
    while True:
        port = random.SystemRandom().randrange(LEAST, MOST)
        if port in _given:
            continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port
