"""What a session survives and how quickly: kills, moves, forks, rewinds, parking, saving."""
