package dev.nibble.device.cpu;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.nibble.quant.Grid;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/** Hands the points of grids to the library of native kernels, which has no files to read them from. */
@SuppressWarnings("restricted") // a device package binds its kernels
final class NativeGrids {
    private NativeGrids() {}

    /** Sets all grids, if the processor can look points up; whether it can. */
    static boolean load(SymbolLookup library) {
        if (!NativeCalls.supported(library, "nibble_grids_supported")) {
            return false;
        }
        MethodHandle setGrid = Linker.nativeLinker()
                .downcallHandle(
                        library.findOrThrow("nibble_set_grid"),
                        FunctionDescriptor.ofVoid(JAVA_LONG, ADDRESS),
                        Linker.Option.critical(true));
        for (Grid grid : Grid.values()) {
            try {
                setGrid.invokeExact((long) grid.ordinal(), MemorySegment.ofArray(GridTables.codes(grid)));
            } catch (Throwable e) {
                throw NativeKernels.unexpected(e);
            }
        }
        return true;
    }
}
