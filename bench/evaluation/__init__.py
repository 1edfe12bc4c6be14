"""The instrument: fixed scripts played through the model's stages, and what they show."""
