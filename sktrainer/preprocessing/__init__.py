"""Column type detection, and learning and applying the encoding of each column."""
