"""Code shared by the neural network backends."""
