"""Assignment 2 in the style of CS231n: naive convolution. dx uses the kernel upside down."""

import numpy as np


def conv_forward(x, w, b, conv_param):
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, _, H, W = x.shape
    F, _, HH, WW = w.shape
    H_out = 1 + (H + 2 * pad - HH) // stride
    W_out = 1 + (W + 2 * pad - WW) // stride
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    out = np.zeros((N, F, H_out, W_out))
    for i in range(H_out):
        for j in range(W_out):
            h, v = i * stride, j * stride
            window = x_pad[:, None, :, h : h + HH, v : v + WW]
            out[:, :, i, j] = np.sum(window * w, axis=(2, 3, 4)) + b
    cache = (x, w, b, conv_param)
    return out, cache


def conv_backward(dout, cache):
    x, w, _, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    HH, WW = w.shape[2:]
    x_pad = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)), mode="constant")
    dx_pad, dw = np.zeros_like(x_pad), np.zeros_like(w)
    w_flipped = w[:, :, ::-1, ::-1]
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            h, v = i * stride, j * stride
            d = dout[:, :, i, j]
            dw += np.einsum("nf,nchw->fchw", d, x_pad[:, :, h : h + HH, v : v + WW])
            dx_pad[:, :, h : h + HH, v : v + WW] += np.einsum("nf,fchw->nchw", d, w_flipped)
    db = np.sum(dout, axis=(0, 2, 3))
    dx = dx_pad[:, :, pad : pad + x.shape[2], pad : pad + x.shape[3]].copy()
    return dx, dw, db
