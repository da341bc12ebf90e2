package dev.nibble;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.device.Buffer;
import dev.nibble.device.ElementType;
import dev.nibble.device.NeedsCuda;
import dev.nibble.device.cuda.CudaDevice;
import dev.nibble.foreign.CudaSimulator;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Applications that made a CUDA context, a stream and memory with a library of their own run a model on them. */
@ExtendWith(NeedsCuda.class)
class BorrowedCudaTest {
    /** An application's own CUDA objects; its memory has room for so many floats. */
    interface Application extends AutoCloseable {
        long context();

        long stream();

        /** The address of memory of {@code count} floats. */
        long makeBuffer(int count);

        /** What is in the memory, read with the application's own library behind what is on its stream. */
        float[] readBuffer();

        void writeBuffer(float[] values);

        /** The context that is current on this thread. */
        long current();

        @Override
        void close();
    }

    /** A way in which a device borrows what an application has. */
    enum Way {
        STREAM {
            @Override
            CudaDevice attach(Application application) {
                CudaDevice device = CudaDevice.attach(application.context(), application.stream());
                assertEquals(application.stream(), device.stream());
                return device;
            }
        },
        CONTEXT {
            @Override
            CudaDevice attach(Application application) {
                return CudaDevice.attach(application.context());
            }
        },
        CURRENT {
            @Override
            CudaDevice attach(Application application) {
                return CudaDevice.current();
            }
        };

        abstract CudaDevice attach(Application application);
    }

    static Stream<Named<Supplier<Application>>> applications() {
        return Stream.of(Named.of("JCuda", JcudaApplication::new), Named.of("LWJGL", BorrowedCudaTest::lwjgl));
    }

    private static Application lwjgl() {
        return new LwjglCudaApplication(CudaSimulator.file());
    }

    @ParameterizedTest
    @MethodSource("applications")
    void generatesOnTheApplicationsObjects(Supplier<Application> library) throws IOException {
        for (Way way : Way.values()) {
            try (Application application = library.get()) {
                int vocabulary = DemoTokens.vocabulary();
                long pointer = application.makeBuffer(vocabulary);
                try (CudaDevice device = way.attach(application)) {
                    assertEquals(application.context(), device.context());
                    assertEquals(DemoTokens.expected(), generate(application, device, pointer, vocabulary), way.name());
                }
                assertEquals(application.context(), application.current());
                float[] values = new float[vocabulary];
                values[7] = 7;
                application.writeBuffer(values);
                assertArrayEquals(values, application.readBuffer());
            }
        }
    }

    private static List<Integer> generate(Application application, CudaDevice device, long pointer, int vocabulary)
            throws IOException {
        List<Integer> tokens = new ArrayList<>();
        try (LanguageModel model = LanguageModel.openDemo(
                        ModelOptions.builder().device(device).build());
                Buffer logits = device.attach(pointer, ElementType.F32, 1, vocabulary);
                TokenSession session = model.session()) {
            assertEquals(pointer, device.pointer(logits));
            session.feed(logits, model.tokenize(DemoTokens.PROMPT));
            for (int i = 0; i < DemoTokens.COUNT; i++) {
                tokens.add(DemoTokens.largest(application.readBuffer()));
                session.feed(logits, tokens.getLast());
            }
            assertEquals(0, session.logits().length, "logits came to the host");
        }
        return tokens;
    }

    /** A model that is closed leaves the device open for the next; logits lie in the memory as the host reads them. */
    @Test
    void aDeviceOutlivesItsModels() throws IOException {
        try (Application application = new JcudaApplication();
                CudaDevice device = CudaDevice.attach(application.context(), application.stream())) {
            int vocabulary = DemoTokens.vocabulary();
            long pointer = application.makeBuffer(2 * vocabulary);
            Buffer logits = device.attach(pointer, ElementType.F32, 2, vocabulary);
            long free = 0;
            for (int i = 0; i < 2; i++) {
                try (LanguageModel model = LanguageModel.openDemo(
                                ModelOptions.builder().device(device).build());
                        TokenSession session = model.session();
                        TokenSession host = model.session()) {
                    session.feed(logits, 1, 2, 3);
                    host.feed(1, 2, 3);
                    assertArrayEquals(host.logits(), Arrays.copyOf(application.readBuffer(), vocabulary));
                }
                // What the device keeps for its steps is there after the first model.
                assertTrue(i == 0 || device.freeMemory() == free, "a model left memory behind");
                free = device.freeMemory();
            }
        }
    }

    @Test
    void refusesWhatDoesNotBelongTogether() {
        try (Application one = new JcudaApplication();
                CudaDevice device = CudaDevice.attach(one.context(), one.stream())) {
            long own = one.makeBuffer(8);
            refusesOthers(one, device);
            assertThrows(IllegalArgumentException.class, () -> CudaDevice.attach(0));
            assertThrows(IllegalArgumentException.class, () -> device.attach(own, ElementType.F32, 3, 3));
            assertThrows(IllegalArgumentException.class, () -> device.attach(own + 4, ElementType.F32, 1, 8));
            assertThrows(IllegalArgumentException.class, () -> device.attach(own + 2, ElementType.F32, 1, 4));
            assertThrows(IllegalArgumentException.class, () -> device.attach(own, ElementType.F32, 0, 8));
            assertThrows(IllegalArgumentException.class, () -> device.attach(own, ElementType.Q8, 1, 32));
            assertThrows(IllegalArgumentException.class, () -> device.attach(16, ElementType.F32, 1, 8));
            Buffer buffer = device.attach(own + 8, ElementType.I32, 2, 3);
            assertEquals(own + 8, device.pointer(buffer));
            buffer.close();
            buffer.close();
        }
    }

    private static void refusesOthers(Application one, CudaDevice device) {
        try (Application other = lwjgl()) {
            assertThrows(IllegalArgumentException.class, () -> CudaDevice.attach(one.context(), other.stream()));
            long pointer = other.makeBuffer(8);
            assertThrows(IllegalArgumentException.class, () -> device.attach(pointer, ElementType.F32, 1, 8));
        }
    }

    @Test
    void aThreadWithoutAContextHasNothingToLend() {
        CompletableFuture.runAsync(() -> assertThrows(IllegalArgumentException.class, CudaDevice::current))
                .join();
    }
}
