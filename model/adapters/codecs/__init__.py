"""Codecs of the open models: latents to frames and pictures to latents, streaming, with a cache per session."""
