"""Every limit of the gateway. Bytes are bytes on the wire; times have their unit in the name."""

from __future__ import annotations

from typing import Final

# Credentials
MAX_TOKEN_CHARACTERS: Final = 8_192
AUTH_SECONDS: Final = 5.0
"""From the handshake to a valid token; also what the handshake itself may take."""
TOKEN_WARNING_SECONDS: Final = 30
"""How long before its token expires a client is told."""
KEYS_SECONDS: Final = 300.0
"""How old the keys of CARILLON_TOKEN_JWKS_URL may be; they are fetched again before. Older ones count while none come."""
KEYS_AGAIN_SECONDS: Final = 15.0
"""After a fetch that failed."""
UNKNOWN_KEY_SECONDS: Final = 30.0
"""Between two fetches because tokens name keys that are not known: anybody can make such a token."""
KEY_FETCH_SECONDS: Final = 3.0
"""What a fetch may take. A socket waits for it within its AUTH_SECONDS."""
MAX_KEY_SET_BYTES: Final = 262_144
MAX_TOKEN_KEYS: Final = 64
RSA_KEY_BITS: Final = (2_048, 8_192)
"""Shorter keys are weak; longer ones take milliseconds for each token."""

# Readiness
READY_GRACE_SECONDS: Final = 60.0
"""How long Kafka or MongoDB may not answer before the gateway is not ready; longer than an election takes."""

# HTTP requests
REQUESTS_PER_SECOND: Final = 50.0
REQUEST_BURST: Final = 200.0
MAX_NAMED_ORIGINS: Final = 100
"""Refused origins that are named in the log: each once, and no more of them than these."""
MAX_LIMITED_USERS: Final = 10_000
"""Users whose buckets are kept; the one that was not met for longest starts again with a full bucket."""
MAX_PAGE: Final = 100
MAX_OFFSET: Final = 1_000_000
MAX_PAGE_BYTES: Final = 2_097_152
"""Rows of one page: what is beyond it is on the next one."""
MAX_CONCURRENT_PAGES: Final = 32
"""Pages read at once by one process: with MAX_PAGE_BYTES the bound of what they hold."""
MAX_SEARCH_CHARACTERS: Final = 100
MAX_SEARCH_WORDS: Final = 10
MAX_SEARCHED_ROWS: Final = 5_000
"""The newest rows of an inbox that a search by text looks at; older ones it does not find."""
MAX_CONCURRENT_SEARCHES: Final = 8
"""Searches by text at once by one process: each reads contents."""
MAX_COUNTS: Final = 20
"""Filters that one call counts by."""
MAX_BATCH_BYTES: Final = 65_536
"""Of a body with MAX_COMMAND_IDS ids, or MAX_COUNTS filters."""
MAX_PREFERENCES_BYTES: Final = 65_536
MAX_PREFERENCE_ENTRIES: Final = 500
"""Categories, workflows, channels or digests that one user chooses about."""
MAX_UNSUBSCRIBE_BYTES: Final = 8_192
"""Of the form of a one-click unsubscription, in either encoding."""

# Sockets
SOCKETS_PER_USER: Final = 50
"""In one process, unless the settings say otherwise."""
SOCKETS_PER_ADDRESS: Final = 2_000
"""The same: an office or a mobile network may have one address for thousands."""
UNAUTHENTICATED_PER_ADDRESS: Final = 500
"""The same. Each may hold some KiB for AUTH_SECONDS."""
HANDSHAKES_PER_ADDRESS: Final = 100.0
"""The same, per second."""
HANDSHAKE_BURST_SECONDS: Final = 10
"""An address may open as many at once as in so many seconds: all of it comes back when a process has ended."""
MAX_LIMITED_ADDRESSES: Final = 10_000
"""Addresses whose handshakes are counted; the one that was not met for longest starts again with a full bucket."""
ACCEPT_BACKLOG: Final = 2_048
"""Connections that wait to be accepted. With asyncio's 100 the kernel drops the others of a crowd that comes at once, and the
last of them try again after a minute or two. It is also bounded by net.core.somaxconn."""
MAX_OPENING_CONNECTIONS: Final = 4_000
"""Connections of one process that have not sent their request yet; more are cut off."""

# What clients send over a socket
MAX_UNAUTHENTICATED_MESSAGE_BYTES: Final = 12_288
"""A token of MAX_TOKEN_CHARACTERS, a cursor, and the JSON around them."""
MAX_MESSAGE_BYTES: Final = 65_536
MAX_QUEUED_MESSAGES: Final = 16
"""Received and not yet handled; beyond it the socket is not read."""
MESSAGES_PER_SECOND: Final = 20.0
MESSAGE_BURST: Final = 100.0
FRAMES_PER_SECOND: Final = 200.0
FRAME_BURST: Final = 1_000.0
"""Of one socket, whatever they are: a message of MAX_MESSAGE_BYTES in fragments, and pings."""
READ_SLICE_BYTES: Final = 4_096
"""What is made frames of at once, before they are counted."""
MAX_COMMAND_IDS: Final = 100
MAX_REF_CHARACTERS: Final = 64
MAX_CURSOR_CHARACTERS: Final = 200
"""Ours have about 40."""

# What is sent over a socket
MAX_OUTBOX_BYTES: Final = 1_048_576
"""What one connection may have waiting, in its outbox and its transport together."""
MAX_WRITE_BUFFER_BYTES: Final = 1_048_576
"""Above it websockets' own writes (pongs, closing) wait for the client to read."""
FANOUT_WRITE_BYTES: Final = 65_536
"""Written before everything else has its turn, and inbox events that one user is told of at once: a sixteenth of an outbox,
so that a burst is not taken for a slow client, and as much as stays in a processor's cache."""
PING_SECONDS: Final = 20
CLOSE_SECONDS: Final = 3.0
RECONNECT_MS: Final = (200, 5_000)
"""Clients of a process that ends come back spread over this time."""
HAND_OVER_SECONDS: Final = 0.25
"""Between two slices of connections that a process which ends sends away."""
HAND_OVER_SLICE: Final = 25
"""Connections sent away at once, if that leaves enough time for all of them."""
BACKLOG_STEP: Final = 8
"""What all connections have waiting is counted each time an eighth of its bound was written."""
FULL_SECONDS: Final = 5
"""When to come back to a process that has no room."""
MAX_REFUSED_CONNECTIONS: Final = 100
"""Sockets beyond the bound that are told so by a close code, all at once; more get a plain 503."""

# Resuming
MAX_RESUME_ROWS: Final = 300
"""More than these are not sent one by one: the client reads the inbox again."""
MAX_RESUME_BYTES: Final = 524_288
"""The same, by the size of their rows: more is not even read."""
MAX_CATCH_UP_BYTES: Final = 786_432
"""The same, by the size of the messages: what is sent at once must fit into the connection's outbox."""
RESUME_OVERLAP_MS: Final = 5_000
"""How long a change may take from its time stamp until it can be read and is announced."""
MAX_CONCURRENT_SNAPSHOTS: Final = 64
"""Inboxes read at once by one process, so that many reconnects at once do not become as many queries."""
RECENT_OFFSETS: Final = 256
"""The newest offsets a session remembers, to add rows to an unread count that was made before they came."""

# The log
MAX_FETCH_RECORDS: Final = 2_000
MAX_EVENT_ITEMS: Final = 500
"""Items in one inbox event."""
PUBLISH_SECONDS: Final = 2.0
"""How long a change may take to be acknowledged before its caller is told to repeat it."""
