"""The page that a stack shows first: two phones, what to send them, what became of it, and a gateway to kill."""
