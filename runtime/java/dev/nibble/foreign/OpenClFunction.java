package dev.nibble.foreign;

/** The functions of OpenCL 1.2 that are used, by their names in the driver library; later versions all have them. */
enum OpenClFunction {
    GET_PLATFORM_IDS("clGetPlatformIDs"),
    GET_PLATFORM_INFO("clGetPlatformInfo"),
    GET_DEVICE_IDS("clGetDeviceIDs"),
    GET_DEVICE_INFO("clGetDeviceInfo"),
    CREATE_CONTEXT("clCreateContext"),
    RETAIN_CONTEXT("clRetainContext"),
    RELEASE_CONTEXT("clReleaseContext"),
    CREATE_COMMAND_QUEUE("clCreateCommandQueue"),
    RETAIN_COMMAND_QUEUE("clRetainCommandQueue"),
    RELEASE_COMMAND_QUEUE("clReleaseCommandQueue"),
    GET_COMMAND_QUEUE_INFO("clGetCommandQueueInfo"),
    CREATE_BUFFER("clCreateBuffer"),
    RETAIN_MEM_OBJECT("clRetainMemObject"),
    RELEASE_MEM_OBJECT("clReleaseMemObject"),
    GET_MEM_OBJECT_INFO("clGetMemObjectInfo"),
    CREATE_PROGRAM_WITH_SOURCE("clCreateProgramWithSource"),
    CREATE_PROGRAM_WITH_BINARY("clCreateProgramWithBinary"),
    BUILD_PROGRAM("clBuildProgram"),
    GET_PROGRAM_BUILD_INFO("clGetProgramBuildInfo"),
    GET_PROGRAM_INFO("clGetProgramInfo"),
    RELEASE_PROGRAM("clReleaseProgram"),
    CREATE_KERNEL("clCreateKernel"),
    SET_KERNEL_ARG("clSetKernelArg"),
    GET_KERNEL_WORK_GROUP_INFO("clGetKernelWorkGroupInfo"),
    RELEASE_KERNEL("clReleaseKernel"),
    ENQUEUE_ND_RANGE_KERNEL("clEnqueueNDRangeKernel"),
    ENQUEUE_READ_BUFFER("clEnqueueReadBuffer"),
    ENQUEUE_WRITE_BUFFER("clEnqueueWriteBuffer"),
    ENQUEUE_COPY_BUFFER("clEnqueueCopyBuffer"),
    ENQUEUE_FILL_BUFFER("clEnqueueFillBuffer"),
    ENQUEUE_MAP_BUFFER("clEnqueueMapBuffer"),
    ENQUEUE_UNMAP_MEM_OBJECT("clEnqueueUnmapMemObject"),
    ENQUEUE_BARRIER("clEnqueueBarrierWithWaitList"),
    WAIT_FOR_EVENTS("clWaitForEvents"),
    GET_EVENT_PROFILING_INFO("clGetEventProfilingInfo"),
    RELEASE_EVENT("clReleaseEvent"),
    FLUSH("clFlush"),
    FINISH("clFinish");

    private final String symbol;

    OpenClFunction(String symbol) {
        this.symbol = symbol;
    }

    /** The name in the library. */
    String symbol() {
        return symbol;
    }
}
