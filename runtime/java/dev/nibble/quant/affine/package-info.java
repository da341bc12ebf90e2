/**
 * Beside step 2 of the way of data: textbook quantization. Real numbers stand as {@code scale · (integer − zero point)}, for a
 * whole tensor, for each channel or for groups of columns, in 8, 4 or 2 bits; the range to represent is calibrated on observed
 * values; and linear layers are computed in integers alone.
 *
 * <p>Sources: Jacob et al., Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, CVPR
 * 2018; the documentation of gemmlowp; Migacz, 8-bit Inference with TensorRT, GTC 2017; Nagel et al., A White Paper on Neural
 * Network Quantization, 2021.
 */
@NullMarked
package dev.nibble.quant.affine;

import org.jspecify.annotations.NullMarked;
