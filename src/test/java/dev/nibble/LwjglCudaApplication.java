package dev.nibble;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.lwjgl.cuda.CU.*;

import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import org.lwjgl.PointerBuffer;
import org.lwjgl.system.Configuration;
import org.lwjgl.system.MemoryStack;
import org.lwjgl.system.MemoryUtil;

/** An application that uses CUDA with LWJGL. */
final class LwjglCudaApplication implements BorrowedCudaTest.Application {
    private final long context;
    private final long stream;
    private long buffer;
    private int count;

    /** @param driver the file of the driver library */
    LwjglCudaApplication(String driver) {
        Configuration.CUDA_LIBRARY_NAME.set(driver);
        try (MemoryStack stack = MemoryStack.stackPush()) {
            check(cuInit(0));
            IntBuffer device = stack.mallocInt(1);
            check(cuDeviceGet(device, 0));
            PointerBuffer made = stack.mallocPointer(1);
            check(cuCtxCreate(made, 0, device.get(0)));
            context = made.get(0);
            check(cuStreamCreate(made, 0));
            stream = made.get(0);
        }
    }

    private static void check(int status) {
        assertEquals(CUDA_SUCCESS, status);
    }

    @Override
    public long context() {
        return context;
    }

    @Override
    public long stream() {
        return stream;
    }

    @Override
    public long makeBuffer(int floats) {
        count = floats;
        try (MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer made = stack.mallocPointer(1);
            check(cuMemAlloc(made, (long) Float.BYTES * count));
            buffer = made.get(0);
        }
        return buffer;
    }

    @Override
    public float[] readBuffer() {
        check(cuStreamSynchronize(stream));
        FloatBuffer host = MemoryUtil.memAllocFloat(count);
        try {
            check(cuMemcpyDtoH(host, buffer));
            float[] values = new float[count];
            host.get(values);
            return values;
        } finally {
            MemoryUtil.memFree(host);
        }
    }

    @Override
    public void writeBuffer(float[] values) {
        FloatBuffer host = MemoryUtil.memAllocFloat(count).put(values).flip();
        try {
            check(cuMemcpyHtoD(buffer, host));
        } finally {
            MemoryUtil.memFree(host);
        }
    }

    @Override
    public long current() {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer found = stack.mallocPointer(1);
            check(cuCtxGetCurrent(found));
            return found.get(0);
        }
    }

    @Override
    public void close() {
        if (buffer != 0) {
            check(cuMemFree(buffer));
        }
        check(cuStreamDestroy(stream));
        check(cuCtxDestroy(context));
    }
}
