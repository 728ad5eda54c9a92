"""The outside world, in one process: an SMTP server, the APIs of the providers and webhooks, which can be told to fail and call back."""
