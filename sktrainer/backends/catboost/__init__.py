"""CatBoost backend."""
