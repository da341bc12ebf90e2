package dev.nibble.device.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceException;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.ElementType;
import dev.nibble.device.Exchange;
import dev.nibble.device.NormKind;
import dev.nibble.device.Operation;
import dev.nibble.device.Resources;
import dev.nibble.device.RowCount;
import dev.nibble.device.Step;
import dev.nibble.device.SumNorm;
import dev.nibble.foreign.CudaSimulator;
import dev.nibble.simulator.NeedsCudaSimulator;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Devices add up what each gives, on their own, and give up one that does not come. */
@ExtendWith(NeedsCudaSimulator.class)
@Timeout(60)
class CudaExchangeTest {
    private static final float EPSILON = 1e-5f;
    private static final int LIMIT = 5;

    private final CudaSimulator simulator = new CudaSimulator();
    private final Random random = new Random(5);
    private List<Long> before = List.of();

    @BeforeEach
    void start() {
        simulator.fail("");
        before = simulator.live();
    }

    @AfterEach
    void nothingIsLeft() {
        simulator.fail("");
        simulator.setPeers(true);
        System.clearProperty(CudaProperties.PEER_SECONDS);
        assertEquals(before, simulator.live());
    }

    /** What a device needs for a step of three turns. */
    private static final class Side {
        final Device device;
        final List<Buffer> buffers;
        final Buffer live;
        final Buffer residual;
        final Buffer weight;
        final Buffer out;
        final Buffer quantized;

        Side(Resources owner, Device device, int width) {
            this.device = device;
            live = owner.own(device.allocate(ElementType.I32, 1, 1));
            residual = owner.own(device.allocate(ElementType.F32, LIMIT, width));
            weight = owner.own(device.allocate(ElementType.F32, 1, width));
            out = owner.own(device.allocate(ElementType.F32, LIMIT, width));
            quantized = owner.own(device.allocate(ElementType.Q8, LIMIT, Math.ceilDiv(width, 32) * 32));
            buffers = List.of(
                    residual,
                    owner.own(device.allocate(ElementType.F32, LIMIT, width)),
                    owner.own(device.allocate(ElementType.F32, LIMIT, width)));
        }

        void write(Buffer buffer, float[] values) {
            device.queue().write(buffer, 0, MemorySegment.ofArray(values));
        }

        float[] read(Buffer buffer) {
            float[] values = new float[buffer.rows() * buffer.width()];
            device.queue().read(buffer, 0, MemorySegment.ofArray(values));
            return values;
        }

        /** Turns 0, 1 and 2; what the last gives is quantized too, where that can be. */
        Step step(Exchange exchange, NormKind kind) {
            List<Operation> operations = new ArrayList<>();
            RowCount rows = new RowCount(live, LIMIT);
            for (int turn = 0; turn < 3; turn++) {
                operations.add(new SumNorm(rows, kind, EPSILON, exchange, turn, residual, weight, null, out));
            }
            if (out.width() == quantized.width()) {
                operations.add(new Operation.Quantize(rows, out, quantized));
            }
            return device.prepare(operations);
        }
    }

    private List<Side> sides(Resources owner, int width) {
        List<Side> sides = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Device device = owner.own(Devices.open("cuda:" + i, DeviceOptions.DEFAULT));
            sides.add(new Side(owner, device, width));
        }
        return sides;
    }

    private static List<Exchange> open(Resources owner, List<Side> sides) {
        List<Exchange> places = sides.getFirst()
                .device
                .openExchanges(
                        sides.stream().map(side -> side.device).toList(),
                        sides.stream().map(side -> side.buffers).toList());
        places.forEach(owner::own);
        assertEquals(2, places.size());
        return places;
    }

    private float[] floats(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextFloat(-2, 3);
        }
        return values;
    }

    /** Odd widths, and one that a thread reads several pieces of; several steps, the later ones as graphs. */
    @ParameterizedTest
    @CsvSource({"64, RMS, true", "64, RMS, false", "37, LAYER, true", "4384, RMS, true", "16424, LAYER, false"})
    void allDevicesHaveTheSameSums(int width, NormKind kind, boolean peers) {
        simulator.setPeers(peers);
        try (Resources owner = new Resources()) {
            List<Side> sides = sides(owner, width);
            List<Exchange> places = open(owner, sides);
            List<Step> steps =
                    List.of(sides.get(0).step(places.get(0), kind), sides.get(1).step(places.get(1), kind));
            for (int rows : new int[] {0, 0, 1, LIMIT, 3}) {
                float[] weight = floats(width);
                float[] embedded = floats(LIMIT * width);
                float[] left = fill(sides.get(0), rows, weight, embedded);
                float[] right = fill(sides.get(1), rows, weight, floats(LIMIT * width));
                List<float[]> unwritten =
                        sides.stream().map(side -> side.read(side.out)).toList();
                simulator.fail(rows == 3 ? "kernel@1=slow:20" : "");
                for (int i = 0; i < 2; i++) {
                    sides.get(i).device.queue().submit(steps.get(i));
                }
                check(sides, rows, kind, weight, embedded, left, right, unwritten);
            }
        }
    }

    /** Fills a device's buffers, the residual stream with what it is to have before; returns both parts. */
    private float[] fill(Side side, int rows, float[] weight, float[] residual) {
        float[] parts = floats(2 * LIMIT * weight.length);
        side.device.queue().write(side.live, 0, MemorySegment.ofArray(new int[] {rows}));
        side.write(side.weight, weight);
        side.write(side.residual, residual);
        side.write(side.out, floats(LIMIT * weight.length));
        side.write(side.buffers.get(1), Arrays.copyOf(parts, parts.length / 2));
        side.write(side.buffers.get(2), Arrays.copyOfRange(parts, parts.length / 2, parts.length));
        return parts;
    }

    private static void check(
            List<Side> sides,
            int rows,
            NormKind kind,
            float[] weight,
            float[] embedded,
            float[] left,
            float[] right,
            List<float[]> unwritten) {
        int width = weight.length;
        float[] sum = new float[rows * width];
        for (int i = 0; i < sum.length; i++) {
            int second = LIMIT * width + i;
            sum[i] = embedded[i] + left[i] + right[i] + left[second] + right[second];
        }
        float[] first = sides.getFirst().read(sides.getFirst().out);
        for (int i = 0; i < 2; i++) {
            Side side = sides.get(i);
            assertArrayEquals(sum, Arrays.copyOf(side.read(side.residual), sum.length), "device " + i);
            float[] out = side.read(side.out);
            assertArrayEquals(
                    Arrays.copyOfRange(unwritten.get(i), sum.length, out.length),
                    Arrays.copyOfRange(out, sum.length, out.length));
            assertArrayEquals(Arrays.copyOf(first, sum.length), Arrays.copyOf(out, sum.length), "device " + i);
        }
        for (int row = 0; row < rows; row++) {
            double[] wanted = norm(Arrays.copyOfRange(sum, row * width, (row + 1) * width), kind, weight);
            for (int i = 0; i < width; i++) {
                assertEquals(wanted[i], first[row * width + i], 1e-4 * (1 + Math.abs(wanted[i])), row + ", " + i);
            }
        }
    }

    private static double[] norm(float[] x, NormKind kind, float[] weight) {
        double mean = 0;
        for (float value : x) {
            mean += kind == NormKind.LAYER ? (double) value / x.length : 0;
        }
        double square = 0;
        for (float value : x) {
            square += (value - mean) * (value - mean) / x.length;
        }
        double[] norm = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            norm[i] = (x[i] - mean) / Math.sqrt(square + EPSILON) * weight[i];
        }
        return norm;
    }

    /** The other one never comes: it hangs, it is lost, or nobody gives it work. */
    @ParameterizedTest
    @CsvSource({
        "hang, true, which still works",
        "hang, false, which still works",
        "lost:46, true, failed with CUDA_ERROR_",
        "slow:1000, true, which still works",
        "nothing, true, which has not begun"
    })
    void aDeviceThatDoesNotComeIsGivenUp(String fault, boolean peers, String message) {
        System.setProperty(CudaProperties.PEER_SECONDS, "0.3");
        simulator.setPeers(peers);
        try (Resources owner = new Resources()) {
            List<Side> sides = sides(owner, 64);
            List<Exchange> places = open(owner, sides);
            float[] zeros = new float[64];
            sides.forEach(side -> fill(side, 1, zeros, new float[LIMIT * 64]));
            Side first = sides.getFirst();
            first.read(first.out);
            Step step = first.step(places.get(0), NormKind.RMS);
            Step other = sides.get(1).step(places.get(1), NormKind.RMS);
            int kernels = kernelsBeforeWait(peers);
            simulator.fail(fault.equals("nothing") ? "" : "kernel@" + (kernels + 1) + "=" + fault);
            first.device.queue().submit(step);
            if (!fault.equals("nothing")) {
                while (simulator.calls("kernel") < kernels) {
                    Thread.onSpinWait();
                }
                submitToTheOther(sides.get(1), other, fault);
            }
            var error = assertThrows(DeviceException.class, () -> first.read(first.out));
            assertTrue(error.getMessage().startsWith("device cuda:0 waited 0.3 s for"), error.getMessage());
            assertTrue(error.getMessage().contains(message), error.getMessage());
            assertThrows(DeviceException.class, () -> first.device.queue().submit(step));
            simulator.fail("");
        }
    }

    /** One that is lost may be so before it has all of its work. */
    private static void submitToTheOther(Side side, Step step, String fault) {
        try {
            side.device.queue().submit(step);
        } catch (DeviceException e) {
            assertTrue(fault.startsWith("lost"), e.getMessage());
        }
    }

    /** Kernels of the first device up to the one that waits for the other. */
    private static int kernelsBeforeWait(boolean peers) {
        return peers ? 2 : 3;
    }

    /** Whoever closes does not wait until a device is given up. */
    @Test
    void closingEndsAWait() {
        try (Resources owner = new Resources()) {
            List<Side> sides = sides(owner, 64);
            List<Exchange> places = open(owner, sides);
            fill(sides.getFirst(), 1, new float[64], new float[LIMIT * 64]);
            sides.getFirst().device.queue().submit(sides.getFirst().step(places.getFirst(), NormKind.RMS));
            long start = System.nanoTime();
            places.getFirst().close();
            places.getFirst().close();
            assertTrue(System.nanoTime() - start < 10e9);
        }
    }

    @Test
    void oneDeviceTwiceAndOtherDevicesDoNotMeet() {
        try (Resources owner = new Resources()) {
            Device first = owner.own(Devices.open("cuda:0", DeviceOptions.DEFAULT));
            Device same = owner.own(Devices.open("cuda:0", DeviceOptions.DEFAULT));
            Device reference = owner.own(Devices.open("reference", DeviceOptions.DEFAULT));
            assertEquals(List.of(), first.openExchanges(List.of(first, same), List.of()));
            assertEquals(List.of(), first.openExchanges(List.of(first, reference), List.of()));
            assertEquals(List.of(), reference.openExchanges(List.of(reference, first), List.of()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuMemHostAlloc@1=2", "cuMemAlloc@1=2", "cuMemAlloc@2=2"})
    void whatFailsToOpenLeavesNothing(String fault) {
        try (Resources owner = new Resources()) {
            List<Side> sides = sides(owner, 64);
            List<Long> then = simulator.live();
            simulator.fail(fault);
            assertInstanceOf(RuntimeException.class, assertThrows(RuntimeException.class, () -> open(owner, sides)));
            simulator.fail("");
            assertEquals(then, simulator.live());
        }
    }
}
