"""Whether a setting is a URI that its driver would take. The messages hold nothing of it: it may hold a password."""

from __future__ import annotations

import warnings
from typing import Final

from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

SCHEMES: Final = ("mongodb://", "mongodb+srv://")


def check_uri(uri: str) -> None:
    """Raises ValueError unless it is a URI of MongoDB. Looks nothing up."""
    if not uri.startswith(SCHEMES):
        raise ValueError("a URI of MongoDB begins with mongodb:// or mongodb+srv://")
    if uri.startswith(SCHEMES[1]):
        return  # what it means is in the DNS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parse_uri(uri)
    except (PyMongoError, ValueError, TypeError):
        raise ValueError(
            "no URI of MongoDB: write mongodb://host:port[,host:port]/?replicaSet=NAME, "
            "with user:password@ before the hosts, both percent-encoded, if it wants one"
        ) from None
