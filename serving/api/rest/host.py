"""Checks the header Host of requests to a server that answers this machine only."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable


def names_this_machine(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Returns whether the header Host is `localhost` or an IP address, or is missing.

    A page of another site can make the browser ask this server, if the name of the site leads to this machine (DNS
    rebinding). Then Host is that name.
    """
    host = dict(headers).get(b"host", b"").decode("latin-1").lower()
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if name in ("", "localhost") or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
