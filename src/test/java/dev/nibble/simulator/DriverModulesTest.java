package dev.nibble.simulator;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.foreign.CudaException;
import dev.nibble.foreign.CudaFunctionAttribute;
import dev.nibble.foreign.CudaGraphs;
import dev.nibble.foreign.CudaGrid;
import dev.nibble.foreign.CudaLaunch;
import dev.nibble.foreign.CudaModules;
import dev.nibble.foreign.CudaStatus;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Modules, their functions, and launches with right and wrong arguments. */
@ExtendWith(NeedsCudaSimulator.class)
class DriverModulesTest {
    /** fill(target, value): each thread writes value + its place; table: 64 bytes. */
    static final String PTX = """
            .version 7.0
            .target sm_75
            .address_size 64
            .visible .global .align 16 .b8 table[64];
            .visible .entry fill(.param .u64 target, .param .u32 value) .maxntid 256, 1, 1
            {
                .reg .b32 %r<6>;
                .reg .b64 %rd<4>;
                ld.param.u64 %rd1, [target];
                ld.param.u32 %r1, [value];
                mov.u32 %r2, %ctaid.x;
                mov.u32 %r3, %ntid.x;
                mov.u32 %r4, %tid.x;
                mad.lo.s32 %r5, %r2, %r3, %r4;
                cvta.to.global.u64 %rd2, %rd1;
                mul.wide.s32 %rd3, %r5, 4;
                add.s64 %rd3, %rd2, %rd3;
                add.s32 %r5, %r5, %r1;
                st.global.u32 [%rd3], %r5;
                ret;
            }
            """;

    private CudaRig rig;
    private CudaModules modules;
    private long module;
    private long fill;
    private long stream;
    private long target;

    @BeforeEach
    void open() {
        rig = new CudaRig();
        modules = rig.cuda.modules();
        module = modules.load(PTX);
        fill = modules.function(module, "fill");
        stream = rig.cuda.streams().create(0);
        target = rig.cuda.memory().allocate(256);
    }

    @AfterEach
    void close() {
        modules.unload(module);
        rig.cuda.streams().destroy(stream);
        rig.cuda.memory().free(target);
        rig.close();
    }

    private MemorySegment arguments(long pointer, int value) {
        MemorySegment arguments = rig.arena.allocate(ADDRESS, 2);
        arguments.setAtIndex(ADDRESS, 0, rig.arena.allocateFrom(JAVA_LONG, pointer));
        arguments.setAtIndex(ADDRESS, 1, rig.arena.allocateFrom(JAVA_INT, value));
        return arguments;
    }

    private CudaLaunch fill(long pointer, int value, int blocks, int threads) {
        return new CudaLaunch(fill, CudaGrid.of(blocks), CudaGrid.of(threads), 0, arguments(pointer, value));
    }

    private int[] ints(int count) {
        int[] values = new int[count];
        MemorySegment.copy(
                MemorySegment.ofArray(rig.read(target, 4 * count, stream)),
                JAVA_INT.withByteAlignment(1),
                0,
                values,
                0,
                count);
        return values;
    }

    @Test
    void aKernelIsLaunchedWithItsArguments() {
        modules.launch(fill(target, 100, 2, 3), stream);
        assertArrayEquals(new int[] {100, 101, 102, 103, 104, 105}, ints(6));
        assertEquals(fill, modules.function(module, "fill"));
    }

    @Test
    void whatAModuleHoldsIsFoundByName() {
        long table = modules.global(module, "table");
        rig.cuda.memory().fillInts(table, 7, 16, stream);
        assertArrayEquals(new byte[] {7, 0, 0, 0}, rig.read(table + 60, 4, stream));
        assertEquals(CudaStatus.NOT_FOUND, CudaRig.code(() -> modules.function(module, "table")));
        assertEquals(CudaStatus.NOT_FOUND, CudaRig.code(() -> modules.global(module, "fill")));
    }

    @Test
    void functionsSayWhatTheyNeed() {
        assertEquals(256, modules.attribute(fill, CudaFunctionAttribute.MAX_THREADS_PER_BLOCK));
        assertEquals(0, modules.attribute(fill, CudaFunctionAttribute.SHARED_SIZE_BYTES));
        assertEquals(0, modules.attribute(fill, CudaFunctionAttribute.LOCAL_SIZE_BYTES));
        assertTrue(modules.attribute(fill, CudaFunctionAttribute.NUM_REGS) > 0);
        assertEquals(8, modules.maxActiveBlocks(fill, 256, 0));
        assertEquals(1, modules.maxActiveBlocks(fill, 256, 100 << 10));
        assertEquals(0, modules.maxActiveBlocks(fill, 256, 164 << 10));
        var shared = CudaFunctionAttribute.MAX_DYNAMIC_SHARED_SIZE_BYTES;
        modules.setAttribute(fill, shared, 163 << 10);
        assertEquals(163 << 10, modules.attribute(fill, shared));
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> modules.setAttribute(fill, shared, 164 << 10)));
    }

    @Test
    void launchesThatCannotBeAreRefused() {
        int invalid = CudaStatus.INVALID_VALUE;
        assertEquals(invalid, CudaRig.code(() -> modules.launch(fill(target, 0, 0, 32), stream)));
        assertEquals(invalid, CudaRig.code(() -> modules.launch(fill(target, 0, 1, 2000), stream)));
        assertNotEquals(0, CudaRig.code(() -> modules.launch(fill(target, 0, 1, 512), stream)));
        var shared = new CudaLaunch(fill, CudaGrid.of(1), CudaGrid.of(1), 50 << 10, arguments(target, 0));
        assertEquals(invalid, CudaRig.code(() -> modules.launch(shared, stream)));
        var none = new CudaLaunch(fill, CudaGrid.of(1), CudaGrid.of(1), 0, MemorySegment.NULL);
        assertEquals(invalid, CudaRig.code(() -> modules.launch(none, stream)));
        var wrong = new CudaLaunch(module, CudaGrid.of(1), CudaGrid.of(1), 0, arguments(target, 0));
        assertEquals(CudaStatus.INVALID_HANDLE, CudaRig.code(() -> modules.launch(wrong, stream)));
        rig.cuda.contexts().push(rig.context[1]);
        assertEquals(CudaStatus.INVALID_HANDLE, CudaRig.code(() -> modules.launch(fill(target, 0, 1, 1), 0)));
        rig.cuda.contexts().pop();
        modules.launch(fill(target, 0, 1, 1), stream);
        assertArrayEquals(new int[] {0}, ints(1));
    }

    @ParameterizedTest
    @CsvSource({
        "no PTX at all, '', 200, .version",
        ".version 7.0, .version 9.9, 222, 9.9",
        ".target sm_75, .target sm_90, 218, sm_90",
        "st.global.u32, st.nowhere.u32, 218, st.nowhere",
        "mad.lo.s32 %r5, mad.lo.s32 %r99999, 218, %r99999",
    })
    void modulesThatCannotBeLoadedAreExplained(String part, String replacement, int code, String explanation) {
        String ptx = replacement.isEmpty() ? part : PTX.replace(part, replacement);
        CudaException error = assertThrows(CudaException.class, () -> modules.load(ptx));
        assertEquals(code, error.code());
        assertTrue(error.log().contains(explanation), error.log());
        assertTrue(error.getMessage().contains(error.log()), error.getMessage());
    }

    @Test
    void aFunctionEndsWithItsModule() {
        long other = modules.load(PTX);
        long function = modules.function(other, "fill");
        assertNotEquals(fill, function);
        modules.launch(new CudaLaunch(function, CudaGrid.of(1), CudaGrid.of(4), 0, arguments(target, 1)), stream);
        modules.unload(other);
        assertArrayEquals(new int[] {1, 2, 3, 4}, ints(4));
        assertEquals(CudaStatus.INVALID_HANDLE, CudaRig.code(() -> modules.unload(other)));
        assertEquals(
                CudaStatus.INVALID_HANDLE,
                CudaRig.code(() -> modules.attribute(function, CudaFunctionAttribute.NUM_REGS)));
    }

    @Test
    void aKernelThatGoesWrongBreaksItsContext() {
        modules.launch(fill(target, 0, 1, 65), stream);
        CudaException error =
                assertThrows(CudaException.class, () -> rig.cuda.streams().synchronize(stream));
        assertEquals(CudaStatus.ILLEGAL_ADDRESS, error.code());
        assertTrue(error.isContextLost());
        assertTrue(error.getMessage().contains("fill"), error.getMessage());
        assertEquals(CudaStatus.ILLEGAL_ADDRESS, CudaRig.code(() -> modules.launch(fill(target, 0, 1, 1), stream)));
        assertEquals(CudaStatus.ILLEGAL_ADDRESS, CudaRig.code(() -> modules.load(PTX)));
        assertEquals(CudaStatus.ILLEGAL_ADDRESS, CudaRig.code(() -> modules.unload(module)));
        assertEquals(
                CudaStatus.ILLEGAL_ADDRESS,
                CudaRig.code(() -> rig.cuda.streams().destroy(stream)));
        assertEquals(
                CudaStatus.ILLEGAL_ADDRESS, CudaRig.code(() -> rig.cuda.memory().free(target)));
        rig.renewContext(0);
        open(rig);
    }

    /** What every test ends with, in a context that a test made. */
    private void open(CudaRig open) {
        module = modules.load(PTX);
        fill = modules.function(module, "fill");
        stream = open.cuda.streams().create(0);
        target = open.cuda.memory().allocate(256);
    }

    @Test
    void aLaunchThatIsToFailFails() {
        rig.simulator.fail("kernel@2=719");
        modules.launch(fill(target, 0, 1, 1), stream);
        rig.cuda.streams().synchronize(stream);
        modules.launch(fill(target, 0, 1, 1), stream);
        assertEquals(
                CudaStatus.LAUNCH_FAILED, CudaRig.code(() -> rig.cuda.streams().synchronize(stream)));
        assertTrue(rig.simulator.message().contains("fill"), rig.simulator.message());
        assertEquals(CudaStatus.LAUNCH_FAILED, CudaRig.code(() -> modules.unload(module)));
        assertEquals(
                CudaStatus.LAUNCH_FAILED, CudaRig.code(() -> rig.cuda.streams().destroy(stream)));
        assertEquals(
                CudaStatus.LAUNCH_FAILED, CudaRig.code(() -> rig.cuda.memory().free(target)));
        rig.renewContext(0);
        open(rig);
    }

    @Test
    void aKernelReachesAPeersMemoryOnlyWhereItMay() {
        rig.cuda.contexts().push(rig.context[1]);
        long far = rig.cuda.memory().allocate(256);
        rig.cuda.contexts().pop();
        rig.cuda.contexts().enablePeerAccess(rig.context[1]);
        modules.launch(fill(far, 5, 1, 2), stream);
        assertArrayEquals(new byte[] {5, 0, 0, 0, 6, 0, 0, 0}, rig.read(far, 8, stream));
        rig.cuda.contexts().disablePeerAccess(rig.context[1]);
        modules.launch(fill(far, 5, 1, 2), stream);
        assertEquals(
                CudaStatus.ILLEGAL_ADDRESS,
                CudaRig.code(() -> rig.cuda.streams().synchronize(stream)));
        CudaRig.code(() -> modules.unload(module));
        CudaRig.code(() -> rig.cuda.streams().destroy(stream));
        CudaRig.code(() -> rig.cuda.memory().free(target));
        rig.renewContext(0);
        rig.cuda.memory().free(far);
        open(rig);
    }

    @Test
    void theKernelOfANodeCanBeReplaced() {
        CudaGraphs graphs = rig.cuda.graphs();
        graphs.beginCapture(stream, CudaGraphs.CAPTURE_THREAD_LOCAL);
        rig.cuda.memory().fillBytes(target, (byte) 0, 16, stream);
        modules.launch(fill(target, 100, 1, 3), stream);
        long graph = graphs.endCapture(stream);
        long[] nodes = graphs.nodes(graph);
        assertEquals(2, nodes.length);
        assertEquals(CudaGraphs.KERNEL_NODE, graphs.nodeType(nodes[1]));
        long execution = graphs.instantiate(graph);
        graphs.launch(execution, stream);
        assertArrayEquals(new int[] {100, 101, 102, 0}, ints(4));
        graphs.setKernel(execution, nodes[1], fill(target, 200, 2, 2));
        graphs.launch(execution, stream);
        assertArrayEquals(new int[] {200, 201, 202, 203}, ints(4));
        assertEquals(
                CudaStatus.INVALID_VALUE,
                CudaRig.code(() -> graphs.setKernel(execution, nodes[0], fill(target, 200, 2, 2))));
        graphs.destroy(graph);
        graphs.destroyExecution(execution);
    }
}
