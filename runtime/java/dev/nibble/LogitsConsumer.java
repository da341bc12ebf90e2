package dev.nibble;

/** Takes the logits of one position after another. */
@FunctionalInterface
public interface LogitsConsumer {
    /**
     * @param position the position in the sequence, from 0
     * @param logits (vocabulary); valid only during the call
     */
    void accept(int position, float[] logits);
}
