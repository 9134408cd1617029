"""XGBoost backend."""
