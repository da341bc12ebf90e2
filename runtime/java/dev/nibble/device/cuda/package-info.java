/**
 * Step 4 of the way of data, the device {@code cuda}: NVIDIA's GPUs, through their driver alone. The kernels lie in
 * {@code cuda-kernels}.
 */
@NullMarked
package dev.nibble.device.cuda;

import org.jspecify.annotations.NullMarked;
