package dev.nibble.device.kernel;

import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.ModelOptions;
import dev.nibble.TokenSession;
import dev.nibble.device.Buffer;
import dev.nibble.device.Device;
import dev.nibble.device.ElementType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

/** Devices, models and buffers that are closed while others use them, in any order and from any thread. */
public abstract class ClosingContract {
    /** Opens the device under test. */
    protected abstract Device open();

    /** The demonstration model on a device. */
    protected static LanguageModel demo(Device device) throws IOException {
        return LanguageModel.openDemo(ModelOptions.builder().device(device).build());
    }

    /** Milliseconds in which some tokens come. */
    protected abstract long pause();

    @Test
    void closesDuringAGeneration() throws Exception {
        for (int tokens = 0; tokens < 4; tokens++) {
            Device device = open();
            LanguageModel model = demo(device);
            Generation story = model.generate(
                    "Once", GenerationOptions.builder().maxTokens(1000).build());
            FutureTask<Integer> reading = new FutureTask<>(() -> {
                int count = 0;
                for (var ignored : story) {
                    count++;
                }
                return count;
            });
            Thread thread = Thread.ofPlatform().start(reading);
            Thread.sleep(pause() * tokens);
            model.close();
            model.close();
            thread.join();
            device.close();
            device.close();
        }
    }

    /** A device that is closed under its model ends what runs there. */
    @Test
    void closesTheDeviceUnderAModel() throws Exception {
        Device device = open();
        LanguageModel model = demo(device);
        TokenSession session = model.session();
        session.feed(1, 2);
        Thread closing = Thread.ofPlatform().start(device::close);
        assertThrows(IllegalStateException.class, () -> {
            while (true) {
                session.feed(3);
                session.truncate(2);
            }
        });
        closing.join();
        model.close();
    }

    @Test
    void buffersCloseAfterTheirDeviceAndFromAnyThread() throws Exception {
        Device device = open();
        Buffer one = device.allocate(ElementType.F32, 1, 8);
        Buffer other = device.allocate(ElementType.Q8, 1, 32);
        Thread.ofPlatform().start(other::close).join();
        device.close();
        one.close();
        other.close();
        MemorySegment host = MemorySegment.ofArray(new float[8]);
        assertThrows(IllegalStateException.class, () -> device.queue().read(one, 0, host));
        assertThrows(IllegalStateException.class, () -> device.allocate(ElementType.F32, 1, 8));
    }
}
