package dev.nibble.evaluation;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * The form of a file of saved predictions; all numbers are little-endian. A header:
 *
 * <pre>
 * 8 bytes  NBLPREDS
 * int32    version, 1
 * int32    vocabulary
 * int32    tokens of a window
 * int32    windows
 * int32    bytes of the model's name, then these bytes in UTF-8
 * int32    × windows × window: the tokens of the text
 * </pre>
 *
 * Then, for each prediction that counts, window after window:
 *
 * <pre>
 * int32    the likeliest token
 * float32  ln of the probability of the text's next token
 * float32  step
 * uint16   × vocabulary: (ln p(likeliest) − ln p) / step, rounded
 * </pre>
 *
 * The step is a 65535th of the distance from the likeliest to the unlikeliest token, at most of {@value #DEEPEST} nats, below
 * which all tokens count alike. Read values are scaled to a sum of 1 again, which leaves a Kullback–Leibler divergence without
 * bias: that of a model from itself is below 1e-7.
 *
 * @param vocabulary tokens of a prediction
 * @param headerBytes bytes before the first prediction
 */
record PredictionFile(int vocabulary, long headerBytes) {
    static final byte[] MAGIC = "NBLPREDS".getBytes(StandardCharsets.US_ASCII);
    static final int VERSION = 1;
    /** Magic and five numbers. */
    static final int FIXED_BYTES = 28;

    static final int MOST_NAME_BYTES = 1 << 16;
    static final int STEPS = 65535;
    static final double DEEPEST = 40;

    private static final int SCALARS = 3;

    /** Bytes of a prediction. */
    int predictionBytes() {
        return SCALARS * Integer.BYTES + vocabulary * Short.BYTES;
    }

    /** The place of a prediction in the file. */
    long place(long prediction) {
        return headerBytes + prediction * predictionBytes();
    }

    static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
