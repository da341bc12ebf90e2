package dev.nibble.device.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.UnsupportedFeatureException;
import dev.nibble.gguf.TensorType;
import java.io.File;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class NativeKernelsTest {
    @AfterEach
    void choosesByItselfAgain() {
        System.clearProperty(NativeKernels.CHOICE);
    }

    @Test
    void kernelsCanBeRefused() {
        System.setProperty(NativeKernels.CHOICE, "vector");
        assertTrue(NativeKernels.chosen().isEmpty());
        assertEquals("", NativeKernels.missing());
    }

    @Test
    void anUnknownChoiceIsNamed() {
        System.setProperty(NativeKernels.CHOICE, "fast");
        var error = assertThrows(UnsupportedFeatureException.class, NativeKernels::chosen);
        assertTrue(error.getMessage().contains("fast"), error.getMessage());
    }

    @Test
    void whatWasAskedForIsThereOrTheReasonIsTold() {
        System.setProperty(NativeKernels.CHOICE, "native");
        if (NativeKernels.missing().isEmpty()) {
            assertTrue(NativeKernels.chosen()
                    .orElseThrow()
                    .products()
                    .of(TensorType.Q4_0)
                    .isPresent());
        } else {
            var error = assertThrows(UnsupportedFeatureException.class, NativeKernels::chosen);
            assertTrue(error.getMessage().contains(NativeKernels.missing()), error.getMessage());
        }
    }

    /** A compiler that fails does not fail the build, so it must fail here. */
    @Test
    void aBuildWithACompilerHasKernels() {
        assumeTrue(System.getProperty("os.name").equals("Linux")
                && System.getProperty("os.arch").equals("amd64"));
        assumeTrue(Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(folder -> Files.isExecutable(Path.of(folder, "cc"))));
        assertFalse(NativeKernels.missing().contains("this build"), NativeKernels.missing());
    }

    /** Native kernels and those of the Vector API see the same integers and scales. */
    @Test
    void quantizesAsTheVectorApiDoes() {
        assumeTrue(NativeKernels.chosen().isPresent(), NativeKernels::missing);
        int rows = 3;
        int columns = 352;
        float[] values = new float[rows * columns];
        Random random = new Random(7);
        for (int i = 0; i < values.length; i++) {
            values[i] = i / 32 == 5 ? 0 : (float) random.nextGaussian() * (i % 7 == 0 ? 1e-20f : 1);
        }
        QuantizedRows expected = new QuantizedRows(rows, columns);
        ByteRows found = new ByteRows(NativeKernels.chosen().orElseThrow(), rows, columns);
        MemorySegment x = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, values);
        for (int row = 0; row < rows; row++) {
            long from = 4L * row * columns;
            expected.quantize(x, from, row, 0, columns);
            found.quantize(x, from, row * columns, 64);
            found.quantize(x, from + 4 * 64, row * columns + 64, columns - 64);
        }
        for (int i = 0; i < values.length; i++) {
            assertEquals(expected.integers[i], found.integers().get(ValueLayout.JAVA_BYTE, i), "column " + i);
        }
        for (int block = 0; block < values.length / 32; block++) {
            float scale = found.scales().getAtIndex(ValueLayout.JAVA_FLOAT, block);
            assertEquals(expected.scales[block], scale);
            int sum = 0;
            for (int half = 2 * block; half < 2 * block + 2; half++) {
                int halfSum = found.sums().getAtIndex(ValueLayout.JAVA_INT, half);
                assertEquals(expected.halfSums[half], scale * halfSum);
                sum += halfSum;
            }
            assertEquals(expected.sums[block], scale * sum);
        }
    }

    @Test
    void notANumberStaysOne() {
        assumeTrue(NativeKernels.chosen().isPresent(), NativeKernels::missing);
        float[] values = new float[32];
        values[20] = Float.NaN;
        ByteRows found = new ByteRows(NativeKernels.chosen().orElseThrow(), 1, 32);
        found.quantize(MemorySegment.ofArray(values), 0, 0, 32);
        float scale = found.scales().getAtIndex(ValueLayout.JAVA_FLOAT, 0);
        assertFalse(scale == scale, "a scale of " + scale);
    }
}
