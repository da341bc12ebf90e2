package dev.nibble;

import static org.jocl.CL.*;

import java.util.List;
import org.jocl.CL;
import org.jocl.Pointer;
import org.jocl.Sizeof;
import org.jocl.cl_command_queue;
import org.jocl.cl_context;
import org.jocl.cl_context_properties;
import org.jocl.cl_device_id;
import org.jocl.cl_mem;
import org.jocl.cl_platform_id;
import org.jspecify.annotations.Nullable;

/** An application that uses OpenCL with JOCL. */
final class JoclApplication implements BorrowedOpenClTest.Application {
    private final cl_device_id device;
    private final cl_context context;
    private final cl_command_queue queue;
    private @Nullable cl_mem buffer;
    private int count;

    @SuppressWarnings("deprecation") // what OpenCL 1.2 calls a queue
    JoclApplication() {
        CL.setExceptionsEnabled(true);
        cl_platform_id[] platforms = new cl_platform_id[1];
        clGetPlatformIDs(1, platforms, null);
        cl_device_id[] devices = new cl_device_id[1];
        clGetDeviceIDs(platforms[0], CL_DEVICE_TYPE_ALL, 1, devices, null);
        device = devices[0];
        context = clCreateContext(new cl_context_properties(), 1, devices, null, null, null);
        queue = clCreateCommandQueue(context, device, 0, null);
    }

    @Override
    public long context() {
        return context.getNativePointer();
    }

    @Override
    public long device() {
        return device.getNativePointer();
    }

    @Override
    public long queue() {
        return queue.getNativePointer();
    }

    @Override
    public long makeBuffer(int floats) {
        count = floats;
        buffer = clCreateBuffer(context, CL_MEM_READ_WRITE, (long) Sizeof.cl_float * count, null, null);
        return buffer.getNativePointer();
    }

    @Override
    public float[] readBuffer() {
        float[] values = new float[count];
        clEnqueueReadBuffer(
                queue, buffer, CL_TRUE, 0, (long) Sizeof.cl_float * count, Pointer.to(values), 0, null, null);
        return values;
    }

    @Override
    public void writeBuffer(float[] values) {
        clEnqueueWriteBuffer(
                queue, buffer, CL_TRUE, 0, (long) Sizeof.cl_float * count, Pointer.to(values), 0, null, null);
    }

    @Override
    public List<Integer> owners() {
        int[] owners = new int[3];
        clGetContextInfo(context, CL_CONTEXT_REFERENCE_COUNT, Sizeof.cl_uint, pointer(owners, 0), null);
        clGetCommandQueueInfo(queue, CL_QUEUE_REFERENCE_COUNT, Sizeof.cl_uint, pointer(owners, 1), null);
        clGetMemObjectInfo(buffer, CL_MEM_REFERENCE_COUNT, Sizeof.cl_uint, pointer(owners, 2), null);
        return List.of(owners[0], owners[1], owners[2]);
    }

    private static Pointer pointer(int[] values, int at) {
        return Pointer.to(values).withByteOffset((long) at * Sizeof.cl_uint);
    }

    @Override
    public void close() {
        if (buffer != null) {
            clReleaseMemObject(buffer);
        }
        clReleaseCommandQueue(queue);
        clReleaseContext(context);
    }
}
