"""The outside world, in one process: an SMTP server and a webhook receiver that can be told to fail."""
