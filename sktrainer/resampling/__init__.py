"""Class imbalance: class weights and resampling of training rows."""
