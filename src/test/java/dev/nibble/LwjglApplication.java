package dev.nibble;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.lwjgl.opencl.CL10.*;

import java.nio.IntBuffer;
import java.util.List;
import org.lwjgl.PointerBuffer;
import org.lwjgl.system.MemoryStack;

/** An application that uses OpenCL with LWJGL. */
final class LwjglApplication implements BorrowedOpenClTest.Application {
    private final long device;
    private final long context;
    private final long queue;
    private long buffer;
    private int count;

    LwjglApplication() {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            PointerBuffer id = stack.mallocPointer(1);
            check(clGetPlatformIDs(id, (IntBuffer) null));
            long platform = id.get(0);
            check(clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, id, (IntBuffer) null));
            device = id.get(0);
            IntBuffer status = stack.mallocInt(1);
            context = clCreateContext(stack.pointers(CL_CONTEXT_PLATFORM, platform, 0), device, null, 0, status);
            check(status.get(0));
            queue = clCreateCommandQueue(context, device, 0, status);
            check(status.get(0));
        }
    }

    private static void check(int status) {
        assertEquals(CL_SUCCESS, status);
    }

    @Override
    public long context() {
        return context;
    }

    @Override
    public long device() {
        return device;
    }

    @Override
    public long queue() {
        return queue;
    }

    @Override
    public long makeBuffer(int floats) {
        count = floats;
        try (MemoryStack stack = MemoryStack.stackPush()) {
            IntBuffer status = stack.mallocInt(1);
            buffer = clCreateBuffer(context, CL_MEM_READ_WRITE, (long) Float.BYTES * count, status);
            check(status.get(0));
        }
        return buffer;
    }

    @Override
    public float[] readBuffer() {
        float[] values = new float[count];
        check(clEnqueueReadBuffer(queue, buffer, true, 0, values, null, null));
        return values;
    }

    @Override
    public void writeBuffer(float[] values) {
        check(clEnqueueWriteBuffer(queue, buffer, true, 0, values, null, null));
    }

    @Override
    public List<Integer> owners() {
        try (MemoryStack stack = MemoryStack.stackPush()) {
            IntBuffer owners = stack.mallocInt(3);
            check(clGetContextInfo(context, CL_CONTEXT_REFERENCE_COUNT, owners.slice(0, 1), null));
            check(clGetCommandQueueInfo(queue, CL_QUEUE_REFERENCE_COUNT, owners.slice(1, 1), null));
            check(clGetMemObjectInfo(buffer, CL_MEM_REFERENCE_COUNT, owners.slice(2, 1), null));
            return List.of(owners.get(0), owners.get(1), owners.get(2));
        }
    }

    @Override
    public void close() {
        if (buffer != 0) {
            clReleaseMemObject(buffer);
        }
        clReleaseCommandQueue(queue);
        clReleaseContext(context);
    }
}
