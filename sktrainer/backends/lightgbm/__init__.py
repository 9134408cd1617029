"""Backend for LightGBM."""

from sktrainer.backends.support import BackendSpec

SPEC = BackendSpec(
    name="lightgbm",
    packages=("lightgbm",),
    address="sktrainer.backends.lightgbm.backend:LightGBMBackend",
    extra="lightgbm",
)
