"""Keras backend: Keras models, scikeras and keras.wrappers estimators."""
