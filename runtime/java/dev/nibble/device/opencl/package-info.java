/**
 * Step 4 of the way of data: devices with an OpenCL driver, on whatever processor it drives. Kernels lie in the folder opencl-kernels.
 */
@NullMarked
package dev.nibble.device.opencl;

import org.jspecify.annotations.NullMarked;
