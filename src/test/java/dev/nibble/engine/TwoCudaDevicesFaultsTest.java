package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.OutOfCapacityException;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceException;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.KvType;
import dev.nibble.device.Resources;
import dev.nibble.foreign.CudaSimulator;
import dev.nibble.model.GgufModel;
import dev.nibble.model.Split;
import dev.nibble.simulator.NeedsCudaSimulator;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One of two CUDA devices fails: an error that names it and no hang, all is freed, and the model can be opened again. */
@Tag("slow")
@ExtendWith(NeedsCudaSimulator.class)
@Timeout(120)
class TwoCudaDevicesFaultsTest {
    private static final int[] TOKENS = {5, 9, 13, 17, 21, 8, 33, 40, 12, 7, 11};

    private static final String WAIT = "dev.nibble.cuda.peerSeconds";

    private final CudaSimulator simulator = new CudaSimulator();
    private List<Long> before = List.of();

    @BeforeEach
    void forgetOtherTests() {
        System.setProperty(WAIT, "1");
        simulator.fail("");
        simulator.setPeers(true);
        before = simulator.live();
    }

    @AfterEach
    void nothingIsLeft() {
        simulator.fail("");
        simulator.setPeers(true);
        System.clearProperty(WAIT);
        assertEquals(before, simulator.live());
    }

    /** What is done with an engine on two devices. */
    private interface Work {
        float[] of(Scheduler scheduler, int vocabulary);
    }

    private static float[] on(Split split, Work work) throws IOException {
        try (Resources opened = new Resources();
                GgufModel model = TensorSplitProbe.open("random-llama-q8_0")) {
            List<Device> devices = List.of(
                    opened.own(Devices.open("cuda:0", DeviceOptions.DEFAULT)),
                    opened.own(Devices.open("cuda:1", DeviceOptions.DEFAULT)));
            EngineOptions options = new EngineOptions(64, 64, KvType.F16, KvType.F16, 4).withSplit(split);
            try (Engine engine = Engine.open(devices, model, options, done -> {})) {
                return work.of(engine.scheduler(), model.config().vocabulary());
            }
        }
    }

    private static float[] logits(Split split) throws IOException {
        return on(split, (scheduler, vocabulary) -> EngineProbe.last(scheduler, vocabulary, TOKENS));
    }

    /** Which device is the first to notice depends on how far each is. */
    @ParameterizedTest
    @CsvSource({
        "LAYER, kernel@9=lost, failed with CUDA_ERROR_",
        "LAYER, kernel@12=lost:46, failed with CUDA_ERROR_",
        "LAYER, cuMemcpyPeerAsync@2=719, CUDA_ERROR_LAUNCH_FAILED (719)",
        "TENSOR, kernel@3=lost, failed with CUDA_ERROR_",
        "TENSOR, kernel@12=lost:46, failed with CUDA_ERROR_",
        "TENSOR, kernel@21=719, CUDA_ERROR_LAUNCH_FAILED (719)",
        "TENSOR, cuGraphLaunch@2=999, CUDA_ERROR_UNKNOWN (999)"
    })
    void aDeviceThatIsLostEndsWhatRuns(Split split, String fault, String message) throws IOException {
        float[] wanted = logits(split);
        var error = assertThrows(
                CompletionException.class,
                () -> on(split, (scheduler, vocabulary) -> {
                    EngineProbe.last(scheduler, vocabulary, 1, 2, 3);
                    simulator.fail(fault);
                    return EngineProbe.last(scheduler, vocabulary, TOKENS);
                }));
        Throwable cause = error.getCause();
        assertInstanceOf(DeviceException.class, cause);
        assertTrue(cause.getMessage().contains(message), cause.getMessage());
        assertTrue(cause.getMessage().contains("device cuda:"), cause.getMessage());
        simulator.fail("");
        assertArrayEquals(wanted, logits(split), "after " + fault);
    }

    /** The other device waits for it in vain, and says so. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aDeviceThatHangsIsGivenUp(boolean peers) throws IOException {
        float[] wanted = logits(Split.TENSOR);
        simulator.setPeers(peers);
        var error = assertThrows(
                CompletionException.class,
                () -> on(Split.TENSOR, (scheduler, vocabulary) -> {
                    EngineProbe.last(scheduler, vocabulary, 1, 2, 3);
                    simulator.fail("kernel@12=hang");
                    try {
                        return EngineProbe.last(scheduler, vocabulary, TOKENS);
                    } finally {
                        simulator.fail("");
                    }
                }));
        String message = error.getCause().getMessage();
        assertTrue(message.contains("waited 1.0 s for a part of what device cuda:"), message);
        assertArrayEquals(wanted, logits(Split.TENSOR));
    }

    /** Each eleventh allocation of a load on two devices. */
    @ParameterizedTest
    @EnumSource(names = {"LAYER", "TENSOR"})
    void whereverMemoryRunsOutAllIsFreed(Split split) throws IOException {
        float[] wanted = logits(split);
        int failures = 0;
        for (int allocation = 1; ; allocation += 11) {
            simulator.fail("cuMemAlloc@" + allocation + "=2");
            try {
                on(split, (scheduler, vocabulary) -> wanted);
                break;
            } catch (OutOfCapacityException e) {
                assertTrue(e.getMessage().contains("device cuda:"), e.getMessage());
                failures++;
            }
            simulator.fail("");
            assertEquals(before, simulator.live(), "after allocation " + allocation);
        }
        assertTrue(failures > 5, failures + " failures");
        simulator.fail("");
        assertArrayEquals(wanted, logits(split));
    }

    /** Where devices do not reach each other, what they exchange goes through the host. */
    @ParameterizedTest
    @EnumSource(names = {"LAYER", "TENSOR"})
    void devicesThatDoNotReachEachOther(Split split) throws IOException {
        float[] wanted = logits(split);
        simulator.setPeers(false);
        assertArrayEquals(wanted, logits(split));
    }
}
