"""What the decoders of open models cost: counted at full size, measured at a small one."""
