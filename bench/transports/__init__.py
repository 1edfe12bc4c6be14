"""What a hop of latents from a transformer worker to a decoder worker takes, by every way there is."""
