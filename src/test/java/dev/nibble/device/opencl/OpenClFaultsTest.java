package dev.nibble.device.opencl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.LanguageModel;
import dev.nibble.OutOfCapacityException;
import dev.nibble.TokenSession;
import dev.nibble.UnsupportedFeatureException;
import dev.nibble.device.DeviceException;
import dev.nibble.device.ElementType;
import dev.nibble.device.NeedsOpenCl;
import dev.nibble.device.kernel.ClosingContract;
import dev.nibble.foreign.FaultyOpenCl;
import dev.nibble.foreign.OpenClLibrary;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Drivers and devices that fail: each failure is named, frees what was made, and leaves the program running. */
@ExtendWith(NeedsOpenCl.class)
@Timeout(120)
class OpenClFaultsTest extends ClosingContract {
    private static final int PLATFORM_NOT_FOUND = -1001;
    private static final int DEVICE_NOT_FOUND = -1;
    private static final int ALLOCATION_FAILURE = -4;
    private static final int OUT_OF_RESOURCES = -5;
    private static final int OUT_OF_HOST_MEMORY = -6;
    private static final int INVALID_COMMAND_QUEUE = -36;

    private final FaultyOpenCl driver = new FaultyOpenCl();

    @Override
    protected OpenClDevice open() {
        return OpenClDevice.open(OpenClPlatforms.of(driver.library()), 0);
    }

    @Override
    protected long pause() {
        return 3;
    }

    @Test
    void noLibraryIsANormalState() {
        OpenClPlatforms platforms = OpenClPlatforms.of(OpenClLibrary.load(List.of("libNoSuchOpenCL.so")));
        assertEquals(List.of(), platforms.devices());
        assertTrue(platforms.missing().contains("libNoSuchOpenCL.so"), platforms.missing());
    }

    @ParameterizedTest
    @CsvSource({
        "clGetPlatformIDs, " + PLATFORM_NOT_FOUND + ", finds no driver",
        "clGetDeviceIDs, " + DEVICE_NOT_FOUND + ", find no device",
        "clGetPlatformIDs, " + OUT_OF_HOST_MEMORY + ", CL_OUT_OF_HOST_MEMORY (-6)",
        "clGetDeviceIDs, " + OUT_OF_RESOURCES + ", CL_OUT_OF_RESOURCES (-5)"
    })
    void driversWithoutDevicesAreANormalState(String function, int code, String reason) {
        driver.failing(function, code).after(0);
        OpenClPlatforms platforms = OpenClPlatforms.of(driver.library());
        assertEquals(List.of(), platforms.devices());
        assertTrue(platforms.missing().contains(reason), platforms.missing());
    }

    @Test
    void aDeviceThatDoesNotOpenIsNamed() {
        driver.failing("clCreateCommandQueue", OUT_OF_RESOURCES).after(0);
        var error = assertThrows(DeviceException.class, this::open);
        assertTrue(error.getMessage().contains("opencl:0: clCreateCommandQueue failed"), error.getMessage());
    }

    @Test
    void aDeviceThatDoesNotOpenLeavesNoQueue() throws IOException {
        FaultyOpenCl.Fault memory = driver.failing("clCreateBuffer", ALLOCATION_FAILURE);
        FaultyOpenCl.Fault released = driver.failing("clReleaseCommandQueue", OUT_OF_RESOURCES);
        memory.after(0);
        var error = assertThrows(DeviceException.class, this::open);
        assertTrue(error.getMessage().contains("opencl:0: clCreateBuffer failed"), error.getMessage());
        assertEquals(1, released.calls());
        memory.never();
        try (OpenClDevice device = open()) {
            generates(device);
        }
    }

    @Test
    void kernelsThatDoNotCompileShowTheLog() {
        try (OpenClDevice device = open()) {
            var error = assertThrows(
                    UnsupportedFeatureException.class, () -> device.programs().kernel("broken", "-DA=1", "broken"));
            assertTrue(error.getMessage().contains("no_such_function"), error.getMessage());
            assertTrue(error.getMessage().contains("broken.cl"), error.getMessage());
            assertTrue(error.getMessage().contains("-DA=1"), error.getMessage());
            assertTrue(error.getMessage().contains("CL_BUILD_PROGRAM_FAILURE (-11)"), error.getMessage());
        }
    }

    @Test
    void memoryThatTheDeviceDoesNotHaveIsRefusedWithNumbers() {
        try (OpenClDevice device = open()) {
            long free = device.freeMemory();
            var tooLarge = assertThrows(
                    OutOfCapacityException.class,
                    () -> device.allocate(ElementType.F32, Integer.MAX_VALUE, Integer.MAX_VALUE));
            assertTrue(tooLarge.getMessage().contains("in one piece"), tooLarge.getMessage());
            assertEquals(free, device.freeMemory());
        }
    }

    /** Both parts of a quantized buffer are freed if the second cannot be had. */
    @Test
    void halfABufferIsFreed() {
        FaultyOpenCl.Fault fault = driver.failing("clCreateBuffer", ALLOCATION_FAILURE);
        try (OpenClDevice device = open()) {
            long free = device.freeMemory();
            fault.after(1);
            var error = assertThrows(OutOfCapacityException.class, () -> device.allocate(ElementType.Q8, 4, 64));
            assertTrue(error.getMessage().contains("CL_MEM_OBJECT_ALLOCATION_FAILURE (-4)"), error.getMessage());
            assertEquals(free, device.freeMemory());
        }
    }

    /** Wherever in a load memory runs out, all is freed, and the next load works. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 20, 40})
    void aLoadThatFailsFreesEverything(int buffers) throws IOException {
        FaultyOpenCl.Fault fault = driver.failing("clCreateBuffer", ALLOCATION_FAILURE);
        try (OpenClDevice device = open()) {
            long free = device.freeMemory();
            fault.after(buffers);
            var error = assertThrows(OutOfCapacityException.class, () -> demo(device));
            assertTrue(error.getMessage().contains("opencl:0 has "), error.getMessage());
            assertTrue(error.getMessage().contains("smaller model"), error.getMessage());
            assertEquals(free, device.freeMemory());
            fault.never();
            generates(device);
        }
    }

    private static void generates(OpenClDevice device) throws IOException {
        try (LanguageModel model = demo(device);
                TokenSession session = model.session()) {
            session.feed(1, 2, 3);
            assertEquals(model.info().vocabulary(), session.logits().length);
        }
    }

    /** A call that fails ends the generation with its name; closing then works. */
    @ParameterizedTest
    @CsvSource({
        "clEnqueueNDRangeKernel, " + INVALID_COMMAND_QUEUE + ", 30",
        "clEnqueueNDRangeKernel, " + OUT_OF_RESOURCES + ", 0",
        "clEnqueueWriteBuffer, " + INVALID_COMMAND_QUEUE + ", 8",
        "clEnqueueReadBuffer, " + OUT_OF_RESOURCES + ", 2",
        "clFlush, " + INVALID_COMMAND_QUEUE + ", 1"
    })
    void aQueueThatIsLostEndsTheGeneration(String function, int code, int good) throws IOException {
        FaultyOpenCl.Fault fault = driver.failing(function, code);
        FaultyOpenCl.Fault finish = driver.failing("clFinish", code);
        FaultyOpenCl.Fault memory = driver.failing("clReleaseMemObject", code);
        FaultyOpenCl.Fault kernels = driver.failing("clReleaseKernel", code);
        try (OpenClDevice device = open();
                LanguageModel model = demo(device);
                TokenSession session = model.session()) {
            session.feed(1, 2);
            fault.after(good);
            finish.after(0);
            memory.after(0);
            kernels.after(0);
            var error = assertThrows(IllegalStateException.class, () -> {
                for (int i = 0; i < 100; i++) {
                    session.feed(3);
                }
            });
            assertInstanceOf(DeviceException.class, error.getCause());
            assertTrue(error.getMessage().contains("device opencl:0"), error.getMessage());
            assertTrue(error.getMessage().contains(function + " failed with CL_"), error.getMessage());
            assertThrows(IllegalStateException.class, model::session);
        }
    }
}
