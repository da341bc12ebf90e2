package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.ModelOptions;
import dev.nibble.TokenSession;
import dev.nibble.device.Activation;
import dev.nibble.device.Buffer;
import dev.nibble.device.DeviceException;
import dev.nibble.device.ElementType;
import dev.nibble.device.Operation;
import dev.nibble.device.RowCount;
import dev.nibble.device.Step;
import dev.nibble.foreign.CudaSimulator;
import dev.nibble.simulator.NeedsCudaSimulator;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps that are replayed as graphs: few calls of the driver, the same results, and nothing left behind. */
@ExtendWith(NeedsCudaSimulator.class)
class CudaGraphsTest {
    private static final int WIDTH = 96;

    private final CudaSimulator simulator = new CudaSimulator();

    @BeforeEach
    void forgetOtherTests() {
        simulator.fail("");
        simulator.leaks();
    }

    @AfterEach
    void nothingIsLeft() {
        simulator.fail("");
        assertTrue(simulator.leaks().stream().allMatch(count -> count == 0), "leaks");
    }

    private static CudaDevice open() {
        return CudaDevice.open(CudaPlatform.system(), 0);
    }

    /** A device whose steps are launched kernel by kernel. */
    private static CudaDevice openWithoutGraphs() {
        System.setProperty(CudaProperties.GRAPHS, "off");
        try {
            return open();
        } finally {
            System.clearProperty(CudaProperties.GRAPHS);
        }
    }

    private static LanguageModel demo(CudaDevice device) throws IOException {
        return LanguageModel.openDemo(ModelOptions.builder().device(device).build());
    }

    private static List<float[]> logits(LanguageModel model) {
        List<float[]> all = new ArrayList<>();
        try (TokenSession session = model.session()) {
            session.feed(1, 2, 3);
            for (int token = 4; token < 9; token++) {
                session.feed(token);
                all.add(session.logits());
            }
        }
        return all;
    }

    /** What a prompt of three tokens and five more give, on a device. */
    private static List<float[]> logits(CudaDevice device) throws IOException {
        try (device;
                LanguageModel model = demo(device)) {
            return logits(model);
        }
    }

    private static void assertSame(List<float[]> expected, List<float[]> actual) {
        assertEquals(expected.size(), actual.size());
        for (int i = 0; i < expected.size(); i++) {
            assertArrayEquals(expected.get(i), actual.get(i));
        }
    }

    /** The first time and the later ones, and what was prepared for a shape long before. */
    @Test
    void replayGivesTheBitsOfSingleLaunches() throws IOException {
        List<float[]> expected = logits(openWithoutGraphs());
        assertEquals(0, simulator.calls("cuGraphLaunch"));
        try (CudaDevice device = open();
                LanguageModel model = demo(device)) {
            assertSame(expected, logits(model));
            assertEquals(4, simulator.calls("cuGraphLaunch"));
            assertSame(expected, logits(model));
            assertEquals(10, simulator.calls("cuGraphLaunch"));
        }
    }

    /** Calls of the driver in a generation of so many tokens. */
    private Map<String, Long> calls(LanguageModel model, float temperature, int tokens) {
        simulator.fail("");
        model.generate(
                        "Once",
                        GenerationOptions.builder()
                                .temperature(temperature)
                                .maxTokens(tokens)
                                .build())
                .forEach(token -> {});
        Map<String, Long> calls = new LinkedHashMap<>();
        for (String function : List.of(
                "call",
                "cuLaunchKernel",
                "cuGraphLaunch",
                "cuMemAlloc",
                "cuMemHostAlloc",
                "cuMemcpyHtoDAsync",
                "cuStreamSynchronize",
                "cuEventSynchronize")) {
            calls.put(function, simulator.calls(function));
        }
        return calls;
    }

    /**
     * For each device the graph; one wait, for a token alone where that is the best, which stays on the device; elsewhere one launch that
     * writes what a step reads; and calls that choose the context.
     */
    @ParameterizedTest
    @CsvSource({"cuda:0, 0, 0, 10", "cuda:0, 0.8, 1, 11", "cuda:0;cuda:1, 0, 0, 35"})
    void aTokenTakesFewCalls(String devices, float temperature, int writes, int most) throws IOException {
        String[] names = devices.split(";");
        try (LanguageModel model =
                LanguageModel.openDemo(ModelOptions.builder().devices(names).build())) {
            calls(model, temperature, 4);
            calls(model, temperature, 4);
            Map<String, Long> few = calls(model, temperature, 4);
            Map<String, Long> more = calls(model, temperature, 14);
            more.replaceAll((function, count) -> count - few.get(function));
            assertEquals(10L * names.length, more.get("cuGraphLaunch"));
            assertEquals(0, more.get("cuMemAlloc") + more.get("cuMemHostAlloc"));
            assertEquals(0, more.get("cuMemcpyHtoDAsync"));
            assertEquals(10L * writes, more.get("cuStreamSynchronize"));
            assertEquals(10L - 10L * writes, more.get("cuEventSynchronize"));
            assertEquals(10L * writes * names.length, more.get("cuLaunchKernel"));
            assertEquals(10L * most, more.get("call"));
        }
    }

    /** A driver that cannot make a graph is not asked again, and the results are the same. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "cuStreamBeginCapture@1=801",
                "cuStreamEndCapture@1=901",
                "cuGraphInstantiateWithFlags@1=2",
                "cuStreamCreate@1=2"
            })
    void withoutGraphsStepsRunAllTheSame(String fault) throws IOException {
        List<float[]> expected = logits(openWithoutGraphs());
        try (CudaDevice device = open();
                LanguageModel model = demo(device)) {
            simulator.fail(fault);
            assertSame(expected, logits(model));
            assertEquals(0, simulator.calls("cuGraphLaunch"));
            assertEquals(1, simulator.calls(fault.substring(0, fault.indexOf('@'))));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "cuGraphLaunch@2=701, 'a graph of 2 kernels, from gate of 1 x 1 x 1 blocks of 256 x 1 x 1 threads to gate of',"
                + " cuGraphLaunch failed with CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (701)",
        "kernel@5=700, CUDA_ERROR_ILLEGAL_ADDRESS (700), fails as requested: gate"
    })
    void aGraphThatFailsSaysWhatIsInIt(String fault, String part, String other) {
        try (CudaDevice device = open();
                Rows rows = new Rows(device)) {
            simulator.fail(fault);
            var error = assertThrows(DeviceException.class, () -> {
                for (int i = 0; i < 4; i++) {
                    rows.run();
                }
            });
            assertTrue(error.getMessage().startsWith("device cuda:0"), error.getMessage());
            assertTrue(error.getMessage().contains(part), error.getMessage());
            assertTrue(error.getMessage().contains(other), error.getMessage());
        }
    }

    /** A step of two kernels and its buffers: y = silu(x) · x, then y = silu(y) · y. */
    private static final class Rows implements AutoCloseable {
        final CudaDevice device;
        final Buffer live;
        final Buffer x;
        final Buffer y;
        final Step step;

        Rows(CudaDevice device) {
            this.device = device;
            live = device.allocate(ElementType.I32, 1, 1);
            x = device.allocate(ElementType.F32, 1, WIDTH);
            y = device.allocate(ElementType.F32, 1, WIDTH);
            RowCount rows = new RowCount(live, 1);
            step = device.prepare(List.of(
                    new Operation.Gate(rows, Activation.SILU, x, x, y),
                    new Operation.Gate(rows, Activation.SILU, y, y, y)));
        }

        float[] run() {
            float[] values = new float[WIDTH];
            for (int i = 0; i < WIDTH; i++) {
                values[i] = 0.1f * i - 3;
            }
            device.queue().write(live, 0, MemorySegment.ofArray(new int[] {1}));
            device.queue().write(x, 0, MemorySegment.ofArray(values));
            device.queue().submit(step);
            device.queue().read(y, 0, MemorySegment.ofArray(values));
            return values;
        }

        @Override
        public void close() {
            step.close();
            live.close();
            x.close();
            y.close();
        }
    }

    private long executions() {
        return simulator.live().get(CudaSimulator.Kind.EXECUTIONS.ordinal());
    }

    @Test
    void closingAStepFreesItsGraph() {
        try (CudaDevice device = open()) {
            try (Rows rows = new Rows(device)) {
                rows.run();
                assertEquals(0, executions());
                rows.run();
                assertEquals(1, executions());
                device.queue().submit(rows.step);
                rows.step.close();
                rows.step.close();
                assertEquals(0, executions());
            }
            Rows open = new Rows(device);
            open.run();
            open.run();
            assertEquals(1, executions());
            device.close();
            assertEquals(0, executions());
            open.close();
        }
    }

    /** On the default stream of an application, where nothing can be captured. */
    @Test
    void graphsAreReplayedOnTheDefaultStream() {
        try (CudaDevice owner = open();
                CudaDevice borrower = CudaDevice.attach(owner.context(), 0);
                Rows rows = new Rows(borrower)) {
            simulator.fail("");
            float[] first = rows.run();
            assertArrayEquals(first, rows.run());
            assertArrayEquals(first, rows.run());
            assertEquals(2, simulator.calls("cuGraphLaunch"));
        }
    }

    /** A graph holds addresses: where one of them is freed, it is not replayed. */
    @Test
    void aGraphOfClosedMemoryIsRefused() {
        try (CudaDevice device = open();
                Rows rows = new Rows(device)) {
            rows.run();
            rows.run();
            rows.y.close();
            assertThrows(IllegalStateException.class, () -> device.queue().submit(rows.step));
        }
    }
}
