package dev.nibble.foreign;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/** The system's OpenCL library with functions that fail when a test wants it, and functions that are missing. */
@SuppressWarnings("restricted") // calls native functions
public final class FaultyOpenCl {
    private final SymbolLookup real = SymbolLookup.libraryLookup("libOpenCL.so.1", Arena.global());
    private final Map<String, Optional<MemorySegment>> replaced = new HashMap<>();

    /** When a function fails: after so many calls that do not. */
    public static final class Fault {
        private final int code;
        private final AtomicInteger calls = new AtomicInteger();
        private volatile int good = Integer.MAX_VALUE;

        private Fault(int code) {
            this.code = code;
        }

        /** Lets the function fail after so many more calls. */
        public void after(int more) {
            calls.set(0);
            good = more;
        }

        /** Lets the function work again. */
        public void never() {
            good = Integer.MAX_VALUE;
        }

        /** Calls since the last choice. */
        public int calls() {
            return calls.get();
        }

        boolean fails() {
            return calls.getAndIncrement() >= good;
        }

        static void write(MemorySegment status, int code) {
            status.reinterpret(Integer.BYTES).set(ValueLayout.JAVA_INT, 0, code);
        }
    }

    /** A function is not in the library. */
    public FaultyOpenCl without(String function) {
        replaced.put(function, Optional.empty());
        return this;
    }

    /** A function fails with this code, when the fault that is returned says so; at first it does not. */
    public Fault failing(String function, int code) {
        try {
            Fault fault = new Fault(code);
            MethodHandle signature = signature(function);
            MethodType type = signature.type().dropParameterTypes(0, 1);
            MethodHandle works = MethodHandles.insertArguments(
                    signature, 0, real.find(function).orElseThrow());
            MethodHandle test = MethodHandles.lookup()
                    .findVirtual(Fault.class, "fails", MethodType.methodType(boolean.class))
                    .bindTo(fault);
            MethodHandle target = MethodHandles.guardWithTest(
                    MethodHandles.dropArguments(test, 0, type.parameterList()), failure(type, code), works);
            replaced.put(
                    function, Optional.of(Linker.nativeLinker().upcallStub(target, descriptor(type), Arena.global())));
            return fault;
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** Returns the code, or writes it to the last argument and returns null. */
    private static MethodHandle failure(MethodType type, int code) throws ReflectiveOperationException {
        if (type.returnType() == int.class) {
            return MethodHandles.dropArguments(MethodHandles.constant(int.class, code), 0, type.parameterList());
        }
        MethodHandle write = MethodHandles.insertArguments(
                MethodHandles.lookup()
                        .findStatic(
                                Fault.class,
                                "write",
                                MethodType.methodType(void.class, MemorySegment.class, int.class)),
                1,
                code);
        MethodHandle none = MethodHandles.filterReturnValue(write, MethodHandles.constant(long.class, 0L));
        return MethodHandles.dropArguments(none, 0, type.parameterList().subList(0, type.parameterCount() - 1));
    }

    private static FunctionDescriptor descriptor(MethodType type) {
        MemoryLayout[] parameters =
                type.parameterList().stream().map(FaultyOpenCl::layout).toArray(MemoryLayout[]::new);
        return FunctionDescriptor.of(layout(type.returnType()), parameters);
    }

    private static MemoryLayout layout(Class<?> type) {
        if (type == int.class) {
            return ValueLayout.JAVA_INT;
        }
        return type == long.class ? ValueLayout.JAVA_LONG : ValueLayout.ADDRESS;
    }

    private static MethodHandle signature(String function) {
        return switch (function) {
            case "clGetPlatformIDs" -> OpenClSignatures.PLATFORMS;
            case "clGetDeviceIDs" -> OpenClSignatures.DEVICES;
            case "clCreateBuffer" -> OpenClSignatures.CREATE_BUFFER;
            case "clCreateCommandQueue" -> OpenClSignatures.CREATE_QUEUE;
            case "clCreateKernel" -> OpenClSignatures.CREATE_KERNEL;
            case "clEnqueueNDRangeKernel" -> OpenClSignatures.LAUNCH;
            case "clEnqueueReadBuffer", "clEnqueueWriteBuffer" -> OpenClSignatures.TRANSFER;
            case "clFinish", "clFlush", "clReleaseMemObject", "clReleaseKernel", "clReleaseCommandQueue" ->
                OpenClSignatures.OBJECT;
            default -> throw new IllegalArgumentException(function);
        };
    }

    /** The library as it was made up. */
    public OpenClLibrary library() {
        return OpenClLibrary.bind(
                "libFaulty.so", name -> replaced.containsKey(name) ? replaced.get(name) : real.find(name));
    }
}
