package dev.nibble.foreign;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** The system's OpenCL library, which compiles another source than the one that it is given. */
@SuppressWarnings("restricted") // calls native functions
public final class EditedOpenCl {
    private static final String CREATE = "clCreateProgramWithSource";

    private final SymbolLookup real = SymbolLookup.libraryLookup("libOpenCL.so.1", Arena.global());
    private final MemorySegment create = real.find(CREATE).orElseThrow();
    private final UnaryOperator<String> edit;

    private EditedOpenCl(UnaryOperator<String> edit) {
        this.edit = edit;
    }

    /** The library that compiles what {@code edit} makes of each source. */
    public static OpenClLibrary library(UnaryOperator<String> edit) {
        EditedOpenCl edited = new EditedOpenCl(edit);
        Optional<MemorySegment> stub = Optional.of(edited.stub());
        return OpenClLibrary.bind("libEdited.so", name -> name.equals(CREATE) ? stub : edited.real.find(name));
    }

    private MemorySegment stub() {
        MethodType type = OpenClSignatures.CREATE_FROM_SOURCE.type().dropParameterTypes(0, 1);
        try {
            MethodHandle target = MethodHandles.lookup()
                    .findVirtual(EditedOpenCl.class, "create", type)
                    .bindTo(this);
            FunctionDescriptor descriptor = FunctionDescriptor.of(
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_LONG,
                    ValueLayout.JAVA_INT,
                    ValueLayout.ADDRESS,
                    ValueLayout.ADDRESS,
                    ValueLayout.ADDRESS);
            return Linker.nativeLinker().upcallStub(target, descriptor, Arena.global());
        } catch (ReflectiveOperationException e) {
            throw new AssertionError(e);
        }
    }

    /** In place of the library's function, for a single text of known length. */
    long create(long context, int count, MemorySegment texts, MemorySegment lengths, MemorySegment status) {
        long length = lengths.reinterpret(Long.BYTES).get(ValueLayout.JAVA_LONG, 0);
        byte[] source = texts.reinterpret(ValueLayout.ADDRESS.byteSize())
                .get(ValueLayout.ADDRESS, 0)
                .reinterpret(length)
                .toArray(ValueLayout.JAVA_BYTE);
        byte[] edited = edit.apply(new String(source, StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text =
                    arena.allocateFrom(ValueLayout.ADDRESS, arena.allocateFrom(ValueLayout.JAVA_BYTE, edited));
            MemorySegment size = arena.allocateFrom(ValueLayout.JAVA_LONG, edited.length);
            return (long) OpenClSignatures.CREATE_FROM_SOURCE.invokeExact(create, context, count, text, size, status);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
