package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.LanguageModel;
import dev.nibble.ModelOptions;
import dev.nibble.OutOfCapacityException;
import dev.nibble.TokenSession;
import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.DeviceException;
import dev.nibble.device.ElementType;
import dev.nibble.device.kernel.ClosingContract;
import dev.nibble.foreign.CudaSimulator;
import dev.nibble.simulator.NeedsCudaSimulator;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Drivers and devices that fail: each failure is named, frees what was made, and leaves the program running. */
@ExtendWith(NeedsCudaSimulator.class)
@Timeout(300)
class CudaFaultsTest extends ClosingContract {
    private final CudaSimulator simulator = new CudaSimulator();
    private List<Long> before = List.of();

    @Override
    protected CudaDevice open() {
        return CudaDevice.open(CudaPlatform.system(), 0);
    }

    @Override
    protected long pause() {
        return 50;
    }

    private static void generates(CudaDevice device) throws IOException {
        try (LanguageModel model = demo(device);
                TokenSession session = model.session()) {
            session.feed(1, 2, 3);
            assertEquals(model.info().vocabulary(), session.logits().length);
        }
    }

    @BeforeEach
    void forgetOtherTests() {
        simulator.fail("");
        simulator.leaks();
        before = simulator.live();
    }

    /** Whatever failed, nothing is left behind. */
    @AfterEach
    void nothingIsLeft() {
        simulator.fail("");
        assertEquals(Collections.nCopies(before.size(), 0L), simulator.leaks());
        assertEquals(before, simulator.live());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "cuDevicePrimaryCtxRetain",
                "cuCtxPushCurrent",
                "cuStreamCreate",
                "cuEventCreate",
                "cuMemHostAlloc"
            })
    void aDeviceThatDoesNotOpenIsNamedAndLeavesNothing(String function) throws IOException {
        simulator.fail(function + "@1=999");
        var error = assertThrows(DeviceException.class, this::open);
        assertTrue(error.getMessage().startsWith("device cuda:0: " + function), error.getMessage());
        assertTrue(error.getMessage().contains("CUDA_ERROR_UNKNOWN (999)"), error.getMessage());
        simulator.fail("");
        try (CudaDevice device = open()) {
            generates(device);
        }
    }

    @Test
    void corruptKernelsShowTheLog() {
        try (CudaDevice device = open()) {
            var error = assertThrows(
                    UnsupportedFeatureException.class,
                    () -> device.exclusively(() -> device.programs().kernel("broken", "broken")));
            assertTrue(error.getMessage().contains("compute_75/broken.ptx"), error.getMessage());
            assertTrue(error.getMessage().contains("CUDA_ERROR_INVALID_PTX (218)"), error.getMessage());
            assertTrue(error.getMessage().contains("no_such_instruction"), error.getMessage());
        }
    }

    @Test
    void aKernelThatIsMissingIsNamed() {
        try (CudaDevice device = open()) {
            var error = assertThrows(
                    UnsupportedFeatureException.class,
                    () -> device.exclusively(() -> device.programs().kernel("rows", "columns")));
            assertTrue(error.getMessage().contains("rows.ptx"), error.getMessage());
            assertTrue(error.getMessage().contains("no kernel columns"), error.getMessage());
        }
    }

    @Test
    void memoryThatTheDeviceDoesNotHaveIsRefusedWithNumbers() {
        try (CudaDevice device = open()) {
            long free = device.freeMemory();
            var error = assertThrows(
                    OutOfCapacityException.class, () -> device.allocate(ElementType.F32, 1 << 20, 1 << 20));
            assertTrue(
                    error.getMessage()
                            .startsWith("a buffer of 1048576 x 1048576 F32 needs 4398046511104 bytes, and device cuda:0"
                                    + " has " + free + " of "),
                    error.getMessage());
            assertEquals(free, device.freeMemory());
        }
    }

    /** Both parts of a quantized buffer are freed if the second cannot be had. */
    @Test
    void halfABufferIsFreed() {
        try (CudaDevice device = open()) {
            long free = device.freeMemory();
            simulator.fail("cuMemAlloc@2=2");
            var error = assertThrows(OutOfCapacityException.class, () -> device.allocate(ElementType.Q8, 4, 64));
            assertTrue(error.getMessage().contains("CUDA_ERROR_OUT_OF_MEMORY (2)"), error.getMessage());
            assertEquals(free, device.freeMemory());
        }
    }

    /** Wherever in a load memory runs out, all is freed, and the next load works. */
    @ParameterizedTest
    @ValueSource(strings = {"cuMemAlloc", "cuMemHostAlloc", "cuStreamCreate", "cuEventCreate"})
    void everyAllocationOfALoadMayFail(String function) throws IOException {
        try (CudaDevice device = open()) {
            generates(device);
            long free = device.freeMemory();
            int allocations = 0;
            for (boolean failed = true; failed; allocations++) {
                simulator.fail(function + "@" + (allocations + 1) + "=2");
                failed = fails(device);
                assertEquals(free, device.freeMemory(), "after allocation " + allocations);
            }
            assertTrue(allocations > 1, function + " of a load: " + allocations);
            simulator.fail("");
            generates(device);
        }
    }

    /** A call that fails while weights are on their way, now or when the device comes to it. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "cuModuleLoadDataEx@1=2",
                "cuMemcpyHtoDAsync@9=999",
                "cuEventRecord@9=999",
                "cuStreamWaitEvent@9=999",
                "cuEventSynchronize@9=999",
                "cuLaunchKernel@9=701",
                "kernel@9=700",
                "copy@9=719",
                "copy@9=lost"
            })
    void aDeviceThatFailsEndsTheLoad(String fault) throws IOException {
        try (CudaDevice device = open()) {
            simulator.fail(fault);
            var error = assertThrows(DeviceException.class, () -> demo(device));
            assertTrue(error.getMessage().startsWith("device cuda:0"), error.getMessage());
            assertTrue(error.getMessage().contains("open"), error.getMessage());
        }
        simulator.fail("");
        try (CudaDevice device = open()) {
            generates(device);
        }
    }

    private static boolean fails(CudaDevice device) throws IOException {
        try (LanguageModel model = demo(device)) {
            return false;
        } catch (OutOfCapacityException e) {
            assertTrue(e.getMessage().contains("device cuda:0 has "), e.getMessage());
            assertTrue(e.getMessage().contains("smaller model"), e.getMessage());
            return true;
        } catch (DeviceException e) {
            assertTrue(e.getMessage().contains(" failed with CUDA_ERROR_OUT_OF_MEMORY"), e.getMessage());
            return true;
        }
    }

    /** A call that fails, now or when the device comes to it, ends the generation with its name; closing then works. */
    @ParameterizedTest
    @CsvSource({
        "cuLaunchKernel@30=701, cuLaunchKernel failed with CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (701)",
        "cuLaunchKernel@1=999, cuLaunchKernel failed with CUDA_ERROR_UNKNOWN (999)",
        "cuMemcpyHtoDAsync@1=999, cuMemcpyHtoDAsync_v2 failed with CUDA_ERROR_UNKNOWN (999)",
        "cuMemcpyDtoHAsync@3=719, cuMemcpyDtoHAsync_v2 failed with CUDA_ERROR_LAUNCH_FAILED (719)",
        "cuStreamSynchronize@2=999, cuStreamSynchronize failed",
        "kernel@20=700, CUDA_ERROR_ILLEGAL_ADDRESS (700)",
        "kernel@1=lost, failed with CUDA_ERROR_UNKNOWN (999)",
        "kernel@40=lost:46, failed with CUDA_ERROR_DEVICE_UNAVAILABLE (46)",
        "copy@7=719, CUDA_ERROR_LAUNCH_FAILED (719)",
        "call@50=lost, failed with CUDA_ERROR_UNKNOWN (999)"
    })
    void aDeviceThatFailsEndsTheGeneration(String fault, String message) throws IOException {
        try (CudaDevice device = open();
                LanguageModel model = demo(device);
                TokenSession session = model.session()) {
            session.feed(1, 2);
            simulator.fail(fault);
            var error = assertThrows(IllegalStateException.class, () -> {
                for (int i = 0; i < 100; i++) {
                    session.feed(3);
                }
            });
            assertInstanceOf(DeviceException.class, error.getCause());
            assertTrue(error.getMessage().contains("device cuda:0"), error.getMessage());
            assertTrue(error.getMessage().contains(message), error.getMessage());
            assertTrue(error.getMessage().contains("open"), error.getMessage());
            assertThrows(IllegalStateException.class, model::session);
        }
        simulator.fail("");
        try (CudaDevice device = open()) {
            generates(device);
        }
    }

    /** One of two devices that have the layers ends the generation on both. */
    @ParameterizedTest
    @ValueSource(strings = {"kernel@30=lost", "cuMemcpyPeerAsync@2=999", "copy@5=719"})
    void oneOfTwoDevicesThatFailsEndsTheGeneration(String fault) throws IOException {
        ModelOptions two = ModelOptions.builder().devices("cuda:0", "cuda:1").build();
        try (LanguageModel model = LanguageModel.openDemo(two);
                TokenSession session = model.session()) {
            session.feed(1, 2);
            simulator.fail(fault);
            var error = assertThrows(IllegalStateException.class, () -> {
                for (int i = 0; i < 100; i++) {
                    session.feed(3);
                }
            });
            assertInstanceOf(DeviceException.class, error.getCause());
            assertTrue(error.getMessage().contains("device cuda:"), error.getMessage());
            assertThrows(IllegalStateException.class, model::session);
        }
        simulator.fail("");
        try (LanguageModel model = LanguageModel.openDemo(two);
                TokenSession session = model.session()) {
            session.feed(1, 2);
            assertEquals(model.info().vocabulary(), session.logits().length);
        }
    }

    /** Copies that take their time delay what comes behind them, when a model is loaded and when it runs; nothing is lost or mixed up. */
    @Test
    void slowCopiesChangeNothing() throws IOException {
        try (CudaDevice device = open()) {
            float[] expected = logits(device);
            simulator.fail("copy@1+=slow:2");
            assertArrayEquals(expected, logits(device));
        }
    }

    private static float[] logits(CudaDevice device) throws IOException {
        try (LanguageModel model = demo(device);
                TokenSession session = model.session()) {
            session.feed(1, 2, 3);
            session.feed(4);
            return session.logits();
        }
    }
}
