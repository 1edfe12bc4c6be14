"""What gateway and workers send each other, generated from protos/nacre/internal/v1."""
