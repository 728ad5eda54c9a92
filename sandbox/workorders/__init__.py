"""The work orders' office page and technician app: a small product on the platform, with the gateway behind its own port."""
