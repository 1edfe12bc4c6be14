"""The engine by itself: what a step costs, how many sessions it holds, and how near it comes to the hardware."""
