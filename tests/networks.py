"""Small torch Modules, in a separate module so that other processes can import them."""

from __future__ import annotations

import torch
from torch import nn


class SmallNet(nn.Module):
    """Network whose number of outputs follows from the target."""

    def __init__(self, hidden=8, dropout=0.1, n_outputs=1):
        super().__init__()
        self.layers = nn.Sequential(
            nn.LazyLinear(hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, n_outputs)
        )

    def forward(self, X):
        return self.layers(X)


class RateNet(SmallNet):
    """Network whose outputs are rates between 0 and 1."""

    def forward(self, X):
        return torch.sigmoid(super().forward(X))


class WideNet(nn.Module):
    """Network whose width is a class attribute."""

    width = 8

    def __init__(self, n_outputs=1):
        super().__init__()
        self.layers = nn.Sequential(nn.LazyLinear(self.width), nn.Linear(self.width, n_outputs))

    def forward(self, X):
        return self.layers(X)


class ProbabilityNet(nn.Module):
    """Network with probabilities of five classes, as skorch's classifier expects."""

    def __init__(self, hidden=8):
        super().__init__()
        self.layers = nn.Sequential(nn.LazyLinear(hidden), nn.Tanh(), nn.Linear(hidden, 5))

    def forward(self, X):
        return torch.softmax(self.layers(X), dim=-1)


class ImageNet(nn.Module):
    """Convolutional network for images with one channel."""

    def __init__(self, n_outputs=10):
        super().__init__()
        self.convolution = nn.Conv2d(1, 8, 3, padding=1)
        self.head = nn.LazyLinear(n_outputs)

    def forward(self, X):
        maps = torch.relu(self.convolution(X[:, None]))
        return self.head(nn.functional.max_pool2d(maps, 2).flatten(1))


def line(n_features, n_outputs=1):
    """Return a linear model with known weights."""
    layer = nn.Linear(n_features, n_outputs)
    with torch.no_grad():
        layer.weight.fill_(0.1)
        layer.bias.zero_()
    return layer


def five_logits():
    """Return an untrained instance with more outputs than most targets have classes."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(3)
        hidden = nn.LazyLinear(8)
        return nn.Sequential(hidden, nn.ReLU(), nn.Linear(8, 5))


class TwoInputs(nn.Module):
    """Network whose inputs are numbers, indices of words and a mask of the words."""

    def __init__(self, n_words=20, hidden=8, n_outputs=2):
        super().__init__()
        self.embedding = nn.Embedding(n_words, 4)
        self.layers = nn.Sequential(
            nn.LazyLinear(hidden), nn.ReLU(), nn.Linear(hidden, n_outputs)
        )

    def forward(self, numbers, words, mask=None):
        found = self.embedding(words)
        if mask is not None:
            found = found.masked_fill(~mask[..., None], 0.0)
        return self.layers(torch.cat([numbers, found.mean(dim=1)], dim=1))


class Words(nn.Module):
    """Network whose input is rows of word indices."""

    def __init__(self, n_words=20, n_outputs=2):
        super().__init__()
        self.embedding = nn.Embedding(n_words, 4)
        self.head = nn.LazyLinear(n_outputs)

    def forward(self, X):
        return self.head(self.embedding(X).flatten(1))
