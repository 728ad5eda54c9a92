"""The stack without Docker: a supervisor, real Kafka, real MongoDB, and a sink in the place of the outside world."""
