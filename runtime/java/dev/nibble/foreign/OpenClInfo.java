package dev.nibble.foreign;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * What an OpenCL object says of itself, and what can be asked.
 *
 * @param bytes as the library gave it
 */
@SuppressWarnings("ArrayRecordComponent")
public record OpenClInfo(byte[] bytes) {
    public static final int PLATFORM_VERSION = 0x0901;
    public static final int PLATFORM_NAME = 0x0902;

    public static final int DEVICE_TYPE = 0x1000;
    public static final int DEVICE_MAX_COMPUTE_UNITS = 0x1002;
    public static final int DEVICE_MAX_WORK_GROUP_SIZE = 0x1004;
    public static final int DEVICE_MAX_WORK_ITEM_SIZES = 0x1005;
    public static final int DEVICE_MAX_MEM_ALLOC_SIZE = 0x1010;
    public static final int DEVICE_SINGLE_FP_CONFIG = 0x101B;
    public static final int DEVICE_GLOBAL_MEM_SIZE = 0x101F;
    public static final int DEVICE_LOCAL_MEM_TYPE = 0x1022;
    public static final int DEVICE_LOCAL_MEM_SIZE = 0x1023;
    public static final int DEVICE_AVAILABLE = 0x1027;
    public static final int DEVICE_COMPILER_AVAILABLE = 0x1028;
    public static final int DEVICE_NAME = 0x102B;
    public static final int DEVICE_VENDOR = 0x102C;
    public static final int DRIVER_VERSION = 0x102D;
    public static final int DEVICE_VERSION = 0x102F;
    public static final int DEVICE_EXTENSIONS = 0x1030;
    public static final int DEVICE_PLATFORM = 0x1031;
    public static final int DEVICE_HOST_UNIFIED_MEMORY = 0x1035;
    public static final int DEVICE_OPENCL_C_VERSION = 0x103D;

    public static final int CONTEXT_DEVICES = 0x1081;
    public static final int QUEUE_CONTEXT = 0x1090;
    public static final int QUEUE_DEVICE = 0x1091;
    public static final int QUEUE_PROPERTIES = 0x1093;
    public static final int MEM_SIZE = 0x1102;
    public static final int MEM_REFERENCE_COUNT = 0x1105;
    public static final int MEM_CONTEXT = 0x1106;

    public static final int PROGRAM_DEVICES = 0x1163;
    public static final int PROGRAM_BINARY_SIZES = 0x1165;
    public static final int PROGRAM_BINARIES = 0x1166;
    public static final int PROGRAM_BUILD_LOG = 0x1183;

    public static final int KERNEL_WORK_GROUP_SIZE = 0x11B0;

    /** Bits of {@link #DEVICE_TYPE}. */
    public static final long TYPE_CPU = 1 << 1;

    public static final long TYPE_GPU = 1 << 2;
    public static final long TYPE_ACCELERATOR = 1 << 3;

    /** A bit of {@link #DEVICE_SINGLE_FP_CONFIG}. */
    public static final long CORRECTLY_ROUNDED_DIVIDE_SQRT = 1 << 7;

    /** The value of {@link #DEVICE_LOCAL_MEM_TYPE} for memory near the processors. */
    public static final long LOCAL_MEMORY_OWN = 1;

    /** Bits of {@link #QUEUE_PROPERTIES}. */
    public static final long QUEUE_OUT_OF_ORDER = 1;

    public static final long QUEUE_PROFILING = 1 << 1;

    /** Bits of the flags of a buffer. */
    public static final long MEM_READ_WRITE = 1;

    public static final long MEM_ALLOC_HOST_PTR = 1 << 4;

    /** Bits of the flags of a mapping. */
    public static final long MAP_READ = 1;

    public static final long MAP_WRITE = 1 << 1;

    /** Times of a command. */
    public static final int PROFILING_START = 0x1282;

    public static final int PROFILING_END = 0x1283;

    /** A text, which ends with a zero. */
    public String text() {
        int end = 0;
        while (end < bytes.length && bytes[end] != 0) {
            end++;
        }
        return new String(bytes, 0, end, StandardCharsets.UTF_8).strip();
    }

    /** A number of 32 or 64 bits, taken as unsigned. */
    public long integer() {
        ByteBuffer value = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        return bytes.length == Integer.BYTES ? Integer.toUnsignedLong(value.getInt()) : value.getLong();
    }

    /** Numbers or handles of 64 bits. */
    public long[] longs() {
        long[] values = new long[bytes.length / Long.BYTES];
        ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder()).asLongBuffer().get(values);
        return values;
    }
}
