"""Why there is no connection, in words that tell a closed port from a wrong scheme."""

from __future__ import annotations

import os
import socket
import ssl


def why(error: Exception) -> str:
    """The kind of error, and the system's reason where it has one; nothing of the address."""
    cause = getattr(error, "os_error", error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        reason = cause.verify_message
    elif isinstance(cause, ssl.SSLError):
        reason = "no TLS that both have; is it wss there?"
    elif isinstance(cause, socket.gaierror):
        reason = cause.strerror or ""
    elif isinstance(cause, OSError) and cause.errno:
        reason = os.strerror(cause.errno)
    else:
        reason = "" if cause is error else type(cause).__name__
    return ": ".join(filter(None, (type(error).__name__, reason)))
