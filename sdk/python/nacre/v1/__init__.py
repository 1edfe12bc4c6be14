"""The public contract as Python messages, generated from protos/nacre/v1."""
