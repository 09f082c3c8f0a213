"""What models are trained on: digits, and distributions in the plane."""
