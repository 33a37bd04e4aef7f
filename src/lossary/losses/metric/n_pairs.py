"""A pair of one label against all samples of other labels at once."""

from lossary.declare import (
    Claims,
    Elicits,
    Embedding,
    Example,
    Keep,
    Labels,
    Link,
    Paper,
    PerAnchor,
    Task,
    loss,
    softplus,
)

from .partners import EXEMPT, log_sum, mean_over, partners, positives, sides


def _terms(e, labels, i, m):
    """For every partner the value of the pair, and the sizes of the products it is made of."""
    near, far = sides(labels, i)
    if not near or not far:
        return []
    sizes = [m.dot(map(abs, e[i]), map(abs, each)) for each in e]
    others = [m.dot(e[i], e[k]) for k in far]
    found = []
    for j in near:
        own = m.dot(e[i], e[j])
        found.append(
            (m.log(1 + m.sum([m.exp(s - own) for s in others])), sizes[j] + max(sizes[k] for k in far))
        )
    return found


def _sizes(e, labels, i, m):
    pairs = _terms(e, labels, i, m)
    return m.sum([(1 - m.exp(-value)) * size for value, size in pairs]) / max(len(pairs), 1)


@loss(
    title="N-pairs loss",
    task=Task.METRIC,
    link=Link.IDENTITY,
    outputs="an embedding",
    decode="the embedding; compare by the scalar product",
    coupled=True,
    elicits=Elicits.EMBEDDING,
    constant="any embedding that is the same for all gives log(1 + Q), with Q samples of other labels",
    claims=Claims(lower=0.0),
    cancels=_sizes,
    counts=positives,
    symbolic=False,
    formula=r"\frac{1}{|P_i|} \sum_{j \in P_i} \log\left(1 + \sum_{k \in N_i} e^{x_i \cdot x_k - x_i \cdot x_j}\right) "
            r"\text{ with } P_i \text{ the samples of its label and } N_i \text{ those of others}",
    derivative=r"\frac{1}{|P_i|} \sum_j \sum_k q_{jk} (x_k - x_j) \text{ by the anchor } x_i, \text{ with } q_{jk} = "
               r"\frac{e^{x_i \cdot x_k}}{e^{x_i \cdot x_j} + \sum_l e^{x_i \cdot x_l}}",
    example=Example(
        (((1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.0, 2.0)), (0, 0, 1, 1), 0), 1.5514447139320511,
        "products 0 with its partner, 1 and 0 with the others: log(1 + e + 1)",
    ),
    use_when="A batch holds many labels, and each pair should be told from all the others at once.",
    avoid_when="Nothing bounds the length of embeddings: it grows without end; add a penalty on it, as the paper does.",
    aliases=("n_pair", "npairs", "multi_class_n_pair", "n_plus_one_tuplet"),
    elsewhere={
        "pytorch_metric_learning.losses.NPairsLoss": "no factor: it draws one pair for each label, the negatives are "
        "the other pairs' second samples, and embeddings are scaled to length 1",
        "tensorflow_addons.losses.npairs_loss": "no factor: it is given logits, and a row's positives share its target",
    },
    exempt=EXEMPT,
    paper=Paper("Sohn", 2016, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective"),
)  # fmt: skip
def n_pairs(embeddings: Embedding, labels: Labels, *, keep: Keep = None) -> PerAnchor:
    """The probability of a partner among itself and all samples of other labels, by scalar products: its -log.

    Shapes: embeddings (N, D), labels (N,); per unit (N,): the mean over a sample's partners, which counts as often as
    there are partners. The paper's batch holds two samples of each label; here all others serve as negatives.
    """
    positive, negative = partners(labels, keep)
    products = embeddings @ embeddings.mT
    costs = softplus(log_sum(products, negative).unsqueeze(1) - products)
    pairs = positive & negative.any(1, keepdim=True)
    return mean_over(costs, pairs), pairs.sum(1), None


@n_pairs.definition
def _(e, labels, i, m):
    pairs = _terms(e, labels, i, m)
    return m.sum([value for value, _ in pairs]) / len(pairs) if pairs else None
