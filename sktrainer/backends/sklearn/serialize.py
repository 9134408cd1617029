"""Files of scikit-learn models, and the types that a file may contain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sktrainer.backends.sklearn.stacked_trees import stack_trees, unstack_trees, without_trees
from sktrainer.backends.support import AllowedTypes, ModelParts, import_paths
from sktrainer.exceptions import InputError

_OVER, _UNDER = "imblearn.over_sampling", "imblearn.under_sampling"
_CLEANING = f"{_UNDER}._prototype_selection"

_SAMPLERS = (
    f"{_OVER}._adasyn.ADASYN",
    f"{_OVER}._random_over_sampler.RandomOverSampler",
    *import_paths(f"{_OVER}._smote.base", "SMOTE SMOTEN SMOTENC"),
    *import_paths(f"{_OVER}._smote.filter", "BorderlineSMOTE SVMSMOTE"),
    f"{_OVER}._smote.cluster.KMeansSMOTE",
    f"{_UNDER}._prototype_generation._cluster_centroids.ClusterCentroids",
    f"{_CLEANING}._condensed_nearest_neighbour.CondensedNearestNeighbour",
    *import_paths(
        f"{_CLEANING}._edited_nearest_neighbours",
        "AllKNN EditedNearestNeighbours RepeatedEditedNearestNeighbours",
    ),
    f"{_CLEANING}._instance_hardness_threshold.InstanceHardnessThreshold",
    f"{_CLEANING}._nearmiss.NearMiss",
    f"{_CLEANING}._neighbourhood_cleaning_rule.NeighbourhoodCleaningRule",
    f"{_CLEANING}._one_sided_selection.OneSidedSelection",
    f"{_CLEANING}._random_under_sampler.RandomUnderSampler",
    f"{_CLEANING}._tomek_links.TomekLinks",
    "imblearn.combine._smote_enn.SMOTEENN",
    "imblearn.combine._smote_tomek.SMOTETomek",
)

# The types that skops trusts need not be listed.
ALLOWED_TYPES = AllowedTypes(
    objects=(
        "imblearn.pipeline.Pipeline",
        *_SAMPLERS,
        *import_paths(
            "sklearn.model_selection._split",
            "GroupKFold GroupShuffleSplit KFold LeaveOneGroupOut LeaveOneOut LeavePGroupsOut "
            "LeavePOut PredefinedSplit RepeatedKFold RepeatedStratifiedKFold ShuffleSplit "
            "StratifiedGroupKFold StratifiedKFold StratifiedShuffleSplit TimeSeriesSplit "
            "_CVIterableWrapper",
        ),
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        *import_paths(
            "sklearn.metrics._dist_metrics",
            "ChebyshevDistance64 EuclideanDistance32 EuclideanDistance64 ManhattanDistance64 "
            "MinkowskiDistance64",
        ),
        *import_paths("sklearn.metrics._scorer", "_PassthroughScorer _Scorer"),
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._kd_tree.KDTree",
        *import_paths(
            "sklearn.neural_network._stochastic_optimizers", "AdamOptimizer SGDOptimizer"
        ),
        *import_paths(
            "sklearn.gaussian_process.kernels",
            "CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation "
            "Hyperparameter Matern Product RBF RationalQuadratic Sum WhiteKernel",
        ),
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        *import_paths(
            "sklearn.calibration",
            "_CalibratedClassifier _SigmoidCalibration _TemperatureScaling",
        ),
        "sklearn.linear_model._glm._newton_solver.NewtonCholeskySolver",
        "sklearn.preprocessing._label.LabelEncoder",
        "sklearn._loss.loss.HalfTweedieLossIdentity",
        "sklearn.cluster._bisect_k_means._BisectingTree",
        "scipy.interpolate._bsplines.BSpline",
        *import_paths(
            "sklearn.utils._metadata_requests", "MetadataRequest MethodMetadataRequest"
        ),
    ),
    functions=(
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        *import_paths("sklearn.cluster._kmeans", "_kmeans_single_elkan _kmeans_single_lloyd"),
        "sklearn.utils.validation.check_array",
        *import_paths(
            "sklearn.feature_selection._univariate_selection",
            "chi2 f_classif f_oneway f_regression r_regression",
        ),
        *import_paths(
            "sklearn.feature_selection._mutual_info",
            "mutual_info_classif mutual_info_regression",
        ),
    ),
)


class SklearnSerializer:
    """Format of scikit-learn models: a state, and the joined trees of ensembles."""

    suffixes: tuple[str, ...] = ()

    def split(self, model: Any) -> ModelParts:
        """Split off the trees of an ensemble."""
        stacked = stack_trees(model)
        if stacked is None:
            return ModelParts(model)
        return ModelParts({"model": without_trees(model), "trees": stacked[0]}, stacked[1])

    def join(self, parts: ModelParts) -> Any:
        """Rebuild the trees of an ensemble."""
        state = parts.state
        if not isinstance(state, dict) or set(state) != {"model", "trees"}:
            return state
        unstack_trees(state["model"], state["trees"], parts.files)
        return state["model"]

    def write(self, model: Any, path: Path) -> None:
        """Raise an error."""
        raise InputError(f"{type(model).__name__} has no native file format")
