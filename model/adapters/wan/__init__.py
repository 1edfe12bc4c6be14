"""The causal Wan family as one streaming transformer: Self-Forcing (Wan 2.1), Matrix-Game 2.0, ABot-World (Wan 2.2)."""
