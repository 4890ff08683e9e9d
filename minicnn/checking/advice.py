"""For each kind of mistake, the place in a backward pass where it is usually made."""

from __future__ import annotations

from minicnn.checking.report import Finding

NEXT_STEP = {
    "zero": "look for the line that should write this gradient: a branch that is never taken, an "
    "array made with zeros and never filled, a mask that is always false",
    "sign": "go through the derivative term by term; the usual places are d(a - b)/db = -1 and "
    "d(1/a)/da = -1/a**2, or a loss that forgot its minus",
    "scale": "compare the factor with the sizes at hand: batch size, number of pixels, window "
    "size, 1 - p. Where forward takes a mean, backward divides by the same count; where it "
    "takes a sum, it does not. The division by the batch size belongs to the loss alone",
    "transposed": "write the shape of each factor beside it. With y = x @ w it is "
    "dx = dy @ w.T and dw = x.T @ dy",
    "flipped": "forward pairs w[m, n] with x[i+m, j+n], so dx[i+m, j+n] += w[m, n] * dy[i, j] with "
    "the kernel as it is. Only where dx is written as a convolution of dy is the kernel turned "
    "around, along both axes; for dw never",
    "shifted": "compare the indices in backward with those in forward, above all how padding, "
    "stride and dilation enter: x[i*stride + m - padding]",
    "swapped": "check the order: of the gradients that backward returns, of the keys in grads, "
    "and of channel indices after a reshape or transpose",
    "wrong-axis": "sum over exactly the axes that forward broadcasts over or reduces. A bias "
    "added to y of shape (N, F) has the gradient dy.sum(axis=0); for (N, C, H, W) it is "
    "dy.sum(axis=(0, 2, 3))",
    "overlap": "where windows overlap, add: dx[...] += ..., not dx[...] = .... With index arrays "
    "use np.add.at, since dx[index] += counts each place once",
    "border": "check the first and last row and column: the padding must be cut off dx by as much "
    "as forward added, and the range of the loop must reach the last window",
    "partial-batch": "let the loop, or the sum, run over all samples; a return inside the loop "
    "and an index such as x[0] or x[-1] are the usual causes",
    "missing-term": "draw how the output depends on this array. Each path (a statistic such as "
    "mean or variance, a skip connection, a second use of the same array) adds one term",
    "ignores-dy": "multiply by dy: backward must return the derivative times dy (the chain rule), "
    "not the derivative alone. A loss gets dy too, 1 by default",
    "mask": "decide where the gradient passes by what forward saw (x > 0, the place of the "
    "maximum, the kept units of dropout), and keep that in the cache",
    "subgradient": "at a kink, such as relu at 0 or a tie in max pooling, return a number between "
    "the slopes on the two sides; for relu at 0 anything from 0 to 1",
    "shape": "return one gradient for each array, of exactly its shape; print both shapes, and "
    "undo a keepdims, reshape or broadcast of forward",
    "dtype": "make the gradient with the dtype of its array: np.zeros_like(x), or "
    "np.zeros(x.shape, x.dtype); avoid float32 constants and astype in between",
    "mutates": "do not write into what was passed in: start with a copy, and replace a *= b by "
    "a = a * b",
    "alias": "return and store copies (np.array(x), dx.copy()), so that changing one array leaves "
    "the others alone",
    "stale-cache": "let every forward overwrite all that backward reads, and let backward read "
    "nothing else",
    "accumulates": "write grads['w'] = ..., not grads['w'] += ...; whoever wants a sum over "
    "several batches adds them up outside",
    "nondeterministic": "draw from a np.random.Generator kept on the object (self.rng; for a pair "
    "of functions, one made in forward from a seed it is given), once per forward, and keep what "
    "was drawn for backward",
    "nonlinear-in-dy": "dy may only be multiplied and added up: look for a place where it is "
    "squared, clipped, normalised or compared (a mask such as dy > 0: a mask is made in forward, "
    "from x), or where a constant is added",
    "error": "where a line is named above, begin there. NaN and infinity come from a logarithm or "
    "root of what is not positive, a division by zero, or the exponential of a large number: try "
    "inputs for which the function is defined",
    "other": "take the smallest shapes at which it still fails, compute the entry named above by "
    "hand, and compare it with each line of backward",
}

# Where the evidence says more than the name does.
NOT_FINITE = (
    "find the first line that gives NaN or infinity: a logarithm or root of what is not positive, "
    "a division by zero, the exponential of a large number. Where forward is not defined, as a "
    "logarithm of negative numbers, give other inputs, such as positive ones"
)
RAISED = (
    "where a line is named above, begin there, and print the shapes just before it. backward is "
    "called with dy, an array of the shape of y; that of a pair with dy and the cache"
)
NOT_WRITTEN = "write this part; until then there is no gradient to compare"
NO_ARRAY = "let the function return what the sentence asks for, then check again"
MISSING = (
    "store each gradient in grads under the key its array has in params, and return dx from "
    "backward (of a pair: one gradient for each array, in the order of forward's arguments)"
)


def next_step(finding: Finding) -> str:
    """Say where to look next.

    Parameters
    ----------
    finding
        Its slug decides, and for errors and missing gradients its evidence as well.
    """
    found = finding.evidence
    if finding.slug == "error":
        if "not_finite" in found:
            return NOT_FINITE
        if "exception" in found:
            return NOT_WRITTEN if found["exception"] == "NotImplementedError" else RAISED
        return NO_ARRAY
    if finding.slug == "shape" and found.get("received", ()) is None:
        return MISSING
    return NEXT_STEP[finding.slug]


UNDECIDED = (
    "The differences are too coarse to tell: they are rounding noise where the gradient is tiny "
    "beside the output. Pass random inputs of order one, smaller shapes, or float64 arrays."
)
