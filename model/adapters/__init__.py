"""Open models in Nacre's terms: their networks, codecs and text encoders, read from checkpoints in public layouts."""
