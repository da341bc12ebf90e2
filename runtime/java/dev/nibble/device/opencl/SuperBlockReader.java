package dev.nibble.device.opencl;

/** Types with blocks of 256 columns whose quants are integers: here these blocks are panels, and blocks are their parts of 32 columns. */
enum SuperBlockReader implements BlockReader {
    /** 84 bytes. */
    Q2_K {
        @Override
        public void quants(FileBlocks file, int block, int[] quants) {
            for (int i = 0; i < quants.length; i++) {
                quants[i] = twoBits(file, 16 + 4 * i, block);
            }
        }

        @Override
        public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
            lines.half(0, file.half(80));
            lines.half(PanelLines.LINE, file.half(82) ^ SIGN);
            for (int b = 0; b < blocks; b++) {
                lines.half(2 * PanelLines.LINE + b * step, file.half(2 * b));
            }
        }
    },

    /** 110 bytes; scales of six bits, less 32. */
    Q3_K {
        @Override
        public void quants(FileBlocks file, int block, int[] quants) {
            for (int i = 0; i < quants.length; i++) {
                quants[i] = twoBits(file, 32 + 4 * i, block) | (file.word(4 * i) >>> block & ONE_BIT) << 2;
            }
        }

        @Override
        public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
            lines.half(0, file.half(108));
            for (int b = 0; b < blocks; b++) {
                int low = file.half(96 + 2 * (b % 4)) >>> b / 4 * 4;
                lines.octet(PanelLines.LINE + b * PanelLines.ROWS, low & 15 | low >>> 4 & 240);
            }
            for (int b = 0; b < blocks; b += 2) {
                int first = file.half(104) >>> b / 2 * 2;
                int second = file.half(106) >>> b / 2 * 2;
                int high = first & 3 | first >>> 6 & 12 | (second & 3) << 4 | second >>> 2 & 192;
                lines.octet(PanelLines.LINE + (8 + b / 2) * PanelLines.ROWS, high);
            }
        }
    },

    /** 144 bytes. */
    Q4_K {
        @Override
        public void quants(FileBlocks file, int block, int[] quants) {
            for (int i = 0; i < quants.length; i++) {
                quants[i] = nibbles(file, 16 + block / 2 * 32 + 4 * i, block % 2);
            }
        }

        @Override
        public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
            scalesAndMinima(file, step, lines);
        }
    },

    /** 176 bytes. */
    Q5_K {
        @Override
        public void quants(FileBlocks file, int block, int[] quants) {
            for (int i = 0; i < quants.length; i++) {
                int fifth = file.word(16 + 4 * i) >>> block & ONE_BIT;
                quants[i] = nibbles(file, 48 + block / 2 * 32 + 4 * i, block % 2) | fifth << 4;
            }
        }

        @Override
        public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
            scalesAndMinima(file, step, lines);
        }
    },

    /** 210 bytes. */
    Q6_K {
        @Override
        public void quants(FileBlocks file, int block, int[] quants) {
            int low = block / 4 * 64 + block % 2 * 32;
            for (int i = 0; i < quants.length; i++) {
                quants[i] = nibbles(file, low + 4 * i, block % 4 / 2) | twoBits(file, 128 + 4 * i, block) << 4;
            }
        }

        @Override
        public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
            lines.half(0, file.half(208));
            for (int b = 0; b < blocks; b++) {
                lines.half(PanelLines.LINE + b * step, file.half(192 + 2 * b));
            }
        }
    },

    /** 136 bytes; scales of six bits, less 32. */
    IQ4_XS {
        @Override
        public void quants(FileBlocks file, int block, int[] quants) {
            for (int i = 0; i < quants.length; i++) {
                quants[i] = nibbles(file, 8 + 16 * block + 4 * (i % 4), i / 4);
            }
        }

        @Override
        public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
            lines.half(0, file.half(0));
            for (int b = 0; b < blocks; b++) {
                int low = file.octet(4 + b / 2) >>> b % 2 * 4 & 15;
                int high = file.half(2) >>> 2 * b & 3;
                lines.octet(PanelLines.LINE + b * PanelLines.ROWS, (low | high << 4) - 32);
            }
        }
    },

    /** 66 bytes. */
    TQ2_0 {
        @Override
        public void quants(FileBlocks file, int block, int[] quants) {
            for (int i = 0; i < quants.length; i++) {
                quants[i] = twoBits(file, 4 * i, block);
            }
        }

        @Override
        public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
            lines.half(0, file.half(64));
        }
    };

    private static final int LOW = 0x0f0f0f0f;
    private static final int TWO_BITS = 0x03030303;
    private static final int ONE_BIT = 0x01010101;
    private static final int SIGN = 0x8000;

    /** Two bits for each of four columns, which four blocks share bytes for. */
    private static int twoBits(FileBlocks file, int at, int block) {
        return file.word(at + block / 4 * 32) >>> 2 * (block % 4) & TWO_BITS;
    }

    private static int nibbles(FileBlocks file, int at, int high) {
        return file.word(at) >>> 4 * high & LOW;
    }

    /** What Q4_K and Q5_K begin with: d, dmin and six bits for each scale and minimum, here brought to bytes. */
    private static void scalesAndMinima(FileBlocks file, int step, PanelLines lines) {
        lines.half(0, file.half(0));
        lines.half(PanelLines.LINE, file.half(2) ^ SIGN);
        int scales = file.word(4);
        int minima = file.word(8);
        int rest = file.word(12);
        int lastScales = rest & LOW | (scales >>> 6 & TWO_BITS) << 4;
        int lastMinima = rest >>> 4 & LOW | (minima >>> 6 & TWO_BITS) << 4;
        for (int b = 0; b < 4; b++) {
            int line = 2 * PanelLines.LINE + b * step;
            lines.half(line, scales >>> 8 * b & 63 | (minima >>> 8 * b & 63) << 8);
            lines.half(line + 4 * step, lastScales >>> 8 * b & 63 | (lastMinima >>> 8 * b & 63) << 8);
        }
    }
}
