"""Backend of another distribution: linear models that are trained by gradient descent."""

from sktrainer.backends.spec import BackendSpec

SPEC = BackendSpec("toy", ("tests.toy_backend",), "tests.toy_backend.backend:ToyBackend")
