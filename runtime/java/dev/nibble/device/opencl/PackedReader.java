package dev.nibble.device.opencl;

import static dev.nibble.device.opencl.PanelLines.LINE;
import static dev.nibble.device.opencl.PanelLines.ROWS;

/** Types with blocks of 256 columns that stay packed as they are, in lines: {@code opencl-kernels/packed.cl} tells which. */
enum PackedReader implements BlockReader {
    /** 50 bytes. */
    IQ1_S(LINE, LINE, 1) {
        @Override
        public void quants(FileBlocks file, int block, int[] words) {
            words[0] = file.word(2 + 4 * block);
        }

        @Override
        public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
            lines.half(0, file.half(0));
            for (int b = 0; b < blocks; b++) {
                lines.half(LINE + b * step, file.half(34 + 2 * b));
            }
        }
    },

    /** 56 bytes; d is spread over the words of the scales. */
    IQ1_M(4 * LINE, LINE, 1) {
        @Override
        public void quants(FileBlocks file, int block, int[] words) {
            words[0] = file.word(4 * block);
        }

        @Override
        public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
            int d = 0;
            int[] planes = new int[3];
            for (int i = 0; i < 4; i++) {
                int scales = file.half(48 + 2 * i);
                d |= scales >>> 12 << 4 * i;
                for (int bit = 0; bit < 12; bit++) {
                    planes[bit % 3] |= (scales >>> bit & 1) << 4 * i + bit / 3;
                }
            }
            lines.half(0, d);
            for (int i = 0; i < planes.length; i++) {
                lines.half(LINE + i * LINE, planes[i]);
            }
            for (int b = 0; b < blocks; b++) {
                lines.half(4 * LINE + b * step, file.half(32 + 2 * b));
            }
        }
    },

    /** 66 bytes. */
    IQ2_XXS(LINE, 0, 2) {
        @Override
        public void quants(FileBlocks file, int block, int[] words) {
            words[0] = file.word(2 + 8 * block);
            words[1] = file.word(6 + 8 * block);
        }

        @Override
        public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
            lines.half(0, file.half(0));
        }
    },

    /** 74 bytes. */
    IQ2_XS(LINE + 8 * ROWS, 0, 2) {
        @Override
        public void quants(FileBlocks file, int block, int[] words) {
            words[0] = file.word(2 + 8 * block);
            words[1] = file.word(6 + 8 * block);
        }

        @Override
        public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
            lines.half(0, file.half(0));
            for (int b = 0; b < blocks; b++) {
                lines.octet(LINE + b * ROWS, file.octet(66 + b));
            }
        }
    },

    /** 82 bytes. */
    IQ2_S(LINE, LINE, 2) {
        @Override
        public void quants(FileBlocks file, int block, int[] words) {
            words[0] = file.word(2 + 4 * block);
            words[1] = file.word(34 + 4 * block);
        }

        @Override
        public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
            lines.half(0, file.half(0));
            for (int b = 0; b < blocks; b++) {
                lines.half(LINE + b * step, file.octet(66 + b) | file.octet(74 + b) << 8);
            }
        }
    },

    /** 98 bytes. */
    IQ3_XXS(LINE, 0, 3) {
        @Override
        public void quants(FileBlocks file, int block, int[] words) {
            words[0] = file.word(2 + 8 * block);
            words[1] = file.word(6 + 8 * block);
            words[2] = file.word(66 + 4 * block);
        }

        @Override
        public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
            lines.half(0, file.half(0));
        }
    },

    /** 110 bytes. */
    IQ3_S(LINE + 12 * ROWS, 0, 3) {
        @Override
        public void quants(FileBlocks file, int block, int[] words) {
            words[0] = file.word(2 + 8 * block);
            words[1] = file.word(6 + 8 * block);
            words[2] = file.word(74 + 4 * block);
        }

        @Override
        public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
            lines.half(0, file.half(0));
            for (int i = 0; i < 4; i++) {
                lines.octet(LINE + i * ROWS, file.octet(106 + i));
            }
            for (int b = 0; b < blocks; b++) {
                lines.octet(LINE + (4 + b) * ROWS, file.octet(66 + b));
            }
        }
    },

    /** 54 bytes; a byte has five digits of base 3, which are brought to columns that are near each other. */
    TQ1_0(LINE + 4 * ROWS, LINE, 1) {
        @Override
        public void quants(FileBlocks file, int block, int[] words) {
            words[0] = 0;
            for (int i = 0; i < 4; i++) {
                words[0] |= fraction(file, 32 * block, i, 4 + i, 8 + i, 12 + i, 16 + i) << 8 * i;
            }
        }

        @Override
        public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
            lines.half(0, file.half(52));
            for (int b = 0; b < blocks; b++) {
                int first = fraction(file, 32 * b, 20, 21, 24, 25, 28);
                int second = fraction(file, 32 * b, 22, 23, 26, 27, 30);
                lines.half(LINE + 4 * ROWS + b * step, first | second << 8);
            }
            for (int i = 0; i < 4; i++) {
                lines.octet(LINE + i * ROWS, fraction(file, 64 * i, 29, 31, 61, 63));
            }
        }

        /** The byte of these columns' digits, as {@link #digit} reads it. */
        private static int fraction(FileBlocks file, int from, int... columns) {
            int number = 0;
            for (int i = 0; i < 5; i++) {
                number = 3 * number + (i < columns.length ? digit(file, from + columns[i]) : 0);
            }
            return Math.ceilDiv(number * 256, 243);
        }

        /** The digit of a column: its byte is the fraction 0.t₀t₁t₂… in base 3. */
        private static int digit(FileBlocks file, int column) {
            int begin = column < 160 ? 0 : column < 240 ? 160 : 240;
            int width = begin == 0 ? 32 : begin == 160 ? 16 : 4;
            int first = begin == 0 ? 0 : begin == 160 ? 32 : 48;
            int fraction = file.octet(first + (column - begin) % width);
            for (int n = (column - begin) / width; n > 0; n--) {
                fraction = fraction * 3 & 0xff;
            }
            return fraction * 3 >> 8;
        }
    };

    private final int headerBytes;
    private final int scaleBytes;
    private final int words;

    PackedReader(int headerBytes, int scaleBytes, int words) {
        this.headerBytes = headerBytes;
        this.scaleBytes = scaleBytes;
        this.words = words;
    }

    /** Bytes at the head of a panel. */
    int headerBytes() {
        return headerBytes;
    }

    /** Bytes before the words of a block. */
    int scaleBytes() {
        return scaleBytes;
    }

    /** Lines of 32 bits of a block. */
    int words() {
        return words;
    }

    /** Build options of kernels. */
    String options() {
        return "-DPACKED=" + this + " -DHEADER_BYTES=" + headerBytes + " -DSCALE_BYTES=" + scaleBytes + " -DWORDS="
                + words;
    }
}
