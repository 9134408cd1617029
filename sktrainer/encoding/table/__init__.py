"""How a table's columns are recognised, what is learned of them, and how rows are encoded."""
