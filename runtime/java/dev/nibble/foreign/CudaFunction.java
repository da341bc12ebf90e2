package dev.nibble.foreign;

/**
 * The functions of the CUDA driver API that are used: their names in the driver library, and the version of CUDA that brought the
 * signature that is bound. A driver of {@link CudaLibrary#MINIMUM_VERSION} has them all. Source: cuda.h and cudaTypedefs.h, NVIDIA.
 */
enum CudaFunction {
    INIT("cuInit", 2000),
    DRIVER_GET_VERSION("cuDriverGetVersion", 2020),
    GET_ERROR_NAME("cuGetErrorName", 6000),
    GET_ERROR_STRING("cuGetErrorString", 6000),

    DEVICE_GET_COUNT("cuDeviceGetCount", 2000),
    DEVICE_GET("cuDeviceGet", 2000),
    DEVICE_GET_NAME("cuDeviceGetName", 2000),
    DEVICE_GET_UUID("cuDeviceGetUuid", 9020),
    DEVICE_GET_ATTRIBUTE("cuDeviceGetAttribute", 2000),
    DEVICE_TOTAL_MEM("cuDeviceTotalMem_v2", 3020),
    DEVICE_CAN_ACCESS_PEER("cuDeviceCanAccessPeer", 4000),

    DEVICE_PRIMARY_CTX_RETAIN("cuDevicePrimaryCtxRetain", 7000),
    DEVICE_PRIMARY_CTX_RELEASE("cuDevicePrimaryCtxRelease_v2", 11000),
    DEVICE_PRIMARY_CTX_SET_FLAGS("cuDevicePrimaryCtxSetFlags_v2", 11000),
    DEVICE_PRIMARY_CTX_GET_STATE("cuDevicePrimaryCtxGetState", 7000),
    CTX_GET_CURRENT("cuCtxGetCurrent", 4000),
    CTX_SET_CURRENT("cuCtxSetCurrent", 4000),
    CTX_PUSH_CURRENT("cuCtxPushCurrent_v2", 4000),
    CTX_POP_CURRENT("cuCtxPopCurrent_v2", 4000),
    CTX_GET_DEVICE("cuCtxGetDevice", 2000),
    CTX_SYNCHRONIZE("cuCtxSynchronize", 2000),
    CTX_ENABLE_PEER_ACCESS("cuCtxEnablePeerAccess", 4000),
    CTX_DISABLE_PEER_ACCESS("cuCtxDisablePeerAccess", 4000),

    STREAM_CREATE("cuStreamCreate", 2000),
    STREAM_DESTROY("cuStreamDestroy_v2", 4000),
    STREAM_SYNCHRONIZE("cuStreamSynchronize", 2000),
    STREAM_QUERY("cuStreamQuery", 2000),
    STREAM_WAIT_EVENT("cuStreamWaitEvent", 3020),
    STREAM_GET_CTX("cuStreamGetCtx", 9020),
    EVENT_CREATE("cuEventCreate", 2000),
    EVENT_DESTROY("cuEventDestroy_v2", 4000),
    EVENT_RECORD("cuEventRecord", 2000),
    EVENT_SYNCHRONIZE("cuEventSynchronize", 2000),
    EVENT_QUERY("cuEventQuery", 2000),
    EVENT_ELAPSED_TIME("cuEventElapsedTime", 2000),

    MEM_GET_INFO("cuMemGetInfo_v2", 3020),
    MEM_ALLOC("cuMemAlloc_v2", 3020),
    MEM_FREE("cuMemFree_v2", 3020),
    MEM_HOST_ALLOC("cuMemHostAlloc", 2020),
    MEM_FREE_HOST("cuMemFreeHost", 2000),
    MEMCPY_HTOD_ASYNC("cuMemcpyHtoDAsync_v2", 3020),
    MEMCPY_DTOH_ASYNC("cuMemcpyDtoHAsync_v2", 3020),
    MEMCPY_DTOD_ASYNC("cuMemcpyDtoDAsync_v2", 3020),
    MEMCPY_PEER_ASYNC("cuMemcpyPeerAsync", 4000),
    MEMSET_D8_ASYNC("cuMemsetD8Async", 3020),
    MEMSET_D32_ASYNC("cuMemsetD32Async", 3020),
    POINTER_GET_ATTRIBUTE("cuPointerGetAttribute", 4000),
    POINTER_GET_ATTRIBUTES("cuPointerGetAttributes", 7000),

    MODULE_LOAD_DATA_EX("cuModuleLoadDataEx", 2010),
    MODULE_UNLOAD("cuModuleUnload", 2000),
    MODULE_GET_FUNCTION("cuModuleGetFunction", 2000),
    MODULE_GET_GLOBAL("cuModuleGetGlobal_v2", 3020),
    FUNC_GET_ATTRIBUTE("cuFuncGetAttribute", 2020),
    FUNC_SET_ATTRIBUTE("cuFuncSetAttribute", 9000),
    OCCUPANCY_MAX_ACTIVE_BLOCKS("cuOccupancyMaxActiveBlocksPerMultiprocessor", 6050),
    LAUNCH_KERNEL("cuLaunchKernel", 4000),

    STREAM_BEGIN_CAPTURE("cuStreamBeginCapture_v2", 10010),
    STREAM_END_CAPTURE("cuStreamEndCapture", 10000),
    STREAM_IS_CAPTURING("cuStreamIsCapturing", 10000),
    GRAPH_INSTANTIATE("cuGraphInstantiateWithFlags", 11040),
    GRAPH_UPLOAD("cuGraphUpload", 11010),
    GRAPH_LAUNCH("cuGraphLaunch", 10000),
    GRAPH_GET_NODES("cuGraphGetNodes", 10000),
    GRAPH_NODE_GET_TYPE("cuGraphNodeGetType", 10000),
    GRAPH_EXEC_KERNEL_NODE_SET_PARAMS("cuGraphExecKernelNodeSetParams", 10010),
    GRAPH_EXEC_UPDATE("cuGraphExecUpdate", 10020),
    GRAPH_DESTROY("cuGraphDestroy", 10000),
    GRAPH_EXEC_DESTROY("cuGraphExecDestroy", 10000);

    private final String symbol;
    private final int version;

    CudaFunction(String symbol, int version) {
        this.symbol = symbol;
        this.version = version;
    }

    /** The name in the library, with the suffix of its version. */
    String symbol() {
        return symbol;
    }

    /** The name without a suffix, as the driver is asked for it. */
    String baseName() {
        return symbol.replaceFirst("_v\\d+$", "");
    }

    /** The version of CUDA that brought this signature: 1000 · major + 10 · minor. */
    int version() {
        return version;
    }
}
