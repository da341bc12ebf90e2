package dev.nibble.device.cpu;

import org.jspecify.annotations.Nullable;

/**
 * Activations that meet weights of floats.
 *
 * @param rows the values
 * @param kernels the native kernels of the device, if it uses any
 */
record FloatActivations(FloatRows rows, @Nullable NativeKernels kernels) {}
