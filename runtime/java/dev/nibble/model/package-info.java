/**
 * Step 5 of the way of data: what a model is. Configuration, architecture traits, weights and their placement.
 */
@NullMarked
package dev.nibble.model;

import org.jspecify.annotations.NullMarked;
