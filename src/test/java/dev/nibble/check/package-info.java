/** What {@code scripts/gpu-check} runs on a machine with a GPU: tests of devices, then measurements. */
@NullMarked
package dev.nibble.check;

import org.jspecify.annotations.NullMarked;
