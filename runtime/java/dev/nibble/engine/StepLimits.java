package dev.nibble.engine;

/**
 * The largest step that is prepared for.
 *
 * @param rows tokens in one step
 * @param outputs rows of a step that give logits
 * @param slots sequences that are in the cache at once
 * @param pagesPerSequence pages of the longest sequence
 */
record StepLimits(int rows, int outputs, int slots, int pagesPerSequence) {}
