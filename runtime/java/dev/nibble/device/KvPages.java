package dev.nibble.device;

/**
 * The KV cache of one layer in device memory: a pool of pages of equal size. Which page holds which tokens of which
 * sequence stands in a page table: an I32 buffer (slots, pages of a sequence), whose entry (s, i) is the page of the tokens
 * {@code i × pageTokens …} of the sequence in slot s. How a page is laid out is the device's own matter.
 */
public interface KvPages extends AutoCloseable {
    /** What a page holds. */
    KvLayout layout();

    /** The number of pages. */
    int pages();

    /** The device memory that all pages take. */
    long bytes();

    /** Frees the memory; closing again does nothing. */
    @Override
    void close();
}
