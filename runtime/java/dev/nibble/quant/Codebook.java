package dev.nibble.quant;

/** The integers that a quant can stand for before the scale multiplies them, ascending; finds the one nearest to a value. */
sealed interface Codebook {
    /** The level of this number, from 0 on. */
    int level(int number);

    /** The number of the level nearest to {@code x}. */
    int number(float x);

    /** The smallest level, of number 0. */
    int least();

    /**
     * For one value of each group: finds the level nearest to value · inverse, and adds weight · value · level to products,
     * weight · level² to squares.
     */
    void accumulate(float[] values, float[] weights, float[] inverses, float[] products, float[] squares);

    /** All integers from {@code least} to {@code greatest}. */
    record Integers(int least, int greatest) implements Codebook {
        @Override
        public int level(int number) {
            return least + number;
        }

        @Override
        public int number(float x) {
            return Math.clamp((int) (x - least + 0.5f), 0, greatest - least);
        }

        @Override
        public void accumulate(float[] values, float[] weights, float[] inverses, float[] products, float[] squares) {
            float bias = 0.5f - least;
            int first = least;
            int most = greatest - least;
            for (int i = 0; i < values.length; i++) {
                int number = Math.min(Math.max((int) (values[i] * inverses[i] + bias), 0), most);
                float level = number + first;
                float weighted = weights[i] * level;
                products[i] += weighted * values[i];
                squares[i] += weighted * level;
            }
        }
    }

    /** Levels spread unevenly, and a table that finds the nearest. */
    final class Uneven implements Codebook {
        /** Midpoints between integers are multiples of a half, so the table has an entry for each half. */
        private static final int ENTRIES_PER_UNIT = 2;

        private final int[] levels;
        private final int[] numbers;
        private final float[] nearest;

        /** A codebook of ascending levels. */
        Uneven(int... levels) {
            this.levels = levels.clone();
            int entries = ENTRIES_PER_UNIT * (levels[levels.length - 1] - least()) + 1;
            this.numbers = new int[entries];
            this.nearest = new float[entries];
            int number = 0;
            for (int entry = 0; entry < entries; entry++) {
                // The entry stands for least + entry / 2; a level reigns from midway between it and the one before.
                while (number + 1 < levels.length && entry >= levels[number] + levels[number + 1] - 2 * least()) {
                    number++;
                }
                numbers[entry] = number;
                nearest[entry] = levels[number];
            }
        }

        @Override
        public int level(int number) {
            return levels[number];
        }

        @Override
        public int number(float x) {
            return numbers[entry(x)];
        }

        @Override
        public int least() {
            return levels[0];
        }

        @Override
        public void accumulate(float[] values, float[] weights, float[] inverses, float[] products, float[] squares) {
            for (int i = 0; i < values.length; i++) {
                float level = nearest[entry(values[i] * inverses[i])];
                float weighted = weights[i] * level;
                products[i] += weighted * values[i];
                squares[i] += weighted * level;
            }
        }

        private int entry(float x) {
            return Math.clamp((int) (ENTRIES_PER_UNIT * (x - least())), 0, nearest.length - 1);
        }
    }
}
