package dev.nibble.device.reference;

/**
 * Activations quantized to int8 in blocks of 32.
 *
 * @param values (rows, width)
 * @param scales (rows, width / 32)
 */
record Quants(byte[] values, float[] scales) {
    /** Values that share a scale. */
    static final int BLOCK = 32;

    /** Quantizes one block, as {@link dev.nibble.device.Operation.Quantize} defines it; {@code at} is its first value. */
    void quantize(float[] x, int at) {
        float largest = 0;
        for (int i = at; i < at + BLOCK; i++) {
            largest = Math.max(largest, Math.abs(x[i]));
        }
        float inverse = largest == 0 ? 0 : 127 / largest;
        scales[at / BLOCK] = largest / 127;
        for (int i = at; i < at + BLOCK; i++) {
            values[i] = (byte) ((int) (x[i] * inverse + 128.5f) - 128);
        }
    }

    /** The product of a weight row with the quantized row whose first value is {@code at}. */
    double dot(float[] weight, int at) {
        double sum = 0;
        for (int block = 0; block < weight.length; block += BLOCK) {
            double part = 0;
            for (int i = block; i < block + BLOCK; i++) {
                part += (double) weight[i] * values[at + i];
            }
            sum += scales[(at + block) / BLOCK] * part;
        }
        return sum;
    }
}
