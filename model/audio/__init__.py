"""Sound of a chunk: oscillators, band noise, and the codec built of both."""
