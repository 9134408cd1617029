"""Backend for Keras: models, builders, scikeras and keras.wrappers."""

from sktrainer.backends.spec import BackendSpec

SPEC = BackendSpec(
    name="keras",
    packages=("keras", "scikeras"),
    address="sktrainer.backends.keras.backend:KerasBackend",
    extra="keras",
    accepts_builders=True,
    holds_networks=True,
    type_ids=(
        ("sktrainer/keras-estimator", "sktrainer.backends.keras.estimator.KerasEstimator"),
        ("sktrainer/keras-output-spec", "sktrainer.backends.keras.outputs.OutputSpec"),
    ),
    # TensorFlow logs the processor and the missing GPU, whatever its log level is.
    import_noise=(
        "before absl::InitializeLog()",
        "oneDNN custom operations are on",
        "Could not find cuda drivers",
        "This TensorFlow binary is optimized",
        "To enable the following instructions",
    ),
)
