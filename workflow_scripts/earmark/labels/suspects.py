"""Which labels are wrong: the probability of that, for each clip.

Evidence about a clip's true class are probabilities by models that did not learn from the clip:
the networks that held out its fold, and trees on short descriptions of clips. With weights a of the
kinds of evidence e, the clip x is of class k with probability q(k|x), in proportion to the product
of p_e(k|x)^a_e. A label that nobody checked is wrong with the probability r, whatever the sound,
and then each other class is as likely: y is given with probability (1 - r) q(y|x) + r (1 - q(y|x))
/ (classes - 1), in which the second term is the part of wrong labels. The weights and r have the
highest likelihood of all labels; of labels that people checked, it is q(y|x). So these are a
trusted set, as in Hendrycks et al. 2018 (Using Trusted Data to Train Deep Networks on Labels
Corrupted by Severe Noise); without any, r is an estimate from the models' disagreement alone.

It is assumed that different clips' labels are wrong independently. Where one class is given for
another again and again, the models learn that: such labels are suspects, but fewer are counted than
are wrong. ``Suspicion.checks`` shows it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import optimize, special

# Below this, the models' probabilities say no more than "hardly".
LOWEST_PROBABILITY = 1e-6
TREES = 500
CLIPS_OF_LEAF = 2
DRAWS = 200
PARAMETER_BOUNDS = (-7.0, 7.0)
# A weak prior (mean, standard deviation) of log weights, and of the logit of the rate of wrong
# labels: it decides where there are few clips only.
WEIGHT_PRIOR, RATE_PRIOR = (0.0, 1.0), (-2.0, 1.5)


@dataclass(frozen=True)
class Labels:
    """Labels of n clips as class numbers: ``given`` (n,) by the list, ``true`` (n,) where known.

    ``true`` is -1 where nobody checked. ``checked`` (n,) says where the given label was known to
    the one who checked: there, it tells how often labels are wrong.
    """

    given: np.ndarray
    true: np.ndarray
    checked: np.ndarray


@dataclass(frozen=True)
class Suspicion:
    """What the evidence says of ``labels``.

    ``parameters`` are log weights of the kinds of evidence and the logit of the rate of wrong
    labels; ``covariance`` is that of their likelihood.
    """

    logs: np.ndarray
    labels: Labels
    parameters: np.ndarray
    covariance: np.ndarray

    @cached_property
    def classes(self) -> np.ndarray:
        """Probabilities (n, classes) of the true class, the label left out of account."""
        return _classes(self.logs, self.parameters)

    @cached_property
    def probability(self) -> np.ndarray:
        """Probability (n,) that a label is wrong; 0 or 1 where the true one is known."""
        return _wrong(self.logs, self.labels, self.parameters)

    @property
    def rate(self) -> float:
        """Share of the labels that nobody checked that are wrong."""
        return float(special.expit(self.parameters[-1]))

    @property
    def is_informed(self) -> bool:
        """Whether the evidence tells more of the labels that nobody checked than their frequencies
        do (Akaike 1974). Where it does not, any number of them may be wrong.
        """
        unknown = self.labels.true < 0
        _, right, wrong = _of_given(self.logs, self.labels, self.parameters)
        given = self.labels.given[unknown]
        shares = np.bincount(given)[given] / max(len(given), 1)
        tiny = np.finfo(float).tiny
        gain = np.log(np.maximum((right + wrong)[unknown], tiny) / shares).sum()
        return not len(given) or bool(gain > len(self.parameters))

    @property
    def checks(self) -> tuple[int, float, float]:
        """Of the given labels that were checked, how many were wrong, and how many the evidence
        expects, with the standard deviation of that.
        """
        unknown = replace(self.labels, true=np.full(len(self.labels.true), -1))
        expected = _wrong(self.logs, unknown, self.parameters)[self.labels.checked]
        wrong = int((self.labels.true != self.labels.given)[self.labels.checked].sum())
        return wrong, float(expected.sum()), float(np.sqrt((expected * (1 - expected)).sum()))

    def counts(self, groups: np.ndarray, seed: int) -> np.ndarray:
        """Numbers of wrong labels (3, groups): expected, and bounds of 95 %.

        ``groups`` (groups, n) has 1 for clips of a group. Parameters are drawn from the normal
        approximation of their likelihood, and labels then by their probabilities.
        """
        random = np.random.default_rng(seed)
        drawn = []
        for parameters in random.multivariate_normal(self.parameters, self.covariance, DRAWS):
            probability = _wrong(self.logs, self.labels, parameters)
            drawn.append(groups @ (random.random(len(probability)) < probability))
        bounds = np.percentile(drawn, [2.5, 97.5], axis=0)
        return np.stack([groups @ self.probability, *bounds])


def fit(evidence: Sequence[np.ndarray], labels: Labels) -> Suspicion:
    """The ``Suspicion`` of labels by probabilities (n, classes) of each kind of evidence."""
    logs = np.log(np.maximum(np.stack(evidence), LOWEST_PROBABILITY))
    start = np.array([WEIGHT_PRIOR[0]] * len(evidence) + [RATE_PRIOR[0]])

    def loss(parameters: np.ndarray) -> float:
        return -_log_likelihood(logs, labels, parameters)

    found = optimize.minimize(
        loss, start, method="L-BFGS-B", bounds=[PARAMETER_BOUNDS] * len(start)
    )
    # The prior alone bounds the curvature; less is an error of its estimate.
    curvatures, directions = np.linalg.eigh(_hessian(loss, found.x))
    lowest = 1 / max(WEIGHT_PRIOR[1], RATE_PRIOR[1]) ** 2
    covariance = (directions / np.maximum(curvatures, lowest)) @ directions.T
    return Suspicion(logs, labels, found.x, covariance)


def _classes(logs: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    weighted = np.tensordot(np.exp(parameters[:-1]), logs, axes=1)
    return np.asarray(special.softmax(weighted, axis=1))


def _of_given(
    logs: np.ndarray, labels: Labels, parameters: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities of classes (n, classes), and of a right and a wrong given label (n,) each."""
    classes = _classes(logs, parameters)
    rate, others = special.expit(parameters[-1]), classes.shape[1] - 1
    of_given = classes[np.arange(len(classes)), labels.given]
    return classes, (1 - rate) * of_given, rate * (1 - of_given) / others


def _wrong(logs: np.ndarray, labels: Labels, parameters: np.ndarray) -> np.ndarray:
    _, right, wrong = _of_given(logs, labels, parameters)
    unknown = wrong / np.maximum(right + wrong, np.finfo(float).tiny)
    return np.where(labels.true < 0, unknown, labels.true != labels.given)


def _log_likelihood(logs: np.ndarray, labels: Labels, parameters: np.ndarray) -> float:
    classes, right, wrong = _of_given(logs, labels, parameters)
    rate, others = special.expit(parameters[-1]), classes.shape[1] - 1
    of_true = classes[np.arange(len(classes)), labels.true]
    given_by_true = np.where(labels.true == labels.given, 1 - rate, rate / others)
    of_true = np.where(labels.checked, of_true * given_by_true, of_true)
    likelihood = np.where(labels.true < 0, right + wrong, of_true)
    priors = np.array([WEIGHT_PRIOR] * len(logs) + [RATE_PRIOR])
    prior = np.square((parameters - priors[:, 0]) / priors[:, 1]).sum() / 2
    return float(np.log(np.maximum(likelihood, LOWEST_PROBABILITY**2)).sum() - prior)


def _hessian(function: Callable[[np.ndarray], float], at: np.ndarray) -> np.ndarray:
    """Second derivatives (d, d) by central differences."""
    size = 0.02
    steps = size * np.eye(len(at))

    def slope(point: np.ndarray, step: np.ndarray) -> float:
        return (function(point + step) - function(point - step)) / (2 * size)

    return np.array(
        [[(slope(at + a, b) - slope(at - a, b)) / (2 * size) for a in steps] for b in steps]
    )


def by_trees(points: np.ndarray, labels: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """Probabilities (n, classes) of clips at ``points`` (n, d), by trees that left the clip out.

    They are extremely randomised trees (Geurts et al. 2006), each grown on a bootstrap sample, and
    so predict the third of the clips that are not in it: also from clips of the same recording.
    """
    # The forest of scikit-learn keeps all trees: gigabytes, where there are many clips and classes.
    from sklearn.tree import ExtraTreeClassifier
    from sklearn.utils import check_random_state

    points = np.asarray(points, dtype=np.float32)
    found = np.zeros((len(points), classes))
    random = check_random_state(seed)
    for number in random.randint(np.iinfo(np.int32).max, size=TREES):
        tree = ExtraTreeClassifier(min_samples_leaf=CLIPS_OF_LEAF, random_state=number)
        drawn = check_random_state(number).randint(len(points), size=len(points), dtype=np.int32)
        times = np.bincount(drawn, minlength=len(points))
        tree.fit(points, labels, sample_weight=times)
        left_out = np.flatnonzero(times == 0)
        if len(left_out):
            found[np.ix_(left_out, tree.classes_)] += tree.predict_proba(points[left_out])
    # A share of few trees is seldom exactly none, and a clip may be in all samples.
    found /= np.maximum(found.sum(axis=1, keepdims=True), 1)
    found += 1 / TREES
    return np.asarray(found / found.sum(axis=1, keepdims=True))
