"""Import paths that a file may contain without being trusted by the user, by role.

Before you add a name, read what constructing it from any state, or calling it with any
arguments, can do. `docs/design/0007-files.md` lists what to look for.
"""

from __future__ import annotations

import importlib

__all__ = ["is_allowed"]


_SKLEARN_SPLITTERS = (
    "GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut LeavePGroupsOut LeavePOut "
    "PredefinedSplit RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedGroupKFold "
    "StratifiedKFold StratifiedShuffleSplit TimeSeriesSplit _CVIterableWrapper"
)


_OVER = "imblearn.over_sampling."


_UNDER = "imblearn.under_sampling."


_CLEANING = f"{_UNDER}_prototype_selection."


def _names(prefix: str, words: str) -> set[str]:
    return {prefix + word for word in words.split()}


# Classes that are constructed from a state, without calling their constructor.
ALLOWED_OBJECTS: frozenset[str] = frozenset(
    {
        "sktrainer.preprocessing.table_encoder.TableEncoder",
        "sktrainer.resampling.smote.TableSMOTE",
        "sktrainer.data.type_inference.ColumnDecision",
        "sktrainer.data.dates.DateFormat",
        "sktrainer.data.levels.Levels",
        "sktrainer.data.schema.ColumnContract",
        "sktrainer.preprocessing.fit_matrix.MatrixTransform",
        "sktrainer.preprocessing.fit_sparse.SparseTransform",
        "sktrainer.preprocessing.table_transform.TableTransform",
        *_names(
            "sktrainer.preprocessing.postprocessing.", "Postprocessing PostprocessingColumns"
        ),
        *_names(
            "sktrainer.preprocessing.column_transforms.",
            "DateTransform LevelTransform NumericTransform OneHotTransform",
        ),
        "sktrainer.training.partial_fit.state.PartialFitState",
        "sktrainer.types.MetricValue",
        "sktrainer.backends._networks.placeholders.NetworkPlaceholder",
        "sktrainer.backends._networks.placeholders.EstimatorPlaceholder",
        *_names("sklearn.model_selection._split.", _SKLEARN_SPLITTERS),
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.metrics._dist_metrics.EuclideanDistance64",
        *_names(
            "sklearn.metrics._dist_metrics.",
            "ChebyshevDistance64 EuclideanDistance32 ManhattanDistance64 MinkowskiDistance64",
        ),
        "sklearn.metrics._scorer._Scorer",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        *_names("sklearn.neural_network._stochastic_optimizers.", "AdamOptimizer SGDOptimizer"),
        *_names(
            "sklearn.gaussian_process.kernels.",
            "CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation "
            "Hyperparameter Matern Product RBF RationalQuadratic Sum WhiteKernel",
        ),
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        *_names("sklearn.calibration.", "_SigmoidCalibration _TemperatureScaling"),
        "sklearn.linear_model._glm._newton_solver.NewtonCholeskySolver",
        "sklearn.preprocessing._label.LabelEncoder",
        "sklearn._loss.loss.HalfTweedieLossIdentity",
        "sklearn.cluster._bisect_k_means._BisectingTree",
        "scipy.interpolate._bsplines.BSpline",
        "sklearn.utils._metadata_requests.MetadataRequest",
        "sklearn.utils._metadata_requests.MethodMetadataRequest",
        "imblearn.pipeline.Pipeline",
        f"{_OVER}_adasyn.ADASYN",
        f"{_OVER}_random_over_sampler.RandomOverSampler",
        *_names(f"{_OVER}_smote.base.", "SMOTE SMOTEN SMOTENC"),
        *_names(f"{_OVER}_smote.filter.", "BorderlineSMOTE SVMSMOTE"),
        f"{_OVER}_smote.cluster.KMeansSMOTE",
        f"{_UNDER}_prototype_generation._cluster_centroids.ClusterCentroids",
        f"{_CLEANING}_condensed_nearest_neighbour.CondensedNearestNeighbour",
        *_names(
            f"{_CLEANING}_edited_nearest_neighbours.",
            "AllKNN EditedNearestNeighbours RepeatedEditedNearestNeighbours",
        ),
        f"{_CLEANING}_instance_hardness_threshold.InstanceHardnessThreshold",
        f"{_CLEANING}_nearmiss.NearMiss",
        f"{_CLEANING}_neighbourhood_cleaning_rule.NeighbourhoodCleaningRule",
        f"{_CLEANING}_one_sided_selection.OneSidedSelection",
        f"{_CLEANING}_random_under_sampler.RandomUnderSampler",
        f"{_CLEANING}_tomek_links.TomekLinks",
        "imblearn.combine._smote_enn.SMOTEENN",
        "imblearn.combine._smote_tomek.SMOTETomek",
        "xgboost.core.Booster",
        *_names(
            "xgboost.sklearn.",
            "XGBClassifier XGBRFClassifier XGBRFRegressor XGBRanker XGBRegressor",
        ),
        "lightgbm.basic.Booster",
        *_names("lightgbm.sklearn.", "LGBMClassifier LGBMRanker LGBMRegressor"),
        *_names(
            "catboost.core.", "CatBoost CatBoostClassifier CatBoostRanker CatBoostRegressor"
        ),
        "sktrainer.backends.keras.outputs.OutputSpec",
        "sktrainer.backends._networks.target_scale.TargetScale",
        *_names(
            "keras.src.callbacks.",
            "early_stopping.EarlyStopping learning_rate_scheduler.LearningRateScheduler "
            "terminate_on_nan.TerminateOnNaN",
        ),
        "keras.src.wrappers.utils.TargetReshaper",
        *_names(
            "scikeras.utils.transformers.",
            "ClassifierLabelEncoder RegressorTargetEncoder TargetReshaper",
        ),
        "skorch.dataset.ValidSplit",
        *_names("skorch.callbacks.logging.", "EpochTimer PrintLog"),
        "skorch.callbacks.lr_scheduler.LRScheduler",
        "skorch.callbacks.regularization.GradientNormClipping",
        *_names("skorch.callbacks.scoring.", "BatchScoring EpochScoring PassthroughScoring"),
        "skorch.callbacks.training.EarlyStopping",
    }
)


# Functions that are called later by the objects that hold them, with any arguments.
ALLOWED_FUNCTIONS: frozenset[str] = frozenset(
    {
        *_names("numpy.", "max mean median min std sum var"),
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        *_names("sklearn.cluster._kmeans.", "_kmeans_single_elkan _kmeans_single_lloyd"),
        "sklearn.utils.validation.check_array",
        *_names(
            "sklearn.feature_selection._univariate_selection.",
            "chi2 f_classif f_oneway f_regression r_regression",
        ),
        *_names(
            "sklearn.feature_selection._mutual_info.",
            "mutual_info_classif mutual_info_regression",
        ),
        "skorch.utils._indexing_other",
        "skorch.utils.to_numpy",
    }
)


METRICS_PREFIX = "sklearn.metrics."


# Classes that are called later by the objects that hold them.
ALLOWED_CLASSES: frozenset[str] = frozenset(
    {
        *_names("builtins.", "bool bytes dict float int list print set str tuple"),
        "collections.OrderedDict",
        "torch.utils.data.dataloader.DataLoader",
        "skorch.dataset.Dataset",
        *_names(
            "skorch.",
            "classifier.NeuralNetBinaryClassifier classifier.NeuralNetClassifier "
            "net.NeuralNet regressor.NeuralNetRegressor",
        ),
        "sktrainer.backends.torch.estimator.ModuleNet",
        "sktrainer.backends.keras.estimator.KerasEstimator",
        *_names("scikeras.wrappers.", "BaseWrapper KerasClassifier KerasRegressor"),
        *_names("keras.src.wrappers.sklearn_wrapper.", "SKLearnClassifier SKLearnRegressor"),
        *_names(
            "catboost.core.", "CatBoost CatBoostClassifier CatBoostRanker CatBoostRegressor"
        ),
    }
)


TYPES_FROM = (
    "keras.src.losses.",
    "keras.src.metrics.",
    "keras.src.optimizers.",
    "torch.nn.modules.",
    "torch.optim.",
)


# Called on loading, with arguments from the file.
ALLOWED_CALLS: frozenset[str] = frozenset(
    {
        "builtins.complex",
        "builtins.frozenset",
        "builtins.range",
        *_names("datetime.", "date datetime time timedelta timezone"),
        "decimal.Decimal",
        "uuid.UUID",
        "zoneinfo.ZoneInfo",
    }
)


# Types of dict keys.
ALLOWED_KEY_TYPES: frozenset[str] = frozenset(
    {
        *_names("builtins.", "float int str"),
        *_names("numpy.", "float16 float32 float64 int16 int32 int64 int8 str_"),
        *_names("numpy.", "uint16 uint32 uint64 uint8"),
    }
)


def is_allowed(role: str, name: str) -> bool:
    """Return whether a file may use a name in this role without the user's trust.

    Parameters
    ----------
    role : {"object", "function", "type", "call", "key"}
    name : str

    Examples
    --------
    >>> is_allowed("object", "lightgbm.basic.Booster"), is_allowed("function", "os.system")
    (True, False)
    """
    if role == "function":
        return name in ALLOWED_FUNCTIONS or _is_metric(name)
    if role == "type":
        return name in ALLOWED_CLASSES or _is_part_of_a_net(name)
    return (
        name
        in {"object": ALLOWED_OBJECTS, "call": ALLOWED_CALLS, "key": ALLOWED_KEY_TYPES}[role]
    )


def _is_part_of_a_net(name: str) -> bool:
    """Return whether a name is a class of torch or Keras, under its defining module.

    A module may import other names too, and these must not be reachable through it.
    """
    if not name.startswith(TYPES_FROM):
        return False
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return False
    return isinstance(found, type) and f"{found.__module__}.{found.__name__}" == name


def _is_metric(name: str) -> bool:
    """Return whether a name is a public metric function of scikit-learn."""
    if not name.startswith(METRICS_PREFIX):
        return False
    import sklearn.metrics

    module, _, function = name.rpartition(".")
    found = (
        getattr(sklearn.metrics, function, None) if function in sklearn.metrics.__all__ else 0
    )
    return getattr(found, "__module__", None) == module
