"""What the service measures about itself. Imports nothing of ours: whoever measures brings the values."""
