// The driver's error codes, and the exception that carries one to the function that was called.
#pragma once

#include <exception>

namespace nibble::simulator {

// code, name here, name of the driver, description
#define NIBBLE_STATUSES(X)                                                                                              \
    X(0, success, "CUDA_SUCCESS", "no error")                                                                           \
    X(1, invalid_value, "CUDA_ERROR_INVALID_VALUE", "invalid argument")                                                 \
    X(2, out_of_memory, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory")                                                    \
    X(3, not_initialized, "CUDA_ERROR_NOT_INITIALIZED", "initialization error")                                         \
    X(4, deinitialized, "CUDA_ERROR_DEINITIALIZED", "driver shutting down")                                             \
    X(46, device_unavailable, "CUDA_ERROR_DEVICE_UNAVAILABLE", "device busy or unavailable")                            \
    X(100, no_device, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected")                                     \
    X(101, invalid_device, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal")                                       \
    X(200, invalid_image, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid")                                 \
    X(201, invalid_context, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context")                                     \
    X(209, no_binary_for_gpu, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image for this device")                        \
    X(214, ecc_uncorrectable, "CUDA_ERROR_ECC_UNCORRECTABLE", "uncorrectable ECC error encountered")                    \
    X(217, peer_access_unsupported, "CUDA_ERROR_PEER_ACCESS_UNSUPPORTED", "peer access is not supported")               \
    X(218, invalid_ptx, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed")                                       \
    X(222, unsupported_ptx_version, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION", "the PTX is newer than the driver")           \
    X(301, file_not_found, "CUDA_ERROR_FILE_NOT_FOUND", "file not found")                                               \
    X(304, operating_system, "CUDA_ERROR_OPERATING_SYSTEM", "OS call failed")                                           \
    X(400, invalid_handle, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle")                                      \
    X(401, illegal_state, "CUDA_ERROR_ILLEGAL_STATE", "the operation cannot be performed in the present state")          \
    X(500, not_found, "CUDA_ERROR_NOT_FOUND", "named symbol not found")                                                 \
    X(600, not_ready, "CUDA_ERROR_NOT_READY", "device not ready")                                                       \
    X(700, illegal_address, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered")                   \
    X(701, out_of_resources, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch")           \
    X(702, launch_timeout, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated")                      \
    X(704, peer_already_enabled, "CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED", "peer access is already enabled")            \
    X(705, peer_not_enabled, "CUDA_ERROR_PEER_ACCESS_NOT_ENABLED", "peer access has not been enabled")                  \
    X(708, primary_context_active, "CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE", "the primary context is active")                \
    X(709, context_is_destroyed, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed")                             \
    X(716, misaligned_address, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address")                                   \
    X(719, launch_failed, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure")                                     \
    X(801, not_supported, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported")                                        \
    X(900, capture_unsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "not permitted when stream is capturing")      \
    X(901, capture_invalidated, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "the capture broke by an earlier error")       \
    X(902, capture_merge, "CUDA_ERROR_STREAM_CAPTURE_MERGE", "the operation would merge two captures")                  \
    X(903, capture_unmatched, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED", "the capture was not begun in this stream")        \
    X(904, capture_unjoined, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED", "the capture has work that did not join")            \
    X(905, capture_isolation, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION", "dependency on work outside of the capture")       \
    X(906, capture_implicit, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT", "implicit dependency of a captured stream")          \
    X(907, captured_event, "CUDA_ERROR_CAPTURED_EVENT", "not permitted on an event of a capturing stream")              \
    X(908, capture_wrong_thread, "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD", "the capture was begun by another thread")   \
    X(910, graph_update_failure, "CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE", "the graph update was not performed")          \
    X(999, unknown, "CUDA_ERROR_UNKNOWN", "unknown error")

enum Status : int {
#define NIBBLE_STATUS(code, name, driver_name, description) name = code,
    NIBBLE_STATUSES(NIBBLE_STATUS)
#undef NIBBLE_STATUS
};

// A call that ends with an error code.
class Failure : public std::exception {
public:
    explicit Failure(int status) : status_(status) {}
    int status() const { return status_; }
    const char* what() const noexcept override { return "a call of the driver failed"; }

private:
    int status_;
};

[[noreturn]] inline void fail(int status) { throw Failure(status); }

inline void require(bool condition, int status) {
    if (!condition) {
        fail(status);
    }
}

}  // namespace nibble::simulator
