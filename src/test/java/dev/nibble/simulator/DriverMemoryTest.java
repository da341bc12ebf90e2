package dev.nibble.simulator;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.nibble.foreign.CudaMemory;
import dev.nibble.foreign.CudaPointerAttribute;
import dev.nibble.foreign.CudaStatus;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Device memory, pinned memory, copies and fills, with right and wrong arguments. */
@ExtendWith(NeedsCudaSimulator.class)
class DriverMemoryTest {
    private CudaRig rig;
    private CudaMemory memory;
    private long stream;

    @BeforeEach
    void open() {
        rig = new CudaRig();
        memory = rig.cuda.memory();
        stream = rig.cuda.streams().create(0);
    }

    @AfterEach
    void close() {
        rig.cuda.streams().destroy(stream);
        rig.close();
    }

    @Test
    void memoryIsCountedAndLimited() {
        long free = memory.free();
        assertEquals(8L << 30, memory.total());
        long first = memory.allocate(1);
        long second = memory.allocate(3L << 30);
        assertEquals(0, first % 256);
        assertEquals(0, second % 256);
        assertTrue(memory.free() <= free - (3L << 30) - 1, () -> "free " + memory.free());
        assertEquals(CudaStatus.OUT_OF_MEMORY, CudaRig.code(() -> memory.allocate(6L << 30)));
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> memory.allocate(0)));
        memory.free(first);
        memory.free(second);
        assertEquals(free, memory.free());
    }

    @Test
    void onlyWholeAllocationsAreFreedAndOnlyOnce() {
        long pointer = memory.allocate(512);
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> memory.free(pointer + 256)));
        memory.free(pointer);
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> memory.free(pointer)));
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> memory.free(64)));
        memory.free(0);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 4, 255, 4096, 100_003})
    void copiesBringEveryByte(int bytes) {
        long first = memory.allocate(bytes + 7L);
        long second = memory.allocate(bytes + 7L);
        MemorySegment source = rig.random(bytes, bytes);
        memory.fillBytes(first, (byte) 0x11, bytes + 7L, stream);
        memory.fillBytes(second, (byte) 0x22, bytes + 7L, stream);
        memory.toDevice(first + 3, source, stream);
        memory.copy(second + 5, first + 3, bytes, stream);
        byte[] expected = new byte[bytes + 7];
        Arrays.fill(expected, (byte) 0x22);
        MemorySegment.copy(source, JAVA_BYTE, 0, expected, 5, bytes);
        assertArrayEquals(expected, rig.read(second, bytes + 7, stream));
        memory.free(first);
        memory.free(second);
    }

    @Test
    void fillsRepeatTheirValue() {
        long pointer = memory.allocate(64);
        memory.fillBytes(pointer, (byte) -2, 64, stream);
        memory.fillInts(pointer + 4, 0x12345678, 3, stream);
        byte[] expected = new byte[64];
        Arrays.fill(expected, (byte) -2);
        for (int i = 0; i < 3; i++) {
            MemorySegment.ofArray(expected).set(JAVA_INT.withByteAlignment(1), 4 + 4L * i, 0x12345678);
        }
        assertArrayEquals(expected, rig.read(pointer, 64, stream));
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> memory.fillInts(pointer + 2, 0, 1, stream)));
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> memory.fillInts(pointer, 0, 17, stream)));
        memory.free(pointer);
    }

    @Test
    void copiesBeyondAnAllocationAreRefused() {
        long pointer = memory.allocate(100);
        MemorySegment host = rig.random(1, 101);
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> memory.toDevice(pointer, host, stream)));
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> memory.toHost(host, pointer, stream)));
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> memory.copy(pointer, pointer + 1, 100, stream)));
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> memory.toDevice(0, host, stream)));
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> memory.toDevice(host.address(), host, stream)));
        assertEquals(CudaStatus.INVALID_HANDLE, CudaRig.code(() -> memory.toDevice(pointer, host.asSlice(1), 99)));
        memory.free(pointer);
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> memory.toDevice(pointer, host, stream)));
    }

    @Test
    void pageableMemoryIsReadAtTheCallAndPinnedMemoryLater() {
        MemorySegment pinned = memory.allocateHost(16, CudaMemory.PORTABLE);
        MemorySegment pageable = rig.arena.allocate(16);
        long pointer = memory.allocate(32);
        rig.simulator.fail("copy@1+=slow:100");
        pinned.fill((byte) 1);
        pageable.fill((byte) 1);
        memory.toDevice(pointer, pageable, stream);
        memory.toDevice(pointer + 16, pinned, stream);
        pinned.fill((byte) 2);
        pageable.fill((byte) 2);
        byte[] expected = new byte[32];
        Arrays.fill(expected, 0, 16, (byte) 1);
        Arrays.fill(expected, 16, 32, (byte) 2);
        assertArrayEquals(expected, rig.read(pointer, 32, stream));
        memory.freeHost(pinned);
        memory.free(pointer);
    }

    @Test
    void pinnedMemoryIsFilledLater() {
        MemorySegment pinned = memory.allocateHost(16, 0);
        long pointer = memory.allocate(16);
        memory.fillBytes(pointer, (byte) 7, 16, stream);
        pinned.fill((byte) 0);
        rig.simulator.fail("copy@1=slow:200");
        memory.toHost(pinned, pointer, stream);
        assertEquals(0, pinned.get(JAVA_BYTE, 15));
        rig.cuda.streams().synchronize(stream);
        assertEquals(7, pinned.get(JAVA_BYTE, 15));
        memory.freeHost(pinned);
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> memory.freeHost(pinned)));
        assertEquals(CudaStatus.INVALID_VALUE, CudaRig.code(() -> memory.allocateHost(0, 0)));
        memory.free(pointer);
    }

    @Test
    void pointersSayWhatTheyBelongTo() {
        rig.cuda.contexts().push(rig.context[1]);
        long pointer = memory.allocate(1000);
        rig.cuda.contexts().pop();
        assertEquals(rig.context[1], memory.attribute(pointer + 999, CudaPointerAttribute.CONTEXT));
        assertEquals(CudaMemory.DEVICE, memory.attribute(pointer, CudaPointerAttribute.MEMORY_TYPE));
        assertEquals(1, memory.attribute(pointer, CudaPointerAttribute.DEVICE_ORDINAL));
        assertArrayEquals(
                new long[] {pointer, 1000, pointer + 5},
                memory.attributes(
                        pointer + 5,
                        CudaPointerAttribute.RANGE_START,
                        CudaPointerAttribute.RANGE_SIZE,
                        CudaPointerAttribute.DEVICE_POINTER));
        MemorySegment pinned = memory.allocateHost(10, 0);
        assertEquals(CudaMemory.HOST, memory.attribute(pinned.address(), CudaPointerAttribute.MEMORY_TYPE));
        assertEquals(pinned.address() + 1, memory.attribute(pinned.address() + 1, CudaPointerAttribute.HOST_POINTER));
        memory.freeHost(pinned);
        memory.free(pointer);
        assertEquals(
                CudaStatus.INVALID_VALUE,
                CudaRig.code(() -> memory.attribute(pointer, CudaPointerAttribute.MEMORY_TYPE)));
        assertArrayEquals(
                new long[] {0, 0},
                memory.attributes(pointer, CudaPointerAttribute.MEMORY_TYPE, CudaPointerAttribute.CONTEXT));
    }

    @Test
    void freedMemoryWaitsForWhatIsEnqueued() {
        long pointer = memory.allocate(16);
        MemorySegment pinned = memory.allocateHost(16, 0);
        pinned.fill((byte) 0);
        memory.fillBytes(pointer, (byte) 9, 16, stream);
        rig.simulator.fail("copy@1=slow:100");
        memory.toHost(pinned, pointer, stream);
        memory.free(pointer);
        assertEquals(9, pinned.get(JAVA_BYTE, 0));
        memory.freeHost(pinned);
    }
}
