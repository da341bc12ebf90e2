package dev.nibble;

import static jcuda.driver.JCudaDriver.*;

import jcuda.Pointer;
import jcuda.Sizeof;
import jcuda.driver.CUcontext;
import jcuda.driver.CUdevice;
import jcuda.driver.CUdeviceptr;
import jcuda.driver.CUstream;
import jcuda.driver.JCudaDriver;

/** An application that uses CUDA with JCuda. */
final class JcudaApplication implements BorrowedCudaTest.Application {
    /** JCuda shows addresses to subclasses alone. */
    private static final class Context extends CUcontext {
        long address() {
            return getNativePointer();
        }
    }

    private static final class Stream extends CUstream {
        long address() {
            return getNativePointer();
        }
    }

    private static final class Memory extends CUdeviceptr {
        long address() {
            return getNativePointer() + getByteOffset();
        }
    }

    private final Context context = new Context();
    private final Stream stream = new Stream();
    private final Memory buffer = new Memory();
    private int count;

    JcudaApplication() {
        JCudaDriver.setExceptionsEnabled(true);
        cuInit(0);
        CUdevice device = new CUdevice();
        cuDeviceGet(device, 0);
        cuCtxCreate(context, 0, device);
        cuStreamCreate(stream, 0);
    }

    @Override
    public long context() {
        return context.address();
    }

    @Override
    public long stream() {
        return stream.address();
    }

    @Override
    public long makeBuffer(int floats) {
        count = floats;
        cuMemAlloc(buffer, (long) Sizeof.FLOAT * count);
        return buffer.address();
    }

    @Override
    public float[] readBuffer() {
        float[] values = new float[count];
        cuStreamSynchronize(stream);
        cuMemcpyDtoH(Pointer.to(values), buffer, (long) Sizeof.FLOAT * count);
        return values;
    }

    @Override
    public void writeBuffer(float[] values) {
        cuMemcpyHtoD(buffer, Pointer.to(values), (long) Sizeof.FLOAT * count);
    }

    @Override
    public long current() {
        Context current = new Context();
        cuCtxGetCurrent(current);
        return current.address();
    }

    @Override
    public void close() {
        if (count > 0) {
            cuMemFree(buffer);
        }
        cuStreamDestroy(stream);
        cuCtxDestroy(context);
    }
}
