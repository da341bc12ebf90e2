/**
 * Step 4 of the way of data, devices that run kernels: how operations become launches, as far as all kinds of such devices agree on
 * the names and the arguments of their kernels.
 */
@NullMarked
package dev.nibble.device.kernel;

import org.jspecify.annotations.NullMarked;
