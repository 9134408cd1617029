"""Backend for PyTorch: skorch nets and Modules."""

from sktrainer.backends.spec import BackendSpec

SPEC = BackendSpec(
    name="torch",
    packages=("skorch", "torch"),
    address="sktrainer.backends.torch.backend:TorchBackend",
    extra="torch",
    holds_networks=True,
    type_ids=(("sktrainer/module-net", "sktrainer.backends.torch.estimator.ModuleNet"),),
)
