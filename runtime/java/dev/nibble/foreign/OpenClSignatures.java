package dev.nibble.foreign;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.invoke.MethodHandle;

/**
 * The C signatures of OpenCL's functions, each as a handle that takes the function's address first. Handles of objects are passed as
 * longs: pointers have 64 bits on all systems that Java 25 runs on.
 */
@SuppressWarnings("restricted") // this package is where native libraries are bound
final class OpenClSignatures {
    /** (object): retain, release, flush, finish. */
    static final MethodHandle OBJECT = status(JAVA_LONG);
    /** (entries, ids, count). */
    static final MethodHandle PLATFORMS = status(JAVA_INT, ADDRESS, ADDRESS);
    /** (platform, type, entries, ids, count). */
    static final MethodHandle DEVICES = status(JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS);
    /** (object, what, size, value, size of the value). */
    static final MethodHandle INFO = status(JAVA_LONG, JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS);
    /** (object, device, what, size, value, size of the value). */
    static final MethodHandle DEVICE_INFO = status(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, ADDRESS, ADDRESS);
    /** (properties, devices, ids, callback, its data, status). */
    static final MethodHandle CREATE_CONTEXT = handle(ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS);
    /** (context, device, properties, status). */
    static final MethodHandle CREATE_QUEUE = handle(JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS);
    /** (context, flags, size, host memory, status). */
    static final MethodHandle CREATE_BUFFER = handle(JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS);
    /** (context, strings, texts, lengths, status). */
    static final MethodHandle CREATE_FROM_SOURCE = handle(JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, ADDRESS);
    /** (context, devices, ids, lengths, binaries, status of each, status). */
    static final MethodHandle CREATE_FROM_BINARY =
            handle(JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
    /** (program, devices, ids, options, callback, its data). */
    static final MethodHandle BUILD = status(JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG);
    /** (program, name, status). */
    static final MethodHandle CREATE_KERNEL = handle(JAVA_LONG, ADDRESS, ADDRESS);
    /** (kernel, index, size, value). */
    static final MethodHandle SET_ARGUMENT = status(JAVA_LONG, JAVA_INT, JAVA_LONG, ADDRESS);
    /** (queue, kernel, dimensions, offset, global size, local size, events, their ids, event). */
    static final MethodHandle LAUNCH =
            status(JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
    /** (queue, buffer, whether to wait, offset, size, host memory, events, their ids, event). */
    static final MethodHandle TRANSFER =
            status(JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
    /** (queue, source, target, offset in the source, offset in the target, size, events, their ids, event). */
    static final MethodHandle COPY =
            status(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS);
    /** (queue, buffer, pattern, its size, offset, size, events, their ids, event). */
    static final MethodHandle FILL =
            status(JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS);
    /** (queue, buffer, whether to wait, flags, offset, size, events, their ids, event, status). */
    static final MethodHandle MAP = bind(FunctionDescriptor.of(
            ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS,
            ADDRESS));
    /** (queue, buffer, mapped memory, events, their ids, event). */
    static final MethodHandle UNMAP = status(JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
    /** (queue, events, their ids, event). */
    static final MethodHandle BARRIER = status(JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS);
    /** (events, their ids). */
    static final MethodHandle WAIT = status(JAVA_INT, ADDRESS);

    private OpenClSignatures() {}

    private static MethodHandle status(MemoryLayout... parameters) {
        return bind(FunctionDescriptor.of(JAVA_INT, parameters));
    }

    private static MethodHandle handle(MemoryLayout... parameters) {
        return bind(FunctionDescriptor.of(JAVA_LONG, parameters));
    }

    private static MethodHandle bind(FunctionDescriptor type) {
        return Linker.nativeLinker().downcallHandle(type);
    }
}
