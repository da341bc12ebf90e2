package dev.nibble;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.DeviceOptions;
import dev.nibble.device.Devices;
import dev.nibble.device.ElementType;
import dev.nibble.device.NeedsOpenCl;
import dev.nibble.device.opencl.OpenClDevice;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Applications that made an OpenCL context, a queue and a buffer with a library of their own run a model on them. */
@ExtendWith(NeedsOpenCl.class)
class BorrowedOpenClTest {
    /** An application's own OpenCL objects; its buffer has room for so many floats. */
    interface Application extends AutoCloseable {
        long context();

        long device();

        long queue();

        /** The handle of the buffer of {@code count} floats. */
        long makeBuffer(int count);

        /** What is in the buffer, read with the application's own library on its own queue. */
        float[] readBuffer();

        void writeBuffer(float[] values);

        /** How many owners the context, the queue and the buffer have. */
        List<Integer> owners();

        @Override
        void close();
    }

    static Stream<Named<Supplier<Application>>> applications() {
        return Stream.of(Named.of("JOCL", JoclApplication::new), Named.of("LWJGL", LwjglApplication::new));
    }

    @ParameterizedTest
    @MethodSource("applications")
    void generatesOnTheApplicationsObjects(Supplier<Application> library) throws IOException {
        try (Application application = library.get()) {
            int vocabulary = DemoTokens.vocabulary();
            long handle = application.makeBuffer(vocabulary);
            // A queue may count as an owner of itself once a command was enqueued.
            application.writeBuffer(new float[vocabulary]);
            List<Integer> owners = application.owners();
            List<Integer> tokens = new ArrayList<>();
            try (OpenClDevice device =
                            OpenClDevice.attach(application.context(), application.device(), application.queue());
                    LanguageModel model = LanguageModel.openDemo(
                            ModelOptions.builder().device(device).build());
                    Buffer logits = device.attach(handle, ElementType.F32, 1, vocabulary);
                    TokenSession session = model.session()) {
                session.feed(logits, model.tokenize(DemoTokens.PROMPT));
                for (int i = 0; i < DemoTokens.COUNT; i++) {
                    tokens.add(DemoTokens.largest(application.readBuffer()));
                    session.feed(logits, tokens.getLast());
                }
                assertEquals(0, session.logits().length, "logits came to the host");
            }
            assertEquals(DemoTokens.expected(), tokens);
            assertEquals(owners, application.owners());
            float[] values = new float[vocabulary];
            values[7] = 7;
            application.writeBuffer(values);
            assertArrayEquals(values, application.readBuffer());
        }
    }

    /** A model that is closed leaves the device open for the next; logits lie in the buffer as the host reads them. */
    @Test
    void aDeviceOutlivesItsModels() throws IOException {
        try (Application application = new JoclApplication();
                OpenClDevice device =
                        OpenClDevice.attach(application.context(), application.device(), application.queue())) {
            int vocabulary = DemoTokens.vocabulary();
            long handle = application.makeBuffer(2 * vocabulary);
            Buffer logits = device.attach(handle, ElementType.F32, 2, vocabulary);
            long free = 0;
            for (int i = 0; i < 2; i++) {
                try (LanguageModel model = LanguageModel.openDemo(
                                ModelOptions.builder().device(device).build());
                        TokenSession session = model.session();
                        TokenSession host = model.session()) {
                    session.feed(logits, 1, 2, 3);
                    host.feed(1, 2, 3);
                    float[] read = application.readBuffer();
                    assertArrayEquals(host.logits(), Arrays.copyOf(read, vocabulary));
                }
                // What the device keeps for its steps is there after the first model.
                assertTrue(i == 0 || device.freeMemory() == free, "a model left memory behind");
                free = device.freeMemory();
            }
            assertEquals(handle, device.handle(logits));
        }
    }

    @Test
    void refusesWhatDoesNotBelongTogether() {
        try (Application one = new JoclApplication();
                Application other = new LwjglApplication();
                OpenClDevice device = OpenClDevice.attach(one.context(), one.device(), one.queue())) {
            assertThrows(
                    IllegalArgumentException.class,
                    () -> OpenClDevice.attach(other.context(), one.device(), one.queue()));
            long foreign = other.makeBuffer(8);
            assertThrows(IllegalArgumentException.class, () -> device.attach(foreign, ElementType.F32, 1, 8));
            long own = one.makeBuffer(8);
            assertThrows(IllegalArgumentException.class, () -> device.attach(own, ElementType.F32, 3, 3));
            assertThrows(IllegalArgumentException.class, () -> device.attach(own, ElementType.F32, 0, 8));
            Buffer buffer = device.attach(own, ElementType.I32, 2, 4);
            buffer.close();
            buffer.close();
        }
    }

    /** A buffer that logits cannot be left in fails the feed alone. */
    @Test
    void refusesBuffersThatLogitsCannotBeLeftIn() throws IOException {
        try (Application application = new JoclApplication();
                OpenClDevice device =
                        OpenClDevice.attach(application.context(), application.device(), application.queue());
                LanguageModel model = LanguageModel.openDemo(
                        ModelOptions.builder().device(device).build());
                Device other = Devices.open("reference", DeviceOptions.DEFAULT);
                TokenSession session = model.session()) {
            int vocabulary = DemoTokens.vocabulary();
            Buffer narrow = device.allocate(ElementType.F32, 1, vocabulary - 1);
            assertThrows(IllegalArgumentException.class, () -> session.feed(narrow, 1));
            assertEquals(0, session.length());
            Buffer elsewhere = other.allocate(ElementType.F32, 1, vocabulary);
            assertThrows(IllegalArgumentException.class, () -> session.feed(elsewhere, 1));
            Buffer closed = device.allocate(ElementType.F32, 1, vocabulary);
            closed.close();
            assertThrows(IllegalStateException.class, () -> session.feed(closed, 1));
            session.feed(2);
            assertTrue(session.logits().length == vocabulary);
        }
    }
}
