package dev.nibble.device.cpu;

import static dev.nibble.device.cpu.WeightVectors.highFloats;
import static dev.nibble.device.cpu.WeightVectors.lowFloats;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * One token times weights of four bits. A block of 32 columns is four words: byte i of word g holds columns 4 g + i, low half, and
 * 16 + 4 g + i, high half. Nothing masks the numbers: see {@link ShiftedActivations}.
 */
final class FourBitProducts {
    /** Handed on as an argument: for a shift that it knows, the compiler takes a register at each place. */
    private static final int BITS = 4;

    private static final int WORDS = 4;
    private static final int COEFFICIENTS = ShiftedActivations.FOUR_BITS.count();
    private static final int START = 16;
    private static final int BLOCK_BYTES = PanelWords.LINE + WORDS * PanelWords.WORD;

    private FourBitProducts() {}

    /** Panels of half precision scales, {@link ScaleForm#HALVES}. */
    static void halves(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        halves(tile, offset, blocks, 1, x, block, workspace);
    }

    /** Panels of half precision scales and offsets, {@link ScaleForm#HALVES_AND_OFFSETS}. */
    static void halvesAndOffsets(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        halves(tile, offset, blocks, 2, x, block, workspace);
    }

    private static void halves(
            MemorySegment tile,
            int offset,
            int blocks,
            int lines,
            QuantizedRows x,
            int block,
            TileWorkspace workspace) {
        int[] coefficients = x.coefficients(ShiftedActivations.FOUR_BITS);
        for (int row = 0; row < PackedMatrix.TILE_ROWS / 2; row += Lanes.COUNT) {
            int at = offset + row * Integer.BYTES;
            halves(tile, at, blocks, BITS, lines, coefficients, x.scales, block, workspace.results, row);
            if (lines == 2) {
                int blockBytes = lines * PanelWords.LINE + WORDS * PanelWords.WORD;
                OffsetProducts.halves(tile, at, blocks, blockBytes, 8, x.sums, block, workspace.results, row);
            }
        }
    }

    private static void halves(
            MemorySegment tile,
            int offset,
            int blocks,
            int bits,
            int lines,
            int[] x,
            float[] xScales,
            int block,
            float[] results,
            int row) {
        FloatVector result0 = FloatVector.fromArray(Lanes.FLOATS, results, row);
        FloatVector result1 = FloatVector.fromArray(Lanes.FLOATS, results, row + 16);
        for (int b = 0; b < blocks; b++) {
            int at = offset + b * (lines * PanelWords.LINE + WORDS * PanelWords.WORD);
            int xAt = (block + b) * COEFFICIENTS;
            IntVector halves = IntVector.fromMemorySegment(Lanes.INTS, tile, at, Lanes.ORDER);
            FloatVector scale0 = lowFloats(halves).mul(xScales[block + b]);
            FloatVector scale1 = highFloats(halves).mul(xScales[block + b]);
            at += lines * PanelWords.LINE;
            ShortVector sum0 = IntVector.broadcast(Lanes.INTS, x[xAt + START]).reinterpretAsShorts();
            ShortVector sum1 = sum0;
            for (int j = 0; j < WORDS; j++) {
                ShortVector w0 =
                        ShortVector.fromMemorySegment(Lanes.SHORTS, tile, at + j * PanelWords.WORD, Lanes.ORDER);
                ShortVector w1 = ShortVector.fromMemorySegment(
                        Lanes.SHORTS, tile, at + j * PanelWords.WORD + PanelWords.LINE, Lanes.ORDER);
                for (int k = 0; k < 4; k++) {
                    ShortVector v =
                            IntVector.broadcast(Lanes.INTS, x[xAt + 4 * j + k]).reinterpretAsShorts();
                    sum0 = sum0.add(w0.lanewise(LSHR, bits * k).mul(v));
                    sum1 = sum1.add(w1.lanewise(LSHR, bits * k).mul(v));
                }
            }
            // The sum of both halves fits 16 bits.
            IntVector total0 = sum0.reinterpretAsInts();
            IntVector total1 = sum1.reinterpretAsInts();
            total0 = total0.lanewise(LSHL, 16).add(total0).lanewise(ASHR, 16);
            total1 = total1.lanewise(LSHL, 16).add(total1).lanewise(ASHR, 16);
            result0 = ((FloatVector) total0.convert(I2F, 0)).fma(scale0, result0);
            result1 = ((FloatVector) total1.convert(I2F, 0)).fma(scale1, result1);
        }
        result0.intoArray(results, row);
        result1.intoArray(results, row + 16);
    }

    /** Panels of integer scales and minima, {@link ScaleForm#BYTES_AND_MINIMA}. */
    static void bytesAndMinima(
            MemorySegment tile, int offset, int blocks, QuantizedRows x, int block, TileWorkspace workspace) {
        for (int row = 0; row < PackedMatrix.TILE_ROWS / 2; row += Lanes.COUNT) {
            int at = offset + row * Integer.BYTES;
            bytesAndMinima(tile, at, blocks, BITS, x, block, workspace.results, row);
        }
    }

    private static void bytesAndMinima(
            MemorySegment tile, int offset, int blocks, int bits, QuantizedRows x, int block, float[] out, int row) {
        int[] coefficients = x.coefficients(ShiftedActivations.FOUR_BITS);
        FloatVector scaled0 = FloatVector.zero(Lanes.FLOATS), scaled1 = scaled0;
        FloatVector lowest0 = scaled0, lowest1 = scaled0;
        IntVector factors = IntVector.fromMemorySegment(Lanes.INTS, tile, offset, Lanes.ORDER);
        FloatVector factor0 = lowFloats(factors);
        FloatVector factor1 = highFloats(factors);
        IntVector offsets = IntVector.fromMemorySegment(Lanes.INTS, tile, offset + PanelWords.LINE, Lanes.ORDER);
        FloatVector offset0 = lowFloats(offsets);
        FloatVector offset1 = highFloats(offsets);
        for (int b = 0; b < blocks; b++) {
            int at = offset + 2 * PanelWords.LINE + b * BLOCK_BYTES;
            int xAt = (block + b) * COEFFICIENTS;
            IntVector bytes = IntVector.fromMemorySegment(Lanes.INTS, tile, at, Lanes.ORDER);
            FloatVector xSum = FloatVector.broadcast(Lanes.FLOATS, x.sums[block + b]);
            IntVector minima = bytes.lanewise(LSHR, 8).and(0xff);
            lowest0 = ((FloatVector) minima.convert(I2F, 0)).fma(xSum, lowest0);
            minima = bytes.lanewise(LSHR, 24);
            lowest1 = ((FloatVector) minima.convert(I2F, 0)).fma(xSum, lowest1);
            IntVector scale0 = bytes.and(0xff);
            IntVector scale1 = bytes.lanewise(LSHR, 16).and(0xff);
            at += PanelWords.LINE;
            FloatVector xScale = FloatVector.broadcast(Lanes.FLOATS, x.scales[block + b]);
            ShortVector sum0 = ShortVector.zero(Lanes.SHORTS);
            ShortVector sum1 = sum0;
            for (int j = 0; j < WORDS; j++) {
                int word = at + j * PanelWords.WORD;
                ShortVector w0 = ShortVector.fromMemorySegment(Lanes.SHORTS, tile, word, Lanes.ORDER);
                ShortVector w1 = ShortVector.fromMemorySegment(Lanes.SHORTS, tile, word + PanelWords.LINE, Lanes.ORDER);
                for (int k = 0; k < 4; k++) {
                    ShortVector v = IntVector.broadcast(Lanes.INTS, coefficients[xAt + 4 * j + k])
                            .reinterpretAsShorts();
                    sum0 = sum0.add(w0.lanewise(LSHR, bits * k).mul(v));
                    sum1 = sum1.add(w1.lanewise(LSHR, bits * k).mul(v));
                }
            }
            IntVector total0 = sum0.reinterpretAsInts();
            IntVector total1 = sum1.reinterpretAsInts();
            total0 = total0.lanewise(LSHL, 16).lanewise(ASHR, 16).add(total0.lanewise(ASHR, 16));
            total1 = total1.lanewise(LSHL, 16).lanewise(ASHR, 16).add(total1.lanewise(ASHR, 16));
            scaled0 = ((FloatVector) total0.mul(scale0).convert(I2F, 0)).fma(xScale, scaled0);
            scaled1 = ((FloatVector) total1.mul(scale1).convert(I2F, 0)).fma(xScale, scaled1);
        }
        FloatVector result0 = FloatVector.fromArray(Lanes.FLOATS, out, row);
        FloatVector result1 = FloatVector.fromArray(Lanes.FLOATS, out, row + 16);
        result0 = lowest0.fma(offset0, scaled0.fma(factor0, result0));
        result1 = lowest1.fma(offset1, scaled1.fma(factor1, result1));
        result0.intoArray(out, row);
        result1.intoArray(out, row + 16);
    }
}
