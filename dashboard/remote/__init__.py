"""Prometheus's remote protocols: what other servers and tools read from us and write to us in protobuf and snappy."""
