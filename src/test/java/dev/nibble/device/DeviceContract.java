package dev.nibble.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestInstance;

/**
 * What every device must do, family by family of operations: each test describes a step, which runs on the device and on an
 * oracle with the same inputs. A device's test has one nested class per family, which hands its {@link Subject} up.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class DeviceContract {
    /**
     * A device and what it is compared with.
     *
     * @param device opened as the test wants it
     * @param oracle another device that does the same arithmetic
     * @param tolerance the largest normalised mean square error of one operation
     * @param productTolerance the same of products, where nothing precedes them that is not exact
     */
    record Subject(Device device, Device oracle, double tolerance, double productTolerance) {
        Subject(Device device, Device oracle, double tolerance) {
            this(device, oracle, tolerance, tolerance);
        }
    }

    private final Subject subject;

    DeviceContract(Subject subject) {
        this.subject = subject;
    }

    @AfterAll
    void close() {
        subject.device.close();
        subject.oracle.close();
    }

    final Device device() {
        return subject.device;
    }

    final double tolerance() {
        return subject.tolerance;
    }

    /** Runs the step that {@code declare} describes {@code rounds} times on both devices and compares all outputs. */
    final void verify(long seed, int rounds, Consumer<Rig> declare) {
        verify(seed, rounds, subject.tolerance, subject.productTolerance, declare);
    }

    final void verify(long seed, int rounds, double tolerance, Consumer<Rig> declare) {
        verify(seed, rounds, tolerance, tolerance, declare);
    }

    private void verify(long seed, int rounds, double tolerance, double productTolerance, Consumer<Rig> declare) {
        List<Rig.Output> actual = run(subject.device, seed, rounds, declare);
        List<Rig.Output> expected = run(subject.oracle, seed, rounds, declare);
        assertEquals(expected.size(), actual.size());
        assertTrue(!actual.isEmpty(), "a step without outputs tests nothing");
        for (int i = 0; i < actual.size(); i++) {
            compare(expected.get(i), actual.get(i), actual.get(i).product() ? productTolerance : tolerance);
        }
    }

    private static List<Rig.Output> run(Device device, long seed, int rounds, Consumer<Rig> declare) {
        try (Rig rig = new Rig(device, seed)) {
            declare.accept(rig);
            return rig.run(rounds);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private static void compare(Rig.Output expected, Rig.Output actual, double tolerance) {
        int live = actual.live() * actual.width();
        int[] dead = Arrays.copyOfRange(actual.after(), live, actual.after().length);
        assertArrayEquals(
                Arrays.copyOfRange(actual.before(), live, actual.before().length),
                dead,
                () -> actual.name() + ": rows beyond the " + actual.live() + " live ones were written");
        int[] wanted = Arrays.copyOf(expected.after(), live);
        int[] got = Arrays.copyOf(actual.after(), live);
        if (actual.type() == ElementType.I32) {
            assertArrayEquals(wanted, got, actual.name());
        } else if (live > 0) {
            close(actual.name(), wanted, got, actual.width(), tolerance);
        }
    }

    private static void close(String name, int[] expected, int[] actual, int width, double tolerance) {
        double error = 0;
        double signal = 0;
        for (int i = 0; i < expected.length; i++) {
            double wanted = Float.intBitsToFloat(expected[i]);
            double got = Float.intBitsToFloat(actual[i]);
            String place = name + ", row " + i / width + ", value " + i % width + ": ";
            assertTrue(Double.isFinite(wanted), () -> place + "the oracle gave " + wanted);
            assertTrue(Double.isFinite(got), () -> place + got + " instead of " + wanted);
            error += (got - wanted) * (got - wanted);
            signal += wanted * wanted;
        }
        double nmse = error / signal;
        assertTrue(error <= tolerance * signal, () -> name + ": normalised mean square error " + nmse);
    }
}
