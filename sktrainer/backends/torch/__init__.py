"""PyTorch backend: skorch nets and torch modules."""
