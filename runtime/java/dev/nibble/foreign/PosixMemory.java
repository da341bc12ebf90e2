package dev.nibble.foreign;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.nibble.OutOfCapacityException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;

/**
 * Memory straight from the kernel of Linux, on pages of 2 MiB where the system allows them: one entry of the processor's
 * address cache then covers 512 small pages. Elsewhere {@link #isAvailable} is false.
 *
 * <p>Source: mmap(2), madvise(2); the numbers are those of Linux on x86-64 and aarch64.
 */
@SuppressWarnings("restricted") // this package is where native memory is bound
public final class PosixMemory {
    /** The size of a huge page. */
    public static final long HUGE_PAGE = 2L << 20;

    private static final int PROT_READ_WRITE = 1 | 2;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x02 | 0x20;
    private static final int MADV_DONTNEED = 4;
    private static final int MADV_HUGEPAGE = 14;
    private static final int MADV_COLLAPSE = 25;
    private static final long SMALL_PAGE = 4096;

    /** Without leave for native access, a first call would print the virtual machine's warning into the user's program. */
    private static final boolean AVAILABLE = System.getProperty("os.name").equals("Linux")
            && PosixMemory.class.getModule().isNativeAccessEnabled();

    private PosixMemory() {}

    /** Whether this system has these calls and this program was given native access. */
    public static boolean isAvailable() {
        return AVAILABLE;
    }

    /**
     * Maps zeroed memory that starts where a huge page may.
     *
     * @param bytes the size, at least 1
     * @param hugePages advise the system to use huge pages for it: quicker to read at random, slower to come by
     * @param arena unmaps the memory when it closes
     * @throws OutOfCapacityException if the kernel refuses, with its error number
     */
    public static MemorySegment map(long bytes, boolean hugePages, Arena arena) {
        long reserved = bytes + HUGE_PAGE;
        try (Arena call = Arena.ofConfined()) {
            MemorySegment state = call.allocate(Calls.STATE);
            MemorySegment mapped = (MemorySegment) Calls.MMAP.invokeExact(
                    state, MemorySegment.NULL, reserved, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0L);
            if (mapped.address() == -1) {
                throw new OutOfCapacityException("mmap of " + bytes + " bytes failed with error " + error(state));
            }
            long start = roundUp(mapped.address());
            long huge = bytes / HUGE_PAGE * HUGE_PAGE;
            if (hugePages && huge > 0) {
                // Where huge pages are switched off, this fails and the memory stays on small pages, which is only
                // slower.
                int ignored =
                        (int) Calls.MADVISE.invokeExact(state, MemorySegment.ofAddress(start), huge, MADV_HUGEPAGE);
            }
            return MemorySegment.ofAddress(start).reinterpret(bytes, arena, segment -> unmap(mapped, reserved));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("mmap cannot throw", e);
        }
    }

    /**
     * Moves memory that {@link #map} gave to huge pages, which takes a few milliseconds for each; it stays where it is in the address
     * space and may be used meanwhile.
     *
     * @param segment starts and ends on huge pages
     * @return false if the system does not do that: Linux before 6.1, or huge pages are switched off
     */
    public static boolean collapse(MemorySegment segment) {
        try (Arena call = Arena.ofConfined()) {
            return 0
                    == (int) Calls.MADVISE.invokeExact(
                            call.allocate(Calls.STATE), segment, segment.byteSize(), MADV_COLLAPSE);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("madvise cannot throw", e);
        }
    }

    /**
     * Takes the pages of a mapped file out of this process's resident memory; they are read again when touched. Does
     * nothing for memory that is not mapped from a file, or where the call is missing.
     *
     * @param segment a part of a read-only mapped file; only whole pages within it are affected
     */
    public static void release(MemorySegment segment) {
        if (!AVAILABLE || !segment.isMapped() || !segment.isReadOnly()) {
            return;
        }
        long start = (segment.address() + SMALL_PAGE - 1) / SMALL_PAGE * SMALL_PAGE;
        long end = (segment.address() + segment.byteSize()) / SMALL_PAGE * SMALL_PAGE;
        if (start >= end) {
            return;
        }
        try (Arena call = Arena.ofConfined()) {
            int ignored = (int) Calls.MADVISE.invokeExact(
                    call.allocate(Calls.STATE), MemorySegment.ofAddress(start), end - start, MADV_DONTNEED);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("madvise cannot throw", e);
        }
    }

    private static void unmap(MemorySegment mapped, long bytes) {
        try (Arena call = Arena.ofConfined()) {
            MemorySegment state = call.allocate(Calls.STATE);
            if ((int) Calls.MUNMAP.invokeExact(state, mapped, bytes) != 0) {
                throw new IllegalStateException("munmap of " + bytes + " bytes at 0x"
                        + Long.toHexString(mapped.address()) + " failed with error " + error(state));
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("munmap cannot throw", e);
        }
    }

    private static int error(MemorySegment state) {
        return (int) Calls.ERRNO.get(state, 0L);
    }

    private static long roundUp(long address) {
        return (address + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    }

    /** The bound functions, looked up when first needed. */
    private static final class Calls {
        static final StructLayout STATE = Linker.Option.captureStateLayout();
        static final VarHandle ERRNO = STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
        static final MethodHandle MMAP = bind(
                "mmap", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
        static final MethodHandle MUNMAP = bind("munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));
        static final MethodHandle MADVISE =
                bind("madvise", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));

        private static MethodHandle bind(String name, FunctionDescriptor type) {
            Linker linker = Linker.nativeLinker();
            return linker.downcallHandle(
                    linker.defaultLookup().findOrThrow(name), type, Linker.Option.captureCallState("errno"));
        }
    }
}
