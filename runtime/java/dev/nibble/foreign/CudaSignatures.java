package dev.nibble.foreign;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.invoke.MethodHandle;

/**
 * The C signatures of the CUDA driver's functions, each as a handle that takes the function's address first. All return a status.
 * Handles of objects and device pointers are passed as longs, devices as ints. None is a "critical" call: each may block.
 */
@SuppressWarnings("restricted") // this package is where native libraries are bound
final class CudaSignatures {
    /** (). */
    static final MethodHandle NOTHING = status();
    /** (object). */
    static final MethodHandle OBJECT = status(JAVA_LONG);
    /** (object, what belongs to it): an event and a stream, a graph's execution and a stream. */
    static final MethodHandle TWO_OBJECTS = status(JAVA_LONG, JAVA_LONG);
    /** (where a value goes). */
    static final MethodHandle RESULT = status(ADDRESS);
    /** (where a value goes, object). */
    static final MethodHandle RESULT_OF_OBJECT = status(ADDRESS, JAVA_LONG);
    /** (where a value goes, device or flags). */
    static final MethodHandle RESULT_OF_INT = status(ADDRESS, JAVA_INT);
    /** (where a value goes, where another one goes). */
    static final MethodHandle TWO_RESULTS = status(ADDRESS, ADDRESS);
    /** (flags or device). */
    static final MethodHandle INT = status(JAVA_INT);
    /** (device, flags). */
    static final MethodHandle TWO_INTS = status(JAVA_INT, JAVA_INT);
    /** (object, flags). */
    static final MethodHandle OBJECT_INT = status(JAVA_LONG, JAVA_INT);
    /** (stream, where a value goes). */
    static final MethodHandle OBJECT_RESULT = status(JAVA_LONG, ADDRESS);
    /** (stream, event, flags). */
    static final MethodHandle TWO_OBJECTS_INT = status(JAVA_LONG, JAVA_LONG, JAVA_INT);
    /** (status, where the text's address goes). */
    static final MethodHandle ERROR_TEXT = status(JAVA_INT, ADDRESS);
    /** (name, address, version, flags). */
    static final MethodHandle PROC_ADDRESS_11 = status(ADDRESS, ADDRESS, JAVA_INT, JAVA_LONG);
    /** (name, address, version, flags, whether it was found). */
    static final MethodHandle PROC_ADDRESS_12 = status(ADDRESS, ADDRESS, JAVA_INT, JAVA_LONG, ADDRESS);

    /** (name, its room, device). */
    static final MethodHandle DEVICE_NAME = status(ADDRESS, JAVA_INT, JAVA_INT);
    /** (value, attribute or peer, device). */
    static final MethodHandle RESULT_OF_TWO_INTS = status(ADDRESS, JAVA_INT, JAVA_INT);
    /** (device, flags, whether it is active). */
    static final MethodHandle PRIMARY_STATE = status(JAVA_INT, ADDRESS, ADDRESS);

    /** (milliseconds, start, end). */
    static final MethodHandle ELAPSED = status(ADDRESS, JAVA_LONG, JAVA_LONG);

    /** (pointer, size, flags). */
    static final MethodHandle HOST_ALLOC = status(ADDRESS, JAVA_LONG, JAVA_INT);
    /** (device memory, host memory, size, stream). */
    static final MethodHandle TO_DEVICE = status(JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG);
    /** (host memory, device memory, size, stream). */
    static final MethodHandle TO_HOST = status(ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    /** (target, source, size, stream). */
    static final MethodHandle COPY = status(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    /** (target, its context, source, its context, size, stream). */
    static final MethodHandle COPY_PEER = status(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    /** (target, value, count, stream). */
    static final MethodHandle FILL_BYTES = status(JAVA_LONG, JAVA_BYTE, JAVA_LONG, JAVA_LONG);
    /** (target, value, count, stream). */
    static final MethodHandle FILL_INTS = status(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG);
    /** (value, attribute, pointer or function). */
    static final MethodHandle ATTRIBUTE = status(ADDRESS, JAVA_INT, JAVA_LONG);
    /** (count, attributes, where the values go, pointer). */
    static final MethodHandle ATTRIBUTES = status(JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG);

    /** (module, image, number of options, options, their values). */
    static final MethodHandle LOAD = status(ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
    /** (function, module, name). */
    static final MethodHandle GET_FUNCTION = status(ADDRESS, JAVA_LONG, ADDRESS);
    /** (pointer, size, module, name). */
    static final MethodHandle GET_GLOBAL = status(ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
    /** (function, attribute, value). */
    static final MethodHandle SET_ATTRIBUTE = status(JAVA_LONG, JAVA_INT, JAVA_INT);
    /** (blocks, function, threads, dynamic shared memory). */
    static final MethodHandle OCCUPANCY = status(ADDRESS, JAVA_LONG, JAVA_INT, JAVA_LONG);
    /** (function, grid x, y, z, block x, y, z, dynamic shared memory, stream, arguments, extra). */
    static final MethodHandle LAUNCH = status(
            JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS,
            ADDRESS);

    /** (execution, graph, flags). */
    static final MethodHandle INSTANTIATE = status(ADDRESS, JAVA_LONG, JAVA_LONG);
    /** (graph, nodes, their number). */
    static final MethodHandle NODES = status(JAVA_LONG, ADDRESS, ADDRESS);
    /** (execution, node, parameters). */
    static final MethodHandle SET_NODE = status(JAVA_LONG, JAVA_LONG, ADDRESS);
    /** (execution, graph, node at fault, result). */
    static final MethodHandle UPDATE = status(JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS);

    private CudaSignatures() {}

    private static MethodHandle status(MemoryLayout... parameters) {
        return Linker.nativeLinker().downcallHandle(FunctionDescriptor.of(JAVA_INT, parameters));
    }
}
