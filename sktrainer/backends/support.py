"""Optional parts of a backend."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from sktrainer.types import ClassWeightForm

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class ColumnParameter:
    """Model parameter that refers to columns, by name or position.

    The trainer translates its value from the user's columns to the encoded columns.

    Attributes
    ----------
    kind : {"each", "weights", "groups", "listed", "categories", "types", "strings"}
        Meaning of the value: one sign per column ("each"), one weight per column, groups of
        columns, a list of columns, categorical columns (detected by the encoder), column
        types (taken from the table), or columns that must stay unencoded ("strings").
    form : callable, default=list
        Converts a list to the type that the library expects.
    """

    kind: Literal["each", "weights", "groups", "listed", "categories", "types", "strings"]
    form: Callable[[list[Any]], Any] = list


@dataclass(frozen=True)
class MissingParameter:
    """Model parameter that declares a number as missing, such as `missing` of XGBoost.

    With the automatic preprocessor, which replaces the number by NaN, it is unset.

    Attributes
    ----------
    number : callable
        Converts the value of the parameter to the number; NaN if there is none.
    unset : object
        Value of the parameter that declares only NaN as missing.
    """

    number: Callable[[Any], float]
    unset: object


@dataclass(frozen=True)
class InputLimits:
    """Tables and matrices that a library refuses, and sktrainer converts.

    Attributes
    ----------
    name_characters : str
        Characters that column names must not contain.
    sparse_floats_only : bool
        Whether sparse matrices must contain floats.
    """

    name_characters: str = ""
    sparse_floats_only: bool = False


#: How the value of a parameter names classes: a mapping of labels to weights, or one weight
#: per class ("weights"); a mapping of labels or a list of some labels ("labels"); all labels,
#: in the order of the weights in another parameter, unset once these are translated ("order");
#: one label ("label"); or a scikit-learn scorer with `pos_label` or `labels` ("scorer").
ClassParameterKind: TypeAlias = Literal["weights", "labels", "order", "label", "scorer"]


@dataclass(frozen=True)
class ClassParameter:
    """Meaning of a model parameter whose value names classes or weights them.

    Attributes
    ----------
    names : ClassParameterKind or None, default=None
        How the value names classes. It is translated from labels to class codes.
    weights : ClassWeightForm or None, default=None
        How the value weights the classes: a weight per class by label or in class order, or
        the name of a rule ("labels"); the same with positions as keys ("codes"); the weight of
        the second of two classes ("positive"); whether two classes are balanced ("balance");
        anything else that changes the class shares ("other").
    """

    names: ClassParameterKind | None = None
    weights: ClassWeightForm | None = None


#: `class_weight` as in scikit-learn.
CLASS_WEIGHT = ClassParameter("weights", "labels")

DECREASE = "decrease {name} (now {value})"
INCREASE = "increase {name} (now {value})"


@dataclass(frozen=True)
class SafeSetting:
    """Value of a parameter that prevents divergence; `aliases` are its other names."""

    value: float
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class ParameterSpec:
    """Names of the model parameters that code outside the backend has to know.

    Attributes
    ----------
    seeds : tuple of str
        Seeds. Retries are useless if one is set, because each gives the same model.
    losses : tuple of str
        Loss functions. They decide whether a constant baseline can be compared.
    threads, verbosity : tuple of str
        Parameters that change speed and output text, but not the fitted model.
    columns : mapping of str to ColumnParameter
        Parameters that refer to columns.
    classes : mapping of str to ClassParameter
        Parameters that name or weight classes. A name of one that only weights them may be a
        path: "criterion.weight" is an attribute, "fit_kwargs.class_weight" a key.
    missing : mapping of str to MissingParameter
        Parameters that declare a number as missing.
    patience : tuple of str
        Patience of the model's own early stopping. A name may be a path that contains a
        class: "callbacks.EarlyStopping.patience".
    nested_defaults : mapping of str to object
        Values that are set on a model inside another one, where the user left them unset.
    divergence_fixes : mapping of str to str
        Changes that help against divergence, the most effective first: `INCREASE`, `DECREASE`
        or another text with the fields name and value.
    safe_settings : mapping of str to SafeSetting
        The first one that the user left at its default is tried once after a fit of a
        classifier that diverged.
    """

    seeds: tuple[str, ...] = ("random_state",)
    losses: tuple[str, ...] = ("loss",)
    threads: tuple[str, ...] = ("n_jobs",)
    verbosity: tuple[str, ...] = ("verbose",)
    columns: Mapping[str, ColumnParameter] = field(default_factory=dict)
    classes: Mapping[str, ClassParameter] = field(
        default_factory=lambda: {"class_weight": ClassParameter(weights="labels")}
    )
    missing: Mapping[str, MissingParameter] = field(default_factory=dict)
    patience: tuple[str, ...] = ("n_iter_no_change",)
    nested_defaults: Mapping[str, Any] = field(default_factory=dict)
    divergence_fixes: Mapping[str, str] = field(default_factory=dict)
    safe_settings: Mapping[str, SafeSetting] = field(default_factory=dict)


@dataclass(frozen=True)
class AllowedTypes:
    """Import paths that a `.skt` file may name without being trusted by the user.

    Attributes
    ----------
    objects : tuple of str
        Classes that are constructed from a state, without calling their constructor.
    functions : tuple of str
        Functions that the objects holding them call later, with any arguments.
    classes : tuple of str
        Classes that the objects holding them call later, with any arguments.
    class_prefixes : tuple of str
        Modules all of whose own classes are allowed, each with a final dot.
    refused : tuple of str
        Module prefixes of classes that must never be constructed from a state.
    unstable : tuple of str
        Entries of a state that differ between two equal models.
    """

    objects: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    class_prefixes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    unstable: tuple[str, ...] = ()


def import_paths(module: str, names: str) -> tuple[str, ...]:
    """Return the import paths of names in a module.

    Examples
    --------
    >>> import_paths("numpy", "max min")
    ('numpy.max', 'numpy.min')
    """
    return tuple(f"{module}.{name}" for name in names.split())


@dataclass(frozen=True)
class ModelParts:
    """Fitted model split into the wrapper's state and the native model files.

    Attributes
    ----------
    state : object
        State of the scikit-learn wrapper: parameters and fitted attributes.
    files : mapping of str to bytes
        Content of the files in the library's native format, by file name.
    """

    state: Any
    files: Mapping[str, bytes] = field(default_factory=dict)


class ModelSerializer(Protocol):
    """Serialization of one library's models; loading executes no code from the file.

    Attributes
    ----------
    suffixes : tuple of str
        Suffixes of native files.
    """

    suffixes: tuple[str, ...]

    def split(self, model: Any) -> ModelParts:
        """Split a fitted model without modifying it."""

    def join(self, parts: ModelParts) -> Any:
        """Rebuild the model from its parts, with bit-identical predictions."""

    def write(self, model: Any, path: Path) -> None:
        """Write the native model to a file that the library itself can read."""


class NetworkSerializer(Protocol):
    """Serialization of networks, on their own or as parameters of estimators.

    Attributes
    ----------
    prefix : str
        Prefix of the file names for networks in the trainer's parameters.
    """

    prefix: str

    def to_files(self, value: object, prefix: str) -> tuple[Any, dict[str, bytes]]:
        """Return the value with placeholders for its networks, and the networks as files."""

    def from_files(self, value: object, files: Mapping[str, bytes], prefix: str) -> Any:
        """Rebuild the value passed to `to_files`; the names in the files must be trusted."""

    def names_in(self, files: Mapping[str, bytes]) -> set[str]:
        """Return the import paths in the files that are not known to be safe."""


class NetworkSupport(Protocol):
    """Networks of a library: recognized, wrapped in estimators, copied and pickled.

    `random_state`, `set_random_state` and `seed` are called for imported libraries only.

    Attributes
    ----------
    serializer : NetworkSerializer
    """

    serializer: NetworkSerializer

    def is_raw(self, value: object) -> bool:
        """Return whether this is a network or its class, which is not an estimator yet."""

    def wrap(self, value: object) -> Any:
        """Return the estimator that trains a network or a wrapper of the library."""

    def clone(self, value: object) -> Any:
        """Return a copy whose pickle and hash depend on its content alone."""

    def encode(self, value: object) -> Any:
        """Return plain values with a reproducible pickle; `value` itself if it needs none."""

    def decode(self, encoded: object) -> Any:
        """Restore the value passed to `encode`."""

    def describe(self, value: object) -> Any:
        """Return values that identify an object and can be hashed; None for other objects."""

    def problems(self, model: Any) -> list[str]:
        """Return a message for each model parameter that prevents training."""

    def was_trained(self, model: Any) -> bool:
        """Return whether the network in this model has been trained before."""

    def runtime_packages(self, model: Any) -> tuple[str, ...]:
        """Return the packages below the estimator, whose versions identify a run."""

    def random_state(self) -> Any:
        """Return the state of the library's global random generators, comparable by `==`."""

    def set_random_state(self, state: Any) -> None:
        """Restore a state that `random_state` returned."""

    def seed(self, seed: int) -> None:
        """Seed the library's global random generators."""


class OnnxConverter(Protocol):
    """Conversion of one library's models to ONNX."""

    def problems(self, model: Any) -> list[str]:
        """Return the reasons, known without trying, why the model cannot be exported."""

    def convert(
        self, model: Any, n_columns: int, *, exact: bool, opsets: Mapping[str, int]
    ) -> onnx.ModelProto:
        """Convert a fitted model of `n_columns` features."""
