package dev.nibble.evaluation;

import dev.nibble.LanguageModel;
import java.util.Arrays;
import java.util.OptionalInt;

/**
 * A text cut into windows of tokens, each read without those before it. The first token of a window gives way to the one that the
 * model begins texts with; only predictions in the second half count, which have at least half a window to look back on. Immutable.
 */
public final class TextWindows {
    private static final int LEAST = 4;

    /** (count, size). */
    private final int[][] windows;

    private final int size;

    private TextWindows(int[][] windows, int size) {
        this.windows = windows;
        this.size = size;
    }

    /**
     * Cuts a text, which is turned into tokens as a whole; what is left after the last whole window does not count.
     *
     * @param size tokens of a window, at most the model's context
     * @param most the most windows; the first of them count. 0: all
     * @throws IllegalArgumentException if a window is too small or does not fit the context, or if the text is shorter than one
     */
    public static TextWindows of(LanguageModel model, String text, int size, int most) {
        check(size, model.info().context(), most);
        int[] tokens = model.tokenize(text);
        if (tokens.length < size) {
            throw new IllegalArgumentException("the text has " + tokens.length
                    + (tokens.length == 1 ? " token" : " tokens") + ", fewer than a window of " + size
                    + "; use a longer text or smaller windows (--ctx; of tune --window)");
        }
        int count = most == 0 ? tokens.length / size : Math.min(most, tokens.length / size);
        OptionalInt beginning = model.beginningToken();
        int[][] windows = new int[count][];
        for (int i = 0; i < count; i++) {
            windows[i] = Arrays.copyOfRange(tokens, i * size, (i + 1) * size);
            if (beginning.isPresent()) {
                windows[i][0] = beginning.getAsInt();
            }
        }
        return new TextWindows(windows, size);
    }

    private static void check(int size, int context, int most) {
        if (size < LEAST) {
            throw new IllegalArgumentException("a window has " + LEAST + " tokens or more; given " + size);
        }
        if (size > context) {
            throw new IllegalArgumentException(
                    "a window of " + size + " tokens does not fit the model's context of " + context);
        }
        if (most < 0) {
            throw new IllegalArgumentException("the number of windows must not be negative; given " + most);
        }
    }

    /** The number of windows. */
    public int count() {
        return windows.length;
    }

    /** Tokens of a window. */
    public int size() {
        return size;
    }

    /** The tokens of a window (size). */
    public int[] window(int index) {
        return windows[index].clone();
    }

    /** The tokens of all windows, one after another. */
    int[] allTokens() {
        return Arrays.stream(windows).flatMapToInt(Arrays::stream).toArray();
    }

    /** The position in a window whose prediction is the first that counts. */
    int firstCounted() {
        return size / 2;
    }

    /** Predictions of a window that count: that of its last token has nothing to be compared with. */
    int counted() {
        return size - 1 - firstCounted();
    }
}
