package dev.nibble.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.KvType;
import dev.nibble.model.ModelSource;
import dev.nibble.model.SyntheticModel;
import dev.nibble.model.TensorRole;
import dev.nibble.model.Weights;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 2, unit = TimeUnit.MINUTES)
final class RehearsalTest {
    private static final String KERNELS = "dev.nibble.cpu.kernels";
    private static final EngineOptions OPTIONS = new EngineOptions(64, 64, KvType.F16, KvType.F16, 8);

    /** 24 passes of a prompt and two more tokens. */
    private static final int ALL_STEPS = 24 * 3;

    /** Native kernels have no need of it. */
    @BeforeEach
    void withKernelsThatAreCompiledAsTheyRun() {
        System.setProperty(KERNELS, "vector");
    }

    @AfterEach
    void withThoseThatThereAre() {
        System.clearProperty(KERNELS);
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama-3.2-1b:q4_0", "qwen2.5-0.5b:q8_0", "qwen3-0.6b:q4_k", "qwen3-30b-a3b:q6_k"})
    void runsToItsEndWithEveryArchitecture(String shape) throws InterruptedException {
        try (ModelSource source = SyntheticModel.of(shape);
                Device device = Devices.open("cpu", new DeviceOptions(2, false));
                Rehearsal rehearsal = Rehearsal.start(List.of(device), source, Weights.tensors(source), OPTIONS)) {
            while (rehearsal.isRunning()) {
                Thread.sleep(10);
            }
            assertEquals(ALL_STEPS, rehearsal.steps());
        }
    }

    @Test
    void endsWhenItIsClosed() {
        try (ModelSource source = SyntheticModel.of("llama-3.2-1b:q4_0");
                Device device = Devices.open("cpu", new DeviceOptions(1, false))) {
            Rehearsal rehearsal = Rehearsal.start(List.of(device), source, Weights.tensors(source), OPTIONS);
            rehearsal.close();
            assertFalse(rehearsal.isRunning());
            assertTrue(rehearsal.steps() < ALL_STEPS, () -> rehearsal.steps() + " steps");
            rehearsal.close();
        }
    }

    @Test
    void smallModelsAndDevicesWithoutUseForItAreNotRehearsed() {
        try (ModelSource source = SyntheticModel.of("llama-3.2-1b:q4_0");
                Device cpu = Devices.open("cpu", new DeviceOptions(1, false));
                Device reference = Devices.open("reference", DeviceOptions.DEFAULT)) {
            List<Weights.Tensor> tensors = Weights.tensors(source);
            List<Weights.Tensor> norms = tensors.stream()
                    .filter(tensor -> tensor.role() == TensorRole.ATTENTION_NORM)
                    .toList();
            assertFalse(Rehearsal.start(List.of(reference), source, tensors, OPTIONS)
                    .isRunning());
            assertFalse(Rehearsal.start(List.of(cpu), source, norms, OPTIONS).isRunning());
        }
    }
}
