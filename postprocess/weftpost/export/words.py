"""What exported files say of themselves."""

from __future__ import annotations

from .described import Described, Trained

INPUT = """\
Input: x [n, {inputs}] float32, samples as the data file has them, /train/x or /test/x, their inputs
in its order; where it has uint8, times its attribute scale. Contrast normalisation, centring and
whitening are part of the network.
Output: {output}."""
FEATURES = """\
[n, {outputs}], the pooled responses of layer {layer}, as weft encode -codes_kind feedforward gives
them; 0 for a group that was removed"""
LOGITS = "[n, {outputs}], logits; the largest is the answer"
STRUCTURE_NAMES = """\
    layers.L.input.mean [d]                                u = (cn(x) - mean) . whitening
    layers.L.input.whitening [d, d]
    layers.L.weights [G p, d], layers.L.mask               the atoms, a row each; connections
    layers.L.windows [sites, window], layers.L.members     of a shared layer: inputs, and pools
    output.weights [classes, f], output.bias [classes]     of a readout: O and b

network.responses(x) gives the responses of every layer."""
NETWORK_NAMES = """\
    input.mean [d], input.whitening [d, d]                 u = (cn(x) - mean) . whitening
    layers.L.weights [G p, inputs], layers.L.mask          W, a row a unit; its connections
    layers.L.pooled.scale, shift, mean, variance           norm of pooled units; and of single
                                                           ones layers.L.single.*
    layers.L.pooled.channel [units]                        which channel, where units share them
    layers.L.windows [sites, window]                       of a shared layer: inputs of a site
    layers.L.members [pools, groups]                       groups of each pool
    hidden.I.weights [units, inputs], hidden.I.norm.*      H and its norm: scale, shift, ...
    output.weights [classes, f], output.bias [classes]     O and b"""
MODULE = """\
{title}

{words}

    import torch, {module}
    network = {module}.load()      # from {module}.pt beside this file
    with torch.no_grad():
        {output} = network(x)

To train it further: network.train(), and any optimiser of network.parameters(). Masked weights have
no effect and no gradient. In the state dict are

{names}

{about}
"""


def title(described: Described) -> str:
    what = "The trained network" if described.output == "logits" else "The learned structure"
    return f"{what} of {described.path.name}, exported by weftpost."


def input_and_output(described: Described) -> str:
    network = described.network
    form = LOGITS if described.output == "logits" else FEATURES
    output = form.format(outputs=network.outputs, layer=described.about.get("layer", ""))
    return INPUT.format(inputs=network.inputs, output=output)


def docstring(described: Described, module: str) -> str:
    trained = isinstance(described.network, Trained)
    about = "\n".join(f"{name}: {value}" for name, value in described.about.items())
    text = MODULE.format(
        title=title(described),
        words=input_and_output(described),
        module=module,
        output=described.output,
        names=NETWORK_NAMES if trained else STRUCTURE_NAMES,
        about=about,
    )
    return text.replace("\\", "\\\\").replace('"""', "'''")
