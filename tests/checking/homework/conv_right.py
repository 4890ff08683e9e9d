"""Homework 3: a convolution layer. Stride and zero padding, one loop per kernel entry."""

import numpy as np


class Conv2D:
    def __init__(self, in_channels, out_channels, kernel_size, stride=1, pad=0, seed=0):
        rng = np.random.default_rng(seed)
        scale = np.sqrt(2.0 / (in_channels * kernel_size**2))
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.params = {
            "W": scale * rng.normal(size=shape),
            "b": np.zeros(out_channels),
        }
        self.grads = {}
        self.stride = stride
        self.pad = pad

    def forward(self, x):
        W, b = self.params["W"], self.params["b"]
        s, p, k = self.stride, self.pad, W.shape[2]
        self.x_pad = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        self.out_h = (x.shape[2] + 2 * p - k) // s + 1
        self.out_w = (x.shape[3] + 2 * p - k) // s + 1
        out = np.zeros((x.shape[0], W.shape[0], self.out_h, self.out_w))
        for i in range(k):
            for j in range(k):
                out += np.einsum("nchw,oc->nohw", self._window(self.x_pad, i, j), W[:, :, i, j])
        return out + b[None, :, None, None]

    def backward(self, dout):
        W = self.params["W"]
        p, k = self.pad, W.shape[2]
        dx_pad = np.zeros_like(self.x_pad)
        dW = np.zeros_like(W)
        for i in range(k):
            for j in range(k):
                window = self._window(self.x_pad, i, j)
                dW[:, :, i, j] = np.einsum("nohw,nchw->oc", dout, window)
                self._window(dx_pad, i, j)[...] += np.einsum("nohw,oc->nchw", dout, W[:, :, i, j])
        self.grads = {"W": dW, "b": dout.sum(axis=(0, 2, 3))}
        return dx_pad[:, :, p : dx_pad.shape[2] - p, p : dx_pad.shape[3] - p].copy()

    def _window(self, x, i, j):
        s = self.stride
        return x[:, :, i : i + s * self.out_h : s, j : j + s * self.out_w : s]
