package dev.nibble.device.opencl;

import java.util.Arrays;

/**
 * Types whose quants are numbers of points of a grid: each column becomes a number in a codebook of the few values that coordinates
 * have, with their signs. A value is d · s · unit · code, s being a small odd integer of the file.
 *
 * @param codes the codebook, ascending
 * @param unit the factor of all scales
 * @param half whether each half of a block has a scale of its own
 * @param scale reads d as 16 bits, and s
 */
record GridReader(int[] codes, float unit, boolean half, Scales scale) implements BlockReader {
    /** Where a type has its scales. */
    enum Scales {
        IQ1_S {
            @Override
            int of(FileBlocks file, int group) {
                return 2 * (file.half(34 + 2 * group) >>> 12 & 7) + 1;
            }
        },
        IQ1_M {
            @Override
            int d(FileBlocks file) {
                int bits = 0;
                for (int i = 0; i < 4; i++) {
                    bits |= file.half(48 + 2 * i) >>> 12 << 4 * i;
                }
                return bits;
            }

            @Override
            int of(FileBlocks file, int group) {
                return 2 * (file.half(48 + group / 4 * 2) >>> group % 4 * 3 & 7) + 1;
            }
        },
        IQ2_XXS {
            @Override
            int of(FileBlocks file, int group) {
                return 2 * (file.word(6 + 8 * group) >>> 28) + 1;
            }
        },
        IQ2_XS {
            @Override
            int of(FileBlocks file, int group) {
                return 2 * nibble(file, 66, group) + 1;
            }
        },
        IQ2_S {
            @Override
            int of(FileBlocks file, int group) {
                return 2 * nibble(file, 74, group) + 1;
            }
        },
        IQ3_XXS {
            @Override
            int of(FileBlocks file, int group) {
                return 2 * (file.word(66 + 4 * group) >>> 28) + 1;
            }
        },
        IQ3_S {
            @Override
            int of(FileBlocks file, int group) {
                return 2 * nibble(file, 106, group) + 1;
            }
        };

        /** The bits of d. */
        int d(FileBlocks file) {
            return file.half(0);
        }

        /** The factor s of a group: of a block or of half of one. */
        abstract int of(FileBlocks file, int group);

        private static int nibble(FileBlocks file, int at, int group) {
            return file.octet(at + group / 2) >>> group % 2 * 4 & 15;
        }
    }

    @Override
    public void quants(FileBlocks file, int block, int[] quants) {
        float d = Float.float16ToFloat((short) scale.d(file));
        int groups = half ? 2 : 1;
        for (int i = 0; i < quants.length; i++) {
            int group = block * groups + i * groups / quants.length;
            float inverse = d == 0 ? 0 : 1 / (d * scale.of(file, group) * unit);
            int four = 0;
            for (int j = 0; j < 4; j++) {
                int code = Math.round(file.value(PanelLines.BLOCK * block + 4 * i + j) * inverse);
                four |= Math.max(0, Arrays.binarySearch(codes, code)) << 8 * j;
            }
            quants[i] = four;
        }
    }

    @Override
    public void scales(FileBlocks file, int blocks, int step, PanelLines lines) {
        lines.half(0, scale.d(file));
        for (int b = 0; b < blocks; b++) {
            if (half) {
                lines.half(PanelLines.LINE + b * step, scale.of(file, 2 * b) | scale.of(file, 2 * b + 1) << 8);
            } else {
                lines.octet(PanelLines.LINE + b * PanelLines.ROWS, scale.of(file, b));
            }
        }
    }
}
