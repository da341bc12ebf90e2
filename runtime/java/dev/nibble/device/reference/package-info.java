/**
 * Step 4 of the way of data, the oracle: every operation in scalar, obvious Java.
 */
@NullMarked
package dev.nibble.device.reference;

import org.jspecify.annotations.NullMarked;
