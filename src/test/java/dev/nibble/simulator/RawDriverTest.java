package dev.nibble.simulator;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.foreign.CudaStatus;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Functions of the driver that applications call and this project does not. */
@ExtendWith(NeedsCudaSimulator.class)
class RawDriverTest {
    private static final long LEGACY = 1;
    private static final long PER_THREAD = 2;

    private final RawDriver driver = new RawDriver();
    private CudaRig rig;
    private MemorySegment result;

    @BeforeEach
    void open() {
        rig = new CudaRig();
        result = rig.arena.allocate(JAVA_LONG);
    }

    @AfterEach
    void close() {
        rig.close();
    }

    private void good(String symbol, Object... arguments) {
        assertEquals(0, driver.call(symbol, arguments), symbol);
    }

    private long made(String symbol, Object... others) {
        Object[] arguments = new Object[others.length + 1];
        arguments[0] = result;
        System.arraycopy(others, 0, arguments, 1, others.length);
        good(symbol, arguments);
        return result.get(JAVA_LONG, 0);
    }

    @Test
    void contextsAreMadeAndDestroyed() {
        long context = made("cuCtxCreate_v2", 0, rig.device[1]);
        assertEquals(context, rig.cuda.contexts().current());
        assertEquals(rig.device[1], rig.cuda.contexts().device());
        assertNotEquals(rig.context[1], context);
        long stream = rig.cuda.streams().create(0);
        good("cuCtxDestroy_v2", context);
        assertEquals(rig.context[0], rig.cuda.contexts().current());
        assertEquals(
                CudaStatus.INVALID_HANDLE, CudaRig.code(() -> rig.cuda.streams().synchronize(stream)));
        assertEquals(CudaStatus.INVALID_CONTEXT, driver.call("cuCtxDestroy_v2", context));
        assertEquals(CudaStatus.INVALID_CONTEXT, driver.call("cuCtxDestroy_v2", rig.context[0]));
        assertEquals(CudaStatus.INVALID_DEVICE, driver.call("cuCtxCreate_v2", result, 0, 9));
        assertEquals(1L, rig.simulator.leaks().get(3));
    }

    @Test
    void copiesThatWaitAreDoneWhenTheyReturn() {
        MemorySegment source = rig.random(5, 100);
        MemorySegment target = rig.arena.allocate(100);
        long first = made("cuMemAlloc_v2", 100L);
        long second = made("cuMemAlloc_v2", 100L);
        rig.simulator.fail("copy@1+=slow:20");
        good("cuMemcpyHtoD_v2", first, source, 100L);
        good("cuMemcpyDtoD_v2", second, first, 100L);
        good("cuMemsetD8_v2", second + 1, 3, 1L);
        good("cuMemcpyDtoH_v2", target, second, 100L);
        byte[] expected = source.toArray(JAVA_BYTE);
        expected[1] = 3;
        assertArrayEquals(expected, target.toArray(JAVA_BYTE));
        good("cuMemcpy", first, target.address(), 100L);
        good("cuMemcpy", source.address(), first, 100L);
        assertArrayEquals(expected, source.toArray(JAVA_BYTE));
        good("cuMemFree_v2", first);
        good("cuMemFree_v2", second);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, LEGACY, PER_THREAD})
    void defaultStreamsHaveNumbers(long stream) {
        long pointer = rig.cuda.memory().allocate(8);
        rig.cuda.memory().fillBytes(pointer, (byte) 6, 8, stream);
        assertEquals(6, rig.read(pointer, 8, stream)[7]);
        assertEquals(rig.context[0], rig.cuda.streams().context(stream));
        rig.cuda.memory().free(pointer);
    }

    @Test
    void argumentsMayComeAsOneBlock() {
        long module = rig.cuda.modules().load(DriverModulesTest.PTX);
        long function = rig.cuda.modules().function(module, "fill");
        long pointer = rig.cuda.memory().allocate(16);
        MemorySegment block = rig.arena.allocate(16);
        block.set(JAVA_LONG, 0, pointer);
        block.set(JAVA_INT, 8, 40);
        MemorySegment size = rig.arena.allocateFrom(JAVA_LONG, 12);
        MemorySegment extra = rig.arena.allocateFrom(JAVA_LONG, 1, block.address(), 2, size.address(), 0);
        good("cuLaunchKernel", function, 1, 1, 1, 4, 1, 1, 0, 0L, MemorySegment.NULL, extra);
        assertArrayEquals(new byte[] {43, 0, 0, 0}, rig.read(pointer + 12, 4, 0));
        size.set(JAVA_LONG, 0, 8);
        assertEquals(
                CudaStatus.INVALID_VALUE,
                driver.call("cuLaunchKernel", function, 1, 1, 1, 4, 1, 1, 0, 0L, MemorySegment.NULL, extra));
        rig.cuda.modules().unload(module);
        rig.cuda.memory().free(pointer);
    }

    @ParameterizedTest
    @CsvSource({
        "cuMemAlloc, 12000, 0, cuMemAlloc_v2",
        "cuGraphExecKernelNodeSetParams, 11040, 0, cuGraphExecKernelNodeSetParams",
        "cuGraphExecKernelNodeSetParams, 12000, 0, cuGraphExecKernelNodeSetParams_v2",
        "cuMemAlloc, 2000, 2, ''",
        "cuNoSuchFunction, 12000, 1, ''",
    })
    void functionsAreFoundByNameAndVersion(String name, int version, int answer, String symbol) {
        MemorySegment address = rig.arena.allocate(ADDRESS);
        good("cuGetProcAddress_v2", rig.arena.allocateFrom(name), address, version, 0L, result);
        assertEquals(answer, result.get(JAVA_INT, 0));
        assertEquals(symbol.isEmpty(), address.get(ADDRESS, 0).address() == 0);
        assertTrue(symbol.isEmpty()
                || driver.addressOf(symbol) == address.get(ADDRESS, 0).address());
    }

    @ParameterizedTest
    @ValueSource(strings = {"cuMemAllocManaged", "cuTexObjectCreate", "cuGraphAddMemcpyNode", "cuGetExportTable"})
    void whatIsNotSimulatedSaysSo(String symbol) {
        assertEquals(CudaStatus.NOT_SUPPORTED, driver.call(symbol, result, 0L, 0L));
        assertTrue(rig.simulator.message().contains(symbol), rig.simulator.message());
    }

    @Test
    void nullPointersAreRefused() {
        MemorySegment none = MemorySegment.NULL;
        int refused = CudaStatus.INVALID_VALUE;
        assertEquals(refused, driver.call("cuMemAlloc_v2", none, 16L));
        assertEquals(refused, driver.call("cuDeviceGetCount", none));
        assertEquals(refused, driver.call("cuStreamCreate", none, 0));
        assertEquals(refused, driver.call("cuModuleLoadData", result, none));
        assertEquals(refused, driver.call("cuMemGetInfo_v2", none, none));
        assertEquals(refused, driver.call("cuGetErrorName", 12345, result));
        assertFalse(driver.has("cuNoSuchFunction"));
    }
}
