/**
 * Step 9 of the way of data, a face: the command line. Generated text and data go to the standard output, everything else to
 * the standard error.
 */
@NullMarked
package dev.nibble.cli;

import org.jspecify.annotations.NullMarked;
